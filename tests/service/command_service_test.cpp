#include "service/command_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/service/memory_disk.hpp"

namespace esshub::service {
namespace {

using testing::HasSubstr;
using namespace esshub::literals;

constexpr Instruction charge_2kw{
    .kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc};

class CommandServiceTest : public testing::Test {
 protected:
  /// The service over one run of the program: what it stores is on the disk at once.
  class Desk {
   public:
    explicit Desk(CommandServiceTest& t)
        : t_(t),
          file_(t.disk_, t.log_.sink(), [&t](bool failed) { t.faults_.push_back(failed); }),
          service_({.settings = t.settings_,
                    .events = t.log_.sink(),
                    .boot_id = t.boot_id_,
                    .send = [&t](const Orders& orders) { t.sent_.push_back(orders); },
                    .store = [this](const SavedState& s) { static_cast<void>(file_.store(s)); },
                    .acknowledged = [&t] { ++t.acknowledged_; }},
                   file_.load(t.wall_), t.moment()) {}
    Result<void> order(const Command& command, const std::string& who) {
      return service_.order(command, who, t_.moment());
    }
    void note_time(bool trusted) { service_.note_time(trusted, t_.moment()); }
    void note_full(Instant at) { service_.note_full(at, t_.moment()); }
    void set_settings(const control::Settings& s) { service_.set_settings(s, t_.moment()); }
    [[nodiscard]] CommandService::InForce in_force() const { return service_.in_force(); }
    [[nodiscard]] std::vector<OrderLimit> limits() const { return service_.limits(t_.moment()); }
    void close() { service_.close(t_.moment()); }
    void note_safety(const SafetyMemory& safety) { service_.note_safety(safety, t_.moment()); }
    void note_supervision(const SupervisionMemory& supervision) {
      service_.note_supervision(supervision, t_.moment());
    }
    [[nodiscard]] const SafetyMemories& memories() const { return service_.memories(); }

   private:
    CommandServiceTest& t_;
    StateFile file_;
    CommandService service_;
  };

  std::unique_ptr<Desk> desk() { return std::make_unique<Desk>(*this); }
  /// In a run of the program that ends after it.
  void order_by_a_trusted_clock(const std::vector<Command>& commands) {
    const auto d = desk();
    d->note_time(true);
    for (const auto& command : commands) EXPECT_TRUE(d->order(command, "web"));
  }
  [[nodiscard]] Moment moment() const { return {at_, wall_, boot_time_}; }
  void pass(Duration time) {
    at_ += time;
    boot_time_ += time;
    wall_ += std::chrono::duration_cast<WallTime::duration>(time);
  }
  /// The machine starts again: its steady clock knows nothing of before.
  void reboot(Duration off) {
    at_ = Instant{} + 5s;
    boot_time_ = 5s;
    boot_id_ += "+1";
    wall_ += std::chrono::duration_cast<WallTime::duration>(off);
  }

  MemoryDisk disk_;
  control::Settings settings_;
  EventLog log_;
  std::vector<Orders> sent_;
  std::vector<bool> faults_;
  int acknowledged_ = 0;
  std::string boot_id_ = "first";
  Duration boot_time_ = 1000s;
  Instant at_ = Instant{} + 1000s;
  WallTime wall_ = WallTime{} + std::chrono::seconds{1800000000};
};

TEST_F(CommandServiceTest, AnAcceptedCommandIsSentAndLoggedWithWhoGaveIt) {
  const auto d = desk();
  ASSERT_EQ(sent_.size(), 1u) << "as it stands at the start";
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 1h}, "web 192.0.2.4"));
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 1h}));
  EXPECT_EQ(
      log_.count("command accepted who=\"web 192.0.2.4\" command=start_override action=charge "
                 "power_w=2000 target=80 length_s=3600"),
      1u);
}

TEST_F(CommandServiceTest, ARefusedCommandChangesNothingAndSaysWhy) {
  const auto d = desk();
  const auto result = d->order(StartOverride{charge_2kw, 8 * 24h}, "mqtt");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().detail, HasSubstr("expected 1 min to 7 days"));
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_EQ(log_.count("command refused who=\"mqtt\" command=start_override"), 1u);
}

TEST_F(CommandServiceTest, WhatAStrangerCallsHimselfCannotForgeALine) {
  const auto d = desk();
  EXPECT_TRUE(d->order(EndStorm{}, "x\"\nerror forged"));
  EXPECT_EQ(log_.count("command accepted who=\"x' error forged\""), 1u);
}

TEST_F(CommandServiceTest, OrdersOutliveTheProgramUntilTheirWallClockEnd) {
  order_by_a_trusted_clock({SetMode{Mode::balance}, SetReserve{40.0_soc},
                            StartOverride{charge_2kw, 3h}, StartStorm{90.0_soc, 48h},
                            StartDispatch{charge_2kw, 3h}});
  reboot(1h);
  const auto d = desk();
  const auto& orders = sent_.back();
  EXPECT_EQ(orders.mode, Mode::balance);
  EXPECT_EQ(orders.reserve, 40.0_soc);
  EXPECT_EQ(orders.manual, (Order{charge_2kw, at_ + 2h}));
  EXPECT_EQ(orders.storm, (Storm{90.0_soc, at_ + 47h, at_}));
  EXPECT_FALSE(orders.dispatch);
}

