#include "actors/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace esshub::actors {
namespace {

tl::unexpected<Error> refuse(const std::filesystem::path& file, const char* what, int number) {
  return fail(ErrorKind::io, std::string{what} + " " + file.string() + ": " +
                                 std::generic_category().message(number));
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
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
  std::error_code ignored;  // the open below says it better
  std::filesystem::create_directories(file_.parent_path(), ignored);
  auto fresh = file_;
  fresh += ".new";
  {
    const Descriptor out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
    if (out.get() < 0) return refuse(fresh, "cannot create", errno);
    if (!write_all(out.get(), text) || ::fsync(out.get()) != 0)
      return refuse(fresh, "cannot write", errno);
  }
  if (::rename(fresh.c_str(), file_.c_str()) != 0) return refuse(file_, "cannot replace", errno);
  const Descriptor folder{::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.get() < 0 || ::fsync(folder.get()) != 0)
    return refuse(file_.parent_path(), "cannot sync", errno);
  return {};
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
