#include "actors/command_door.hpp"

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

class CommandDoorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pattern = std::filesystem::temp_directory_path() / "esshub-door-XXXXXX";
    std::string name = pattern.string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  /// A door as after a start of the program.
  std::unique_ptr<CommandDoor> door() {
    return std::make_unique<CommandDoor>(
        CommandDoorDeps{.settings = settings_,
                        .state_dir = state_dir_.value_or(dir_.string()),
                        .events = log_.sink(),
                        .send = [this](const Orders& orders) { sent_.push_back(orders); },
                        .storage_failed =
                            [this](bool failed) {
                              if (failed) storage_failed_.set_value();
                            },
                        .acknowledged = [this] { ++acknowledged_; },
                        .now =
                            [this] {
                              return service::Moment{at_, wall_, boot_time_};
                            },
                        .boot_id = boot_id_});
  }
  /// The machine starts again: its steady clock knows nothing of before.
  void reboot(Duration off) {
    at_ = Instant{} + 5s;
    boot_time_ = 5s;
    boot_id_ += "+1";
    wall_ += std::chrono::duration_cast<WallTime::duration>(off);
  }
  [[nodiscard]] std::filesystem::path file() const { return dir_ / "state.json"; }

  std::filesystem::path dir_;
  std::optional<std::string> state_dir_;
  control::Settings settings_;
  EventLog log_;
  std::vector<Orders> sent_;
  std::promise<void> storage_failed_;
  int acknowledged_ = 0;
  std::string boot_id_ = "first";
  Duration boot_time_ = 1000s;
  Instant at_ = Instant{} + 1000s;
  WallTime wall_ = WallTime{} + std::chrono::seconds{1800000000};
};

/// Which orders and until when: CommandServiceTest. Here that they come back from the real file.
TEST_F(CommandDoorTest, OrdersOutliveTheProgram) {
  {
    const auto d = door();
    d->note_time(true);
    EXPECT_TRUE(d->order(StartOverride{charge_2kw, 3h}, "web"));
  }
  reboot(1h);
  const auto d = door();
  EXPECT_EQ(sent_.back().manual, (Order{charge_2kw, at_ + 2h}));
}

TEST_F(CommandDoorTest, ADamagedFileIsSetAsideAndReported) {
  for (const std::string damage :
       {"", "{", "[]", "{}", R"({"saved_at":1,"reserve":200})", R"({"saved_at":1e300})",
        R"({"saved_at":1,"override":{"action":"explode"}})", R"({"saved_at":1,"mode":"clever"})"}) {
    std::ofstream(file()) << damage;
    wall_ += 1s;
    const auto before = log_.count("state state_damaged");
    const auto d = door();
    EXPECT_EQ(log_.count("state state_damaged"), before + 1) << damage;
    EXPECT_EQ(sent_.back(), Orders{}) << damage;
    const auto aside =
        file().string() + ".damaged-" +
        std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(wall_.time_since_epoch()).count());
    EXPECT_TRUE(std::filesystem::exists(aside)) << damage;
    EXPECT_EQ(content(aside), damage);
    EXPECT_FALSE(std::filesystem::exists(file()));
  }
}

TEST_F(CommandDoorTest, AnUnwritableDiskIsAFaultAndOrdersGoOnFromMemory) {
  std::ofstream(dir_ / "file") << "no folder";
  state_dir_ = (dir_ / "file" / "state").string();
  const auto d = door();
  EXPECT_TRUE(d->order(SetReserve{40.0_soc}, "web"));
  EXPECT_EQ(sent_.back().reserve, 40.0_soc);
  EXPECT_EQ(storage_failed_.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(log_.count("state state_not_stored"), 1u);
}

TEST_F(CommandDoorTest, TheControlHearsTheOrdersOfManyInOneOrder) {
  const auto d = door();
  d->note_safety({.cutoff = true});
  {
    std::vector<std::jthread> people;
    for (int p = 0; p < 4; ++p)
      people.emplace_back([&] {
        for (int i = 0; i < 50; ++i) EXPECT_TRUE(d->order(Acknowledge{}, "web"));
      });
  }
  ASSERT_EQ(sent_.size(), 201u);
  for (std::uint32_t i = 0; i < sent_.size(); ++i) EXPECT_EQ(sent_[i].acknowledgements, i);
  EXPECT_EQ(acknowledged_, 200);
}

TEST_F(CommandDoorTest, WhatSafetyRemembersOutlivesTheProgramOnTheRealDisk) {
  const auto d = door();
  EXPECT_EQ(d->memories(), service::SafetyMemories{});
  d->note_safety({.cutoff = true, .meter_reversed = true, .meter_rest_until = at_ + 15min});
  d->note_supervision({.parts = {{"bus.meters", {at_ - 10s}}}, .hold_until = at_ + 1h});
  const auto kept = d->memories();
  d->close();
  EXPECT_EQ(door()->memories(), kept);
}

TEST(SystemClock, TellsThisStartOfTheMachineAndHowLongItHasRun) {
  EXPECT_EQ(read_boot_id(), read_boot_id());
  EXPECT_EQ(read_boot_id().size(), 36u) << read_boot_id();
  double up = 0.0;
  std::ifstream{"/proc/uptime"} >> up;
  EXPECT_NEAR(Seconds{read_moment().boot_time}.count(), up, 5.0);
  EXPECT_LT(std::chrono::steady_clock::now() - read_moment().steady, 5s);
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
  proxy.send(Orders{.acknowledgements = 1});
  Heard first;
  const auto one = v.system.spawn(listening_control, &first);
  proxy.attach(one);
  proxy.send(Orders{.acknowledgements = 2});
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
  EXPECT_EQ(second.orders[0].acknowledgements, 2u);
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
