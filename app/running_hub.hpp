// Finds a hub that runs, by the command lines of the system's processes.
#pragma once

#include <filesystem>
#include <optional>

namespace esshub::app {

struct RunningHub {
  int process = 0;
  std::filesystem::path config;  ///< that it was started with
};

/// The process, if it is `esshub run`: its first word that is no option.
[[nodiscard]] std::optional<RunningHub> hub_of(int process,
                                               const std::filesystem::path& processes = "/proc");
/// The hub that was started with this configuration.
[[nodiscard]] std::optional<RunningHub> running_hub(
    const std::filesystem::path& config, const std::filesystem::path& processes = "/proc");
/// Any hub: its TCP and CAN lines are held by nobody that could be seen.
[[nodiscard]] std::optional<RunningHub> any_running_hub(
    const std::filesystem::path& processes = "/proc");

}  // namespace esshub::app
