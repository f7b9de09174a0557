#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

std::map<std::string, double> scrape(const View& view, const std::vector<FeedState>& feeds) {
  Page page;
  add_feeds(page, view, feeds);
  return series(prometheus::TextSerializer{}.Serialize(std::move(page).finish()));
}

TEST(Sections, FeedsShowUntilWhenTheyTellAndHowManyAreRefused) {
  auto view = full_view();
  const WallTime until = view.wall + 90min;
  const std::vector<FeedState> feeds{{FeedKind::import_price, until, 0},
                                     {FeedKind::solar, std::nullopt, 2}};
  std::map<std::string, double> expected{
      {"esshub_feed_until_timestamp_seconds{kind=\"import_price\"}", 1772366400 + 5400},
      {"esshub_feed_refused{kind=\"import_price\"}", 0},
      {"esshub_feed_refused{kind=\"solar\"}", 2}};
  EXPECT_EQ(scrape(view, feeds), expected);
  view.local.trusted = false;
  expected.erase("esshub_feed_until_timestamp_seconds{kind=\"import_price\"}");
  EXPECT_EQ(scrape(view, feeds), expected) << "it may be another time";
  EXPECT_TRUE(scrape(view, {}).empty()) << "a house without feeds";
}

}  // namespace
}  // namespace esshub::metrics
