#include "publish/venus/service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace esshub::publish {
namespace {

const VenusIdentity identity{"0242ac110002", "cottage", "1.2.3"};

std::optional<VenusValue> get(const std::vector<VenusRow>& rows, std::string_view service,
                              std::string_view path) {
  for (const auto& row : rows)
    if (row.service == service && row.path == path) return row.value;
  ADD_FAILURE() << service << path << " is not published";
  return std::nullopt;
}

TEST(VenusService, EveryServiceOfTheTreeIsKnownAndHasTheMandatoryPaths) {
  const auto rows = venus_items(identity, View{});
  std::set<std::string_view> seen;
  for (const auto& row : rows) seen.insert(row.service);
  EXPECT_EQ(seen.size(), venus_services().size());
  for (const auto service : seen) {
    ASSERT_TRUE(find_service(service)) << service;
    for (const auto* path :
         {"/Mgmt/ProcessName", "/Mgmt/ProcessVersion", "/Mgmt/Connection", "/DeviceInstance",
          "/ProductId", "/ProductName", "/CustomName", "/Connected"})
      EXPECT_TRUE(get(rows, service, path).has_value()) << service << path;
    EXPECT_FALSE(get(rows, service, "/HardwareVersion").has_value()) << "it is not read";
  }
}

TEST(VenusService, NoPathStandsTwiceAndEachServiceStandsTogether) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::set<std::string_view> closed;
  std::string_view last;
  for (const auto& row : venus_items(identity, View{})) {
    EXPECT_TRUE(seen.insert({row.service, row.path}).second) << row.service << row.path;
    if (row.service != last) {
      EXPECT_TRUE(closed.insert(row.service).second) << row.service;
    }
    last = row.service;
  }
}

TEST(VenusService, BusNamesBeginWithTheirClassAndNoElementWithADigit) {
  for (const auto& service : venus_services()) {
    EXPECT_TRUE(service.bus_name.starts_with("com.victronenergy." + std::string{service.service}));
    for (std::size_t i = 1; i < service.bus_name.size(); ++i)
      EXPECT_FALSE(service.bus_name[i - 1] == '.' && std::isdigit(service.bus_name[i]));
  }
}

TEST(VenusService, TheSystemsSerialIsThePortal) {
  const auto rows = venus_items(identity, View{});
  EXPECT_EQ(get(rows, "system", "/Serial"), VenusValue{"0242ac110002"});
  EXPECT_EQ(get(rows, "system", "/CustomName"), VenusValue{"cottage"});
  EXPECT_EQ(get(rows, "grid", "/Mgmt/ProcessVersion"), VenusValue{"1.2.3"});
}

/// Victron's system service compares it with an integer.
TEST(VenusService, TheFirmwareOfTheInverterIsAnInteger) {
  View view;
  EXPECT_EQ(get(venus_items(identity, view), "vebus", "/FirmwareVersion"), std::nullopt);
  view.buses.resize(2);
  view.buses[1].driver.firmware = 2648556;
  EXPECT_EQ(get(venus_items(identity, view), "vebus", "/FirmwareVersion"), VenusValue{0x556});
  view.buses[1].driver.firmware = 2654007;
  EXPECT_EQ(get(venus_items(identity, view), "vebus", "/FirmwareVersion"), VenusValue{0x007});
  EXPECT_EQ(get(venus_items(identity, view), "battery", "/FirmwareVersion"), std::nullopt);
  EXPECT_EQ(get(venus_items(identity, view), "grid", "/FirmwareVersion"), VenusValue{"1.2.3"});
}

TEST(VenusService, TheAcInputIsTheGridMeterWhereThereIsOne) {
  auto rows = venus_items(identity, View{});
  EXPECT_EQ(get(rows, "system", "/Ac/In/0/ServiceName"),
            VenusValue{"com.victronenergy.grid.sdm630_l1"});
  EXPECT_EQ(get(rows, "system", "/Ac/In/0/ServiceType"), VenusValue{"grid"});
  EXPECT_EQ(get(rows, "system", "/Ac/In/0/DeviceInstance"), VenusValue{30});
  auto without = identity;
  without.grid = false;
  rows = venus_items(without, View{});
  EXPECT_EQ(get(rows, "system", "/Ac/In/0/ServiceName"), VenusValue{"com.victronenergy.vebus.mk3"});
  EXPECT_EQ(get(rows, "system", "/Ac/In/0/ServiceType"), VenusValue{"vebus"});
  EXPECT_EQ(get(rows, "system", "/Ac/In/0/DeviceInstance"), VenusValue{288});
}

TEST(VenusService, TheSystemNamesTheBattery) {
  View view;
  auto rows = venus_items(identity, view);
  EXPECT_EQ(get(rows, "system", "/ActiveBatteryService"),
            VenusValue{"com.victronenergy.battery/512"});
  EXPECT_THAT(std::get<std::string_view>(*get(rows, "system", "/AvailableBatteryServices")),
              testing::HasSubstr("\"com.victronenergy.battery/512\""));
  const auto batteries = get(rows, "system", "/Batteries");
  EXPECT_EQ(venus_text({"system", "/Batteries", batteries}), "1");
  const auto& battery = std::get<std::vector<VenusMap>>(*batteries).at(0);
  EXPECT_THAT(battery, testing::Contains(testing::Pair("instance", VenusEntry{512})));
  for (const auto& [key, value] : battery) EXPECT_NE(key, "soc") << "it is not known";
}

TEST(VenusService, NumbersAreRoundedToAThousandth) {
  View view;
  view.max_age = 3s;
  view.snapshot.absorb({{Point::grid, Measure::voltage}, 230.10000610351562, Instant{}});
  view.snapshot.absorb({{Point::grid, Measure::power}, -0.0001, Instant{}});
  const auto rows = venus_items(identity, view);
  EXPECT_EQ(get(rows, "grid", "/Ac/L1/Voltage"), VenusValue{230.1});
  EXPECT_FALSE(std::signbit(std::get<double>(*get(rows, "grid", "/Ac/Power"))));
}

TEST(VenusService, TextsCarryTheUnit) {
  EXPECT_EQ(venus_text({"grid", "/Ac/L1/Power", -512.4}), "-512W");
  EXPECT_EQ(venus_text({"grid", "/Ac/L1/Power", -0.4}), "0W");
  EXPECT_EQ(venus_text({"grid", "/Ac/L1/Voltage", 230.12}), "230.1V");
  EXPECT_EQ(venus_text({"grid", "/Ac/Energy/Forward", 1234.567}), "1234.57kWh");
  EXPECT_EQ(venus_text({"battery", "/Soc", 54.0}), "54.0%");
  EXPECT_EQ(venus_text({"battery", "/ProductId", 0xB009}), "0xB009");
  EXPECT_EQ(venus_text({"battery", "/TimeToGo", 3600}), "3600s");
  EXPECT_EQ(venus_text({"vebus", "/State", 252}), "252");
  EXPECT_EQ(venus_text({"battery", "/Manufacturer", "PYLON"}), "PYLON");
  EXPECT_EQ(venus_text({"battery", "/Soc", std::nullopt}), "---");
}

}  // namespace
}  // namespace esshub::publish
