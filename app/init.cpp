#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <istream>
#include <ostream>
#include <system_error>
#include <utility>

#include "app/commands.hpp"
#include "app/line_talk.hpp"
#include "app/port_facts.hpp"
#include "app/probe/battery.hpp"
#include "app/probe/driver_conversation.hpp"
#include "app/probe/inverter.hpp"
#include "app/probe/listening.hpp"
#include "app/probe/meter.hpp"
#include "app/probe/setup.hpp"
#include "app/running_hub.hpp"
#include "config/config.hpp"
#include "config/example.hpp"
#include "transport/port_trouble.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;
using transport::SerialPort;

constexpr Duration longest_exchange = 60s;
/// As the hub waits before it asks.
constexpr Duration other_master_wait = 3s;
constexpr Duration stranger_patience = 150ms;
/// For the modules of a battery, of which the first answers at once.
constexpr Duration modules_patience = 4s;

constexpr PortSetting slcan_setting{115200, 'N'};

constexpr const char* by_id = "/dev/serial/by-id";

/// The character devices of a folder, by name.
std::vector<std::string> ports_of(const fs::path& folder) {
  std::vector<std::string> out;
  std::error_code error;
  fs::directory_iterator it{folder, error};
  while (!error && it != fs::directory_iterator{}) {
    std::error_code ignored;
    if (fs::is_character_file(fs::status(it->path(), ignored))) out.push_back(it->path());
    it.increment(error);
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> can_interfaces() {
  constexpr int arphrd_can = 280;  // linux/if_arp.h
  std::vector<std::string> out;
  std::error_code error;
  fs::directory_iterator it{"/sys/class/net", error};
  while (!error && it != fs::directory_iterator{}) {
    int type = 0;
    if (std::ifstream{it->path() / "type"} >> type && type == arphrd_can)
      out.push_back(it->path().filename());
    it.increment(error);
  }
  std::ranges::sort(out);
  return out;
}

/// The machine's, as its link says; empty where it is no link.
std::string machine_time_zone() {
  std::error_code error;
  const auto target = fs::read_symlink("/etc/localtime", error).string();
  constexpr std::string_view folder = "/zoneinfo/";
  const auto at = target.find(folder);
  return error || at == std::string::npos ? "" : target.substr(at + folder.size());
}

class Init {
 public:
  Init(const InitOptions& options, std::istream& in, std::ostream& out, std::ostream& err)
      : options_(options), in_(in), out_(out), err_(err) {}

  int run() {
    for (const auto& text : options_.measures) {
      const auto assignment = read_assignment(text);
      if (!assignment) {
        fmt::print(err_, "esshub init: --measures {}\n", assignment.error());
        return exit_usage;
      }
      assigned_.push_back(*assignment);
    }
    std::error_code ignored;
    if (fs::exists(options_.file, ignored) && !options_.force) {
      fmt::print(err_, "esshub init: {} is there already; --force writes over it\n",
                 options_.file.string());
      return exit_failure;
    }
    if (const auto hub = running_hub(options_.file)) {
      err_ << to_text(hub_runs(hub->process, hub->config.string()));
      return exit_failure;
    }
    if (const auto hub = any_running_hub(); hub && !options_.beside_hub) {
      err_ << to_text(other_hub_runs(hub->process, hub->config.string()));
      return exit_failure;
    }
    look_around();
    ask_phases();
    ask_site();
    if (!write()) return exit_failure;
    return say_what_is_next();
  }

 private:
  template <class... Values>
  void progress(fmt::format_string<Values...> text, Values&&... values) {
    err_ << "... " << fmt::format(text, std::forward<Values>(values)...) << std::endl;
  }
  template <class... Values>
  void tell(fmt::format_string<Values...> text, Values&&... values) {
    out_ << fmt::format(text, std::forward<Values>(values)...) << std::endl;
  }

  // ---- what is there

  void look_around() {
    std::vector<std::string> ports = options_.ports;
    if (ports.empty() || !options_.devices.empty())
      for (auto& port : ports_of(options_.devices.empty() ? fs::path{by_id} : options_.devices))
        ports.push_back(std::move(port));
    auto interfaces = options_.interfaces;
    if (interfaces.empty() && options_.ports.empty() && options_.devices.empty())
      interfaces = can_interfaces();
    if (ports.empty() && interfaces.empty())
      tell("No serial adapter and no CAN interface is plugged in ({}).", by_id);
    for (const auto& port : ports) {
      if (const auto facts = look_at_port(port); !facts.exists || !facts.character_device) {
        tell("{}: no serial port; skipped", port);
      } else if (facts.holder != 0) {
        tell("{}: held by {} (process {}); skipped: stop it and start again", port,
             facts.holder_name, facts.holder);
      } else if (!identify(port)) {
        tell("{}: nothing that the hub knows answers", port);
      }
    }
    for (const auto& interface : interfaces) look_at_can(interface);
    for (auto& cells : setup_.cells) cells.modules = modules_;
  }

  /// The serial port at one speed.
  [[nodiscard]] static SerialPort at(const std::string& port, PortSetting setting) {
    return {.path = port, .baud = setting.baud, .parity = setting.parity};
  }
  /// True if it came to its end; a line that cannot be opened has nothing on it.
  bool talks(const transport::LineSettings& line, Conversation& conversation) {
    const auto trouble = talk(io_, line, conversation, longest_exchange);
    if (trouble) progress("{}", *trouble);
    return !trouble;
  }

  /// False: nothing known is there.
  bool identify(const std::string& port) {
    const auto is_mk3 = [&] {
      return is_inverter(port, protocol::mk3::baud) || is_inverter(port, 115200);
    };
    // The only adapter whose name says what is behind it.
    if (port.find("MK3") != std::string::npos) return is_mk3();
    const auto talker = heard_on(port);
    if (!talker) return true;  // told
    switch (*talker) {
      case Talker::mk3:
        return is_mk3();
      case Talker::slcan:
        return is_battery(port);
      case Talker::other_master:
        return stop_beside_master(port);
      case Talker::unknown:
        tell(
            "{}: somebody talks here, and the hub does not know who: another master of a bus, or "
            "another kind of device. Nothing was sent. Take it off, start again",
            port);
        return true;
      case Talker::nobody:
        break;
    }
    doubtful_ = false;
    if (is_inverter(port, protocol::mk3::baud) || is_battery(port) ||
        is_meters(port, {9600, 'N'}) || is_cells(port) || is_meters_elsewhere(port) ||
        is_inverter(port, 115200))
      return true;
    if (!doubtful_) return false;
    tell("{}: something answers, but neither a CAN frame nor a CAN adapter's status came", port);
    setup_.batteries.push_back({.place = port, .setting = slcan_setting, .unproven = true});
    return true;
  }

  /// Who talks there by himself. What the usual speed does not understand is listened to at those
  /// of MK3 and SLCAN adapters. Nothing: the port cannot be used, which is told.
  std::optional<Talker> heard_on(const std::string& port) {
    for (const std::uint32_t baud : {9600u, protocol::mk3::baud, slcan_setting.baud}) {
      progress("{}: listening at {} baud", port, baud);
      Listening listening{other_master_wait};
      if (!talks(at(port, {baud, 'N'}), listening)) return std::nullopt;
      const auto talker = listening.talker();
      if (talker == Talker::nobody && baud == 9600) return talker;
      if (talker != Talker::nobody && talker != Talker::unknown) return talker;
    }
    return Talker::unknown;
  }

  /// True: the port is dealt with.
  bool stop_beside_master(const std::string& port) {
    tell("{}: another master asks meters here; nothing more is sent. Take it off, start again",
         port);
    return true;
  }

  bool is_inverter(const std::string& port, std::uint32_t baud) {
    progress("{}: an MK3 at {} baud?", port, baud);
    InverterConversation conversation{0, true};
    if (!talks(at(port, {baud, 'N'}), conversation)) return false;
    const auto report = conversation.report();
    if (!report.interface_version) return false;
    tell("{}: MK3, firmware {}", port, *report.interface_version);
    setup_.inverters.push_back({.place = port, .setting = PortSetting{protocol::mk3::baud, 'N'}});
    return true;
  }

  bool is_battery(const std::string& port) {
    progress("{}: a CAN adapter (SLCAN)?", port);
    // Whoever else is on the bus is not disturbed: the adapter does not even acknowledge.
    BatteryConversation conversation{{.listen_only = true}};
    if (!talks(at(port, slcan_setting), conversation)) return false;
    const auto& report = conversation.report();
    doubtful_ = report.adapter_answers && !report.proven();
    if (!report.proven()) return false;
    tell("{}: CAN adapter (SLCAN); {}", port, battery_text(report));
    setup_.batteries.push_back({.place = port, .setting = slcan_setting});
    return true;
  }

  std::string battery_text(const BatteryReport& report) {
    if (report.frames.empty()) return "no battery is heard: is it on?";
    if (report.modules) modules_ = report.modules;
    return fmt::format("a battery{}{}",
                       report.modules ? fmt::format(", {} modules", *report.modules) : "",
                       report.state ? fmt::format(", {} %", report.state->soc) : "");
  }

  void look_at_can(const std::string& interface) {
    progress("{}: a battery?", interface);
    BatteryConversation conversation{
        {.framing = protocol::CanFraming::socketcan, .listen_only = true}};
    if (!talks(transport::SocketCan{.interface = interface}, conversation)) return;
    tell("{}: {}", interface, battery_text(conversation.report()));
    if (!conversation.report().frames.empty())
      setup_.batteries.push_back({.place = interface, .can_interface = true});
  }

  bool is_meters(const std::string& port, PortSetting setting) {
    progress("{}: meters at {}?", port, to_text(setting));
    ModbusPace pace{.baud = setting.baud,
                    .bits_per_character = setting.parity == 'N' ? 10u : 11u,
                    .patience = stranger_patience,
                    .tries = 1};
    std::vector<protocol::modbus::RtuRequest> requests;
    for (const auto unit : usual_units()) requests.push_back(any_meter_request(unit));
    ModbusConversation conversation{requests, pace};
    if (!talks(at(port, setting), conversation)) return false;
    if (conversation.other_master()) return stop_beside_master(port);
    FoundMeters bus{{.place = port, .setting = setting}, {}};
    bool any = false;
    pace.tries = 3;
    pace.patience = 300ms;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!conversation.answers()[i].answered) continue;
      any = true;
      const auto unit = requests[i].unit;
      ModbusConversation identity{identity_requests(unit), pace};
      if (!talks(at(port, setting), identity)) continue;
      if (identity.other_master()) return stop_beside_master(port);
      auto meter = identify_meter(unit, identity.answers());
      if (!meter) {
        tell("{}: unit {} at {} answers, but is no meter that the hub reads", port, unit,
             to_text(setting));
        continue;
      }
      std::string seen;
      for (std::size_t phase = 0; phase < meter->phases.size(); ++phase)
        seen += fmt::format("{} L{} {:.1f} V {:.0f} W", phase == 0 ? "" : ",", phase + 1,
                            meter->phases[phase].volts, meter->phases[phase].watts);
      tell("{}: unit {} at {}, {}:{}", port, unit, to_text(setting),
           protocol::modbus::row_of(meter->model).name, seen);
      bus.meters.push_back(std::move(*meter));
    }
    if (!bus.meters.empty()) setup_.meters.push_back(std::move(bus));
    return any;
  }

  bool is_meters_elsewhere(const std::string& port) {
    return std::ranges::any_of(other_settings({9600, 'N'}), [&](PortSetting setting) {
      return setting.parity != 'O' && is_meters(port, setting);
    });
  }

  bool is_cells(const std::string& port) {
    for (const std::uint32_t baud : {115200u, 9600u}) {
      progress("{}: the modules of a battery at {} baud?", port, baud);
      DriverConversation conversation{
          protocol::make_pylontech_rs485_driver({.baud = baud, .modules = 1}), modules_patience};
      if (!talks(at(port, {baud, 'N'}), conversation) || !conversation.ready()) continue;
      tell("{}: modules of a battery (RS485) at {} baud", port, baud);
      setup_.cells.push_back({{.place = port, .setting = PortSetting{baud, 'N'}}, {}});
      return true;
    }
    return false;
  }

  // ---- what only its owner knows

  /// The answer, or the default for an empty line, at the end of the input and with --yes.
  std::string ask(const std::string& question, const std::string& usual) {
    out_ << question << (usual.empty() ? "" : " [" + usual + "]") << ": " << std::flush;
    std::string answer;
    if (options_.yes) {
      out_ << usual << '\n';
      return usual;
    }
    if (!std::getline(in_, answer)) out_ << '\n';
    const auto begin = answer.find_first_not_of(" \t\r");
    if (begin == std::string::npos) return usual;
    return answer.substr(begin, answer.find_last_not_of(" \t\r") + 1 - begin);
  }

  /// A number within the range, or nothing; asked again while there is somebody to answer.
  std::optional<double> ask_number(const std::string& question, const std::string& usual,
                                   double least, double most) {
    for (;;) {
      const auto answer = ask(question, usual);
      if (answer.empty()) return std::nullopt;
      try {
        std::size_t used = 0;
        const double value = std::stod(answer, &used);
        if (used == answer.size() && value >= least && value <= most) return value;
      } catch (const std::logic_error&) {  // the library's way to say that it is no number
      }
      tell("  expected a number from {} to {}", least, most);
      if (options_.yes || !in_) return std::nullopt;
    }
  }

  void ask_phases() {
    for (auto& bus : setup_.meters)
      for (auto& meter : bus.meters)
        for (std::size_t i = 0; i < meter.phases.size(); ++i) ask_phase(meter, i);
  }

  void ask_phase(FoundMeter& meter, std::size_t index) {
    auto& phase = meter.phases[index];
    const PhaseName here{meter.unit, static_cast<unsigned>(index + 1)};
    const auto given = std::ranges::find(assigned_, here, &std::pair<PhaseName, Point>::first);
    if (given != assigned_.end()) {
      phase.measures = given->second;
      return;
    }
    if (!assigned_.empty()) return;  // whoever names some has named all
    for (;;) {
      const auto answer =
          ask(fmt::format("Unit {}, phase {} ({:.0f} W now): grid, solar, battery_meter, circuit1 "
                          "to circuit10, or nothing",
                          meter.unit, index + 1, phase.watts),
              "nothing");
      if (answer == "nothing") return;
      phase.measures = read_point(answer);
      if (phase.measures) return;
      tell("  expected grid, solar, battery_meter, circuit1 to circuit10, or nothing");
      if (!in_) return;
    }
  }

  void ask_site() {
    auto& values = setup_.values;
    values["site.name"] = toml_text(ask("Name of the house", "home"));
    const auto zone = machine_time_zone();
    values["site.time_zone"] =
        toml_text(ask("Time zone, such as Europe/London", zone.empty() ? "Etc/UTC" : zone));
    const auto set = [&](const char* key, std::optional<double> number) {
      if (number) values[key] = fmt::format("{:g}", *number);
    };
    const auto currency = ask("Currency of the tariff, such as GBP (empty: no tariff)", "");
    if (!currency.empty()) {
      values["tariff.currency"] = toml_text(currency);
      set("tariff.import", ask_number("Price of a kWh bought", "", -5.0, 5.0));
      set("tariff.export", ask_number("Price of a kWh sold (empty: none)", "", -5.0, 5.0));
    }
    set("battery.reserve", ask_number("Reserve for a power cut, %", "20", 0.0, 100.0));
    set("grid.export_cap_w",
        ask_number("Highest export that the network operator allows, W (empty: no cap)", "", 0.0,
                   25000.0));
    const auto power = ask_number(
        "Highest power of the battery for now, W (0: the hub only looks, until the signs are "
        "proved)",
        "0", 0.0, 10000.0);
    set("battery.charge_limit_w", power);
    set("battery.discharge_limit_w", power);
  }

  // ---- the file

  bool write() {
    const auto text = config::filled_text(setup_.values, buses_text(setup_));
    // A broker's password may come to stand in it.
    const auto fresh = options_.file.string() + ".new";
    (void)::unlink(fresh.c_str());
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    bool good = fd >= 0;
    if (good) {
      if (const auto user = look_up_user("esshub"); user && !user->gids.empty())
        (void)(::fchown(fd, static_cast<uid_t>(-1), user->gids.front()) == 0);
      good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
      good = ::fsync(fd) == 0 && good;
      ::close(fd);
      // link() takes no name that is there: nobody's file of the last minute is lost.
      good = good && (options_.force ? ::rename(fresh.c_str(), options_.file.c_str()) == 0
                                     : ::link(fresh.c_str(), options_.file.c_str()) == 0);
    }
    const int error = errno;
    (void)::unlink(fresh.c_str());
    if (!good)
      fmt::print(err_, "esshub init: {} cannot be written: {}\n", options_.file.string(),
                 std::generic_category().message(error));
    return good;
  }

  int say_what_is_next() {
    const auto file = options_.file.string();
    tell("\n{} is written.", file);
    const auto open = open_questions(setup_);
    for (const auto& question : open) tell("  still open: {}", question);
    const auto config = config::load_config(options_.file);
    if (!config) {
      if (open.empty())
        for (const auto& error : config.error())
          err_ << config::describe(options_.file, error) << '\n';
      tell("Next: say in it what is open (esshub.toml(5)), then esshub check {}", file);
      return exit_failure;
    }
    tell(
        "Next: sudo esshub check --probe {0}\n"
        "      sudo -u esshub esshub run --live --config {0}    # compare with the meters\n"
        "Signs and clamps nobody has proved yet: docs/hardware.md, steps 3 to 5.",
        file);
    return exit_ok;
  }

  const InitOptions& options_;
  std::istream& in_;
  std::ostream& out_;
  std::ostream& err_;
  transport::IoThread io_;
  std::vector<std::pair<PhaseName, Point>> assigned_;
  std::optional<unsigned> modules_;
  bool doubtful_ = false;  ///< the port answers as many things do
  Setup setup_;
};

}  // namespace

int init(const InitOptions& options, std::istream& in, std::ostream& out, std::ostream& err) {
  return Init{options, in, out, err}.run();
}

}  // namespace esshub::app
