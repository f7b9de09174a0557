#include "tests/properties/world.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "control/policy/policy.hpp"

namespace esshub::properties {
namespace {

constexpr double resting_v = 50.0;  // an SOC of any size is believed at it
constexpr Duration distrust = 60s;  // of the wall clock, behind a step
constexpr std::uint64_t decide_twice_every = 3;

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// I7 means every bit of the command and of what explains it.
bool same(const Decision& a, const Decision& b) {
  return same(a.battery_power.value(), b.battery_power.value()) &&
         same(a.setpoint.ac_power.value(), b.setpoint.ac_power.value()) &&
         same(a.proposed.value(), b.proposed.value()) && a.setpoint.mode == b.setpoint.mode &&
         a.setpoint.valid_until == b.setpoint.valid_until && a.faults == b.faults &&
         a.safety == b.safety &&
         std::ranges::equal(a.reasons, b.reasons, [](const Reason& x, const Reason& y) {
           return x.cause == y.cause && same(x.power_without.value(), y.power_without.value());
         });
}

}  // namespace

bool World::Source::pop(Sample& sample) {
  if (next == samples.size()) {
    samples.clear();
    next = 0;
    return false;
  }
  sample = samples[next++];
  return true;
}

World::World(const House& house, std::function<void(const Seen&)> see,
             std::function<void(const FaultSet&)> tell)
    : house_(house),
      see_(std::move(see)),
      tell_(std::move(tell)),
      now_(house.start),
      wall_(house.wall),
      soc_(house.soc) {
  is_ = healthy();
  sent_[Wire::grid_voltage] = 230.0;
  const bool remembers = !house.excursions_ago.empty() || house.lockout_left;
  if (remembers) {
    service::SavedSafety safety;
    safety.excursions_ago = house.excursions_ago;
    std::ranges::sort(safety.excursions_ago, std::greater{});
    safety.lockout_left = house.lockout_left;
    state_file_ = service::encode({.safety = safety, .saved_at = wall_});
  }
  start_program(remembers);
}

World::Now World::healthy() const {
  Now is;
  is.residual_w = house_.residual_w;
  is.value[Wire::grid_voltage] = 230.0;
  is.value[Wire::solar_power] = house_.solar_w;
  is.value[Wire::ev_power] = house_.ev_w;
  is.value[Wire::heatpump_power] = house_.heatpump_w;
  is.value[Wire::cvl] = 53.2;
  is.value[Wire::ccl] = 74.0;
  is.value[Wire::dcl] = 74.0;
  is.value[Wire::requests] = bit(BmsRequest::charge_enable) | bit(BmsRequest::discharge_enable);
  is.value[Wire::modules] = 2.0;
  is.value[Wire::capacity] = 100.0;
  is.value[Wire::controllable] = 1.0;
  is.value[Wire::status] = static_cast<double>(InverterStatus::grid_connected);
  is.value[Wire::mains_voltage] = 230.0;
  is.value[Wire::ac_out_power] = house_.ac_out_w;
  is.value[Wire::temperature] = 20.0;
  is.missing[Wire::requests] = !house_.tells_requests;
  is.missing[Wire::capacity] = !house_.tells_capacity;
  for (std::size_t i = 0; i < 2; ++i)
    is.missing[i == 0 ? Wire::ev_power : Wire::heatpump_power] =
        !house_.settings.circuit_roles.at(i);
  return is;
}

/// What lasts for a while.
struct World::Lasts {
  Now& is;
  void operator()(const Residual& c) const { is.residual_w = c.watts; }
  void operator()(const Solar& c) const { is.value[Wire::solar_power] = c.watts; }
  void operator()(const AcOut& c) const { is.value[Wire::ac_out_power] = c.watts; }
  void operator()(const AcOutError& c) const { is.ac_out_error_w = c.watts; }
  void operator()(const Circuit& c) const { is.value[c.wire] = c.watts; }
  void operator()(const PackVoltage& c) const { is.pack = c; }
  void operator()(const SocTo& c) const { is.soc = c; }
  void operator()(const PackCurrent& c) const { is.pack_current = c.amperes; }
  void operator()(const Limit& c) const { is.value[c.wire] = c.value; }
  void operator()(const Protections& c) const { is.value[Wire::protections] = c.bits; }
  void operator()(const Requests& c) const {
    is.value[Wire::requests] = c.bits;
    is.missing[Wire::requests] = false;
  }
  void operator()(const Missing& c) const { is.missing[c.wire] = true; }
  void operator()(const Silent& c) const {
    for (const auto& row : wires)
      if (row.bus == c.bus) is.missing[row.id] = true;
  }
  void operator()(const Garbage& c) const { is.garbage[c.wire] = c.value; }
  void operator()(const NoNumber& c) const { is.no_number[c.wire] = true; }
  void operator()(const Status& c) const { is.value[Wire::status] = c.value; }
  void operator()(const PowerCut& c) const {
    is.value[Wire::status] = static_cast<double>(InverterStatus::islanded);
    is.value[Wire::mains_voltage] = c.mains_v;
    if (!c.empty) return;
    is.pack = {VoltMark::cutoff, 0.0};
    (*this)(Silent{Bus::battery});
  }
  void operator()(const Mains& c) const { is.value[Wire::mains_voltage] = c.volts; }
  void operator()(const Responds& c) const { is.response = c.how; }
  void operator()(const MeterReversed&) const { is.reversed = true; }
  void operator()(const MeterFrozen& c) const {
    is.stands = true;
    is.frozen |= c.told;
  }
  void operator()(const ClampOff&) const { is.clamp_off = true; }
  void operator()(const Contended& c) const {
    is.contended[c.bus] = true;
    (*this)(Silent{c.bus});
  }
  void operator()(const Overrun& c) const { is.overrun = c; }
  void operator()(const ComponentsFail& c) const {
    (c.hold_safe ? is.components_fail : is.stuck) = true;
  }
  void operator()(const Raised& c) const { is.raised.set(c.fault, true); }
  void operator()(const ClockUntrusted&) const { is.trusted = false; }
  void operator()(const LocalStep& c) const { is.local_step = c; }
  void operator()(const Wild& c) const { is.wild = c.orders; }
  void operator()(const Plans& c) const {
    is.plan = {.made = Instant{} + c.age, .count = c.count, .entries = {}};
    std::ranges::copy(c.entries, is.plan.entries.begin());
  }
  void operator()(const Told& c) const {
    is.prices = {.count = c.count, .entries = {}};
    std::ranges::copy(c.entries, is.prices.entries.begin());
  }
  void operator()(const auto&) const {}  // what happens at once
};

void World::Now::take(const Change& change) {
  std::visit(Lasts{*this}, change);
}

/// What happens at once.
struct World::Happens {
  World& w;
  void operator()(const SocMoves& c) const { w.soc_ = std::clamp(w.soc_ + c.points, 0.0, 100.0); }
  void operator()(const Pause& c) const { w.pass(c.length); }
  void operator()(const WallStep& c) const {
    // No clock reads earlier than 1970 or later than the state file can say.
    constexpr WallTime latest{std::chrono::seconds{7000000000}};
    w.wall_ = std::clamp<WallTime>(w.wall_ + c.by, WallTime{}, latest);
    w.stepped_at_ = w.now_;
  }
  void operator()(const Ask& c) const {
    static_cast<void>(w.commands_->order(c.command, "properties", w.moment()));
  }
  void operator()(const ControlRestarts&) const { w.start_control(); }
  void operator()(const ProgramRestarts& c) const {
    if (w.stopping_) return;
    if (!c.told) return w.restart_program(c);
    w.stopping_ = c;
    w.commands_->close(w.moment());
    w.tick_->begin_stop(w.now_);
  }
  void operator()(const auto&) const {}  // what lasts
};

void World::happen(const Event& event) {
  std::visit(Happens{*this}, event.change);
  if (event.lasts == 0) return;
  lasting_.push_back({event.change, event.lasts});
  if (auto* wild = std::get_if<Wild>(&lasting_.back().change)) {
    const auto from_now = [&](auto& order) {
      if (order) order->until = now_ + order->until.time_since_epoch();
      if constexpr (requires { order->from; })
        if (order) order->from = now_ + order->from.time_since_epoch();
    };
    from_now(wild->orders.manual);
    from_now(wild->orders.dispatch);
    from_now(wild->orders.storm);
  }
  if (auto* plan = std::get_if<Plans>(&lasting_.back().change)) {
    plan->age = now_.time_since_epoch() - plan->age;  // from here on the moment it was made
    for (auto& [begin, end, marks] : plan->entries) {
      begin = now_ + begin.time_since_epoch();
      end = now_ + end.time_since_epoch();
    }
  }
  if (auto* told = std::get_if<Told>(&lasting_.back().change)) {
    for (auto& [begin, end, prices] : told->entries) {
      begin = now_ + begin.time_since_epoch();
      end = now_ + end.time_since_epoch();
    }
  }
  if (std::holds_alternative<LocalStep>(event.change)) held_ = local().shown();
  change_now();
}

void World::change_now() {
  is_ = healthy();
  for (const auto& lasting : lasting_) is_.take(lasting.change);
  tell_control();
}

void World::tell_control() {
  for (const Bus bus : enum_values<Bus>) {
    FaultFlags faults;
    faults.set(Fault::bus_contended, is_.contended[bus]);
    if (bus == Bus::battery)
      faults.set(Fault::bms_implausible, is_.raised.active(Fault::bms_implausible));
    if (bus == Bus::meters) faults.set(Fault::grid_meter_frozen, is_.frozen);
    tick_->set_bus_faults(index(bus), faults);
  }
  for (const Fault fault : told_by_others)
    tick_->set_fault("properties", fault, is_.raised.active(fault));
  tick_->set_components(is_.stuck, is_.components_fail, now_);
  tick_->set_orders(is_.wild.value_or(orders_));
  tick_->set_plan(is_.plan);
  tick_->set_prices(is_.prices);
}

void World::start_control() {
  tick_ = std::make_unique<control::Tick>(
      house_.settings, enum_count<Bus>,
      [this](const control::Inputs& inputs, control::Memory& memory) {
        return decide(inputs, memory);
      });
  if (commands_) tick_->restore(commands_->memories().control);
  new_control_ = true;
  if (stopping_) tick_->begin_stop(now_);
  if (commands_) tell_control();
}

void World::start_program(bool restart) {
  std::optional<service::SavedState> saved;
  if (restart && state_file_) {
    const auto read = service::decode_state(*state_file_);
    if (!read) throw std::logic_error("the state file is damaged: " + read.error().detail);
    saved = *read;
  }
  orders_ = {};
  commands_.reset();
  start_control();
  new_program_ = true;
  commands_ = std::make_unique<service::CommandService>(
      service::CommandService::Deps{
          .settings = house_.settings,
          .events = [](const std::string&, const esshub::Event&) {},
          .boot_id = std::to_string(boots_),
          .send =
              [this](const Orders& orders) {
                orders_ = orders;
                tick_->set_orders(is_.wild.value_or(orders_));
              },
          .store = [this](const service::SavedState& state) { state_file_ = encode(state); }},
      saved, moment());
  tick_->restore(commands_->memories().control);
  tell_control();
}

void World::restart_program(const ProgramRestarts& how) {
  stopping_.reset();
  pass(how.off);
  if (how.reboot) {
    now_ = Instant{} + 20s;
    ++boots_;
  }
  stepped_at_.reset();
  // Orders without a door and plans belong to the run that got them.
  std::erase_if(lasting_, [](const Lasting& l) {
    return std::holds_alternative<Wild>(l.change) || std::holds_alternative<Plans>(l.change);
  });
  is_ = healthy();
  for (const auto& lasting : lasting_) is_.take(lasting.change);
  start_program(true);
}

void World::pass(Duration length) {
  now_ += length;
  wall_ += std::chrono::duration_cast<WallTime::duration>(length);
}

double World::soc_goal() const {
  if (!is_.soc) return house_.soc;
  const control::Settings& s = house_.settings;
  const double reserve = orders_.reserve.value_or(s.reserve).percent();
  const double storm = orders_.storm ? orders_.storm->reserve.percent() : 0.0;
  const EnumArray<SocMark, double> marks{{0.0, s.cutoff_soc.percent(), s.soc_floor.percent(),
                                          std::max(reserve, storm), s.soc_ceiling.percent(),
                                          100.0}};
  return std::clamp(marks[is_.soc->mark] + is_.soc->plus, 0.0, 100.0);
}

bool World::on_grid() const {
  return is_.value[Wire::status] == static_cast<double>(InverterStatus::grid_connected);
}

double World::pack_v() const {
  const control::Settings& s = house_.settings;
  const EnumArray<VoltMark, double> marks{
      {s.cutoff_voltage.value(), resting_v, s.charge_voltage_cap.value(), is_.value[Wire::cvl]}};
  return marks[is_.pack.mark] + is_.pack.plus;
}

LocalTime World::local() const {
  const auto step = std::chrono::minutes{is_.local_step ? is_.local_step->minutes : 0};
  const auto minutes = std::chrono::floor<std::chrono::minutes>(wall_ + step).time_since_epoch();
  constexpr int day = 1440;
  const auto days = static_cast<int>(minutes.count() / day);
  LocalTime local{.minute_of_day = static_cast<int>(minutes.count() % day),
                  .weekday = (days + 3) % 7 + 1,  // 1970 began on a Thursday
                  .trusted = is_.trusted && !(stepped_at_ && now_ - *stepped_at_ < distrust)};
  if (local.minute_of_day < 0) local = {.minute_of_day = 0, .weekday = 1, .trusted = false};
  if (is_.local_step && is_.local_step->second_pass) local.held = held_;
  return local;
}

/// The plant, for that long.
void World::move(Duration passed) {
  const control::Settings& s = house_.settings;
  const Decision& last = tick_->decision();
  const double ac_out = is_.value[Wire::ac_out_power];
  const bool listens = !is_.missing[Wire::setpoint] && (!stopping_ || stopping_->heard);
  const bool follows = !new_control_ && last.setpoint.mode == InverterMode::follow && listens;
  if (follows) setpoint_w_ = last.setpoint.ac_power.value();
  double target = ac_out;  // pass-through
  if (follows) {
    const double battery = setpoint_w_ - ac_out;
    switch (is_.response) {
      case Response::follows:
        target = setpoint_w_;
        break;
      case Response::stands_still:
        target = inverter_w_;
        break;
      case Response::mirrors:
        target = ac_out - battery - 400.0;
        break;
      case Response::overshoots:
        target = ac_out + 1.5 * battery + 400.0;
        break;
      case Response::holds_back:
        target = ac_out + 0.4 * battery;
        break;
    }
  }
  if (!on_grid()) {
    inverter_w_ = 0.0;
  } else {
    const double reach = s.inverter_ramp.value() * Seconds{passed}.count();
    inverter_w_ += std::clamp(target - inverter_w_, -reach, reach);
  }
  const double grid = (is_.residual_w + inverter_w_) * (is_.reversed ? -1.0 : 1.0);
  const double share =
      Seconds{passed}.count() / (Seconds{passed} + Seconds{s.meter_time_constant}).count();
  shown_w_ += (grid - shown_w_) * share;
}

void World::report(Bus bus, Instant at) {
  auto& value = is_.value;
  if (bus == Bus::meters) {
    value[Wire::grid_power] = is_.clamp_off ? 0.0 : shown_w_;
    // No living meter says the same twice.
    value[Wire::grid_voltage] = 230.0 + 0.01 * static_cast<double>(ticks_ % 7);
    if (is_.stands)
      for (const Wire wire : {Wire::grid_power, Wire::grid_voltage}) value[wire] = sent_[wire];
  }
  if (bus == Bus::battery) {
    constexpr double quickest = 4.0;  // a larger step is a doubt (F18)
    const double way = soc_goal() - soc_;
    soc_ += is_.soc && is_.soc->jump ? way : std::clamp(way, -quickest, quickest);
    value[Wire::soc] = soc_;
    value[Wire::pack_voltage] = pack_v();
    const double drawn =
        on_grid() ? inverter_w_ - value[Wire::ac_out_power] : -value[Wire::ac_out_power];
    value[Wire::pack_current] = is_.pack_current.value_or(drawn / resting_v);
  }
  if (bus == Bus::inverter) {
    value[Wire::inverter_power] = inverter_w_;
    const bool cut = value[Wire::status] == static_cast<double>(InverterStatus::islanded);
    if (cut && house_.switches_off && tick_->decision().setpoint.mode == InverterMode::off)
      value[Wire::status] = static_cast<double>(InverterStatus::off);
    value[Wire::dc_voltage] = pack_v();
    value[Wire::setpoint] = setpoint_w_;
    value[Wire::converter_power] = inverter_w_ - value[Wire::ac_out_power];
  }
  const bool acknowledges =
      tick_->decision().setpoint.mode == InverterMode::follow && (!stopping_ || stopping_->heard);
  for (const auto& row : wires) {
    if (row.bus != bus || is_.missing[row.id]) continue;
    if (row.id == Wire::setpoint && !acknowledges) continue;
    const auto& garbage = is_.garbage[row.id];
    sent_[row.id] = garbage ? sent_[row.id] : value[row.id];
    garbage_[row.id] = garbage;
    const double word = value[row.id] + (row.id == Wire::ac_out_power ? is_.ac_out_error_w : 0.0);
    sources_[bus].samples.push_back({row.channel, garbage.value_or(word), at});
  }
}

Decision World::decide(const control::Inputs& given, control::Memory& memory) {
  const bool patched = std::ranges::find(is_.no_number, true) != is_.no_number.end();
  if (patched) {
    patched_ = given.snapshot;
    for (const auto& row : wires)
      if (const auto& reading = given.snapshot.raw(row.channel.point, row.channel.measure);
          reading && is_.no_number[row.id])
        patched_.absorb({row.channel, std::numeric_limits<double>::quiet_NaN(), reading->at});
  }
  const control::Inputs inputs{.settings = given.settings,
                               .snapshot = patched ? patched_ : given.snapshot,
                               .now = given.now,
                               .local = given.local,
                               .stopping = given.stopping,
                               .overrun = given.overrun,
                               .components_failing = given.components_failing,
                               .orders = given.orders,
                               .implausible = given.implausible,
                               .grid_frozen = given.grid_frozen,
                               .bms_implausible = given.bms_implausible,
                               .stall = given.stall,
                               .plan = given.plan,
                               .prices = given.prices};
  // The two halves of a step are taken one by one, for what lies between them; now and then the
  // whole from the same memory must say the same, bit for bit.
  std::optional<control::Memory> before;
  if (ticks_ % decide_twice_every == 0) before = memory;
  const Watts power_before = memory.battery_power;
  const auto tick_before = memory.last_tick;
  const control::Observation observation = control::observe(inputs, memory);
  const Decision decision = control::decide(inputs, observation, memory);
  if (before && !same(control::step(inputs, *before), decision))
    throw std::logic_error("I7: the same inputs were decided differently");
  see_({.inputs = inputs,
        .observation = observation,
        .memory = memory,
        .decision = decision,
        .power_before = power_before,
        .tick_before = tick_before,
        .first = std::exchange(new_control_, false),
        .program = std::exchange(new_program_, false),
        .missed = is_.overrun.missed,
        .patched = patched,
        .garbage = garbage_});
  return decision;
}

void World::tick() {
  ++ticks_;
  for (auto& lasting : lasting_) --lasting.left;
  if (std::erase_if(lasting_, [](const Lasting& l) { return l.left == 0; }) > 0) change_now();

  const Duration passed = house_.settings.period * (1 + is_.overrun.missed) + is_.overrun.late;
  const auto due = [&](Bus bus) { return ticks_ % house_.every[bus] == 0; };
  garbage_ = {};
  pass(passed);
  move(passed);
  for (const Bus bus : enum_values<Bus>)
    if (due(bus)) report(bus, now_);
  tick_->run(sources_, {now_, local(), is_.overrun.late, is_.overrun.missed});
  tell_(tick_->faults());
  commands_->note_safety(tick_->decision().safety, moment());
  commands_->note_time(local().trusted, moment());
  if (stopping_ && tick_->stopped()) restart_program(*stopping_);
}

std::ostream& operator<<(std::ostream& out, const House& house) {
  const control::Settings& s = house.settings;
  const auto since = [](auto time) { return Seconds{time.time_since_epoch()}.count(); };
  out << "\n  clocks at " << since(house.start) << " s and " << since(house.wall) << " s, period "
      << Seconds{s.period}.count() << " s, words every " << house.every[Bus::meters] << ' '
      << house.every[Bus::battery] << ' ' << house.every[Bus::inverter] << " ticks"
      << (house.tells_requests ? "" : ", no requests")
      << (house.switches_off ? "" : ", cannot be switched off") << "\n  soc " << house.soc
      << " %, residual " << house.residual_w << " W, solar " << house.solar_w << " W, ac_out "
      << house.ac_out_w << " W, ev " << house.ev_w << " W, heat pump " << house.heatpump_w
      << " W\n  floor " << s.soc_floor.percent() << ", ceiling " << s.soc_ceiling.percent()
      << ", reserve " << s.reserve.percent() << ", cut-off " << s.cutoff_soc.percent()
      << " %, hysteresis " << s.soc_hysteresis << " %\n  charge " << s.charge_limit.value()
      << " W, discharge " << s.discharge_limit.value() << " W, rating " << s.inverter_rating.value()
      << " W, charger " << s.charger_current.value() << " A, slew " << s.slew.value()
      << " W/s, voltage cap " << s.charge_voltage_cap.value() << " V\n  grid setpoint "
      << s.grid_setpoint.value() << " W, import cap " << s.import_cap.value_or(Watts{-1}).value()
      << " W, export cap " << s.export_cap.value_or(Watts{-1}).value() << " W, full charge every "
      << s.full_charge_days << " days, mode " << name(s.mode) << "\n ";
  if (s.witness) out << " witness";
  for (const Duration ago : house.excursions_ago)
    out << " excursion " << Seconds{ago}.count() << " s ago";
  if (house.lockout_left) out << " locked for " << Seconds{*house.lockout_left}.count() << " s";
  for (const auto& entry : s.schedule)
    out << " schedule " << entry.when.from << '-' << entry.when.to << ' '
        << name(entry.instruction.kind);
  for (const auto& band : s.tariff.bands)
    out << " band " << band.when.from << '-' << band.when.to << (band.cheap ? " cheap" : "");
  if (s.tariff.force_charge_to) out << " force to " << s.tariff.force_charge_to->percent();
  for (std::size_t i = 0; i < 2; ++i)
    if (const auto& role = s.circuit_roles.at(i))
      out << " circuit" << i + 1 << ' ' << name(*role)
          << (s.battery_serves[*role] ? "" : " not served");
  return out;
}

}  // namespace esshub::properties
