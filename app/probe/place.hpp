// What can be wrong with a port, the clock, or a hub in the way, judged from facts of the system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/probe/finding.hpp"
#include "civil_time/clock_source.hpp"

namespace esshub::app {

/// Who runs the hub.
struct UserFacts {
  std::string name;
  std::uint32_t uid = 0;
  std::vector<std::uint32_t> gids{};  ///< with those of supplementary groups
};

struct PortFacts {
  std::string path;
  std::string target{};  ///< where it leads, if it is a link
  bool exists = false;
  bool character_device = false;
  std::uint32_t mode = 0;  ///< permission bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string group{};  ///< its name
  int holder = 0;       ///< process that has it open; 0: nobody that is seen
  std::string holder_name{};
  std::vector<std::string> adapters{};  ///< that are plugged in
};

/// Whether the user may read and write it.
[[nodiscard]] bool may_open(const PortFacts& port, const UserFacts& user);

/// `user`: of the service, nothing if there is none on this machine.
[[nodiscard]] Finding judge_port(const std::string& bus, const PortFacts& port,
                                 const std::optional<UserFacts>& user);

struct ClockFacts {
  civil_time::ClockStatus status{};
  bool schedule_or_tariff = false;  ///< something of the configuration goes by civil time
};
[[nodiscard]] Finding judge_clock(civil_time::ClockSource source, const ClockFacts& facts);

/// A hub of this configuration runs: nothing else may be asked.
[[nodiscard]] Finding hub_runs(int process, const std::string& file);
/// A hub of another one does: a device that both ask would have two masters.
[[nodiscard]] Finding other_hub_runs(int process, const std::string& file);

}  // namespace esshub::app
