#include "feed/program/feed_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace esshub::feed {
namespace {

tl::unexpected<Error> refuse(const std::filesystem::path& file, const char* what, int number) {
  return fail(ErrorKind::io, std::string{"cannot "} + what + ' ' + file.string() + ": " +
                                 std::generic_category().message(number));
}

bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return ::fchmod(fd, 0644) == 0 && ::fsync(fd) == 0;
}

}  // namespace

std::filesystem::path feed_file(const std::filesystem::path& folder, FeedKind kind) {
  return folder / (std::string{service::name(kind)} + ".json");
}

std::optional<std::string> read_file(const std::filesystem::path& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in{std::fopen(file.c_str(), "rbe"),
                                                           &std::fclose};
  if (!in) return std::nullopt;
  std::string text;
  std::array<char, 4096> block{};
  while (const auto n = std::fread(block.data(), 1, block.size(), in.get())) {
    text.append(block.data(), n);
    if (text.size() > document_bytes) return std::nullopt;
  }
  if (std::ferror(in.get()) != 0) return std::nullopt;
  return text;
}

Result<void> write_feed(const std::filesystem::path& folder, const Feed& feed) {
  const auto file = feed_file(folder, feed.kind);
  auto fresh = file;
  fresh += ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return refuse(fresh, "create", errno);
  const bool written = write_all(fd, service::feed_text(feed));
  const int why = errno;
  ::close(fd);
  if (!written) return refuse(fresh, "write", why);
  if (::rename(fresh.c_str(), file.c_str()) != 0) return refuse(file, "replace", errno);
  return {};
}

}  // namespace esshub::feed
