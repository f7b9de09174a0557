#include "publish/history/database/schema_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "publish/files/replace_file.hpp"

namespace esshub::publish {
namespace {

namespace fs = std::filesystem;

constexpr auto mark = ".schema-";
constexpr std::string_view unfinished_mark = ".new";

bool sync(const fs::path& path, int flags) {
  const Descriptor file{::open(path.c_str(), flags | O_CLOEXEC)};
  return file.get() >= 0 && ::fsync(file.get()) == 0;
}

/// A version's number and nothing else follows, or a copy that was cut short: all other files are
/// the owner's.
bool is_copy(std::string_view name, std::string_view beginning) {
  if (!name.starts_with(beginning)) return false;
  name.remove_prefix(beginning.size());
  if (name.ends_with(unfinished_mark)) name.remove_suffix(unfinished_mark.size());
  return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

SchemaCopy::SchemaCopy(std::string file, std::int64_t version)
    : file_(std::move(file)), name_(file_ + mark + std::to_string(version)) {}

bool SchemaCopy::made() const {
  std::error_code failed;
  const auto of_copy = fs::last_write_time(name_, failed);
  if (failed) return false;
  const auto of_file = fs::last_write_time(file_, failed);
  return !failed && of_copy == of_file;
}

std::string SchemaCopy::begin(std::uint64_t bytes, HistoryDisk& disk) const {
  const auto room = disk.room(file_);
  if (!room) return "it is not known whether there is room for a copy";
  if (*room < 2 * bytes)
    return "a copy takes " + std::to_string(bytes) +
           " bytes, twice as many must be free: " + std::to_string(*room) + " are";
  abandon();  // of a run that was cut short
  disk.make_place_for(unfinished());
  // Who may not read the file may not read the copy, from its first byte on.
  struct stat file {};
  if (::stat(file_.c_str(), &file) != 0) return {};
  const Descriptor copy{
      ::open(unfinished().c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (copy.get() < 0 || ::fchmod(copy.get(), file.st_mode & 0777U) != 0)
    return "it cannot be written: " + std::generic_category().message(errno);
  return {};
}

std::string SchemaCopy::finish() const {
  const fs::path folder = fs::path(file_).parent_path();
  std::error_code failed;
  const auto time = fs::last_write_time(file_, failed);
  if (!failed) fs::last_write_time(unfinished(), time, failed);
  if (failed) return failed.message();
  if (!sync(unfinished(), O_RDONLY)) return std::generic_category().message(errno);
  fs::rename(unfinished(), name_, failed);
  if (failed) return failed.message();
  if (!sync(folder, O_RDONLY | O_DIRECTORY)) return std::generic_category().message(errno);
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(folder, failed))
    if (is_copy(entry.path().string(), file_ + mark) && entry.path() != name_)
      others.push_back(entry.path());
  for (const auto& other : others) fs::remove(other, failed);
  return {};
}

void SchemaCopy::abandon() const {
  std::error_code ignored;
  fs::remove(unfinished(), ignored);
}

}  // namespace esshub::publish
