#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <ostream>
#include <system_error>
#include <vector>

#include "actors/disk.hpp"
#include "app/backup/archive.hpp"
#include "app/backup/progress.hpp"
#include "app/backup/safety.hpp"
#include "app/commands.hpp"
#include "config/config.hpp"
#include "model/utc_text.hpp"
#include "publish/files/folder_lock.hpp"
#include "publish/history/database/disk.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;
using publish::FolderLock;

constexpr auto state_file = "state.json";
constexpr auto undo_file = "before-restore.backup";
constexpr auto unfinished_file = "restore-unfinished";  ///< there while a restore replaces

/// Why nothing was done, or not all of it.
struct Refusal {
  int status = exit_failure;
  std::string text;
};
template <class T>
using Outcome = tl::expected<T, Refusal>;

tl::unexpected<Refusal> refuse(std::string text, int status = exit_failure) {
  return tl::unexpected(Refusal{status, std::move(text)});
}

bool there(const fs::path& file) {
  std::error_code unknown;
  return !file.empty() && fs::exists(file, unknown);
}

/// A database by itself: a copy of the history that was kept before its schema changed.
bool is_database(const publish::Descriptor& in) {
  constexpr std::string_view magic{"SQLite format 3\0", 16};
  std::array<char, magic.size()> begin{};
  return ::pread(in.get(), begin.data(), begin.size(), 0) == ssize_t{begin.size()} &&
         std::string_view{begin.data(), begin.size()} == magic;
}

/// By whatever name.
bool same_place(const fs::path& a, const fs::path& b) {
  std::error_code unknown;
  return a == b || fs::equivalent(a, b, unknown);
}

/// Nothing: it is not there.
std::optional<uid_t> owner_of(const fs::path& file) {
  const auto looks = looks_of(file);
  return looks ? looks->user : std::nullopt;
}

std::string errors_of(const fs::path& file, const std::vector<config::ConfigError>& errors) {
  std::string text;
  for (const auto& error : errors) text += '\n' + config::describe(file, error);
  return text;
}

/// As it looked in the backup: its owner by name, as far as this machine knows him.
FileLooks looks_in_backup(const TarMember& member) {
  FileLooks looks{.mode = (member.mode & 0666U) | 0600U};
  if (const auto* user = member.user.empty() ? nullptr : ::getpwnam(member.user.c_str()))
    looks.user = user->pw_uid;
  if (const auto* group = member.group.empty() ? nullptr : ::getgrnam(member.group.c_str()))
    looks.group = group->gr_gid;
  return looks;
}

constexpr std::string_view name_of(BackupPart part) {
  switch (part) {
    case BackupPart::config:
      return "configuration";
    case BackupPart::state:
      return "state";
    case BackupPart::history:
      return "history";
    case BackupPart::secret:
      return "secret file";
  }
  return "";
}

class Restore {
 public:
  Restore(const RestoreOptions& options, std::ostream& out, std::ostream& err)
      : options_(options),
        out_(out),
        err_(err),
        in_(::open(options.file.c_str(), O_RDONLY | O_CLOEXEC)) {}

  int run() {
    const auto done = all();
    if (done) return exit_ok;
    err_ << "esshub restore: " << done.error().text << '\n';
    return done.error().status;
  }

 private:
  Outcome<void> all() {
    if (auto read = read_file(); !read) return read;
    if (options_.list) return list();
    if (auto found = find_places(); !found) return found;
    if (auto trusted = not_the_services(); !trusted) return trusted;
    if (auto held = hold_folders(); !held) return held;
    if (auto staged = stage(); !staged) return refuse(staged.error().detail + unchanged);
    if (auto kept = keep_what_is_there(); !kept) return kept;
    return replace();
  }

  static constexpr auto unchanged = "; nothing was changed";

  [[nodiscard]] std::string named() const { return options_.file.string(); }

  // ---- what is given ---------------------------------------------------------------------------