TEST_F(CommandServiceTest, AStormThatHasNotBegunBeginsWhenItWasToBegin) {
  order_by_a_trusted_clock({StartStorm{90.0_soc, 48h, 12h, false}});
  reboot(5h);
  desk();
  EXPECT_EQ(sent_.back().storm, (Storm{90.0_soc, at_ + 55h, at_ + 7h, false}));
  reboot(8h);
  desk();
  EXPECT_EQ(sent_.back().storm, (Storm{90.0_soc, at_ + 47h, at_, false})) << "in its second hour";
}

TEST_F(CommandServiceTest, WhatEndedWhileTheProgramWasOffIsNotRestored) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot(4h);
  desk();
  EXPECT_FALSE(sent_.back().manual);
  EXPECT_EQ(log_.count("command order_ended what=override"), 1u);
  EXPECT_EQ(log_.level("command order_ended"), Level::notice);
}

TEST_F(CommandServiceTest, AClockThatIsNotSetYetDoesNotLengthenAnOrder) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  wall_ = WallTime{} + 10s;
  reboot(0s);
  desk();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 3h}));
}

/// A board without a clock of its own: after every start it goes on from an old time until a server
/// has told it better.
class BoardWithoutAClock : public CommandServiceTest {
 protected:
  void reboot_in_1970(Duration off) {
    true_wall_ = wall_ + std::chrono::duration_cast<WallTime::duration>(off);
    reboot(0s);
    wall_ = WallTime{} + 10s;
  }
  void pass(Duration time) {
    CommandServiceTest::pass(time);
    true_wall_ += std::chrono::duration_cast<WallTime::duration>(time);
  }
  void synchronise(Desk& d) {
    wall_ = true_wall_;
    d.note_time(true);
  }
  WallTime true_wall_{};
};

TEST_F(BoardWithoutAClock, DoesNotLengthenAnOrderByMoreThanAQuarterOfAnHourAtEachReboot) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  for (int boots = 1; boots <= 3; ++boots) {
    reboot_in_1970(0s);
    const auto d = desk();
    for (int i = 0; i < 200; ++i) {  // 33 min
      pass(10s);
      d->note_time(false);
    }
  }
  reboot_in_1970(0s);
  desk();
  const Duration left = sent_.back().manual.value().until - at_;
  EXPECT_GE(left, 3h - 3 * 2000s);
  EXPECT_LE(left, 3h - 3 * 2000s + 3 * 15min);
}

TEST_F(BoardWithoutAClock, PutsTheEndsRightOnceTheTimeIsKnown) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}, StartStorm{90.0_soc, 48h}});
  reboot_in_1970(5h);
  const auto d = desk();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 3h})) << "as far as it knows";
  pass(1min);
  d->note_time(false);
  ASSERT_EQ(sent_.back().storm, (Storm{90.0_soc, at_ - 1min + 48h, at_ - 1min}));
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_})) << "it has ended while it was off";
  EXPECT_EQ(sent_.back().storm, (Storm{90.0_soc, at_ - 1min + 43h, at_ - 1min - 5h}));
  EXPECT_EQ(log_.count("command order_end_corrected what=override left_s=0"), 1u);
  EXPECT_EQ(log_.count("command order_end_corrected what=storm left_s=154740"), 1u);
}

/// The time server is out of reach for some hours, then the machine is off.
TEST_F(BoardWithoutAClock, KnowsTheTrueEndAlsoWhereTrustWasLostBefore) {
  {
    const auto d = desk();
    d->note_time(true);
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 12h}, "web"));
    pass(1h);
    d->note_time(false);
    pass(1h);
    d->note_time(false);
  }
  reboot_in_1970(5h);
  const auto d = desk();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 10h})) << "as far as it knows";
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 5h}));
}

TEST_F(BoardWithoutAClock, KnowsTheTrueEndOfAnOrderThatWasGivenBeforeTheTimeWasKnown) {
  {
    const auto d = desk();
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 12h}, "web"));
    d->note_time(true);
    pass(1h);
    d->note_time(false);
  }
  reboot_in_1970(5h);
  const auto d = desk();
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 6h}));
}

TEST_F(BoardWithoutAClock, KnowsTheTrueEndOverARestartOfTheProgramWithoutTrust) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 12h}});
  pass(1h);
  {
    const auto d = desk();
    d->note_time(false);
    EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  }
  reboot_in_1970(5h);
  const auto d = desk();
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 6h}));
}

TEST_F(BoardWithoutAClock, KnowsTheTrueEndOverMoreRestartsUntilTheTimeIsKnown) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot_in_1970(1h);
  for (int restarts = 0; restarts < 2; ++restarts) {
    const auto d = desk();
    pass(1min);
    d->note_time(false);
    EXPECT_EQ(sent_.back().manual.value().until, at_ - (restarts + 1) * 1min + 3h);
  }
  const auto d = desk();
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ - 2min + 2h}));
}

