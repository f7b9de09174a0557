// HistoryDisk: what is done to the history's files besides by SQLite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace esshub::publish {

/// The system's; a simulation has its own.
class HistoryDisk {
 public:
  HistoryDisk() = default;
  HistoryDisk(const HistoryDisk&) = delete;
  HistoryDisk& operator=(const HistoryDisk&) = delete;
  virtual ~HistoryDisk() = default;

  /// SQLite's name for how it reads and writes them; nullptr: as it does by default.
  [[nodiscard]] virtual const char* vfs() const { return nullptr; }
  /// There is something of that name that is no file: opening a pipe waits for its other end.
  [[nodiscard]] virtual bool holds_no_file(const std::string& path) const;
  /// Nothing: there is such a file; otherwise why not, for a person.
  [[nodiscard]] virtual std::optional<std::string> missing(const std::string& path) const;
  /// Bytes that this program may still write beside the file; nothing: not known.
  [[nodiscard]] virtual std::optional<std::uint64_t> room(const std::string& path) const;
  /// Creates the folder that the file is in; as root also the file, for the folder's owner:
  /// SQLite's others take after it. What goes wrong shows when the file is opened.
  virtual void make_place_for(const std::string& path);
  /// Moves a damaged database and what belongs to it out of the way, to `NAME.damaged-N`; the new
  /// name, nothing where it cannot be moved.
  [[nodiscard]] virtual std::optional<std::string> set_aside(const std::string& file);
};

[[nodiscard]] HistoryDisk& disk_of_system();

}  // namespace esshub::publish
