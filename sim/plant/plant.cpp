#include "sim/plant/plant.hpp"

#include <algorithm>

namespace esshub::sim {
namespace {

constexpr std::array buses{Bus::meters, Bus::battery, Bus::inverter};

/// A device hears a request when all of it has arrived.
WireSettings towards_device(WireSettings settings) {
  settings.latency = std::chrono::hours{1};
  return settings;
}

void earliest(Instant& best, std::optional<Instant> other) {
  if (other) best = std::min(best, *other);
}

}  // namespace

Plant::Plant(const PlantSettings& settings, const DeviceMakers& makers, Instant start)
    : settings_(settings),
      start_(start),
      now_(start),
      next_step_(start + settings.step),
      house_(settings.house),
      links_{Link{makers.meters(main_meter_, battery_meter_),
                  Wire{towards_device(settings.wires[0]), settings.seed * 8 + 1},
                  Wire{settings.wires[0], settings.seed * 8 + 2},
                  {},
                  {}},
             Link{makers.battery(battery_),
                  Wire{towards_device(settings.wires[1]), settings.seed * 8 + 3},
                  Wire{settings.wires[1], settings.seed * 8 + 4},
                  {},
                  {}},
             Link{makers.inverter(inverter_, house_.command()),
                  Wire{towards_device(settings.wires[2]), settings.seed * 8 + 5},
                  Wire{settings.wires[2], settings.seed * 8 + 6},
                  {},
                  {}}} {
  step_physics(Duration{});
  for (const auto bus : buses) take(bus, link(bus).device->on_start(now_));
}

/// Lets `dt` pass in the house, then the devices see the result.
void Plant::step_physics(Duration dt) {
  const auto since_start = now_ - start_;
  const auto power = [&](const std::optional<Watts>& set, const Profile& profile) {
    if (set) return *set;
    return profile ? profile(since_start) : Watts{};
  };
  house_.set_load(power(load_, settings_.load));
  house_.set_solar(power(solar_, settings_.solar));
  house_.advance(dt);
  show();
}

void Plant::show() {
  const auto moves = [&](Bus bus) { return link(bus).fault.kind != FaultKind::stuck; };
  if (moves(Bus::meters)) {
    main_meter_ = house_.main_meter();
    battery_meter_ = house_.battery_meter();
  }
  if (moves(Bus::battery)) battery_ = house_.battery_truth();
  if (moves(Bus::inverter)) inverter_ = house_.inverter_truth();
}

bool Plant::dead(Bus bus) const {
  return bus == Bus::meters && !house_.truth().grid_on && !settings_.meters_live_without_grid;
}

void Plant::take(Bus bus, const protocol::Step& step) {
  Link& l = link(bus);
  for (const auto& bytes : step.send) l.out.push(bytes, now_);
  if (step.baud) {
    l.device_baud = step.baud;
    tune(bus);
  }
  // Never the present again: a device cannot hold up time.
  if (step.wake_at) l.wake_at = std::max(*step.wake_at, now_ + 1us);
}

void Plant::tune(Bus bus) {
  Link& l = link(bus);
  const auto wired = settings_.wires[static_cast<std::size_t>(bus)].baud;
  const auto hub = l.hub_baud.value_or(wired);
  const auto device = l.device_baud.value_or(wired);
  l.in.set_speeds(hub, device);
  l.out.set_speeds(device, hub);
}

void Plant::set_baud(Bus bus, std::uint32_t baud) {
  if (link(bus).hub_baud == baud) return;
  link(bus).hub_baud = baud;
  tune(bus);
}

Instant Plant::next_internal() const {
  auto best = next_step_;
  if (!actions_.empty()) earliest(best, actions_.begin()->first);
  for (const auto& link : links_) {
    earliest(best, link.in.next());
    earliest(best, link.wake_at);
  }
  return best;
}

/// Everything that is due at now_, in a fixed order: commands, physics, then the buses.
void Plant::run_due() {
  while (!actions_.empty() && actions_.begin()->first <= now_) {
    const auto action = actions_.extract(actions_.begin());
    action.mapped()(*this);
  }
  while (next_step_ <= now_) {
    step_physics(settings_.step);
    next_step_ += settings_.step;
  }
  for (const auto bus : buses) {
    auto& l = link(bus);
    if (const auto at = l.in.next(); at && *at <= now_) {
      const auto bytes = l.in.pop(now_);
      if (!dead(bus)) take(bus, l.device->on_bytes(bytes, now_));
    }
    if (l.wake_at && *l.wake_at <= now_) {
      l.wake_at.reset();
      take(bus, l.device->on_timer(now_));
    }
    if (dead(bus)) (void)l.out.pop(Instant::max());
  }
}

void Plant::advance_to(Instant now) {
  for (auto next = next_internal(); next <= now; next = next_internal()) {
    now_ = std::max(now_, next);
    run_due();
  }
  now_ = std::max(now_, now);
}

Instant Plant::next_event() const {
  auto best = Instant::max();
  if (!actions_.empty()) earliest(best, actions_.begin()->first);
  for (const auto& link : links_) {
    earliest(best, link.in.next());
    earliest(best, link.out.next());
    earliest(best, link.wake_at);
  }
  // Nothing to come: the next step of the house is soon enough.
  return std::max(now_, std::min(best, now_ + 1s));
}

void Plant::to_device(Bus bus, protocol::ByteView bytes, Instant now) {
  advance_to(now);
  link(bus).in.push(bytes, now_);
}

protocol::Bytes Plant::from_device(Bus bus, Instant now) {
  advance_to(now);
  return link(bus).out.pop(now_);
}

void Plant::set_fault(Bus bus, const BusFault& fault) {
  auto& l = link(bus);
  const bool was_out = l.fault.kind == FaultKind::unplug;
  const bool is_out = fault.kind == FaultKind::unplug;
  l.fault = fault;
  l.in.set_fault(fault);
  // A slow device answers late; it does not hear late.
  if (fault.kind == FaultKind::slow) l.in.set_fault({});
  l.out.set_fault(fault);
  // The CAN adapter lives on the USB port's power. The meters and the MK3 have their own: they go
  // on meanwhile, and so does the inverter's setpoint time-out.
  if (bus == Bus::battery && was_out && !is_out) {
    l.device->on_down(now_);
    take(bus, l.device->on_start(now_));
  }
  show();
}

}  // namespace esshub::sim