TEST_F(CommandServiceTest, AClockThatNobodyTrustsEndsNoOrderOverAReboot) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  reboot(20 * 365 * 24h);
  desk();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 3h}));
}

TEST_F(BoardWithoutAClock, CorrectsNoOrderThatWasGivenSince) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot_in_1970(5h);
  const auto d = desk();
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 2h}, "web"));
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 2h}));
}

TEST_F(BoardWithoutAClock, DoesNotCorrectByAnEndThatANeverTrustedClockWrote) {
  {
    wall_ = WallTime{} + 10s;
    const auto d = desk();
    d->note_time(false);
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
  }
  reboot_in_1970(1min);
  const auto d = desk();
  true_wall_ = WallTime{} + std::chrono::seconds{1800000000};
  synchronise(*d);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 3h}));
}

TEST_F(CommandServiceTest, AnEndNeverMovesAwayByTheWallClock) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot(1h);
  const auto d = desk();
  wall_ -= std::chrono::hours{10};
  d->note_time(true);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 2h}));
}

TEST_F(CommandServiceTest, WithinOneStartOfTheMachineTheWallClockDoesNotMoveAnEnd) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  pass(1h);
  wall_ += std::chrono::hours{24 * 365 * 20};
  desk();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 2h}));
}

TEST_F(CommandServiceTest, WithinOneStartOfTheMachineATrustedClockDoesNotMoveItEither) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  pass(1h);
  wall_ += std::chrono::hours{1};  // by a step
  const auto d = desk();
  d->note_time(true);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 2h}));
}

TEST_F(CommandServiceTest, AClockThatWasLostAndFoundIsWrittenDownAtOnce) {
  const auto d = desk();
  EXPECT_TRUE(d->order(StartStorm{90.0_soc, 5h}, "web"));
  d->note_time(true);
  ASSERT_EQ(disk_.writes, 2);
  d->note_time(false);
  d->note_time(true);
  EXPECT_EQ(disk_.writes, 3);
}

TEST_F(CommandServiceTest, WhatIsLeftIsKeptEveryQuarterOfAnHourWhileSomethingRuns) {
  const auto d = desk();
  d->note_time(false);
  EXPECT_EQ(disk_.writes, 0);
  EXPECT_TRUE(d->order(StartStorm{90.0_soc, 1h}, "web"));
  ASSERT_EQ(disk_.writes, 1);
  pass(15min - 1s);
  d->note_time(false);
  EXPECT_EQ(disk_.writes, 1);
  pass(1s);
  d->note_time(false);
  EXPECT_EQ(disk_.writes, 2);
  pass(46min);
  d->note_time(false);
  EXPECT_EQ(disk_.writes, 2) << "it is over";
  d->note_safety({.cutoff = true});
  ASSERT_EQ(disk_.writes, 3);
  pass(15min);
  d->note_time(false);
  EXPECT_EQ(disk_.writes, 4);
}

TEST_F(CommandServiceTest, WhatTheConfigurationNoLongerAllowsIsNotRestored) {
  {
    const auto d = desk();
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
    EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  }
  settings_.charge_limit = 1000.0_W;
  desk();
  EXPECT_FALSE(sent_.back().manual);
  EXPECT_EQ(sent_.back().reserve, 40.0_soc);
  EXPECT_EQ(log_.count("command order_not_restored what=override"), 1u);
  EXPECT_EQ(log_.count("command order_restored command=set_reserve reserve=40"), 1u);
  EXPECT_EQ(log_.count("command order_restored"), 1u) << "nothing that was not ordered";
  EXPECT_FALSE(sent_.back().last_full);
  EXPECT_EQ(log_.level("command order_not_restored"), Level::warning);
  EXPECT_EQ(log_.level("command order_restored"), Level::notice);
}

TEST_F(CommandServiceTest, TheLastFullChargeIsRememberedAcrossRestarts) {
  {
    const auto d = desk();
    d->note_full(at_);
    pass(30min);
    d->note_full(at_);  // not every minute at 100 % is worth a write
  }
  reboot(10h);
  desk();
  EXPECT_EQ(sent_.back().last_full, at_ - 10h - 30min);
}

TEST_F(CommandServiceTest, WhatWasBeforeAClockBeganDoesNotCostTheState) {
  wall_ = WallTime{} + 10s;  // no clock chip: it begins in 1970
  {
    const auto d = desk();
    EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
    d->note_full(at_ - 1h);
  }
  reboot(10s);
  desk();
  EXPECT_EQ(sent_.back().reserve, 40.0_soc);
  EXPECT_FALSE(sent_.back().last_full) << "not 1970, decades before a clock that is set";
  EXPECT_EQ(disk_.quarantined, "");
}

TEST_F(CommandServiceTest, EveryNDaysIsCountedFromTheFirstStartAndNotFromTheLast) {
  settings_.full_charge_days = 30;
  desk();
  reboot(20 * 24h);
  desk();
  EXPECT_EQ(sent_.back().last_full, at_ - 20 * 24h);
}

