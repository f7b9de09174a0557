// Stories: a house, what happens to it and what must then be true, one data file each
// (stories/README.md), run in virtual time with the hub's real drivers, wires and rules.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include "config/config.hpp"
#include "sim/closed_loop.hpp"
#include "sim/fit_config.hpp"
#include "sim/make_plant.hpp"
#include "sim/scenario.hpp"
#include "sim/site_clock.hpp"

namespace esshub::sim {
namespace {

namespace fs = std::filesystem;

const fs::path folder = fs::path{ESSHUB_SOURCE_DIR} / "tests/scenarios/stories";

/// The wiring of the simulated house, after the story's own part of the hub's configuration.
constexpr std::string_view wiring = R"(
[[bus]]
name = "meters"
kind = "modbus"
port = "/dev/meters"
[[bus.meter]]
name = "main"
model = "sdm630"
unit = 1
channels = [ { phase = 1, measures = "grid" }, { phase = 2, measures = "solar" } ]
[[bus.meter]]
name = "battery"
model = "sdm120"
unit = 244
channels = [ { phase = 1, measures = "battery_meter" } ]
[[bus]]
name = "battery"
kind = "pylontech"
port = "/dev/battery"
[[bus]]
name = "inverter"
kind = "vebus"
port = "/dev/inverter"
)";

// ---- what can be expected -----------------------------------------------------------------------

/// One tick, as a story may look at it.
struct Scene {
  const House& house;
  const Decision& decision;
  FaultSet faults;  ///< of control and buses
};

struct Number {
  std::string_view what;
  std::string_view meaning;
  double (*of)(const Scene&);
};
constexpr std::array numbers{
    Number{"grid_w", "true power at the grid connection, + = import",
           [](const Scene& s) { return s.house.truth().grid.value(); }},
    Number{"abs_grid_w", "its magnitude",
           [](const Scene& s) { return std::abs(s.house.truth().grid.value()); }},
    Number{"battery_w", "true power of the battery at the AC side, + = charging",
           [](const Scene& s) { return s.house.inverter_truth().battery_ac.value(); }},
    Number{"command_w", "what the hub wants of the battery, + = charging",
           [](const Scene& s) { return s.decision.battery_power.value(); }},
    Number{"setpoint_w", "what the inverter holds, not a number without one",
           [](const Scene& s) {
             const auto& setpoint = s.house.command().setpoint;
             return setpoint ? setpoint->value() : std::nan("");
           }},
    Number{"ac_out_w", "loads behind the inverter that are served",
           [](const Scene& s) { return s.house.truth().ac_out.value(); }},
    Number{"soc", "true state of charge, %",
           [](const Scene& s) { return s.house.battery_truth().soc_percent; }},
    Number{"battery_v", "true voltage of the pack",
           [](const Scene& s) { return s.house.battery_truth().voltage.value(); }},
    Number{"battery_a", "true current of the pack, + = charging",
           [](const Scene& s) { return s.house.battery_truth().current.value(); }},
    Number{"above_ccl_a", "by how much the charging current passes the BMS's CCL",
           [](const Scene& s) {
             const auto& battery = s.house.battery_truth();
             return (battery.current - battery.ccl).value();
           }},
    Number{"import_wh", "since the start",
           [](const Scene& s) { return s.house.truth().import.value(); }},
    Number{"export_wh", "since the start",
           [](const Scene& s) { return s.house.truth().export_.value(); }},
};

struct Text {
  std::string_view what;
  std::string_view meaning;
  std::string_view (*of)(const Scene&);
};
constexpr std::array texts{
    Text{"mode", "what the hub wants of the inverter: follow, release or off",
         [](const Scene& s) { return name(s.decision.setpoint.mode); }},
    Text{"inverter", "what the inverter does",
         [](const Scene& s) { return name(s.house.inverter_truth().state); }},
};

// ---- one expectation ----------------------------------------------------------------------------

enum class How : std::uint8_t { always, ever, mean };

struct Expectation {
  unsigned line = 0;
  Duration from{};
  std::optional<Duration> until{};  ///< nothing: the one tick at `from`
  std::string what;
  How how = How::always;

