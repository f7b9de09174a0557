#include "publish/venus/service.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace esshub::publish {
namespace {

// Instances as Venus deals them: BMS on CAN 512, VE.Bus on the first USB port 288, meters from 30
// (reference: venus-dbus-mqtt#1.4). The meters' suffix names the driver; their serial
// numbers are not known.
constexpr auto services = std::to_array<VenusService>({
    {"grid", "com.victronenergy.grid.sdm630_l1", 30},
    {"pvinverter", "com.victronenergy.pvinverter.sdm630_l2", 31},
    {"acload", "com.victronenergy.acload.sdm120_battery", 32},
    {"battery", "com.victronenergy.battery.pylontech_can", 512},
    {"vebus", "com.victronenergy.vebus.mk3", 288},
    {"system", "com.victronenergy.system", 0},
    {"settings", "com.victronenergy.settings", 0},
});

struct Device {
  std::string_view service;
  std::string_view connection;
  std::int32_t product_id;
  std::string_view product;
  std::string_view custom_name;
};

constexpr std::string_view batteries_path = "/Batteries";  // of the system alone
constexpr std::int32_t custom_product = 0xFFFF;
constexpr auto devices = std::to_array<Device>({
    {"grid", "Modbus RTU", custom_product, "Eastron SDM630", "Grid"},
    {"pvinverter", "Modbus RTU", custom_product, "Eastron SDM630", "Solar"},
    {"acload", "Modbus RTU", custom_product, "Eastron SDM120", "Battery AC"},
    {"battery", "CAN-bus", 0xB009, "Pylontech battery", "Battery"},
    {"vebus", "VE.Bus", custom_product, "MultiPlus-II", "Inverter"},
    {"system", "esshub", custom_product, "esshub", ""},
    {"settings", "esshub", custom_product, "esshub", ""},
});
static_assert(devices.size() == services.size());

/// "com.victronenergy.battery/512", as the system names a device of which there may be several.
std::string by_instance(std::string_view service) {
  return "com.victronenergy." + std::string{service} + "/" +
         std::to_string(find_service(service)->instance);
}

/// What may be chosen as the battery's measure, as the text that Venus has for it.
std::string battery_choice() {
  return R"({"default": "Automatic", "nobattery": "No battery monitor", ")" +
         by_instance("battery") + R"(": "Pylontech battery on CAN-bus"})";
}

/// As Venus counts: the last three digits, read as hexadecimal ones (2648556 is 0x556).
std::optional<VenusValue> vebus_firmware(const View& view) {
  for (const auto& bus : view.buses) {
    if (!bus.driver.firmware) continue;
    const auto n = *bus.driver.firmware;
    return static_cast<std::int32_t>((n / 100 % 10) << 8 | (n / 10 % 10) << 4 | n % 10);
  }
  return std::nullopt;
}

/// An integer on Venus where Venus knows one: the VE.Bus firmware; that of the packs is not read.
std::optional<VenusValue> firmware(std::string_view service, const VenusIdentity& identity,
                                   const View& view) {
  if (service == "vebus") return vebus_firmware(view);
  if (service == "battery") return std::nullopt;
  return identity.version;
}

void add_identity(std::vector<VenusRow>& rows, const VenusService& service,
                  const VenusIdentity& identity, const View& view) {
  const auto* device = std::ranges::find(devices, service.service, &Device::service);
  const auto add = [&](std::string_view path, VenusValue value) {
    rows.push_back({service.service, path, value});
  };
  const bool is_system = service.service == "system";
  add("/Mgmt/ProcessName", "esshub");
  add("/Mgmt/ProcessVersion", identity.version);
  add("/Mgmt/Connection", device->connection);
  add("/DeviceInstance", service.instance);
  add("/ProductId", device->product_id);
  add("/ProductName", device->product);
  add("/CustomName", is_system ? std::string_view{identity.site_name} : device->custom_name);
  rows.push_back({service.service, "/FirmwareVersion", firmware(service.service, identity, view)});
  // A device's own serial and hardware version are not read: unknown.
  rows.push_back({service.service, "/HardwareVersion", {}});
  if (is_system) {
    add("/Connected", 1);
    add("/Serial", identity.portal_id);
    add("/VebusService", find_service("vebus")->bus_name);
    add("/VebusInstance", find_service("vebus")->instance);
    add("/ActiveBmsService", find_service("battery")->bus_name);
    add("/ActiveBmsInstance", find_service("battery")->instance);
    static const std::string battery = by_instance("battery");
    static const std::string choice = battery_choice();
    add("/ActiveBatteryService", battery);
    add("/AvailableBatteryServices", choice);
    rows.push_back({service.service, batteries_path, {}});
    // A screen reads its grid box from the service that is named here.
    const auto* input = find_service(identity.grid ? "grid" : "vebus");
    add("/Ac/In/0/ServiceName", input->bus_name);
    add("/Ac/In/0/ServiceType", input->service);
    add("/Ac/In/0/DeviceInstance", input->instance);
  } else {
    rows.push_back({service.service, "/Serial", {}});
  }
  if (service.service == "settings") add("/Connected", 1);
}

