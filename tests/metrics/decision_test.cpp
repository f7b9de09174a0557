#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Sections, DecisionShowsModeReasonsAndFaults) {
  const auto all = series(text(full_view(), 250ms));
  expect_shown(all,
               {{"esshub_decision_without_reason_watts{reason=\"reserve\"}", 2500},
                {"esshub_inverter_mode_active{mode=\"follow\"}", 1},
                {"esshub_fault_since_timestamp_seconds{fault=\"islanded\",severity=\"warning\"}",
                 1772366400 - 90}});
  EXPECT_FALSE(all.contains("esshub_decision_without_reason_watts{reason=\"self_consumption\"}"));
}

TEST(Sections, NoTimeStampsWhileTheClockIsNotTrusted) {
  auto view = full_view();
  view.local.trusted = false;
  const auto page = text(view);
  EXPECT_THAT(page, Not(HasSubstr("timestamp_seconds")));
  EXPECT_THAT(page, Not(HasSubstr("esshub_local_weekday")));
  EXPECT_THAT(page, HasSubstr("esshub_fault_active"));
}

}  // namespace
}  // namespace esshub::metrics
