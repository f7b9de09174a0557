// FMEA: each component with each way to fail, what the hub does about it and how soon; keeps
// docs/fmea.md and fails where the safety contract is broken.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/closed_loop.hpp"
#include "tests/scenarios/fault_cell.hpp"

namespace esshub::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view document = ESSHUB_SOURCE_DIR "/docs/fmea.md";

constexpr std::string_view head = R"(# FMEA: what fails, and what the hub does about it

Made by the test `fmea`, which fails when this file is not what it finds, when a reaction comes later than
[docs/safety.md](safety.md) allows, or when a test that is named does not exist; do not edit. After a change:
`tests/fmea --write`

Measured rows: the hub's drivers and control against the simulated house in virtual time, 60 s healthy, 60 s of the
failure, load 1000 W (1500 W from 5 s to 40 s of it). **reaction after** is from the failure until it is noticed (driver
not ready, fault raised, or battery commanded to 0 W); where the table says that nothing may change, it is the largest
deviation from the commanded power that is right. **allowed** counts from the newest good data: a line that is only
sometimes bad is noticed later, but never is the battery commanded on older data than that. Every bus has more in [fault-matrix.md](fault-matrix.md). Rows with
tests instead of a time are proved there.

| component | failure | done to it | id | reaction | allowed | reaction after |
|---|---|---|---|---|---|---|
)";

struct Found {
  std::string allowed;
  std::string measured;
  std::string broken{};  ///< what was promised and not kept
};

struct Row {
  std::string_view component;
  std::string_view failure;
  std::string_view done;
  std::string_view id;  ///< of docs/safety.md
  std::string_view reaction;
  std::function<Found()> find;
};

std::string text(const char* format, double value) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), format, value);
  return out.data();
}
std::string seconds(Duration time) {
  return text("%.1f s", Seconds{time}.count());
}

// ---- a bus as a whole
// -------------------------------------------------------------------------------

Found bus(Bus which, std::string_view fault) {
  const auto all = matrix_faults();
  const auto row = std::ranges::find(all, fault, &MatrixFault::name);
  if (row == all.end()) return {"", "", "there is no such fault"};
  const Cell cell = run_cell(which, *row);
  return {cell.stale_after ? seconds(*cell.stale_after) : "-",
          (cell.detected ? seconds(*cell.detected) : "goes on") + ", well again " +
              (cell.recovered ? seconds(*cell.recovered) : "never") + " after it",
          std::string(broken_promise(cell))};
}

std::function<Found()> on(Bus which, std::string_view fault) {
  return [=] { return bus(which, fault); };
}

// ---- one meter of the line
// --------------------------------------------------------------------------

using Edit = std::function<void(MeterTruth& main, MeterTruth& battery, Duration since_start)>;

/// Both meters, but what they measure is edited before each answer; a meter may be dead.
class EditedMeters final : public Device {
 public:
  EditedMeters(const MeterTruth& main, const MeterTruth& battery, Edit edit, Duration turnaround,
               std::function<bool(Duration)> battery_lives)
      : main_(main),
        battery_(battery),
        edit_(std::move(edit)),
        battery_lives_(std::move(battery_lives)),
        both_(make_fake_meters({{1, protocol::MeterModel::sdm630, &shown_main_},
                                {244, protocol::MeterModel::sdm120, &shown_battery_, turnaround}})),
        one_(make_fake_meters({{1, protocol::MeterModel::sdm630, &shown_main_}})) {}

  protocol::Step on_start(Instant now) override {
    start_ = now;
    return {};
  }
  protocol::Step on_bytes(protocol::ByteView bytes, Instant now) override {
    shown_main_ = main_;
    shown_battery_ = battery_;
    if (edit_) edit_(shown_main_, shown_battery_, now - start_);
    alive_ = !battery_lives_ || battery_lives_(now - start_);
    return (alive_ ? both_ : one_)->on_bytes(bytes, now);
  }
  protocol::Step on_timer(Instant now) override { return (alive_ ? both_ : one_)->on_timer(now); }
  void on_down(Instant) override {}
  [[nodiscard]] const DriverHealth& health() const override { return both_->health(); }

