// HistoryFiles: the history's files on a disk that does what disks do, as a VFS of SQLite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "publish/history/database/disk.hpp"
#include "sim/storm/dice.hpp"

struct sqlite3_vfs;

namespace esshub::sim::storm {

/// For one connection at a time, in one thread. What is written is seen by programs at once and is
/// durable once it was synced: at a power cut any beginning of what each file waits for remains,
/// torn at any byte. A sync makes every removal before it durable, as journals of file systems do.
class HistoryFiles final : public publish::HistoryDisk {
 public:
  struct Trouble {
    bool full = false;        ///< no file may grow
    bool unreadable = false;  ///< reading and syncing fail
    bool lost = false;        ///< a sync is said to be done, and is not
  };
  Trouble trouble{};

  HistoryFiles();
  ~HistoryFiles() override;

  [[nodiscard]] const char* vfs() const override { return name_.c_str(); }
  [[nodiscard]] bool holds_no_file(const std::string&) const override { return false; }
  [[nodiscard]] std::optional<std::string> missing(const std::string& path) const override;
  void make_place_for(const std::string&) override {}
  [[nodiscard]] std::optional<std::string> set_aside(const std::string& file) override;

  /// The program dies within what it writes next: after so many bytes, a sync counting as one.
  void die_after(std::size_t bytes) { left_ = bytes; }
  /// The program is dead: nothing that it does any more reaches them.
  void die() { dead_ = true; }
  /// Another one begins.
  void begin_run();
  /// Between two. False: not all that was said to be synced is there now.
  bool power_cut(Dice& dice);

  /// What programs see, without a disk's troubles.
  void copy(const HistoryFiles& other);
  [[nodiscard]] bool has(const std::string& path) const { return !missing(path); }
  /// How many were set aside.
  [[nodiscard]] std::size_t set_asides() const { return asides_; }

 private:
  friend struct HistoryVfs;  // what SQLite calls
  struct Change {
    enum class Kind : std::uint8_t { create, write, truncate, remove };
    Kind kind{};
    std::size_t at = 0;  ///< of a write, or the new size
    protocol::Bytes bytes{};
  };
  struct Content {
    bool there = false;
    protocol::Bytes bytes{};
    void take(const Change& change);
  };
  /// Shared memory of the connections to a file.
  using Regions = std::vector<std::unique_ptr<std::byte[]>>;
  struct File {
    Content seen{};
    Content durable{};
    std::vector<Change> pending{};  ///< not synced
    bool promised = false;          ///< but said to be, of some
    std::shared_ptr<Regions> regions{};
  };

  /// False: there is no power, or nobody, for it any more.
  [[nodiscard]] bool spend(std::size_t bytes);
  void change(File& file, Change change);
  static void make_durable(File& file, std::size_t count);
  [[nodiscard]] int write(File& file, const void* bytes, std::size_t size, std::size_t at);
  [[nodiscard]] int sync(File& file);

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  std::map<std::string, File> files_;
  std::uint64_t run_ = 0;            ///< of the program; files of an earlier one are dead
  std::optional<std::size_t> left_;  ///< bytes, until it dies
  bool dead_ = false;
  std::size_t asides_ = 0;
  std::uint64_t random_ = 0;
  std::uint64_t temporary_ = 0;
};

}  // namespace esshub::sim::storm
