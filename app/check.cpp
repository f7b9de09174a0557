#include <fmt/format.h>
#include <fmt/ostream.h>

#include "app/commands.hpp"
#include "config/config.hpp"
#include "config/example.hpp"

namespace esshub::app {
namespace {

struct LineText {
  std::string operator()(const transport::SerialPort& port) const {
    return fmt::format("{} at {} baud", port.path, port.baud);
  }
  std::string operator()(const transport::SocketCan& can) const { return can.interface; }
  std::string operator()(const transport::TcpPort& tcp) const {
    return fmt::format("{}:{}", tcp.host, tcp.port);
  }
};

std::string counted(std::size_t n, const char* what) {
  return fmt::format(", {} {}{}", n, what, n == 1 ? "" : "s");
}

/// How many devices the bus has, where it can have several.
struct DeviceCount {
  std::string operator()(const protocol::ModbusConfig& modbus) const {
    return counted(modbus.meters.size(), "meter");
  }
  std::string operator()(const protocol::PylontechRs485Config& rs485) const {
    return counted(rs485.modules, "module");
  }
  template <class One>
  std::string operator()(const One&) const {
    return {};
  }
};

}  // namespace

int check(const std::filesystem::path& file, std::ostream& out, std::ostream& err) {
  const auto config = config::load_config(file);
  if (!config) {
    for (const auto& error : config.error()) err << config::describe(file, error) << '\n';
    return exit_config;
  }
  for (const auto& warning : config->warnings)
    err << config::describe_warning(file, warning) << '\n';
  for (const auto& error : config->unreadable_files) err << config::describe(file, error) << '\n';
  if (!config->unreadable_files.empty()) return exit_config;
  std::vector<std::string> buses;
  for (const auto& bus : config->buses)
    buses.push_back(fmt::format("{} ({}{} on {})", bus.name, config::kind_name(bus.driver),
                                std::visit(DeviceCount{}, bus.driver),
                                std::visit(LineText{}, bus.line)));
  fmt::print(out, "{}: ok, {} buses: {}\n", file.string(), buses.size(), fmt::join(buses, ", "));
  return exit_ok;
}

int check_example(std::ostream& out) {
  out << config::example_text();
  return exit_ok;
}

}  // namespace esshub::app