TEST_F(CommandServiceTest, NewSettingsLimitTheCommandsToCome) {
  const auto d = desk();
  settings_.charge_limit = 1000.0_W;
  d->set_settings(settings_);
  EXPECT_FALSE(d->order(StartOverride{charge_2kw, 3h}, "web"));
}

TEST_F(CommandServiceTest, ADispatchAloneIsNotWritten) {
  static_cast<void>(desk()->order(StartDispatch{charge_2kw, 3h}, "mqtt"));
  EXPECT_TRUE(disk_.text.value_or("").find("charge") == std::string::npos);
}

TEST_F(CommandServiceTest, AClosedDeskRefuses) {
  const auto d = desk();
  d->close();
  EXPECT_FALSE(d->order(EndStorm{}, "web"));
}

TEST_F(CommandServiceTest, AStateThatIsDamagedLeavesTheOrdersAsConfigured) {
  disk_.text = "{";
  desk();
  EXPECT_EQ(sent_.back(), Orders{});
}

// ---- every command, as the log has it -----------------------------------------------------------

TEST_F(CommandServiceTest, TheLogTellsEveryCommandWithAllItSays) {
  const Instruction idle{.kind = InstructionKind::idle, .low = 21.5_soc, .high = 92.0_soc};
  const Instruction balance{.kind = InstructionKind::balance, .low = 22.0_soc, .high = 93.0_soc};
  const Instruction discharge{
      .kind = InstructionKind::discharge, .power = 1500.0_W, .target = 33.0_soc};
  const std::vector<std::pair<Command, std::string>> rows = {
      {SetMode{Mode::balance}, "set_mode mode=balance"},
      {SetMode{}, "set_mode mode=configured"},
      {SetReserve{44.0_soc}, "set_reserve reserve=44"},
      {SetReserve{}, "set_reserve reserve=configured"},
      {StartOverride{idle, 90s}, "start_override action=idle low=21.5 high=92 length_s=90"},
      {StartOverride{balance, 60s}, "start_override action=balance low=22 high=93 length_s=60"},
      {EndOverride{}, "end_override"},
      {StartDispatch{discharge, 900s},
       "start_dispatch action=discharge power_w=1500 target=33 length_s=900"},
      {EndDispatch{}, "end_dispatch"},
      {StartStorm{77.0_soc, 2h}, "start_storm reserve=77 length_s=7200 fill=yes"},
      {StartStorm{77.0_soc, 2h, 90s, false},
       "start_storm reserve=77 length_s=7200 begins_in_s=90 fill=no"},
      {EndStorm{}, "end_storm"},
      {Acknowledge{}, "acknowledge"},
  };
  const auto d = desk();
  d->note_safety({.cutoff = true});
  for (const auto& [command, text] : rows) {
    ASSERT_TRUE(d->order(command, "cli")) << text;
    EXPECT_EQ(log_.lines.back(), "command accepted who=\"cli\" command=" + text);
    EXPECT_EQ(log_.levels.back(), Level::notice);
  }
}

TEST_F(CommandServiceTest, ARefusalIsAWarningWithItsReason) {
  const auto d = desk();
  const auto result = d->order(StartStorm{77.0_soc, 15 * 24h}, "cli");
  ASSERT_FALSE(result);
  EXPECT_EQ(log_.lines.back(),
            "command refused who=\"cli\" command=start_storm reserve=77 length_s=1296000 fill=yes "
            "reason=\"" +
                result.error().detail + "\"");
  EXPECT_EQ(log_.levels.back(), Level::warning);
  d->close();
  const auto closed = d->order(EndStorm{}, "web");
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().kind, ErrorKind::refused);
  EXPECT_EQ(closed.error().detail, "the hub is stopping");
}

// ---- what is kept, and for how long -------------------------------------------------------------

TEST_F(CommandServiceTest, AnOrderInItsLastMomentsIsNotRestored) {
  struct Row {
    Duration off;
    bool manual, storm;
  };
  // An override ends in an hour, a storm in two; the shortest that can be ordered are 1 min and
  // 15 min.
  for (const auto& row : {Row{59min, true, true}, Row{59min + 1s, false, true},
                          Row{105min, false, true}, Row{105min + 1s, false, false}}) {
    disk_.text.reset();
    log_.lines.clear();
    log_.levels.clear();
    order_by_a_trusted_clock({StartOverride{charge_2kw, 1h}, StartStorm{90.0_soc, 2h}});
    reboot(row.off);
    desk();
    EXPECT_EQ(sent_.back().manual.has_value(), row.manual) << row.off.count();
    EXPECT_EQ(sent_.back().storm.has_value(), row.storm) << row.off.count();
    EXPECT_EQ(log_.count("command order_not_restored"), 0u);
    EXPECT_EQ(log_.count("command order_restored command=start_"), row.manual + row.storm + 0u);
  }
}

TEST_F(CommandServiceTest, AFullBatteryIsNotedOnceAnHour) {
  const auto d = desk();
  const auto first = at_;
  d->note_full(at_);
  pass(1h - 1ns);
  d->note_full(at_);
  EXPECT_EQ(sent_.back().last_full, first);
  pass(1ns);
  d->note_full(at_);
  EXPECT_EQ(sent_.back().last_full, first + 1h);
}

