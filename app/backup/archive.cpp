#include "app/backup/archive.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <system_error>
#include <utility>

#include "app/backup/digest.hpp"
#include "esshub_version.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece = 65536;
const std::string end_of_tar(2 * tar_block, '\0');

tl::unexpected<Error> cannot_read(const fs::path& file, const std::string& why) {
  return fail(ErrorKind::io, "cannot read " + file.string() + ": " + why);
}

std::string system_word(int number) {
  return std::generic_category().message(number);
}

/// Up to all of `to`; less at the end of the file.
Result<std::size_t> read_at(int fd, std::uint64_t at, std::span<char> to) {
  std::size_t got = 0;
  while (got < to.size()) {
    const auto n = ::pread(fd, to.data() + got, to.size() - got, static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorKind::io, "cannot be read: " + system_word(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

/// Gives the bytes of a stretch of a file to `take`, piece by piece.
template <class Take>
Result<void> each_piece(int fd, std::uint64_t at, std::uint64_t size, Take take) {
  std::array<char, piece> block{};
  while (size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, block.size()));
    const auto got = read_at(fd, at, std::span{block}.first(wanted));
    if (!got) return tl::unexpected<Error>(got.error());
    if (*got < wanted) return fail(ErrorKind::invalid, "it is cut short");
    if (Result<void> taken = take(std::string_view{block.data(), wanted}); !taken) return taken;
    at += wanted;
    size -= wanted;
  }
  return {};
}

TarMember member_of(std::string_view name, const struct stat& found) {
  TarMember member{.name = std::string{name},
                   .size = static_cast<std::uint64_t>(found.st_size),
                   .mode = found.st_mode & 0777U,
                   .modified = found.st_mtim.tv_sec};
  if (const auto* user = ::getpwuid(found.st_uid)) member.user = user->pw_name;
  if (const auto* group = ::getgrgid(found.st_gid)) member.group = group->gr_name;
  return member;
}

ManifestFile listed(const SmallFile& file) {
  return {file.member.name, file.member.size, sha256(file.text)};
}

Result<void> write_header(PendingFile& out, const TarMember& member) {
  const auto header = tar_header(member);
  if (!header) return tl::unexpected<Error>(header.error());
  return out.write({header->data(), header->size()});
}

Result<void> write_member(PendingFile& out, const SmallFile& file) {
  if (auto done = write_header(out, file.member); !done) return done;
  return out.write(file.text + std::string(tar_padding(file.text.size()), '\0'));
}

/// All of an open file; nothing: it is no regular one.
Result<std::optional<SmallFile>> read_open_file(const publish::Descriptor& in, const fs::path& file,
                                                std::string_view name) {
  struct stat found {};
  if (in.get() < 0 || ::fstat(in.get(), &found) != 0) return cannot_read(file, system_word(errno));
  if (!S_ISREG(found.st_mode)) return std::nullopt;
  SmallFile small{member_of(name, found), {}};
  std::array<char, piece> block{};
  for (;;) {
    const auto got = read_at(in.get(), small.text.size(), block);
    if (!got) return cannot_read(file, got.error().detail);
    if (*got == 0) break;
    small.text.append(block.data(), *got);
    if (small.text.size() > largest_small_file) return cannot_read(file, "it is too large");
  }
  small.member.size = small.text.size();
  return std::optional{std::move(small)};
}

/// Nothing: it is gone meanwhile, a link or no regular file.
Result<std::optional<SmallFile>> read_state_file(const StateFolder& in, const fs::path& folder,
                                                 const std::string& file, const std::string& name) {
  const publish::Descriptor opened{
      ::openat(in.folder.get(), file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)};
  if (opened.get() < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
    return std::nullopt;
  return read_open_file(opened, folder / file, name);
}

/// Configuration, state and secrets, in this order.
Result<std::vector<SmallFile>> gather(const BackupOrder& order, BackupMade& made) {
  std::vector<SmallFile> files;
  std::uint64_t bytes = 0;
  const auto add = [&](Result<std::optional<SmallFile>> read) -> Result<bool> {
    if (!read) return tl::unexpected<Error>(std::move(read.error()));
    if (!*read) return false;
    bytes += (*read)->text.size();
    files.push_back(*std::move(*read));
    // The manifest is one of them.
    if (files.size() >= most_small_files || bytes > most_small_bytes)
      return fail(ErrorKind::invalid, "too much is below " + order.places.state_dir.string());
    return true;
  };
  if (auto done = add(read_small_file(order.places.config, config_member)); !done)
    return tl::unexpected<Error>(std::move(done.error()));
  for (const auto below : state_folders) {
    if (order.places.state_dir.empty()) break;
    const auto folder = open_state_folder(order.places.state_dir, below);
    if (!folder) return tl::unexpected<Error>(folder.error());
    if (!*folder) continue;
    for (const auto& name : (*folder)->names) {
      const auto member = std::string{state_prefix} + std::string{below} + name;
      auto read = read_state_file(**folder, order.places.state_dir / below, name, member);
      if (auto done = add(std::move(read)); !done)
        return tl::unexpected<Error>(std::move(done.error()));
    }
  }
  if (!order.secrets) return files;
  for (const auto& [setting, file] : order.places.secrets) {
    const auto done = add(read_small_file(file, std::string{secret_prefix} + setting));
    if (!done) return tl::unexpected<Error>(done.error());
    if (!*done) made.not_there.push_back(file.string());
  }
  return files;
}

/// A copy of the history, to be put into the backup.
struct HistoryCopy {
  PendingFile file;
  publish::Descriptor in;
  TarMember member;
  std::string sha256;
};

/// Nothing: it cannot be read, which is told in `made`. An Error is the target's: no room.
Result<std::unique_ptr<HistoryCopy>> take_history(const fs::path& from, const fs::path& beside,
                                                  BackupMade& made,
                                                  const publish::CopyProgress& progress) {
  struct stat found {};
  if (::stat(from.c_str(), &found) != 0) {
    made.no_history = "cannot read " + from.string() + ": " + system_word(errno);
    return nullptr;
  }
  auto pending = PendingFile::begin(beside.string() + ".history", {0600, ::geteuid(), ::getegid()});
  if (!pending) return tl::unexpected<Error>(std::move(pending.error()));
  const auto schema =
      publish::copy_history(from.string(), pending->unfinished().string(), progress);
  if (!schema) {
    if (publish::judge_history(from.string())) return tl::unexpected<Error>(schema.error());
    made.no_history = schema.error().detail;
    return nullptr;
  }
  const auto unfinished = pending->unfinished();
  auto copy = std::unique_ptr<HistoryCopy>(
      new HistoryCopy{*std::move(pending),
                      publish::Descriptor{::open(unfinished.c_str(), O_RDONLY | O_CLOEXEC)},
                      member_of(history_member, found),
                      {}});
  if (::fstat(copy->in.get(), &found) != 0) return cannot_read(unfinished, system_word(errno));
  copy->member.size = static_cast<std::uint64_t>(found.st_size);
  Digest digest;
  const auto add = [&](std::string_view bytes) {
    digest.add(bytes);
    return Result<void>{};
  };
  if (auto read = each_piece(copy->in.get(), 0, copy->member.size, add); !read)
    return tl::unexpected<Error>(std::move(read.error()));
  copy->sha256 = digest.hex();
  made.manifest.history_schema = *schema;
  return copy;
}

}  // namespace

Result<std::optional<SmallFile>> read_small_file(const fs::path& file, std::string_view name) {
  const publish::Descriptor in{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (in.get() < 0 && errno == ENOENT) return std::nullopt;
  auto read = read_open_file(in, file, name);
  if (read && !*read) return cannot_read(file, "it is no regular file");
  return read;
}

Result<std::unique_ptr<StateFolder>> open_state_folder(const fs::path& state_dir,
                                                       std::string_view below) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  const auto place = state_dir / below;
  // A folder that is missing, and whatever else stands in its place.
  const auto none = [] { return errno == ENOENT || errno == ELOOP || errno == ENOTDIR; };
  int fd = ::open(state_dir.c_str(), flags);
  for (const auto& part : fs::path{below}) {
    if (part.empty() || fd < 0) continue;
    const publish::Descriptor above{fd};
    fd = ::openat(above.get(), part.c_str(), flags | O_NOFOLLOW);
    if (fd < 0 && none()) return nullptr;
  }
  if (fd < 0 && errno == ENOENT) return nullptr;
  if (fd < 0) return cannot_read(place, system_word(errno));
  auto opened = std::unique_ptr<StateFolder>(new StateFolder{publish::Descriptor{fd}, {}});
  const int again = ::openat(fd, ".", flags);
  DIR* const list = again < 0 ? nullptr : ::fdopendir(again);
  if (list == nullptr) {
    const int number = errno;
    if (again >= 0) ::close(again);
    return cannot_read(place, system_word(number));
  }
  errno = 0;
  while (const auto* entry = ::readdir(list)) {
    struct stat about {};
    if (is_kept_state(std::string{below} + entry->d_name) &&
        ::fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(about.st_mode))
      opened->names.emplace_back(entry->d_name);
    errno = 0;
  }
  const int number = errno;
  ::closedir(list);
  if (number != 0) return cannot_read(place, system_word(number));
  std::ranges::sort(opened->names);
  return opened;
}

Result<BackupMade> write_backup(const BackupOrder& order, const fs::path& file,
                                const FileLooks& looks, const publish::CopyProgress& progress) {
  BackupMade made{.manifest = {.version = ESSHUB_VERSION,
                               .made_at = std::chrono::floor<std::chrono::seconds>(
                                   std::chrono::system_clock::now()),
                               .site = order.site,
                               .config = order.places.config.string(),
                               .state_dir = order.places.state_dir.string(),
                               .history = order.places.history.string()},
                  .no_history = {},
                  .not_there = {}};
  auto out = PendingFile::begin(file, looks);
  if (!out) return tl::unexpected<Error>(std::move(out.error()));
  const auto files = gather(order, made);
  if (!files) return tl::unexpected<Error>(files.error());
  std::unique_ptr<HistoryCopy> history;
  std::error_code unknown;
  if (!order.places.history.empty() && fs::exists(order.places.history, unknown)) {
    auto copied = take_history(order.places.history, file, made, progress);
    if (!copied) return tl::unexpected<Error>(std::move(copied.error()));
    history = *std::move(copied);
  }
  for (const auto& small : *files) made.manifest.files.push_back(listed(small));
  if (history)
    made.manifest.files.push_back({history->member.name, history->member.size, history->sha256});

  const auto text = encode(made.manifest);
  const auto seconds = made.manifest.made_at.time_since_epoch().count();
  Result<void> done = write_member(
      *out, {{std::string{manifest_member}, text.size(), 0600, seconds, {}, {}}, text});
  for (const auto& small : *files)
    if (done) done = write_member(*out, small);
  if (history) {
    if (done) done = write_header(*out, history->member);
    if (done)
      done = each_piece(history->in.get(), 0, history->member.size,
                        [&](std::string_view bytes) { return out->write(bytes); });
    if (done) done = out->write(std::string(tar_padding(history->member.size), '\0'));
  }
  if (done) done = out->write(end_of_tar);
  if (done) done = out->commit();
  if (!done) return tl::unexpected<Error>(std::move(done.error()));
  return made;
}

bool Backup::has(BackupPart part) const {
  if (part == BackupPart::history) return history.has_value();
  return std::ranges::any_of(small, [&](const auto& file) { return part_of(file.first) == part; });
}

namespace {

/// What each member was when it was read, by name.
using Found = std::map<std::string, ManifestFile>;

Result<void> as_listed(const Manifest& manifest, const Found& found) {
  for (const auto& file : manifest.files) {
    const auto member = found.find(file.name);
    if (member == found.end()) return fail(ErrorKind::invalid, file.name + " is missing in it");
    if (member->second != file) return fail(ErrorKind::invalid, file.name + " in it is damaged");
  }
  if (found.size() != manifest.files.size())
    return fail(ErrorKind::invalid, "something in it is not in its manifest");
  return {};
}

}  // namespace

Result<Backup> read_backup(const publish::Descriptor& in) {
  std::optional<Backup> backup;
  Found found;
  std::uint64_t small_bytes = 0;
  for (std::uint64_t at = 0;;) {
    TarBlock block{};
    const auto got = read_at(in.get(), at, block);
    if (!got) return tl::unexpected<Error>(got.error());
    if (*got < block.size())
      return fail(ErrorKind::invalid, backup ? "it is cut short" : "it is no backup");
    auto header = read_tar_header(block);
    if (!header && !backup) return fail(ErrorKind::invalid, "it is no backup");
    if (!header) return tl::unexpected<Error>(std::move(header.error()));
    if (!*header) break;
    const TarMember member = *std::move(*header);
    at += block.size();
    const bool first = !backup;
    const auto part = part_of(member.name);
    if (first != (member.name == manifest_member) || (!first && !part) ||
        found.contains(member.name))
      return fail(ErrorKind::invalid, "what no backup has is in it: " + member.name);
    const bool small = part != BackupPart::history;
    if (small && (member.size > largest_small_file || found.size() >= most_small_files ||
                  member.size > most_small_bytes - small_bytes))
      return fail(ErrorKind::invalid, member.name + " in it is too large");
    if (small) small_bytes += member.size;
    std::string text;
    Digest digest;
    const auto take = [&](std::string_view bytes) {
      digest.add(bytes);
      if (small) text += bytes;
      return Result<void>{};
    };
    if (auto read = each_piece(in.get(), at, member.size, take); !read)
      return tl::unexpected<Error>(std::move(read.error()));
    if (first) {
      auto manifest = decode_manifest(text);
      if (!manifest && manifest.error().kind == ErrorKind::refused)
        return tl::unexpected<Error>(std::move(manifest.error()));
      if (!manifest)
        return fail(ErrorKind::invalid, "its manifest is damaged: " + manifest.error().detail);
      backup.emplace().manifest = *std::move(manifest);
    } else {
      found[member.name] = {member.name, member.size, digest.hex()};
      if (small)
        backup->small[member.name] = {member, std::move(text)};
      else
        backup->history = Backup::Place{at, member};
    }
    at += member.size + tar_padding(member.size);
  }
  if (!backup) return fail(ErrorKind::invalid, "it is no backup");
  if (auto listed = as_listed(backup->manifest, found); !listed)
    return tl::unexpected<Error>(std::move(listed.error()));
  return *std::move(backup);
}

Result<void> extract(const publish::Descriptor& in, const Backup::Place& place, PendingFile& to) {
  return each_piece(in.get(), place.at, place.member.size,
                    [&](std::string_view bytes) { return to.write(bytes); });
}

}  // namespace esshub::app
