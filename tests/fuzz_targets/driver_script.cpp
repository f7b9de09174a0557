#include "tests/fuzz_targets/driver_script.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Driver;
using protocol::Step;

/// One line of the script: this byte modulo the number of them, then its own parameters.
enum class Act : std::uint8_t {
  wait,       ///< time passes on a sound line
  damage,     ///< the device's next message will be cut, flipped, doubled, ...
  invent,     ///< a well-formed message that the device did not send
  noise,      ///< any bytes
  oversleep,  ///< time passes, wake-ups come late
  wake,       ///< a wake-up that nobody asked for
  command,    ///< a setpoint
  replug,     ///< the line goes and comes
  mute,       ///< the device is unplugged, or plugged in again
  old_chunk,  ///< noise that was stamped a little before the last wake-up
  trickle,    ///< as invent, byte by byte
  last = trickle,
};
enum class Damage : std::uint8_t { none, flip, drop, insert, cut, twice, swallow, last = swallow };

constexpr unsigned most_steps = 800;  // of one script, so that none takes long
constexpr unsigned most_wakes_at_once = 16;
constexpr unsigned most_wakes_in_a_row = 64;  // within 10 ms
constexpr std::size_t most_sent = 512;        // bytes in one step
constexpr std::size_t longest_detail = 600;

/// 1 ms to 16 s, fine and coarse.
Duration duration_of(std::uint8_t code) {
  return (1 + (code & 15)) * std::chrono::milliseconds(1 << (code >> 4)) / 2;
}

