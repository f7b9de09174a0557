// Machine: what the hub's computer outlives its programs with: clocks, boot id, and its disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "service/moment.hpp"
#include "service/state_file.hpp"

namespace esshub::sim::storm {

/// Clocks by the true time, which nobody in the house sees. Steady clock: from the machine's start.
class MachineClocks {
 public:
  /// At `now` (true) the steady clock shows `steady` and the wall clock `wall`.
  MachineClocks(Instant now, Instant steady, WallTime wall, bool synchronised)
      : steady_ahead_(steady - now),
        wall_at_zero_(wall - now.time_since_epoch()),
        synchronised_(synchronised) {}

  [[nodiscard]] Instant steady(Instant now) const { return now + steady_ahead_; }
  [[nodiscard]] Instant from_steady(Instant steady) const { return steady - steady_ahead_; }
  [[nodiscard]] WallTime wall(Instant now) const { return wall_at_zero_ + now.time_since_epoch(); }
  [[nodiscard]] service::Moment moment(Instant now) const {
    return {.steady = steady(now), .wall = wall(now), .boot_time = steady(now).time_since_epoch()};
  }
  [[nodiscard]] bool synchronised() const { return synchronised_; }
  [[nodiscard]] std::string boot_id() const { return "boot-" + std::to_string(boots_); }

  void set_synchronised(bool synchronised) { synchronised_ = synchronised; }
  void step(Duration by) { wall_at_zero_ += by; }
  void set(Instant now, WallTime wall) { wall_at_zero_ = wall - now.time_since_epoch(); }
  /// The machine starts: the steady clock is `steady` from now on, the wall clock goes on or shows
  /// `wall`.
  void reboot(Instant now, Instant steady, std::optional<WallTime> wall) {
    ++boots_;
    steady_ahead_ = steady - now;
    if (wall) set(now, *wall);
  }

 private:
  Duration steady_ahead_;
  WallTime wall_at_zero_;
  bool synchronised_;
  std::uint64_t boots_ = 1;
};

/// The state file on a disk that does what disks do.
class VirtualDisk final : public service::StateDisk {
 public:
  struct Trouble {
    bool full = false;
    bool unreadable = false;
    bool lost = false;                        ///< said to be written, and gone with the power
    std::optional<std::size_t> torn_after{};  ///< at a power cut so many bytes of the newest remain
  };
  Trouble trouble{};

  [[nodiscard]] Result<std::optional<std::string>> read() override;
  [[nodiscard]] Result<void> replace(const std::string& text) override;
  [[nodiscard]] Result<std::string> quarantine(WallTime now) override;
  void power_cut();

  /// What a program would read now; for checks.
  [[nodiscard]] const std::optional<std::string>& content() const { return seen_; }
  [[nodiscard]] std::uint64_t quarantined() const { return quarantined_; }

 private:
  std::optional<std::string> seen_;     ///< by programs, while there is power
  std::optional<std::string> durable_;  ///< what the next start finds
  std::uint64_t quarantined_ = 0;
};

}  // namespace esshub::sim::storm
