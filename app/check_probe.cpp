#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>
#include <variant>

#include "actors/system_clock.hpp"
#include "app/can_interface.hpp"
#include "app/commands.hpp"
#include "app/line_talk.hpp"
#include "app/port_facts.hpp"
#include "app/probe/battery.hpp"
#include "app/probe/driver_conversation.hpp"
#include "app/probe/inverter.hpp"
#include "app/probe/meter.hpp"
#include "app/probe/place.hpp"
#include "app/running_hub.hpp"
#include "config/config.hpp"

namespace esshub::app {
namespace {

using protocol::MeterConfig;
using protocol::ModbusConfig;
using transport::SerialPort;

/// Of one exchange with the devices of a bus, whatever goes wrong; a search has many.
constexpr Duration longest_exchange = 60s;
constexpr Duration longest_search = 90s;
/// For another master's requests to all meters (mode "sniff"), and for all modules of a battery.
constexpr Duration sniff_patience = 30s;
constexpr Duration modules_patience = 20s;
/// Of an address that most likely nobody has.
constexpr Duration stranger_patience = 150ms;

class Prober {
 public:
  Prober(const ProbeOptions& options, const config::HubSettings& settings, std::ostream& out,
         std::ostream& err)
      : options_(options),
        settings_(settings),
        user_(look_up_user(options.user)),
        out_(out),
        err_(err) {}

  int run() {
    if (const auto hub = hub_in_the_way()) {
      add(hub_runs(hub->process, hub->config.string()));
    } else if (const auto other = any_running_hub(); other && !options_.beside_hub) {
      add(other_hub_runs(other->process, other->config.string()));
    } else {
      for (const auto& bus : settings_.buses)
        if (port_is_good(bus))
          std::visit([&](const auto& driver) { probe(bus, driver); }, bus.driver);
      add(clock());
    }
    if (options_.json) {
      out_ << to_json(findings_).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
           << '\n';
    } else {
      out_ << summary(findings_) << '\n';
    }
    return any_failed(findings_) ? exit_failure : exit_ok;
  }

 private:
  void add(Finding finding) {
    if (!options_.json) out_ << to_text(finding) << std::flush;
    findings_.push_back(std::move(finding));
  }
  void add(Findings findings) {
    for (auto& finding : findings) add(std::move(finding));
  }
  template <class... Values>
  void progress(fmt::format_string<Values...> text, Values&&... values) {
    err_ << "... " << fmt::format(text, std::forward<Values>(values)...) << std::endl;
  }

  /// By its command line, or because it has a port open.
  [[nodiscard]] std::optional<RunningHub> hub_in_the_way() const {
    if (auto hub = running_hub(options_.config)) return hub;
    for (const auto& bus : settings_.buses)
      if (const auto* port = std::get_if<SerialPort>(&bus.line))
        if (const auto facts = look_at_port(port->path); facts.holder != 0)
          if (auto hub = hub_of(facts.holder)) return hub;
    return std::nullopt;
  }

  bool port_is_good(const config::BusSettings& bus) {
    const auto* port = std::get_if<SerialPort>(&bus.line);
    if (port == nullptr) return true;
    add(judge_port(bus.name, look_at_port(port->path), user_));
    return findings_.back().verdict != Verdict::failed;
  }

  /// False: the line itself is bad, which is told.
  bool ask(const config::BusSettings& bus, const transport::LineSettings& line,
           Conversation& conversation, Duration limit = longest_exchange) {
    const auto trouble = talk(io_, line, conversation, limit);
    if (!trouble) return true;
    add({bus.name, Verdict::failed, *trouble, "the line cannot be used",
         "see to it and probe again"});
    return false;
  }

  // ---- meters

