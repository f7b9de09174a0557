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

/// A new file that root makes belongs to the owner of its folder: the service's user replaces and
/// reads what a command of root's wrote. For others nothing to do. False, with errno: it cannot be.
[[nodiscard]] bool give_to_owner_of(const std::filesystem::path& folder, int fd);

/// Writes FILE.new, fsync, rename, fsync of the folder. The file belongs to the folder's owner (see
/// above) and has `mode` as far as the umask lets it; `prepare` is given the descriptor of the new
/// file before it is written, for another mode, and false of it is an error. `io`: what could not
/// be done, with the system's word.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, const std::string& text,
                                        mode_t mode, const std::function<bool(int)>& prepare = {});

}  // namespace esshub::publish
