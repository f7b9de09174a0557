#include "config/setting_reader.hpp"

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SettingReader, DaysAndTimesOfDayAreNamed) {
  EXPECT_THAT(with("[[schedule]]\nfrom = \"01:00\"\nto = \"02:00\"\naction = \"idle\"\n"
                   "days = \"someday\"\n"),
              ElementsAre(HasSubstr("schedule.days: expected \"daily\"")));
  EXPECT_THAT(
      with("[[schedule]]\nfrom = \"24:00\"\nto = \"1:00\"\naction = \"idle\"\n"),
      ElementsAre(HasSubstr("from: is \"24:00\", expected a time from \"00:00\" to \"23:59\""),
                  HasSubstr("to: is \"1:00\", expected a time from \"00:00\" to \"24:00\"")));
}

TEST(SettingReader, TwentyFourHoursIsTheMidnightThatEndsADay) {
  const auto config =
      parse_config(minimal + "[[schedule]]\nfrom = \"22:00\"\nto = \"24:00\"\naction = \"idle\"\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->control.schedule.at(0).when.to, 0);
}

TEST(SettingReader, RolesAreAListOfThose) {
  EXPECT_THAT(with("[policy]\nbattery_serves = [\"pool\"]\n"),
              ElementsAre(HasSubstr("policy.battery_serves: expected a list")));
}

TEST(SettingReader, APriceIsANumber) {
  EXPECT_THAT(with("[tariff]\nimport = nan\n"),
              ElementsAre(HasSubstr("tariff.import: is nan, expected a price per kWh")));
}

}  // namespace
}  // namespace esshub::config
