#include "app/backup/pending_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace esshub::app {
namespace {

tl::unexpected<Error> cannot(const char* what, const std::filesystem::path& file) {
  const int number = errno;
  return fail(ErrorKind::io, std::string{"cannot "} + what + ' ' + file.string() + ": " +
                                 std::generic_category().message(number));
}

/// A root that may change no owner (a container's) writes as well where nothing is to be changed.
bool give(int fd, const std::filesystem::path& folder, const FileLooks& looks) {
  if (::fchmod(fd, looks.mode) != 0) return false;
  if (::geteuid() != 0) return true;
  struct stat own {};
  if (::fstat(fd, &own) != 0) return false;
  // A new file that is somebody else's: the file system keeps no owners (a stick's FAT).
  const bool fixed = own.st_uid != ::geteuid() || own.st_gid != ::getegid();
  // Never the folder's owner's meanwhile, where it is to be another's.
  if (!looks.user || !looks.group) {
    if (!publish::give_to_owner_of(folder, fd) || ::fstat(fd, &own) != 0) return false;
  }
  const uid_t user = looks.user.value_or(own.st_uid);
  const gid_t group = looks.group.value_or(own.st_gid);
  return (user == own.st_uid && group == own.st_gid) || ::fchown(fd, user, group) == 0 ||
         (fixed && errno == EPERM);
}

}  // namespace

std::optional<FileLooks> looks_of(const std::filesystem::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return std::nullopt;
  return FileLooks{found.st_mode & 0777U, found.st_uid, found.st_gid};
}

Result<PendingFile> PendingFile::begin(std::filesystem::path file, const FileLooks& looks) {
  std::error_code none;
  if (auto named = std::filesystem::canonical(file, none); looks.follow && !none)
    file = std::move(named);
  auto fresh = file;
  fresh += ".new";
  ::unlink(fresh.c_str());  // of a run that was cut short
  auto out = std::make_unique<publish::Descriptor>(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (out->get() < 0) return cannot("create", fresh);
  PendingFile pending{std::move(file), std::move(out)};
  if (!give(pending.out_->get(), pending.file_.parent_path(), looks))
    return cannot("create", fresh);
  return pending;
}

PendingFile::~PendingFile() {
  if (out_) ::unlink(unfinished().c_str());
}

std::filesystem::path PendingFile::unfinished() const {
  auto fresh = file_;
  fresh += ".new";
  return fresh;
}

Result<void> PendingFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(out_->get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return cannot("write", unfinished());
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> PendingFile::sync() {
  if (::fsync(out_->get()) != 0) return cannot("write", unfinished());
  return {};
}

Result<void> PendingFile::commit() {
  if (auto synced = sync(); !synced) return synced;
  if (::rename(unfinished().c_str(), file_.c_str()) != 0) return cannot("replace", file_);
  out_.reset();
  const auto folder = file_.parent_path();
  const publish::Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return cannot("sync", folder);
  return {};
}

}  // namespace esshub::app