TEST_F(CommandServiceTest, WithoutAFullChargeEveryNDaysNothingIsCounted) {
  desk();
  EXPECT_FALSE(sent_.back().last_full);
  EXPECT_EQ(disk_.writes, 0);
}

TEST_F(CommandServiceTest, AFullChargeSetLaterIsCountedFromThenOn) {
  const auto d = desk();
  pass(3h);
  settings_.full_charge_days = 1;
  d->set_settings(settings_);
  EXPECT_EQ(sent_.back().last_full, at_);
  pass(3h);
  d->set_settings(settings_);
  EXPECT_EQ(sent_.back().last_full, at_ - 3h);
}

TEST_F(CommandServiceTest, AFullChargeInTheFutureOfAWrongClockIsNow) {
  {
    const auto d = desk();
    d->note_full(at_);
  }
  wall_ -= 24h;
  desk();
  EXPECT_EQ(sent_.back().last_full, at_);
}

TEST_F(CommandServiceTest, TheSameStateIsWrittenOnce) {
  const auto d = desk();
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_TRUE(d->order(StartDispatch{charge_2kw, 1h}, "mqtt"));
  EXPECT_EQ(disk_.writes, 1);
  EXPECT_TRUE(d->order(SetMode{Mode::balance}, "web"));
  EXPECT_EQ(disk_.writes, 2);
  const auto kept = decode_state(*disk_.text);
  EXPECT_EQ(kept->reserve, 40.0_soc);
  EXPECT_EQ(kept->mode, Mode::balance);
  EXPECT_EQ(kept->saved_at, wall_);
}

TEST_F(CommandServiceTest, TheModeInForceIsTheOrderedOneElseTheConfigured) {
  settings_.mode = Mode::scheduled;
  CommandService service{{.settings = settings_,
                          .events = log_.sink(),
                          .send = [](const Orders&) {},
                          .store = [](const SavedState&) {}},
                         {},
                         moment()};
  EXPECT_EQ(service.in_force().mode, Mode::scheduled);
  EXPECT_TRUE(service.order(SetMode{Mode::balance}, "web", moment()));
  EXPECT_EQ(service.in_force().mode, Mode::balance);
  settings_.mode = Mode::balance;
  settings_.reserve = 33.0_soc;
  service.set_settings(settings_, moment());
  EXPECT_TRUE(service.order(SetMode{}, "web", moment()));
  EXPECT_EQ(service.in_force().mode, Mode::balance);
  EXPECT_EQ(service.in_force().settings.reserve, 33.0_soc);
}

TEST_F(CommandServiceTest, TheLimitsInForceFollowTheOrderedReserve) {
  const auto d = desk();
  const auto least = [&] {
    for (const auto& limit : d->limits())
      if (limit.id == OrderLimitId::storm_reserve) return limit.least;
    return 0.0;
  };
  EXPECT_EQ(least(), settings_.reserve.percent());
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_EQ(least(), 40.0);
}

TEST_F(CommandServiceTest, ThePlanKnowsWhetherTheClockIsTrusted) {
  const auto d = desk();
  EXPECT_FALSE(d->in_force().clock_trusted);
  d->note_time(true);
  EXPECT_TRUE(d->in_force().clock_trusted);
  d->note_time(false);
  EXPECT_FALSE(d->in_force().clock_trusted);
}

// ---- what safety remembers (I12) and the owner's acknowledge (F9, F11, F21) --------------------

TEST_F(CommandServiceTest, WhatSafetyRemembersIsKeptOnChangeAndGoesOnAfterARestartOfTheProgram) {
  const auto rest_until = at_ + 15min;
  const auto hold_until = at_ + 1h;
  const auto died = at_ - 20min;
  {
    const auto d = desk();
    EXPECT_EQ(d->memories(), SafetyMemories{});
    d->note_safety({});
    d->note_supervision({});
    EXPECT_EQ(disk_.writes, 0) << "nothing is remembered";
    const SafetyMemory safety{.cutoff = true,
                              .switch_on = true,
                              .cutoff_reset_until = at_ + 20min,
                              .meter_reversed = true,
                              .meter_rest_until = rest_until};
    d->note_safety(safety);
    EXPECT_EQ(disk_.writes, 1);
    d->note_safety(safety);
    EXPECT_EQ(disk_.writes, 1);
    d->note_supervision({.parts = {{"bus.meters", {died, at_}}}, .hold_until = hold_until});
    EXPECT_EQ(disk_.writes, 2);
  }
  pass(10min);
  const auto d = desk();
  EXPECT_TRUE(d->memories().control.cutoff);
  EXPECT_TRUE(d->memories().control.switch_on);
  EXPECT_EQ(d->memories().control.cutoff_reset_until, at_ + 10min);
  EXPECT_TRUE(d->memories().control.meter_reversed);
  EXPECT_EQ(d->memories().control.meter_rest_until, rest_until) << "5 min are left";
  EXPECT_EQ(d->memories().supervision,
            (SupervisionMemory{.parts = {{"bus.meters", {died, at_ - 10min}}},
                               .hold_until = hold_until}));
  EXPECT_EQ(log_.lines.back(),
            "command safety_restored cutoff=latched cutoff=ended cutoff_reset_left_s=600 "
            "grid_meter=reversed "
            "meter_rest_left_s=300 "
            "hold_left_s=3000 deaths=2");
  EXPECT_EQ(log_.levels.back(), Level::notice);
}

