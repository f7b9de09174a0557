#include "service/command_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace esshub::service {
namespace {

using testing::HasSubstr;
using namespace esshub::literals;

constexpr Instruction charge_2kw{
    .kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc};

/// One file that outlives the program, in memory.
class MemoryDisk final : public StateDisk {
 public:
  Result<std::optional<std::string>> read() override { return text; }
  Result<void> replace(const std::string& fresh) override {
    if (full) return fail(ErrorKind::io, "no space left on device");
    text = fresh;
    return {};
  }
  Result<std::string> quarantine(WallTime) override {
    if (full) return fail(ErrorKind::io, "read-only file system");
    quarantined = *std::exchange(text, {});
    return std::string{"state.json.damaged"};
  }

  std::optional<std::string> text;
  std::string quarantined;
  bool full = false;
};

class EventLog {
 public:
  EventSink sink() {
    return [this](const std::string& component, const Event& event) {
      lines_.push_back(component + " " + event.name + " " + event.detail);
    };
  }
  [[nodiscard]] std::size_t count(std::string_view begin) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines_, [&](const std::string& line) { return line.starts_with(begin); }));
  }

 private:
  std::vector<std::string> lines_;
};

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
                    .send = [&t](const Orders& orders) { t.sent_.push_back(orders); },
                    .store = [this](const SavedState& s) { static_cast<void>(file_.store(s)); }},
                   file_.load(t.wall_), t.moment()) {}
    Result<void> order(const Command& command, const std::string& who) {
      return service_.order(command, who, t_.moment());
    }
    void note_full(Instant at) { service_.note_full(at, t_.moment()); }
    void set_settings(const control::Settings& s) { service_.set_settings(s, t_.moment()); }
    void close() { service_.close(); }

   private:
    CommandServiceTest& t_;
    StateFile file_;
    CommandService service_;
  };

  std::unique_ptr<Desk> desk() { return std::make_unique<Desk>(*this); }
  [[nodiscard]] Moment moment() const { return {at_, wall_}; }
  void pass(Duration time) {
    at_ += time;
    wall_ += std::chrono::duration_cast<WallTime::duration>(time);
  }
  /// The machine starts again: its steady clock knows nothing of before.
  void reboot(Duration off) {
    at_ = Instant{} + 5s;
    wall_ += std::chrono::duration_cast<WallTime::duration>(off);
  }

  MemoryDisk disk_;
  control::Settings settings_;
  EventLog log_;
  std::vector<Orders> sent_;
  std::vector<bool> faults_;
  Instant at_ = Instant{} + 1000s;
  WallTime wall_ = WallTime{} + std::chrono::seconds{1800000000};
};

TEST_F(CommandServiceTest, AnAcceptedCommandIsSentAndLoggedWithWhoGaveIt) {
  const auto d = desk();
  ASSERT_EQ(sent_.size(), 1u) << "as it stands at the start";
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 1h}, "web 192.0.2.4"));
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 1h}));
  EXPECT_EQ(log_.count("command accepted who=\"web 192.0.2.4\" command=start_override do=charge "
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
  {
    const auto d = desk();
    EXPECT_TRUE(d->order(SetMode{Mode::balance}, "web"));
    EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
    EXPECT_TRUE(d->order(StartStorm{90.0_soc, 48h}, "web"));
    EXPECT_TRUE(d->order(StartDispatch{charge_2kw, 3h}, "mqtt"));
  }
  reboot(1h);
  const auto d = desk();
  const auto& orders = sent_.back();
  EXPECT_EQ(orders.mode, Mode::balance);
  EXPECT_EQ(orders.reserve, 40.0_soc);
  EXPECT_EQ(orders.manual, (Order{charge_2kw, at_ + 2h}));
  EXPECT_EQ(orders.storm, (Storm{90.0_soc, at_ + 47h}));
  EXPECT_FALSE(orders.dispatch);
}

TEST_F(CommandServiceTest, WhatEndedWhileTheProgramWasOffIsNotRestored) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  reboot(4h);
  desk();
  EXPECT_FALSE(sent_.back().manual);
}

TEST_F(CommandServiceTest, AClockThatIsNotSetYetDoesNotLengthenAnOrder) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  wall_ = WallTime{} + 10s;
  reboot(0s);
  desk();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 3h}));
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

TEST_F(CommandServiceTest, EveryCutOffFileIsDamageAndNeverHalfAState) {
  SavedState state{.mode = Mode::balance,
                   .reserve = 40.0_soc,
                   .manual = SavedState::Override{charge_2kw, wall_},
                   .storm = SavedState::Storm{90.0_soc, wall_},
                   .last_full = wall_,
                   .saved_at = wall_};
  const auto whole = encode(state);
  ASSERT_TRUE(decode_state(whole));
  EXPECT_TRUE(decode_state(whole)->same(state));
  for (std::size_t n = 0; n + 2 < whole.size(); ++n)
    EXPECT_FALSE(decode_state(whole.substr(0, n))) << n;
}

TEST_F(CommandServiceTest, AClosedDeskRefuses) {
  const auto d = desk();
  d->close();
  EXPECT_FALSE(d->order(EndStorm{}, "web"));
}

// ---- the state file on a disk that fails --------------------------------------------------------

TEST_F(CommandServiceTest, ADamagedStateIsQuarantinedAndReported) {
  disk_.text = "{";
  desk();
  EXPECT_EQ(log_.count("state state_damaged reason="), 1u);
  EXPECT_EQ(disk_.quarantined, "{");
  EXPECT_EQ(sent_.back(), Orders{});
  EXPECT_TRUE(faults_.empty());
}

TEST_F(CommandServiceTest, ADamagedFileThatCannotBeMovedIsNeverWrittenOver) {
  disk_.text = "{";
  disk_.full = true;
  const auto d = desk();
  EXPECT_EQ(faults_, std::vector{true});
  disk_.full = false;
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_EQ(disk_.text, "{");
  EXPECT_EQ(faults_, std::vector{true});
}

TEST_F(CommandServiceTest, AFullDiskIsAFaultOnceUntilItTakesTheStateAgain) {
  disk_.full = true;
  const auto d = desk();
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_TRUE(d->order(SetReserve{50.0_soc}, "web"));
  EXPECT_EQ(faults_, std::vector{true});
  EXPECT_EQ(log_.count("state state_not_stored"), 1u);
  disk_.full = false;
  EXPECT_TRUE(d->order(SetReserve{60.0_soc}, "web"));
  EXPECT_EQ(faults_, (std::vector{true, false}));
  EXPECT_EQ(log_.count("state state_stored"), 1u);
  EXPECT_EQ(decode_state(*disk_.text)->reserve, 60.0_soc);
}

}  // namespace
}  // namespace esshub::service
