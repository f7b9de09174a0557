#include "actors/disk.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "publish/files/replace_file.hpp"

namespace esshub::actors {
namespace {

tl::unexpected<Error> refuse(const std::filesystem::path& file, const char* what, int number) {
  return fail(
      number == EACCES ? ErrorKind::refused : ErrorKind::io,
      std::string{what} + " " + file.string() + ": " + std::generic_category().message(number));
}

}  // namespace

Result<std::optional<std::string>> Disk::read() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in{std::fopen(file_.c_str(), "rbe"),
                                                           &std::fclose};
  if (!in && errno == ENOENT) return std::nullopt;
  if (!in) return refuse(file_, "cannot read", errno);
  std::string text;
  std::array<char, 4096> block{};
  while (const auto n = std::fread(block.data(), 1, block.size(), in.get()))
    text.append(block.data(), n);
  if (std::ferror(in.get()) != 0) return refuse(file_, "cannot read", errno);
  return text;
}

Result<void> Disk::replace(const std::string& text) {
  std::error_code ignored;  // what comes next says it better
  std::filesystem::create_directories(file_.parent_path(), ignored);
  return publish::replace_file(file_, text, 0640);
}

Result<std::string> Disk::quarantine(WallTime now) {
  auto moved_to = file_;
  moved_to +=
      ".damaged-" +
      std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  if (::rename(file_.c_str(), moved_to.c_str()) != 0)
    return refuse(file_, "cannot set aside", errno);
  return moved_to.string();
}

}  // namespace esshub::actors
