// PendingFile: a file that takes its place at once, when all of it is written, or not at all.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.hpp"
#include "publish/files/replace_file.hpp"

namespace esshub::app {

struct FileLooks {
  mode_t mode = 0600;
  // Where root writes; nothing: the owner of the folder.
  std::optional<uid_t> user{};
  std::optional<gid_t> group{};
  /// Of a link, what it names is replaced; never in a folder that others write to.
  bool follow = false;
};
/// Of what is there; nothing: there is no such file.
[[nodiscard]] std::optional<FileLooks> looks_of(const std::filesystem::path& file);

/// Written as NAME.new in the same folder. Errors are `io`, with the system's word.
class PendingFile {
 public:
  [[nodiscard]] static Result<PendingFile> begin(std::filesystem::path file,
                                                 const FileLooks& looks);
  /// Without commit() nothing is left of it.
  ~PendingFile();
  PendingFile(PendingFile&&) = default;
  PendingFile& operator=(PendingFile&&) = delete;

  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Where others may write it.
  [[nodiscard]] std::filesystem::path unfinished() const;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// All of it is on the disk.
  [[nodiscard]] Result<void> sync();
  /// It replaces what is there, for good.
  [[nodiscard]] Result<void> commit();

 private:
  PendingFile(std::filesystem::path file, std::unique_ptr<publish::Descriptor> out)
      : file_(std::move(file)), out_(std::move(out)) {}

  std::filesystem::path file_;
  std::unique_ptr<publish::Descriptor> out_;  ///< nothing: it has taken its place
};

}  // namespace esshub::app