TEST_F(CommandServiceTest, TimeGoesOnWhileTheProgramIsDown) {
  desk()->note_safety({.cutoff = false, .meter_reversed = true, .meter_rest_until = at_ + 15min});
  pass(15min);
  const auto d = desk();
  EXPECT_EQ(d->memories().control,
            (SafetyMemory{.cutoff = false, .meter_reversed = true, .meter_rest_until = {}}));
}

TEST_F(CommandServiceTest, ALockOutOfExportStandsStillWhileTheProgramIsDown) {
  const SafetyMemory safety{.export_excursions = {at_ - 3h, at_ - 1h},
                            .export_locked_until = at_ + 4h};
  desk()->note_safety(safety);
  pass(30min);
  {
    const auto d = desk();
    EXPECT_EQ(d->memories().control.export_locked_until, at_ + 4h) << "its hours are running time";
    EXPECT_EQ(d->memories().control.export_excursions,
              (std::array<std::optional<Instant>, 2>{at_ - 3h, at_ - 1h}));
    EXPECT_EQ(log_.lines.back(),
              "command safety_restored export_excursions=2 export_lockout_left_s=14400");
    pass(1h);
    d->note_time(true);
  }
  reboot(30 * 24h);
  const auto d = desk();
  EXPECT_EQ(d->memories().control.export_locked_until, at_ + 3h) << "an hour had passed";
  EXPECT_EQ(d->memories().control.export_excursions,
            (std::array<std::optional<Instant>, 2>{at_ - 4h, at_ - 2h}));
}

TEST_F(CommandServiceTest, AnOrderlyEndKeepsWhatHasPassedToTheSecond) {
  for (int n = 0; n < 10; ++n) {
    {
      const auto d = desk();
      if (n == 0) d->note_safety({.export_locked_until = at_ + 4h});
      pass(14min);
      d->note_time(false);
      d->close();
      const auto writes = disk_.writes;
      d->close();
      EXPECT_EQ(disk_.writes, writes) << "once";
    }
    reboot(1h);
  }
  EXPECT_EQ(desk()->memories().control.export_locked_until, at_ + 4h - 140min);
}

TEST_F(CommandServiceTest, AnOrderlyEndWithNothingToKeepWritesNothing) {
  const auto d = desk();
  d->close();
  EXPECT_EQ(disk_.writes, 0);
}

TEST_F(CommandServiceTest, OneExcursionIsRememberedAsTheNewest) {
  desk()->note_safety({.export_excursions = {std::nullopt, at_ - 1h}});
  EXPECT_EQ(desk()->memories().control.export_excursions,
            (std::array<std::optional<Instant>, 2>{std::nullopt, at_ - 1h}));
}

/// The control forgets it with its next tick.
TEST_F(CommandServiceTest, AnExcursionOfADayAgoDoesNotDamageTheFile) {
  desk()->note_safety({.export_excursions = {std::nullopt, at_ - 24h - 1s}});
  EXPECT_EQ(desk()->memories().control.export_excursions.back(), at_ - 24h);
  EXPECT_TRUE(disk_.quarantined.empty());
}

TEST_F(CommandServiceTest, AMachineThatSleptHasWaitedToo) {
  desk()->note_safety({.cutoff = false, .meter_reversed = true, .meter_rest_until = at_ + 15min});
  boot_time_ += 10min;  // the steady clock stands still
  EXPECT_EQ(desk()->memories().control.meter_rest_until, at_ + 5min);
}

TEST_F(CommandServiceTest, AfterAPowerCycleWhatWasLeftCountsFromNowOn) {
  const auto saved_at = at_;
  desk()->note_safety({.cutoff = true, .meter_reversed = true, .meter_rest_until = at_ + 15min});
  {
    const auto d = desk();
    d->note_supervision({.parts = {{"control", {saved_at - 50min}}}, .hold_until = at_ + 1h});
  }
  reboot(30 * 24h);
  pass(2h);  // longer up than it was when that was saved
  const auto d = desk();
  EXPECT_TRUE(d->memories().control.cutoff);
  EXPECT_EQ(d->memories().control.meter_rest_until, at_ + 15min);
  EXPECT_EQ(d->memories().supervision,
            (SupervisionMemory{.parts = {{"control", {at_ - 50min}}}, .hold_until = at_ + 1h}));
}

TEST_F(CommandServiceTest, WithoutABootIdEveryStartIsTakenForAPowerCycle) {
  boot_id_.clear();
  desk()->note_safety({.cutoff = false, .meter_reversed = true, .meter_rest_until = at_ + 15min});
  pass(10min);
  EXPECT_EQ(desk()->memories().control.meter_rest_until, at_ + 15min);
}

