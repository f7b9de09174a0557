#include "publish/files/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace esshub::publish {

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder, Use use) {
  auto held =
      std::make_unique<Descriptor>(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int how = use == Use::alone ? LOCK_EX : LOCK_SH;
  if (held->get() >= 0 && ::flock(held->get(), how | LOCK_NB) == 0)
    return FolderLock{std::move(held)};
  const int number = errno;
  return fail(number == EWOULDBLOCK ? ErrorKind::refused : ErrorKind::io,
              "cannot lock " + folder.string() + ": " + std::generic_category().message(number));
}

}  // namespace esshub::publish
