// One full view through every outlet: the same number under every name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/status_text.hpp"
#include "metrics/sections.hpp"
#include "model/published_values.hpp"
#include "publish/live_table.hpp"
#include "publish/mqtt/home_assistant_entities.hpp"
#include "publish/venus/tree.hpp"
#include "publish/web/json.hpp"
#include "publish/web/values.hpp"

namespace esshub {
namespace {

using nlohmann::json;

const Instant t0 = Instant{} + 1h;

/// A view in which every value is known and no two numbers are alike.
View full_view() {
  View view;
  view.now = t0;
  view.local.trusted = true;
  view.max_age = 3s;
  double next = 1001;
  for (const Point point : enum_values<Point>)
    for (const Measure measure : enum_values<Measure>)
      view.snapshot.absorb({{point, measure}, next++, t0});
  const auto put = [&](Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, t0});
  };
  put(Point::battery, Measure::soc, 57);
  put(Point::battery, Measure::soh, 98);
  put(Point::inverter, Measure::main_state, static_cast<double>(VebusState::charge));
  auto& decision = view.decision;
  decision.at = t0;
  decision.house = Watts{611};
  decision.proposed = Watts{2503};
  decision.battery_power = Watts{1807};
  decision.setpoint = {Watts{1853}, InverterMode::follow, t0 + 1s};
  decision.reasons.add({Cause::self_consumption, {}});
  decision.faults.set(Fault::islanded, true, t0);
  auto& policy = decision.policy;
  policy.reserve = *Soc::from_percent(61);
  policy.floor = *Soc::from_percent(11);
  policy.ceiling = *Soc::from_percent(99);
  policy.cutoff = *Soc::from_percent(6);
  policy.backup_left = 93min;
  policy.import_price = 0.2531;
  policy.export_price = 0.1542;
  for (const Flow flow : enum_values<Flow>)
    view.energies[flow] = 3.6e6 * (1.5 + static_cast<double>(index(flow)));
  return view;
}

bool is_number(ValueId id) {
  return published(id).number != nullptr;
}

/// The number as the outlet shows it, rounded to the row's decimals.
double rounded(const View& view, ValueId id) {
  const double scale = std::pow(10.0, published(id).decimals);
  return std::round(number_of(view, id).value() * scale) / scale;
}

TEST(Outlets, EveryPublishedValueIsKnownInAFullView) {
  const auto view = full_view();
  for (const ValueId id : enum_values<ValueId>) {
    EXPECT_NE(number_of(view, id).has_value(), text_of(view, id).has_value()) << name(id);
    EXPECT_EQ(published(id).taken_at(view), t0) << name(id);
    EXPECT_FALSE(published(id).label.empty()) << name(id);
  }
}

TEST(Outlets, NothingIsKnownOfAnEmptyView) {
  View view;
  view.now = t0;
  view.max_age = 3s;
  for (const ValueId id : enum_values<ValueId>) {
    EXPECT_FALSE(number_of(view, id)) << name(id);
    EXPECT_FALSE(text_of(view, id)) << name(id);
    EXPECT_FALSE(published(id).taken_at(view)) << name(id);
  }
}

TEST(Outlets, MetricsShowEveryNumberInBaseUnits) {
  const auto view = full_view();
  metrics::Page page;
  metrics::add_values(page, view);
  std::vector<double> shown;
  for (const auto& family : std::move(page).finish())
    for (const auto& metric : family.metric)
      shown.push_back(family.type == prometheus::MetricType::Counter ? metric.counter.value
                                                                     : metric.gauge.value);
  for (const ValueId id : enum_values<ValueId>) {
    const auto& row = published(id);
    if (row.kind != ValueKind::gauge && row.kind != ValueKind::counter) continue;
    const double base = row.number(view).value() * (row.unit == Unit::percent         ? 0.01
                                                    : row.unit == Unit::kilowatt_hour ? 3.6e6
                                                    : row.unit == Unit::ampere_hour   ? 3600.0
                                                                                      : 1.0);
    EXPECT_THAT(shown, testing::Contains(testing::DoubleEq(base))) << name(id);
  }
}

TEST(Outlets, TheRestStateShowsEveryValueInItsPlace) {
  const auto view = full_view();
  const auto state = publish::state_json(view, t0);
  for (const auto& row : publish::rest_values()) {
    const json::json_pointer place{std::string{row.path} +
                                   (row.form == publish::RestForm::reading ? "/value" : "")};
    ASSERT_TRUE(state.contains(place)) << row.path;
    if (is_number(row.id)) {
      EXPECT_DOUBLE_EQ(state.at(place).get<double>(), rounded(view, row.id)) << row.path;
    } else {
      EXPECT_EQ(state.at(place).get<std::string>(), text_of(view, row.id)) << row.path;
    }
  }
}

TEST(Outlets, VenusRowsShowTheValueTheyName) {
  const auto view = full_view();
  for (const auto& row : publish::venus_tree(view)) {
    if (!row.id) continue;
    ASSERT_TRUE(row.value) << row.path;
    const auto* whole = std::get_if<std::int32_t>(&*row.value);
    EXPECT_EQ(whole ? *whole : std::get<double>(*row.value), number_of(view, *row.id)) << row.path;
  }
}

TEST(Outlets, HomeAssistantShowsTheValueItNames) {
  const auto view = full_view();
  for (const auto& entity : publish::ha_entities()) {
    const auto& row = published(entity.id);
    const auto state = entity.state(view);
    ASSERT_TRUE(state) << name(entity.id);
    if (row.kind == ValueKind::flag) {
      EXPECT_EQ(*state, number_of(view, entity.id) == 1.0 ? "ON" : "OFF") << name(entity.id);
    } else if (is_number(entity.id)) {
      const double in_unit = row.unit == Unit::second ? 60.0 : 1.0;
      EXPECT_DOUBLE_EQ(std::stod(*state) * in_unit, rounded(view, entity.id)) << name(entity.id);
    } else {
      EXPECT_EQ(state, text_of(view, entity.id)) << name(entity.id);
    }
  }
}

TEST(Outlets, TheLiveTableShowsItsColumns) {
  const auto view = full_view();
  std::istringstream line(publish::live_row(view, "12:00:00"));
  std::string time;
  line >> time;
  for (const ValueId id :
       {ValueId::grid_power, ValueId::solar_power, ValueId::house_power, ValueId::battery_command,
        ValueId::battery_power, ValueId::battery_soc, ValueId::setpoint}) {
    double shown = 0;
    ASSERT_TRUE(line >> shown) << name(id);
    EXPECT_EQ(shown, std::round(number_of(view, id).value())) << name(id);
  }
}

TEST(Outlets, StatusReadsTheRestState) {
  const auto view = full_view();
  const auto text = app::status_text({{"state", publish::state_json(view, t0)}}, "", false);
  for (const ValueId id : {ValueId::grid_power, ValueId::solar_power, ValueId::house_power,
                           ValueId::battery_power, ValueId::battery_command})
    EXPECT_THAT(text, testing::HasSubstr(std::to_string(std::lround(*number_of(view, id))) + " W"))
        << name(id);
  for (const char* words :
       {"57.0 %", "reserve 61 %", "cut-off 6 %", "lasts 93 min", "instruction balance by balance"})
    EXPECT_THAT(text, testing::HasSubstr(words));
}

}  // namespace
}  // namespace esshub
