#include "tests/commissioning/noisy_house.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

namespace esshub::commissioning::tests {
namespace {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double share) { return uniform() < share; }
  /// Mean 0, standard deviation 1, never beyond 3.
  double noise() { return 2.0 * (uniform() + uniform() + uniform() - 1.5); }

 private:
  std::mt19937_64 engine_;
};

constexpr double dt = 0.05;
constexpr double pi = 3.14159265358979;

/// Something that switches: off and on for random times, its power with a flicker of its own.
class Switched {
 public:
  Switched(Rng& rng, double low, double high, double on, double off, double flicker, bool motor)
      : power_(rng.between(low, high)), on_(on), off_(off), flicker_(flicker), motor_(motor) {
    is_on_ = rng.chance(on / (on + off));
    left_ = rng.between(0.2, 1.0) * (is_on_ ? on_ : off_);
  }
  double advance(Rng& rng) {
    left_ -= dt;
    if (left_ <= 0.0) {
      is_on_ = !is_on_;
      inrush_ = is_on_ && motor_ ? 3.0 : 1.0;
      left_ = rng.between(0.4, 1.6) * (is_on_ ? on_ : off_);
    }
    inrush_ += (1.0 - inrush_) * dt / 0.2;
    wander_ += (rng.noise() * flicker_ - wander_) * dt / 0.3;
    return is_on_ ? power_ * inrush_ + wander_ * 3.0 : 0.0;
  }

 private:
  double power_, on_, off_, flicker_;
  bool motor_;
  bool is_on_ = false;
  double left_ = 0.0, inrush_ = 1.0, wander_ = 0.0;
};

class Loads {
 public:
  Loads(Rng& rng, bool calm)
      : base_(rng.between(calm ? 100 : 60, 500)), walk_(calm ? 0.5 : rng.between(0.5, 8)) {
    if (calm) return;
    if (rng.chance(0.5)) things_.emplace_back(rng, 1800, 3000, 40, 60, 5, false);  // kettle, oven
    if (rng.chance(0.3)) things_.emplace_back(rng, 600, 1600, 20, 15, 60, true);   // vacuum
    if (rng.chance(0.3)) things_.emplace_back(rng, 60, 150, 60, 60, 2, true);      // fridge
    if (rng.chance(0.15)) things_.emplace_back(rng, 1000, 2200, 3, 3, 5, false);   // hob
    if (rng.chance(0.15)) things_.emplace_back(rng, 100, 400, 8, 5, 40, true);  // washing machine
  }
  double advance(Rng& rng) {
    base_ = std::max(40.0, base_ + walk_ * rng.noise() * std::sqrt(dt));
    double power = base_;
    for (auto& thing : things_) power += thing.advance(rng);
    return power;
  }

 private:
  double base_, walk_;
  std::vector<Switched> things_;
};

class Sun {
 public:
  Sun(Rng& rng, const Case& c)
      : clear_(c.day ? (c.calm ? rng.between(1200, 3500) : rng.between(60, 4000))
                     : -rng.between(0, 8)),
        day_(c.day),
        clouds_(c.calm || rng.chance(0.6)),
        depth_(c.calm ? 0.2 : rng.between(0.1, 0.8)),
        moment_(c.calm ? 3.0 : rng.between(2.0, 20.0)) {}
  double advance(Rng& rng) {
    if (!day_) return clear_;
    left_ -= dt;
    if (clouds_ && left_ <= 0.0) {
      wanted_ = 1.0 - depth_ * rng.uniform();
      left_ = moment_ * rng.between(0.3, 1.7);
    }
    share_ += (wanted_ - share_) * dt / 1.5;
    return clear_ * (share_ + 0.001 * rng.noise());
  }

 private:
  double clear_;
  bool day_, clouds_;
  double depth_, moment_, share_ = 1.0, wanted_ = 1.0, left_ = 1.0;
};

/// Of the sun's power what keeps the export at its limit.
class ExportLimiter {
 public:
  explicit ExportLimiter(const Case& c)
      : limit_(c.export_limit), late_(c.limit_late.count()), hunts_(c.limit_hunts) {}
  /// `house`: what all others draw, W.
  double advance(double available, double house, Rng& rng) {
    if (!limit_) return available;
    if (hunts_) wander_ += (60.0 * rng.noise() - wander_) * dt / 0.5;
    waiting_.push_back(house + limit_->value() + wander_);
    const double allowed = waiting_.front();
    if (static_cast<double>(waiting_.size()) * dt > late_) waiting_.pop_front();
    return std::min(available, std::max(allowed, 0.0));
  }

 private:
  std::optional<Watts> limit_;
  double late_;
  bool hunts_;
  double wander_ = 0.0;
  std::deque<double> waiting_;
};

class Spare {
 public:
  Spare(Rng& rng, bool calm) {
    const double kind = rng.uniform();
    if (calm || kind < 0.4) return;
    if (kind < 0.7)
      things_.emplace_back(rng, 100, 7000, 300, 30, 3, false);  // a car
    else
      things_.emplace_back(rng, 300, 2500, 6, 8, 20, true);  // a heat pump's parts
  }
  double advance(Rng& rng) {
    double power = 0.0;
    for (auto& thing : things_) power += thing.advance(rng);
    return power;
  }