  Outcome<void> read_file() {
    if (in_.get() < 0)
      return refuse("cannot read " + named() + ": " + std::generic_category().message(errno));
    database_ = is_database(in_);
    if (database_) return {};
    auto backup = read_backup(in_);
    if (!backup) return refuse(named() + ": " + backup.error().detail + unchanged);
    backup_ = *std::move(backup);
    return {};
  }

  [[nodiscard]] bool has(BackupPart part) const {
    return database_ ? part == BackupPart::history : backup_.has(part);
  }
  /// It is asked for and there.
  [[nodiscard]] bool wanted(BackupPart part) const {
    const auto asked = part == BackupPart::secret ? BackupPart::config : part;
    return has(part) && (!options_.only || *options_.only == asked);
  }

  Outcome<void> list() {
    if (database_) {
      out_ << named() << ": a copy of the history\n";
      return {};
    }
    const auto& manifest = backup_.manifest;
    out_ << named() << ": whole, made " << utc_text(manifest.made_at) << " by esshub "
         << manifest.version << "\n"
         << "site           " << manifest.site << "\nconfiguration  " << manifest.config
         << "\nstate          " << manifest.state_dir << "\nhistory        "
         << (manifest.history_schema
                 ? fmt::format("{}, schema {}", manifest.history, *manifest.history_schema)
                 : "none")
         << "\n";
    for (const auto& file : manifest.files)
      out_ << fmt::format("{:>12}  {}\n", file.size, file.name);
    return {};
  }

  // ---- where it goes ---------------------------------------------------------------------------

  Outcome<void> find_places() {
    if (options_.only && !has(*options_.only))
      return refuse(named() + " holds no " + std::string{name_of(*options_.only)} + unchanged);
    const auto here = config::load_config(options_.config);
    if (here) places_here_ = places_of(options_.config, *here);
    if (here) site_ = here->site_name;
    if (!wanted(BackupPart::config)) {
      if (!here)
        return refuse(
            "the configuration says where it goes" + errors_of(options_.config, here.error()),
            exit_config);
      to_ = *places_here_;
      return {};
    }
    const auto& text = backup_.small.at(std::string{config_member}).text;
    const auto restored = config::parse_config(text);
    if (!restored)
      return refuse("the configuration in it is none for this version" +
                        errors_of(named() + ':' + std::string{config_member}, restored.error()),
                    exit_config);
    to_ = places_of(options_.config, *restored);
    if (!places_here_) {
      // What is there is to be kept, even where nobody knows what it says.
      places_here_ = to_;
      site_ = restored->site_name;
    }
    return nobody_elses();
  }

  /// What would be replaced and is not kept, or be left behind.
  Outcome<void> nobody_elses() {
    const auto taken = [](const fs::path& file) {
      return refuse(
          file.string() +
          " is there, and is not what the present configuration names: move it away first" +
          unchanged);
    };
    if (wanted(BackupPart::history) && !same_place(to_.history, places_here_->history) &&
        there(to_.history))
      return taken(to_.history);
    for (const auto& secret : to_.secrets) {
      const auto known = [&](const auto& here) { return same_place(here.file, secret.file); };
      if (backup_.small.contains(std::string{secret_prefix} + secret.setting) &&
          there(secret.file) && std::ranges::none_of(places_here_->secrets, known))
        return taken(secret.file);
    }
    if (same_place(to_.state_dir, places_here_->state_dir)) return {};
    if (!wanted(BackupPart::state)) return latches_stay_behind();
    for (const auto below : state_folders) {
      const auto folder = open_state_folder(to_.state_dir, below);
      if (!folder) return refuse(folder.error().detail + unchanged);
      if (*folder && !(*folder)->names.empty())
        return taken(to_.state_dir / below / (*folder)->names.front());
    }
    return {};
  }

  /// The hub would start with the restored configuration and without what safety remembers (I12).
  Outcome<void> latches_stay_behind() {
    const auto& here = places_here_->state_dir;
    if (here.empty() || !there(here / state_file)) return {};
    return refuse("the configuration in it has another state_dir (" + to_.state_dir.string() +
                  "), and what safety remembers is in " + here.string() +
                  ": restore the state as well, or move that folder there first" + unchanged);
  }

