// Feed: prices or sun that others tell the hub, in the one form of docs/feeds.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/plan/types.hpp"
#include "model/feed.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "model/utc_text.hpp"

namespace esshub::service {

using control::UnixSeconds;

/// The second that it lies in.
[[nodiscard]] inline UnixSeconds unix_seconds(WallTime at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}
[[nodiscard]] inline WallTime wall_time(UnixSeconds at) {
  return WallTime{std::chrono::seconds{at}};
}
using esshub::utc_text;
[[nodiscard]] inline std::string utc_text(UnixSeconds moment) {
  return utc_text(std::chrono::sys_seconds{std::chrono::seconds{moment}});
}

using esshub::FeedKind;

/// What holds within [begin, end): money per kWh, or the sun's mean power in W. Nothing: what older
/// documents tell of it is taken back.
struct FeedSlot {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  std::optional<double> value = 0.0;
  friend bool operator==(const FeedSlot&, const FeedSlot&) = default;
};

/// Ascending, not overlapping; of any and unequal length. What no slot tells is unknown.
using FeedSlots = std::vector<FeedSlot>;

[[nodiscard]] std::optional<double> value_at(const FeedSlots& slots, UnixSeconds instant);
/// What they tell of [begin, end), neighbours of one value as one.
[[nodiscard]] FeedSlots told_within(const FeedSlots& slots, UnixSeconds begin, UnixSeconds end);
/// The end of what is known from `instant` on without a gap; `instant` where it is unknown.
[[nodiscard]] UnixSeconds known_until(const FeedSlots& slots, UnixSeconds instant);

/// One document.
struct Feed {
  FeedKind kind = FeedKind::import_price;
  std::string unit{};           ///< of a price: "EUR/kWh"; of the sun "W"
  std::string source{};         ///< who says it, for people
  UnixSeconds issued = 0;       ///< when it was said
  UnixSeconds valid_until = 0;  ///< from then on it says nothing of what is still to come
  FeedSlots slots{};
  friend bool operator==(const Feed&, const Feed&) = default;
};

/// Beyond them a number is a mistake.
struct FeedLimits {
  double price = 5.0;      ///< per kWh, of either sign
  double solar_w = 100e3;  ///< at most
};

inline constexpr std::size_t feed_bytes = 256 * 1024;  ///< of a document at most
inline constexpr std::size_t feed_slots = 3000;        ///< of a document at most: a month of 15 min

/// Strangers' text. The Error begins with the JSON pointer of what is wrong, says what stands there
/// and what is accepted.
[[nodiscard]] Result<Feed> read_feed(std::string_view text, const FeedLimits& limits = {});
/// The same by the rules for values alone: what a converter made of another form.
[[nodiscard]] Result<void> check_feed(const Feed& feed, const FeedLimits& limits = {});
/// An Error: it was issued more than 10 min after `now`, by a clock that is wrong, or is no longer
/// valid.
[[nodiscard]] Result<void> check_time(const Feed& feed, UnixSeconds now);
/// What read_feed() reads as the same Feed.
[[nodiscard]] std::string feed_text(const Feed& feed);

/// What was believed when, of one kind. A document takes the place of the oldest where `most` are
/// kept that were issued within `one_clock` of it and not ahead of now. So what a clock that is
/// wrong by more takes drives out nothing that is right, and what it took ahead is in the way of
/// nothing (F26). Beyond `at_all` the oldest goes that another was issued within `one_clock` after.
class FeedHistory {
 public:
  static constexpr std::size_t most = 32;
  static constexpr std::size_t at_all = 3 * most;
  static constexpr UnixSeconds one_clock = UnixSeconds{30} * 86400;

  /// True if it tells something new and is not the oldest where there are enough. Errors as of
  /// check_time().
  [[nodiscard]] Result<bool> add(Feed feed, UnixSeconds now);
  /// Of an earlier run, the oldest first.
  void restore(Feed feed);
  /// As it was believed at `when`: of what had been issued by then the newest that speaks of an
  /// instant; of what was no longer valid only the time before. With a `unit` only what has it.
  /// `lasting`: as it will be believed when each instant has come, if nothing newer is told.
  [[nodiscard]] FeedSlots believed(UnixSeconds when, std::string_view unit = {},
                                   bool lasting = false) const;
  /// Ascending by when they were issued.
  [[nodiscard]] const std::deque<Feed>& issues() const { return issues_; }

 private:
  std::deque<Feed> issues_;
};

}  // namespace esshub::service
