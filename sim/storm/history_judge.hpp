// HistoryJudge: looks into copies of the history's files, by SQLite alone, and says what of F14 and
// F26 is broken: what was written and synced is there, whole, and no more than has flowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "model/energy.hpp"
#include "sim/storm/history_files.hpp"

namespace esshub::sim::storm {

class HistoryJudge {
 public:
  /// Gets what is broken.
  using Broken = std::function<void(const std::string&)>;
  explicit HistoryJudge(Broken broken) : broken_(std::move(broken)) {}

  /// A run of the hub begins; it has not looked at its files yet. `files` is judged as it is then.
  void on_start(const HistoryFiles& files);
  /// It has opened what there was, or set it aside.
  void on_began(const HistoryFiles& files);
  /// It says that all it had is written; `flowed` in this run, J.
  void on_written(const HistoryFiles& files, const EnergyTotals& flowed);
  /// What it publishes, J.
  void on_shown(const EnergyTotals& shown);
  /// What is shown may run ahead of what is kept.
  void on_failed() { ahead_ = true; }
  /// The same times may come once more.
  void on_clock_set() { clock_set_ = true; }
  /// Between two runs. `kept`: the disk has kept all that it said was synced.
  void on_power_cut(bool kept) { kept_word_ = kept_word_ && kept; }

 private:
  struct Found {
    std::string trouble{};  ///< empty: it is whole
    std::set<std::int64_t> minutes{};
    std::int64_t events = 0;
    std::string doubled{};  ///< an event that is there twice
    EnergyTotals totals{};
  };
  [[nodiscard]] Found look(const HistoryFiles& files);
  void expect(bool kept, const std::string& what) {
    if (!kept) broken_(what);
  }
  void compare(const Found& found, const char* when);
  void note_set_asides(const HistoryFiles& files);

  Broken broken_;
  HistoryFiles copy_;
  bool kept_word_ = true;  ///< the disk, since the run before began
  bool damaged_ = false;   ///< what this run began with, and has not set aside
  std::optional<Found> written_;
  std::size_t asides_ = 0;
  std::optional<EnergyTotals> before_;  ///< what had flowed before this run, by the file
  EnergyTotals shown_;
  bool ahead_ = false;
  bool clock_set_ = false;
};

}  // namespace esshub::sim::storm