  /// As root nothing is restored that the service may have made: it says where files go.
  Outcome<void> not_the_services() {
    struct stat own {};
    if (database_ || ::geteuid() != 0 || ::fstat(in_.get(), &own) != 0 || own.st_uid == 0)
      return {};
    for (const auto& folder : {to_.state_dir, places_here_->state_dir})
      if (owner_of(folder) == own.st_uid)
        return refuse(named() + " belongs to the service's user, who may have changed it: copy it" +
                      " first, if it is what you saved" + unchanged);
    return {};
  }

  Outcome<void> hold_folders() {
    auto folders = kept_folders(to_);
    for (const auto& folder : kept_folders(*places_here_))
      if (std::ranges::find(folders, folder) == folders.end() && there(folder))
        folders.push_back(folder);
    for (const auto& folder : folders) {
      std::error_code error;
      if (fs::create_directories(folder, error))
        fs::permissions(folder, fs::perms::owner_all, error);
      auto lock = FolderLock::take(folder, FolderLock::Use::alone);
      if (!lock && lock.error().kind == ErrorKind::refused)
        return refuse("the hub runs, or another restore does: " + folder.string() +
                      " is in use. Stop it first: sudo systemctl stop esshub" + unchanged);
      if (!lock) return refuse(lock.error().detail + unchanged);
      locks_.push_back(*std::move(lock));
    }
    return {};
  }

  // ---- all that is new, beside what is there ---------------------------------------------------

  Result<void> stage() {
    for (const auto& [name, file] : backup_.small) {
      const auto part = *part_of(name);
      if (!wanted(part) || name == std::string{state_prefix} + state_file) continue;
      const auto place = place_of(part, name);
      if (!place) continue;
      if (auto staged = stage_text(*place, file.text, part, file.member); !staged) return staged;
    }
    if (wanted(BackupPart::state))
      if (auto staged = stage_state(); !staged) return staged;
    if (wanted(BackupPart::history)) return stage_history();
    return {};
  }

  /// Nothing, of a secret that the configuration does not name.
  std::optional<fs::path> place_of(BackupPart part, const std::string& name) {
    switch (part) {
      case BackupPart::config:
        return to_.config;
      case BackupPart::state:
        return to_.state_dir / name.substr(state_prefix.size());
      case BackupPart::secret:
        for (const auto& secret : to_.secrets)
          if (name == std::string{secret_prefix} + secret.setting) return secret.file;
        return std::nullopt;
      case BackupPart::history:
        break;
    }
    return std::nullopt;
  }

  Result<void> stage_text(const fs::path& file, const std::string& text, BackupPart part,
                          const TarMember& member) {
    auto looks = looks_of(file).value_or(looks_in_backup(member));
    looks.follow = part != BackupPart::state;
    if (part == BackupPart::state) {
      if (auto made = make_state_folder(file.parent_path()); !made) return made;
      looks.user.reset();  // the service's, as its folder
      looks.group.reset();
    }
    auto pending = PendingFile::begin(file, looks);
    if (!pending) return tl::unexpected<Error>(std::move(pending.error()));
    if (auto written = pending->write(text); !written) return written;
    if (auto synced = pending->sync(); !synced) return synced;
    pending_.push_back(*std::move(pending));
    return {};
  }

