#include "publish/history/database/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "publish/files/replace_file.hpp"

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

std::optional<std::uint64_t> HistoryDisk::room(const std::string& path) const {
  std::error_code unknown;
  const auto space = fs::space(fs::path(path).parent_path(), unknown);
  return unknown ? std::nullopt : std::optional<std::uint64_t>{space.available};
}

void HistoryDisk::make_place_for(const std::string& path) {
  std::error_code ignored;
  const auto folder = fs::path(path).parent_path();
  fs::create_directories(folder, ignored);
  if (::geteuid() != 0) return;
  const Descriptor fresh{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (fresh.get() >= 0 && !give_to_owner_of(folder, fresh.get())) ::unlink(path.c_str());
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
