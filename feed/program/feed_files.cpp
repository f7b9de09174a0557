#include "feed/program/feed_files.hpp"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <memory>

#include "publish/files/replace_file.hpp"

namespace esshub::feed {

std::filesystem::path feed_file(const std::filesystem::path& folder, FeedKind kind) {
  return folder / (std::string{name(kind)} + ".json");
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
  return publish::replace_file(feed_file(folder, feed.kind), service::feed_text(feed), 0644,
                               [](int fd) { return ::fchmod(fd, 0644) == 0; });
}

}  // namespace esshub::feed
