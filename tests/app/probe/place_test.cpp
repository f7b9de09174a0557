#include "app/probe/place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::app {
namespace {

using civil_time::ClockSource;
using testing::HasSubstr;

const PortFacts port{.path = "/dev/esshub-mk3",
                     .target = "/dev/ttyUSB0",
                     .exists = true,
                     .character_device = true,
                     .mode = 0660,
                     .uid = 0,
                     .gid = 20,
                     .group = "dialout"};
const UserFacts member{"esshub", 998, {998, 20}};
const UserFacts stranger{"esshub", 998, {998}};

TEST(PortProbe, TheUserNeedsBothReadingAndWriting) {
  EXPECT_TRUE(may_open(port, member));
  EXPECT_FALSE(may_open(port, stranger));
  EXPECT_TRUE(may_open(port, {"root", 0, {}}));
  auto other = port;
  other.mode = 0640;
  EXPECT_FALSE(may_open(other, member));
  other.mode = 0606;
  EXPECT_TRUE(may_open(other, stranger));
  EXPECT_FALSE(may_open(other, member)) << "the group's bits hold for its members";
  other.uid = 998;
  other.mode = 0060;
  EXPECT_FALSE(may_open(other, member)) << "the owner's bits hold for the owner";
  other.mode = 0600;
  EXPECT_TRUE(may_open(other, member));
}

TEST(PortProbe, AGoodPortIsToldWithWhereItLeads) {
  EXPECT_EQ(judge_port("inverter", port, member),
            ok("inverter: /dev/esshub-mk3",
               "leads to /dev/ttyUSB0, nobody holds it, esshub may open it"));
  EXPECT_EQ(judge_port("inverter", port, std::nullopt).symptom,
            "leads to /dev/ttyUSB0, nobody holds it");
}

TEST(PortProbe, EachTroubleHasItsCause) {
  const auto found = [](auto change, const UserFacts& user = member) {
    auto changed = port;
    change(changed);
    const auto finding = judge_port("inverter", changed, user);
    EXPECT_EQ(finding.verdict, Verdict::failed);
    EXPECT_FALSE(finding.cause.empty());
    return finding;
  };
  const auto absent = [&](PortFacts& p) { p.exists = false; };
  EXPECT_EQ(found(absent).symptom, "no such device");
  EXPECT_THAT(found([&](PortFacts& p) {
                p.exists = false;
                p.adapters = {"usb-FTDI_1", "usb-FTDI_2"};
              }).action,
              HasSubstr("usb-FTDI_1, usb-FTDI_2"));
  EXPECT_THAT(found([](PortFacts& p) { p.character_device = false; }).symptom,
              HasSubstr("no serial port"));
  const auto held = found([](PortFacts& p) {
    p.holder = 77;
    p.holder_name = "minicom";
  });
  EXPECT_EQ(held.symptom, "held by minicom (process 77)");
  const auto refused = found([](PortFacts&) {}, stranger);
  EXPECT_THAT(refused.symptom, HasSubstr("the user esshub may not open it (mode 660"));
  EXPECT_THAT(refused.action, HasSubstr("usermod -aG dialout esshub"));
}

TEST(ClockProbe, IsJudgedByWhatTheConfigurationNeeds) {
  using namespace std::chrono;
  const WallTime today{days{20'800}};
  const auto judged = [&](ClockSource source, bool synchronised, std::optional<seconds> rtc,
                          bool needed) {
    return judge_clock(source, {{today, synchronised, rtc, 1h}, needed});
  };
  EXPECT_EQ(judged(ClockSource::ntp, true, 0s, true).verdict, Verdict::ok);
  EXPECT_EQ(judged(ClockSource::ntp, true, {}, false).verdict, Verdict::ok);
  EXPECT_EQ(judged(ClockSource::ntp, true, {}, true).verdict, Verdict::warning);
  EXPECT_EQ(judged(ClockSource::ntp, false, 0s, true).verdict, Verdict::failed);
  EXPECT_EQ(judged(ClockSource::ntp, false, 0s, false).verdict, Verdict::warning);
  EXPECT_EQ(judged(ClockSource::rtc, false, 5s, true).verdict, Verdict::ok);
  EXPECT_EQ(judged(ClockSource::rtc, false, {}, true).verdict, Verdict::failed);
  EXPECT_EQ(judged(ClockSource::rtc, false, 7200s, true).verdict, Verdict::failed);
  EXPECT_EQ(judged(ClockSource::manual, false, {}, true).verdict, Verdict::ok);
  EXPECT_EQ(judge_clock(ClockSource::manual, {{WallTime{}, false, {}, 1h}, true}).verdict,
            Verdict::failed);
  EXPECT_THAT(judged(ClockSource::rtc, false, 5s, true).symptom, HasSubstr("5 s from the RTC"));
}

TEST(HubInTheWay, SaysHowToStopIt) {
  const auto found = hub_runs(77, "/etc/esshub/esshub.toml");
  EXPECT_EQ(found.verdict, Verdict::failed);
  EXPECT_THAT(found.symptom, HasSubstr("process 77"));
  EXPECT_THAT(found.action, HasSubstr("systemctl stop esshub"));
  const auto other = other_hub_runs(78, "/root/other.toml");
  EXPECT_EQ(other.verdict, Verdict::failed);
  EXPECT_THAT(other.symptom, HasSubstr("/root/other.toml runs (process 78)"));
  EXPECT_THAT(other.cause, HasSubstr("two masters"));
  EXPECT_THAT(other.action, HasSubstr("systemctl stop esshub"));
  EXPECT_THAT(other.action, HasSubstr("--beside-hub"));
}

}  // namespace
}  // namespace esshub::app
