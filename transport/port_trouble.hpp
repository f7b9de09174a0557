// Why a serial port cannot be opened, in words that say what to do about it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace esshub::transport {

struct PortHolder {
  int pid = 0;
  std::string name;  ///< as in /proc/PID/comm; empty where that cannot be read
};

/// Where to look; tests look elsewhere.
struct PortPlaces {
  std::filesystem::path processes = "/proc";
  std::filesystem::path by_id = "/dev/serial/by-id";
};

/// The process that has `path` open, this one only if no other does. Nothing where none is found or
/// the system does not show it: other users' processes are visible to root alone.
[[nodiscard]] std::optional<PortHolder> holder_of(const std::string& path,
                                                  const PortPlaces& places = {});

/// Names of the serial adapters that are plugged in, sorted.
[[nodiscard]] std::vector<std::string> adapters(const PortPlaces& places = {});

/// Message for a failed open() or lock of `path`; `error` is its errno.
[[nodiscard]] std::string open_failure(const std::string& path, int error,
                                       const PortPlaces& places = {});

}  // namespace esshub::transport
