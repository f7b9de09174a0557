#include "feed/wanted.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace esshub::feed {
namespace {

double charged(const Wanted& wanted, double value) {
  constexpr double fine = 1e6;  // less than that nobody is charged, and 0.1 stays 0.1
  return std::round((value * wanted.factor + wanted.surcharge) * fine) / fine;
}

std::string shown(const FeedSlot& slot) {
  return slot.value ? std::to_string(*slot.value) : "none";
}

}  // namespace

Result<Feed> wanted_of(const Wanted& wanted, std::string unit, std::string source,
                       FeedSlots slots) {
  std::erase_if(slots, [&](const FeedSlot& slot) {
    return slot.end <= wanted.from || slot.begin >= wanted.to;
  });
  if (slots.empty())
    return fail(ErrorKind::refused,
                "tells nothing of " + utc_text(wanted.from) + " to " + utc_text(wanted.to));
  std::ranges::sort(slots, {}, [](const FeedSlot& slot) {
    return std::tuple{slot.begin, slot.end, slot.value};
  });
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  for (std::size_t n = 1; n < slots.size(); ++n)
    if (slots[n].begin < slots[n - 1].end)
      return fail(ErrorKind::invalid, "two prices for " + utc_text(slots[n].begin) + ": " +
                                          shown(slots[n - 1]) + " and " + shown(slots[n]));
  Feed feed{wanted.kind,   std::move(unit),    std::move(source),
            wanted.issued, wanted.valid_until, std::move(slots)};
  for (auto& slot : feed.slots) {
    slot.begin = std::max(slot.begin, wanted.from);
    slot.end = std::min(slot.end, wanted.to);
    if (slot.value) slot.value = charged(wanted, *slot.value);
  }
  if (feed.valid_until == 0) feed.valid_until = feed.slots.back().end;
  if (auto good = service::check_feed(feed, wanted.limits); !good)
    return tl::unexpected<Error>(std::move(good.error()));
  return feed;
}

}  // namespace esshub::feed