 private:
  std::vector<Switched> things_;
};

/// Dead time, ramp, a gain of its own.
class InverterModel {
 public:
  explicit InverterModel(Rng& rng)
      : dead_(rng.between(0.5, 0.9)),
        ramp_(rng.between(350, 450)),
        gain_(rng.between(0.95, 1.02)) {}
  double advance(double commanded, Rng& rng) {
    waiting_.push_back(commanded);
    double wanted = commanded;
    if (static_cast<double>(waiting_.size()) * dt > dead_) {
      wanted = waiting_.front();
      waiting_.pop_front();
    } else {
      wanted = waiting_.front();
    }
    power_ += std::clamp(wanted * gain_ - power_, -ramp_ * dt, ramp_ * dt);
    return power_ + 3.0 * rng.noise();
  }

 private:
  double dead_, ramp_, gain_;
  std::deque<double> waiting_;
  double power_ = 0.0;
};

/// A channel of a meter: filter, noise, an error of its gain.
class Channel {
 public:
  explicit Channel(Rng& rng) : gain_(rng.between(0.985, 1.015)), noise_(rng.between(0.2, 2.5)) {}
  void advance(double power) { filtered_ += (power - filtered_) * (1.0 - std::exp(-dt / 0.217)); }
  double shown(Rng& rng) const { return filtered_ * gain_ + noise_ * rng.noise(); }

 private:
  double gain_, noise_;
  double filtered_ = 0.0;
};

/// Read in turn; of what was read between two looks the newest is seen.
class Poll {
 public:
  Poll(Rng& rng, double low, double high) : period_(rng.between(low, high)) {}
  bool due(double t, Rng& rng) {
    if (t < next_) return false;
    next_ = t + period_ * rng.between(0.8, 1.2);
    return !rng.chance(0.01);
  }

 private:
  double period_;
  double next_ = 0.0;
};

double commanded_at(double t, Watts power) {
  const double since = t - Seconds{rest_length}.count();
  if (since < 0.0) return 0.0;
  const auto chip = static_cast<std::size_t>(since / Seconds{chip_length}.count());
  return chip < chips.size() && chips[chip] ? -power.value() : 0.0;
}

Instant moment(double t) {
  return Instant{} + as_duration(Seconds{1000.0 + t});
}

}  // namespace

Case wiring(std::size_t n) {
  Case c;
  std::array<Conductor, 3> order{Conductor::grid, Conductor::solar, Conductor::battery};
  for (std::size_t i = 0; i < n / 8; ++i) std::next_permutation(order.begin(), order.end());
  for (std::size_t i = 0; i < 3; ++i) {
    c.at[i] = order[i];
    c.reversed[i] = ((n % 8) >> i & 1U) != 0;
  }
  return c;
}

Run play(const Case& c) {
  Rng rng{c.seed * 7919 + 13};
  for (int i = 0; i < 8; ++i) rng.uniform();
  Loads loads{rng, c.calm};
  Sun sun{rng, c};
  Spare spare{rng, c.calm};
  ExportLimiter limiter{c};
  InverterModel inverter{rng};
  std::vector<Channel> channels(4, Channel{rng});
  for (auto& channel : channels) channel = Channel{rng};
  Poll main_meter{rng, 0.15, 0.3};
  Poll line_meter{rng, 0.15, 0.8};
  Poll own{rng, 0.25, 0.4};
  Poll bms{rng, 0.95, 1.05};
  const double behind = rng.between(0, 150);  // loads on AC-out
  const double own_gain = rng.between(0.98, 1.02);
  const double own_offset = rng.between(-8, 8);
  const double phase = rng.chance(0.5) ? 2.0 * pi / 3.0 : -2.0 * pi / 3.0;
  const double reactive_share = rng.between(-0.1, 0.3);

  Run run;
  auto& m = run.measured;
  m.no_export_limit = c.told_no_limit;
  constexpr std::array points{Point::grid, Point::solar, Point::battery_meter, circuit(0)};
  for (const Point point : points) m.channels.push_back({point, {}});
  double last_command = 1.0;
  double filtered_own = 0.0;
  std::size_t steps = 0;
  std::array<double, 4> sums{};
  for (double t = -10.0; t < Seconds{total_length}.count() + 1.0; t += dt) {
    const double commanded = commanded_at(t, c.power);
    const double ac = inverter.advance(commanded, rng) + behind;
    const double load = loads.advance(rng);
    const double sunshine = sun.advance(rng);
    const double circuit_power = spare.advance(rng);
    const double solar = limiter.advance(sunshine, ac + load + circuit_power, rng);
    const std::array<double, 4> truth{ac + load + circuit_power - solar, solar, ac, circuit_power};
    const std::array<double, 4> reactive{reactive_share * load, 0.0, 30.0, 0.0};
    for (std::size_t i = 0; i < 4; ++i) {
      const auto conductor = static_cast<std::size_t>(c.at[i]);
      double power = truth[conductor];
      if (c.troubled == i && c.trouble == Trouble::wrong_phase)
        power = power * std::cos(phase) + reactive[conductor] * std::sin(phase);
      if (c.troubled == i && c.trouble == Trouble::twice) power *= 2.0;
      channels[i].advance(c.reversed[i] ? -power : power);
    }
    filtered_own += (ac - filtered_own) * dt / 0.1;
    if (t < 0.0) continue;
    ++steps;
    for (std::size_t i = 0; i < 4; ++i) {
      const double power = truth[static_cast<std::size_t>(c.at[i])];
      sums[i] += power;
      run.peak[i] = std::max(run.peak[i], std::abs(power));
    }
    if (commanded != last_command) m.commanded.push_back({moment(t), Watts{commanded}});
    last_command = commanded;
    const auto show = [&](std::size_t i) {
      const bool dead = (c.trouble == Trouble::dead && c.troubled == i) ||
                        (c.trouble == Trouble::three_wire && i != 2);
      const double shown = dead ? 0.0 : channels[i].shown(rng);
      m.channels[i].readings.push_back({moment(t), Watts{std::round(shown * 10.0) / 10.0}});
    };
    if (main_meter.due(t, rng))
      for (const std::size_t i : {0U, 1U, 3U}) show(i);
    if (line_meter.due(t, rng)) show(2);
    if (own.due(t, rng)) {
      m.inverter.push_back(
          {moment(t + 0.12), Watts{std::round(filtered_own * own_gain + own_offset)}});
      m.conversion.push_back({moment(t + 0.12), Watts{std::round(filtered_own - behind)}});
    }
    if (bms.due(t, rng)) m.battery_dc.push_back({moment(t), Watts{(ac - behind) * 1.08 - 11.0}});
  }
  for (std::size_t i = 0; i < 4; ++i) run.mean[i] = sums[i] / static_cast<double>(steps);
  return run;
}

