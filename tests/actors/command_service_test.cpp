#include "actors/command_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "actors/control_proxy.hpp"
#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

using testing::HasSubstr;

constexpr Instruction charge_2kw{
    .kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc};

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class CommandServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pattern = std::filesystem::temp_directory_path() / "esshub-desk-XXXXXX";
    std::string name = pattern.string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  /// A desk as after a start of the program.
  std::unique_ptr<CommandService> desk() {
    CommandServiceDeps parts;
    parts.settings = settings_;
    parts.state_dir = state_dir_.value_or(dir_.string());
    parts.events = log_.sink();
    parts.tell = [this](const Orders& orders) { told_.push_back(orders); };
    parts.storage_failed = [this](bool failed) {
      if (failed) storage_failed_.set_value();
    };
    parts.steady_now = [this] { return at_; };
    parts.wall_now = [this] { return wall_; };
    return std::make_unique<CommandService>(parts);
  }
  void pass(Duration time) {
    at_ += time;
    wall_ += std::chrono::duration_cast<WallTime::duration>(time);
  }
  /// The machine starts again: its steady clock knows nothing of before.
  void reboot(Duration off) {
    at_ = Instant{} + 5s;
    wall_ += std::chrono::duration_cast<WallTime::duration>(off);
  }
  [[nodiscard]] std::filesystem::path file() const { return dir_ / "state.json"; }

  std::filesystem::path dir_;
  std::optional<std::string> state_dir_;
  control::Settings settings_;
  EventLog log_;
  std::vector<Orders> told_;
  std::promise<void> storage_failed_;
  Instant at_ = Instant{} + 1000s;
  WallTime wall_ = WallTime{} + std::chrono::seconds{1800000000};
};

TEST_F(CommandServiceTest, AnAcceptedCommandIsToldAndLoggedWithWhoGaveIt) {
  const auto d = desk();
  ASSERT_EQ(told_.size(), 1u) << "as it stands at the start";
  EXPECT_TRUE(d->order(StartOverride{charge_2kw, 1h}, "web 192.0.2.4"));
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_.back().manual, (Order{charge_2kw, at_ + 1h}));
  EXPECT_EQ(log_.count("command accepted who=\"web 192.0.2.4\" command=start_override do=charge "
                       "power_w=2000 target=80 length_s=3600"),
            1u);
}

TEST_F(CommandServiceTest, ARefusedCommandChangesNothingAndSaysWhy) {
  const auto d = desk();
  const auto result = d->order(StartOverride{charge_2kw, 8 * 24h}, "mqtt");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().detail, HasSubstr("expected 1 min to 7 days"));
  EXPECT_EQ(told_.size(), 1u);
  EXPECT_EQ(log_.count("command refused who=\"mqtt\" command=start_override"), 1u);
}

TEST_F(CommandServiceTest, WhatAStrangerCallsHimselfCannotForgeALine) {
  const auto d = desk();
  EXPECT_TRUE(d->order(EndStorm{}, "x\"\nerror forged"));
  EXPECT_EQ(log_.count("command accepted who=\"x''error forged\""), 1u);
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
  const auto& orders = told_.back();
  EXPECT_EQ(orders.mode, Mode::balance);
  EXPECT_EQ(orders.reserve, 40.0_soc);
  EXPECT_EQ(orders.manual, (Order{charge_2kw, at_ + 2h}));
  EXPECT_EQ(orders.storm, (Storm{90.0_soc, at_ + 47h}));
  EXPECT_FALSE(orders.dispatch);
}

TEST_F(CommandServiceTest, WhatEndedWhileTheProgramWasOffIsNotTakenUp) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  reboot(4h);
  desk();
  EXPECT_FALSE(told_.back().manual);
}

TEST_F(CommandServiceTest, AClockThatIsNotSetYetDoesNotLengthenAnOrder) {
  static_cast<void>(desk()->order(StartOverride{charge_2kw, 3h}, "web"));
  wall_ = WallTime{} + 10s;
  reboot(0s);
  desk();
  EXPECT_EQ(told_.back().manual, (Order{charge_2kw, at_ + 3h}));
}

TEST_F(CommandServiceTest, WhatTheConfigurationNoLongerAllowsIsNotTakenUp) {
  {
    const auto d = desk();
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
    EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  }
  settings_.charge_limit = 1000.0_W;
  desk();
  EXPECT_FALSE(told_.back().manual);
  EXPECT_EQ(told_.back().reserve, 40.0_soc);
  EXPECT_EQ(log_.count("command not_taken_up what=override"), 1u);
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
  EXPECT_EQ(told_.back().last_full, at_ - 10h - 30min);
}

TEST_F(CommandServiceTest, EveryNDaysIsCountedFromTheFirstStartAndNotFromTheLast) {
  settings_.full_charge_days = 30;
  desk();
  reboot(20 * 24h);
  desk();
  EXPECT_EQ(told_.back().last_full, at_ - 20 * 24h);
}

