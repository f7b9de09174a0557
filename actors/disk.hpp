// Disk: the state file on the real disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "service/state_file.hpp"

namespace esshub::actors {

class Disk final : public service::StateDisk {
 public:
  explicit Disk(std::filesystem::path file) : file_(std::move(file)) {}

  [[nodiscard]] Result<std::optional<std::string>> read() override;
  /// publish::replace_file; the folder is made where it is missing.
  [[nodiscard]] Result<void> replace(const std::string& text) override;
  [[nodiscard]] Result<std::string> quarantine(WallTime now) override;

 private:
  std::filesystem::path file_;
};

}  // namespace esshub::actors
