#include "config/bus_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <variant>

#include "config/list_tables.hpp"
#include "config/setting_reader.hpp"
#include "model/enums.hpp"

namespace esshub::config {
namespace {

namespace modbus = protocol::modbus;
using protocol::MeterModel;

/// The rows of bus_kinds by name and place.
constexpr auto kinds = std::apply(
    [](const auto&... kind) {
      std::size_t place = 0;
      return std::array{Word<std::size_t>{kind.name, place++}...};
    },
    bus_kinds);
constexpr std::array<std::uint32_t, 13> speeds{
    1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000, 2000000};

constexpr std::size_t longest_name = 40;  // of a circuit: it stands beside its power

const auto roles = [] {
  std::array<Word<CircuitRole>, enum_count<CircuitRole>> words{};
  for (const CircuitRole role : enum_values<CircuitRole>)
    words.at(index(role)) = {name(role), role};
  return words;
}();

class BusReader {
 public:
  BusReader(std::vector<ConfigError>& errors, std::vector<ConfigError>& warnings)
      : errors_(errors), warnings_(warnings) {}

  Buses read(TableReader& top) {
    const auto* node = top.find("bus");
    const auto* list = node ? node->as_array() : nullptr;
    if (node && !list) top.complain("bus", "expected a list of tables, each written as [[bus]]");
    if (list)
      for (const auto& entry : *list) {
        if (const auto* table = entry.as_table()) {
          read_bus(*table);
        } else {
          errors_.push_back({place_of(entry), "bus: expected a table, written as [[bus]]"});
        }
      }
    require_buses(node ? place_of(*node) : Place{1, 1});
    return {std::move(buses_), measured_.contains(Point::solar), cells_, circuit_roles_,
            std::move(circuit_names_)};
  }

 private:
  void require_buses(Place place) {
    const auto missing = [&](std::string what) {
      errors_.push_back({place, "bus: " + std::move(what)});
    };
    if (!measured_.contains(Point::grid))
      missing("no meter measures the grid, expected one channel with measures = \"grid\"");
    if (!measured_.contains(Point::battery))
      missing("no battery, expected one bus with kind = \"pylontech\"");
    if (!measured_.contains(Point::inverter))
      missing("no inverter, expected one bus with kind = \"vebus\"");
  }

  void read_bus(const toml::table& table) {
    TableReader reader{&table, "bus", errors_};
    BusSettings bus;
    read_bus_name(reader, bus);
    std::size_t kind = 0;
    std::string names;
    for (const auto& word : kinds) names += (names.empty() ? "" : ", ") + std::string(word.text);
    reader.require("kind", "one of: " + names);
    if (!reader.read("kind", kind, kinds)) return;  // without it no other key has a meaning
    read_driver(kind, reader, bus, std::make_index_sequence<kinds.size()>{});
    reader.finish();
    buses_.push_back(std::move(bus));
  }

  template <std::size_t... rows>
  void read_driver(std::size_t kind, TableReader& reader, BusSettings& bus,
                   std::index_sequence<rows...>) {
    ((kind == rows ? read_driver(reader, bus, std::variant_alternative_t<rows, DriverSettings>{})
                   : void()),
     ...);
  }

  void read_bus_name(TableReader& reader, BusSettings& bus) {
    reader.require("name", "a name of its own");
    if (!reader.read("name", bus.name)) return;
    const bool plain = !bus.name.empty() && bus.name.find_first_not_of(
                                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                                                "VWXYZ0123456789_-") == std::string::npos;
    if (!plain)
      reader.complain("name",
                      fmt::format("is \"{}\", expected letters, digits, _ and - only", bus.name));
    reader.once(names_, bus.name, "name",
                fmt::format("\"{}\" is the name of another bus", bus.name));
  }

  void read_driver(TableReader& reader, BusSettings& bus, protocol::ModbusConfig config) {
    transport::SerialPort port;
    port.baud = config.baud;
    read_baud(reader, port);
    read_rows(reader, modbus_table(), config);
    read_rows(reader, serial_table().subspan(1), port);
    config.baud = port.baud;
    config.bits_per_character = 1 + 8 + (port.parity == 'N' ? 0 : 1) + port.stop_bits;
    read_line(reader, bus, std::move(port), false);
    read_meters(reader, config);
    bus.driver = std::move(config);
  }

