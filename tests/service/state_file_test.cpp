#include "service/state_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/service/memory_disk.hpp"

namespace esshub::service {
namespace {

using namespace esshub::literals;

WallTime at(std::int64_t seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

/// Every field different from every other.
SavedState everything() {
  return {
      .mode = Mode::scheduled,
      .reserve = 41.0_soc,
      .manual = SavedState::Override{{.kind = InstructionKind::discharge,
                                      .power = 2100.0_W,
                                      .target = 32.0_soc,
                                      .low = 13.0_soc,
                                      .high = 94.0_soc},
                                     at(1800000001),
                                     at(1800000011)},
      .storm = SavedState::Storm{85.0_soc, at(1800000002), at(1800000012), at(1799990000), true},
      .last_full = at(1800000003),
      .safety = SavedSafety{.cutoff = true,
                            .switch_on = true,
                            .cutoff_reset_left = 590004ms,
                            .meter_reversed = true,
                            .meter_rest_left = 812005ms,
                            .excursions_ago = {80000011ms, 20012ms},
                            .lockout_left = 14000013ms,
                            .hold_left = 1200006ms,
                            .parts = {{"bus.meters", {3400007ms, 20008ms}}, {"control", {9ms}}}},
      .saved_at = at(1800000004),
      .boot_id = "b00t",
      .boot_time = 1234567ms};
}

void expect_same(const SavedState& a, const SavedState& b) {
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(a.reserve, b.reserve);
  EXPECT_EQ(a.manual, b.manual);
  EXPECT_EQ(a.storm, b.storm);
  EXPECT_EQ(a.last_full, b.last_full);
  EXPECT_EQ(a.safety, b.safety);
  EXPECT_EQ(a.saved_at, b.saved_at);
  EXPECT_EQ(a.boot_id, b.boot_id);
  EXPECT_EQ(a.boot_time, b.boot_time);
}

TEST(StateFile, EveryFieldOutlivesTheProgram) {
  const auto read = decode_state(encode(everything()));
  ASSERT_TRUE(read) << read.error().detail;
  expect_same(*read, everything());
  const SavedState nothing{.saved_at = at(0)};
  const auto empty = decode_state(encode(nothing));
  ASSERT_TRUE(empty) << empty.error().detail;
  expect_same(*empty, nothing);
}

TEST(StateFile, IsTextThatAPersonAndALaterVersionCanRead) {
  const SavedState state{
      .mode = Mode::scheduled,
      .storm = SavedState::Storm{85.0_soc, at(1800000002), {}, at(1799990000), true},
      .saved_at = at(1800000004),
      .boot_id = "b00t",
      .boot_time = 7ms};
  EXPECT_EQ(encode(state), R"({
  "boot_id": "b00t",
  "boot_time_ms": 7,
  "mode": "scheduled",
  "saved_at": 1800000004,
  "storm": {
    "fill": true,
    "from": 1799990000,
    "reserve": 85.0,
    "until": 1800000002
  }
}
)");
}

TEST(StateFile, AFileOfAnEarlierVersionStillLoads) {
  const auto read = decode_state(R"({
  "last_full": 1800000003,
  "mode": "scheduled",
  "override": {"action": "discharge", "high": 94.0, "low": 13.0, "power_w": 2100.0,
               "target": 32.0, "until": 1800000001},
  "reserve": 41.0,
  "saved_at": 1800000004,
  "storm": {"reserve": 85.0, "until": 1800000002}
})");
  ASSERT_TRUE(read) << read.error().detail;
  auto expected = everything();
  expected.safety.reset();
  expected.manual->trusted_until.reset();
  expected.storm->trusted_until.reset();
  expected.storm->from = at(0);
  expected.storm->fill = false;
  expected.boot_id.clear();
  expected.boot_time = {};
  expect_same(*read, expected);
}

TEST(StateFile, WhatAnEarlierVersionDidNotRememberIsNotSo) {
  const auto read =
      decode_state(R"({"saved_at":1,"safety":{"cutoff":true,"meter_reversed":false}})");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->safety, SavedSafety{.cutoff = true});
  EXPECT_FALSE(SavedState::Storm{.reserve = 85.0_soc}.fill);
}

