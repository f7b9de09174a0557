#include "service/bus_session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "protocol/frame_result.hpp"

namespace esshub::service {
namespace {

constexpr Duration first_backoff = 200ms;
constexpr Duration longest_backoff = 5s;
/// A flood is over after so long without (docs/safety-contract.md, F29).
constexpr Duration flood_memory = 10s;
/// For so long what was thrown away may be missed: longer than any maximum age that is required
/// (I3).
constexpr Duration discard_tells = 5s;
/// Without a valid frame (F22); and from one opening to the next, once it is known to be silent.
constexpr Duration silence_limit = 30s;
constexpr Duration silent_reopening = 60s;

/// Well-formed, whatever it says: the line brings what the device sent.
constexpr std::array valid_results{FrameResult::ok, FrameResult::content, FrameResult::exception,
                                   FrameResult::late, FrameResult::unknown};
constexpr std::array invalid_results{FrameResult::checksum, FrameResult::length,
                                     FrameResult::resync};
static_assert(valid_results.size() + invalid_results.size() + 1 == enum_count<FrameResult>);

/// "0.8"
std::string seconds_text(Duration time) {
  const auto tenths = time / 100ms;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

BusSession::BusSession(std::string name, std::unique_ptr<protocol::Driver> driver)
    : driver_(std::move(driver)), backoff_(first_backoff) {
  health_.bus = std::move(name);
}

std::uint64_t BusSession::good_frames() const {
  return driver_->health().frames[FrameResult::ok];
}

/// The driver's and those of the line.
FaultFlags BusSession::faults() const {
  FaultFlags faults = driver_->health().faults;
  faults.set(Fault::line_flooded, flooded_);
  faults.set(Fault::line_silent, silent_);
  return faults;
}

BusSession::Vital BusSession::vital() const {
  const auto& driver = driver_->health();
  return {health_.line_up, health_.line_up && driver.ready, faults()};
}

BusStep BusSession::on_start() {
  BusStep out;
  out.open = true;
  return out;
}

BusStep BusSession::on_up(std::uint64_t generation, Instant now) {
  BusStep out;
  if (generation != generation_) return out;
  health_.line_up = true;
  if (std::exchange(ever_up_, true)) ++health_.reopens;
  frames_at_open_ = good_frames();
  up_since_ = now;
  if (!quiet_) quiet_ = Quiet{now, driver_->health().frames, health_.bytes_in};
  report_up(out, (losses_ == 0 || loss_reported_) && (!silent_ || silence_told_));
  BusStep started = take(driver_->on_start(now), now);
  started.events.insert(started.events.begin(), out.events.begin(), out.events.end());
  return finish(std::move(started));
}

BusStep BusSession::on_bytes(std::uint64_t generation, std::span<const std::byte> bytes, Instant at,
                             Instant now) {
  if (generation != generation_ || !health_.line_up) return {};
  health_.bytes_in += bytes.size();
  BusStep out = take(driver_->on_bytes(bytes, at), now);
  if (health_.line_up && good_frames() > frames_at_open_) line_recovered(out);
  return finish(std::move(out));
}

BusStep BusSession::on_down(std::uint64_t generation, const std::string& reason, Instant now) {
  BusStep out;
  if (generation != generation_) return out;
  quiet_.reset();
  lose(out, reason, now);
  return out;
}

BusStep BusSession::on_flood(std::uint64_t generation, bool flooded, Instant) {
  BusStep out;
  if (generation != generation_) return out;
  flood_over_at_.reset();
  set_flooded(out, flooded);
  return finish(std::move(out));
}

BusStep BusSession::on_discard(std::uint64_t generation, Duration unread, Instant now) {
  BusStep out;
  if (generation != generation_) return out;
  const std::string seconds = seconds_text(unread);
  if (driver_->health().ready) discard_ = Discard{now, seconds};
  if (protocol::is_log_due(++health_.discards))
    out.events.push_back(
        {Level::warning, "input_discarded",
         "thread_late_s=" + seconds + " count=" + std::to_string(health_.discards)});
  return out;
}

BusStep BusSession::on_timer(Instant now) {
  BusStep out;
  if (flood_over_at_ && now >= *flood_over_at_) {
    flood_over_at_.reset();
    set_flooded(out, false);
  }
  if (reopen_at_ && now >= *reopen_at_) {
    reopen_at_.reset();
    out.open = true;
  }
  check_silence(out, now);
  if (!driver_wake_at_ || now < *driver_wake_at_) return finish(std::move(out));
  driver_wake_at_.reset();
  BusStep woken = take(driver_->on_timer(now), now);
  woken.events.insert(woken.events.begin(), out.events.begin(), out.events.end());
  return finish(std::move(woken));
}

BusStep BusSession::on_setpoint(const Setpoint& setpoint, Instant now) {
  if (!health_.line_up) return {};
  return finish(take(driver_->on_setpoint(setpoint, now), now));
}

std::optional<Instant> BusSession::wake_at() const {
  return earlier(earlier(flood_over_at_, silent_at()), earlier(reopen_at_, driver_wake_at_));
}

BusHealth BusSession::health() const {
  BusHealth health = health_;
  health.driver = driver_->health();
  health.driver.faults = faults();
  if (!health.line_up) {
    health.driver.ready = false;
    health.driver.trouble = line_trouble_;
  } else if (silent_) {
    health.driver.trouble += (health.driver.trouble.empty() ? "" : "; ") + silence_trouble_;
  } else if (discard_ && !health.driver.ready) {
    health.driver.trouble += "; the hub's own thread had not looked at the port for " +
                             discard_->unread + " s, and what had come was thrown away";
  }
  return health;
}

void BusSession::lose(BusStep& out, const std::string& reason, Instant now) {
  report_loss(out, reason);
  close_line(out, reason, now);
}

/// The line is gone: the driver forgets everything, and after the back-off there is a new line.
void BusSession::close_line(BusStep& out, const std::string& reason, Instant now) {
  if (std::exchange(health_.line_up, false)) driver_->on_down(now);
  driver_wake_at_.reset();
  ++generation_;  // nothing this line still says counts
  line_trouble_ = reason;
  up_since_.reset();
  discard_.reset();
  if (flooded_) flood_over_at_ = now + flood_memory;
  reopen_at_ = now + backoff_;
  backoff_ = std::min(2 * backoff_, longest_backoff);
  out.close = true;
  out.report = true;
  reported_ = vital();
}

// A device that stays away, or comes and goes without a word (a CAN bus on which nobody
// acknowledges), is reported the first and every hundredth time; another reason is news again.

void BusSession::report_loss(BusStep& out, const std::string& reason) {
  if (std::exchange(loss_reason_, reason) != reason) losses_ = 0;
  loss_reported_ = protocol::is_log_due(++losses_);
  if (!loss_reported_) return;
  out.events.push_back(
      {Level::warning, "line_down",
       "reason=" + log_quoted(reason) + (losses_ > 1 ? " count=" + std::to_string(losses_) : "")});
}

void BusSession::report_up(BusStep& out, bool now) {
  up_reported_ = now;
  if (now) out.events.push_back({Level::notice, "line_up", ""});
}

void BusSession::set_flooded(BusStep& out, bool flooded) {
  if (std::exchange(flooded_, flooded) == flooded) return;
  out.events.push_back(flooded ? Event{Level::warning, "line_flooded", ""}
                               : Event{Level::notice, "line_flood_over", ""});
}

std::uint64_t BusSession::valid_frames() const {
  std::uint64_t valid = 0;
  for (const auto result : valid_results) valid += driver_->health().frames[result];
  return valid;
}

/// Something valid ends the silence; a driver that asks nothing cannot expect it.
void BusSession::listen(BusStep& out, Instant now) {
  const bool valid = valid_frames() != std::exchange(valid_frames_, valid_frames());
  if (!quiet_ || (!valid && !driver_->only_listens())) return;
  quiet_ = Quiet{now, driver_->health().frames, health_.bytes_in};
  if (!valid || !std::exchange(silent_, false)) return;
  silences_ = 0;
  out.events.push_back({Level::notice, "line_heard", ""});
}

std::optional<Instant> BusSession::silent_at() const {
  if (!quiet_ || !up_since_) return std::nullopt;
  const Instant first = quiet_->since + silence_limit;
  return silent_ ? std::max(first, *up_since_ + silent_reopening) : first;
}

/// Some gateways and adapters come back only when they are opened anew.
void BusSession::check_silence(BusStep& out, Instant now) {
  listen(out, now);
  const auto at = silent_at();
  if (!at || now < *at) return;
  silent_ = true;
  silence_told_ = protocol::is_log_due(++silences_);
  const std::string received = received_instead();
  silence_trouble_ = "nothing valid for " +
                     std::to_string(std::chrono::floor<std::chrono::seconds>(now - quiet_->since) /
                                    std::chrono::seconds{1}) +
                     " s (received: " + received + ")";
  if (silence_told_)
    out.events.push_back({Level::warning, "line_silent",
                          "received=" + log_quoted(received) +
                              (silences_ > 1 ? " count=" + std::to_string(silences_) : "")});
  close_line(out, silence_trouble_ + ": the line is opened anew", now);
}

/// Since the silence began: "nothing at all", or bytes and what was wrong with them.
std::string BusSession::received_instead() const {
  const auto bytes = health_.bytes_in - quiet_->bytes_in;
  if (bytes == 0) return "nothing at all";
  std::string out = std::to_string(bytes) + " bytes";
  const auto before = out.size();
  for (const auto result : invalid_results) {
    const auto count = driver_->health().frames[result] - quiet_->frames[result];
    if (count > 0) out += ", " + std::to_string(count) + " x " + std::string(name(result));
  }
  return out.size() == before ? out + " and no frame" : out;
}

/// The device speaks: what went wrong before is over.
void BusSession::line_recovered(BusStep& out) {
  backoff_ = first_backoff;
  if (!up_reported_) report_up(out, true);
  losses_ = 0;
}

BusStep BusSession::take(protocol::Step step, Instant now) {
  BusStep out;
  // What comes faster than the wire carries has waited somewhere, nobody knows how long: it is not
  // current. A line that was opened since has nothing that waited.
  const bool waited = flooded_ && !flood_over_at_;
  if (!waited) out.samples = std::move(step.samples);
  listen(out, now);
  // A driver that begins anew with every opening has the same to tell each time.
  if (discard_ && driver_->health().ready && now - discard_->at > discard_tells) discard_.reset();
  if (discard_)
    for (Event& event : step.events)
      if (event.level <= Level::warning)
        event.detail += (event.detail.empty() ? "" : " ") + ("thread_late_s=" + discard_->unread);
  if (!silent_ || silence_told_)
    out.events.insert(out.events.end(), step.events.begin(), step.events.end());
  if (step.reopen) {
    lose(out, "the driver asks for a fresh start", now);
    return out;
  }
  out.baud = step.baud;
  out.send = std::move(step.send);
  out.setpoint_written = step.setpoint_written;
  for (const auto& frame : out.send) health_.bytes_out += frame.size();
  if (step.wake_at) driver_wake_at_ = step.wake_at;
  return out;
}

BusStep BusSession::finish(BusStep out) {
  const Vital now = vital();
  if (std::exchange(reported_, now) != now) out.report = true;
  return out;
}

}  // namespace esshub::service
