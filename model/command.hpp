// Command: what a person or another program may ask of the running hub, and the one door for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "model/instruction.hpp"
#include "model/result.hpp"

namespace esshub {

struct SetMode {
  std::optional<Mode> mode;  ///< nothing: as configured
};
struct SetReserve {
  std::optional<Soc> reserve;  ///< nothing: as configured
};
struct StartOverride {
  Instruction instruction;
  Duration length{};
};
struct EndOverride {};
struct StartDispatch {
  Instruction instruction;
  Duration length{};
};
struct EndDispatch {};
struct StartStorm {
  Soc reserve;
  Duration length{};
  Duration begins_in{};
  bool fill = true;  ///< what is missing is bought: before it begins in the cheapest hours
};
struct EndStorm {};
/// The owner has seen to it: an inverter that a cut-off holds off is switched on again (F9), a
/// reversed meter's rest ends (F21), and so does the hold after repeated deaths (F11). Refused when
/// none of these is in force.
struct Acknowledge {};

using Command = std::variant<SetMode, SetReserve, StartOverride, EndOverride, StartDispatch,
                             EndDispatch, StartStorm, EndStorm, Acknowledge>;

/// Asks for something; `who` is for the log ("web 192.0.2.4", "mqtt", "dbus :1.7"). Thread-safe,
/// never waits for the control. An Error says what was refused and what is allowed; a command that
/// is accepted holds from the next tick on. It can narrow what the battery may do, or wish
/// something within the limits: it can never widen a limit (I8).
using CommandSink = std::function<Result<void>(const Command& command, const std::string& who)>;

}  // namespace esshub