TEST(StateFile, AMachineRunsForACenturyAtMost) {
  const auto up_for = [](const std::string& ms) {
    return decode_state(R"({"saved_at":1,"boot_time_ms":)" + ms + '}');
  };
  EXPECT_TRUE(up_for("3155760000000")) << "36525 days";
  EXPECT_FALSE(up_for("3155760000001"));
}

TEST(StateFile, AFractionOfASecondIsNotKept) {
  const SavedState state{.saved_at = at(5) + std::chrono::milliseconds{999}};
  EXPECT_EQ(decode_state(encode(state))->saved_at, at(5));
}

TEST(StateFile, TheSameStateSavedLaterIsTheSame) {
  auto state = everything();
  state.saved_at = at(1);
  EXPECT_TRUE(state.same(everything()));
  const auto differs = [](auto change) {
    auto other = everything();
    change(other);
    return !other.same(everything()) && !everything().same(other);
  };
  EXPECT_TRUE(differs([](SavedState& s) { s.mode.reset(); }));
  EXPECT_TRUE(differs([](SavedState& s) { s.reserve = 42.0_soc; }));
  EXPECT_TRUE(differs([](SavedState& s) { s.manual->until = at(1); }));
  EXPECT_TRUE(differs([](SavedState& s) { s.manual->instruction.power = 1.0_W; }));
  EXPECT_TRUE(differs([](SavedState& s) { s.storm->until = at(1); }));
  EXPECT_TRUE(differs([](SavedState& s) { s.storm->reserve = 42.0_soc; }));
  EXPECT_TRUE(differs([](SavedState& s) { s.storm->from = at(1); }));
  EXPECT_TRUE(differs([](SavedState& s) { s.storm->fill = false; }));
  EXPECT_TRUE(differs([](SavedState& s) { s.last_full = at(1); }));
}

/// The text of everything() with one piece of it replaced.
std::string with(const std::string& piece, const std::string& other) {
  auto text = encode(everything());
  const auto begin = text.find(piece);
  EXPECT_NE(begin, std::string::npos) << piece << " in\n" << text;
  if (begin != std::string::npos) text.replace(begin, piece.size(), other);
  return text;
}

TEST(StateFile, WhatCannotBeIsDamage) {
  EXPECT_TRUE(decode_state(with("1800000004", "0")));
  EXPECT_TRUE(decode_state(with("1800000004", "7258118400"))) << "the year 2200";
  EXPECT_TRUE(decode_state(with("41.0", "0")));
  EXPECT_TRUE(decode_state(with("41.0", "100")));
  const std::vector<std::pair<std::string, std::string>> damage = {
      {"1800000004", "-1"},
      {"1800000004", "7258118401"},
      {"1800000001", "-1"},
      {"1800000002", "-1"},
      {"1800000003", "-1"},
      {"\"saved_at\"", "\"saved_then\""},
      {"41.0", "-0.1"},
      {"41.0", "100.1"},
      {"32.0", "101"},
      {"13.0", "101"},
      {"94.0", "101"},
      {"85.0", "101"},
      {"\"scheduled\"", "\"x\""},
      {"\"discharge\"", "\"x\""},
      {"\"scheduled\"", "1"},
      {"2100.0", "\"much\""},
      {"\"low\"", "\"lower\""},
      {"\"b00t\"", "7"},
      {"1800000011", "-1"},
      {"1800000012", "\"soon\""},
      {"\"switch_on\": true", "\"switch_on\": 1"},
      {"\"cutoff\": true", "\"cutoff\": 1"},
      {"\"meter_reversed\"", "\"reversed\""},
      {"1234567", "-1"},
      {"812005", "-1"},
      {"812005", "86400001"},
      {"1200006", "86400001"},
      {"3400007", "\"an hour\""},
      {"20008", "86400001"},
  };
  for (const auto& [piece, other] : damage) {
    const auto read = decode_state(with(piece, other));
    ASSERT_FALSE(read) << piece << " -> " << other;
    EXPECT_EQ(read.error().kind, ErrorKind::invalid);
    EXPECT_FALSE(read.error().detail.empty());
  }
}