  // One of these is looked at,
  const Number* number = nullptr;
  const Text* text = nullptr;
  std::optional<Fault> fault{};
  std::optional<Cause> reason{};
  // and this is expected of it.
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string equals;
  bool active = true;

  // What was seen.
  std::size_t seen = 0;
  std::size_t held = 0;
  double sum = 0.0;
  std::string first_miss;

  void look(Duration now, const Scene& scene) {
    const bool over = until ? now > *until : seen > 0;
    if (now < from || over) return;
    ++seen;
    std::string was;
    if (holds(scene, was)) {
      ++held;
    } else if (first_miss.empty()) {
      std::ostringstream out;
      out << was << " at " << Seconds{now}.count() << " s";
      first_miss = out.str();
    }
  }

  /// For a person; empty when it is as expected.
  [[nodiscard]] std::string verdict() const {
    std::ostringstream out;
    if (seen == 0) return "was never looked at: the story ends before";
    if (how == How::always && held < seen)
      out << "must always be, but was " << first_miss << " first (" << seen - held << " of " << seen
          << " ticks)";
    if (how == How::ever && held == 0) out << "was never so; first it was " << first_miss;
    const double mean = sum / static_cast<double>(seen);
    if (how == How::mean && !(mean >= min && mean <= max)) out << "was " << mean << " in the mean";
    return out.str();
  }

 private:
  bool holds(const Scene& scene, std::string& was) {
    if (number) {
      const double value = number->of(scene);
      sum += value;
      was = std::to_string(value);
      return value >= min && value <= max;
    }
    if (text) {
      was = text->of(scene);
      return was == equals;
    }
    const bool is = fault ? scene.faults.active(*fault) : scene.decision.reasons.has(*reason);
    was = is ? "there" : "absent";
    return is == active;
  }
};

// ---- the file -----------------------------------------------------------------------------------

struct Plot {
  Scenario scenario;
  FittedConfig hub;
  Duration length{};
  std::string start = "2026-06-21T12:00";
  std::string zone;
  std::vector<Expectation> expected;
};

class StoryReader {
 public:
  explicit StoryReader(const fs::path& file) : file_(file.string()) {}

  std::optional<Plot> read() {
    constexpr std::array<std::string_view, 4> own{"hours", "start", "hub", "expect"};
    auto scenario = read_scenario(file_, own);
    if (!scenario) {
      errors_ = scenario.error();
      return std::nullopt;
    }
    story_.scenario = std::move(*scenario);
    const toml::table root = toml::parse_file(file_);
    const auto hours = root["hours"].value<double>();
    if (!hours || !(*hours > 0.0 && *hours <= 24.0))
      error(root["hours"].node() ? root["hours"].node()->source() : root.source(),
            "hours: expected how long the story is, above 0 to 24");
    story_.length = as_duration(Hours{hours.value_or(0.0)});
    if (const auto* node = root.get("start")) story_.start = text(*node, "start");
    read_hub(root.get("hub"));
    read_expectations(root.get("expect"));
    if (!errors_.empty()) return std::nullopt;
    return std::move(story_);
  }
  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }

 private:
  void error(const toml::source_region& where, const std::string& what) {
    errors_.push_back(file_ + ":" + std::to_string(where.begin.line) + ": " + what);
  }

  std::string text(const toml::node& node, std::string_view key) {
    if (!node.is_string()) error(node.source(), std::string(key) + ": expected text in quotes");
    return node.value<std::string>().value_or("");
  }

  void read_hub(const toml::node* node) {
    const std::string own = node ? text(*node, "hub") : "";
    const auto settings = config::parse_config(own + std::string(wiring));
    const auto at = node ? node->source() : toml::source_region{};
    if (!settings) {
      // A multi-line text begins on the line after its quotes.
      for (const auto& wrong : settings.error())
        errors_.push_back(file_ + ":" + std::to_string(at.begin.line + wrong.place.line) +
                          ": hub: " + wrong.text);
      return;
    }
    story_.zone = settings->time_zone;
    auto hub = fit_config(*settings);
    if (!hub) return error(at, "hub: " + hub.error().front());
    story_.hub = std::move(*hub);
    story_.scenario.meter_wire = story_.hub.meter_wire;
  }

