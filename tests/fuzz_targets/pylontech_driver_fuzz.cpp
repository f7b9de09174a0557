// The battery's bus: SLCAN text from an adapter, or the kernel's records.
#include "protocol/pylontech_driver.hpp"

#include <algorithm>

#include "protocol/can_frame.hpp"
#include "protocol/slcan.hpp"
#include "sim/plant/device.hpp"
#include "tests/fuzz_targets/driver_script.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

constexpr std::uint8_t socketcan = 1;
constexpr std::uint8_t listens = 16;

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

std::unique_ptr<Driver> make_driver(std::uint8_t variant) {
  return make_pylontech_driver(
      {.framing = speaks_slcan(variant) ? CanFraming::slcan : CanFraming::socketcan,
       .listen_only = (variant & listens) != 0});
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