TEST(StateFile, EveryCutOffFileIsDamageAndNeverHalfAState) {
  const auto whole = encode(everything());
  for (std::size_t n = 0; n + 2 < whole.size(); ++n)
    EXPECT_FALSE(decode_state(whole.substr(0, n))) << n;
}

// ---- on a disk ----------------------------------------------------------------------------------

struct OnDisk {
  MemoryDisk disk;
  EventLog log;
  std::vector<bool> faults;
  StateFile file{disk, log.sink(), [this](bool failed) { faults.push_back(failed); }};
};

TEST(StateFile, NoFileIsNoErrorAndNoState) {
  OnDisk t;
  EXPECT_FALSE(t.file.load(at(1)));
  EXPECT_TRUE(t.log.lines.empty());
  EXPECT_TRUE(t.faults.empty());
}

TEST(StateFile, WhatIsStoredIsLoaded) {
  OnDisk t;
  EXPECT_TRUE(t.file.store(everything()));
  const auto read = t.file.load(at(1));
  ASSERT_TRUE(read);
  expect_same(*read, everything());
  EXPECT_TRUE(t.log.lines.empty());
  EXPECT_TRUE(t.faults.empty());
}

TEST(StateFile, ADamagedFileIsQuarantinedAndReportedAndTheNextIsWritten) {
  OnDisk t;
  t.disk.text = R"({"saved_at":-1})";
  EXPECT_FALSE(t.file.load(at(1)));
  EXPECT_EQ(t.log.lines,
            std::vector<std::string>{"state state_damaged reason=\"a time that cannot be\" "
                                     "kept_as=\"state.json.damaged\""});
  EXPECT_EQ(t.log.levels, std::vector{Level::error});
  EXPECT_EQ(t.disk.quarantined, R"({"saved_at":-1})");
  EXPECT_TRUE(t.faults.empty());
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.disk.text, encode(everything()));
}

TEST(StateFile, ADamagedFileThatCannotBeMovedIsNeverWrittenOver) {
  OnDisk t;
  t.disk.text = R"({"saved_at":-1})";
  t.disk.full = true;
  EXPECT_FALSE(t.file.load(at(1)));
  EXPECT_EQ(t.log.lines,
            (std::vector<std::string>{"state state_damaged reason=\"a time that cannot be\"",
                                      "state state_not_stored reason=\"read-only file system\""}));
  EXPECT_EQ(t.faults, std::vector{true});
  EXPECT_FALSE(t.file.store(everything())) << "to be tried again";
  EXPECT_EQ(t.disk.text, R"({"saved_at":-1})");
  t.disk.full = false;
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.disk.quarantined, R"({"saved_at":-1})");
  EXPECT_EQ(t.disk.text, encode(everything()));
  EXPECT_EQ(t.log.count("state state_set_aside kept_as="), 1u);
  EXPECT_EQ(t.faults, (std::vector{true, false}));
}

TEST(StateFile, ADamagedFileThatTheOwnerTookAwayIsNotMovedAgain) {
  OnDisk t;
  t.disk.text = "?";
  t.disk.full = true;
  EXPECT_FALSE(t.file.load(at(1)));
  t.disk.text.reset();
  t.disk.full = false;
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.disk.quarantined, "");
  EXPECT_EQ(t.disk.text, encode(everything()));
  EXPECT_EQ(t.log.count("state state_set_aside"), 0u);
}

TEST(StateFile, ADamagedFileIsSetAsideOnceThereIsRoomAndTheNextStateStays) {
  OnDisk t;
  t.disk.text = "?";
  t.disk.immovable = true;
  EXPECT_FALSE(t.file.load(at(1)));
  EXPECT_FALSE(t.file.store(everything()));
  EXPECT_EQ(t.disk.text, "?");
  t.disk.immovable = false;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(t.file.store(everything()));
    EXPECT_EQ(t.disk.text, encode(everything()));
    EXPECT_EQ(t.disk.quarantined, "?");
    EXPECT_EQ(t.log.count("state state_set_aside kept_as=\"state.json.damaged\""), 1u);
  }
  EXPECT_EQ(t.log.level("state state_set_aside"), Level::notice);
}

