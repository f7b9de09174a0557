#include "sim/storm/command.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <ostream>

#include "sim/exit_codes.hpp"
#include "sim/stopwatch.hpp"
#include "sim/storm/dice.hpp"
#include "sim/storm/episode.hpp"
#include "sim/storm/shorten.hpp"

namespace esshub::sim::storm {
namespace {

constexpr int exit_broken = 1;
constexpr Duration episode_length = std::chrono::minutes{15};

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::filesystem::path record_file(const StormOptions& options, unsigned episode) {
  if (options.episodes <= 1) return options.record;
  auto file = options.record;
  return file.replace_extension("." + std::to_string(episode) +
                                options.record.extension().string());
}

/// The same promise in other words is the same: what stands before " at ".
std::string promise(const std::string& broken) {
  return broken.substr(0, broken.find(" at "));
}

class Run {
 public:
  Run(const StormOptions& options, const InjectionKinds& kinds, std::ostream& out,
      std::ostream& err)
      : options_(options), kinds_(kinds), out_(out), err_(err) {}

  int operator()() {
    const Stopwatch watch;
    unsigned played = 0;
    for (unsigned n = 1; n <= options_.episodes; ++n) {
      if (options_.seconds && watch.wall() >= *options_.seconds) break;
      if (const int code = episode(n); code == exit_cannot_create) return code;
      ++played;
    }
    report(played, watch);
    return broken_ == 0 ? exit_ok : exit_broken;
  }

 private:
  [[nodiscard]] Duration length() const {
    return options_.days ? as_duration(Hours{24.0 * *options_.days}) : episode_length;
  }

  int episode(unsigned n) {
    const std::uint64_t seed = options_.seed + n - 1;
    const Plan plan = make_plan(seed, length(), kinds_);
    EpisodeOptions how{.record = nullptr,
                       .trace = options_.trace ? &out_ : nullptr,
                       .times = options_.timing ? &times_ : nullptr,
                       .number = n};
    std::ofstream record;
    if (!options_.record.empty()) {
      record.open(record_file(options_, n));
      how.record = &record;
    }
    const EpisodeResult result = play(plan, how);
    if (how.record != nullptr && !record.flush()) {
      err_ << "cannot write " << record_file(options_, n).string() << '\n';
      return exit_cannot_create;
    }
    ticks_ += result.ticks;
    hash_ = scattered(hash_ ^ result.hash);
    coverage_ += result.coverage;
    if (options_.trace || options_.episodes == 1)
      out_ << "seed " << seed << " hash " << hex(result.hash) << '\n';
    if (options_.twice && play(plan).hash != result.hash) {
      ++broken_;
      out_ << "seed " << seed << ": NOT THE SAME TWICE\n";
    }
    if (result.broken) tell(plan, *result.broken);
    out_.flush();
    return exit_ok;
  }

  void tell(const Plan& plan, const std::string& broken) {
    ++broken_;
    out_ << "seed " << plan.seed << ": " << broken << '\n';
    if (broken_ > options_.shorten) return;
    const auto least = shorten(plan, [&](const Plan& less) {
      const auto again = play(less);
      return again.broken && promise(*again.broken) == promise(broken);
    });
    out_ << "  still broken with these alone:\n";
    for (const auto& injection : least.weather) out_ << "    " << text(injection) << '\n';
    for (const auto& order : least.orders)
      out_ << "    order at " << Seconds{order.at}.count() << " s\n";
    out_ << "  " << play(least).broken.value_or("") << '\n'
         << "  again: esshub-sim storm --seed " << plan.seed << " --episodes 1 --trace"
         << (options_.days ? number(" --days %g", *options_.days) : "")
         << (options_.faults == "all" ? "" : " --faults " + options_.faults) << '\n';
  }

  void report(unsigned played, const Stopwatch& watch) {
    print(out_, coverage_);
    const double simulated = Seconds{length()}.count() * played;
    out_ << played << " episodes of " << Seconds{length()}.count() << " s, " << ticks_
         << " ticks, seeds " << options_.seed << " to " << options_.seed + played - 1 << ", hash "
         << hex(hash_) << ", broken " << broken_ << '\n';
    if (played == 0) return;
    out_ << number("%.0f simulated seconds a second", simulated / watch.wall())
         << number(", %.0f of processor time", simulated / watch.processor()) << '\n';
    if (!options_.timing) return;
    const auto micros = [&](double seconds) { return number("%.0f", seconds * 1e6 / simulated); };
    out_ << "microseconds a simulated second: house, devices and wires " << micros(times_.plant)
         << ", hub " << micros(times_.hub) << ", its history's file " << micros(times_.history)
         << ", checks and record " << micros(times_.judging) << " (measuring it costs too)\n";
  }

  const StormOptions& options_;
  const InjectionKinds& kinds_;
  std::ostream& out_;
  std::ostream& err_;
  Coverage coverage_;
  PartTimes times_;
  std::uint64_t hash_ = 0;
  std::uint64_t ticks_ = 0;
  unsigned broken_ = 0;
};

}  // namespace

int run_storm(const StormOptions& options, std::ostream& out, std::ostream& err) {
  std::string unknown;
  const auto kinds = parse_kinds(options.faults, unknown);
  if (!kinds) {
    err << "--faults: expected all, none, or some of " << kinds_help() << ", got '" << unknown
        << "'\n";
    return exit_usage;
  }
  return Run(options, *kinds, out, err)();
}

}  // namespace esshub::sim::storm
