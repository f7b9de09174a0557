#include "sim/storm/hub_process.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "civil_time/clock_source.hpp"
#include "transport/line.hpp"

namespace esshub::sim::storm {
namespace {

// The hub's own: actors/control_actor.cpp, actors/supervisor.cpp, actors/hub.cpp.
constexpr Duration look_period = 500ms;
constexpr Duration view_period = 100ms;
constexpr Duration note_period = 10s;
constexpr Duration prices_period = 60s;  // actors/planner.cpp

constexpr Duration opening = 1ms;
/// What a terminal's driver keeps for who does not read.
constexpr std::size_t kernel_buffer = 4095;
/// As actors/sample_queue.hpp: what finds no room is dropped.
constexpr std::size_t queue_size = 1024;

std::unique_ptr<protocol::Driver> make_driver(const ClosedLoopSettings& settings, Bus bus) {
  switch (bus) {
    case Bus::meters:
      return protocol::make_modbus_driver(settings.meters);
    case Bus::battery:
      return protocol::make_pylontech_driver(settings.battery);
    case Bus::inverter:
      return protocol::make_vebus_driver(settings.inverter);
  }
  return {};
}

}  // namespace

HubProcess::HubProcess(const HubSetup& setup, MachineClocks& clocks, VirtualDisk& disk,
                       HistoryFiles& files, Plant& plant, Onlooker& onlooker)
    : setup_(setup),
      clocks_(clocks),
      disk_(disk),
      plant_(plant),
      onlooker_(onlooker),
      ahead_(clocks.steady(plant.now()) - plant.now()),
      history_(
          setup.history, files,
          [this](const std::string& component, const Event& event) {
            onlooker_.on_event(component, event);
          },
          [this](bool failed) { note_storage("history", failed); }, now()),
      events_([this](const std::string& component, const Event& event) {
        if (component == "command") history_.note(event);
        onlooker_.on_event(component, event);
      }),
      file_(disk_, events_, [this](bool failed) { note_storage("state", failed); }),
      writer_(file_),
      doors_(
          [this](const Command& command, const std::string& who) {
            auto answer = commands_->order(command, who, moment());
            onlooker_.on_order(command, who, answer);
            return answer;
          },
          [this](const publish::MqttMessage& message) { onlooker_.on_published(message); }),
      next_second_(now()),
      next_prices_(now()),
      next_look_(now()),
      local_clock_(setup.zone) {
  const auto saved = file_.load(clocks_.wall(plant_.now()));
  if (file_.failing()) writer_.keep({.saved_at = clocks_.wall(plant_.now())}, now());
  onlooker_.on_disk("read", saved.has_value() || !disk_.trouble.unreadable);
  commands_.emplace(
      service::CommandService::Deps{
          .settings = setup_.loop.control,
          .events = events_,
          .boot_id = clocks_.boot_id(),
          .send =
              [this](const Orders& orders) {
                orders_ = orders;
                if (tick_) tick_->set_orders(orders_);
              },
          .store = [this](const service::SavedState& state) { writer_.keep(state, now()); },
          .acknowledged =
              [this] {
                supervision_.acknowledge(now());
                tell_components();
              }},
      saved, moment());
  using Role = service::Supervision::Role;
  for (const Bus bus : enum_values<Bus>) {
    BusPart& part = buses_[place(bus)];
    part.bus = bus;
    part.plugged = plant_.fault(bus).kind != FaultKind::unplug;
    part.id = supervision_.add("bus." + std::string{name(bus)}, Role::vital_bus);
  }
  control_id_ = supervision_.add("control", Role::control);
  publisher_id_ = supervision_.add("publisher", Role::publisher);
  supervision_.restore(commands_->memories().supervision);
  for (PartId id = 0; id <= publisher_id_; ++id) {
    supervision_.on_started(id, now());
    start(id);
  }
  look();
}

void HubProcess::start(PartId id) {
  if (id == control_id_) return start_control();
  if (id == publisher_id_) return;
  start_bus(buses_[id]);
}

// ---- buses
// ---------------------------------------------------------------------------------------

void HubProcess::start_bus(BusPart& part) {
  part.session.emplace(std::string{name(part.bus)}, make_driver(setup_.loop, part.bus));
  onlooker_.on_part(supervision_.name(part.id), true);
  apply(part, part.session->on_start());
}

void HubProcess::apply(BusPart& part, service::BusStep step) {
  for (const auto& sample : step.samples)
    if (part.queue.samples.size() < queue_size) part.queue.samples.push_back(sample);
  for (const auto& event : step.events)
    onlooker_.on_event("bus." + std::string{name(part.bus)}, event);
  if (step.close) {
    if (std::exchange(part.line_open, false)) onlooker_.on_line(part.bus, false);
    part.up_at.reset();
    part.unread.clear();
  }
  if (step.open) part.up_at = now() + opening;
  if (step.baud) plant_.set_baud(part.bus, *step.baud);
  if (!part.line_open) return;
  for (const auto& frame : step.send) {
    onlooker_.on_sent(part.bus, frame);
    plant_.to_device(part.bus, frame, plant_.now());
  }
}

void HubProcess::on_bytes(Bus bus, protocol::ByteView bytes) {
  BusPart& part = buses_[place(bus)];
  if (!part.session || !part.line_open) return;
  part.unread.insert(part.unread.end(), bytes.begin(), bytes.end());
  if (part.unread.size() > kernel_buffer) part.unread.resize(kernel_buffer);
  if (!stalled_until_ && !part.stuck_until) read_port(part);
}

void HubProcess::read_port(BusPart& part) {
  if (part.unread.empty() || !part.session) return;
  const auto bytes = std::exchange(part.unread, {});
  apply(part, part.session->on_bytes(part.session->generation(), bytes, now(), now()));
}

/// As the lines do it (transport/read_pacer.hpp).
void HubProcess::discard_unread(BusPart& part, Instant last) {
  if (now() - last <= transport::longest_unread) return;
  part.unread.clear();
  if (!part.session || !part.line_open) return;
  apply(part, part.session->on_discard(part.session->generation(), now() - last, now()));
}

void HubProcess::follow_plug(Bus bus) {
  BusPart& part = buses_[place(bus)];
  part.plugged = plant_.fault(bus).kind != FaultKind::unplug;
  if (part.plugged || !part.session || !part.line_open) return;
  apply(part, part.session->on_down(part.session->generation(), "end of file", now()));
}

void HubProcess::flood(Bus bus, bool flooded) {
  BusPart& part = buses_[place(bus)];
  if (!part.session || !part.line_open) return;
  part.flooded = flooded;
  apply(part, part.session->on_flood(part.session->generation(), flooded, now()));
}

bool HubProcess::goes_by(Bus bus) const {
  const BusPart& part = buses_[place(bus)];
  Duration unread{};
  if (stalled_until_) unread = steady(*stalled_until_) - stalled_since_;
  if (part.stuck_until) unread = std::max(unread, *part.stuck_until - part.stuck_since);
  return part.line_open && !part.flooded && unread <= transport::longest_unread;
}

void HubProcess::run_bus(BusPart& part) {
  const Instant t = now();
  if (part.stuck_until) {
    if (t < *part.stuck_until) return;
    part.stuck_until.reset();
    discard_unread(part, part.stuck_since);
  }
  if (!part.session) return;
  if (part.up_at && t >= *part.up_at) {
    part.up_at.reset();
    const auto generation = part.session->generation();
    if (part.plugged) {
      part.line_open = true;
      part.flooded = false;
      onlooker_.on_line(part.bus, true);
      apply(part, part.session->on_up(generation, t));
    } else {
      apply(part, part.session->on_down(generation, "No such file or directory", t));
    }
  }
  read_port(part);
  deliver_setpoint(part);
  if (const auto wake_at = part.session->wake_at(); wake_at && t >= *wake_at)
    apply(part, part.session->on_timer(t));
}

void HubProcess::deliver_setpoint(BusPart& part) {
  if (!part.newest || !part.session || part.stuck_until) return;
  const Setpoint setpoint = *std::exchange(part.newest, {});
  apply(part, part.session->on_setpoint(setpoint, now()));
}

void HubProcess::kill_bus(Bus bus) {
  BusPart& part = buses_[place(bus)];
  if (!part.session) return;
  if (std::exchange(part.line_open, false)) onlooker_.on_line(bus, false);
  part.session.reset();
  part.up_at.reset();
  part.stuck_until.reset();
  part.unread.clear();
  onlooker_.on_part(supervision_.name(part.id), false);
  supervision_.on_death(part.id, now());
  tell_components();
}

// ---- control
// -------------------------------------------------------------------------------------

void HubProcess::start_control() {
  tick_.emplace(setup_.loop.control, bus_count, setup_.loop.controller);
  ticked_ = false;
  onlooker_.on_part(supervision_.name(control_id_), true);
  const SafetyMemory& remembered = commands_->memories().control;
  tick_->restore(remembered);
  tick_->set_orders(orders_);
  for (const auto& by : storage_failed_) tick_->set_fault(by, Fault::storage_failed, true);
  tick_->set_components(components_.stuck, components_.hold_safe, now());
  deadline_ = now() + setup_.loop.control.period;
  read_local_time();
}

void HubProcess::kill_control() {
  if (!tick_) return;
  tick_.reset();
  buses_[place(Bus::inverter)].newest = Setpoint{};  // withdrawn, as actors/control_actor.cpp does
  onlooker_.on_part(supervision_.name(control_id_), false);
  supervision_.on_death(control_id_, now());
  tell_components();
}

void HubProcess::read_local_time() {
  const civil_time::ClockStatus status{.wall = clocks_.wall(plant_.now()),
                                       .synchronised = clocks_.synchronised(),
                                       .ahead_of_rtc = std::nullopt,
                                       .since_boot = now().time_since_epoch()};
  local_ = local_clock_.at(status.wall, now(),
                           civil_time::is_trusted(civil_time::ClockSource::ntp, status));
}

void HubProcess::run_control() {
  if (!tick_ || now() < deadline_) return;
  const Duration period = setup_.loop.control.period;
  const Duration late = now() - deadline_;
  const auto missed = late / period;
  std::array<Queue*, bus_count> queues{};
  for (BusPart& part : buses_) {
    tick_->set_bus_faults(place(part.bus), part.session ? part.session->faults() : FaultFlags{});
    queues[place(part.bus)] = &part.queue;
  }
  struct Source {
    Queue* queue;
    bool pop(Sample& sample) const { return queue->pop(sample); }
  };
  const std::array<Source, bus_count> sources{{{queues[0]}, {queues[1]}, {queues[2]}}};
  tick_->run(sources, {.now = now(),
                       .local = local_,
                       .lateness = late,
                       .missed = static_cast<std::uint64_t>(missed)});
  ++control_beats_;
  ticked_ = true;
  deadline_ += (missed + 1) * period;
  onlooker_.on_tick(*tick_);
  BusPart& inverter = buses_[place(Bus::inverter)];
  inverter.newest = tick_->decision().setpoint;
  deliver_setpoint(inverter);
  if (now() >= next_view_ || tick_->stopped()) {
    next_view_ = now() + view_period;
    safety_ = tick_->decision().safety;
  }
  if (now() >= next_note_) {
    next_note_ = now() + note_period;
    if (const auto& full = tick_->decision().policy.last_full)
      commands_->note_full(*full, moment());
    commands_->note_time(local_.trusted, moment());
  }
  if (const auto stopped = tick_->stopped()) stopped_ = stopped;
  read_local_time();
}

// ---- supervision
// ---------------------------------------------------------------------------------

void HubProcess::tell_components() {
  for (const auto& event : supervision_.take_events()) onlooker_.on_event("supervisor", event);
  if (const auto memory = supervision_.saved()) commands_->note_supervision(*memory, moment());
  const auto state = supervision_.state();
  if (std::exchange(components_, state) == state) return;
  if (tick_) tick_->set_components(state.stuck, state.hold_safe, now());
}

void HubProcess::look() {
  next_look_ = std::max(next_look_ + look_period, now());
  if (const auto safety = std::exchange(safety_, {})) commands_->note_safety(*safety, moment());
  for (BusPart& part : buses_) {
    if (!part.session) continue;
    service::Supervision::Beat beat{.count = part.beats};
    if (part.stuck_until) {
      beat.call = "read";
      beat.call_age = now() - part.stuck_since;
    } else {
      beat.count = ++part.beats;
    }
    supervision_.on_beat(part.id, beat, now());
  }
  if (tick_) supervision_.on_beat(control_id_, {.count = control_beats_}, now());
  supervision_.on_beat(publisher_id_, {.count = ++publisher_beats_}, now());
  for (const PartId id : supervision_.look(now())) start(id);
  static_cast<void>(supervision_.feed_watchdog());
  static_cast<void>(supervision_.became_ready());
  tell_components();
}

void HubProcess::set_broker(bool there) {
  if (stalled_until_)
    broker_meanwhile_.push_back(there);
  else
    doors_.set_broker(there, now());
}

void HubProcess::note_storage(const std::string& by, bool failed) {
  std::erase(storage_failed_, by);
  if (failed) storage_failed_.push_back(by);
  if (tick_) tick_->set_fault(by, Fault::storage_failed, failed);
}

/// What the hub's publishers get, once a second (as actors/publisher.cpp).
void HubProcess::publish() {
  next_second_ = std::max(next_second_ + 1s, now());
  std::optional<View> view;
  if (tick_ && ticked_) {
    view = tick_->view(clocks_.wall(plant_.now()));
    for (const BusPart& part : buses_)
      if (part.session) view->buses.push_back(part.session->health());
    // Of the energies the clients get what has flowed in this run alone: what is kept of those
    // before hangs on SQLite's version, and one seed is one history.
    history_.update(*view);
    onlooker_.on_energies_shown(history_.shown());
  }
  hand_prices_over();
  doors_.on_second(view, now());
  onlooker_.on_second(doors_.published());
}

// ---- prices, as actors/feed_door.cpp and actors/planner.cpp
// -------------------------------------------------------------------------------------

Result<bool> HubProcess::tell(std::string_view text) {
  if (!local_.trusted) return fail(ErrorKind::refused, "the time is not known yet");
  auto feed = service::read_told(text, setup_.loop.control.tariff);
  if (!feed) return tl::unexpected(feed.error());
  auto taken = feeds_.take(*std::move(feed), service::unix_seconds(clocks_.wall(plant_.now())));
  if (taken && *taken) next_prices_ = now();
  return taken;
}

void HubProcess::hand_prices_over() {
  if (!tick_ || !local_.trusted || now() < next_prices_) return;
  next_prices_ = now() + prices_period;
  const WallTime wall = clocks_.wall(plant_.now());
  const auto told = feeds_.told(service::unix_seconds(wall), setup_.loop.control.tariff.currency);
  tick_->set_prices(service::price_table(told, wall, now()));
}

void HubProcess::begin_stop() {
  stop_meanwhile_ = stalled_until_.has_value();
  if (stop_meanwhile_) return;
  if (tick_)
    tick_->begin_stop(now());
  else
    stopped_ = false;
}

// ---- time
// ----------------------------------------------------------------------------------------

Instant HubProcess::next() const {
  if (stalled_until_) return *stalled_until_;
  Instant at = std::min(next_look_, next_second_);
  if (tick_) at = std::min(at, deadline_);
  for (const BusPart& part : buses_) {
    if (part.stuck_until) {
      at = std::min(at, *part.stuck_until);
      continue;
    }
    if (part.up_at) at = std::min(at, *part.up_at);
    if (!part.session) continue;
    if (const auto wake_at = part.session->wake_at()) at = std::min(at, *wake_at);
  }
  if (const auto due = writer_.due()) at = std::min(at, *due);
  if (const auto due = history_.due()) at = std::min(at, *due);
  return at - ahead_;
}

void HubProcess::run_due() {
  if (stalled_until_) {
    if (plant_.now() < *stalled_until_) return;
    stalled_until_.reset();
    for (BusPart& part : buses_)
      if (!part.stuck_until) discard_unread(part, stalled_since_);
    for (const bool there : std::exchange(broker_meanwhile_, {})) set_broker(there);
    if (stop_meanwhile_) begin_stop();
  }
  for (BusPart& part : buses_) run_bus(part);
  run_control();
  if (now() >= next_look_) look();
  if (now() >= next_second_) publish();
  if (const auto done = writer_.work(now())) onlooker_.on_disk("write", *done);
}

std::optional<HistoryPart::Did> HubProcess::run_history() {
  if (stalled_until_) return std::nullopt;
  return history_.work(now());
}

void HubProcess::close() {
  writer_.close();
  doors_.close(now());
  onlooker_.on_history({.began = false, .ok = history_.close()}, history_.flowed());
}

void HubProcess::die_writing(std::size_t bytes) {
  if (stalled_until_) return;
  const auto did = history_.die_writing(bytes);
  if (!did.began) onlooker_.on_history(did, history_.flowed());
}

}  // namespace esshub::sim::storm
