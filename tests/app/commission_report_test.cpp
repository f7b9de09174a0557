#include "app/commission_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace esshub::app {
namespace {

using namespace literals;
using namespace commissioning;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CommissionReport report() {
  CommissionReport r;
  r.site = "<home> & \"garden\"";
  r.version = "1.2.3";
  r.made = "2026-11-30 12:00:00 UTC";
  r.power = 450.0_W;
  for (int i = 0; i < 20; ++i)
    r.measured.inverter.push_back({Instant{} + i * 1s, Watts{i % 2 == 0 ? 0.0 : -450.0}});
  r.measured.channels.push_back({Point::grid, r.measured.inverter});
  ChannelFinding grid;
  grid.point = Point::grid;
  grid.role = Role::grid;
  grid.sign = Sign::reversed;
  grid.ratio = Ratio::twice;
  grid.gain = -1.996;
  grid.gain_error = 0.02;
  grid.mean = 812.4_W;
  grid.lag = Seconds{0.2};
  grid.found = "it shows the battery's steps and the house";
  grid.change = "turn its `invert` over";
  ChannelFinding solar;
  solar.point = Point::solar;
  solar.found = "too steady to be certain";
  r.findings.channels = {grid, solar};
  r.findings.enough = true;
  r.findings.swing = 441.0_W;
  r.findings.dead = Seconds{0.72};
  r.findings.ramp = WattsPerSecond{398.0};
  r.findings.loss_resting = 11.0_W;
  r.findings.loss_discharging = 33.0_W;
  return r;
}

TEST(CommissionText, HasEachChannelItsChangeAndTheFigures) {
  const auto text = commission_text(report());
  EXPECT_THAT(
      text, AllOf(HasSubstr("grid           grid          REVERSED  2 (twice)   -2.00 +- 0.02"),
                  HasSubstr("812 W\n    it shows the battery's steps"),
                  HasSubstr("    CHANGE: turn its `invert` over\n"),
                  HasSubstr("solar          not sure      -         -           -"),
                  HasSubstr("the meter of grid is later by"), HasSubstr("0.7 s"),
                  HasSubstr("398 W/s"), HasSubstr("441 W"), HasSubstr("11 W"), HasSubstr("33 W")));
  EXPECT_THAT(text, AllOf(HasSubstr("Nothing was changed"), HasSubstr("What is not sure may"),
                          Not(HasSubstr("Ended early"))));
}

TEST(CommissionText, SaysWhenThereIsNothingToChangeAndWhenItEndedEarly) {
  auto r = report();
  r.findings.channels.pop_back();
  r.findings.channels.front().change.clear();
  r.findings.channels.front().sign = Sign::right;
  r.findings.channels.front().ratio = Ratio::half;
  r.ended = "the fault bms_lost is active";
  EXPECT_THAT(commission_text(r),
              AllOf(HasSubstr("Nothing to change was found."), HasSubstr("1/2 (half)"),
                    HasSubstr("right"), HasSubstr("Ended early: the fault bms_lost is active."),
                    Not(HasSubstr("not sure may"))));
  r.findings.enough = false;
  EXPECT_THAT(commission_text(r), Not(HasSubstr("Nothing to change")));
}

TEST(CommissionText, TellsOfExportLimitsWhereTheyMayHideTheGrid) {
  auto r = report();
  EXPECT_THAT(commission_text(r), HasSubstr("`--no-export-limit`"));
  r.findings.limit_possible = false;
  EXPECT_THAT(commission_text(r), Not(HasSubstr("export limit")));
  r.findings.limit_possible = true;
  r.findings.channels.pop_back();  // the one that is not sure
  EXPECT_THAT(commission_text(r), Not(HasSubstr("export limit")));
}

TEST(CommissionHtml, IsOneDocumentWithItsPictureAndNothingFromElsewhere) {
  const auto html = commission_html(report());
  EXPECT_THAT(html,
              AllOf(HasSubstr("&lt;home&gt; &amp; &quot;garden&quot;: which clamp is which"),
                    HasSubstr("<svg "), HasSubstr(">inverter</text>"), HasSubstr(">grid</text>"),
                    HasSubstr("REVERSED"), HasSubstr("Change: turn its `invert` over"),
                    HasSubstr("3.0 Wh"), HasSubstr("2026-11-30 12:00:00 UTC, esshub 1.2.3")));
  for (const auto* foreign : {"http:", "https:", "<script", "src=", "<home>"})
    EXPECT_THAT(html, Not(HasSubstr(foreign)));
  std::size_t lines = 0;
  for (auto at = html.find("<polyline"); at != std::string::npos;
       at = html.find("<polyline", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2U);
}

TEST(CommissionHtml, HasNoPictureWithoutReadings) {
  auto r = report();
  r.measured = {};
  r.ended = "the hub <did> not answer";
  EXPECT_THAT(commission_html(r),
              AllOf(Not(HasSubstr("<svg")), HasSubstr("Ended early: the hub &lt;did&gt; not")));
}

}  // namespace
}  // namespace esshub::app