  void read_driver(TableReader& reader, BusSettings& bus, protocol::PylontechConfig config) {
    transport::SerialPort port{.path = {}, .baud = 115200};
    read_baud(reader, port);
    read_rows(reader, pylontech_table(), config);
    cells_ = config.cells;
    if (config.listen_only && reader.has("keep_alive"))
      reader.complain("keep_alive", "has no meaning with listen_only, which sends nothing");
    read_line(reader, bus, std::move(port), true);
    if (std::holds_alternative<transport::SocketCan>(bus.line)) {
      config.framing = protocol::CanFraming::socketcan;
      if (reader.has("baud"))
        reader.complain("baud", "has no meaning with can, expected only with port");
    }
    measures(Point::battery, reader, "kind");
    bus.driver = config;
  }

  void read_driver(TableReader& reader, BusSettings& bus, protocol::PylontechRs485Config config) {
    transport::SerialPort port;
    port.baud = config.baud;
    read_baud(reader, port);
    config.baud = port.baud;
    read_rows(reader, pylontech_rs485_table(), config);
    read_line(reader, bus, std::move(port), false);
    measures(battery_module(0), reader, "kind");
    bus.driver = config;
  }

  void read_driver(TableReader& reader, BusSettings& bus, protocol::VebusConfig config) {
    transport::SerialPort port{.path = {}, .baud = 2400};
    read_baud(reader, port);
    read_rows(reader, vebus_table(), config);
    if (config.setpoint_interval > config.refresh)
      reader.complain(reader.has("refresh") ? "refresh" : "setpoint_interval",
                      "refresh is shorter than setpoint_interval, expected at least as long");
    read_line(reader, bus, std::move(port), false);
    measures(Point::inverter, reader, "kind");
    bus.driver = config;
  }

  static void read_baud(TableReader& reader, transport::SerialPort& port) {
    const auto before = port.baud;
    if (!read_row(reader, serial_table().front(), port) ||
        std::ranges::find(speeds, port.baud) != speeds.end())
      return;
    reader.complain("baud",
                    fmt::format("is {}, expected one of: {}", port.baud, fmt::join(speeds, ", ")));
    port.baud = before;
  }

  /// Where the bus is: exactly one of port, tcp and (CAN only) can.
  void read_line(TableReader& reader, BusSettings& bus, transport::SerialPort port,
                 bool may_be_can) {
    transport::SocketCan can;
    transport::TcpPort tcp;
    const bool has_port = reader.read("port", port.path);
    const bool has_can = may_be_can && reader.read("can", can.interface);
    const bool has_tcp = reader.read("tcp", tcp);
    const std::string_view choice = may_be_can ? "one of port, can and tcp" : "one of port and tcp";

    int given = 0;
    for (const auto* key : {"port", "can", "tcp"})
      if (reader.has(key) && (may_be_can || std::string_view{key} != "can")) ++given;
    if (given == 0) reader.require("port", choice);
    if (given > 1) {
      reader.complain(reader.has("port") ? "port" : "can",
                      fmt::format("expected exactly {}", choice));
      return;
    }
    if (has_port) {
      if (!port.path.starts_with('/'))
        reader.complain("port", fmt::format("is \"{}\", expected a device file's absolute path, "
                                            "such as \"/dev/ttyUSB0\"",
                                            port.path));
      reader.once(lines_, port.path, "port", "is the port of another bus, expected one each");
      for (const auto* counted : {"/dev/ttyUSB", "/dev/ttyACM"})
        if (port.path.starts_with(counted))
          warnings_.push_back(
              {reader.place("port"),
               fmt::format("{}: is \"{}\", which may be another adapter after the next start; its "
                           "own name is below /dev/serial/by-id",
                           reader.dotted("port"), port.path),
               {}});
      bus.line = std::move(port);
    } else if (has_can) {
      constexpr std::size_t longest = 15;  // IFNAMSIZ - 1
      if (can.interface.empty() || can.interface.size() > longest ||
          can.interface.find_first_of(" /") != std::string::npos)
        reader.complain("can", fmt::format("is \"{}\", expected a network interface, such as "
                                           "\"can0\"",
                                           can.interface));
      bus.line = std::move(can);
    } else if (has_tcp) {
      if (reader.has("baud")) tcp.baud = port.baud;
      reader.once(lines_, fmt::format("{}:{}", tcp.host, tcp.port), "tcp",
                  "is the address of another bus, expected one each");
      bus.line = std::move(tcp);
    }
  }

  void read_meters(TableReader& bus, protocol::ModbusConfig& config) {
    const auto* node = bus.find("meter");
    const auto* list = node ? node->as_array() : nullptr;
    if (!list || list->empty()) {
      bus.complain("meter", "expected at least one meter, written as [[bus.meter]]");
      return;
    }
    Seen<unsigned> units;
    for (const auto& entry : *list) {
      if (const auto* table = entry.as_table()) {
        config.meters.push_back(read_meter(*table, units));
      } else {
        errors_.push_back(
            {place_of(entry), "bus.meter: expected a table, written as [[bus.meter]]"});
      }
    }
  }

