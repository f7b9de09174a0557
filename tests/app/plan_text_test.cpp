#include "app/plan_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace esshub::app {
namespace {

using nlohmann::json;

json slot(double begin, const char* kind, double price, const char* reason) {
  return {{"begin", begin},
          {"end", begin + 900},
          {"import_price", price},
          {"export_price", 0.05},
          {"instruction", {{"kind", kind}, {"keeps_charge", false}}},
          {"charge_percent", 50},
          {"charge_low_percent", 40},
          {"charge_high_percent", 60},
          {"value", 0.21},
          {"bought_kwh", 0.1},
          {"reason", reason}};
}

json keeping(json slot) {
  slot["instruction"]["keeps_charge"] = true;
  return slot;
}

TEST(PlanText, IsALineForWhatIsTheSame) {
  const double begin = 1768474800;  // Thursday 11:00 UTC
  const json plan{{"made", begin},
                  {"days", 14},
                  {"cost", 1.0},
                  {"cost_balance", 2.0},
                  {"cost_no_battery", 3.0},
                  {"reason", "it would have been empty"},
                  {"slots", json::array({slot(begin, "charge", 0.07, "cheap"),
                                         slot(begin + 900, "charge", 0.07, "cheap"),
                                         slot(begin + 1800, "charge", 0.08, "still"),
                                         slot(begin + 2700, "balance", 0.08, "served"),
                                         keeping(slot(begin + 3600, "balance", 0.08, "kept")),
                                         keeping(slot(begin + 4500, "balance", 0.08, "kept"))})}};
  const json answer{{"smart", {{"problem", nullptr}, {"plan", plan}}}};
  EXPECT_EQ(
      plan_text(answer, date::locate_zone("Europe/Berlin")),
      "Planned 2026-01-15 12:00 from the last 14 days.\n"
      "Expected over the 48 h it was made for: cost 1.00, of self-consumption 2.00, without a "
      "battery 3.00.\n"
      "It buys: it would have been empty.\n"
      "\n"
      "from      does       import  export    %  10-90     kWh  why\n"
      "Thu 12:00 charge     0.0700  0.0500   50  40-60   0.2100  cheap\n"
      "Thu 12:30 charge     0.0800  0.0500   50  40-60   0.2100  still\n"
      "Thu 12:45 balance    0.0800  0.0500   50  40-60   0.2100  served\n"
      "Thu 13:00 balance    0.0800  0.0500   50  40-60   0.2100  kept\n");
}

TEST(PlanText, SaysWhichSunItGoesBy) {
  json plan{{"made", 1768474800},       {"days", 14},   {"sun", "told"},
            {"sun_issued", 1768471200}, {"cost", 1.0},  {"cost_balance", 2.0},
            {"cost_no_battery", 3.0},   {"reason", ""}, {"slots", json::array()}};
  const auto first_line = [&] {
    const auto text = plan_text({{"smart", {{"problem", nullptr}, {"plan", plan}}}}, nullptr);
    return text.substr(0, text.find('\n'));
  };
  EXPECT_EQ(first_line(),
            "Planned 2026-01-15 11:00 from the last 14 days and the sun told 2026-01-15 10:00.");
  plan["sun"] = "history";
  plan["sun_issued"] = nullptr;
  EXPECT_EQ(first_line(), "Planned 2026-01-15 11:00 from the last 14 days.");
}

TEST(PlanText, SaysWhatIsInTheWay) {
  EXPECT_EQ(plan_text({{"smart", nullptr}}, nullptr),
            "The mode is not smart: there is no Smart plan.\n");
  EXPECT_EQ(plan_text(json::object(), nullptr), "The mode is not smart: there is no Smart plan.\n");
  EXPECT_EQ(plan_text({{"smart", {{"problem", nullptr}, {"plan", nullptr}}}}, nullptr),
            "No plan yet.\n");
  EXPECT_EQ(plan_text({{"smart", {{"problem", "too_few_days"}, {"plan", nullptr}}}}, nullptr),
            "No new plan: too_few_days.\n");
}

TEST(PlanText, SaysWhatWasSaved) {
  const auto of = [](int days, int known, int partial, json none, json balance, json error) {
    return json{{"days", days},
                {"known", known},
                {"partial", partial},
                {"saved_against_no_battery", std::move(none)},
                {"saved_against_balance", std::move(balance)},
                {"model_error", std::move(error)},
                {"error_days", known - partial}};
  };
  EXPECT_EQ(savings_text({{"today", of(1, 1, 0, 2.75, -0.5, -0.051)},
                          {"month", of(20, 11, 2, 30.0, nullptr, nullptr)},
                          {"year", of(20, 20, 1, 40.0, 10.0, 0.2)}},
                         "GBP"),
            "Saved today: 2.75 GBP against no battery, -0.50 GBP against self-consumption; "
            "paid on 1 whole day was 0.05 GBP more than modelled.\n"
            "Saved this month (11 of 20 days, 2 in part): 30.00 GBP against no battery.\n"
            "Saved this year (1 in part): 40.00 GBP against no battery, 10.00 GBP against "
            "self-consumption; paid on 19 whole days was 0.20 GBP less than modelled.\n");
  EXPECT_EQ(savings_text({{"today", of(1, 0, 0, nullptr, nullptr, nullptr)},
                          {"month", nullptr},
                          {"year", of(20, 11, 0, 30.0, nullptr, nullptr)}},
                         ""),
            "Saved this year (11 of 20 days): 30.00 against no battery.\n");
  EXPECT_EQ(savings_text({{"today", of(1, 1, 0, -0.0049, -0.0051, -0.001)}}, ""),
            "Saved today: 0.00 against no battery, -0.01 against self-consumption; paid on 1 whole "
            "day was 0.00 more than modelled.\n");
  EXPECT_EQ(savings_text(json::object(), ""), "");
}

}  // namespace
}  // namespace esshub::app
