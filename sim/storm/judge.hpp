// Judge: watches wires and house of an episode and says which promise of docs/safety-contract.md
// was broken first. It knows the hub's word for faults and decisions, and nothing else of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/settings.hpp"
#include "model/command.hpp"
#include "model/decision.hpp"
#include "sim/plant/plant.hpp"
#include "sim/storm/injection.hpp"
#include "sim/storm/wire_tap.hpp"

namespace esshub::sim::storm {

/// What of the hub is there.
struct HubState {
  bool running = false;   ///< a process
  bool control = false;   ///< and a control in it that is not standing still
  bool inverter = false;  ///< the part that speaks to it lives and is not stuck
  const FaultSet* faults = nullptr;
  InverterMode mode = InverterMode::release;
};

/// Lenient where the contract leaves time: 1 s for the ramp, what the wire needs, and the load on
/// AC-out as it was in the last seconds. What nobody has told the hub it cannot know: the load on
/// AC-out is the inverter's word for it, and a meter is frozen since its first reply that repeats
/// itself. All moments are true ones.
class Judge {
 public:
  Judge(const control::Settings& settings, Instant start);

  void on_injection(const Injection& injection, bool begins, Instant now);
  void on_process(bool started, Instant now);
  void on_control_started(Instant now) {
    control_since_ = now;
    decided_ = false;
    standstill_.reset();
    stall_.reset();
  }
  /// The meters' part of the hub: a new one has heard no reply yet.
  void on_meters_started() { same_since_.reset(); }
  void on_order(const Command& command, Instant now);
  /// `heard`: the hub may go by it, which it must not by what a flooded line brings (F29) or what
  /// waits too long to be read (I10). Its age runs on without.
  void on_meter(const MeterReply& reply, bool heard, Instant now);
  void on_bms(const CanWords& frame, bool heard, Instant now);
  void on_inverter(const InterfaceFrame& frame, bool heard, Instant now);
  /// A message went to the broker.
  void on_published(const std::string& topic, const std::string& payload, Instant now);
  void on_decision(const Decision& decision, Instant now);
  /// A setpoint arrived at the inverter, which tells of itself what `told` says.
  void on_setpoint(Watts at_ac_in, const House& house, const InverterTruth& told, Instant now);
  /// After each step of the house's physics.
  void on_step(const House& house, const InverterTruth& told, const HubState& hub, Instant now);
  /// What was on the disk at a restart, and what was remembered of it.
  void on_restart(bool cutoff_kept, bool cutoff_remembered, Instant now);
  void on_end(const HubState& hub, const House& house, Instant now);
  /// F15: a door took something that is no order for one.
  void on_nonsense_obeyed(const std::string& what, Instant now) {
    broken("F15", "taken for an order: " + what, now);
  }
  void on_history_broken(const std::string& what, Instant now) { broken("F14", what, now); }
  /// An exception, a hang.
  void on_crash(const std::string& what, Instant now) { broken("crash", what, now); }

  /// "I2 at 61.2 s: ...", the first; nothing: all was kept.
  [[nodiscard]] const std::optional<std::string>& verdict() const { return verdict_; }

 private:
  static constexpr std::size_t span_buckets = 45;

  struct Extremes {
    double least = std::numeric_limits<double>::infinity();
    double most = -std::numeric_limits<double>::infinity();

    void include(const Extremes& other) {
      least = std::min(least, other.least);
      most = std::max(most, other.most);
    }
  };
  /// Extremes of a quantity in the last seconds, in steps of 100 ms.
  class Span {
   public:
    void add(double value, Instant now);
    [[nodiscard]] Extremes extremes() const;

   private:
    struct Bucket {
      std::int64_t tenth = -1;
      Extremes extremes{};
    };
    std::array<Bucket, span_buckets> buckets_{};
    std::int64_t newest_ = -1;
  };
  struct Heard {
    Instant at;
    double value;
  };
  /// The newest two words and those of the last 1.2 s; longer where the period is.
  struct Words {
    Duration span = 1200ms;
    std::deque<Heard> heard{};
    void add(double value, Instant now);
    [[nodiscard]] std::optional<double> most() const;
    [[nodiscard]] std::optional<double> least() const;
  };

  /// By how many injections now, and when the last of them ended.
  struct Disturbed {
    int active = 0;
    std::optional<Instant> ended{};
    void note(const Injection& injection, bool begins, Instant now);
    [[nodiscard]] bool calm(Duration span, Instant now) const {
      return active == 0 && (!ended || now - *ended > span);
    }
  };

  void broken(const char* promise, const std::string& what, Instant now);
  [[nodiscard]] bool calm(std::initializer_list<Injected> kinds, Duration span, Instant now) const;
  [[nodiscard]] bool bus_calm(Bus bus, Duration span, Instant now) const;
  [[nodiscard]] bool older(const std::optional<Instant>& at, Duration age, Instant now) const {
    return !at || now - *at > age;
  }
  [[nodiscard]] bool bms_older(Duration age, Instant now) const;
  void on_stall(Duration length, Instant now);
  void note_ac_out(const InverterTruth& told, Instant now);
  [[nodiscard]] Extremes ac_out(Instant now) const;
  void check_power(double charge, double discharge, Instant now);
  void check_faults(const HubState& hub, Instant now);
  void check_caps(const House& house, const HubState& hub, Instant now);
  void check_contactor(const House& house, const HubState& hub, Instant now);
  void check_cutoff(const House& house, const HubState& hub, Instant now);

  const control::Settings settings_;
  const Instant start_;
  std::optional<std::string> verdict_;

  // What goes wrong: of each kind, on each bus, and the noise on the inverter's.
  EnumArray<Injected, Disturbed> kinds_{};
  std::array<Disturbed, bus_count> buses_{};
  Disturbed inverter_noise_;

  // What arrived and was heard; registers that repeat themselves are known unheard too.
  std::optional<Instant> grid_at_;
  std::map<unsigned, std::vector<float>> grid_words_;  ///< the main meter's newest, by register
  std::optional<Instant> same_since_;                  ///< its first reply like those after it
  std::array<std::optional<Instant>, 4> bms_at_{};
  std::optional<Instant> inverter_at_;
  Words ccl_, dcl_, soc_, voltage_;
  Words charge_stop_, discharge_stop_;  ///< 1: the BMS forbids it

  struct Commanded {
    Instant at;
    double watts;
  };
  std::deque<Commanded> commanded_;
  Span ac_out_;
  struct Stall {
    Instant began;
    Instant over;
    Extremes ac_out;  ///< before it
  };
  std::optional<Stall> standstill_;  ///< the newest, long or short; two that overlap are one
  std::optional<Stall> stall_;       ///< the newest that is one (F10)
  double lowest_reserve_;
  std::optional<Instant> process_since_;
  std::optional<Instant> control_since_;  ///< it has decided, or begun where it never has
  bool decided_ = false;
  std::optional<Instant> ready_since_;  ///< hub with all its parts, uninterrupted
  std::optional<Instant> mains_since_, mains_gone_since_;
  std::optional<Instant> islanded_since_;  ///< it feeds the loads
  std::optional<Instant> acknowledged_at_;
  std::optional<Instant> import_beyond_, export_beyond_;
  std::optional<Instant> cutoff_since_;
  bool contactor_ = true;
  SwitchPosition switch_ = SwitchPosition::on;
};

}  // namespace esshub::sim::storm
