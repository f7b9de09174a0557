// HubProcess: one run of the hub in virtual time: all that decides, wired as actors/hub.cpp does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "civil_time/local_clock.hpp"
#include "control/tick.hpp"
#include "service/bus_session.hpp"
#include "service/command_service.hpp"
#include "service/feeds.hpp"
#include "service/supervision.hpp"
#include "sim/closed_loop.hpp"
#include "sim/plant/plant.hpp"
#include "sim/storm/doors.hpp"
#include "sim/storm/history_part.hpp"
#include "sim/storm/machine.hpp"
#include "sim/storm/state_writer.hpp"

namespace esshub::sim::storm {

/// Who looks on: the moments are true ones (Plant::now()).
class Onlooker {
 public:
  Onlooker() = default;
  Onlooker(const Onlooker&) = delete;
  Onlooker& operator=(const Onlooker&) = delete;
  virtual ~Onlooker() = default;

  virtual void on_event(const std::string& component, const Event& event) = 0;
  virtual void on_line(Bus bus, bool open) = 0;
  virtual void on_sent(Bus bus, protocol::ByteView bytes) = 0;
  virtual void on_tick(const control::Tick& tick) = 0;
  virtual void on_part(const std::string& name, bool started) = 0;
  virtual void on_disk(const char* what, bool ok) = 0;
  /// What the history's thread does at the end of a run, in which so much has flowed.
  virtual void on_history(HistoryPart::Did did, const EnergyTotals& flowed) = 0;
  virtual void on_energies_shown(const EnergyTotals& shown) = 0;
  /// A command that came to the command service.
  virtual void on_order(const Command& command, const std::string& who,
                        const Result<void>& answer) = 0;
  virtual void on_published(const publish::MqttMessage& message) = 0;
  /// A second has passed; the sum of all that was ever published.
  virtual void on_second(std::uint64_t published) = 0;
};

struct HubSetup {
  ClosedLoopSettings loop;
  civil_time::Zone zone;
  publish::HistorySettings history;
};

/// From its start to its end, by kill (its destructor: nothing more is done) or by an orderly stop.
class HubProcess {
 public:
  HubProcess(const HubSetup& setup, MachineClocks& clocks, VirtualDisk& disk, HistoryFiles& files,
             Plant& plant, Onlooker& onlooker);

  /// When something of it is due; may be in the past.
  [[nodiscard]] Instant next() const;
  /// What is due at Plant::now(), but for the history's thread.
  void run_due();
  /// That; what it has done.
  [[nodiscard]] std::optional<HistoryPart::Did> run_history();
  /// Bytes that have arrived at the port.
  void on_bytes(Bus bus, protocol::ByteView bytes);
  /// The adapter was pulled or put back.
  void follow_plug(Bus bus);

  /// A client says something that means this.
  [[nodiscard]] Result<void> say(const Command& wish, const std::string& who) {
    return doors_.say(wish, who, now());
  }
  [[nodiscard]] std::optional<std::string> say_nonsense(std::size_t n) {
    return doors_.say_nonsense(n, now());
  }
  /// Somebody tells prices, in a text of the form of docs/feeds.md. True: they are news.
  [[nodiscard]] Result<bool> tell(std::string_view text);
  /// A hub that stands still finds out afterwards.
  void set_broker(bool there);
  /// SIGTERM, of which a hub that stands still learns afterwards; then stopped() says how it ended.
  void begin_stop();
  [[nodiscard]] std::optional<bool> stopped() const { return stopped_; }
  /// What is left to do in an orderly end.
  void close();
  /// It dies, and the history's thread within its writing, after so many bytes.
  void die_writing(std::size_t bytes);

  // What can happen to it.
  void stall_until(Instant end) {
    if (!stalled_until_) stalled_since_ = now();
    stalled_until_ = std::max(end, stalled_until_.value_or(end));
  }
  void stick(Bus bus, Instant until) {
    BusPart& part = buses_[place(bus)];
    if (!part.stuck_until) part.stuck_since = now();
    part.stuck_until = steady(until);
  }
  void kill_bus(Bus bus);
  void kill_control();
  void flood(Bus bus, bool flooded);
  void set_disk_slowness(Duration each) {
    writer_.set_slowness(each);
    history_.set_slowness(each);
  }