TEST_F(CommandServiceTest, WhatIsOverIsNoLongerRemembered) {
  {
    const auto d = desk();
    d->note_safety({.cutoff = true});
    d->note_safety({.cutoff = false});
  }
  EXPECT_EQ(desk()->memories(), SafetyMemories{});
  EXPECT_EQ(log_.count("command safety_restored"), 0u);
}

TEST_F(CommandServiceTest, WhatSafetyRemembersStaysWhenAnOrderIsGiven) {
  {
    const auto d = desk();
    d->note_safety({.cutoff = true});
    EXPECT_TRUE(d->order(SetMode{Mode::scheduled}, "web"));
  }
  const auto d = desk();
  EXPECT_TRUE(d->memories().control.cutoff);
  EXPECT_EQ(sent_.back().mode, Mode::scheduled);
}

TEST_F(CommandServiceTest, ADamagedFileRemembersNothingAndSaysSo) {
  desk()->note_safety({.cutoff = true});
  disk_.text->pop_back();
  disk_.text->pop_back();
  EXPECT_EQ(desk()->memories(), SafetyMemories{});
  EXPECT_EQ(log_.count("state state_damaged"), 1u);
  EXPECT_FALSE(disk_.quarantined.empty());
}

TEST_F(CommandServiceTest, AcknowledgeIsRefusedWhereThereIsNothing) {
  const auto d = desk();
  const auto refused = [&] {
    const auto done = d->order(Acknowledge{}, "cli");
    return !done && done.error().kind == ErrorKind::refused &&
           done.error().detail.starts_with("there is nothing to acknowledge: ");
  };
  EXPECT_TRUE(refused());
  EXPECT_EQ(log_.count("command refused who=\"cli\" command=acknowledge reason=\"there is"), 1u);
  d->note_safety({.cutoff = false, .meter_reversed = true, .meter_rest_until = at_});
  EXPECT_TRUE(refused()) << "its rest is over: it is tried already";
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_EQ(acknowledged_, 0);
}

TEST_F(CommandServiceTest, AcknowledgeGoesToControlAndSupervisor) {
  const auto d = desk();
  d->note_safety({.cutoff = true});
  EXPECT_TRUE(d->order(Acknowledge{}, "web"));
  d->note_safety({.cutoff = false, .meter_reversed = true, .meter_rest_until = at_ + 1ns});
  EXPECT_TRUE(d->order(Acknowledge{}, "web"));
  d->note_safety({});
  d->note_supervision({.parts = {{"bus.meters", {at_}}}, .hold_until = {}});
  EXPECT_TRUE(d->order(Acknowledge{}, "web")) << "deaths are counted";
  d->note_supervision({.parts = {}, .hold_until = at_ + 1min});
  EXPECT_TRUE(d->order(Acknowledge{}, "web"));
  EXPECT_EQ(sent_.back().acknowledgements, 4u);
  EXPECT_EQ(acknowledged_, 4);
}

TEST_F(CommandServiceTest, AnotherOrderAcknowledgesNothing) {
  const auto d = desk();
  d->note_safety({.cutoff = true});
  EXPECT_TRUE(d->order(SetMode{Mode::scheduled}, "web"));
  EXPECT_EQ(sent_.back().acknowledgements, 0u);
  EXPECT_EQ(acknowledged_, 0);
}

TEST_F(CommandServiceTest, WithNobodyToTellAnAcknowledgeIsAcceptedAllTheSame) {
  CommandService service{{.settings = settings_,
                          .events = log_.sink(),
                          .send = [this](const Orders& orders) { sent_.push_back(orders); },
                          .store = [](const SavedState&) {}},
                         {},
                         moment()};
  service.note_safety({.cutoff = true}, moment());
  EXPECT_TRUE(service.order(Acknowledge{}, "cli", moment()));
  EXPECT_EQ(sent_.back().acknowledgements, 1u);
}

TEST_F(CommandServiceTest, ARestThatIsForgottenIsNothingToAcknowledge) {
  const auto d = desk();
  SafetyMemory safety{.meter_rest_until = at_ + 1h};
  safety.meter_rest_until.reset();
  d->note_safety(safety);
  EXPECT_FALSE(d->order(Acknowledge{}, "cli"));
}

// ---- what is restored, and nothing else ---------------------------------------------------------

TEST_F(CommandServiceTest, OnlyWhatWasOrderedIsRestored) {
  EXPECT_TRUE(desk()->order(SetMode{Mode::balance}, "web"));
  log_.lines.clear();
  desk();
  EXPECT_EQ(log_.lines,
            std::vector<std::string>{"command order_restored command=set_mode mode=balance"});
}

TEST_F(CommandServiceTest, ARestartThatChangesNothingWritesNothing) {
  desk()->note_safety({.cutoff = true});
  const auto d = desk();
  const auto writes = disk_.writes;
  EXPECT_TRUE(d->order(EndStorm{}, "web"));
  EXPECT_EQ(disk_.writes, writes);
}

