// A backup as a file: a tar whose first member is the manifest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/backup/contents.hpp"
#include "app/backup/manifest.hpp"
#include "app/backup/pending_file.hpp"
#include "app/backup/ustar.hpp"
#include "publish/files/replace_file.hpp"
#include "publish/history/database/copy.hpp"

namespace esshub::app {

/// Of every file but the history: they are held in memory, all at once.
constexpr std::uint64_t largest_small_file = 8U << 20U;
constexpr std::uint64_t most_small_bytes = 64U << 20U;
constexpr std::size_t most_small_files = 200;

/// A small file and how it looked.
struct SmallFile {
  TarMember member;  ///< by its name in a backup
  std::string text;
};

/// Nothing: there is none. `io`: it cannot be read, is no regular file or is too large.
[[nodiscard]] Result<std::optional<SmallFile>> read_small_file(const std::filesystem::path& file,
                                                               std::string_view name);

/// One of state_folders, opened: nobody can put another in its place.
struct StateFolder {
  publish::Descriptor folder;
  std::vector<std::string> names;  ///< of what is_kept_state() and is no folder, sorted
};
/// Nothing: it is not there, or a link is on the way to it: below state_dir the service writes, and
/// it shall not name files that it may not read or remove.
[[nodiscard]] Result<std::unique_ptr<StateFolder>> open_state_folder(
    const std::filesystem::path& state_dir, std::string_view below);

struct BackupOrder {
  BackupPlaces places;
  std::string site;
  bool secrets = false;
};
struct BackupMade {
  Manifest manifest;
  std::string no_history;  ///< why the history is not in it; empty: it is, or none is kept
  std::vector<std::string> not_there;  ///< of secrets: files that are named and missing
};
/// Writes all of it and puts it in its place. Needs room for the history twice while it is made;
/// memory for the small files. A history that cannot be read is left out and told: the rest may
/// have to be saved from the same disk. One that can be read and not be copied is an error.
[[nodiscard]] Result<BackupMade> write_backup(const BackupOrder& order,
                                              const std::filesystem::path& file,
                                              const FileLooks& looks,
                                              const publish::CopyProgress& progress);

/// A backup that was read through: it is whole.
struct Backup {
  Manifest manifest;
  std::map<std::string, SmallFile> small;  ///< by name
  struct Place {
    std::uint64_t at = 0;  ///< byte of the file
    TarMember member;
  };
  std::optional<Place> history;

  [[nodiscard]] bool has(BackupPart part) const;
};
/// `invalid`: no backup, cut short, damaged or with what no backup has; `refused`: a newer form.
[[nodiscard]] Result<Backup> read_backup(const publish::Descriptor& in);
/// `to` gets the bytes of a large member.
[[nodiscard]] Result<void> extract(const publish::Descriptor& in, const Backup::Place& place,
                                   PendingFile& to);

}  // namespace esshub::app
