#include "config/policy_reader.hpp"

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using namespace literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST(Schedule, IsReadWithItsDaysTimesAndInstructions) {
  const auto config = parse_config(R"(
[[schedule]]
days = ["mon", "sun"]
from = "01:30"
to = "05:00"
action = "charge"
power_w = 2000
target = 80
[[schedule]]
days = "weekdays"
from = "23:00"
to = "00:15"
action = "discharge"
target = 30
[[schedule]]
days = "weekend"
from = "16:00"
to = "19:00"
action = "idle"
low = 40
[policy]
mode = "balance"
battery_serves = ["heatpump"]
)" + minimal);
  ASSERT_TRUE(config) << describe("f", config.error().front());
  const auto& control = config->control;
  EXPECT_EQ(control.mode, Mode::balance);
  EXPECT_THAT(control.battery_serves.items, ElementsAre(true, false, true));
  ASSERT_THAT(control.schedule, SizeIs(3));
  EXPECT_EQ(control.schedule[0].when, (control::WeekSpan{0b1000001, 90, 300}));
  EXPECT_EQ(control.schedule[0].instruction,
            (Instruction{.kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc}));
  EXPECT_EQ(control.schedule[1].when, (control::WeekSpan{0b0011111, 23 * 60, 15}));
  EXPECT_EQ(control.schedule[1].instruction.power, control.discharge_limit);
  EXPECT_EQ(control.schedule[2].when.days, 0b1100000);
  EXPECT_EQ(control.schedule[2].instruction,
            (Instruction{.kind = InstructionKind::idle, .low = 40.0_soc}));
}

TEST(Schedule, OverlappingEntriesAreRefusedWithBothLines) {
  EXPECT_THAT(with("[[schedule]]\nfrom = \"01:00\"\nto = \"02:00\"\naction = \"idle\"\n"
                   "[[schedule]]\nfrom = \"01:59\"\nto = \"03:00\"\naction = \"balance\"\n"),
              ElementsAre("26:8: schedule: overlaps another on Monday at 01:59 (line 22)"));
}

TEST(Schedule, SaysWhatIsWrong) {
  const auto entry = [](const std::string& more) {
    return with("[[schedule]]\nfrom = \"01:00\"\nto = \"02:00\"\n" + more);
  };
  EXPECT_THAT(entry(""), ElementsAre(HasSubstr("schedule.action: is missing, expected one of")));
  EXPECT_THAT(entry("action = \"charge\"\n"),
              ElementsAre(HasSubstr("schedule.target: is missing")));
  EXPECT_THAT(entry("action = \"idle\"\ntarget = 5\n"),
              ElementsAre(HasSubstr("target: has no meaning here, expected only with charge")));
  EXPECT_THAT(entry("action = \"charge\"\ntarget = 80\npower_w = 9000\n"),
              ElementsAre(HasSubstr("schedule: the rate is 9000 W")));
  EXPECT_THAT(entry("action = \"charge\"\ntarget = 80\npower_w = 9\n"),
              ElementsAre(HasSubstr("schedule.power_w: is 9 W, expected 10 to 10000 W")));
  EXPECT_THAT(entry("action = \"charge\"\ntarget = 9007199254740993\n"), Not(testing::IsEmpty()));
}

TEST(TariffSection, IsReadWithItsBands) {
  const auto config = parse_config(R"(
[tariff]
currency = "GBP"
import = 0.28
export = 0.15
cheap_below = 0.1
no_discharge_while_cheap = false
force_charge_to = 80
force_charge_w = 1500
[[tariff.band]]
days = "daily"
from = "00:30"
to = "04:30"
import = 0.07
[[tariff.band]]
from = "16:00"
to = "19:00"
import = 0.4
export = 0.3
cheap = true
)" + minimal);
  ASSERT_TRUE(config) << describe("f", config.error().front());
  const auto& tariff = config->control.tariff;
  EXPECT_EQ(tariff.currency, "GBP");
  EXPECT_EQ(tariff.import_price, 0.28);
  EXPECT_EQ(tariff.cheap_below, 0.1);
  EXPECT_FALSE(tariff.no_discharge_while_cheap);
  EXPECT_EQ(tariff.force_charge_to, 80.0_soc);
  EXPECT_EQ(tariff.force_charge_power, 1500.0_W);
  ASSERT_THAT(tariff.bands, SizeIs(2));
  EXPECT_EQ(tariff.bands[0].when, (control::WeekSpan{control::every_day, 30, 270}));
  EXPECT_EQ(tariff.bands[0].export_price, std::nullopt);
  EXPECT_EQ(tariff.bands[1].export_price, 0.3);
  EXPECT_TRUE(tariff.bands[1].cheap);
}

TEST(TariffSection, SaysWhatIsWrong) {
  EXPECT_THAT(with("[[tariff.band]]\nfrom = \"01:00\"\nto = \"02:00\"\nimport = 0.1\n"),
              ElementsAre(HasSubstr("tariff.import: no band holds on Monday at 00:00")));
  EXPECT_THAT(with("[tariff]\nforce_charge_to = 3\n"),
              ElementsAre(HasSubstr("tariff.force_charge_to: the target is 3 %")));
}

}  // namespace
}  // namespace esshub::config
