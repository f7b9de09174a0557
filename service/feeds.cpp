#include "service/feeds.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace esshub::service {

control::ToldPrices ToldSlots::at(WallTime wall) const {
  const UnixSeconds at = unix_seconds(wall);
  return {value_at(import_price, at), value_at(export_price, at)};
}

control::PriceTable price_table(const ToldSlots& told, WallTime wall, Instant now) {
  const UnixSeconds begin = unix_seconds(wall);
  std::set<UnixSeconds> cuts{begin};
  for (const auto* slots : {&told.lasting_import, &told.lasting_export})
    for (const auto& slot : *slots)
      for (const UnixSeconds edge : {slot.begin, slot.end})
        if (edge > begin) cuts.insert(edge);
  const auto at = [&](UnixSeconds moment) {
    return now + std::chrono::duration_cast<Duration>(wall_time(moment) - wall);
  };
  control::PriceTable table;
  for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
    const control::TimedPrices next{
        at(*cut),
        at(*std::next(cut)),
        {value_at(told.lasting_import, *cut), value_at(told.lasting_export, *cut)}};
    if (next.prices == control::ToldPrices{}) continue;
    auto* const last = table.count > 0 ? &table.entries.at(table.count - 1) : nullptr;
    if (last && last->end == next.begin && last->prices == next.prices) {
      last->end = next.end;
      continue;
    }
    if (table.count == control::PriceTable::most) break;
    table.entries.at(table.count++) = next;
  }
  return table;
}

Result<Feed> read_told(std::string_view text, const control::Tariff& tariff) {
  return read_feed(text, {.price = tariff.plausible_price})
      .and_then([&](Feed feed) -> Result<Feed> {
        const std::string accepted = tariff.currency + "/kWh";
        if (feed.kind == FeedKind::solar || feed.unit == accepted) return feed;
        return fail(ErrorKind::invalid,
                    "/unit: \"" + feed.unit + "\", accepted " +
                        (tariff.currency.empty() ? "none while the hub's tariff.currency is not set"
                                                 : '"' + accepted + "\", as tariff.currency says"));
      });
}

Result<bool> Feeds::take(Feed feed, UnixSeconds now) {
  FeedHistory& history = histories_[feed.kind];
  auto added = history.add(std::move(feed), now);
  if (added && *added) ++version_;
  return added;
}

void Feeds::restore(Feed feed) {
  FeedHistory& history = histories_[feed.kind];
  history.restore(std::move(feed));
  ++version_;
}

FeedSlots Feeds::believed(FeedKind kind, UnixSeconds now, const std::string& currency,
                          bool lasting) const {
  auto slots =
      histories_[kind].believed(now, kind == FeedKind::solar ? "W" : currency + "/kWh", lasting);
  std::erase_if(slots, [&](const FeedSlot& slot) { return slot.end < now - keeps; });
  return slots;
}

UnixSeconds Feeds::solar_issued(UnixSeconds now) const {
  const auto& issues = histories_[FeedKind::solar].issues();
  const auto newest = std::find_if(issues.rbegin(), issues.rend(), [&](const Feed& issue) {
    return issue.issued <= now && issue.valid_until > now &&
           std::ranges::any_of(issue.slots,
                               [&](const FeedSlot& slot) { return slot.value && slot.end > now; });
  });
  return newest == issues.rend() ? 0 : newest->issued;
}

ToldSlots Feeds::told(UnixSeconds now, const std::string& currency) const {
  return {believed(FeedKind::import_price, now, currency),
          believed(FeedKind::export_price, now, currency),
          believed(FeedKind::solar, now, currency),
          solar_issued(now),
          believed(FeedKind::import_price, now, currency, true),
          believed(FeedKind::export_price, now, currency, true)};
}

std::optional<UnixSeconds> Feeds::ended(FeedKind kind, UnixSeconds now,
                                        const std::string& currency) const {
  const auto& issues = histories_[kind].issues();
  const auto later = std::ranges::upper_bound(issues, now, {}, &Feed::issued);
  if (later == issues.begin()) return std::nullopt;
  const auto slots = believed(kind, now, currency);
  const UnixSeconds end = slots.empty() ? std::prev(later)->issued : slots.back().end;
  return end <= now && end >= now - keeps ? std::optional{end} : std::nullopt;
}

std::optional<UnixSeconds> Feeds::until(FeedKind kind, UnixSeconds now,
                                        const std::string& currency) const {
  const auto slots = believed(kind, now, currency, true);
  const auto next = std::ranges::upper_bound(slots, now, {}, &FeedSlot::begin);
  if (next == slots.begin()) return ended(kind, now, currency);
  return known_until(slots, std::prev(next)->begin);
}

}  // namespace esshub::service
