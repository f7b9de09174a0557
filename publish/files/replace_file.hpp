// replace_file: a file is there as it was or as it shall be, whatever happens between.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>

#include "model/result.hpp"

namespace esshub::publish {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// Writes FILE.new, fsync, rename, fsync of the folder. The file has `mode` as far as the umask
/// lets it; `prepare` is given the descriptor of the new file before it is written, for its owner
/// or another mode, and false of it is an error. `io`: what could not be done, with the system's
/// word.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, const std::string& text,
                                        mode_t mode, const std::function<bool(int)>& prepare = {});

}  // namespace esshub::publish