TEST(StateFile, AFileThatCannotBeReadIsSetAsideOnceThereIsRoom) {
  OnDisk t;
  t.disk.text = "?";
  t.disk.unreadable = t.disk.immovable = true;
  EXPECT_FALSE(t.file.load(at(1)));
  t.disk.immovable = false;
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.disk.quarantined, "?");
  EXPECT_EQ(t.log.count("state state_set_aside"), 1u);
}

TEST(StateFile, AGoodFileIsReplacedAlsoAfterADiskThatWasFull) {
  OnDisk t;
  t.disk.text = encode(everything());
  EXPECT_TRUE(t.file.load(at(1)));
  EXPECT_FALSE(t.file.failing());
  t.disk.full = true;
  EXPECT_FALSE(t.file.store(everything()));
  EXPECT_TRUE(t.file.failing());
  t.disk.full = false;
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_FALSE(t.file.failing());
  EXPECT_EQ(t.disk.quarantined, "");
}

TEST(StateFile, AFileThatCannotBeReadIsMovedOutOfTheWay) {
  OnDisk t;
  t.disk.text = "?";
  t.disk.unreadable = true;
  EXPECT_FALSE(t.file.load(at(1)));
  EXPECT_EQ(t.log.count("state state_damaged reason=\"input/output error\" kept_as="), 1u);
  EXPECT_EQ(t.disk.quarantined, "?");
}

/// What root's run of the hub left: what it remembers must count once the hub may read it.
TEST(StateFile, AFileOfAnotherUserIsNoDamageAndStaysUntilTheNextStart) {
  OnDisk t;
  t.disk.text = encode(everything());
  t.disk.of_another = true;
  EXPECT_FALSE(t.file.load(at(1)));
  EXPECT_EQ(t.log.lines,
            std::vector<std::string>{"state state_not_stored reason=\"permission denied\""});
  EXPECT_EQ(t.faults, std::vector{true});
  EXPECT_TRUE(t.file.failing());
  EXPECT_FALSE(t.file.store({}));
  t.disk.of_another = false;  // its owner has changed
  EXPECT_FALSE(t.file.store({}));
  EXPECT_EQ(t.disk.quarantined, "");
  EXPECT_EQ(t.disk.text, encode(everything()));
  StateFile next{t.disk, t.log.sink(), [](bool) {}};
  const auto read = next.load(at(2));
  ASSERT_TRUE(read);
  expect_same(*read, everything());
}

TEST(StateFile, AFileOfAnotherUserIsSetAsideForWhatSafetyRemembers) {
  OnDisk t;
  t.disk.text = encode(everything());
  t.disk.of_another = true;
  EXPECT_FALSE(t.file.load(at(1)));
  SavedState latched;
  latched.saved_at = at(2);
  EXPECT_FALSE(t.file.store(latched));
  EXPECT_EQ(t.disk.quarantined, "");
  latched.safety = SavedSafety{.cutoff = true};
  EXPECT_TRUE(t.file.store(latched));
  EXPECT_EQ(t.disk.quarantined, encode(everything()));
  EXPECT_EQ(t.disk.text, encode(latched));
  EXPECT_EQ(t.faults, (std::vector{true, false}));
}

TEST(StateFile, AFileOfAnotherUserThatIsGoneIsReplaced) {
  OnDisk t;
  t.disk.text = "?";
  t.disk.of_another = true;
  EXPECT_FALSE(t.file.load(at(1)));
  t.disk.text.reset();
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.disk.text, encode(everything()));
  EXPECT_EQ(t.faults, (std::vector{true, false}));
  t.disk.of_another = false;
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.disk.quarantined, "");
}

TEST(StateFile, AFullDiskIsAFaultOnceUntilItTakesTheStateAgain) {
  OnDisk t;
  t.disk.full = true;
  EXPECT_FALSE(t.file.store(everything()));
  EXPECT_FALSE(t.file.store(everything()));
  EXPECT_EQ(t.faults, std::vector{true});
  t.disk.full = false;
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_TRUE(t.file.store(everything()));
  EXPECT_EQ(t.faults, (std::vector{true, false}));
  EXPECT_EQ(t.log.lines,
            (std::vector<std::string>{"state state_not_stored reason=\"no space left on device\"",
                                      "state state_stored "}));
  EXPECT_EQ(t.log.levels, (std::vector{Level::warning, Level::notice}));
}

}  // namespace
}  // namespace esshub::service
