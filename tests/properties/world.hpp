// A house with its hub: control::Tick and service::CommandService as in the program, everything
// around them invented, one tick at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/observation.hpp"
#include "control/tick.hpp"
#include "service/command_service.hpp"
#include "tests/properties/event.hpp"

namespace esshub::properties {

/// What a case begins with.
struct House {
  control::Settings settings;
  Instant start{};  ///< of the steady clock
  WallTime wall{};
  EnumArray<Bus, unsigned> every{{1, 1, 1}};  ///< ticks from one word of the bus to the next
  bool tells_requests = true;                 ///< the stack sends 0x35C
  bool tells_capacity = false;
  bool switches_off = true;  ///< the inverter, in a power cut when it is told to
  double soc = 50.0;
  double residual_w = 500.0;
  double solar_w = 0.0;
  double ac_out_w = 100.0;
  double ev_w = 0.0;
  double heatpump_w = 0.0;
  // What an earlier run remembered (F25).
  std::vector<Duration> excursions_ago{};  ///< two at most
  std::optional<Duration> lockout_left{};
};
std::ostream& operator<<(std::ostream& out, const House& house);

/// Everything about one decision that an invariant or a count may speak of.
struct Seen {
  const control::Inputs& inputs;
  const control::Observation& observation;
  const control::Memory& memory;  ///< after it
  const Decision& decision;
  Watts power_before{};                  ///< battery power of the decision before
  std::optional<Instant> tick_before{};  ///< moment of it; nothing: memory is new
  bool first = false;                    ///< of this control: what it remembers is new
  bool program = false;                  ///< first, and the program as well
  std::uint64_t missed = 0;              ///< periods before it
  bool patched = false;                  ///< values that are no number were put behind the filter
  EnumArray<Wire, std::optional<double>>
      garbage{};  ///< came with this decision and must be dropped
};

class World {
 public:
  /// `see` is called at every decision, `tell` after it with all faults that are shown.
  World(const House& house, std::function<void(const Seen&)> see,
        std::function<void(const FaultSet&)> tell);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void happen(const Event& event);
  /// Time passes, what is alive reports, the control decides, the inverter acts.
  void tick();

 private:
  /// All that can be otherwise for a while.
  struct Now {
    EnumArray<Wire, double> value{};
    EnumArray<Wire, bool> missing{};
    EnumArray<Wire, std::optional<double>> garbage{};
    EnumArray<Wire, bool> no_number{};
    EnumArray<Bus, bool> contended{};
    double residual_w = 0.0;
    double ac_out_error_w = 0.0;
    PackVoltage pack{VoltMark::resting, 0.0};
    std::optional<double> pack_current;
    std::optional<SocTo> soc;
    Response response = Response::follows;
    bool reversed = false;
    bool stands = false;
    bool frozen = false;  ///< and its bus says so
    bool clamp_off = false;
    bool components_fail = false;
    bool stuck = false;
    FaultFlags raised;
    Overrun overrun{0, {}};
    bool trusted = true;
    std::optional<LocalStep> local_step;
    std::optional<Orders> wild;
    control::MarkTable plan;
    control::PriceTable prices;

    void take(const Change& change);
  };
  struct Lasting {
    Change change;
    unsigned left;
  };
  struct Source {
    std::vector<Sample> samples{};
    std::size_t next = 0;
    bool pop(Sample& sample);
  };
  struct Lasts;
  struct Happens;
  friend struct Happens;

  [[nodiscard]] Now healthy() const;
  void change_now();
  void start_program(bool restart);
  void start_control();
  void restart_program(const ProgramRestarts& how);
  void tell_control();
  Decision decide(const control::Inputs& given, control::Memory& memory);
  void move(Duration passed);
  void report(Bus bus, Instant at);
  void pass(Duration length);
  [[nodiscard]] double soc_goal() const;
  [[nodiscard]] double pack_v() const;
  [[nodiscard]] bool on_grid() const;
  [[nodiscard]] LocalTime local() const;
  [[nodiscard]] service::Moment moment() const {
    return {.steady = now_, .wall = wall_, .boot_time = now_.time_since_epoch()};
  }

  House house_;
  std::function<void(const Seen&)> see_;
  std::function<void(const FaultSet&)> tell_;
  Now is_;
  std::vector<Lasting> lasting_;
  int boots_ = 0;  ///< of the machine
  Instant now_;
  WallTime wall_;
  std::optional<Instant> stepped_at_;  ///< the wall clock
  std::optional<CivilMinute> held_;
  double soc_;
  double inverter_w_ = 0.0;
  double shown_w_ = 0.0;  ///< grid, behind the meter's filter
  double setpoint_w_ = 0.0;
  EnumArray<Wire, double> sent_{};
  EnumArray<Wire, std::optional<double>> garbage_{};
  std::uint64_t ticks_ = 0;

  std::optional<std::string> state_file_;
  Orders orders_;
  std::unique_ptr<service::CommandService> commands_;
  std::unique_ptr<control::Tick> tick_;
  EnumArray<Bus, Source> sources_;
  std::optional<ProgramRestarts> stopping_;
  bool new_control_ = true;
  bool new_program_ = true;
  Snapshot patched_;
};

}  // namespace esshub::properties
