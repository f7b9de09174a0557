#include "tests/properties/generators.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "control/export_watch.hpp"
#include "model/order_limits.hpp"

namespace esshub::properties {
namespace {

using control::Settings;

/// The whole range at once: by itself the library begins with its low end.
rc::Gen<int> whole(int low, int high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(low, high + 1));
}

/// Anywhere between, to a thousandth of it.
rc::Gen<double> between(double low, double high) {
  return rc::gen::map(whole(0, 1000),
                      [=](int parts) { return low + (high - low) * parts / 1000.0; });
}

/// One of the edges as often as anywhere between.
rc::Gen<double> around(std::vector<double> edges, double low, double high) {
  return rc::gen::oneOf(rc::gen::elementOf(std::move(edges)), between(low, high));
}

bool chance(int percent) {
  return *whole(0, 99) >= 100 - percent;
}

template <class E>
rc::Gen<E> any_of() {
  return rc::gen::map(whole(0, static_cast<int>(enum_count<E>) - 1),
                      [](int i) { return static_cast<E>(i); });
}

Soc soc(double percent) {
  return *Soc::from_percent(std::clamp(percent, 0.0, 100.0));
}

Duration seconds(double s) {
  return as_duration(Seconds{s});
}

/// Powers up to the limit of its direction, states of charge that floor and ceiling allow: what the
/// command service lets through, up to the edge.
rc::Gen<Instruction> any_instruction(const Settings& s) {
  return rc::gen::exec([s] {
    Instruction i;
    i.kind = *any_of<InstructionKind>();
    const double floor = s.soc_floor.percent();
    const double ceiling = s.soc_ceiling.percent();
    const double reserve = s.reserve.percent();
    const double limit =
        (i.kind == InstructionKind::charge ? s.charge_limit : s.discharge_limit).value();
    i.power = Watts{*around({limit, limit / 2, 10.0}, 10.0, limit)};
    i.target = soc(*around({floor, ceiling, reserve}, floor, ceiling));
    i.low = soc(*rc::gen::oneOf(rc::gen::just(0.0), around({floor, reserve, 80.0}, 0, 98)));
    i.high = soc(*rc::gen::oneOf(
        rc::gen::just(100.0),
        around({std::max(30.0, i.low.percent() + 1), ceiling}, i.low.percent() + 1, 100)));
    return i;
  });
}

control::WeekSpan half_day(bool first) {
  return first ? control::WeekSpan{.from = 0, .to = 720}
               : control::WeekSpan{.from = 720, .to = 1440};
}

Settings any_settings() {
  Settings s;
  using std::chrono::milliseconds;
  s.period =
      milliseconds(*rc::gen::element(10, 20, 20, 50, 100, 250, 500, 500, 1000, 1000, 1000, 1000));
  s.setpoint_life = std::min<Duration>(5s, 2 * s.period + seconds(*around({0.2, 3.0}, 0.2, 3)));
  s.soc_floor = soc(*between(0, 30));
  s.reserve = soc(*around({0.0, 10.0, 40.0}, 0, 60));
  s.soc_ceiling = soc(chance(25) ? 100.0 : *between(85, 99));
  s.cutoff_soc = soc(*between(0, std::max(s.soc_floor, s.reserve).percent()));
  s.soc_hysteresis = *around({0.0, 2.0}, 0, 4);
  s.charge_limit = Watts{chance(5) ? 0.0 : *around({2400.0}, 100, 4000)};
  s.discharge_limit = Watts{chance(5) ? 0.0 : *around({2400.0}, 100, 4000)};
  s.inverter_rating = Watts{*around({2400.0}, 300, 4000)};
  s.charger_current = Amperes{*around({35.0}, 5, 80)};
  s.slew = WattsPerSecond{*around({5000.0, 20000.0}, 50, 20000)};
  s.transfer_switch = Amperes{*around({32.0, 10.0}, 10, 40)};
  if (chance(30)) s.main_fuse = Amperes{*around({16.0, 25.0}, 16, 63)};
  s.charge_voltage_cap = Volts{*around({52.4, 54.0}, 50, 54)};
  s.cutoff_voltage = Volts{*around({46.0}, 44, 49)};
  s.grid_setpoint = Watts{*around({0.0, 0.0, 50.0}, -1000, 1000)};
  if (chance(50)) s.import_cap = Watts{*between(1000, 6000)};
  if (chance(50)) s.export_cap = Watts{std::max(-s.grid_setpoint.value(), *around({0.0}, 0, 2500))};
  s.force_charge_power = Watts{*between(100, 3000)};
  s.reserve_recharge = *any_of<control::ReserveRecharge>();
  s.reserve_recharge_power = Watts{*around({500.0}, 100, 3000)};
  s.conversion_efficiency = *around({0.94, 1.0}, 0.5, 1);
  if (chance(20)) s.full_charge_days = *around({0.001}, 0, 0.1);
  if (s.full_charge_days > 0.0) s.soc_ceiling = soc(100);
  s.meter_max_age = milliseconds(*rc::gen::element(3000, 1500));
  s.bms_max_age = milliseconds(*rc::gen::element(3000, 1500));
  s.inverter_max_age = milliseconds(*rc::gen::element(3000, 1500));
  s.mode = *any_of<Mode>();
  s.solar_metered = chance(70);
  if (chance(50)) {
    s.circuit_roles[0] = CircuitRole::ev;
    s.battery_serves[CircuitRole::ev] = chance(20);
  }
  if (chance(30)) {
    s.circuit_roles[1] = CircuitRole::heatpump;
    s.battery_serves[CircuitRole::heatpump] = chance(50);
  }
  for (const bool first : {true, false})
    if (chance(40)) s.schedule.push_back({half_day(first), *any_instruction(s)});
  if (chance(40)) {
    s.tariff.import_price = 0.3;
    s.tariff.export_price = 0.1;
    for (const bool first : {true, false})
      if (chance(70))
        s.tariff.bands.push_back(
            {half_day(first), *between(0.05, 0.5), std::nullopt, *rc::gen::arbitrary<bool>()});
    for (auto& band : s.tariff.bands) {
      if (chance(15)) band.import_price = -0.02;
      if (chance(15)) band.export_price = -0.03;
    }
    if (chance(50)) s.tariff.cheap_below = 0.2;
    s.tariff.no_discharge_while_cheap = chance(80);
    if (chance(50))
      s.tariff.force_charge_to =
          soc(*around({50.0}, s.soc_floor.percent(), s.soc_ceiling.percent()));
    if (chance(50) && s.charge_limit > Watts{})
      s.tariff.force_charge_power =
          Watts{*around({s.charge_limit.value()}, 1, s.charge_limit.value())};
  }
  if (chance(60)) {  // else the loop is set up for another plant than it meets
    s.meter_time_constant = s.meter_delay = s.inverter_delay = s.ack_delay = Duration{};
    s.inverter_time_constant = Duration{};
  }
  s.inverter_ramp = WattsPerSecond{*around({1000.0, 20000.0}, 200, 20000)};
  if (s.export_cap && chance(50)) {
    s.witness = true;
    s.slew = std::max(s.slew, s.inverter_ramp);
    s.discharge_limit = std::min(s.discharge_limit, control::most_with_witness(s));
  }
  return s;
}

/// Where clocks that are counted in few bits turn over, and where nobody expects one to begin.
const std::vector<double> clock_starts{0.0,       1.0,       1000.0,      2147483.0,     2147480.0,
                                       4294967.0, 4294960.0, 315360000.0, 3.0e9 / 1000.0};
const std::vector<double> wall_starts{0.0,          946684800.0,  1790000000.0, 1792897200.0,
                                      2147483640.0, 4294967290.0, 4102444800.0};

rc::Gen<House> any_house_at_all() {
  return rc::gen::exec([] {
    House h;
    h.settings = any_settings();
    const Settings& s = h.settings;
    h.start = Instant{} + seconds(*around(clock_starts, 0, 1e8));
    h.wall = WallTime{std::chrono::seconds{*whole(0, 86400)}} +
             std::chrono::seconds{static_cast<std::int64_t>(*rc::gen::elementOf(wall_starts))};
    for (const Bus bus : enum_values<Bus>) {
      h.every[bus] = *rc::gen::element(1u, 1u, 1u, 2u, 5u);
      if (h.every[bus] * s.period > 1s) h.every[bus] = 1;
    }
    h.tells_requests = chance(80);
    h.tells_capacity = chance(50);
    h.switches_off = chance(60);
    const double low = std::max(s.soc_floor, s.reserve).percent() + s.soc_hysteresis;
    h.soc = *around({std::max(low, 50.0)}, low, s.soc_ceiling.percent() - s.soc_hysteresis);
    h.residual_w = *around({-5000.0, -2500.0, -800.0, 800.0, 3000.0}, -6000, 7000);
    h.solar_w = *between(0, 5000);
    h.ac_out_w = *around({0.0}, 0, 1500);
    h.ev_w = *around({0.0}, 0, 7000);
    h.heatpump_w = *around({0.0}, 0, 3000);
    if (s.witness && chance(60)) {
      for (int n = *whole(0, 2); n > 0; --n) h.excursions_ago.push_back(seconds(*between(0, 9000)));
      if (chance(60)) h.lockout_left = seconds(*around({10.0, 14400.0}, 0, 600));
    }
    return h;
  });
}

// ---- changes
// -------------------------------------------------------------------------------------

/// Of several fields.
template <class T, class... Gens>
rc::Gen<Change> made(Gens... gens) {
  return rc::gen::map(rc::gen::construct<T>(std::move(gens)...),
                      [](T it) { return Change{std::move(it)}; });
}

rc::Gen<Wire> one_of(std::vector<Wire> wires) {
  return rc::gen::elementOf(std::move(wires));
}

rc::Gen<Wire> always_wire(Wire wire) {
  return rc::gen::just(wire);
}

/// Without one of these the battery rests, or rests in one direction.
rc::Gen<Wire> any_required() {
  return rc::gen::weightedElement<Wire>({{1, Wire::soc},
                                         {2, Wire::pack_voltage},
                                         {2, Wire::cvl},
                                         {2, Wire::ccl},
                                         {2, Wire::dcl},
                                         {1, Wire::protections},
                                         {1, Wire::requests},
                                         {1, Wire::grid_power},
                                         {1, Wire::controllable},
                                         {1, Wire::inverter_power},
                                         {1, Wire::status},
                                         {1, Wire::ac_out_power},
                                         {5, Wire::ev_power},
                                         {3, Wire::heatpump_power}});
}

rc::Gen<std::uint32_t> any_protections() {
  const auto one_bit = rc::gen::map(whole(0, 17), [](int i) { return 1u << i; });
  return rc::gen::oneOf(
      rc::gen::map(whole(0, 17), [](int i) { return 1u << i; }),
      rc::gen::map(whole(0, 15), [](int i) { return 1u << i; }),
      rc::gen::map(whole(0, 0xFFFFF), [](int i) { return static_cast<std::uint32_t>(i); }));
}

rc::Gen<std::uint32_t> any_requests() {
  constexpr std::uint32_t both = 3;
  return rc::gen::oneOf(
      rc::gen::map(whole(0, 4), [](int i) { return 1u << i; }),
      rc::gen::map(rc::gen::element(2, 3, 4, 4), [](int i) { return both | 1u << i; }),
      rc::gen::map(whole(0, 31), [](int i) { return static_cast<std::uint32_t>(i); }));
}

/// What no measure can be; of those that are sets of bits, what 32 bits do not hold.
rc::Gen<double> any_garbage() {
  return rc::gen::element(std::numeric_limits<double>::quiet_NaN(),
                          std::numeric_limits<double>::infinity(),
                          -std::numeric_limits<double>::infinity(), 1e30, -1e12, 2.3e-41);
}

rc::Gen<double> any_status() {
  return rc::gen::weightedOneOf<double>(
      {{2, rc::gen::just(static_cast<double>(InverterStatus::off))},
       {2, rc::gen::just(static_cast<double>(InverterStatus::islanded))},
       {2, rc::gen::just(static_cast<double>(InverterStatus::fault))},
       {1, rc::gen::element(4.0, 5.0, 7.0, 255.0, 4294967295.0)}});
}

rc::Gen<Change> any_command(const Settings& s) {
  return rc::gen::exec([s]() -> Change {
    const auto length = [&](OrderLimitId id, double usual_s) {
      const double least = Seconds{shortest(id)}.count();
      return seconds(*around({least, 2 * least, Seconds{longest(id)}.count()}, least,
                             std::max(least, usual_s)));
    };
    switch (*whole(0, 13)) {
      case 0:
        return Ask{SetMode{chance(70) ? std::optional{*any_of<Mode>()} : std::nullopt}};
      case 1:
      case 13:
        return Ask{SetReserve{}};
      case 2:
        return Ask{SetReserve{soc(*around({s.soc_floor.percent(), s.reserve.percent()},
                                          s.soc_floor.percent(), s.soc_ceiling.percent()))}};
      case 3:
      case 4:
      case 5:
        return Ask{StartOverride{*any_instruction(s), length(OrderLimitId::override_length, 200)}};
      case 6:
        return Ask{EndOverride{}};
      case 7:
      case 8:
      case 9: {
        Instruction i = *any_instruction(s);
        i.power = Watts{*around({i.power.value(), 1e5}, 1, 9000)};
        return Ask{StartDispatch{i, length(OrderLimitId::dispatch_length, 120)}};
      }
      case 10:
        return Ask{EndDispatch{}};
      case 11:
        return Ask{StartStorm{soc(*around({s.reserve.percent(), 80.0}, s.reserve.percent(), 100)),
                              length(OrderLimitId::storm_length, 2000),
                              chance(40) ? Duration{} : seconds(*around({30.0}, 0, 200000)),
                              chance(80)}};
      default:
        return Ask{EndStorm{}};
    }
  });
}

/// Wilder than the command service lets through.
rc::Gen<Change> any_wild_orders() {
  return rc::gen::exec([]() -> Change {
    const auto instruction = [] {
      const double nan = std::numeric_limits<double>::quiet_NaN();
      const double inf = std::numeric_limits<double>::infinity();
      Instruction i;
      i.kind = *any_of<InstructionKind>();
      i.power = Watts{*around({nan, inf, -inf, 0.0, -500.0, 1e9}, -20000, 20000)};
      i.target = soc(*around({0.0, 100.0}, 0, 100));
      i.low = soc(*around({0.0, 100.0}, 0, 100));
      i.high = soc(*around({0.0, 100.0}, 0, 100));
      return i;
    };
    const auto until = [] { return Instant{} + seconds(*around({0.0, 1e7}, 0, 60)); };
    Orders orders;
    if (chance(50)) orders.manual = Order{instruction(), until()};
    if (chance(50)) orders.dispatch = Order{instruction(), until()};
    if (chance(30)) orders.storm = Storm{soc(*between(0, 100)), until(), until(), chance(70)};
    if (chance(30)) orders.reserve = soc(*between(0, 100));
    if (chance(30)) orders.mode = *any_of<Mode>();
    orders.acknowledgements = static_cast<std::uint32_t>(*whole(0, 3));
    return Wild{orders};
  });
}

/// As a planner makes it, or wilder: no order among the marks, no numbers, spans that overlap.
rc::Gen<Change> any_plan(const Settings& s) {
  return rc::gen::exec([s]() -> Change {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double inf = std::numeric_limits<double>::infinity();
    const bool wild = chance(40);
    Plans plan{
        .entries = {},
        .count = wild ? static_cast<std::size_t>(*rc::gen::element(0, 1, 3, 256, 100000)) : 3,
        .age = seconds(*rc::gen::element(0.0, 100.0, 28790.0, 28801.0, 200000.0))};
    const auto mark = [&] {
      return soc(
          *around({0.0, 100.0, s.soc_floor.percent(), s.reserve.percent(), s.soc_ceiling.percent()},
                  0, 100));
    };
    const auto power = [&](Watts limit) {
      if (wild) return Watts{*around({nan, inf, -inf, -500.0, 1e9}, -20000, 20000)};
      return chance(50) ? limit : Watts{};
    };
    double at = 0.0;
    for (auto& [begin, end, marks] : plan.entries) {
      const double from = wild ? *around({0.0}, -10, 30) : at;
      at = from + *around({900.0}, 0, 20);
      begin = Instant{} + seconds(from);
      end = Instant{} + seconds(at);
      std::array<Soc, 4> levels{mark(), mark(), mark(), mark()};
      const int kind = *whole(0, 3);  // buys, sells, rests, or anything
      if (kind == 0) levels.fill(std::max({levels[0], levels[1], s.soc_ceiling}));
      if (kind == 1) levels.fill(std::min({levels[0], levels[1], s.reserve}));
      if (!wild) std::ranges::sort(levels);
      marks = {.buy = levels[0],
               .buy_power = power(s.charge_limit),
               .store = levels[kind == 2 ? 1 : 3],
               .serve = levels[kind == 2 || chance(30) ? 2 : 1],
               .sell = levels[chance(50) ? 2 : 3],
               .sell_power = power(s.discharge_limit)};
    }
    return plan;
  });
}

/// As a feed tells them, gaps and all, or wilder: no numbers, spans that overlap.
rc::Gen<Change> any_told() {
  return rc::gen::exec([]() -> Change {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double inf = std::numeric_limits<double>::infinity();
    const bool wild = chance(30);
    Told told{
        .entries = {},
        .count = wild ? static_cast<std::size_t>(*rc::gen::element(0, 1, 12, 256, 100000)) : 12};
    const auto price = [&]() -> std::optional<double> {
      if (chance(30)) return std::nullopt;
      if (wild) return *around({nan, inf, -inf}, -1, 1);
      return *around({-0.02, 0.0, 0.2, 0.3}, -0.1, 0.5);
    };
    double at = 0.0;
    for (auto& [begin, end, prices] : told.entries) {
      const double from =
          wild ? *around({0.0}, -10, 30) : at + (chance(20) ? *around({3600.0}, 0, 20) : 0.0);
      at = from + *around({900.0, 3600.0, 14400.0, 40000.0}, 0, 20);
      begin = Instant{} + seconds(from);
      end = Instant{} + seconds(at);
      prices = {price(), price()};
    }
    return told;
  });
}

/// A change of a kind, how often it comes among all, and how long it lasts at most.
struct Kind {
  std::size_t weight;
  double longest;  ///< s, but 5 ticks at least and 300 at most; 0: it happens at once
  rc::Gen<Change> change;
};

/// Of one field.
template <class T, class Field>
rc::Gen<Change> with(rc::Gen<Field> gen) {
  return rc::gen::map(std::move(gen), [](Field field) { return Change{T{field}}; });
}

std::vector<Kind> kinds(const Settings& s) {
  const double h = s.soc_hysteresis;
  const double eps = 0.01;
  const auto always = [](Change change) { return rc::gen::just(std::move(change)); };
  const auto count = [](int n) { return static_cast<unsigned>(n); };
  return {
      // the house
      {6, 20, with<Residual>(around({-6000.0, -2000.0, 2000.0, 9000.0, 0.0}, -6000, 9000))},
      {1, 20, with<Solar>(between(0, 6000))},
      {2, 20, with<AcOut>(around({0.0, 3000.0}, 0, 3000))},
      {4, 30, with<AcOutError>(around({-20000.0, -1500.0, 51.0, 49.0, 1500.0}, -3000, 3000))},
      {2, 20,
       made<Circuit>(one_of({Wire::ev_power, Wire::heatpump_power}),
                     around({0.0, -100.0}, 0, 8000))},
      // the battery
      {16, 20,
       made<SocTo>(
           rc::gen::oneOf(any_of<SocMark>(), rc::gen::element(SocMark::ceiling, SocMark::cutoff)),
           around({0.0, eps, -eps, h, h - eps, -h, -h + eps, 1.0, 3.0}, -8, 8),
           rc::gen::map(whole(0, 3), [](int n) { return n == 3; }))},
      {2, 0, with<SocMoves>(around({-1.0, 1.0, 5.0, -5.0, 40.0, -40.0}, -2, 2))},
      {5, 20,
       made<PackVoltage>(any_of<VoltMark>(), around({0.0, 0.0, eps, -eps, -0.1, 0.6}, -2, 2))},
      {16, 60, with<PackCurrent>(around({0.0, -80.0, 80.0, -65.0, 65.0}, -80, 80))},
      {8, 20,
       made<Limit>(always_wire(Wire::temperature),
                   around({0.0, 50.0, -10.0, 2.0, 48.0, -0.1, 50.1, -10.1}, -30, 70))},
      {2, 10, made<Limit>(always_wire(Wire::cvl), around({0.0, 48.0}, 45, 54))},
      {9, 10, made<Limit>(one_of({Wire::ccl, Wire::ccl, Wire::dcl}), around({0.1, 200.0}, 1, 30))},
      {5, 8, made<Limit>(one_of({Wire::ccl, Wire::dcl}), around({0.0}, -20, 0))},
      {44, 10, with<Protections>(any_protections())},
      {9, 5, with<Requests>(any_requests())},
      // the wires
      {36, 10, with<Missing>(any_required())},
      {5, 10, with<Missing>(any_of<Wire>())},
      {3, 10, with<Silent>(any_of<Bus>())},
      {4, 10, made<Garbage>(any_of<Wire>(), any_garbage())},
      {2, 5,
       with<NoNumber>(one_of({Wire::soc, Wire::pack_voltage, Wire::cvl, Wire::ccl, Wire::dcl,
                              Wire::protections, Wire::requests, Wire::status}))},
      {5, 20, with<Contended>(any_of<Bus>())},
      {3, 40, always(MeterReversed{})},
      {4, 15, made<MeterFrozen>(rc::gen::arbitrary<bool>())},
      {4, 15, always(ClampOff{})},
      // the inverter
      {5, 10, with<Status>(any_status())},
      {9, 40,
       made<PowerCut>(around({0.0, 20.0, 179.9}, 0, 150),
                      rc::gen::map(whole(0, 4), [](int n) { return n == 4; }))},
      {1, 10, with<Mains>(around({0.0, 180.0, 300.0}, 0, 300))},
      {6, 60, with<Responds>(any_of<Response>())},
      {6, 60, always(Responds{Response::holds_back})},
      // the hub
      {2, 3,
       made<Overrun>(rc::gen::map(whole(1, 4), count), rc::gen::map(between(0, 0.2), seconds))},
      {1, 0, with<Pause>(rc::gen::map(around({1.0, 3.0, 15.0, 60.0, 90000.0}, 0, 30), seconds))},
      {6, 15, with<ComponentsFail>(rc::gen::arbitrary<bool>())},
      {14, 40,
       with<Raised>(
           rc::gen::elementOf(std::vector<Fault>(told_by_others.begin(), told_by_others.end())))},
      {5, 10, always(Raised{Fault::bms_implausible})},
      {2, 0, always(ControlRestarts{})},
      {4, 0,
       made<ProgramRestarts>(rc::gen::map(around({0.5, 5.0, 90000.0}, 0, 100), seconds),
                             rc::gen::map(whole(0, 2), [](int n) { return n > 0; }),
                             rc::gen::arbitrary<bool>(), rc::gen::arbitrary<bool>())},
      // clocks
      {6, 20, always(ClockUntrusted{})},
      {1, 0,
       with<WallStep>(rc::gen::map(
           rc::gen::element(3.0, -3.0, 3600.0, -3600.0, 43200.0, 1e8, -1e9),
           [](double by) { return std::chrono::seconds{static_cast<std::int64_t>(by)}; }))},
      {2, 20, made<LocalStep>(rc::gen::element(-60, 60, 720), rc::gen::arbitrary<bool>())},
      // orders
      {22, 0, any_command(s)},
      {7, 0, always(Ask{Acknowledge{}})},
      {3, 10, any_wild_orders()},
      {20, 120, any_plan(s)},
      {12, 120, any_told()},
  };
}

/// A stretch of up to `longest` seconds, in ticks: what the contract speaks of goes by seconds.
rc::Gen<unsigned> ticks(double longest, Duration period, int least, int most) {
  const int end = std::clamp(static_cast<int>(longest / Seconds{period}.count()), least, most);
  return rc::gen::map(whole(1, end), [](int n) { return static_cast<unsigned>(n); });
}

}  // namespace

rc::Gen<House> any_house() {
  return rc::gen::suchThat(any_house_at_all(),
                           [](const House& h) { return control::validate(h.settings).empty(); });
}

rc::Gen<std::vector<Event>> any_history(const House& house) {
  const auto all = kinds(house.settings);
  std::vector<std::size_t> lot;
  for (std::size_t i = 0; i < all.size(); ++i) lot.insert(lot.end(), all[i].weight, i);
  // One gap for the whole history: some are busy, in some one thing happens after the other.
  const Duration period = house.settings.period;
  return rc::gen::mapcat(rc::gen::element(3.0, 8.0, 15.0, 20.0), [=](double longest_gap) {
    const auto event = rc::gen::mapcat(rc::gen::elementOf(lot), [=](std::size_t i) {
      return rc::gen::construct<Event>(
          ticks(longest_gap, period, 10, 200),
          all[i].longest > 0.0 ? ticks(all[i].longest, period, 5, 300) : rc::gen::just(0u),
          all[i].change);
    });
    return rc::gen::resize(80, rc::gen::container<std::vector<Event>>(event));
  });
}

}  // namespace esshub::properties