 private:
  const MeterTruth& main_;
  const MeterTruth& battery_;
  Edit edit_;
  std::function<bool(Duration)> battery_lives_;
  MeterTruth shown_main_;
  MeterTruth shown_battery_;
  std::unique_ptr<Device> both_;
  std::unique_ptr<Device> one_;
  Instant start_;
  bool alive_ = true;
};

constexpr Duration healthy = 60s;

struct MeterFailure {
  Edit edit{};
  Duration turnaround = 45ms;
  std::function<bool(Duration)> battery_lives{};
};

struct Watched {
  std::optional<Duration> at_rest;  ///< battery commanded to 0 W for the rest of the time
  double deviation = 0.0;           ///< of the inverter's setpoint from the load, at rest times
  bool meter_lost = false;
  bool reversed = false;
};

/// `failure.edit` is called from the start on; what it does before 60 s is its own business.
Watched watch(const MeterFailure& failure, Duration how_long) {
  const DeviceMakers makers{
      [&](const MeterTruth& main, const MeterTruth& battery) -> std::unique_ptr<Device> {
        return std::make_unique<EditedMeters>(main, battery, failure.edit, failure.turnaround,
                                              failure.battery_lives);
      },
      [](const BatteryTruth& truth) { return make_fake_battery(truth, {}); },
      [](const InverterTruth& truth, InverterCommand& command) {
        return make_fake_multiplus(truth, command, {});
      }};
  Plant plant{{}, makers, Instant{} + 1000s};
  ClosedLoop loop{plant, fitting_settings()};
  plant.set_load(Watts{1000.0});
  plant.at(plant.start() + healthy + 5s, [](Plant& p) { p.set_load(Watts{1500.0}); });
  plant.at(plant.start() + healthy + 40s, [](Plant& p) { p.set_load(Watts{1000.0}); });
  loop.run(healthy);
  Watched out;
  loop.run(how_long, [&](const Decision& decision, const Snapshot&) {
    const Duration since = plant.now() - plant.start() - healthy;
    const double written = plant.house().command().setpoint.value_or(Watts{}).value();
    if (std::abs(written) >= 1.0) {
      out.at_rest.reset();
    } else if (!out.at_rest) {
      out.at_rest = since;
    }
    const bool settled = (since > 1s && since < 5s) || (since > 15s && since < 40s) || since > 50s;
    if (settled)
      out.deviation =
          std::max(out.deviation, std::abs(written + plant.house().truth().load.value()));
    out.meter_lost |= decision.faults.active(Fault::grid_meter_lost);
    out.reversed |= decision.faults.active(Fault::grid_meter_reversed);
  });
  return out;
}

/// Nothing may change: the grid is held all the same.
std::function<Found()> changes_nothing(MeterFailure failure) {
  return [failure = std::move(failure)] {
    constexpr double most = 50.0;
    const Watched seen = watch(failure, 60s);
    const bool good = seen.deviation <= most && !seen.meter_lost;
    return Found{text("%.0f W", most), text("%.0f W", seen.deviation),
                 good ? "" : "control was changed by a meter it does not need"};
  };
}

Found impossible_grid_meter() {
  constexpr Duration allowed = 4s;
  const Watched seen = watch({.edit =
                                  [](MeterTruth& main, MeterTruth&, Duration t) {
                                    if (t >= healthy) main.phases[0].power = Watts{1e6};
                                  }},
                             60s);
  const bool good = seen.at_rest && *seen.at_rest <= allowed;
  return {seconds(allowed), seen.at_rest ? seconds(*seen.at_rest) : "never",
          good ? "" : "the battery was not at rest in time"};
}

Found reversed_grid_meter() {
  constexpr Duration allowed = 60s;
  const Watched seen = watch({.edit =
                                  [](MeterTruth& main, MeterTruth&, Duration t) {
                                    if (t >= healthy) main.phases[0].power = -main.phases[0].power;
                                  }},
                             120s);
  const bool good = seen.reversed && seen.at_rest && *seen.at_rest <= allowed;
  return {seconds(allowed), seen.at_rest ? seconds(*seen.at_rest) : "never",
          good ? "" : "a reversed meter was not found out"};
}

