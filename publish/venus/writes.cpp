#include "publish/venus/writes.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace esshub::publish {
namespace {

constexpr std::string_view setpoint_path = "/Hub4/L1/AcPowerSetpoint";
constexpr std::string_view disable_charge_path = "/Hub4/DisableCharge";
constexpr std::string_view disable_feed_in_path = "/Hub4/DisableFeedIn";
constexpr std::string_view reserve_path = "/Settings/CGwacs/BatteryLife/MinimumSocLimit";

// What a Multi can be told at all: 16 bits (reference: venus-dbus-mqtt#3.5). As on Venus,
// a wish beyond the limits is no error: they bound it and are named as the reasons.
constexpr Watts setpoint_limit = 32.767_kW;
constexpr Watts rest_band = 10.0_W;  // an instruction's power must be above zero

bool is_hub4(std::string_view service, std::string_view path) {
  return service == "vebus" &&
         (path == setpoint_path || path == disable_charge_path || path == disable_feed_in_path);
}
bool is_reserve(std::string_view service, std::string_view path) {
  return service == "settings" && path == reserve_path;
}

Result<Command> set_reserve(std::optional<double> value) {
  if (!value) return Command{SetReserve{}};
  const auto soc = Soc::from_percent(*value);
  if (!soc) return fail(ErrorKind::invalid, "expected 0 to 100 %");
  return Command{SetReserve{*soc}};
}

/// A power at the battery, + = charging, as an instruction within the owner's limits.
Instruction instruction(Watts battery, const Policy& policy) {
  if (abs(battery) < rest_band) return {.kind = InstructionKind::idle};
  if (battery > Watts{})
    return {.kind = InstructionKind::charge, .power = battery, .target = policy.ceiling};
  return {.kind = InstructionKind::discharge, .power = -battery, .target = policy.floor};
}

/// What is left of the hub's own balance: idle charges from the sun below its range and serves the
/// house above it, so a range at one end of the scale forbids one of both for good.
Instruction narrowed(bool disable_charge, bool disable_feed_in) {
  Instruction wish{.kind = InstructionKind::idle};
  if (!disable_charge) wish.low = 99.0_soc;
  if (!disable_feed_in) wish.high = 1.0_soc;
  return wish;
}

}  // namespace

bool VenusWrites::writable(std::string_view service, std::string_view path) {
  return is_hub4(service, path) || is_reserve(service, path);
}

Result<Command> VenusWrites::write(std::string_view service, std::string_view path, Number value,
                                   const View& view, Instant now) {
  if (value && !std::isfinite(*value)) return fail(ErrorKind::invalid, "expected a number");
  if (is_reserve(service, path)) return set_reserve(value);
  if (!is_hub4(service, path)) return fail(ErrorKind::refused, "the path cannot be written");
  const VenusWrites before = *this;
  if (now > until_) *this = {};
  if (now > setpoint_until_) setpoint_.reset();
  const auto set = path == setpoint_path         ? set_setpoint(value, now)
                   : path == disable_charge_path ? set_flag(disable_charge_, value)
                                                 : set_flag(disable_feed_in_, value);
  until_ = now + life;
  auto command = set ? dispatch(view, now) : Result<Command>{tl::unexpected<Error>(set.error())};
  if (!command) *this = before;
  return command;
}

Result<void> VenusWrites::set_setpoint(Number value, Instant now) {
  if (value && abs(Watts{*value}) > setpoint_limit)
    return fail(ErrorKind::invalid, "expected -32767 to 32767 W");
  setpoint_ = value ? std::optional{Watts{*value}} : std::nullopt;
  setpoint_until_ = now + life;
  return {};
}

Result<void> VenusWrites::set_flag(bool& flag, Number value) {
  if (value && *value != 0.0 && *value != 1.0) return fail(ErrorKind::invalid, "expected 0 or 1");
  flag = value == 1.0;
  return {};
}

Result<Command> VenusWrites::dispatch(const View& view, Instant now) const {
  if (!setpoint_) {
    if (!disable_charge_ && !disable_feed_in_) return Command{EndDispatch{}};
    return Command{StartDispatch{narrowed(disable_charge_, disable_feed_in_), life}};
  }
  // What is controlled remotely is AC-in: the loads on AC-out come on top of the battery's power.
  const auto load = view.current(Point::ac_out, Measure::power);
  if (!load) return fail(ErrorKind::invalid, "the load on AC-out is not known now");
  Watts battery = *setpoint_ - Watts{*load};
  if (disable_feed_in_) battery = std::max(battery, -Watts{*load});
  if (disable_charge_) battery = std::min(battery, Watts{});
  return Command{StartDispatch{instruction(battery, view.decision.policy), setpoint_until_ - now}};
}

}  // namespace esshub::publish