  void probe(const config::BusSettings& bus, const ModbusConfig& modbus) {
    if (modbus.mode == protocol::ModbusMode::sniff)
      return listen(bus, protocol::make_modbus_driver(modbus), sniff_patience,
                    "another master asks all that is configured",
                    "the other master must run, and ask power and voltage of every channel: "
                    "`esshub sniff` shows what it asks");
    std::vector<protocol::modbus::RtuRequest> requests;
    std::vector<std::size_t> first;  // of each meter
    for (const auto& meter : modbus.meters) {
      first.push_back(requests.size());
      for (auto& request : meter_requests(meter.model, meter.unit))
        requests.push_back(std::move(request));
    }
    first.push_back(requests.size());
    const ModbusPace pace{.baud = modbus.baud,
                          .bits_per_character = modbus.bits_per_character,
                          .patience = modbus.response_timeout,
                          .gap = modbus.gap,
                          .tries = modbus.retries + 1,
                          .listen = modbus.other_master_wait};
    progress("{}: listening for another master, then asking {} meter{}", bus.name,
             modbus.meters.size(), modbus.meters.size() == 1 ? "" : "s");
    ModbusConversation conversation{requests, pace};
    if (!ask(bus, bus.line, conversation)) return;
    if (conversation.other_master()) return add(other_master(bus.name));
    std::vector<MeterReport> reports;
    for (std::size_t i = 0; i < modbus.meters.size(); ++i)
      reports.push_back(
          read_meter(modbus.meters[i].model,
                     std::span{conversation.answers()}.subspan(first[i], first[i + 1] - first[i])));
    const auto searches = search(bus, modbus, pace, reports);
    std::optional<PortSetting> setting;
    if (const auto* port = std::get_if<SerialPort>(&bus.line)) setting = {port->baud, port->parity};
    for (std::size_t i = 0; i < modbus.meters.size(); ++i)
      add(judge_meter(bus.name, modbus.meters[i], setting, reports[i], searches[i]));
  }

  /// Where the silent meters are; one of each meter, silent or not.
  std::vector<MeterSearch> search(const config::BusSettings& bus, const ModbusConfig& modbus,
                                  ModbusPace pace, const std::vector<MeterReport>& reports) {
    std::vector<MeterSearch> out(reports.size());
    std::vector<std::size_t> silent;
    for (std::size_t i = 0; i < reports.size(); ++i)
      if (!reports[i].answered) silent.push_back(i);
    if (silent.empty()) return out;
    const bool others = silent.size() < reports.size();
    for (auto& each : out) each.others_answer = others;
    pace.listen = {};
    pace.tries = 1;
    // Where others answer the speed is right: an address more likely. Else the speed.
    if (others) search_addresses(bus, modbus, pace, out);
    if (!others || out[silent.front()].strangers.empty())
      search_settings(bus, modbus, pace, silent, out);
    if (!others &&
        std::ranges::none_of(out, [](const auto& each) { return each.setting.has_value(); }))
      search_addresses(bus, modbus, pace, out);
    return out;
  }

  void search_addresses(const config::BusSettings& bus, const ModbusConfig& modbus, ModbusPace pace,
                        std::vector<MeterSearch>& out) {
    std::vector<protocol::modbus::RtuRequest> requests;
    for (const auto unit : usual_units())
      if (std::ranges::find(modbus.meters, unit, &MeterConfig::unit) == modbus.meters.end())
        requests.push_back(any_meter_request(unit));
    progress("{}: a meter is silent; looking for it at {} other addresses", bus.name,
             requests.size());
    pace.patience = stranger_patience;
    ModbusConversation conversation{requests, pace};
    if (talk(io_, bus.line, conversation, longest_search)) return;
    for (std::size_t i = 0; i < requests.size(); ++i)
      if (conversation.answers()[i].answered)
        for (auto& each : out) each.strangers.push_back(requests[i].unit);
  }

