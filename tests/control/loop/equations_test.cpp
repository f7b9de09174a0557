// The equations of docs/control-loop.md, worked out a second time in the plainest way. The code
// must come to the same numbers whatever it is fed with.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "control/loop/identify.hpp"
#include "control/loop/load_estimate.hpp"

namespace esshub::control {
namespace {

constexpr double h = 0.01;  // s, the longest step of the model

double seconds(Duration d) {
  return Seconds{d}.count();
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double operator()(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_()) / 4294967296.0);
  }
  bool once_in(unsigned n) { return engine_() % n == 0; }

 private:
  std::mt19937 engine_;
};

/// R, lambda, G, o of the inverter.
struct Response {
  double ramp;
  double lag;
  double gain;
  double offset;
};

double model_step_of(const Response& r, double p, std::optional<double> u, double dt) {
  const double to = r.gain * u.value_or(p) + r.offset;
  return p + std::clamp((to - p) * dt / (r.lag + dt), -r.ramp * dt, r.ramp * dt);
}

/// Setpoints in the order they were heard: the last one heard that acts at `t`.
struct Heard {
  double from;
  double power;
};
std::optional<double> acting(const std::vector<Heard>& heard, double t) {
  for (auto it = heard.rbegin(); it != heard.rend(); ++it)
    if (it->from <= t + 1e-12) return it->power;
  return std::nullopt;
}

// ---- learning the inverter
// -----------------------------------------------------------------------------

constexpr double ramps[]{100, 200, 300, 400, 700, 1000, 1600, 2500, 5000, 15000};
constexpr double lags[]{0.02, 0.1, 0.25, 0.5};

double parabola(double before, double middle, double after) {
  const double curve = before - 2 * middle + after;
  return curve > 0 ? std::clamp((before - after) / 2 / curve, -0.5, 0.5) : 0.0;
}

struct Inverter {
  Response r;
  std::vector<double> cost;  ///< C, the ramps of the first lag first
  std::vector<Heard> heard;
  double t0;
  double p0;
  double last_move;
  bool gain_known = false;
  bool pace_known = false;
  bool taught = false;

  bool rest(double t1, double p1) {
    if (!acting(heard, t0 - 0.5)) return false;
    double low = *acting(heard, t0 - 0.5);
    double high = low;
    for (const auto& each : heard)
      if (each.from > t0 - 0.5 && each.from <= t1) {
        low = std::min(low, each.power);
        high = std::max(high, each.power);
      }
    const double u = (low + high) / 2;
    if (high - low > std::max(20.0, 0.06 * std::abs(u))) return false;
    if (std::abs(p1 - p0) > 3 + 30 * (t1 - t0)) return false;
    taught = true;
    const double d = p1 - u;
    if (std::abs(d) > 37.5 + 0.24 * std::abs(u)) return true;
    const double w = 0.06 * u * 0.06 * u / (0.06 * u * 0.06 * u + 15 * 15);
    if (u != 0) r.gain += (1 + w * d / u - r.gain) / 2;
    gain_known = gain_known || w > 0.5;
    r.offset += (p1 - r.gain * u - r.offset) / 2;
    return true;
  }

  void way(double t1, double p1) {
    std::vector<double> error;
    for (const double lag : lags)
      for (const double ramp : ramps) {
        double p = p0;
        for (double t = t0; t < t1 - 1e-9;) {
          const double dt = std::min(h, t1 - t);
          p = model_step_of({ramp, lag, r.gain, r.offset}, p, acting(heard, t), dt);
          t += dt;
        }
        error.push_back(std::abs(p - p1));
      }
    if (const auto u = acting(heard, t1)) {
      const double left = std::abs(r.gain * *u + r.offset - p1);
      if (left < 30 + 0.12 * std::abs(*u))
        for (double& e : error) e = std::max(0.0, e - left);
    }
    const double least = *std::ranges::min_element(error);
    const double most = *std::ranges::max_element(error);
    if (most - least < 30 || least > 30 + 0.3 * std::abs(p1 - p0)) return;
    taught = pace_known = true;
    const double v = std::abs(last_move) > 20 ? 1.0 : 0.25;
    std::vector<double> score;
    for (std::size_t i = 0; i < error.size(); ++i) {
      cost[i] = cost[i] * (1 - 0.2 * v) + v * error[i];
      const double ramp = ramps[i % 10];
      score.push_back(cost[i] + std::max(ramp, r.ramp) / std::min(ramp, r.ramp) - 1);
    }
    const auto best = static_cast<std::size_t>(std::ranges::min_element(score) - score.begin());
    const std::size_t i = best % 10;
    double ramp = ramps[i];
    if (i > 0 && i < 9) {
      const double to = parabola(score[best - 1], score[best], score[best + 1]);
      ramp += std::abs(to) * ((to < 0 ? ramps[i - 1] : ramps[i + 1]) - ramp);
    }
    r.ramp += (ramp - r.ramp) / 2;
    r.lag += (lags[best / 10] - r.lag) / 2;
  }
};

