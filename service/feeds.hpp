// Feeds: what others tell of prices and sun - checked, and what is believed of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/policy/price_table.hpp"
#include "control/policy/tariff.hpp"
#include "model/enums.hpp"
#include "model/feed.hpp"
#include "model/plan.hpp"
#include "service/feed.hpp"
#include "service/slot_ring.hpp"

namespace esshub::service {

/// What is believed of each kind, of the past too as far as Feeds::keeps.
struct ToldSlots {
  FeedSlots import_price{};
  FeedSlots export_price{};
  FeedSlots solar{};             ///< W
  UnixSeconds solar_issued = 0;  ///< when the newest was that tells of the time ahead; 0: none
  /// Of the prices what holds when its time has come though nothing newer is told.
  FeedSlots lasting_import{};
  FeedSlots lasting_export{};

  [[nodiscard]] control::ToldPrices at(WallTime wall) const;
  friend bool operator==(const ToldSlots&, const ToldSlots&) = default;
};

/// The lasting prices from `now` on, which is `wall`, merged where neighbours are alike, as many as
/// there is room for: whoever has the table may go by it for as long as he likes.
[[nodiscard]] control::PriceTable price_table(const ToldSlots& told, WallTime wall, Instant now);

/// Strangers' text, as read_feed(). Prices are refused in another currency than the tariff's, and
/// where the tariff names none.
[[nodiscard]] Result<Feed> read_told(std::string_view text, const control::Tariff& tariff);

/// Single-threaded and pure.
class Feeds {
 public:
  /// Nothing that ended before is told: the planner looks back as far. What a history holds does
  /// not go by it, as the clock may be wrong (F26).
  static constexpr UnixSeconds keeps = SlotRing::days * UnixSeconds{86400};

  /// By a clock that is trusted. As FeedHistory::add().
  [[nodiscard]] Result<bool> take(Feed feed, UnixSeconds now);
  /// As FeedHistory::restore().
  void restore(Feed feed);

  /// Prices in another currency than `currency` are not believed.
  [[nodiscard]] ToldSlots told(UnixSeconds now, const std::string& currency) const;
  /// Something of the kind is kept, and nothing believed of it reaches beyond now: when that ended,
  /// unless long ago.
  [[nodiscard]] std::optional<UnixSeconds> ended(FeedKind kind, UnixSeconds now,
                                                 const std::string& currency) const;
  /// Until when the kind is told from now on, without a gap, if nothing newer is. A moment that is
  /// not to come: since then nothing is told of now. Nothing: as where it never was told, is told
  /// of later alone, or ended long ago.
  [[nodiscard]] std::optional<UnixSeconds> until(FeedKind kind, UnixSeconds now,
                                                 const std::string& currency) const;
  [[nodiscard]] const FeedHistory& history(FeedKind kind) const { return histories_[kind]; }
  /// Counts up with whatever changes in a history.
  [[nodiscard]] unsigned version() const { return version_; }

 private:
  [[nodiscard]] FeedSlots believed(FeedKind kind, UnixSeconds now, const std::string& currency,
                                   bool lasting = false) const;
  [[nodiscard]] UnixSeconds solar_issued(UnixSeconds now) const;

  EnumArray<FeedKind, FeedHistory> histories_;
  unsigned version_ = 0;
};

}  // namespace esshub::service
