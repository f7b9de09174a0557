#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

TEST(Sections, BatteryShowsTheBitsOfTheBms) {
  expect_shown(series(text(full_view(), 250ms)),
               {{"esshub_battery_protection_active{protection=\"low_voltage\"}", 1},
                {"esshub_battery_protection_active{protection=\"unknown\"}", 0},
                {"esshub_battery_warning_active{warning=\"low_voltage\"}", 0},
                {"esshub_battery_request_active{request=\"discharge_enable\"}", 1},
                {"esshub_battery_request_active{request=\"full_charge\"}", 0}});
}

}  // namespace
}  // namespace esshub::metrics
