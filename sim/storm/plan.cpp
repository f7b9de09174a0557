#include "sim/storm/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "control/overrun.hpp"
#include "sim/storm/dice.hpp"

namespace esshub::sim::storm {
namespace {

/// What a die is for: each has its own, so that a fault more or less changes nothing else.
enum Purpose : std::uint64_t {
  of_settings = 1,
  of_house,
  of_clocks,
  of_load,
  of_weather,
  of_orders,
  of_history,
  of_pace,
  of_prices
};

constexpr Duration weather_begins = 40s;
constexpr Duration long_calm = std::chrono::hours{1};

Soc soc(double percent) {
  return *Soc::from_percent(std::clamp(percent, 0.0, 100.0));
}

// ---- settings
// ------------------------------------------------------------------------------------

Instruction instruction(Dice& dice, const control::Settings& s) {
  Instruction i;
  i.kind = static_cast<InstructionKind>(dice.below(enum_count<InstructionKind>));
  const bool charges = i.kind == InstructionKind::charge;
  const double most = (charges ? s.charge_limit : s.discharge_limit).value();
  i.power = Watts{dice.between(std::min(100.0, most), most, 1.0)};
  i.target = soc(dice.between(s.soc_floor.percent(), s.soc_ceiling.percent(), 1.0));
  i.low = soc(dice.between(0, 60, 1.0));
  i.high = soc(dice.between(70, 100, 1.0));
  return i;
}

void draw_schedule(Dice& dice, control::Settings& s) {
  if (dice.chance(50)) return;
  for (int from = 0; from < 1440; from += 180)
    if (dice.chance(40))
      s.schedule.push_back({.when = {.days = control::every_day, .from = from, .to = from + 180},
                            .instruction = instruction(dice, s)});
}

void draw_tariff(Dice& dice, control::Settings& s) {
  if (dice.chance(50)) return;
  auto& t = s.tariff;
  t.import_price = 0.30;
  t.export_price = 0.08;
  t.no_discharge_while_cheap = dice.chance(70);
  if (dice.chance(50)) t.force_charge_to = soc(dice.between(50, s.soc_ceiling.percent(), 1.0));
  const int from = 60 * static_cast<int>(dice.below(20));
  t.bands.push_back({.when = {.days = control::every_day, .from = from, .to = from + 240},
                     .import_price = dice.chance(10) ? -0.02 : 0.10,
                     .cheap = true});
}

control::Settings settings(Dice& dice) {
  for (;;) {
    control::Settings s;
    s.grid_setpoint = Watts{dice.chance(70) ? 0.0 : dice.between(-100, 100, 10.0)};
    if (dice.chance(30)) s.import_cap = Watts{dice.between(1000, 6000, 100.0)};
    if (dice.chance(50)) s.export_cap = Watts{dice.one_of({0.0, 500.0, 1000.0, 3680.0})};
    s.witness = s.export_cap && dice.chance(30);
    s.charge_limit = Watts{dice.between(300, 2400, 50.0)};
    s.discharge_limit = Watts{dice.between(300, 2400, 50.0)};
    s.soc_floor = soc(dice.between(5, 20, 1.0));
    s.reserve = soc(dice.between(0, 50, 1.0));
    s.soc_ceiling = soc(dice.chance(60) ? 100.0 : dice.between(85, 99, 1.0));
    s.soc_hysteresis = dice.between(0, 4, 0.5);
    s.charge_voltage_cap = Volts{dice.one_of({52.0, 52.4, 53.0})};
    s.cutoff_soc = soc(dice.between(0, 15, 1.0));
    s.force_charge_power = Watts{dice.between(200, 1000, 50.0)};
    s.reserve_recharge = static_cast<control::ReserveRecharge>(dice.below(3));
    s.reserve_recharge_power = Watts{dice.between(200, 2000, 50.0)};
    s.full_charge_days = s.soc_ceiling.percent() < 100.0 || dice.chance(70) ? 0.0 : 30.0;
    s.mode = dice.chance(60) ? Mode::scheduled : Mode::balance;
    s.slew = WattsPerSecond{dice.one_of({500.0, 2000.0, 5000.0, 20000.0})};
    s.meter_max_age = std::chrono::milliseconds{dice.one_of({2000, 3000, 3000, 3000})};
    s.bms_max_age = std::chrono::milliseconds{dice.one_of({2500, 3000, 3000, 3000})};
    s.inverter_max_age = 3s;
    draw_schedule(dice, s);
    draw_tariff(dice, s);
    s.transfer_switch = Amperes{dice.one_of({16.0, 32.0, 32.0})};
    if (control::validate(s).empty()) return s;
  }
}

/// How often it decides, and for how long that may be written.
void draw_pace(Dice& dice, control::Settings& s) {
  using std::chrono::milliseconds;
  control::Settings drawn = s;
  drawn.period = milliseconds{dice.one_of({10, 20, 20, 20, 50, 100, 200, 300, 500, 1000})};
  drawn.setpoint_life =
      std::max<Duration>(2 * drawn.period, milliseconds{dice.one_of({200, 500, 1000, 5000})});
  if (control::validate(drawn).empty()) s = drawn;
}

// ---- the house
// -----------------------------------------------------------------------------------

void draw_house(Dice& dice, Plan& plan) {
  PlantSettings& p = plan.plant;
  p.seed = scattered(plan.seed);
  p.house.seed = plan.seed;
  p.house.battery.modules = static_cast<unsigned>(2 + dice.below(3));
  p.house.battery.soc_percent =
      dice.chance(25) ? dice.between(2, 25, 0.5) : dice.between(10, 100, 0.5);
  p.house.battery.ambient = Celsius{dice.between(5, 35, 0.5)};
  p.house.battery.opens_after = 5s;
  p.house.ac_out_share = dice.one_of({0.0, 0.1, 0.3, 0.6});
  p.house.ac_out = Watts{dice.between(0, 300, 10.0)};
  p.house.line_ohm = dice.between(0.05, 0.4, 0.05);
  p.meters_live_without_grid = dice.chance(70);
  plan.meter_turnaround = dice.time(20ms, 80ms);
  plan.battery.needs_keep_alive = dice.chance(40);
  plan.battery.transmit_ack = dice.chance(70);
  plan.inverter.ess_layout = static_cast<int>(dice.below(3));
  plan.inverter.long_dialect = dice.chance(20);
  plan.inverter.chatter = dice.chance(80);
  plan.inverter.seed = scattered(plan.seed + 1);
}

void draw_clocks(Dice& dice, Plan& plan) {
  using namespace std::chrono;
  constexpr Duration wrap_of_ms = milliseconds{4294967295};
  plan.steady = dice.chance(20)   ? wrap_of_ms - dice.time(10s, 800s)
                : dice.chance(50) ? dice.time(15s, 300s)
                                  : dice.time(1h, hours{24 * 300});
  plan.zone = dice.one_of(
      {"Europe/London", "Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"});
  // Seconds since 1970: any day of 2026 to 2030; shortly before the clocks change in Europe and
  // America; a board that begins with 1970; one that is far ahead.
  const double change = dice.one_of({1774746000.0, 1792890000.0, 1772953200.0, 1793512800.0});
  const double before = dice.between(0, 900, 1.0);
  const double when = dice.chance(60)   ? dice.between(1767225600, 1893456000, 1.0)
                      : dice.chance(60) ? change - before
                      : dice.chance(50) ? before
                                        : dice.between(2398377600, 2398500000, 1.0);
  plan.wall = WallTime{seconds{static_cast<std::int64_t>(when)}};
  plan.clock_synchronised = when > 1e9 && dice.chance(85);
}

void draw_powers(Dice& dice, Plan& plan) {
  const double base = dice.between(80, 500, 1.0);
  const double often_s = plan.length > long_calm ? 240.0 : 35.0;
  for (Duration t{}; t < plan.length;
       t += as_duration(Seconds{dice.between(1, 2 * often_s, 0.01)})) {
    double load = base * dice.between(0.9, 1.1, 0.01);
    if (dice.chance(45)) load += dice.one_of({60.0, 700.0, 1200.0, 2000.0, 2800.0, 7000.0, 300.0});
    plan.load.push_back({t, Watts{load}});
  }
  const double sun = dice.chance(45) ? 0.0 : dice.between(200, 5000, 1.0);
  double now = sun;
  for (Duration t{}; t < plan.length; t += as_duration(Seconds{dice.between(2, often_s, 0.01)})) {
    plan.solar.push_back({t, Watts{now}});
    now = sun * (dice.chance(20) ? dice.between(0.1, 0.5, 0.01) : dice.between(0.8, 1.0, 0.01));
  }
  if (plan.length <= long_calm) return;
  // The sun of a day.
  for (auto& step : plan.solar) {
    const double hour = std::fmod(Hours{step.at}.count(), 24.0);
    step.power = step.power * std::max(0.0, 1.0 - (hour - 12.0) * (hour - 12.0) / 36.0);
  }
}

/// The history's thread writes oftener than it is usual, so that more can happen to it.
void draw_history(Dice& dice, Plan& plan) {
  plan.history.file = "history.db";
  plan.history.batch = std::chrono::seconds{dice.one_of({15, 60, 300})};
}

// ---- weather
// -------------------------------------------------------------------------------------

Bus bus_of(Dice& dice, Where where) {
  switch (where) {
    case Where::meters_bus:
      return Bus::meters;
    case Where::battery_bus:
      return Bus::battery;
    case Where::inverter_bus:
      return Bus::inverter;
    case Where::house:
    case Where::any_bus:
      break;
  }
  return static_cast<Bus>(dice.below(bus_count));
}

/// Its length and size.
void draw_size(Dice& dice, Injection& i) {
  i.length = dice.chance(30) ? dice.time(300ms, 4s) : dice.time(3s, 45s);
  switch (i.what) {
    case Injected::line_drop:
    case Injected::line_noise:
      i.first = dice.one_of({0.5, 2.0, 5.0, 20.0, 60.0});
      break;
    case Injected::line_late:
      i.first = dice.one_of({0.1, 0.25, 0.4, 0.8, 1.5, 3.0});
      break;
    case Injected::bms_limits:
      i.first = dice.one_of({0.0, 0.0, 5.0, 10.0, 20.0});
      i.second = dice.one_of({0.0, 0.0, 5.0, 10.0, 20.0});
      break;
    case Injected::bms_protection:
      i.first = dice.one_of({0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 15.0});
      break;
    case Injected::bms_soc:
      i.first = dice.one_of({0.0, 5.0, 50.0, 99.0, 100.0, 104.0, 130.0, 255.0});
      break;
    case Injected::bms_temperature:
      i.first = dice.one_of({-30.0, -12.0, -1.0, 0.0, 49.0, 51.0, 70.0, 200.0});
      break;
    case Injected::inverter_gain:
      i.first = dice.one_of({0.0, 0.5, 1.15, 1.5, -1.0});
      break;
    case Injected::inverter_derate:
      i.first = dice.one_of({0.0, 300.0, 1000.0});
      i.length = dice.time(10s, 90s);
      break;
    case Injected::inverter_ac_out_word:
      i.first = dice.one_of({-1500.0, -400.0, 100.0, 400.0, 1500.0, 12000.0});
      break;
    case Injected::inverter_alarm:
      i.first = static_cast<double>(1u << dice.below(8));
      break;
    case Injected::mains_lost:
      i.length = dice.chance(25) ? dice.time(20ms, 3s) : dice.time(5s, 180s);
      break;
    case Injected::disk_slow:
      i.first = dice.one_of({0.5, 3.0, 20.0});
      break;
    case Injected::disk_torn:
      i.first = dice.between(0, 400, 1.0);
      break;
    case Injected::clock_step:
      i.length = {};
      i.first = dice.one_of({-3600.0, 3600.0, -61.0, 2.5, 86400.0, -630720000.0, 630720000.0});
      break;
    case Injected::control_stall:
      i.length = dice.chance(70) ? dice.time(20ms, 1500ms) : dice.time(2s, 20s);
      break;
    case Injected::actor_stuck:
      i.length = dice.time(1s, 20s);
      break;
    case Injected::actor_death:
      i.length = {};
      i.first = dice.chance(40) ? 1.0 : 0.0;  // of the control, not of a bus
      break;
    case Injected::hub_killed:
    case Injected::hub_stopped:
    case Injected::power_cut:
      i.length = dice.time(500ms, 40s);
      i.first = dice.chance(50) ? 0.0 : 1.0;  // the board has no clock of its own
      if (i.what != Injected::hub_stopped && dice.chance(60))
        i.second = std::floor(std::exp(dice.between(0, std::log(60e3))));
      break;
    case Injected::line_off:
    case Injected::line_stuck:
    case Injected::line_unplug:
    case Injected::line_flood:
    case Injected::line_other_master:
    case Injected::meter_reversed:
    case Injected::bms_module_lost:
    case Injected::broker_off:
    case Injected::clients_flood:
    case Injected::disk_full:
    case Injected::disk_lost:
    case Injected::disk_unreadable:
    case Injected::clock_unsynchronised:
      break;
  }
}

void draw_weather(Dice& dice, const InjectionKinds& kinds, Plan& plan) {
  std::vector<Injected> possible;
  for (const auto what : enum_values<Injected>)
    if (kinds[what]) possible.push_back(what);
  if (possible.empty()) return;
  const bool calm = plan.length > long_calm;
  const Duration last = plan.length - calm_end;
  Duration t = weather_begins;
  while (true) {
    t += calm ? dice.time(10s, 3h) : dice.time(500ms, 60s);
    if (t >= last) break;
    // Two at once as often as not.
    const std::size_t together = dice.chance(35) ? 2 : 1;
    for (std::size_t n = 0; n < together; ++n) {
      Injection i{.what = possible[dice.below(possible.size())]};
      i.bus = bus_of(dice, row(i.what).where);
      i.begin = t + (n == 0 ? Duration{} : dice.time(0ms, 5s));
      draw_size(dice, i);
      if (i.begin >= last) continue;
      i.length = std::min(i.length, last - i.begin);
      plan.weather.push_back(i);
      // A machine that has too much to do stands still again and again (F10: periods lost): 3 to
      // 40 % of the time; with the usual period every 700 ms, more than a tenth where each stall is
      // longer than 90 ms.
      const Duration too_long = control::longest_gap(plan.loop.control.period);
      if (i.what != Injected::control_stall || i.length >= too_long) continue;
      const Duration apart = too_long * 7 / 3;
      for (int again = 0; again < 8 && i.begin + apart < last - i.length; ++again) {
        i.begin += apart;
        plan.weather.push_back(i);
      }
    }
  }
  std::ranges::stable_sort(plan.weather, {}, &Injection::begin);
}

// ---- orders
// --------------------------------------------------------------------------------------

Command command(Dice& dice, const control::Settings& s) {
  const auto length = [&dice] {
    return Duration{std::chrono::minutes{static_cast<int>(dice.between(1, 20, 1.0))}};
  };
  switch (dice.below(std::variant_size_v<Command>)) {
    case 0:
      return SetMode{dice.chance(30) ? std::nullopt
                                     : std::optional{static_cast<Mode>(dice.below(2))}};
    case 1:
      return SetReserve{dice.chance(20) ? std::nullopt
                                        : std::optional{soc(dice.between(0, 100, 1.0))}};
    case 2:
      return StartOverride{instruction(dice, s), length()};
    case 3:
      return EndOverride{};
    case 4: {
      auto wish = instruction(dice, s);
      wish.power = wish.power * dice.between(0.5, 4.0, 0.1);  // wilder than the limits
      return StartDispatch{wish, length()};
    }
    case 5:
      return EndDispatch{};
    case 6:
      return StartStorm{.reserve = soc(dice.between(0, 100, 1.0)),
                        .length = 15 * length(),
                        .begins_in = dice.chance(50) ? Duration{} : length(),
                        .fill = dice.chance(50)};
    case 7:
      return EndStorm{};
    default:
      return Acknowledge{};
  }
}

void draw_orders(Dice& dice, Plan& plan) {
  if (dice.chance(25)) return;
  const Duration apart = plan.length > long_calm ? Duration{2h} : Duration{150s};
  for (Duration t = dice.time(12s, apart); t < plan.length - calm_end; t += dice.time(1s, apart))
    plan.orders.push_back(
        {t, command(dice, plan.loop.control), dice.one_of({"web", "mqtt", "dbus"})});
}

// ---- prices
// --------------------------------------------------------------------------------------

/// What a market tells at that time by the right clock: some prices are negative, some of what is
/// to come is left out, and the newer ones contradict those before.
service::Feed prices(Dice& dice, service::UnixSeconds now) {
  service::Feed feed;
  feed.kind = dice.chance(70) ? FeedKind::import_price : FeedKind::export_price;
  feed.unit = "EUR/kWh";
  feed.source = "storm";
  feed.issued = now - static_cast<service::UnixSeconds>(dice.below(600));
  auto begin = now - static_cast<service::UnixSeconds>(dice.below(900));
  for (std::size_t n = 1 + dice.below(8); n > 0; --n) {
    const auto end = begin + dice.one_of({60, 300, 900, 3600});
    feed.slots.push_back({begin, end, dice.between(-0.30, 0.60, 0.01)});
    begin = end + (dice.chance(10) ? 120 : 0);
  }
  feed.valid_until = dice.chance(70) ? std::max(begin, now + 1) : now + 60;
  return feed;
}

/// They take the place of a tariff's: where there is none, nobody tells any.
void draw_prices(Dice& dice, Plan& plan) {
  control::Tariff& tariff = plan.loop.control.tariff;
  if (!tariff.import_price || dice.chance(40)) return;
  tariff.currency = "EUR";
  if (dice.chance(60)) tariff.cheap_below = dice.between(0.0, 0.15, 0.01);
  const Duration apart = plan.length > long_calm ? Duration{2h} : Duration{200s};
  for (Duration t = dice.time(1s, apart); t < plan.length; t += dice.time(5s, apart))
    plan.prices.push_back({t, prices(dice, service::unix_seconds(plan.wall + t))});
}

}  // namespace

Plan make_plan(std::uint64_t seed, Duration length, const InjectionKinds& kinds) {
  Plan plan;
  plan.seed = seed;
  plan.length = length;
  plan.loop = fitting_settings();
  const auto with = [seed](Purpose purpose) { return Dice{seed, purpose}; };
  Dice dice = with(of_settings);
  plan.loop.control = settings(dice);
  draw_pace(dice = with(of_pace), plan.loop.control);
  draw_house(dice = with(of_house), plan);
  draw_clocks(dice = with(of_clocks), plan);
  draw_powers(dice = with(of_load), plan);
  draw_weather(dice = with(of_weather), kinds, plan);
  draw_orders(dice = with(of_orders), plan);
  draw_history(dice = with(of_history), plan);
  draw_prices(dice = with(of_prices), plan);
  return plan;
}

}  // namespace esshub::sim::storm