/// The battery as the system's list of batteries has it: of the rows, those that are known.
VenusMap battery_entries(std::span<const VenusRow> rows) {
  struct Entry {
    std::string_view key;
    std::string_view service;
    std::string_view path;
  };
  constexpr auto entries = std::to_array<Entry>({
      {"name", "battery", "/CustomName"},
      {"soc", "battery", "/Soc"},
      {"voltage", "battery", "/Dc/0/Voltage"},
      {"current", "battery", "/Dc/0/Current"},
      {"power", "battery", "/Dc/0/Power"},
      {"temperature", "battery", "/Dc/0/Temperature"},
      {"timetogo", "battery", "/TimeToGo"},
      {"state", "system", "/Dc/Battery/State"},
  });
  VenusMap map{{"id", find_service("battery")->bus_name},
               {"instance", find_service("battery")->instance},
               {"active_battery_service", true}};
  for (const auto& entry : entries) {
    const auto row = std::ranges::find_if(rows, [&](const VenusRow& r) {
      return r.service == entry.service && r.path == entry.path;
    });
    if (row == rows.end() || !row->value) continue;
    if (const auto* number = std::get_if<double>(&*row->value))
      map.emplace_back(entry.key, *number);
    if (const auto* whole = std::get_if<std::int32_t>(&*row->value))
      map.emplace_back(entry.key, *whole);
    if (const auto* text = std::get_if<std::string_view>(&*row->value))
      map.emplace_back(entry.key, *text);
  }
  return map;
}

void round_number(VenusRow& row) {
  if (!row.value) return;
  if (auto* number = std::get_if<double>(&*row.value))
    *number = std::round(*number * 1000.0) / 1000.0 + 0.0;  // + 0.0: no "-0"
}

struct Unit {
  std::string_view last;  ///< of the path's elements
  std::string_view unit;
  int decimals;
};
constexpr auto units = std::to_array<Unit>({
    {"Power", "W", 0},
    {"P", "W", 0},
    {"AcPowerSetpoint", "W", 0},
    {"S", "VA", 0},
    {"Voltage", "V", 1},
    {"V", "V", 1},
    {"MaxChargeVoltage", "V", 1},
    {"BatteryLowVoltage", "V", 1},
    {"MinCellVoltage", "V", 3},
    {"MaxCellVoltage", "V", 3},
    {"Current", "A", 1},
    {"I", "A", 1},
    {"CurrentLimit", "A", 1},
    {"MaxChargeCurrent", "A", 1},
    {"MaxDischargeCurrent", "A", 1},
    {"Frequency", "Hz", 2},
    {"F", "Hz", 2},
    {"Forward", "kWh", 2},
    {"Reverse", "kWh", 2},
    {"Temperature", "C", 1},
    {"MinCellTemperature", "C", 1},
    {"MaxCellTemperature", "C", 1},
    {"Soc", "%", 1},
    {"Soh", "%", 1},
    {"ActiveSocLimit", "%", 1},
    {"ScheduledSoc", "%", 1},
    {"MinimumSocLimit", "%", 1},
    {"Capacity", "Ah", 1},
    {"InstalledCapacity", "Ah", 1},
    {"ConsumedAmphours", "Ah", 1},
    {"TimeToGo", "s", 0},
});

template <class T>
std::string formatted(const char* format, T value, int decimals = 0) {
  std::array<char, 64> text{};
  if constexpr (std::is_same_v<T, double>) {
    std::snprintf(text.data(), text.size(), format, decimals, value);
  } else {
    std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(value));
  }
  return text.data();
}

}  // namespace

std::span<const VenusService> venus_services() {
  return services;
}

const VenusService* find_service(std::string_view service) {
  const auto* found = std::ranges::find(services, service, &VenusService::service);
  return found == services.end() ? nullptr : found;
}

std::vector<VenusRow> venus_items(const VenusIdentity& identity, const View& view) {
  const auto tree = venus_tree(view);
  std::vector<VenusRow> rows;
  rows.reserve(tree.size() + 16 * services.size());
  std::string_view last;
  for (const auto& row : tree) {
    if (row.service != last) add_identity(rows, *find_service(row.service), identity, view);
    last = row.service;
    rows.push_back(row);
  }
  for (auto& row : rows) round_number(row);
  std::ranges::find(rows, batteries_path, &VenusRow::path)->value =
      std::vector<VenusMap>{battery_entries(rows)};
  return rows;
}

std::string venus_text(const VenusRow& row) {
  if (!row.value) return "---";
  if (const auto* text = std::get_if<std::string_view>(&*row.value)) return std::string{*text};
  if (const auto* maps = std::get_if<std::vector<VenusMap>>(&*row.value))
    return std::to_string(maps->size());
  if (row.path == "/ProductId") return formatted("0x%X", std::get<std::int32_t>(*row.value));
  const auto last = row.path.substr(row.path.rfind('/') + 1);
  const auto* unit = std::ranges::find(units, last, &Unit::last);
  const bool known = unit != units.end();
  const auto symbol = known ? unit->unit : std::string_view{};
  if (const auto* whole = std::get_if<std::int32_t>(&*row.value))
    return std::to_string(*whole) + std::string{symbol};
  const auto text = formatted("%.*f", std::get<double>(*row.value), known ? unit->decimals : 2);
  return (text == "-0" ? "0" : text) + std::string{symbol};
}

}  // namespace esshub::publish