  protocol::MeterConfig read_meter(const toml::table& table, Seen<unsigned>& units) {
    TableReader reader{&table, "bus.meter", errors_};
    protocol::MeterConfig meter;
    for (const auto& row : meter_table())
      if (read_row(reader, row, meter) && row.key == "unit")
        reader.once(units, unsigned{meter.unit}, "unit", "is the address of another meter");
    if (meter.name.empty()) meter.name = fmt::format("unit{}", meter.unit);
    read_channels(reader, meter);
    reader.finish();
    return meter;
  }

  void read_channels(TableReader& reader, protocol::MeterConfig& meter) {
    constexpr std::string_view expected = "a list such as [ { phase = 1, measures = \"grid\" } ]";
    const auto* node = reader.find("channels");
    const auto* list = node ? node->as_array() : nullptr;
    if (!list || list->empty()) {
      reader.complain("channels", fmt::format("expected {}", expected));
      return;
    }
    Seen<unsigned> phases;
    for (const auto& entry : *list) {
      const auto* table = entry.as_table();
      if (!table) {
        errors_.push_back(
            {place_of(entry), fmt::format("bus.meter.channels: expected {}", expected)});
        continue;
      }
      meter.channels.push_back(read_channel(*table, meter.model, phases));
    }
  }

  protocol::MeterChannel read_channel(const toml::table& table, MeterModel model,
                                      Seen<unsigned>& phases) {
    TableReader reader{&table, "bus.meter.channels", errors_};
    protocol::MeterChannel channel;
    const auto rows = channel_table();
    auto phase = rows[0];
    phase.range.most = modbus::row_of(model).phases;
    if (read_row(reader, phase, channel))
      reader.once(phases, channel.phase, "phase", "is read by another channel of this meter");
    if (too_many_circuits(reader)) {
      (void)reader.find("role");
      (void)reader.find("name");
    } else if (read_row(reader, rows[1], channel)) {
      measures(channel.point, reader, "measures");
      read_circuit(reader, channel.point);
    }
    read_row(reader, rows[2], channel);
    reader.finish();
    return channel;
  }

  /// A numbered circuit that there is not: says how many there may be.
  static bool too_many_circuits(TableReader& reader) {
    const auto* node = reader.find("measures");
    const std::string text = node ? node->value_or(std::string{}) : std::string{};
    const auto is_text = [&](Point point) { return name(point) == text; };
    if (!text.starts_with("circuit") || std::ranges::any_of(meter_points(), is_text)) return false;
    reader.complain(
        "measures",
        fmt::format("is \"{}\", expected {} to {}: no more than {} circuits "
                    "are metered besides grid, solar and battery",
                    text, name(circuit(0)), name(circuit(max_circuits - 1)), max_circuits));
    return true;
  }

  void read_circuit(TableReader& reader, Point point) {
    auto role = CircuitRole::other;
    (void)reader.read("role", role, roles);
    std::string called;
    if (reader.read("name", called) && !is_line_of_text(called, longest_name))
      reader.complain("name", fmt::format("is \"{}\", expected 1 to {} bytes of text in one line",
                                          called, longest_name));
    for (std::size_t i = 0; i < max_circuits; ++i) {
      if (point != circuit(i)) continue;
      circuit_roles_.at(i) = role;
      circuit_names_.resize(std::max(circuit_names_.size(), i + 1));
      circuit_names_[i] = std::move(called);
      return;
    }
    for (const auto* key : {"role", "name"})
      if (reader.has(key))
        reader.complain(
            key, fmt::format("has no meaning for {}, expected only with {} to {}", name(point),
                             name(circuit(0)), name(circuit(max_circuits - 1))));
  }

  void measures(Point point, TableReader& reader, std::string_view key) {
    const bool device = point == Point::inverter || point == Point::battery;
    reader.once(measured_, point, key,
                device
                    ? fmt::format("a second {}, expected one: this hub controls one", name(point))
                    : fmt::format("the {} is measured twice, expected once", name(point)));
  }

  std::vector<ConfigError>& errors_;
  std::vector<ConfigError>& warnings_;
  std::vector<BusSettings> buses_;
  Seen<std::string> names_;
  Seen<std::string> lines_;
  Seen<Point> measured_;
  unsigned cells_ = protocol::PylontechConfig{}.cells;
  CircuitRoles circuit_roles_{};
  std::vector<std::string> circuit_names_;
};

}  // namespace

Buses read_buses(TableReader& top, std::vector<ConfigError>& errors,
                 std::vector<ConfigError>& warnings) {
  return BusReader{errors, warnings}.read(top);
}

}  // namespace esshub::config