TEST(Equations, OfLearningTheInverter) {
  Random random{1};
  int rests = 0;
  int ways = 0;
  for (int n = 0; n < 1500; ++n) {
    Settings settings;
    LoopModel loop;
    const Duration begin = std::chrono::milliseconds{100'000};
    loop.known_at = Instant{begin};
    const bool at_rest = random.once_in(2);
    const double level = random.once_in(8) ? 0.0 : random(-2500, 2500);
    // Quite a few more than are remembered, now and then none.
    const int commands = random.once_in(10) ? 0 : static_cast<int>(random(1, 20));
    std::vector<Heard> heard;
    for (int i = 0; i < commands; ++i) {
      const auto from = begin + std::chrono::milliseconds{static_cast<int>(random(-1500, 600))};
      const double span = random.once_in(3) ? 25 : random.once_in(2) ? 19 : 0.1 * std::abs(level);
      const double power = at_rest ? level + random(-0.5, 0.5) * span : random(-2500, 2500);
      loop.commands[loop.command_count++ % LoopModel::depth] = {Instant{from}, Watts{power}};
      heard.push_back({seconds(from), power});
    }
    if (heard.size() > 16) heard.erase(heard.begin(), heard.end() - 16);
    loop.known = Watts{at_rest ? level + random(-60, 60) : random(-2500, 2500)};
    loop.known_move = Watts{random(-40, 40)};
    for (double& cost : loop.response_cost) cost = random(0, 400);
    if (!random.once_in(4))
      loop.inverter =
          InverterResponse{WattsPerSecond{random(100, 9000)}, Seconds{random(0.02, 0.5)},
                           random(0.8, 1.2), Watts{random(-20, 20)}};
    const Response before =
        loop.inverter ? Response{loop.inverter->ramp.value(), loop.inverter->time_constant.count(),
                                 loop.inverter->gain, loop.inverter->offset.value()}
                      : Response{1000, 0.1, 1, 0};
    const Duration dt = std::chrono::milliseconds{static_cast<int>(random(20, 500))};
    Inverter reference{before,
                       {loop.response_cost.begin(), loop.response_cost.end()},
                       heard,
                       seconds(begin),
                       loop.known.value(),
                       loop.known_move.value()};
    const double t1 = seconds(begin + dt);
    // Somewhere on the way to what it is told, or where it was.
    double p1 = loop.known.value();
    if (at_rest) {
      p1 += random(-1, 1) * (random.once_in(2) ? 4 : 20);
    } else if (const auto u = acting(heard, t1)) {
      p1 += (*u - p1) * random(0, 1.1);
    }
    if (reference.rest(t1, p1)) {
      ++rests;
    } else {
      reference.way(t1, p1);
      ways += reference.taught;
    }
    identify_response(settings, loop, Watts{p1}, Instant{begin + dt});
    SCOPED_TRACE(testing::Message() << "case " << n);
    ASSERT_EQ(loop.inverter.has_value(), reference.taught || before.ramp != 1000);
    const InverterResponse found = response_of(settings, loop);
    ASSERT_NEAR(found.ramp.value(), reference.r.ramp, 1e-6);
    ASSERT_NEAR(found.time_constant.count(), reference.r.lag, 1e-9);
    ASSERT_NEAR(found.gain, reference.r.gain, 1e-9);
    ASSERT_NEAR(found.offset.value(), reference.r.offset, 1e-6);
    ASSERT_EQ(loop.gain_known, reference.gain_known);
    ASSERT_EQ(loop.pace_known, reference.pace_known);
    for (std::size_t i = 0; i < reference.cost.size(); ++i)
      ASSERT_NEAR(loop.response_cost[i], reference.cost[i], 1e-6);
  }
  EXPECT_GT(rests, 100);
  EXPECT_GT(ways, 100);
}

// ---- learning the meter
// --------------------------------------------------------------------------------

constexpr double taus[]{0, 0.05, 0.1, 0.15, 0.217, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6};
constexpr double deltas[]{0, 0.15, 0.3, 0.45, 0.6, 0.8};
constexpr std::size_t meters = 78;

struct Meter {
  double setting;  ///< s, of the time constant
  std::optional<double> tau{};
  double delta = 0;
  std::vector<double> cost = std::vector<double>(meters);   ///< C
  std::vector<double> noise = std::vector<double>(meters);  ///< nu
  struct Reading {
    double at;
    double power;
    bool known;
    std::vector<double> residual;
    std::vector<double> load;
  };
  std::optional<Reading> last{};
  struct Window {
    double from;
    double as_read = 0;
    std::vector<double> cost = std::vector<double>(meters);
  };
  std::optional<Window> window{};
  int lessons = 0;

  [[nodiscard]] double present() const { return tau.value_or(setting + 0.16); }

  static std::size_t nearest(const double* begin, const double* end, double value) {
    return static_cast<std::size_t>(std::min_element(begin, end,
                                                     [&](double a, double b) {
                                                       return std::abs(a - value) <
                                                              std::abs(b - value);
                                                     }) -
                                    begin);
  }
  [[nodiscard]] std::size_t present_candidate() const {
    return nearest(std::begin(deltas), std::end(deltas), delta) * 13 +
           nearest(std::begin(taus), std::end(taus), present());
  }

  void read(double at, double power, const std::vector<double>& shown, bool known) {
    Reading now{at, power, known, {}, {}};
    for (const double each : shown) now.residual.push_back(power - each);
    const auto before = last;
    const double dt = before ? at - before->at : 0.0;
    if (!before || dt <= 0 || dt > 2.5 + 1e-9) {
      now.load = now.residual;
      last = now;
      return;
    }
    const double steps = std::max(1.0, std::floor(dt / h + 1e-6));
    for (std::size_t i = 0; i < meters; ++i) {
      const double kappa = std::pow(taus[i % 13] / (taus[i % 13] + h), steps);
      now.load.push_back((now.residual[i] - kappa * before->residual[i]) / (1 - kappa));
    }
    last = now;
    const bool active = std::abs(now.residual.front() - now.residual.back()) > 15;
    if (!window && active) window = Window{at};
    for (std::size_t i = 0; i < meters; ++i) {
      const double change = std::abs(now.load[i] - before->load[i]);
      if (!window) {
        noise[i] += (std::min(change, 50.0) - noise[i]) * 0.05;
      } else if (known && before->known) {
        window->cost[i] += std::max(0.0, change - 2 * noise[i]);
      }
    }
    if (!window) return;
    if (known && before->known) window->as_read += std::abs(power - before->power);
    const double spread = *std::ranges::max_element(now.load) - *std::ranges::min_element(now.load);
    const bool agreed = !active && spread < 25;
    const double age = at - window->from;
    const double least = *std::ranges::min_element(window->cost);
    const bool by_half = 2 * least < window->cost[present_candidate()];
    const bool clear = agreed || (age >= 12 - 1e-9 && by_half);
    if (!clear && age < 20 - 1e-9) return;
    if (clear && least < window->as_read) choose(window->cost);
    window.reset();
  }

  void choose(const std::vector<double>& c) {
    if (*std::ranges::max_element(c) - *std::ranges::min_element(c) < 30) return;
    std::vector<double> score;
    for (std::size_t i = 0; i < meters; ++i) {
      cost[i] = cost[i] / 2 + c[i];
      score.push_back(cost[i] + 30 * std::abs(taus[i % 13] - setting) + 60 * deltas[i / 13]);
    }
    const double least = *std::ranges::min_element(score);
    if (*std::ranges::max_element(score) - least < 60) return;
    ++lessons;
    const auto best = static_cast<std::size_t>(std::ranges::min_element(score) - score.begin());
    const auto refined = [&](const double* values, std::size_t i, std::size_t count,
                             std::size_t stride) {
      if (i == 0 || i + 1 == count) return values[i];
      const double to = parabola(score[best - stride], score[best], score[best + stride]);
      return values[i] + std::abs(to) * ((to < 0 ? values[i - 1] : values[i + 1]) - values[i]);
    };
    const double best_tau = refined(taus, best % 13, 13, 1);
    const double best_delta = refined(deltas, best / 13, 6, 13);
    const double better = score[present_candidate()] - least;
    const double pace = 0.7 * std::max(0.2, better / (better + 20));
    const double from = tau.value_or(std::clamp(best_tau, setting, setting + 0.16));
    tau = from + pace * (best_tau - from);
    delta += pace * (best_delta - delta);
  }
};

TEST(Equations, OfLearningTheMeter) {
  int lessons = 0;
  for (unsigned seed = 0; seed < 24; ++seed) {
    Random random{100 + seed};
    Settings settings;
    settings.meter_time_constant = std::chrono::milliseconds{static_cast<int>(random(50, 900))};
    LoopModel loop;
    Meter reference{seconds(settings.meter_time_constant)};
    // The inverter moves now and then; what each candidate shows of it, and what the meter says.
    std::vector<double> shown(13);
    std::vector<std::vector<double>> past;
    const double truth = random(0, 1.6);
    const bool reversed = seed % 8 == 7;
    const bool restless = seed % 3 == 1;
    double metered = 0;
    double power = 0;
    double to = 0;
    double load = 500;
    Duration at = 100s;
    Duration next_reading = at;
    Duration next_move = at;
    while (at < 340s) {
      if (at >= next_move) {
        const bool small = random.once_in(5);
        to = small ? to + random(-60, 60) : random(-2000, 2000);
        next_move = at + std::chrono::milliseconds{static_cast<int>(
                             random.once_in(3) ? random(300, 900) : random(4000, 9000))};
      }
      at += 10ms;
      power += std::clamp(to - power, -8.0, 8.0);
      for (std::size_t i = 0; i < 13; ++i) shown[i] += (power - shown[i]) * h / (taus[i] + h);
      metered += (power - metered) * h / (truth + h);
      past.push_back(shown);
      if (at < next_reading) continue;
      next_reading = at + std::chrono::milliseconds{static_cast<int>(
                              random.once_in(40) ? random(2300, 2700) : random(80, 400))};
      load += random(-1, 1) * (restless ? 200 : 2);
      const double reading = load + (reversed ? -metered : metered) + random(-3, 3);
      std::vector<double> all;
      ByMeter<Watts> by_all{};
      for (std::size_t i = 0; i < meters; ++i) {
        const auto back = static_cast<std::size_t>(deltas[i / 13] / h + 0.5);
        all.push_back(past.size() > back ? past[past.size() - 1 - back][i % 13] : 0.0);
        by_all[i] = Watts{all.back()};
      }
      const bool known = !random.once_in(12);
      identify_meter(settings, loop, {Instant{at}, Watts{reading}}, by_all, known);
      reference.read(seconds(at), reading, all, known);
      SCOPED_TRACE(testing::Message() << "seed " << seed << " at " << seconds(at) << " s");
      ASSERT_EQ(loop.window.has_value(), reference.window.has_value());
      if (loop.window) {
        ASSERT_NEAR(loop.window->as_read, reference.window->as_read, 1e-7);
        for (std::size_t i = 0; i < meters; ++i)
          ASSERT_NEAR(loop.window->cost[i], reference.window->cost[i], 1e-5);
      }
      ASSERT_EQ(loop.meter_time_constant.has_value(), reference.tau.has_value());
      ASSERT_NEAR(meter_time_constant_of(settings, loop).count(), reference.present(), 1e-9);
      ASSERT_NEAR(loop.meter_delay.count(), reference.delta, 1e-9);
      for (std::size_t i = 0; i < meters; ++i) {
        ASSERT_NEAR(loop.meter_cost[i], reference.cost[i], 1e-5);
        ASSERT_NEAR(loop.meter_noise[i], reference.noise[i], 1e-7);
      }
      if (random.once_in(10)) {  // the same reading once more, and one from before
        const auto older = at - (random.once_in(2) ? 0ms : 50ms);
        identify_meter(settings, loop, {Instant{older}, Watts{reading}}, by_all, known);
        reference.read(seconds(older), reading, all, known);
      }
    }
    lessons += reference.lessons;
  }
  EXPECT_GT(lessons, 100);
}

}  // namespace
}  // namespace esshub::control