// ---- proved elsewhere, or meaningless
// ---------------------------------------------------------------

/// All the tests' sources without blanks.
const std::string& sources() {
  static const std::string all = [] {
    std::string out;
    for (const auto& entry : fs::recursive_directory_iterator(ESSHUB_SOURCE_DIR "/tests")) {
      const std::string name = entry.path().filename().string();
      if (!name.ends_with("_test.cpp") && !name.ends_with("_test.py")) continue;
      std::ifstream file{entry.path()};
      std::copy_if(std::istreambuf_iterator<char>(file), {}, std::back_inserter(out),
                   [](char c) { return std::isspace(static_cast<unsigned char>(c)) == 0; });
    }
    return out;
  }();
  return all;
}

bool exists(std::string_view test) {
  const auto dot = test.find('.');
  const std::string suite{test.substr(0, dot)};
  const std::string name{test.substr(dot + 1)};
  if (suite == "Story")
    return fs::exists(ESSHUB_SOURCE_DIR "/tests/scenarios/stories/" + name + ".toml");
  return sources().find("(" + suite + "," + name + ")") != std::string::npos ||
         sources().find("def" + name + "(") != std::string::npos;
}

std::function<Found()> proved_by(std::vector<std::string_view> tests, std::string allowed) {
  return [tests = std::move(tests), allowed = std::move(allowed)] {
    Found out{allowed, ""};
    for (const auto test : tests) {
      out.measured += (out.measured.empty() ? "`" : ", `") + std::string(test) + "`";
      if (!exists(test)) out.broken = "there is no test " + std::string(test);
    }
    return out;
  };
}

Found meaningless() {
  return {"-", "n/a"};
}

Edit on_solar(std::function<void(MeterReading& solar, Duration since_failure)> edit) {
  return [edit = std::move(edit)](MeterTruth& main, MeterTruth&, Duration t) {
    if (t >= healthy) edit(main.phases[1], t - healthy);
  };
}
Edit on_battery(std::function<void(MeterReading& battery)> edit) {
  return [edit = std::move(edit)](MeterTruth&, MeterTruth& battery, Duration t) {
    if (t >= healthy) edit(battery.phases[0]);
  };
}

constexpr std::string_view rest_f1 = "battery to 0 W, `grid_meter_lost`";
constexpr std::string_view goes_on = "control goes on unchanged";
constexpr std::string_view same_frame =
    "solar is a phase of the SDM630 that measures the grid: as the grid meter";