TEST_F(CommandServiceTest, NewSettingsLimitTheCommandsToCome) {
  const auto d = desk();
  settings_.charge_limit = 1000.0_W;
  d->hear(settings_);
  EXPECT_FALSE(d->order(StartOverride{charge_2kw, 3h}, "web"));
}

TEST_F(CommandServiceTest, ADispatchAloneIsNotWritten) {
  static_cast<void>(desk()->order(StartDispatch{charge_2kw, 3h}, "mqtt"));
  EXPECT_TRUE(content(file()).find("charge") == std::string::npos);
}

TEST_F(CommandServiceTest, ADamagedFileIsSetAsideAndToldOf) {
  for (const std::string damage :
       {"", "{", "[]", "{}", R"({"saved_at":1,"reserve":200})", R"({"saved_at":1e300})",
        R"({"saved_at":1,"override":{"do":"explode"}})", R"({"saved_at":1,"mode":"smart"})"}) {
    std::ofstream(file()) << damage;
    wall_ += 1s;
    const auto before = log_.count("state state_damaged");
    const auto d = desk();
    EXPECT_EQ(log_.count("state state_damaged"), before + 1) << damage;
    EXPECT_EQ(told_.back(), Orders{}) << damage;
    const auto aside =
        file().string() + ".damaged-" +
        std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(wall_.time_since_epoch()).count());
    EXPECT_TRUE(std::filesystem::exists(aside)) << damage;
    EXPECT_EQ(content(aside), damage);
    EXPECT_FALSE(std::filesystem::exists(file()));
  }
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

TEST_F(CommandServiceTest, AnUnwritableDiskIsAFaultAndOrdersGoOnFromMemory) {
  std::ofstream(dir_ / "file") << "no folder";
  state_dir_ = (dir_ / "file" / "state").string();
  const auto d = desk();
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_EQ(told_.back().reserve, 40.0_soc);
  EXPECT_EQ(storage_failed_.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(log_.count("state state_not_stored"), 1u);
}

TEST_F(CommandServiceTest, AClosedDeskRefuses) {
  const auto d = desk();
  d->close();
  EXPECT_FALSE(d->order(EndStorm{}, "web"));
}

TEST_F(CommandServiceTest, TheControlHearsTheOrdersOfManyInOneOrder) {
  const auto d = desk();
  {
    std::vector<std::jthread> people;
    for (int p = 0; p < 4; ++p)
      people.emplace_back([&] {
        for (int i = 0; i < 50; ++i) EXPECT_TRUE(d->order(ResetCutoff{}, "web"));
      });
  }
  ASSERT_EQ(told_.size(), 201u);
  for (std::uint32_t i = 0; i < told_.size(); ++i) EXPECT_EQ(told_[i].cutoff_resets, i);
}

// ---- the link to whichever control is alive -------------------------------------------------

struct Heard {
  std::vector<Orders> orders;
  std::vector<FaultNote> notes;
  std::vector<SettingsPtr> settings;
};
caf::behavior listening_control(caf::event_based_actor*, Heard* heard) {
  return {[=](const Orders& orders) { heard->orders.push_back(orders); },
          [=](const FaultNote& note) { heard->notes.push_back(note); },
          [=](const SettingsPtr& settings) { heard->settings.push_back(settings); }};
}

TEST(ControlProxy, AControlStartedAgainHearsTheNewestOfEverything) {
  VirtualSystem v;
  ControlProxy proxy;
  proxy.send(Orders{.cutoff_resets = 1});
  Heard first;
  const auto one = v.system.spawn(listening_control, &first);
  proxy.attach(one);
  proxy.send(Orders{.cutoff_resets = 2});
  proxy.send(FaultNote{"state", Fault::storage_failed, true});
  proxy.send(FaultNote{"history", Fault::storage_failed, true});
  proxy.send(FaultNote{"state", Fault::storage_failed, false});
  const auto settings = std::make_shared<const control::Settings>();
  proxy.send(settings);
  v.run();
  ASSERT_EQ(first.orders.size(), 2u);
  EXPECT_EQ(first.notes.size(), 3u);
  v.end(one);
  Heard second;
  const auto two = v.system.spawn(listening_control, &second);
  proxy.attach(two);
  v.run();
  ASSERT_EQ(second.orders.size(), 1u);
  EXPECT_EQ(second.orders[0].cutoff_resets, 2u);
  ASSERT_EQ(second.notes.size(), 2u);
  EXPECT_FALSE(second.notes[0].active);
  EXPECT_TRUE(second.notes[1].active);
  ASSERT_EQ(second.settings.size(), 1u);
  EXPECT_EQ(second.settings[0], settings);
  proxy.attach({});
  v.end(two);
}

}  // namespace
}  // namespace esshub::actors
