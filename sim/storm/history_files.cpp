#include "sim/storm/history_files.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace esshub::sim::storm {

void HistoryFiles::Content::take(const Change& change) {
  switch (change.kind) {
    case Change::Kind::create:
      there = true;
      return;
    case Change::Kind::write:
      bytes.resize(std::max(bytes.size(), change.at + change.bytes.size()));
      std::ranges::copy(change.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(change.at));
      return;
    case Change::Kind::truncate:
      bytes.resize(std::min(bytes.size(), change.at));
      return;
    case Change::Kind::remove:
      there = false;
      bytes.clear();
      return;
  }
}

std::optional<std::string> HistoryFiles::missing(const std::string& path) const {
  const auto found = files_.find(path);
  if (found != files_.end() && found->second.seen.there) return std::nullopt;
  return "there is no such file yet";
}

/// A rename is durable at once: journals of file systems keep names in order.
std::optional<std::string> HistoryFiles::set_aside(const std::string& file) {
  if (trouble.full || dead_) return std::nullopt;
  const std::string aside = file + ".damaged-" + std::to_string(++asides_);
  for (const char* part : {"-wal", "-shm", ""}) {
    if (!has(file + part)) continue;
    files_[aside + part] = std::exchange(files_[file + part], {});
  }
  return aside;
}

void HistoryFiles::begin_run() {
  ++run_;
  dead_ = false;
  left_.reset();
  for (auto& [name, file] : files_) file.regions.reset();
}

bool HistoryFiles::power_cut(Dice& dice) {
  bool kept = true;
  for (auto& [name, file] : files_) {
    kept = kept && !file.promised;
    make_durable(file, dice.below(file.pending.size() + 1));
    if (!file.pending.empty() && file.pending.front().kind == Change::Kind::write) {
      Change& torn = file.pending.front();
      torn.bytes.resize(dice.below(torn.bytes.size() + 1));
      file.durable.take(torn);
    }
    file.pending.clear();
    file.promised = false;
    file.seen = file.durable;
  }
  return kept;
}

void HistoryFiles::copy(const HistoryFiles& other) {
  files_.clear();
  for (const auto& [name, file] : other.files_)
    if (file.seen.there) files_[name] = File{.seen = file.seen, .durable = file.seen};
}

bool HistoryFiles::spend(std::size_t bytes) {
  if (dead_) return false;
  if (!left_) return true;
  if (*left_ < bytes) dead_ = true;
  *left_ -= std::min(*left_, bytes);
  return !dead_;
}

void HistoryFiles::change(File& file, Change change) {
  file.seen.take(change);
  file.pending.push_back(std::move(change));
}

int HistoryFiles::write(File& file, const void* bytes, std::size_t size, std::size_t at) {
  if (trouble.full && at + size > file.seen.bytes.size()) return SQLITE_FULL;
  const std::size_t most = left_.value_or(size);
  const bool whole = spend(size);
  const auto* const begin = static_cast<const std::byte*>(bytes);
  Change change{.kind = Change::Kind::write, .at = at};
  change.bytes.assign(begin, begin + (whole ? size : std::min(most, size)));
  this->change(file, std::move(change));
  return whole ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

/// The first `count` of what waits.
void HistoryFiles::make_durable(File& file, std::size_t count) {
  const auto end = file.pending.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto i = file.pending.begin(); i != end; ++i) file.durable.take(*i);
  file.pending.erase(file.pending.begin(), end);
}

int HistoryFiles::sync(File& file) {
  if (!spend(1) || trouble.unreadable) return SQLITE_IOERR_FSYNC;
  if (trouble.lost) {
    file.promised = file.promised || !file.pending.empty();
    return SQLITE_OK;
  }
  make_durable(file, file.pending.size());
  file.promised = false;
  for (auto& [name, other] : files_) {
    const auto last = std::find_if(other.pending.rbegin(), other.pending.rend(),
                                   [](const Change& c) { return c.kind == Change::Kind::remove; });
    make_durable(other, static_cast<std::size_t>(other.pending.rend() - last));
  }
  return SQLITE_OK;
}

// ---- what SQLite calls
// ---------------------------------------------------------------------------