// Its rows in the order of the components; within them of the failures.
std::vector<Row> table() {
  using enum Bus;
  const auto intermittent = [](Duration t) {
    return t < healthy || (Seconds{t}.count() - 5.0 * std::floor(Seconds{t}.count() / 5.0)) > 2.0;
  };
  return {
      {"grid meter", "off", "no answer", "F1", rest_f1, on(meters, "off")},
      {"grid meter", "stuck", "registers stand still", "F2", "battery to 0 W", on(meters, "stuck")},
      {"grid meter", "garbage", "5 % of the bytes", "F3",
       "damaged frames are dropped; control goes on with the others", on(meters, "garbage 5 %")},
      {"grid meter", "wrong", "a power that cannot be", "F3", "dropped, then as off",
       impossible_grid_meter},
      {"grid meter", "wrong", "CT reversed", "F21", "battery to 0 W, `grid_meter_reversed`",
       reversed_grid_meter},
      {"grid meter", "slow", "answers 0.4 s later", "F1", "what comes too late is not used",
       on(meters, "slow 0.4 s")},
      {"grid meter", "delayed", "answers 1.5 s later", "F1", "what comes too late is not used",
       on(meters, "delayed 1.5 s")},
      {"grid meter", "intermittent", "2 s off, 3 s on", "F1",
       "control goes on with what is fresh, else 0 W", on(meters, "off 2 s, on 3 s")},

      {"solar meter", "off", "CT unplugged, reads 0 W", "-", goes_on,
       changes_nothing({.edit = on_solar([](MeterReading& solar, Duration) {
                          solar.power = Watts{};
                          solar.current = Amperes{};
                        })})},
      {"solar meter", "stuck", "its registers stand still", "-", goes_on,
       changes_nothing({.edit = on_solar([](MeterReading& solar, Duration) {
                          solar = {.voltage = Volts{230.0}, .power = Watts{750.0}};
                        })})},
      {"solar meter", "garbage", same_frame, "F3", "-", meaningless},
      {"solar meter", "wrong", "shows 3 kW at night", "-", goes_on,
       changes_nothing(
           {.edit = on_solar([](MeterReading& solar, Duration) { solar.power = Watts{3000.0}; })})},
      {"solar meter", "slow", same_frame, "F1", "-", meaningless},
      {"solar meter", "delayed", same_frame, "F1", "-", meaningless},
      {"solar meter", "intermittent", "3 kW and 0 W by turns, a second each", "-", goes_on,
       changes_nothing({.edit = on_solar([](MeterReading& solar, Duration t) {
                          solar.power = Watts{(t / 1s) % 2 == 0 ? 3000.0 : 0.0};
                        })})},

      {"battery meter", "off", "no answer", "-", goes_on,
       changes_nothing({.battery_lives = [](Duration t) { return t < healthy; }})},
      {"battery meter", "stuck", "registers stand still", "-", goes_on,
       changes_nothing({.edit = on_battery([](MeterReading& r) {
                          r = {.voltage = Volts{230.0}, .power = Watts{-1000.0}};
                        })})},
      {"battery meter", "garbage", "shares the line: as the grid meter", "F3", "-", meaningless},
      {"battery meter", "wrong", "shows 3 kW the wrong way", "-", goes_on,
       changes_nothing({.edit = on_battery([](MeterReading& r) { r.power = Watts{3000.0}; })})},
      {"battery meter", "slow", "answers after 0.25 s, always", "-", goes_on,
       changes_nothing({.turnaround = 250ms})},
      {"battery meter", "delayed", "answers after 1.5 s, always", "-", goes_on,
       changes_nothing({.turnaround = 1500ms})},
      {"battery meter", "intermittent", "2 s off, 3 s on", "-", goes_on,
       changes_nothing({.battery_lives = intermittent})},

      {"BMS", "off", "no frame", "F4", "battery to 0 W, `bms_lost`", on(battery, "off")},
      {"BMS", "stuck", "frames stand still", "F18",
       "no protocol tells; what contradicts the voltage is doubted", on(battery, "stuck")},
      {"BMS", "garbage", "5 % of the adapter's bytes", "F4",
       "damaged frames are dropped; what jumps must be said twice", on(battery, "garbage 5 %")},
      {"BMS", "wrong", "SOC jumps, or contradicts the voltage", "F18", "the lower one rules",
       proved_by({"SocDoubt.AFallRulesAtOnceAndIsAFault", "Story.soc_recalibration_jump",
                  "SocDoubt.APackVoltageOfAnEmptyPackRules"},
                 "1 frame")},
      {"BMS", "wrong", "a value that cannot be", "F23", "battery to 0 W, `bms_implausible`",
       proved_by({"ClosedLoop.ASocOf130PercentMeansZeroWithinTwoFramesAndIsNoSilence"}, "1 frame")},
      {"BMS", "wrong", "its current passes its own limits", "F27",
       "battery to 0 W, then released, `bms_limit_exceeded`",
       proved_by({"CurrentWatch.WaitsTwoSecondsLongerThanTheRampNeeds",
                  "CurrentWatch.ReleasesForAMinuteWhenRestDoesNotHelp"},
                 "2 s and its ramp")},
      {"BMS", "slow", "frames 0.4 s later", "F4", goes_on, on(battery, "slow 0.4 s")},
      {"BMS", "delayed", "frames 1.5 s later", "F4", goes_on, on(battery, "delayed 1.5 s")},
      {"BMS", "intermittent", "2 s off, 3 s on", "F4",
       "control goes on with what is fresh, else 0 W", on(battery, "off 2 s, on 3 s")},

      {"inverter", "off", "no answer", "F6",
       "not called controlled; it falls to passthru by its own time-out", on(inverter, "off")},
      {"inverter", "stuck", "acknowledges, but does not follow", "F7",
       "refreshed, alarm, released 15 s later",
       proved_by({"Following.AnInverterThatDoesNotFollowIsAFaultAfter15s",
                  "Following.ControlIsReleasedForAMinuteWhenTheAlarmDoesNotHelp"},
                 "15 s")},
      {"inverter", "garbage", "5 % of the bytes", "F6",
       "damaged frames are dropped; handshake anew", on(inverter, "garbage 5 %")},
      {"inverter", "wrong", "does something else than commanded", "F7", "as stuck",
       proved_by({"Following.AnInverterThatDoesNotFollowIsAFaultAfter15s"}, "15 s")},
      {"inverter", "wrong", "holds back: hot, in absorption", "F7a",
       "control goes on with what it does, `inverter_derating`",
       proved_by({"ClosedLoop.AChargerThatHoldsBackKeepsAllTheSunItCanTake"}, "15 s")},
      {"inverter", "wrong", "its word for the load on AC-out", "F27",
       "AC-in less converter counts, `ac_out_inconsistent`",
       proved_by({"Story.ac_out_word_wrong"}, "3 s")},
      {"inverter", "slow", "answers 0.4 s later", "F6", "handshake anew, or control goes on",
       on(inverter, "slow 0.4 s")},
      {"inverter", "delayed", "answers 1.5 s later", "F6", "no old setpoint is replayed",
       on(inverter, "delayed 1.5 s")},
      {"inverter", "intermittent", "2 s off, 3 s on", "F6", "handshake anew each time",
       on(inverter, "off 2 s, on 3 s")},

      {"clock", "off", "not synchronised", "F13",
       "schedule, tariff and Smart plan stand aside, self-consumption goes on",
       proved_by({"Clock.UntrustedMakesScheduleAndTariffStandAsideAndSaysSo",
                  "Clock.UntrustedIsAFaultButSelfConsumptionGoesOn"},
                 "at once")},
      {"clock", "stuck", "wall clock and control's own run from one counter: neither stops alone",
       "-", "-", meaningless},
      {"clock", "garbage", "a number from the kernel, on no wire", "-", "-", meaningless},
      {"clock", "wrong", "stepped", "F13", "as off, for a minute",
       proved_by({"LocalClock.AStepIsDistrustedForAMinute"}, "at once")},
      {"clock", "slow", "the kernel corrects it, or calls it not synchronised: as off", "-", "-",
       meaningless},
      {"clock", "delayed", "it is read, not sent", "-", "-", meaningless},
      {"clock", "intermittent", "synchronised and not, by turns", "F13",
       "as off; an override keeps its end",
       proved_by({"Clock.UntrustedDoesNotEndAnOverride"}, "at once")},

      {"disk", "off", "cannot be written", "F14", "control and orders go on from memory",
       proved_by({"HistoryTest.test_1_on_a_full_disk_control_goes_on_and_the_owner_is_told",
                  "CommandDoorTest.AnUnwritableDiskIsAFaultAndOrdersGoOnFromMemory"},
                 "on write")},
      {"disk", "stuck", "a write never returns", "F14", "nobody waits for it",
       proved_by({"HistoryStoreTest.AWriterThatWaitsForTheDiskHoldsNobodyUp"}, "60 s")},
      {"disk", "garbage", "the file is damaged", "F14", "set aside, never deleted",
       proved_by({"HistoryStoreTest.ADamagedFileIsSetAsideAndNeverDeleted",
                  "CommandDoorTest.ADamagedFileIsSetAsideAndReported"},
                 "on read")},
      {"disk", "wrong", "damage in a corner of it", "F14", "found; the totals go on",
       proved_by({"HistoryStoreTest.DamageInACornerIsFoundAndTheTotalsGoOn"}, "on read")},
      {"disk", "slow", "seconds for a write", "F15", "delays no live value",
       proved_by({"WebServer.ASlowDiskDelaysNoLiveValueAndItsQueueIsBounded"}, "-")},
      {"disk", "delayed", "written late, and the power fails", "F14",
       "at most the last batch is lost",
       proved_by({"HistoryKill.AtAnyMomentLosesAtMostTheLastBatchAndNeverTheFile"}, "-")},
      {"disk", "intermittent", "full, then room again", "F14", "the fault clears, nothing is lost",
       proved_by({"HistoryTest.test_2_once_there_is_room_the_fault_clears_and_nothing_was_lost"},
                 "-")},

      {"broker", "off", "gone, and back", "F15", "control unchanged; found again",
       proved_by({"Plain.test_8_a_broker_that_comes_back_is_found_again"}, "-")},
      {"broker", "stuck", "takes the connection, reads nothing", "F15",
       "control unchanged; nor does it hold up the stop",
       proved_by({"Plain.test_7_a_stalled_broker_costs_control_nothing",
                  "Plain.test_z_a_stalled_broker_does_not_hold_up_the_stop"},
                 "-")},
      {"broker", "garbage", "what cannot be a command", "F15", "refused, and logged safely",
       proved_by({"Venus.WritesThatAreNoneAreRefused", "Venus.ForeignTextCannotForgeALogLine"},
                 "-")},
      {"broker", "wrong", "commands that are retained or out of range", "F15", "refused",
       proved_by(
           {"Plain.test_5_retained_and_impossible_writes_are_refused", "Home.OutOfRangeIsRefused"},
           "-")},
      {"broker", "slow", "takes less than is said", "F15", "of a topic only the newest waits",
       proved_by({"Outbox.OfATopicOnlyTheNewestWaits", "Session.TheBufferIsBounded"}, "-")},
      {"broker", "delayed", "a command comes late", "F17", "a dispatch ends by itself",
       proved_by({"Venus.AWrittenSetpointBecomesADispatchThatEnds"}, "its expiry")},
      {"broker", "intermittent", "a flood, then nothing", "F15", "cut, and control goes on",
       proved_by({"Plain.test_6_a_flood_of_writes_is_cut_and_control_goes_on"}, "-")},
  };
}