  void read_expectations(const toml::node* node) {
    const auto* list = node ? node->as_array() : nullptr;
    if (!list || list->empty())
      return error(node ? node->source() : toml::source_region{{1, 1}, {1, 1}, {}},
                   "expected at least one [[expect]]");
    for (const auto& entry : *list) {
      if (const auto* table = entry.as_table()) {
        read_expectation(*table);
      } else {
        error(entry.source(), "expect: expected [[expect]]");
      }
    }
  }

  void read_expectation(const toml::table& table) {
    Expectation e;
    e.line = table.source().begin.line;
    const std::size_t before = errors_.size();
    for (const auto& [key, node] : table) read_key(e, key.str(), node);
    if (errors_.size() > before) return;
    if (table.contains("at_s") == table.contains("from_s") ||
        table.contains("from_s") != table.contains("until_s"))
      return error(table.source(), "expect: expected either at_s or from_s and until_s");
    if (e.until && (*e.until <= e.from || *e.until > story_.length))
      return error(table.source(), "expect: until_s must lie after from_s and within the story");
    if (e.what.empty()) return error(table.source(), "expect: expected what");
    const bool bounds = table.contains("min") || table.contains("max");
    if (bounds != (e.number != nullptr) || table.contains("equals") != (e.text != nullptr) ||
        (table.contains("active") && e.number) || (table.contains("active") && e.text) ||
        (e.how == How::mean && !e.number))
      return error(table.source(), "expect " + e.what +
                                       ": numbers need min or max, words need equals, faults and "
                                       "reasons take active, only numbers have a mean");
    story_.expected.push_back(std::move(e));
  }

  void read_key(Expectation& e, std::string_view key, const toml::node& node) {
    const auto number = [&] {
      if (!node.is_number()) error(node.source(), std::string(key) + ": expected a number");
      return node.value<double>().value_or(0.0);
    };
    if (key == "at_s" || key == "from_s") {
      e.from = as_duration(Seconds{number()});
    } else if (key == "until_s") {
      e.until = as_duration(Seconds{number()});
    } else if (key == "min") {
      e.min = number();
    } else if (key == "max") {
      e.max = number();
    } else if (key == "equals") {
      e.equals = text(node, key);
    } else if (key == "active") {
      if (!node.is_boolean()) error(node.source(), "active: expected true or false");
      e.active = node.value<bool>().value_or(true);
    } else if (key == "how") {
      read_how(e, text(node, key), node);
    } else if (key == "what") {
      read_what(e, text(node, key), node);
    } else {
      error(node.source(), "expect." + std::string(key) +
                               " is not known here, expected at_s, from_s, until_s, what, how, "
                               "min, max, equals, active");
    }
  }

  void read_how(Expectation& e, std::string_view how, const toml::node& node) {
    if (how == "ever") {
      e.how = How::ever;
    } else if (how == "mean") {
      e.how = How::mean;
    } else if (how != "always") {
      error(node.source(), "how: expected always, ever or mean");
    }
  }

  void read_what(Expectation& e, const std::string& what, const toml::node& node) {
    e.what = what;
    for (const auto& row : numbers)
      if (row.what == what) e.number = &row;
    for (const auto& row : texts)
      if (row.what == what) e.text = &row;
    const auto space = what.find(' ');
    if (what.starts_with("fault ")) e.fault = enum_named<Fault>(what.substr(space + 1));
    if (what.starts_with("reason ")) e.reason = enum_named<Cause>(what.substr(space + 1));
    if (e.number || e.text || e.fault || e.reason) return;
    std::string known = "fault NAME, reason NAME";
    for (const auto& row : numbers) known += ", " + std::string(row.what);
    for (const auto& row : texts) known += ", " + std::string(row.what);
    error(node.source(), "what: '" + what + "' is not known, expected one of " + known);
  }

  std::string file_;
  Plot story_;
  std::vector<std::string> errors_;
};

// ---- telling it ---------------------------------------------------------------------------------

