#include "publish/history/database/disk.hpp"

#include <filesystem>
#include <system_error>

namespace esshub::publish {

namespace fs = std::filesystem;

bool HistoryDisk::holds_no_file(const std::string& path) const {
  std::error_code unknown;
  const auto found = fs::status(path, unknown);
  return fs::exists(found) && !fs::is_regular_file(found);
}

std::optional<std::string> HistoryDisk::missing(const std::string& path) const {
  std::error_code unknown;
  if (fs::exists(path, unknown)) return std::nullopt;
  return unknown ? unknown.message() : "there is no such file yet";
}

void HistoryDisk::make_folder_of(const std::string& path) {
  std::error_code ignored;
  fs::create_directories(fs::path(path).parent_path(), ignored);
}

std::optional<std::string> HistoryDisk::set_aside(const std::string& file) {
  std::error_code failed;
  std::string aside;
  for (unsigned n = 1; aside.empty() || fs::exists(aside, failed); ++n)
    aside = file + ".damaged-" + std::to_string(n);
  // The log first: without it the database is still a whole one of an earlier moment.
  for (const char* part : {"-wal", "-shm", ""}) {
    if (!fs::exists(file + part, failed)) continue;
    fs::rename(file + part, aside + part, failed);
    if (failed) return std::nullopt;
  }
  return aside;
}

HistoryDisk& disk_of_system() {
  static HistoryDisk disk;
  return disk;
}

}  // namespace esshub::publish
