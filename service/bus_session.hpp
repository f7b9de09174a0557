// BusSession: one bus over all its openings - line state, back-off, driver and what is told of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/event.hpp"
#include "model/health.hpp"
#include "protocol/driver.hpp"

namespace esshub::service {

/// What the shell does next, in this order.
struct BusStep {
  std::vector<Sample> samples;  ///< to the control
  std::vector<Event> events;    ///< of component "bus.<name>"
  bool close = false;           ///< the line is done with: a new one is made for the next opening
  bool open = false;            ///< a new line, as BusSession::generation()
  std::optional<std::uint32_t> baud;
  std::vector<protocol::Bytes> send;
  std::optional<Instant> setpoint_written;  ///< as protocol::Step
  bool report = false;                      ///< health() has changed in what must be known at once
};

/// Single-threaded and pure: who owns the line and reads the clock does as the steps say, and calls
/// on_timer() at wake_at(). What the line says carries the generation of its opening; words of an
/// earlier one are ignored. After a loss the line is opened anew: after 0.2 s, doubling to 5 s,
/// back to 0.2 s once good frames arrive. A line that is up and brings no valid frame for 30 s is
/// closed and opened anew too, then after every minute of silence (Fault::line_silent).
class BusSession {
 public:
  BusSession(std::string name, std::unique_ptr<protocol::Driver> driver);

  [[nodiscard]] BusStep on_start();
  [[nodiscard]] BusStep on_up(std::uint64_t generation, Instant now);
  /// `at`: when the last of the bytes arrived.
  [[nodiscard]] BusStep on_bytes(std::uint64_t generation, std::span<const std::byte> bytes,
                                 Instant at, Instant now);
  [[nodiscard]] BusStep on_down(std::uint64_t generation, const std::string& reason, Instant now);
  /// More comes than the wire can carry, or no longer: Fault::line_flooded. It outlives the line's
  /// loss by 10 s, or until the next line says so again.
  [[nodiscard]] BusStep on_flood(std::uint64_t generation, bool flooded, Instant now);
  /// The thread did not look at its port for so long, and what has come meanwhile is thrown away:
  /// counted, and told the first and every hundredth time. What the driver warns of within 5 s, and
  /// until it is ready again, tells it too: it may be no fault of the wire.
  [[nodiscard]] BusStep on_discard(std::uint64_t generation, Duration unread, Instant now);
  /// May come early, late or twice.
  [[nodiscard]] BusStep on_timer(Instant now);
  [[nodiscard]] BusStep on_setpoint(const Setpoint& setpoint, Instant now);

  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// The next moment for on_timer(); nothing: none is due.
  [[nodiscard]] std::optional<Instant> wake_at() const;
  /// As in health(), without a copy of the rest.
  [[nodiscard]] FaultFlags faults() const;
  /// As of now; `restarts`, `queue_dropped` and `setpoint_latency` are the shell's.
  [[nodiscard]] BusHealth health() const;

 private:
  /// What a person or the control must know at once; counters wait for the next report.
  struct Vital {
    bool line_up = false;
    bool ready = false;
    FaultFlags faults;
    friend bool operator==(const Vital&, const Vital&) = default;
  };

  [[nodiscard]] std::uint64_t good_frames() const;
  [[nodiscard]] Vital vital() const;
  [[nodiscard]] BusStep take(protocol::Step step, Instant now);
  void lose(BusStep& out, const std::string& reason, Instant now);
  void close_line(BusStep& out, const std::string& reason, Instant now);
  void report_loss(BusStep& out, const std::string& reason);
  void report_up(BusStep& out, bool now);
  void line_recovered(BusStep& out);
  void set_flooded(BusStep& out, bool flooded);
  void listen(BusStep& out, Instant now);
  void check_silence(BusStep& out, Instant now);
  [[nodiscard]] std::optional<Instant> silent_at() const;
  [[nodiscard]] std::uint64_t valid_frames() const;
  [[nodiscard]] std::string received_instead() const;
  BusStep finish(BusStep out);

  std::unique_ptr<protocol::Driver> driver_;
  BusHealth health_;  ///< without the driver's part
  std::string line_trouble_ = "the line is being opened";
  std::uint64_t generation_ = 0;
  std::optional<Instant> driver_wake_at_;
  std::optional<Instant> reopen_at_;
  /// What the line has brought since it last brought something valid, over its reopenings by us.
  struct Quiet {
    Instant since;
    FrameCounters frames;  ///< then
    std::uint64_t bytes_in;
  };
  std::optional<Quiet> quiet_;
  std::optional<Instant> up_since_;
  std::uint64_t valid_frames_ = 0;  ///< when listened last
  bool silent_ = false;
  std::uint64_t silences_ = 0;   ///< reopenings for silence, until something valid comes
  bool silence_told_ = false;    ///< the newest one
  std::string silence_trouble_;  ///< while silent_
  bool flooded_ = false;
  std::optional<Instant> flood_over_at_;  ///< of a line that was lost in a flood
  /// The newest one from which the driver may still have to recover.
  struct Discard {
    Instant at;
    std::string unread;  ///< "0.8"
  };
  std::optional<Discard> discard_;
  Vital reported_;
  Duration backoff_;
  std::uint64_t frames_at_open_ = 0;
  std::string loss_reason_;
  std::uint64_t losses_ = 0;    ///< for that reason, since the device last spoke
  bool loss_reported_ = false;  ///< the newest one
  bool up_reported_ = false;    ///< since the line is up
  bool ever_up_ = false;
};

}  // namespace esshub::service
