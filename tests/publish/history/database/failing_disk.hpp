// FailingDisk: a disk that refuses.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>

#include "publish/history/database/disk.hpp"

namespace esshub::publish {

/// The system's, while it says that it cannot write, sync or read.
class FailingDisk : public HistoryDisk {
 public:
  enum class At : std::uint8_t { never, write, sync, read, read_once };
  FailingDisk() {
    at = At::never;
    vfs_.zName = "failing";
    vfs_.xOpen = [](sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
      sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
      const int code = system->xOpen(system, path, file, flags, out);
      if (file->pMethods == nullptr) return code;
      theirs = file->pMethods;  // of any kind of file: they write and sync alike
      sqlite3_io_methods& methods = ours[theirs] = *theirs;
      methods.xWrite = [](sqlite3_file* f, const void* bytes, int size, sqlite3_int64 place) {
        return at == At::write ? SQLITE_IOERR_WRITE : theirs->xWrite(f, bytes, size, place);
      };
      methods.xSync = [](sqlite3_file* f, int how) {
        return at == At::sync ? SQLITE_IOERR_FSYNC : theirs->xSync(f, how);
      };
      methods.xRead = [](sqlite3_file* f, void* into, int size, sqlite3_int64 place) {
        // What SQLite makes of EIO on Linux: it tells of it as it tells of damage.
        const bool fails = at >= At::read && reads-- <= 0;
        if (fails && at == At::read_once) at = At::never;
        return fails ? SQLITE_IOERR_CORRUPTFS : theirs->xRead(f, into, size, place);
      };
      file->pMethods = &methods;
      return code;
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~FailingDisk() override { sqlite3_vfs_unregister(&vfs_); }
  [[nodiscard]] const char* vfs() const override { return vfs_.zName; }

  inline static At at = At::never;
  inline static int reads = 0;  ///< that succeed before one fails

 private:
  inline static const sqlite3_io_methods* theirs = nullptr;
  inline static std::map<const sqlite3_io_methods*, sqlite3_io_methods> ours{};
  sqlite3_vfs vfs_ = *sqlite3_vfs_find(nullptr);
};

}  // namespace esshub::publish