namespace {

Role role_of(Conductor conductor) {
  switch (conductor) {
    case Conductor::grid:
      return Role::grid;
    case Conductor::solar:
      return Role::solar;
    case Conductor::battery:
      return Role::battery_line;
    case Conductor::spare:
      return Role::spare;
  }
  return Role::not_sure;
}

}  // namespace

Score score(const Case& c, const Run& run, const Findings& findings, std::size_t channel) {
  const auto& found = findings.channels.at(channel);
  const bool troubled = c.troubled == channel;
  const bool dead = (troubled && c.trouble == Trouble::dead) ||
                    (c.trouble == Trouble::three_wire && channel != 2);
  if (found.role == Role::no_current)
    return dead || run.peak.at(channel) < 60.0 ? Score::right : Score::wrong;
  if (found.role == Role::not_sure) return Score::not_sure;
  if (dead || found.role != role_of(c.at.at(channel))) return Score::wrong;
  const bool wrong_phase = troubled && c.trouble == Trouble::wrong_phase;
  const bool twice = troubled && c.trouble == Trouble::twice;
  if (found.sign != Sign::open && (found.sign == Sign::reversed) != c.reversed.at(channel))
    return Score::wrong;
  const Ratio ratio = wrong_phase ? Ratio::half : twice ? Ratio::twice : Ratio::one;
  if (found.ratio != Ratio::open && found.ratio != ratio) return Score::wrong;
  // A factor that is as it should be need not be told; one that is not must be.
  const bool factor_told = found.ratio != Ratio::open || !(wrong_phase || twice);
  const bool sign_told = found.sign != Sign::open || wrong_phase;
  return factor_told && sign_told ? Score::right : Score::not_sure;
}

std::string text(const Case& c, const Findings& findings) {
  constexpr std::array conductors{"grid", "solar", "battery", "spare"};
  constexpr std::array troubles{"none", "twice", "dead", "wrong phase", "3P3W"};
  std::string said = "seed " + std::to_string(c.seed) + (c.day ? " day" : " night") +
                     (c.export_limit ? ", export limit " + std::to_string(c.export_limit->value()) +
                                           " W, " + std::to_string(c.limit_late.count()) + " s late"
                                     : std::string{}) +
                     (c.limit_hunts ? ", hunting" : "") + ", trouble " +
                     troubles.at(static_cast<std::size_t>(c.trouble)) + " at " +
                     std::to_string(c.troubled) + ":";
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& f = findings.channels.at(i);
    said += std::string{"\n  "} + (c.reversed[i] ? "-" : "+") +
            conductors.at(static_cast<std::size_t>(c.at[i])) + " is named " + name(f.role) +
            " sign " + std::to_string(static_cast<int>(f.sign)) + " ratio " +
            std::to_string(static_cast<int>(f.ratio)) + " gain " + std::to_string(f.gain) + " +- " +
            std::to_string(f.gain_error) + " mean " + std::to_string(f.mean.value()) + " likely " +
            name(f.likely);
  }
  return said;
}

}  // namespace esshub::commissioning::tests
