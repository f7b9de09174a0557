// The whole simulated installation in virtual time: house, devices and the wires to them. Pure.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "sim/plant/device.hpp"
#include "sim/plant/fault.hpp"
#include "sim/plant/house.hpp"
#include "sim/plant/wire.hpp"

namespace esshub::sim {

/// How the devices are made; they keep the references.
struct DeviceMakers {
  std::function<std::unique_ptr<Device>(const MeterTruth& main, const MeterTruth& battery)> meters;
  std::function<std::unique_ptr<Device>(const BatteryTruth& truth)> battery;
  std::function<std::unique_ptr<Device>(const InverterTruth& truth, InverterCommand& command)>
      inverter;
};

/// Power as a function of the time since the start.
using Profile = std::function<Watts(Duration since_start)>;

struct PlantSettings {
  HouseSettings house;
  std::array<WireSettings, bus_count> wires{
      WireSettings{.baud = 9600}, WireSettings{.baud = 115200}, WireSettings{.baud = 2400}};
  /// Real meters live on the line they measure and fall silent in a power cut.
  bool meters_live_without_grid = false;
  Duration step = 20ms;  ///< of the physics
  Profile load;          ///< nothing: 0 W
  Profile solar;         ///< nothing: 0 W
  std::uint64_t seed = 1;
};

class Plant {
 public:
  using Action = std::function<void(Plant&)>;

  Plant(const PlantSettings& settings, const DeviceMakers& makers, Instant start);
  Plant(const Plant&) = delete;
  Plant& operator=(const Plant&) = delete;

  /// Lets everything happen up to and including `now`. An earlier `now` is taken as the present.
  void advance_to(Instant now);
  /// When something may happen that is seen outside; never before the present.
  [[nodiscard]] Instant next_event() const;
  /// Bytes the hub writes; the device hears them when they have really arrived.
  void to_device(Bus bus, protocol::ByteView bytes, Instant now);
  /// Bytes that have arrived at the hub since the last call.
  [[nodiscard]] protocol::Bytes from_device(Bus bus, Instant now);

  /// Runs `action` when its time has come.
  void at(Instant when, Action action) { actions_.emplace(when, std::move(action)); }
  void set_fault(Bus bus, const BusFault& fault);
  /// The hub sets its end of the wire to this speed; until then it has the wire's own.
  void set_baud(Bus bus, std::uint32_t baud);
  [[nodiscard]] const BusFault& fault(Bus bus) const { return link(bus).fault; }
  /// Replaces the profile until called with nothing.
  void set_load(std::optional<Watts> load) { load_ = load; }
  void set_solar(std::optional<Watts> solar) { solar_ = solar; }

  [[nodiscard]] House& house() { return house_; }
  [[nodiscard]] const House& house() const { return house_; }
  /// What the inverter tells of: the truth, or what it was when its bus got stuck.
  [[nodiscard]] const InverterTruth& told_by_inverter() const { return inverter_; }
  [[nodiscard]] Instant start() const { return start_; }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  struct Link {
    std::unique_ptr<Device> device;
    Wire in;   ///< to the device
    Wire out;  ///< from the device
    std::optional<Instant> wake_at;
    BusFault fault;
    // Speed of either end where it is not the wire's own.
    std::optional<std::uint32_t> hub_baud{};
    std::optional<std::uint32_t> device_baud{};
  };
  [[nodiscard]] Link& link(Bus bus) { return links_[static_cast<std::size_t>(bus)]; }
  [[nodiscard]] const Link& link(Bus bus) const { return links_[static_cast<std::size_t>(bus)]; }
  [[nodiscard]] Instant next_internal() const;
  void run_due();
  void take(Bus bus, const protocol::Step& step);
  void tune(Bus bus);
  void step_physics(Duration dt);
  void show();
  [[nodiscard]] bool dead(Bus bus) const;

  PlantSettings settings_;
  Instant start_;
  Instant now_;
  Instant next_step_;
  House house_;
  // What the devices see: the house's truth, or what it was when the bus got stuck.
  MeterTruth main_meter_;
  MeterTruth battery_meter_;
  BatteryTruth battery_;
  InverterTruth inverter_;
  std::array<Link, bus_count> links_;
  std::multimap<Instant, Action> actions_;
  std::optional<Watts> load_;
  std::optional<Watts> solar_;
};

}  // namespace esshub::sim
