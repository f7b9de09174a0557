// Plays the fuzzer's bytes as a script to a driver and its simulated device, whatever the bus, and
// checks what every driver promises. A new bus needs one file that defines `target`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "protocol/driver.hpp"

namespace esshub::fuzz {

/// `variant`, the first byte of the script, chooses the configuration; its bit 7 belongs to the
/// player.
struct Target {
  std::unique_ptr<protocol::Driver> (*make_driver)(std::uint8_t variant);
  /// The device at the other end of the line (sim/plant).
  std::unique_ptr<protocol::Driver> (*make_device)(std::uint8_t variant);
  /// Invented content as a message of the device, length and checksum right; `asked` is what the
  /// driver sent last and may be empty.
  protocol::Bytes (*seal)(std::uint8_t variant, protocol::ByteView asked,
                          protocol::ByteView content);
  /// What the device measures as time goes by.
  void (*live)(Instant now) = nullptr;
  /// Further promises about what a driver sends; `newest` is the last command it was given.
  void (*check_sent)(std::uint8_t variant, protocol::ByteView frame,
                     const std::optional<Setpoint>& newest, Instant now) = nullptr;
  /// On a sound line it must be ready again after this long.
  Duration recovery = 60s;
  /// How long ago what a sample tells may have been true.
  Duration oldest_sample = 5s;
};

/// The one under test, defined by each <bus>_driver_fuzz.cpp.
extern const Target target;

}  // namespace esshub::fuzz