TEST_F(CommandServiceTest, AStormMayBeRestoredAWeekBeforeItBegins) {
  order_by_a_trusted_clock({StartStorm{90.0_soc, 48h, 7 * 24h}});
  desk();
  EXPECT_EQ(sent_.back().storm, (Storm{90.0_soc, at_ + 9 * 24h, at_ + 7 * 24h}));
}

TEST_F(CommandServiceTest, ALogLineHasANumberWhole) {
  const auto d = desk();
  auto tiny = charge_2kw;
  tiny.power = Watts{-1.234567891e-05};
  EXPECT_FALSE(d->order(StartOverride{tiny, 1h}, "web"));
  EXPECT_THAT(log_.lines.back(), HasSubstr(" power_w=-1.234567891e-05 target=80 "));
}

TEST_F(CommandServiceTest, AFullChargeAtTheBeginOf1970IsKept) {
  wall_ = WallTime{};
  desk()->note_full(at_);
  EXPECT_EQ(decode_state(*disk_.text)->last_full, WallTime{});
}

// ---- when the clock is trusted, and when not ----------------------------------------------------

TEST_F(CommandServiceTest, AClockThatGoesOnBeingTrustedChangesNothing) {
  const auto d = desk();
  d->note_time(true);
  EXPECT_EQ(sent_.size(), 1u) << "no end was put right";
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
  const auto writes = disk_.writes;
  pass(1min);
  d->note_time(true);
  EXPECT_EQ(disk_.writes, writes);
  EXPECT_EQ(sent_.size(), 2u);
}

TEST_F(CommandServiceTest, WhatEndsAtThisVeryMomentNeedNotBeKept) {
  const auto d = desk();
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 1h}, "web"));
  const auto writes = disk_.writes;
  pass(1h);
  d->close();
  EXPECT_EQ(disk_.writes, writes);
}

TEST_F(CommandServiceTest, AClockThatIsNotTrustedEndsNoRestoredOrder) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot(1h);
  const auto d = desk();
  wall_ += std::chrono::hours{10};
  d->note_time(false);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 2h}));
  EXPECT_EQ(log_.count("command order_end_corrected"), 0u);
}

TEST_F(CommandServiceTest, AClockThatIsFoundAgainEndsNoOrderOfThisRun) {
  const auto d = desk();
  d->note_time(true);
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
  d->note_time(false);
  wall_ += std::chrono::hours{1};
  d->note_time(true);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 3h}));
}

TEST_F(CommandServiceTest, ATrustedEndIsByTheClockThatIsTrustedNow) {
  const auto d = desk();
  d->note_time(true);
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
  wall_ += std::chrono::hours{1};  // by a step
  d->note_safety({.cutoff = true});
  const auto kept = decode_state(*disk_.text)->manual.value();
  EXPECT_EQ(kept.until, wall_ + std::chrono::hours{3});
  EXPECT_EQ(kept.trusted_until, kept.until);
}

TEST_F(BoardWithoutAClock, TellsNothingWhereTheEndIsRight) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot_in_1970(0s);
  const auto d = desk();
  const auto sent = sent_.size();
  synchronise(*d);
  EXPECT_EQ(log_.count("command order_end_corrected"), 0u);
  EXPECT_EQ(sent_.size(), sent);
}

TEST_F(BoardWithoutAClock, KnowsTheTrueEndOfAStormAlsoWhereTrustWasLostBefore) {
  {
    const auto d = desk();
    d->note_time(true);
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 12h}, "web"));
    EXPECT_TRUE(d->order(StartStorm{90.0_soc, 48h}, "web"));
    pass(1h);
    d->note_time(false);
  }
  reboot_in_1970(5h);
  const auto d = desk();
  EXPECT_EQ(sent_.back().storm.value().until, at_ + 47h) << "as far as it knows";
  synchronise(*d);
  EXPECT_EQ(sent_.back().storm.value().until, at_ + 42h);
}

TEST_F(BoardWithoutAClock, HasNoTrueEndOfAnOrderThatWasGivenSince) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot_in_1970(5h);
  EXPECT_TRUE(desk()->order(StartOverride{charge_2kw, 2h}, "web"));
  EXPECT_FALSE(decode_state(*disk_.text)->manual.value().trusted_until);
}

TEST_F(BoardWithoutAClock, ForgetsTheTrueEndOfAnOrderThatWasEnded) {
  order_by_a_trusted_clock({StartOverride{charge_2kw, 3h}});
  reboot_in_1970(1h);
  const auto d = desk();
  const auto end = at_ + 3h;
  EXPECT_TRUE(d->order(EndOverride{}, "web"));
  const auto sent = sent_.size();
  synchronise(*d);
  EXPECT_EQ(log_.count("command order_end_corrected"), 0u);
  EXPECT_EQ(sent_.size(), sent);
  pass(1h);
  d->note_time(false);
  // By chance it ends when that one would have ended.
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, end - at_}, "web"));
  EXPECT_FALSE(decode_state(*disk_.text)->manual.value().trusted_until);
  d->note_time(true);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, end}));
}

}  // namespace
}  // namespace esshub::service