  /// The service's, and no link of its to somewhere else.
  Result<void> make_state_folder(const fs::path& folder) {
    if (folder == to_.state_dir) return {};
    if (auto above = make_state_folder(folder.parent_path()); !above) return above;
    std::error_code error;
    if (fs::create_directory(folder, error)) {
      const publish::Descriptor made{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
      if (made.get() < 0 || ::fchmod(made.get(), 0700) != 0 ||
          !publish::give_to_owner_of(folder.parent_path(), made.get()))
        return fail(ErrorKind::io, "cannot create " + folder.string());
    }
    if (error || !fs::is_directory(fs::symlink_status(folder, error)))
      return fail(ErrorKind::io, folder.string() + " is no folder");
    return {};
  }

  /// Orders as in the backup, safety as in both (I12).
  Result<void> stage_state() {
    const auto file = to_.state_dir / state_file;
    // Where the restored configuration moves the state: what is in force is where it was.
    const auto present = places_here_->state_dir / state_file;
    std::optional<service::SavedState> restored;
    TarMember looks{.name = state_file, .mode = 0640};
    if (const auto found = backup_.small.find(std::string{state_prefix} + state_file);
        found != backup_.small.end()) {
      auto state = service::decode_state(found->second.text);
      if (!state)
        return fail(ErrorKind::invalid, "the state in it is none that this version reads (" +
                                            state.error().detail + ")");
      restored = *std::move(state);
      looks = found->second.member;
    }
    std::optional<service::SavedState> here;
    if (!places_here_->state_dir.empty()) {
      const auto text = actors::Disk{present}.read();
      if (!text) return tl::unexpected<Error>(text.error());
      if (*text) here = state_here(**text);  // a damaged one is kept with the rest
      if (*text && !here)
        err_ << "esshub restore: " << present.string()
             << " is damaged: what safety remembered there does not count\n";
    }
    const auto now = std::chrono::system_clock::now();
    const auto state =
        state_to_restore(restored, here, std::chrono::floor<WallTime::duration>(now));
    if (!state) return {};
    return stage_text(file, service::encode(*state), BackupPart::state, looks);
  }

  Result<void> stage_history() {
    FileLooks looks{.mode = 0600};
    if (const auto old = looks_of(to_.history))
      looks.mode = old->mode;
    else if (!database_)
      looks.mode = looks_in_backup(backup_.history->member).mode;
    auto pending = PendingFile::begin(to_.history, looks);
    if (!pending) return tl::unexpected<Error>(std::move(pending.error()));
    const auto unfinished = pending->unfinished().string();
    if (database_) {
      const auto copied =
          publish::copy_history(options_.file.string(), unfinished, tell_progress(err_));
      if (!copied) return tl::unexpected<Error>(copied.error());
    } else {
      if (auto written = extract(in_, *backup_.history, *pending); !written) return written;
      const auto judged = publish::judge_history(unfinished);
      if (!judged) return tl::unexpected<Error>(judged.error());
    }
    if (auto synced = pending->sync(); !synced) return synced;
    history_.emplace_back(*std::move(pending));
    return {};
  }

  // ---- what is there is kept, then replaced ----------------------------------------------------

  [[nodiscard]] bool something_is_there() const {
    const auto& places = *places_here_;
    if (there(places.config) || there(places.history)) return true;
    std::error_code none;
    for (fs::directory_iterator file{places.state_dir, none}, end; !none && file != end;
         file.increment(none))
      if (is_kept_state(file->path().filename().string())) return true;
    return false;
  }

  Outcome<void> keep_what_is_there() {
    if (!something_is_there()) return {};
    // Beside the configuration: in its own folder the service could put something else in its
    // place.
    const auto folder = fs::absolute(to_.config).parent_path();
    undo_ = folder / undo_file;
    unfinished_ = folder / unfinished_file;
    if (there(unfinished_) && there(undo_))
      if (auto aside = keep_unfinished_undo(); !aside) return aside;
    const auto kept = write_backup({*places_here_, site_, wanted(BackupPart::secret)}, undo_,
                                   callers(), tell_progress(err_));
    if (!kept) return refuse("what is there cannot be kept: " + kept.error().detail + unchanged);
    if (!kept->no_history.empty() && wanted(BackupPart::history) && there(to_.history)) {
      const auto aside = publish::disk_of_system().set_aside(to_.history.string());
      if (!aside) return refuse("what is there cannot be kept: " + kept->no_history + unchanged);
      err_ << "esshub restore: " << kept->no_history << ": set aside as " << *aside << '\n';
    }
    if (auto marked = mark_unfinished(); !marked) return refuse(marked.error().detail + unchanged);
    return {};
  }

  static FileLooks callers() { return {0600, ::geteuid(), ::getegid()}; }

  /// Of before a restore that did not finish: what is there now is a mixture.
  Outcome<void> keep_unfinished_undo() const {
    fs::path aside;
    for (int n = 1; aside.empty() || there(aside); ++n)
      aside = undo_.parent_path() / fmt::format("before-restore-{}.backup", n);
    std::error_code error;
    fs::rename(undo_, aside, error);
    if (error) return refuse("cannot rename " + undo_.string() + unchanged);
    err_ << "esshub restore: one before did not finish; what was there before it is kept in "
         << aside.string() << '\n';
    return {};
  }

  Result<void> mark_unfinished() const {
    auto mark = PendingFile::begin(unfinished_, callers());
    if (!mark) return tl::unexpected<Error>(std::move(mark.error()));
    if (auto synced = mark->sync(); !synced) return synced;
    return mark->commit();
  }

  Outcome<void> replace() {
    const auto failed = [this](const std::string& why) {
      return refuse(why + "; not all of it is restored. Run it again" +
                    (undo_.empty() ? "" : "; what was there is in " + undo_.string()));
    };
    if (!history_.empty()) {
      // The log of the old one first: it would be taken for the new one's.
      for (const char* part : {"-wal", "-shm"}) {
        std::error_code error;
        fs::remove(to_.history.string() + part, error);
        if (error) return failed("cannot remove " + to_.history.string() + part);
      }
      if (auto done = history_.front().commit(); !done) return failed(done.error().detail);
    }
    std::vector<fs::path> restored;
    for (auto& file : pending_) {
      if (auto done = file.commit(); !done) return failed(done.error().detail);
      restored.push_back(file.file());
    }
    if (wanted(BackupPart::state))
      if (auto done = remove_other_state(); !done) return failed(done.error().detail);
    std::error_code error;
    if (!unfinished_.empty() && !fs::remove(unfinished_, error) && error)
      return failed("cannot remove " + unfinished_.string());
    tell();
    return {};
  }

  /// What the hub has come to keep since; it is in what was kept.
  Result<void> remove_other_state() const {
    for (const auto below : state_folders) {
      const auto folder = open_state_folder(to_.state_dir, below);
      if (!folder) return tl::unexpected<Error>(folder.error());
      if (!*folder) continue;
      for (const auto& name : (*folder)->names) {
        const auto other = to_.state_dir / below / name;
        const bool staged = std::ranges::any_of(pending_, [&](const PendingFile& pending) {
          return same_place(pending.file(), other);
        });
        if (!staged && ::unlinkat((*folder)->folder.get(), name.c_str(), 0) != 0)
          return fail(ErrorKind::io, "cannot remove " + other.string() + ": " +
                                         std::generic_category().message(errno));
      }
    }
    return {};
  }

  void tell() const {
    out_ << "restored from " << named() << ":\n";
    if (wanted(BackupPart::config)) out_ << "configuration  " << to_.config.string() << '\n';
    if (wanted(BackupPart::state)) out_ << "state          " << to_.state_dir.string() << '\n';
    if (wanted(BackupPart::history)) out_ << "history        " << to_.history.string() << '\n';
    if (wanted(BackupPart::secret))
      for (const auto& secret : to_.secrets)
        if (backup_.small.contains(std::string{secret_prefix} + secret.setting))
          out_ << secret.setting << "  " << secret.file.string() << '\n';
    if (!undo_.empty())
      out_ << "what was there is kept; to undo: esshub restore " << undo_.string() << '\n';
    out_ << "to start the hub: sudo systemctl start esshub\n";
  }

  const RestoreOptions& options_;
  std::ostream& out_;
  std::ostream& err_;
  const publish::Descriptor in_;
  bool database_ = false;
  Backup backup_;
  std::optional<BackupPlaces> places_here_;  ///< of what is to be kept
  std::string site_;
  BackupPlaces to_;
  std::vector<FolderLock> locks_;
  std::vector<PendingFile> pending_;
  std::vector<PendingFile> history_;  ///< one, or none
  fs::path undo_;
  fs::path unfinished_;
};

}  // namespace

int restore(const RestoreOptions& options, std::ostream& out, std::ostream& err) {
  return Restore{options, out, err}.run();
}

}  // namespace esshub::app
