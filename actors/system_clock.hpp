// The system's clocks, read: civil time now, and whether it is trusted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "civil_time/clock_source.hpp"
#include "civil_time/local_clock.hpp"
#include "model/time.hpp"
#include "service/moment.hpp"

namespace esshub::actors {

/// The machine's battery-backed clock, as it was read last.
class Rtc {
 public:
  explicit Rtc(std::string file = "/sys/class/rtc/rtc0/since_epoch") : file_(std::move(file)) {}

  /// May wait for the chip: not on the control's thread.
  void read();
  /// How far the wall clock is ahead of it, which goes on by the steady clock. Nothing: there is
  /// none, or it was not read for 5 min. For any thread; waits for nobody.
  [[nodiscard]] std::optional<std::chrono::seconds> wall_ahead(WallTime wall, Instant now) const;

 private:
  static constexpr std::int64_t unknown = INT64_MIN;

  std::string file_;
  std::atomic<std::int64_t> minus_steady_s_{unknown};  ///< what it shows less the steady clock
  std::atomic<Instant> read_at_{Instant{}};
};

/// What is known of the wall clock now.
[[nodiscard]] civil_time::ClockStatus read_clock_status(const Rtc& rtc);

/// Civil time now. Trusted as LocalClock and is_trusted say; the kernel calls the wall clock
/// synchronised by adjtimex without STA_UNSYNC.
[[nodiscard]] LocalTime read_local_time(civil_time::LocalClock& clock,
                                        civil_time::ClockSource source, const Rtc& rtc);

/// Now, on all clocks.
[[nodiscard]] service::Moment read_moment();
/// Which start of the machine this is: the kernel's random boot id; empty where it tells none.
[[nodiscard]] std::string read_boot_id();

}  // namespace esshub::actors
