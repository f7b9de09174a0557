#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Sections, InverterShowsItsStatesAndAlarms) {
  expect_shown(series(text(full_view(), 250ms)),
               {{"esshub_inverter_state_active{state=\"charge\"}", 1},
                {"esshub_inverter_charge_state_active{state=\"bulk\"}", 1},
                {"esshub_inverter_alarm_active{alarm=\"overload\",level=\"warning\"}", 1},
                {"esshub_inverter_alarm_active{alarm=\"low_battery\",level=\"alarm\"}", 1},
                {"esshub_inverter_alarm_active{alarm=\"low_battery\",level=\"warning\"}", 0}});
}

TEST(Sections, TheChargeStateIsAbsentUnlessCharging) {
  auto view = full_view();
  view.snapshot.absorb(
      {{Point::inverter, Measure::main_state}, static_cast<double>(VebusState::passthru), start});
  const auto page = text(view);
  EXPECT_THAT(page, HasSubstr("esshub_inverter_state_active{state=\"passthru\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("esshub_inverter_charge_state_active")));
}

}  // namespace
}  // namespace esshub::metrics
