// A disk and a log for the tests of this room, in memory.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/event.hpp"
#include "service/state_file.hpp"

namespace esshub::service {

/// One file that outlives the program.
class MemoryDisk final : public StateDisk {
 public:
  Result<std::optional<std::string>> read() override {
    if (of_another && text) return fail(ErrorKind::refused, "permission denied");
    if (unreadable) return fail(ErrorKind::io, "input/output error");
    return text;
  }
  Result<void> replace(const std::string& fresh) override {
    if (full) return fail(ErrorKind::io, "no space left on device");
    text = fresh;
    ++writes;
    return {};
  }
  Result<std::string> quarantine(WallTime) override {
    if (full || immovable) return fail(ErrorKind::io, "read-only file system");
    quarantined = std::exchange(text, {}).value_or("");
    return std::string{"state.json.damaged"};
  }

  std::optional<std::string> text;
  std::string quarantined;
  bool full = false;
  bool unreadable = false;
  bool immovable = false;
  bool of_another = false;  ///< user
  int writes = 0;
};

/// Events as "component name detail".
class EventLog {
 public:
  EventSink sink() {
    return [this](const std::string& component, const Event& event) {
      lines.push_back(component + " " + event.name + " " + event.detail);
      levels.push_back(event.level);
    };
  }
  [[nodiscard]] std::size_t count(std::string_view begin) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.starts_with(begin); }));
  }
  /// Of the first such event; nothing: there is none.
  [[nodiscard]] std::optional<Level> level(std::string_view begin) const {
    const auto line =
        std::ranges::find_if(lines, [&](const std::string& one) { return one.starts_with(begin); });
    if (line == lines.end()) return std::nullopt;
    return levels.at(static_cast<std::size_t>(line - lines.begin()));
  }

  std::vector<std::string> lines;
  std::vector<Level> levels;
};

}  // namespace esshub::service
