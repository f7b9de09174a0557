#include <algorithm>
#include <iterator>
#include <set>

#include "tests/publish/mqtt/session.hpp"

namespace esshub::publish {
namespace {

TEST_F(Home, OneMessageDescribesTheDevice) {
  const auto json = device();
  EXPECT_EQ(json["device"]["name"], "cottage");
  EXPECT_EQ(json["device"]["identifiers"], Json::array({"esshub_0242ac110002"}));
  EXPECT_EQ(json["origin"]["name"], "esshub");
  std::set<std::string> unique;
  for (const auto& [id, component] : json["components"].items()) {
    EXPECT_TRUE(unique.insert(component["unique_id"]).second) << id;
    EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
    EXPECT_TRUE(component.contains("platform")) << id;
    EXPECT_EQ(component["availability"][0]["topic"], "esshub/0242ac110002/availability") << id;
  }
}

TEST_F(Home, EnergyIsTotalIncreasingAndEveryStateExpires) {
  const auto components = device()["components"];
  int energies = 0;
  for (const auto& [id, component] : components.items()) {
    const auto platform = component["platform"];
    if (platform != "sensor" && platform != "binary_sensor") continue;
    EXPECT_EQ(component["expire_after"], 15) << id;
    EXPECT_EQ(component["availability_mode"], "all") << id;
    const auto is_energy = component.value("device_class", "") == "energy";
    EXPECT_EQ(component.value("state_class", "") == "total_increasing", is_energy) << id;
    if (is_energy) {
      EXPECT_EQ(component["unit_of_measurement"], "kWh") << id;
    }
    if (component.value("device_class", "") == "enum") {
      EXPECT_FALSE(component["options"].empty()) << id;
    }
    energies += is_energy;
  }
  EXPECT_EQ(energies, static_cast<int>(2 * enum_count<Flow>)) << "since installed, and today";
  EXPECT_EQ(components["grid_power"]["availability"][1]["topic"],
            "esshub/0242ac110002/source/meter");
}

TEST_F(Home, PricesAndMoneyHaveTheCurrency) {
  const auto components = device()["components"];
  EXPECT_EQ(components["import_price"]["unit_of_measurement"], "GBP/kWh");
  for (const auto* id : {"import_cost_today", "export_income_today"}) {
    EXPECT_EQ(components[id]["unit_of_measurement"], "GBP") << id;
    EXPECT_EQ(components[id]["device_class"], "monetary") << id;
    EXPECT_FALSE(components[id].contains("state_class")) << id;
  }
}

TEST_F(Home, NoOptionIsCalledNone) {
  const auto components = device()["components"];
  for (const auto& [id, component] : components.items())
    for (const auto& option : component.value("options", Json::array()))
      EXPECT_NE(option, "none") << id << ": Home Assistant shows it as unknown";
  EXPECT_EQ(components["override"]["options"][0], "off");
}

TEST_F(Home, ThePageIsTheConfigurationUrl) {
  EXPECT_EQ(device()["device"]["configuration_url"], "http://hub.local:8750/");
  house.page.clear();
  make();
  session->on_connect(now);
  EXPECT_FALSE(device()["device"].contains("configuration_url"));
}

/// What has nothing but its platform is removed where an earlier run announced it.
TEST_F(Home, AHouseIsNotOfferedWhatItCanNeverHave) {
  const auto offered = [&](HouseFacts facts) {
    house = std::move(facts);
    make();
    session->on_connect(now);
    show();
    std::set<std::string> ids;
    const auto json = device();
    for (const auto& [id, component] : json["components"].items()) {
      if (component.size() > 1) ids.insert(id);
      EXPECT_TRUE(component.contains("platform")) << id;
    }
    return ids;
  };
  const auto all = offered(house);
  const auto missing = [&](HouseFacts facts) {
    const auto some = offered(std::move(facts));
    std::set<std::string> ids;
    std::ranges::set_difference(all, some, std::inserter(ids, ids.end()));
    return ids;
  };
  using Ids = std::set<std::string>;
  const HouseFacts full = house;
  auto facts = full;
  facts.solar_metered = false;
  EXPECT_EQ(missing(facts), (Ids{"solar_power", "solar_energy", "solar_today"}));
  facts = full;
  facts.cell_voltages = false;
  EXPECT_EQ(missing(facts), (Ids{"battery_cell_voltage_min", "battery_cell_voltage_max"}));
  facts = full;
  facts.state_of_health = false;
  EXPECT_EQ(missing(facts), Ids{"battery_soh"});
  facts = full;
  facts.planned = false;
  EXPECT_EQ(missing(facts), (Ids{"next_action", "next_action_at", "smart_charge", "smart_made",
                                 "smart_problem", "smart_reason", "smart_value"}));
  facts = full;
  facts.import_priced = facts.export_priced = false;
  EXPECT_EQ(missing(facts), (Ids{"import_price", "import_cost_today", "export_income_today"}));
  facts = full;
  facts.currency.clear();
  EXPECT_EQ(missing(facts), (Ids{"import_cost_today", "export_income_today"}));
  facts = full;
  facts.history = false;
  EXPECT_EQ(missing(facts).size(), enum_count<Flow> + 2);
}

TEST_F(Home, DiscoveryGivesTheRangesOfTheTable) {
  const auto all = said();
  const auto config =
      nlohmann::json::parse(all.at("homeassistant/device/esshub_0242ac110002/config"));
  for (const auto& [id, limit] : {std::pair{"reserve", OrderLimitId::reserve},
                                  {"override_power", OrderLimitId::power},
                                  {"override_minutes", OrderLimitId::override_length}}) {
    const auto& number = config["components"][id];
    EXPECT_EQ(number["min"], order_limit(limit).least) << id;
    EXPECT_EQ(number["max"], order_limit(limit).most) << id;
    EXPECT_EQ(number["step"], order_limit(limit).step) << id;
  }
}

}  // namespace
}  // namespace esshub::publish