  void search_settings(const config::BusSettings& bus, const ModbusConfig& modbus, ModbusPace pace,
                       std::vector<std::size_t> silent, std::vector<MeterSearch>& out) {
    const auto* configured = std::get_if<SerialPort>(&bus.line);
    if (configured == nullptr) return;  // the speed behind a gateway is the gateway's
    const auto begin = std::chrono::steady_clock::now();
    pace.tries = 2;
    for (const auto& setting : other_settings({configured->baud, configured->parity})) {
      if (silent.empty() || std::chrono::steady_clock::now() - begin > longest_search) return;
      progress("{}: {} silent; trying {}", bus.name, silent.size(), to_text(setting));
      SerialPort port = *configured;
      port.baud = setting.baud;
      port.parity = setting.parity;
      port.stop_bits = 1;
      pace.baud = setting.baud;
      pace.bits_per_character = setting.parity == 'N' ? 10 : 11;
      std::vector<protocol::modbus::RtuRequest> requests;
      requests.reserve(silent.size());
      for (const auto index : silent)
        requests.push_back(any_meter_request(modbus.meters[index].unit));
      ModbusConversation conversation{requests, pace};
      if (talk(io_, port, conversation, longest_exchange)) continue;  // no setting of this port
      std::vector<std::size_t> left;
      for (std::size_t i = 0; i < silent.size(); ++i) {
        if (conversation.answers()[i].answered) {
          out[silent[i]].setting = setting;
        } else {
          left.push_back(silent[i]);
        }
      }
      silent = std::move(left);
    }
  }

  // ---- battery

  void probe(const config::BusSettings& bus, const protocol::PylontechConfig& pylontech) {
    progress("{}: listening to the battery, up to 10 s", bus.name);
    BatteryConversation conversation{pylontech};
    if (!ask(bus, bus.line, conversation)) return;
    std::optional<CanInterfaceFacts> interface;
    if (const auto* can = std::get_if<transport::SocketCan>(&bus.line))
      interface = look_at_can(can->interface);
    add(judge_battery(bus.name, pylontech, conversation.report(), interface));
  }

  void probe(const config::BusSettings& bus, const protocol::PylontechRs485Config& rs485) {
    listen(bus, protocol::make_pylontech_rs485_driver(rs485), modules_patience,
           fmt::format("all {} modules answer", rs485.modules),
           "is the cable in the RS485 socket of the master? DIP switch 1: 9600 or 115200 baud; "
           "compare `modules` and `first_address`");
  }

  void listen(const config::BusSettings& bus, std::unique_ptr<protocol::Driver> driver,
              Duration patience, std::string good, std::string action) {
    progress("{}: up to {} s", bus.name,
             std::chrono::duration_cast<std::chrono::seconds>(patience).count());
    DriverConversation conversation{std::move(driver), patience};
    if (!ask(bus, bus.line, conversation)) return;
    if (conversation.ready()) return add(ok(bus.name, std::move(good)));
    add({bus.name, Verdict::failed, conversation.trouble(), "not all of it is heard",
         std::move(action)});
  }

  // ---- inverter

  void probe(const config::BusSettings& bus, const protocol::VebusConfig& vebus) {
    progress("{}: asking MK3 and inverter, about 5 s", bus.name);
    InverterConversation conversation{vebus.address};
    if (!ask(bus, bus.line, conversation)) return;
    auto report = conversation.report();
    if (!report.interface_version) {
      if (const auto* configured = std::get_if<SerialPort>(&bus.line)) {
        progress("{}: silent; trying 115200 baud", bus.name);
        SerialPort port = *configured;
        port.baud = 115200;
        InverterConversation fast{vebus.address, true};
        if (!talk(io_, port, fast, longest_exchange) && fast.report().interface_version) {
          report = fast.report();
          report.at_high_speed = true;
        }
      }
    }
    add(judge_inverter(bus.name, report));
  }

  // ---- the machine

  [[nodiscard]] Finding clock() const {
    actors::Rtc rtc;
    rtc.read();
    const auto& control = settings_.control;
    return judge_clock(settings_.clock, {.status = actors::read_clock_status(rtc),
                                         .schedule_or_tariff = !control.schedule.empty() ||
                                                               !control.tariff.bands.empty() ||
                                                               control.mode == Mode::smart});
  }

  const ProbeOptions& options_;
  const config::HubSettings& settings_;
  std::optional<UserFacts> user_;
  std::ostream& out_;
  std::ostream& err_;
  transport::IoThread io_;
  Findings findings_;
};

}  // namespace

int probe(const ProbeOptions& options, std::ostream& out, std::ostream& err) {
  const auto settings = config::load_config(options.config);
  if (!settings) {
    for (const auto& error : settings.error())
      err << config::describe(options.config, error) << '\n';
    return exit_config;
  }
  return Prober{options, *settings, out, err}.run();
}

}  // namespace esshub::app