// ---- the program
// ------------------------------------------------------------------------------------

struct Table {
  std::string text{head};
  bool good = true;
};

Table find() {
  Table out;
  for (const Row& row : table()) {
    const Found found = row.find();
    for (const std::string_view cell : {row.component, row.failure, row.done, row.id, row.reaction})
      out.text += "| " + std::string(cell) + " ";
    out.text += "| " + found.allowed + " | " + found.measured + " |\n";
    if (found.broken.empty()) continue;
    std::fprintf(stderr, "%s, %s: %s\n", std::string(row.component).c_str(),
                 std::string(row.failure).c_str(), found.broken.c_str());
    out.good = false;
  }
  return out;
}

int main(const std::vector<std::string>& words) {
  if (words.size() > 1 || (!words.empty() && words[0] != "--check" && words[0] != "--write")) {
    std::fputs("usage: fmea [--check | --write]\n", stderr);
    return 2;
  }
  const Table found = find();
  if (words.empty()) {
    std::fputs(found.text.c_str(), stdout);
    return found.good ? 0 : 1;
  }
  if (words[0] == "--write") {
    std::ofstream file{std::string(document)};
    file << found.text;
    return file.flush() && found.good ? 0 : 1;
  }
  std::ifstream file{std::string(document)};
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  if (written != found.text) {
    std::fputs(found.text.c_str(), stdout);
    std::fputs("docs/fmea.md says otherwise; its head tells how to renew it\n", stderr);
    return 1;
  }
  return found.good ? 0 : 1;
}

}  // namespace
}  // namespace esshub::sim

int main(int argc, char** argv) {
  try {
    return esshub::sim::main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fmea: %s\n", error.what());
    return 1;
  }
}