bool is_name(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}
/// One line of printable ASCII: wire bytes must not reach the log raw.
bool is_one_line(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// For a person who looks at one input: ESSHUB_TRACE=1 shows every byte with its time.
const bool tracing = std::getenv("ESSHUB_TRACE") != nullptr;

class Player {
 public:
  explicit Player(std::uint8_t variant)
      : variant_(variant),
        driver_(target.make_driver(variant)),
        device_(target.make_device(variant)) {
    Step step = device_->on_start(now_);
    from_device(std::move(step));
    start();
  }

  void play(Input& input) {
    while (!input.empty() && steps_ < most_steps) act(input);
  }

  /// Whatever happened before: a sound line and a living device make it ready again.
  void expect_recovery() {
    steps_ = 0;
    mute_ = false;
    damage_ = Damage::none;
    const Instant end = now_ + target.recovery;
    bool ready = false;
    while (!ready && now_ < end) {
      run_until(now_ + 1s, std::numeric_limits<unsigned>::max());
      ready = driver_->health().ready;
    }
    if (!ready) std::fprintf(stderr, "trouble: %s\n", driver_->health().trouble.c_str());
    promise(ready, "ready again on a sound line");
  }

 private:
  void act(Input& input) {
    constexpr unsigned acts = static_cast<unsigned>(Act::last) + 1;
    switch (static_cast<Act>(input.byte() % acts)) {
      case Act::wait:
        run_until(now_ + duration_of(input.byte()), most_steps);
        return;
      case Act::damage:
        damage_ = static_cast<Damage>(input.byte() % (static_cast<unsigned>(Damage::last) + 1));
        damage_at_ = input.byte();
        damage_by_ = input.byte();
        return;
      case Act::invent:
        hear(target.seal(variant_, asked_, input.take(input.byte())), now_);
        return;
      case Act::noise:
        hear(input.take(input.byte()), now_);
        return;
      case Act::oversleep:
        now_ += duration_of(input.byte());
        wake_driver();
        return;
      case Act::wake:
        wake_driver();
        return;
      case Act::command:
        command(input);
        return;
      case Act::replug:
        if (up_) unplug();
        run_until(now_ + duration_of(input.byte()), most_steps);
        start();
        return;
      case Act::mute:
        mute_ = !mute_;
        return;
      case Act::old_chunk:
        hear(input.take(input.byte()), now_ - 3ms);
        return;
      case Act::trickle:
        for (const std::byte b : target.seal(variant_, asked_, input.take(input.byte()))) {
          hear({&b, 1}, now_);
          run_until(now_ + 1ms, most_steps);
        }
        return;
    }
  }

  void command(Input& input) {
    const Watts power{static_cast<double>(static_cast<std::int16_t>(input.word()))};
    const auto mode = static_cast<InverterMode>(input.byte() % 4);
    const Duration valid = 20ms * input.byte();
    newest_ = Setpoint{.ac_power = power, .mode = mode, .valid_until = now_ + valid};
    from_driver(driver_->on_setpoint(*newest_, now_), 0);
  }

  // ---- the line ---------------------------------------------------------------------------------

  void start() {
    up_ = true;
    reopen_at_.reset();
    from_driver(driver_->on_start(now_), 0);
  }

  void unplug() {
    up_ = false;
    driver_wake_.reset();
    driver_->on_down(now_);
    promise(!driver_->health().ready, "not ready while the line is down");
    promise(!driver_->health().trouble.empty(), "says why it is not ready");
    const Step step = driver_->on_timer(now_);  // asked for before the line went
    promise(step.send.empty() && step.samples.empty() && !step.wake_at, "nothing while down");
  }

  void hear(ByteView bytes, Instant at) {
    if (!up_ || bytes.empty()) return;
    trace("hears", protocol::to_hex(bytes));
    from_driver(driver_->on_bytes(bytes, at), bytes.size());
  }

  void wake_driver() {
    driver_wake_.reset();
    if (up_) from_driver(driver_->on_timer(now_), 0);
  }

  void from_driver(Step step, std::size_t heard) {
    ++steps_;
    for (const auto& event : step.events) trace(event.name.c_str(), event.detail);
    check(step, heard);
    if (step.wake_at) driver_wake_ = step.wake_at;
    if (step.reopen) {
      unplug();
      reopen_at_ = now_ + 1s;
      return;
    }
    if (target.live != nullptr) target.live(now_);
    for (auto& frame : step.send) {
      trace("sends", protocol::to_hex(frame));
      if (target.check_sent != nullptr) target.check_sent(variant_, frame, newest_, now_);
      if (!mute_) from_device(device_->on_bytes(frame, now_));
      asked_ = std::move(frame);
    }
  }

  void from_device(Step step) {
    if (step.wake_at) device_wake_ = step.wake_at;
    for (auto& bytes : step.send) {
      if (!mute_) on_the_wire_.push_back(std::move(bytes));
    }
  }

  void deliver() {
    for (Bytes& bytes : std::exchange(on_the_wire_, {})) {
      harm(bytes);
      hear(bytes, now_);
    }
  }

  void harm(Bytes& bytes) {
    if (bytes.empty()) return;
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(damage_at_ % bytes.size());
    switch (std::exchange(damage_, Damage::none)) {
      case Damage::none:
        return;
      case Damage::flip:
        *at ^= static_cast<std::byte>(damage_by_);
        return;
      case Damage::drop:
        bytes.erase(at);
        return;
      case Damage::insert:
        bytes.insert(at, static_cast<std::byte>(damage_by_));
        return;
      case Damage::cut:
        bytes.erase(at, bytes.end());
        return;
      case Damage::twice: {
        const Bytes again = bytes;
        bytes.insert(bytes.end(), again.begin(), again.end());
        return;
      }
      case Damage::swallow:
        bytes.clear();
        return;
    }
  }

  void trace(const char* what, const std::string& detail) const {
    if (!tracing) return;
    const auto since = std::chrono::duration<double>(now_.time_since_epoch()) - 1000s;
    std::fprintf(stderr, "%9.4f %-20s %s%s\n", since.count(), what, detail.c_str(),
                 mute_ ? "  (unplugged)" : "");
  }

  // ---- time -------------------------------------------------------------------------------------

  void run_until(Instant end, unsigned steps_left) {
    while (steps_ < steps_left) {
      deliver();
      const Instant driver = driver_wake_ && up_ ? *driver_wake_ : Instant::max();
      const Instant device = device_wake_.value_or(Instant::max());
      const Instant reopen = reopen_at_.value_or(Instant::max());
      const Instant next = std::min({driver, device, reopen});
      if (next > end) break;
      now_ = std::max(now_, next);
      if (next == reopen) {
        start();
      } else if (next == device) {
        device_wake_.reset();
        from_device(device_->on_timer(now_));
      } else {
        count_wake();
        wake_driver();
      }
    }
    now_ = std::max(now_, end);
  }

  void count_wake() {
    wakes_at_once_ = now_ == last_wake_ ? wakes_at_once_ + 1 : 0;
    last_wake_ = now_;
    promise(wakes_at_once_ < most_wakes_at_once, "a wake-up gets it on");
    if (now_ - row_since_ > 10ms) {
      row_since_ = now_;
      wakes_in_a_row_ = 0;
    }
    promise(++wakes_in_a_row_ < most_wakes_in_a_row, "no busy loop");
  }

  // ---- promises ---------------------------------------------------------------------------------

  void check(const Step& step, std::size_t heard) const {
    for (const auto& sample : step.samples) {
      promise(index(sample.channel.point) < enum_count<Point>, "a known point");
      promise(index(sample.channel.measure) < enum_count<Measure>, "a known measure");
      promise(std::isfinite(sample.value), "samples are numbers");
      promise(sample.at <= now_, "no sample from the future");
      promise(sample.at > now_ - target.oldest_sample, "no sample from long ago");
    }
    promise(step.samples.size() <= 64 + 4 * heard, "a bounded number of samples");

    std::size_t sent = 0;
    for (const auto& frame : step.send) {
      promise(!frame.empty(), "no empty frame");
      sent += frame.size();
    }
    promise(sent <= most_sent, "a bounded number of bytes sent");

    promise(step.events.size() <= 8 + heard, "a bounded number of events");
    for (const auto& event : step.events) {
      promise(is_name(event.name), "an event has a plain name");
      promise(is_one_line(event.detail), "an event is one printable line");
      promise(event.detail.size() <= longest_detail, "an event is short");
    }
    promise(!step.baud || *step.baud > 0, "a speed");

    const auto& health = driver_->health();
    promise(health.ready == health.trouble.empty(), "either ready or troubled");
    promise(is_one_line(health.trouble), "the trouble is one printable line");
  }

  std::uint8_t variant_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Driver> device_;
  Instant now_{1000s};
  std::optional<Instant> driver_wake_;
  std::optional<Instant> device_wake_;
  std::optional<Instant> reopen_at_;
  bool up_ = false;
  bool mute_ = false;
  Damage damage_ = Damage::none;
  std::uint8_t damage_at_ = 0;
  std::uint8_t damage_by_ = 0;
  std::vector<Bytes> on_the_wire_;  ///< from the device
  Bytes asked_;
  std::optional<Setpoint> newest_;
  unsigned steps_ = 0;
  unsigned wakes_at_once_ = 0;
  unsigned wakes_in_a_row_ = 0;
  Instant last_wake_{};
  Instant row_since_{};
};

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub::fuzz;
  Input input(data, size);
  const std::uint8_t variant = input.byte();
  Player player(variant & 0x7F);
  player.play(input);
  if ((variant & 0x80) != 0) player.expect_recovery();
  return 0;
}
