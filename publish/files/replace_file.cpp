#include "publish/files/replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace esshub::publish {
namespace {

tl::unexpected<Error> cannot(const char* what, const std::filesystem::path& file) {
  const int number = errno;
  return fail(ErrorKind::io, std::string{"cannot "} + what + ' ' + file.string() + ": " +
                                 std::generic_category().message(number));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

bool give_to_owner_of(const std::filesystem::path& folder, int fd) {
  if (::geteuid() != 0) return true;
  struct stat about {};
  struct stat own {};
  if (::stat(folder.c_str(), &about) != 0 || ::fstat(fd, &own) != 0) return false;
  // Where nothing is to be changed, a root that may change no owner (a container's) writes as well.
  return (own.st_uid == about.st_uid && own.st_gid == about.st_gid) ||
         ::fchown(fd, about.st_uid, about.st_gid) == 0;
}

Result<void> replace_file(const std::filesystem::path& file, const std::string& text, mode_t mode,
                          const std::function<bool(int)>& prepare) {
  auto fresh = file;
  fresh += ".new";
  ::unlink(fresh.c_str());  // of a run that was cut short
  {
    const Descriptor out{
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (out.get() < 0) return cannot("create", fresh);
    if (!give_to_owner_of(file.parent_path(), out.get()) || (prepare && !prepare(out.get())) ||
        !write_all(out.get(), text) || ::fsync(out.get()) != 0)
      return cannot("write", fresh);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) return cannot("replace", file);
  const Descriptor folder{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return cannot("sync", file.parent_path());
  return {};
}

}  // namespace esshub::publish