  [[nodiscard]] const control::Tick* control() const { return tick_ ? &*tick_ : nullptr; }
  [[nodiscard]] bool stalled() const { return stalled_until_.has_value(); }
  [[nodiscard]] bool line_open(Bus bus) const { return buses_[place(bus)].line_open; }
  /// What arrives at this port now is one the hub may go by: the line is not flooded (F29), and
  /// nobody stands still there for so long that what waits is thrown away (I10).
  [[nodiscard]] bool goes_by(Bus bus) const;
  [[nodiscard]] const EnergyTotals& flowed() const { return history_.flowed(); }
  [[nodiscard]] const service::CommandService& commands() const { return *commands_; }
  [[nodiscard]] bool part_alive(Bus bus) const { return buses_[place(bus)].session.has_value(); }

 private:
  using PartId = service::Supervision::PartId;
  /// As the queue of its bus.
  struct Queue {
    std::vector<Sample> samples;
    std::size_t read = 0;
    bool pop(Sample& sample) {
      if (read == samples.size()) {
        samples.clear();
        read = 0;
        return false;
      }
      sample = samples[read++];
      return true;
    }
  };
  struct BusPart {
    Bus bus{};
    PartId id = 0;
    std::optional<service::BusSession> session{};  ///< nothing: died
    bool line_open = false;
    bool flooded = false;  ///< the line that is open
    bool plugged = true;
    std::optional<Instant> up_at{};  ///< the line is being opened
    Instant stuck_since{};
    std::optional<Instant> stuck_until{};  ///< in a system call
    std::optional<Setpoint> newest{};      ///< that it has not taken yet
    protocol::Bytes unread{};              ///< in the kernel
    Queue queue{};
    std::uint64_t beats = 0;
  };

  [[nodiscard]] static std::size_t place(Bus bus) { return static_cast<std::size_t>(bus); }
  [[nodiscard]] Instant steady(Instant truth) const { return truth + ahead_; }
  [[nodiscard]] Instant now() const { return steady(plant_.now()); }
  [[nodiscard]] service::Moment moment() const { return clocks_.moment(plant_.now()); }
  void start_bus(BusPart& part);
  void apply(BusPart& part, service::BusStep step);
  void run_bus(BusPart& part);
  void read_port(BusPart& part);
  void discard_unread(BusPart& part, Instant last);
  void deliver_setpoint(BusPart& part);
  void start_control();
  void run_control();
  void read_local_time();
  void publish();
  void hand_prices_over();
  void look();
  void start(PartId id);
  void tell_components();
  void note_storage(const std::string& by, bool failed);

  const HubSetup& setup_;
  MachineClocks& clocks_;
  VirtualDisk& disk_;
  Plant& plant_;
  Onlooker& onlooker_;
  const Duration ahead_;                     ///< of the steady clock before the true time
  std::vector<std::string> storage_failed_;  ///< by whom it is told
  HistoryPart history_;
  EventSink events_;

  service::StateFile file_;
  StateWriter writer_;
  Orders orders_;
  std::optional<service::CommandService> commands_;
  Doors doors_;
  Instant next_second_;
  service::Feeds feeds_;  ///< of this run: what is told is not kept here
  Instant next_prices_;

  service::Supervision supervision_;
  service::ComponentsState components_;
  Instant next_look_;
  std::array<BusPart, bus_count> buses_;
  PartId control_id_ = 0;
  PartId publisher_id_ = 0;

  std::optional<control::Tick> tick_;
  bool ticked_ = false;  ///< it has decided once
  civil_time::LocalClock local_clock_;
  LocalTime local_;
  Instant deadline_{};
  std::uint64_t control_beats_ = 0;
  std::uint64_t publisher_beats_ = 0;
  std::optional<SafetyMemory> safety_;  ///< for the supervisor, not taken yet
  Instant next_view_{};
  Instant next_note_{};

  Instant stalled_since_{};
  std::optional<Instant> stalled_until_;  ///< true time
  std::vector<bool> broker_meanwhile_;    ///< that it came and went
  bool stop_meanwhile_ = false;
  std::optional<bool> stopped_;
};

}  // namespace esshub::sim::storm
