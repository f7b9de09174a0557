// How long one plan takes: 14 days of an invented house, 48 h in 192 slots, two kinds of tariff.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "control/plan/plan.hpp"

namespace esshub::control {
namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr UnixSeconds now = 20000 * day;

class Dice {
 public:
  double operator()(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() % 10000) / 9999.0;
  }

 private:
  std::mt19937 random_{5};
};

std::vector<PastSlot> house(Dice& dice) {
  std::vector<PastSlot> all;
  for (UnixSeconds at = now - 15 * day; at < now; at += 900) {
    const auto of_day = at % day / hour;
    const bool light = of_day > 6 && of_day < 20;
    all.push_back({at, at + 900, WattHours{dice(50, 500)}, WattHours{light ? dice(0, 700) : 0.0},
                   WattHours{light ? dice(0, 20) : 0.0}});
  }
  return all;
}

/// Two rates; or half-hours of a market's price, some below what export pays and some below 0.
std::vector<PriceSlot> prices(Dice& dice, bool market) {
  std::vector<PriceSlot> all;
  for (UnixSeconds at = now; at < now + 2 * day; at += 1800) {
    const double rate = at % day < 7 * hour ? 0.09 : 0.28;
    all.push_back({at, at + 1800, market ? dice(-0.08, 0.35) : rate, market ? dice(0, 0.2) : 0.05});
  }
  return all;
}

double processor_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

void measure(const char* name, bool market, bool sells) {
  Dice dice;
  PlanBattery battery;
  battery.capacity = WattHours{8640};
  battery.charge = Watts{1600};
  battery.discharge = Watts{2400};
  battery.charge_efficiency = battery.discharge_efficiency = 0.95;
  battery.to_grid = sells;
  PlanSettings settings;
  settings.begin = now;
  std::vector<double> took;
  std::size_t slots = 0;
  for (int n = 0; n < 200; ++n) {
    const auto past = house(dice);
    const auto ahead = prices(dice, market);
    settings.stored = WattHours{dice(0, 8640)};
    const double before = processor_ms();
    const Plan made = plan(past, ahead, battery, settings);
    took.push_back(processor_ms() - before);
    slots = made.slots.size();
  }
  std::ranges::sort(took);
  std::printf("%-28s %zu slots  p50 %6.2f ms  p99 %6.2f ms  worst %6.2f ms\n", name, slots,
              took[took.size() / 2], took[took.size() * 99 / 100], took.back());
}

}  // namespace
}  // namespace esshub::control

int main() {
  using esshub::control::measure;
  measure("two rates", false, false);
  measure("two rates, may sell", false, true);
  measure("market, negative prices", true, false);
  measure("the same, may sell", true, true);
}