void tell(Plot& story) {
  auto civil = SiteClock::starting(story.start, story.zone);
  ASSERT_TRUE(civil) << civil.error();
  const auto plant = make_plant(story.scenario, {}, Instant{} + 1h);
  ClosedLoop loop{*plant, story.hub.loop};
  loop.set_clock([&](Duration since_start) { return civil->at(since_start); });
  const char* wanted = std::getenv("ESSHUB_STORY_LOG");
  std::ofstream log{wanted ? wanted : "/dev/null"};
  Duration next_line{};
  loop.run(story.length, [&](const Decision& decision, const Snapshot&) {
    const Duration now = plant->now() - plant->start();
    Scene scene{plant->house(), decision, loop.faults()};
    for (auto& expectation : story.expected) expectation.look(now, scene);
    if (!wanted || now < next_line) return;
    next_line += 1s;
    log << Seconds{now}.count();
    for (const auto& row : numbers) log << ' ' << row.what << '=' << row.of(scene);
    for (const auto& row : texts) log << ' ' << row.what << '=' << row.of(scene);
    for (const auto& reason : decision.reasons) log << ' ' << name(reason.cause);
    for (const Fault fault : enum_values<Fault>)
      if (scene.faults.active(fault)) log << " !" << name(fault);
    log << '\n';
  });
}

std::vector<std::string> story_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

class Story : public testing::TestWithParam<std::string> {};

TEST_P(Story, EndsAsWritten) {
  const fs::path file = folder / (GetParam() + ".toml");
  StoryReader reader{file};
  auto story = reader.read();
  ASSERT_TRUE(story) << testing::PrintToString(reader.errors());
  tell(*story);
  for (const auto& expectation : story->expected) {
    const std::string verdict = expectation.verdict();
    EXPECT_TRUE(verdict.empty()) << file.string() << ":" << expectation.line << ": "
                                 << expectation.what << " " << verdict;
  }
}

std::vector<std::string> errors_in(std::string_view text) {
  const fs::path file =
      fs::temp_directory_path() / ("esshub_story_" + std::to_string(::getpid()) + ".toml");
  std::ofstream(file) << text;
  StoryReader reader{file};
  EXPECT_FALSE(reader.read());
  fs::remove(file);
  return reader.errors();
}

TEST(StoryFile, EveryErrorIsNamedWithItsLine) {
  using testing::ElementsAre;
  using testing::HasSubstr;
  const std::string expect = "hours = 1\n[[expect]]\nat_s = 5\n";
  EXPECT_THAT(errors_in("hours = 1\nplot = 2\n"), ElementsAre(HasSubstr(":2:8: plot is not")));
  EXPECT_THAT(errors_in("hours = 30\n"),
              ElementsAre(HasSubstr(":1: hours: expected"), HasSubstr("at least one [[expect]]")));
  EXPECT_THAT(errors_in(expect + "what = \"soc\"\nmin = 1\nmaximum = 2\n"),
              ElementsAre(HasSubstr(":6: expect.maximum is not known here")));
  EXPECT_THAT(errors_in(expect + "what = \"fault of_mine\"\n"),
              ElementsAre(HasSubstr(":4: what: 'fault of_mine' is not known")));
  EXPECT_THAT(errors_in(expect + "what = \"soc\"\nequals = \"3\"\n"),
              ElementsAre(HasSubstr(":2: expect soc: numbers need min or max")));
  EXPECT_THAT(errors_in(expect + "until_s = 9\nwhat = \"soc\"\nmin = 1\n"),
              ElementsAre(HasSubstr(":2: expect: expected either at_s or from_s and until_s")));
  EXPECT_THAT(
      errors_in("hours = 1\nhub = \'\'\'\n[battery]\nreserv = 2\n\'\'\'\n[[expect]]\nat_s = "
                "5\nwhat = \"soc\"\nmin = 1\n"),
      ElementsAre(HasSubstr(":4: hub: ")));
}

INSTANTIATE_TEST_SUITE_P(Stories, Story, testing::ValuesIn(story_names()),
                         [](const auto& story) { return story.param; });

}  // namespace
}  // namespace esshub::sim
