// The battery's bus: SLCAN text from an adapter, or the kernel's records.
#include "protocol/pylontech/can_driver.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "sim/plant/device.hpp"
#include "tests/fuzz_targets/driver_script.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

constexpr std::uint8_t socketcan = 1;
constexpr std::uint8_t listens = 16;
constexpr std::uint8_t doubts = 32;  // each value is compared with what the frames said

bool speaks_slcan(std::uint8_t variant) {
  return (variant & socketcan) == 0;
}

/// Turns the simulated adapter's text into the kernel's records.
class AsRecords final : public Driver {
 public:
  explicit AsRecords(std::unique_ptr<Driver> adapter) : adapter_(std::move(adapter)) {}
  Step on_start(Instant now) override {
    Step step = adapter_->on_start(now);
    for (const auto* command : {"C\r", "S6\r", "O\r"}) {
      Step more = adapter_->on_bytes(to_bytes(command), now);
      if (more.wake_at) step.wake_at = more.wake_at;
    }
    return step;
  }
  Step on_bytes(ByteView record, Instant now) override {
    const auto frame = decode_record(record);
    return frame ? records(adapter_->on_bytes(encode_slcan(*frame), now)) : Step{};
  }
  Step on_timer(Instant now) override { return records(adapter_->on_timer(now)); }
  void on_down(Instant now) override { adapter_->on_down(now); }
  [[nodiscard]] const DriverHealth& health() const override { return adapter_->health(); }

 private:
  Step records(Step step) {
    std::vector<Bytes> frames;
    for (const auto& text : step.send) {
      for (const auto& item : reader_.feed(text)) {
        if (const auto* frame = std::get_if<CanFrame>(&item))
          frames.push_back(encode_record(*frame));
      }
    }
    step.send = std::move(frames);
    return step;
  }

  std::unique_ptr<Driver> adapter_;
  SlcanReader reader_;
};

/// How far apart two values may be and still confirm each other: see the rules in jump_guard.cpp.
double jump(Measure measure) {
  switch (measure) {
    case Measure::cvl:
    case Measure::ccl:
    case Measure::dcl:
    case Measure::dvl:
      return 0.2;
    case Measure::voltage:
      return 2.0;
    case Measure::current:
      return 30.0;
    case Measure::modules:
    case Measure::protections:
    case Measure::warnings:
    case Measure::requests:
      return 0.0;
    default:
      return 1.0;
  }
}

/// What is believed where one frame said `said`: is there room for `passed` in it?
bool allows(Measure measure, double said, double passed) {
  const auto bits = [](double value) { return static_cast<std::uint32_t>(value); };
  switch (measure) {
    case Measure::soc:
    case Measure::cvl:
    case Measure::ccl:
    case Measure::dcl:
      return passed <= said + jump(measure);
    case Measure::dvl:
      return passed >= said - jump(measure);
    case Measure::protections:
    case Measure::warnings:
      return (bits(said) & ~bits(passed)) == 0;
    case Measure::requests:
      return (bits(passed) & ~bits(said)) == 0;
    default:
      return std::abs(passed - said) <= jump(measure);
  }
}

/// The driver of an adapter's text beside one that takes each frame at its word. What only one
/// frame said, far from the others, must not widen what the battery allows; what two in a row said
/// must pass.
class Doubted final : public Driver {
 public:
  explicit Doubted(PylontechConfig config)
      : driver_(make_pylontech_driver(config)),
        credulous_(make_pylontech_driver({.framing = CanFraming::socketcan, .listen_only = true})) {
  }

  Step on_start(Instant now) override {
    reader_.reset();
    said_.clear();
    (void)credulous_->on_start(now);
    return driver_->on_start(now);
  }
  /// At most one frame at a time, so that each value can be laid beside the one it was made of.
  Step on_bytes(ByteView bytes, Instant now) override {
    Step all;
    do {
      const auto end = std::ranges::find(bytes, std::byte{'\r'});
      const auto size = static_cast<std::size_t>(end - bytes.begin());
      const ByteView line = bytes.first(std::min(size + 1, bytes.size()));
      bytes = bytes.subspan(line.size());
      std::vector<Sample> said;
      for (const auto& item : reader_.feed(line)) {
        if (const auto* frame = std::get_if<CanFrame>(&item))
          said = credulous_->on_bytes(encode_record(*frame), now).samples;
      }
      Step step = driver_->on_bytes(line, now);
      compare(said, step.samples);
      add(all, std::move(step));
    } while (!bytes.empty());
    return all;
  }
  Step on_timer(Instant now) override { return driver_->on_timer(now); }
  void on_down(Instant now) override {
    driver_->on_down(now);
    credulous_->on_down(now);
  }
  [[nodiscard]] const DriverHealth& health() const override { return driver_->health(); }