/// Made and ended in memory of SQLite's.
struct OpenFile {
  sqlite3_file base{};  // first: SQLite knows it by that
  HistoryFiles* disk = nullptr;
  void* file = nullptr;
  std::uint64_t run = 0;
  std::string erase{};  ///< the name, when closed
  std::shared_ptr<void> regions{};
};

struct HistoryVfs {
  static HistoryFiles& disk(sqlite3_vfs* vfs) { return *static_cast<HistoryFiles*>(vfs->pAppData); }
  static OpenFile& opened(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
  static HistoryFiles::File& file(OpenFile& open) {
    return *static_cast<HistoryFiles::File*>(open.file);
  }
  static bool dead(const OpenFile& open) { return open.disk->dead_ || open.run != open.disk->run_; }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* into, int flags, int* out) {
    HistoryFiles& d = disk(vfs);
    into->pMethods = nullptr;
    const std::string name = path != nullptr ? path : "temporary-" + std::to_string(++d.temporary_);
    if (d.dead_) return SQLITE_CANTOPEN;
    const bool there = d.has(name);
    if (!there && ((flags & SQLITE_OPEN_CREATE) == 0 || d.trouble.full || !d.spend(1)))
      return SQLITE_CANTOPEN;
    HistoryFiles::File& file = d.files_[name];
    if (!there) d.change(file, {.kind = HistoryFiles::Change::Kind::create});
    auto* const open = new (into) OpenFile{};
    open->disk = &d;
    open->file = &file;
    open->run = d.run_;
    if (path == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) open->erase = name;
    open->base.pMethods = &methods;
    if (out != nullptr) *out = flags;
    return SQLITE_OK;
  }
  static int close(sqlite3_file* f) {
    OpenFile& open = opened(f);
    if (!open.erase.empty() && !dead(open)) open.disk->files_.erase(open.erase);
    open.~OpenFile();
    return SQLITE_OK;
  }
  static int read(sqlite3_file* f, void* into, int size, sqlite3_int64 at) {
    OpenFile& open = opened(f);
    // What SQLite makes of EIO on Linux: it tells of it as it tells of damage.
    if (dead(open) || open.disk->trouble.unreadable) return SQLITE_IOERR_CORRUPTFS;
    const auto& bytes = file(open).seen.bytes;
    const auto from = std::min(bytes.size(), static_cast<std::size_t>(at));
    const auto found = std::min(bytes.size() - from, static_cast<std::size_t>(size));
    if (found > 0) std::memcpy(into, bytes.data() + from, found);
    if (found == static_cast<std::size_t>(size)) return SQLITE_OK;
    std::memset(static_cast<std::byte*>(into) + found, 0, static_cast<std::size_t>(size) - found);
    return SQLITE_IOERR_SHORT_READ;
  }
  static int write(sqlite3_file* f, const void* bytes, int size, sqlite3_int64 at) {
    OpenFile& open = opened(f);
    if (dead(open)) return SQLITE_IOERR_WRITE;
    return open.disk->write(file(open), bytes, static_cast<std::size_t>(size),
                            static_cast<std::size_t>(at));
  }
  static int truncate(sqlite3_file* f, sqlite3_int64 size) {
    OpenFile& open = opened(f);
    if (dead(open) || !open.disk->spend(1)) return SQLITE_IOERR_TRUNCATE;
    open.disk->change(file(open), {.kind = HistoryFiles::Change::Kind::truncate,
                                   .at = static_cast<std::size_t>(size)});
    return SQLITE_OK;
  }
  static int sync(sqlite3_file* f, int) {
    OpenFile& open = opened(f);
    return dead(open) ? SQLITE_IOERR_FSYNC : open.disk->sync(file(open));
  }
  static int size(sqlite3_file* f, sqlite3_int64* out) {
    OpenFile& open = opened(f);
    if (dead(open)) return SQLITE_IOERR_FSTAT;
    *out = static_cast<sqlite3_int64>(file(open).seen.bytes.size());
    return SQLITE_OK;
  }
  // One connection at a time: nobody is in its way.
  static int lock(sqlite3_file* f, int) { return dead(opened(f)) ? SQLITE_IOERR_LOCK : SQLITE_OK; }
  static int unlock(sqlite3_file*, int) { return SQLITE_OK; }
  static int is_reserved(sqlite3_file*, int* out) {
    *out = 0;
    return SQLITE_OK;
  }
  static int control(sqlite3_file*, int what, void* argument) {
    if (what != SQLITE_FCNTL_HAS_MOVED) return SQLITE_NOTFOUND;
    *static_cast<int*>(argument) = 0;
    return SQLITE_OK;
  }
  // As SQLite's own on Linux.
  static int sector_size(sqlite3_file*) { return 4096; }
  static int device(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int map(sqlite3_file* f, int region, int size, int extend, void volatile** out) {
    OpenFile& open = opened(f);
    *out = nullptr;
    if (dead(open)) return SQLITE_IOERR_SHMMAP;
    auto& shared = file(open).regions;
    if (!shared) shared = std::make_shared<HistoryFiles::Regions>();
    open.regions = shared;  // it goes on reading there while it closes, though it is dead
    const auto wanted = static_cast<std::size_t>(region);
    if (wanted >= shared->size() && extend == 0) return SQLITE_OK;
    while (wanted >= shared->size())
      shared->push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(size)));
    *out = (*shared)[wanted].get();
    return SQLITE_OK;
  }
  static int shared_lock(sqlite3_file*, int, int, int) { return SQLITE_OK; }
  static void barrier(sqlite3_file*) {}
  // By the only connection: the next one makes its own, from the log, as on Linux.
  static int unmap(sqlite3_file* f, int) {
    OpenFile& open = opened(f);
    if (!dead(open)) file(open).regions.reset();
    return SQLITE_OK;
  }

  static int erase(sqlite3_vfs* vfs, const char* path, int synced) {
    HistoryFiles& d = disk(vfs);
    if (d.dead_ || !d.spend(1)) return SQLITE_IOERR_DELETE;
    if (!d.has(path)) return SQLITE_IOERR_DELETE_NOENT;
    HistoryFiles::File& file = d.files_[path];
    d.change(file, {.kind = HistoryFiles::Change::Kind::remove});
    return synced != 0 ? d.sync(file) : SQLITE_OK;
  }
  static int access(sqlite3_vfs* vfs, const char* path, int, int* out) {
    *out = disk(vfs).has(path) ? 1 : 0;
    return SQLITE_OK;
  }
  static int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", path);
    return SQLITE_OK;
  }
  static int random(sqlite3_vfs* vfs, int size, char* out) {
    std::uint64_t& state = disk(vfs).random_;
    for (int i = 0; i < size; ++i) out[i] = static_cast<char>(scattered(++state) & 0xff);
    return size;
  }
  static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
  // Nothing that the history keeps is dated by SQLite.
  static int date(sqlite3_vfs*, double* out) {
    *out = 2461000.5;
    return SQLITE_OK;
  }
  static int no_error(sqlite3_vfs*, int, char*) { return 0; }

  static const sqlite3_io_methods methods;
};

const sqlite3_io_methods HistoryVfs::methods{
    2,       close,       read,   write, truncate,    sync,    size,  lock,    unlock, is_reserved,
    control, sector_size, device, map,   shared_lock, barrier, unmap, nullptr, nullptr};

HistoryFiles::HistoryFiles() : vfs_(std::make_unique<sqlite3_vfs>()) {
  static std::atomic<unsigned> made{0};
  name_ = "simulated-" + std::to_string(++made);
  *vfs_ = {};
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->mxPathname = 200;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = HistoryVfs::open;
  vfs_->xDelete = HistoryVfs::erase;
  vfs_->xAccess = HistoryVfs::access;
  vfs_->xFullPathname = HistoryVfs::full_path;
  vfs_->xRandomness = HistoryVfs::random;
  vfs_->xSleep = HistoryVfs::sleep;
  vfs_->xCurrentTime = HistoryVfs::date;
  vfs_->xGetLastError = HistoryVfs::no_error;
  sqlite3_vfs_register(vfs_.get(), 0);
}

HistoryFiles::~HistoryFiles() {
  sqlite3_vfs_unregister(vfs_.get());
}

}  // namespace esshub::sim::storm
