#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

using namespace esshub::literals;

/// Half an hour of service, half an hour of charging, then as before.
SmartState planned(WallTime now) {
  const auto at = [&](int minutes) { return now + std::chrono::minutes{minutes}; };
  SmartPlan plan{.made = at(-20), .cost = 3.5, .cost_balance = 4.25, .cost_no_battery = 5.0};
  plan.slots = {{.begin = at(-15),
                 .end = at(15),
                 .charge_low = 40.0_soc,
                 .charge = 50.0_soc,
                 .charge_high = 55.0_soc,
                 .value = 0.21},
                {.begin = at(15),
                 .end = at(45),
                 .instruction = {.kind = InstructionKind::charge},
                 .value = 0.3},
                {.begin = at(45), .end = at(75), .value = 0.4}};
  return {true, std::make_shared<const SmartPlan>(plan), ""};
}

std::map<std::string, double> scrape(const View& view, const SmartState& smart) {
  Page page;
  add_smart(page, view, smart);
  return series(prometheus::TextSerializer{}.Serialize(std::move(page).finish()));
}

TEST(Sections, SmartShowsWhatIsPlannedNowAndNext) {
  const auto view = full_view();
  const double now = 1772366400;
  EXPECT_EQ(scrape(view, planned(view.wall)),
            (std::map<std::string, double>{
                {"esshub_plan_made_timestamp_seconds", now - 1200},
                {"esshub_plan_cost{policy=\"smart\"}", 3.5},
                {"esshub_plan_cost{policy=\"balance\"}", 4.25},
                {"esshub_plan_cost{policy=\"no_battery\"}", 5.0},
                {"esshub_plan_charge_ratio{bound=\"low\"}", 0.4},
                {"esshub_plan_charge_ratio{bound=\"mean\"}", 0.5},
                {"esshub_plan_charge_ratio{bound=\"high\"}", 0.55},
                {"esshub_plan_value_per_kwh", 0.21},
                {"esshub_plan_next_action_timestamp_seconds{instruction=\"charge\"}", now + 900}}));
  auto later = view;
  later.wall += std::chrono::minutes{50};
  const auto all = scrape(later, planned(view.wall));
  EXPECT_EQ(all.at("esshub_plan_value_per_kwh"), 0.4);
  EXPECT_FALSE(all.contains("esshub_plan_next_action_timestamp_seconds{instruction=\"charge\"}"))
      << "that is over, and nothing else comes";
}

TEST(Sections, SmartWithoutAPlanSaysWhy) {
  const auto view = full_view();
  EXPECT_EQ(scrape(view, {true, nullptr, "too_few_days"}),
            (std::map<std::string, double>{{"esshub_plan_problem{problem=\"too_few_days\"}", 1}}));
  EXPECT_TRUE(scrape(view, {}).empty());
  auto untrusted = view;
  untrusted.local.trusted = false;
  EXPECT_TRUE(scrape(untrusted, planned(view.wall)).empty());
  auto past = view;
  past.wall += std::chrono::hours{2};
  EXPECT_FALSE(scrape(past, planned(view.wall)).contains("esshub_plan_value_per_kwh"))
      << "the plan has ended";
}

}  // namespace
}  // namespace esshub::metrics