 private:
  void compare(const std::vector<Sample>& said, const std::vector<Sample>& passed) {
    std::size_t believed = 0;
    for (const auto& sample : said) {
      const Measure measure = sample.channel.measure;
      auto& all = said_[measure];
      const bool twice = !all.empty() && all.back() == sample.value;
      all.push_back(sample.value);
      const auto found = std::ranges::find(passed, sample.channel, &Sample::channel);
      if (found == passed.end()) {
        promise(!twice, "what was said twice in a row is not held back");
        continue;
      }
      ++believed;
      promise(!twice || found->value == sample.value, "what was said twice in a row is believed");
      promise(allows(measure, sample.value, found->value), "never more than the newest frame says");
      const auto witnesses = std::ranges::count_if(
          all, [&](double one) { return allows(measure, one, found->value); });
      promise(all.size() == 1 || witnesses >= 2, "no jump is believed that was said only once");
    }
    promise(believed == passed.size(), "no value that no frame said");
  }
  static void add(Step& all, Step more) {
    all.samples.insert(all.samples.end(), more.samples.begin(), more.samples.end());
    for (auto& bytes : more.send) all.send.push_back(std::move(bytes));
    for (auto& event : more.events) all.events.push_back(std::move(event));
    all.wake_at = more.wake_at;
    all.reopen = all.reopen || more.reopen;
  }

  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Driver> credulous_;
  SlcanReader reader_;
  std::map<Measure, std::vector<double>> said_;
};

std::unique_ptr<Driver> make_driver(std::uint8_t variant) {
  const PylontechConfig config{
      .framing = speaks_slcan(variant) ? CanFraming::slcan : CanFraming::socketcan,
      .listen_only = (variant & listens) != 0};
  if (speaks_slcan(variant) && (variant & doubts) != 0) return std::make_unique<Doubted>(config);
  return make_pylontech_driver(config);
}

std::unique_ptr<Driver> make_device(std::uint8_t variant) {
  static const sim::BatteryTruth truth;
  auto adapter = sim::make_fake_battery(truth, {.profile_13 = (variant & 2) != 0,
                                                .needs_keep_alive = (variant & (4 | listens)) == 4,
                                                .transmit_ack = (variant & 8) != 0});
  if (speaks_slcan(variant)) return adapter;
  return std::make_unique<AsRecords>(std::move(adapter));
}

/// A frame: kind and high bits of the identifier, its low byte, then the data.
Bytes seal(std::uint8_t variant, ByteView, ByteView content) {
  if (content.size() < 2) return {};
  const unsigned high = u8(content[0]);
  CanFrame frame = make_frame((high & 7u) << 8 | u8(content[1]), content.subspan(2));
  frame.remote = (high & 0x20) != 0;
  frame.extended = (high & 0x40) != 0;
  frame.error = (high & 0x80) != 0 && !speaks_slcan(variant);
  return speaks_slcan(variant) ? encode_slcan(frame) : encode_record(frame);
}

void check_sent(std::uint8_t variant, ByteView bytes, const std::optional<Setpoint>&, Instant) {
  SlcanReader reader;
  if (speaks_slcan(variant)) {
    for (const auto& item : reader.feed(bytes)) {
      promise((variant & listens) == 0 || !std::holds_alternative<CanFrame>(item),
              "a listener sends no frame");
    }
  } else {
    promise((variant & listens) == 0, "a listener sends nothing");
    const auto frame = decode_record(bytes);
    promise(frame && frame->id == 0x305, "only the keep-alive");
  }
}

}  // namespace

const Target target{make_driver, make_device, seal, nullptr, check_sent};

}  // namespace esshub::fuzz
