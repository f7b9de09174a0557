// The installation as `esshub init` found it, and the configuration that fits it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "app/bus_tools/port_finder.hpp"
#include "app/probe/modbus_conversation.hpp"
#include "model/sample.hpp"
#include "protocol/modbus/meter_models.hpp"

namespace esshub::app {

/// One phase of a meter that was found.
struct FoundPhase {
  double volts = 0.0;
  double watts = 0.0;  ///< as the meter shows it: nobody knows yet which way round the clamp is
  std::optional<Point> measures{};  ///< as its owner said
  friend bool operator==(const FoundPhase&, const FoundPhase&) = default;
};
struct FoundMeter {
  std::uint8_t unit = 1;
  protocol::MeterModel model = protocol::MeterModel::sdm630;
  std::vector<FoundPhase> phases;
  friend bool operator==(const FoundMeter&, const FoundMeter&) = default;
};

/// What tells a meter's model and shows what it measures; one request each.
[[nodiscard]] std::vector<protocol::modbus::RtuRequest> identity_requests(std::uint8_t unit);
/// From the answers to them, in their order. Nothing where it is no meter that the hub reads.
[[nodiscard]] std::optional<FoundMeter> identify_meter(std::uint8_t unit,
                                                       std::span<const ModbusAnswer> answers);

/// A bus as it was found.
struct FoundBus {
  std::string place;                     ///< of its adapter: a device file or a CAN interface
  bool can_interface = false;            ///< `place` is one
  std::optional<PortSetting> setting{};  ///< of a serial port
  bool unproven = false;                 ///< something answers there, and nothing says what it is
};
struct FoundMeters : FoundBus {
  std::vector<FoundMeter> meters;
};

struct FoundCells : FoundBus {
  std::optional<unsigned> modules{};  ///< as the battery says on CAN
};

struct Setup {
  std::vector<FoundMeters> meters;
  std::vector<FoundBus> batteries;
  std::vector<FoundCells> cells;  ///< RS485 ports of a battery's master
  std::vector<FoundBus> inverters;
  std::map<std::string, std::string> values;  ///< settings by "section.key", as TOML
};

/// Where a meter's phase is named: "1.2" is phase 2 of unit 1, "244" the first of unit 244.
struct PhaseName {
  unsigned unit = 0;
  unsigned phase = 1;
  friend bool operator==(PhaseName, PhaseName) = default;
};
/// "1.2=solar": a phase and what it measures, or an error for a person.
[[nodiscard]] tl::expected<std::pair<PhaseName, Point>, std::string> read_assignment(
    std::string_view text);
/// "grid", ..., or nothing: no point that a meter may measure.
[[nodiscard]] std::optional<Point> read_point(std::string_view word);

/// What is still open, a sentence each: a bus that was not found, no channel named grid.
[[nodiscard]] std::vector<std::string> open_questions(const Setup& setup);

/// The configuration file; what is open stands in it as a comment that says so.
[[nodiscard]] std::string buses_text(const Setup& setup);

/// As a TOML string.
[[nodiscard]] std::string toml_text(std::string_view text);

}  // namespace esshub::app
