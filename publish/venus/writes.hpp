// Writes to Venus paths -> commands: the remote dispatch by the Hub4 paths, and the reserve.
#pragma once

#include <optional>
#include <string_view>

#include "model/command.hpp"
#include "model/view.hpp"

namespace esshub::publish {

/// What was written to the Hub4 paths holds for 60 s and must be written again to go on, as in
/// Venus (reference: venus-dbus-mqtt#3.5, "Lifetime of the setpoint").
class VenusWrites {
 public:
  static constexpr Duration life = 60s;

  [[nodiscard]] static bool writable(std::string_view service, std::string_view path);

  /// `value` in the path's unit (W at AC-in, + = drawn; 0 or 1; %), nothing = written invalid: the
  /// wish is withdrawn. ErrorKind::refused if the path cannot be written, ErrorKind::invalid if
  /// the value is out of range or what it needs is not known.
  [[nodiscard]] Result<Command> write(std::string_view service, std::string_view path,
                                      std::optional<double> value, const View& view, Instant now);

 private:
  using Number = std::optional<double>;
  Result<void> set_setpoint(Number value, Instant now);
  Result<void> set_flag(bool& flag, Number value);
  [[nodiscard]] Result<Command> dispatch(const View& view, Instant now) const;

  std::optional<Watts> setpoint_;  ///< at AC-in
  Instant setpoint_until_{};
  bool disable_charge_ = false;
  bool disable_feed_in_ = false;
  Instant until_{};  ///< of everything
};

}  // namespace esshub::publish
