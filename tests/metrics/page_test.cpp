#include "metrics/page.hpp"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace esshub::metrics {
namespace {

TEST(Page, AFamilyWithoutASeriesIsLeftOut) {
  Page page;
  page.gauge("unknown", "Nobody knows.");
  page.add({}, std::optional<double>{});
  page.gauge("known", "In watts.");
  page.add({{"channel", "grid"}}, std::optional{250.5});
  page.counter("last", "Nothing behind it.");
  EXPECT_EQ(prometheus::TextSerializer{}.Serialize(std::move(page).finish()),
            "# HELP known In watts.\n# TYPE known gauge\nknown{channel=\"grid\"} 250.5\n");
}

}  // namespace
}  // namespace esshub::metrics
