#include <cstdint>

#include "metrics/sections.hpp"

namespace esshub::metrics {

void add_feeds(Page& page, const View& view, const std::vector<FeedState>& feeds) {
  page.gauge("esshub_feed_refused",
             "By how many the kind of prices or sun is told wrongly: the configuration warnings "
             "say why. Absent for a kind that was neither told within 15 days nor refused.");
  for (const auto& feed : feeds) page.add({{"kind", name(feed.kind)}}, std::uint64_t{feed.refused});
  page.gauge("esshub_feed_until_timestamp_seconds",
             "Until when the kind of prices or sun is told from now on without a gap, in seconds "
             "since 1970; in the past: since when nothing is told of now, so that the tariff's "
             "price holds. Absent for a kind that was not told within 15 days, and while the "
             "clock is not trusted.");
  if (!view.local.trusted) return;
  for (const auto& feed : feeds)
    if (feed.until) page.add({{"kind", name(feed.kind)}}, unix_seconds(*feed.until));
}

}  // namespace esshub::metrics
