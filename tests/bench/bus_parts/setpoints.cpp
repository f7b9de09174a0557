#include <cstdio>
#include <deque>
#include <optional>
#include <stdexcept>
#include <variant>

#include "protocol/vebus/driver.hpp"
#include "protocol/vebus/messages.hpp"
#include "protocol/vebus/mk3_frame.hpp"
#include "sim/make_plant.hpp"
#include "sim/plant/rng.hpp"
#include "tests/bench/bus_parts/bus_bench.hpp"
#include "tests/bench/bus_parts/percentile.hpp"

namespace esshub::bench {
namespace {

using namespace protocol;

constexpr std::size_t setpoint_count = 5000;
constexpr Duration acknowledged_within = 3s;

double ms(Duration time) {
  return Seconds{time}.count() * 1000.0;
}

bool writes_setpoint(ByteView frame) {
  const auto decoded = mk3::decode(frame);
  if (!decoded) return false;
  const auto message = vebus::decode(*decoded);
  const auto* winmon = message ? std::get_if<vebus::Winmon>(&*message) : nullptr;
  return winmon != nullptr && winmon->code == vebus::Code::write_by_id;
}

/// What became of one new setpoint.
struct Command {
  Instant given;
  std::optional<Instant> written{};
  unsigned others_before = 0;  ///< requests begun between the two
};

/// The driver on the simulated inverter's wire, which carries 2400 baud; every request and reply of
/// the telemetry runs as in the house.
class Line {
 public:
  Line() : plant_(sim::make_plant({}, {}, Instant{1000s})), driver_(make_vebus_driver({})) {
    take(driver_->on_start(plant_->now()));
  }

  void run_until(Instant end) {
    while (plant_->now() < end) {
      const Instant next = std::min({end, plant_->next_event(), wake_at_.value_or(end)});
      plant_->advance_to(std::max(next, plant_->now()));
      const Instant now = plant_->now();
      const Bytes bytes = plant_->from_device(sim::Bus::inverter, now);
      if (!bytes.empty()) take(driver_->on_bytes(bytes, now));
      if (wake_at_ && *wake_at_ <= now) {
        wake_at_.reset();
        take(driver_->on_timer(now));
      }
    }
  }

  void command(Watts power) {
    command_ = Command{plant_->now()};
    take(driver_->on_setpoint({.ac_power = power,
                               .mode = InverterMode::follow,
                               .valid_until = plant_->now() + acknowledged_within},
                              plant_->now()));
  }

  [[nodiscard]] Instant now() const { return plant_->now(); }
  [[nodiscard]] bool ready() const { return driver_->health().ready; }
  [[nodiscard]] bool acknowledged() const { return !command_; }

  std::vector<double> waits;  ///< ms from command to the write
  std::vector<double> acks;   ///< ms from command to the acknowledgement
  std::vector<double> trips;  ///< ms from write to the acknowledgement: the wire and the unit
  unsigned most_others = 0;   ///< requests of the telemetry that were put before one
  std::size_t samples = 0;    ///< of the telemetry meanwhile

 private:
  void take(Step step) {
    samples += step.samples.size();
    for (const auto& frame : step.send) {
      plant_->to_device(sim::Bus::inverter, frame, plant_->now());
      if (!command_ || command_->written) continue;
      if (writes_setpoint(frame)) {
        command_->written = plant_->now();
      } else {
        ++command_->others_before;
      }
    }
    if (step.wake_at) wake_at_ = step.wake_at;
    for (const auto& sample : step.samples) {
      if (sample.channel != Channel{Point::inverter, Measure::setpoint}) continue;
      if (!command_ || !command_->written) continue;  // of the one before
      waits.push_back(ms(*command_->written - command_->given));
      acks.push_back(ms(sample.at - command_->given));
      trips.push_back(ms(sample.at - *command_->written));
      most_others = std::max(most_others, command_->others_before);
      command_.reset();
    }
  }

  std::unique_ptr<sim::Plant> plant_;
  std::unique_ptr<Driver> driver_;
  std::optional<Instant> wake_at_;
  std::optional<Command> command_;
};

}  // namespace

int setpoints() {
  Line line;
  line.run_until(line.now() + 60s);
  if (!line.ready()) throw std::runtime_error("no handshake in a minute");
  sim::Rng dice{7};
  const Instant begin = line.now();
  line.samples = 0;
  for (std::size_t n = 0; n < setpoint_count; ++n) {
    line.command(Watts{-2000.0 + 4000.0 * dice.uniform()});
    const Instant limit = line.now() + acknowledged_within;
    while (!line.acknowledged() && line.now() < limit) line.run_until(line.now() + 10ms);
    if (!line.acknowledged()) throw std::runtime_error("a setpoint was not acknowledged");
    // The next one comes at any phase of the telemetry, when the driver has read the effect of
    // this.
    line.run_until(line.now() + as_duration(Seconds{0.6 + dice.uniform()}));
  }
  const double took = Seconds{line.now() - begin}.count();
  // 9 bytes there and 7 back, without the time that interface and unit take.
  const double wire = ms(mk3::byte_time * (9 + 7));
  std::printf(
      "{\"setpoints\": %zu, \"wire_ms\": %.0f, \"trip_p50_ms\": %.0f, \"wait_p50_ms\": %.0f, "
      "\"wait_p99_ms\": %.0f, \"wait_max_ms\": %.0f, \"ack_p50_ms\": %.0f, \"ack_p99_ms\": %.0f, "
      "\"ack_max_ms\": %.0f, \"others_before\": %u, \"samples_per_s\": %.1f}\n",
      setpoint_count, wire, percentile(line.trips, 0.5), percentile(line.waits, 0.5),
      percentile(line.waits, 0.99), percentile(line.waits, 1.0), percentile(line.acks, 0.5),
      percentile(line.acks, 0.99), percentile(line.acks, 1.0), line.most_others,
      static_cast<double>(line.samples) / took);
  return 0;
}

}  // namespace esshub::bench
