// SavingsRecord: which days of the history are looked at, and what each of them cost.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "civil_time/local_clock.hpp"
#include "control/settings.hpp"
#include "model/minute.hpp"
#include "model/past_day.hpp"
#include "model/result.hpp"
#include "model/savings.hpp"
#include "model/view.hpp"
#include "service/feeds.hpp"
#include "service/savings.hpp"

namespace esshub::service {

/// A day of the site's calendar as the history has it.
struct KeptDay {
  std::string date{};  ///< "2026-11-22"
  std::optional<double> import_cost{};
  std::optional<double> export_income{};
  double import_j = 0.0;
  double import_unpriced_j = 0.0;  ///< of it, at no known price
};

/// Paid less earned; nothing where no price was known, or too much was imported at none: as few
/// minutes may be missing in a day that is whole.
[[nodiscard]] std::optional<double> paid(const KeptDay& day);

/// The past. Errors say what the system says; every call may wait for the disk.
class PastReader {
 public:
  PastReader() = default;
  PastReader(const PastReader&) = delete;
  PastReader& operator=(const PastReader&) = delete;
  virtual ~PastReader() = default;

  /// Oldest first, [from, until).
  [[nodiscard]] virtual Result<std::vector<Minute>> minutes(WallTime from, WallTime until) = 0;
  /// The newest `count`.
  [[nodiscard]] virtual Result<std::vector<KeptDay>> days(unsigned count) = 0;
};

/// Single-threaded. A day that is over is read once; one that is not known whole is read again on
/// the next days, and for another tariff, and taken where more of it is known. Today's is read each
/// quarter of an hour.
class SavingsRecord {
 public:
  static constexpr Duration look_period = 15min;
  static constexpr Duration again =
      1min;  ///< while the past cannot be read, or there is no battery
  /// Of so many whole days are prices known that others told.
  static constexpr int days_back = Feeds::keeps / 86400 - 1;

  struct Input {
    const View& view;
    const control::Settings& settings;
    const esshub::Orders& orders;
    const ToldSlots& told;
  };

  explicit SavingsRecord(const civil_time::Zone& zone) : zone_(zone), clock_(zone) {}

  /// Of an earlier run.
  void restore(DaysSavings days) { days_ = std::move(days); }
  /// With each View. Forgets what is of another day now. True: it is time to look().
  [[nodiscard]] bool note(const Input& input);
  /// After note(), of the same View. True: it has looked at all that there is to be known; false:
  /// the battery is not known yet. An Error: what could not be read; what is known stays as it is.
  [[nodiscard]] Result<bool> look(const Input& input, PastReader& past);

  /// Days that are over.
  [[nodiscard]] const DaysSavings& days() const { return days_; }
  /// They have changed since the last call.
  [[nodiscard]] bool changed() { return std::exchange(changed_, false); }
  [[nodiscard]] const SavingsState& savings() const { return savings_; }
  /// What happened; what was planned is not in it. Nothing: not known yet.
  [[nodiscard]] const std::optional<PastDay>& yesterday() const { return yesterday_; }

 private:
  struct Now {
    const Input& input;
    std::chrono::local_days today;
    control::PlanBattery battery{};
    std::map<std::string, double> paid{};  ///< by date
  };
  struct Day {
    WallTime begin{};
    WallTime until{};  ///< its end, of today now
    std::vector<Minute> minutes{};
  };
  [[nodiscard]] Result<void> reckon_day(const Now& now, int back, PastReader& past);
  [[nodiscard]] DaySavings savings_of(const Now& now, std::chrono::local_days day,
                                      const Day& read) const;
  /// What is known of today and yesterday is of other days now, or nobody knows.
  void forget_today();
  void show(std::chrono::local_days today);

  civil_time::Zone zone_;
  civil_time::LocalClock clock_;
  DaysSavings days_;
  bool changed_ = false;
  std::set<std::string> seen_;  ///< dates that were read since today or the tariff is what it is
  control::Tariff tariff_;
  std::optional<DaySavings> today_;
  std::optional<std::chrono::local_days> shown_on_;
  std::optional<Instant> looked_at_;
  bool looked_at_all_ = false;  ///< at that time
  SavingsState savings_;
  std::optional<PastDay> yesterday_;
};

}  // namespace esshub::service
