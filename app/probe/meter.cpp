#include "app/probe/meter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/plausible.hpp"
#include "protocol/bytes.hpp"

namespace esshub::app {
namespace {

namespace modbus = protocol::modbus;
using protocol::MeterConfig;
using protocol::MeterModel;

const modbus::Register& voltage_register(MeterModel model) {
  return *modbus::find_register(model, 1, Measure::voltage);
}

std::string address_text(const MeterConfig& meter) {
  return fmt::format("unit {}", meter.unit);
}

std::string at(std::optional<PortSetting> setting) {
  return setting ? " at " + to_text(*setting) : "";
}

std::string speed_lines(PortSetting setting) {
  return fmt::format("baud = {}{}", setting.baud,
                     setting.parity == 'E'   ? " and parity = \"even\""
                     : setting.parity == 'O' ? " and parity = \"odd\""
                                             : "");
}

Finding silent(const std::string& what, const std::string& bus, const MeterConfig& meter,
               std::optional<PortSetting> setting, const MeterReport& report,
               const MeterSearch& search) {
  const auto unit = address_text(meter);
  const auto symptom =
      fmt::format("{} does not answer{}{}", unit, at(setting),
                  report.noise > 0
                      ? fmt::format("; {} bytes that are no frame were heard instead", report.noise)
                      : "");
  const auto failed = [&](std::string cause, std::string action) {
    return Finding{what, Verdict::failed, symptom, std::move(cause), std::move(action)};
  };
  if (search.setting) {
    return failed(fmt::format("it answers at {}: its speed or parity is not that of the bus",
                              to_text(*search.setting)),
                  search.others_answer
                      ? fmt::format("set the meter itself to {}: all devices of a bus share the "
                                    "speed (its display; afterwards off and on)",
                                    setting ? to_text(*setting) : "the speed of the bus")
                      : fmt::format("set {} in [[bus]] {}, if the others of the bus run so too",
                                    speed_lines(*search.setting), bus));
  }
  if (!search.strangers.empty()) {
    return failed(fmt::format("a device answers at unit {} that the configuration does not name",
                              fmt::join(search.strangers, ", ")),
                  fmt::format("set unit = {} of {} in [[bus]] {}, or the meter's own address to {}",
                              search.strangers.front(), meter.name, bus, meter.unit));
  }
  if (search.others_answer) {
    return failed(
        "the bus works, for others on it answer: this meter is without power or "
        "disconnected, or has an address that is not tried here",
        fmt::format("look at its display (is it on? which address?); wires A and B to "
                    "it; set unit of {} in [[bus]] {} to its address",
                    meter.name, bus));
  }
  return failed(
      "no meter of this bus answers at any usual speed: A and B exchanged, a broken "
      "wire, the wrong adapter, or the meters are without power",
      "exchange A and B at the adapter; look whether the meters' displays are on; "
      "compare the port with the adapter's place in /dev/serial/by-id");
}

/// EN 50160: 230 V +- 10 %.
bool usual_voltage(double volts) {
  return volts >= 207.0 && volts <= 253.0;
}
/// EN 50160, for 99.5 % of a year.
bool usual_frequency(double hertz) {
  return hertz >= 49.0 && hertz <= 51.0;
}

}  // namespace

std::vector<modbus::RtuRequest> meter_requests(MeterModel model, std::uint8_t unit) {
  const auto& row = modbus::row_of(model);
  const auto read = [unit](std::uint8_t function, unsigned start, unsigned count) {
    return modbus::RtuRequest{.unit = unit,
                              .function = function,
                              .start = static_cast<std::uint16_t>(start),
                              .count = static_cast<std::uint16_t>(count),
                              .data = {}};
  };
  // The voltages of the phases follow each other.
  std::vector<modbus::RtuRequest> requests{
      read(modbus::read_input, voltage_register(model).address, 2 * row.phases)};
  if (const auto* frequency = modbus::find_register(model, 0, Measure::frequency))
    requests.push_back(read(modbus::read_input, frequency->address, 2));
  if (row.system_type)
    requests.push_back(
        read(modbus::read_holding, row.system_type->block.start, row.system_type->block.count));
  return requests;
}

modbus::RtuRequest any_meter_request(std::uint8_t unit) {
  return {.unit = unit, .function = modbus::read_input, .start = 0, .count = 2, .data = {}};
}

MeterReport read_meter(MeterModel model, std::span<const ModbusAnswer> answers) {
  const auto& row = modbus::row_of(model);
  MeterReport report;
  for (const auto& answer : answers) {
    report.answered = report.answered || answer.answered;
    report.noise += answer.noise;
  }
  const auto registers = [&](std::size_t index) {
    return protocol::ByteView{answers[index].registers};
  };
  if (answers.empty() || registers(0).size() != 4u * row.phases) {
    report.refused = report.answered;
    return report;
  }
  report.word_order = modbus::judge_word_order(registers(0).first(4));
  if (report.word_order != modbus::WordOrder::swapped)
    for (std::size_t i = 0; i < row.phases; ++i)
      report.voltages.at(i) = double{protocol::read_f32_be(registers(0), 4 * i)};
  std::size_t next = 1;
  const auto value = [&]() -> std::optional<double> {
    const auto bytes = next < answers.size() ? registers(next) : protocol::ByteView{};
    ++next;
    if (bytes.size() != 4) return std::nullopt;
    return double{protocol::read_f32_be(bytes, 0)};
  };
  if (modbus::find_register(model, 0, Measure::frequency) != nullptr) report.frequency = value();
  if (row.system_type) report.system_type = value();
  return report;
}

std::vector<PortSetting> other_settings(PortSetting tried) {
  std::vector<PortSetting> out;
  // Without parity first: so meters leave the factory.
  for (const char parity : {'N', 'E', 'O'})
    for (const std::uint32_t baud : {9600u, 2400u, 19200u, 38400u, 4800u, 1200u})
      if (PortSetting{baud, parity} != tried) out.push_back({baud, parity});
  return out;
}

std::vector<std::uint8_t> usual_units() {
  std::vector<std::uint8_t> out;
  for (unsigned unit = 1; unit <= 20; ++unit) out.push_back(static_cast<std::uint8_t>(unit));
  for (unsigned unit = 240; unit <= 247; ++unit) out.push_back(static_cast<std::uint8_t>(unit));
  return out;
}

Finding judge_meter(const std::string& bus, const MeterConfig& meter,
                    std::optional<PortSetting> setting, const MeterReport& report,
                    const MeterSearch& search) {
  const auto& row = modbus::row_of(meter.model);
  const auto what = fmt::format("{}: {} ({}, unit {})", bus, meter.name, row.name, meter.unit);
  if (!report.answered) return silent(what, bus, meter, setting, report, search);
  const auto finding = [&](Verdict verdict, std::string symptom, std::string cause,
                           std::string action) {
    return Finding{what, verdict, std::move(symptom), std::move(cause), std::move(action)};
  };
  if (report.refused)
    return finding(Verdict::failed,
                   fmt::format("{} answers, but refuses the registers of an {}",
                               address_text(meter), row.title),
                   "it is another model", "read its label and set model in [[bus.meter]]");
  if (report.word_order == modbus::WordOrder::swapped)
    return finding(Verdict::failed, "its voltage reads right only with its words exchanged",
                   "its register order (0x0028) is not the factory's",
                   "set the register order to high word first with the maker's tool");
  unsigned highest_used = 1;
  for (const auto& channel : meter.channels) highest_used = std::max(highest_used, channel.phase);
  if (report.system_type && row.system_type && *report.system_type != row.system_type->needed) {
    const auto menu = fmt::format(
        "in its menu: hold the set-up key, password 1000, SYS: {}; then "
        "probe again",
        modbus::system_type_name(row.system_type->needed));
    return finding(
        highest_used > 1 ? Verdict::failed : Verdict::warning,
        fmt::format("its system type is {}", modbus::system_type_name(*report.system_type)),
        fmt::format("the meter is not set to {}, so phases 2 and 3 do not show what "
                    "their clamps measure",
                    modbus::system_type_name(row.system_type->needed)),
        menu);
  }
  if (row.system_type && !report.system_type)
    return finding(Verdict::failed, "it does not tell its system type",
                   "another model, or its firmware is older than the register",
                   "read its label and set model in [[bus.meter]]");
  std::string seen;
  for (unsigned phase = 1; phase <= row.phases; ++phase)
    seen += fmt::format("{}{:.1f} V", phase > 1 ? " / " : "", report.voltages.at(phase - 1));
  if (report.frequency) seen += fmt::format(", {:.2f} Hz", *report.frequency);
  if (report.system_type)
    seen += fmt::format(", {}", modbus::system_type_name(*report.system_type));
  for (const auto& channel : meter.channels) {
    const double volts = report.voltages.at(channel.phase - 1);
    // What is no number holds in no range.
    if (!(volts >= mains_present.value()))
      return finding(Verdict::failed,
                     fmt::format("{}: phase {}, which measures {}, shows {:.1f} V", seen,
                                 channel.phase, name(channel.point), volts),
                     "that voltage input is not connected; a clamp without it measures no power",
                     "have an electrician bridge the voltage inputs L1, L2 and L3 to the supply "
                     "phase");
  }
  for (const auto& channel : meter.channels)
    if (!usual_voltage(report.voltages.at(channel.phase - 1)))
      return finding(Verdict::warning, seen, "a voltage outside of 207 to 253 V (EN 50160)",
                     "compare with another voltmeter; tell the network operator");
  if (report.frequency && !usual_frequency(*report.frequency))
    return finding(Verdict::warning, seen, "a frequency outside of 49 to 51 Hz (EN 50160)",
                   "is the house on a generator or an island? Probe again on the public grid");
  return ok(what, seen);
}

Finding other_master(const std::string& bus) {
  return {bus, Verdict::failed, "somebody else asks on this bus; nothing was sent",
          "the old box or another program still polls: Modbus has room for one master",
          "take the other one off the bus, or set mode = \"sniff\" in [[bus]] " + bus +
              " (`esshub sniff` shows what is asked)"};
}

}  // namespace esshub::app
