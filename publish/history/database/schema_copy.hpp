// SchemaCopy: the history's file as an older version of the hub left it, kept beside the newer one.
#pragma once

#include <cstdint>
#include <string>

#include "publish/history/database/disk.hpp"

namespace esshub::publish {

/// `NAME.schema-N` beside the file NAME, N being the older schema's version. There is one at most:
/// a new one takes the place of all of before. A copy that is cut short is `NAME.schema-N.new`.
class SchemaCopy {
 public:
  SchemaCopy(std::string file, std::int64_t version);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Where to write it.
  [[nodiscard]] std::string unfinished() const { return name_ + ".new"; }
  /// It was made of the file as that is now: the upgrade was cut short after it.
  [[nodiscard]] bool made() const;
  /// Makes a place for it. Why it cannot be, else empty: the disk must have room for twice the
  /// `bytes`, so that as much is left for what the hub writes.
  [[nodiscard]] std::string begin(std::uint64_t bytes, HistoryDisk& disk) const;
  /// What was written is the copy for good, and older ones go. Why it cannot be, else empty.
  [[nodiscard]] std::string finish() const;
  /// What was written is of no use.
  void abandon() const;

 private:
  std::string file_;
  std::string name_;
};

}  // namespace esshub::publish
