// What is asked of a meter to prove it, and what its answers say of wiring and menu.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/bus_tools/port_finder.hpp"
#include "app/probe/finding.hpp"
#include "app/probe/modbus_conversation.hpp"
#include "protocol/modbus/driver.hpp"

namespace esshub::app {

/// Voltages of its phases, frequency and, of a meter with three phases, the system type; one
/// request each.
[[nodiscard]] std::vector<protocol::modbus::RtuRequest> meter_requests(protocol::MeterModel model,
                                                                       std::uint8_t unit);
/// What any of them answers: two input registers from 0.
[[nodiscard]] protocol::modbus::RtuRequest any_meter_request(std::uint8_t unit);

struct MeterReport {
  bool answered = false;
  bool refused = false;     ///< it answers, but not with the registers of its model
  std::uint64_t noise = 0;  ///< bytes heard instead of an answer
  protocol::modbus::WordOrder word_order = protocol::modbus::WordOrder::unproven;
  std::array<double, 3> voltages{};  ///< V; only where the word order is right
  std::optional<double> frequency{};
  std::optional<double> system_type{};
};
/// `answers` to meter_requests(), in their order.
[[nodiscard]] MeterReport read_meter(protocol::MeterModel model,
                                     std::span<const ModbusAnswer> answers);

/// What was found when a silent meter was looked for.
struct MeterSearch {
  std::optional<PortSetting> setting{};  ///< at which it answers
  std::vector<unsigned> strangers{};     ///< addresses that answer and are not configured
  bool others_answer = false;            ///< other meters of the bus do, as configured
};
/// The settings under which a silent meter is looked for, most likely first, without `tried`.
[[nodiscard]] std::vector<PortSetting> other_settings(PortSetting tried);
/// The addresses under which a silent one is looked for: those that installers take.
[[nodiscard]] std::vector<std::uint8_t> usual_units();

/// `bus`: its name; `setting`: of its port; nothing behind a gateway.
[[nodiscard]] Finding judge_meter(const std::string& bus, const protocol::MeterConfig& meter,
                                  std::optional<PortSetting> setting, const MeterReport& report,
                                  const MeterSearch& search);
/// Another master was heard on a bus that the hub is to poll.
[[nodiscard]] Finding other_master(const std::string& bus);

}  // namespace esshub::app
