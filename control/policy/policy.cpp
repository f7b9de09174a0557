#include "control/policy/policy.hpp"

#include <algorithm>

#include "control/latch.hpp"

namespace esshub::control {
namespace {

constexpr Duration plan_late = 2h;
constexpr Duration plan_renewed_within = 1min;
// A full charge that does not get there must not keep the battery from its work for ever.
constexpr Duration longest_full_charge = 24h;
constexpr Duration full_charge_rest = 24h;
constexpr Duration full_charge_patience = 24h;  // for cheap hours or the sun

Mode mode_of(const Inputs& inputs) {
  return inputs.orders.mode.value_or(inputs.settings.mode);
}

std::optional<Instruction> schedule_says(const Settings& s, Mode mode, const LocalTime& local) {
  if (!local.trusted || mode == Mode::balance) return std::nullopt;
  return scheduled(s.schedule, local.planned());
}
std::optional<Instruction> tariff_says(const Settings& s, const LocalTime& local,
                                       const ToldPrices& told) {
  if (!local.trusted) return std::nullopt;
  return tariff_wish(s.tariff, s.charge_limit, local.shown(), told);
}

/// In Smart mode, as far as the plan reaches.
std::optional<Marks> smart_says(const Inputs& inputs) {
  if (!inputs.plan || !inputs.local.trusted || mode_of(inputs) != Mode::smart) return std::nullopt;
  return marks_at(*inputs.plan, inputs.now);
}

Prices prices_now(const Inputs& inputs) {
  if (!inputs.local.trusted) return {};
  return prices_at(inputs.settings.tariff, inputs.local.shown(), prices_ahead(inputs).at({}));
}

std::optional<Instruction> current(const std::optional<Order>& order, Instant now) {
  if (!order || now >= order->until) return std::nullopt;
  return order->instruction;
}

std::optional<Instant> end_of(const Orders& orders, Authority authority) {
  if (authority == Authority::manual) return orders.manual->until;
  if (authority == Authority::dispatch) return orders.dispatch->until;
  return std::nullopt;
}

/// What takes from the battery goes by the SOC that rules, what fills it by the BMS's word (F18).
void update(AuthorityState& state, const std::optional<Instruction>& instruction,
            const Marks& asked, const Observation& observation, double h) {
  if (state.instruction != instruction || state.marks != asked)
    state = AuthorityState{instruction, asked};
  if (!instruction || !observation.bms_ok) return;
  const auto filled = [&, soc = observation.reported_soc.percent()](bool before, Soc mark) {
    return latch(before, soc >= mark.percent(), soc <= mark.percent() - h);
  };
  const auto emptied = [&, soc = observation.soc.percent()](bool before, Soc mark) {
    return latch(before, soc <= mark.percent(), soc >= mark.percent() + h);
  };
  state.bought = filled(state.bought, state.marks.buy);
  state.stored = filled(state.stored, state.marks.store);
  state.served = emptied(state.served, state.marks.serve);
  state.sold = emptied(state.sold, state.marks.sell);
}

/// The marks are the planner's; the word for what they make of this moment is told.
void update_smart(const Inputs& inputs, const Prices& prices, const Observation& observation,
                  PolicyMemory& policy) {
  AuthorityState& state = policy.authority_state(Authority::smart);
  const auto says = smart_says(inputs);
  update(state, says ? std::optional{state.instruction.value_or(Instruction{})} : std::nullopt,
         says ? priced(*says, prices) : Marks{}, observation, inputs.settings.soc_hysteresis);
  if (!says) return;
  state.instruction = word(*says, state.buys(), state.sells());
  policy.authority = Authority::smart;
}

/// Told when no plan was made for long, not when the last one ends or is dropped. One of before
/// Smart mode is renewed within a minute.
void evaluate_plan(const Inputs& inputs, Memory& memory) {
  auto& since = memory.policy.smart_since;
  if (mode_of(inputs) != Mode::smart) since.reset();
  if (mode_of(inputs) == Mode::smart && !since) since = inputs.now;
  bool late = false;
  if (since) {
    const auto made = inputs.plan ? inputs.plan->made : std::nullopt;
    const Instant due =
        made ? std::clamp(*made, inputs.now - 24h, inputs.now) + plan_every : *since;
    late = inputs.now - due >= plan_late && inputs.now - *since >= plan_renewed_within;
  }
  memory.faults.set(Fault::plan_missing, late, inputs.now);
}

void evaluate_full_charge(const Inputs& inputs, const Observation& observation, Memory& memory) {
  PolicyMemory& p = memory.policy;
  const Instant now = inputs.now;
  if (!p.last_full) p.last_full = now;  // unknown: counted from here
  if (inputs.orders.last_full && !p.seen_full) p.last_full = inputs.orders.last_full;
  const bool full = observation.bms_ok && observation.reported_soc.percent() >= 100.0;
  if (full) {
    p.last_full = now;
    p.seen_full = true;
    p.full_charge_rests_until.reset();
  }
  const Hours every{inputs.settings.full_charge_days * 24.0};
  const bool due = every > Hours{} && now - *p.last_full >= every;
  const bool resting = p.full_charge_rests_until && now < *p.full_charge_rests_until;
  const bool wanted = observation.bms_ok && !full && !resting &&
                      (due || observation.full_charge_asked) &&
                      inputs.settings.soc_ceiling.percent() >= 100.0;
  p.full_charge = false;
  if (!wanted) {
    if (observation.bms_ok) p.full_charge_since.reset();  // a silence is not the end of a day
    return;
  }
  if (!p.full_charge_since) {
    p.full_charge_since = now;
    p.full_charge_patience = {};
  }
  const Tariff& tariff = inputs.settings.tariff;
  const Duration waited = now - *p.full_charge_since;
  const PricesAhead ahead = prices_ahead(inputs);
  // It keeps its day of charging after a day of waiting where told prices end, though without bands
  // it waits no longer then.
  if (has_hours(tariff, ahead)) p.full_charge_patience = full_charge_patience;
  p.full_charge = waited >= p.full_charge_patience || is_off_peak(tariff, inputs.local, ahead);
  if (waited >= p.full_charge_patience + longest_full_charge)
    p.full_charge_rests_until = now + full_charge_rest;
}

/// F24. Not by what a storm raises it to: that much was never there.
void evaluate_reserve(const Inputs& inputs, const Observation& observation, Memory& memory) {
  const Settings& s = inputs.settings;
  PolicyMemory& p = memory.policy;
  const bool known = observation.bms_ok && observation.inverter_ok;
  if (known) {
    const Soc reserve = std::max(s.soc_floor, inputs.orders.reserve.value_or(s.reserve));
    const double soc = observation.reported_soc.percent();
    const bool missing = soc <= reserve.percent() - missing_reserve;
    const auto unless_used = [&](bool held) { return held && !observation.islanded; };
    p.below_reserve = unless_used(latch(p.below_reserve, missing, soc >= reserve.percent()));
    p.reserve_wanted = unless_used(latch(p.reserve_wanted, missing, soc >= enough(reserve, s)));
  }
  memory.faults.set(Fault::reserve_not_kept, known && p.below_reserve, inputs.now);
  const auto buys = [&] {
    return s.reserve_recharge == ReserveRecharge::at_once ||
           (s.reserve_recharge == ReserveRecharge::cheap &&
            is_off_peak(s.tariff, inputs.local, prices_ahead(inputs)));
  };
  p.reserve_recharge = known && p.reserve_wanted && buys();
}

}  // namespace

Planned planned(const Settings& settings, Mode mode, const LocalTime& local,
                const ToldPrices& told) {
  if (const auto says = schedule_says(settings, mode, local)) return {*says, Authority::schedule};
  if (const auto says = tariff_says(settings, local, told)) return {*says, Authority::tariff};
  return {};
}

double enough(Soc reserve, const Settings& settings) {
  const double more = std::min(missing_reserve, settings.soc_hysteresis / 2.0);
  return std::min(reserve.percent() + more, std::max(reserve, settings.soc_ceiling).percent());
}

Soc reserve_in_force(const Inputs& inputs, const Memory& memory) {
  const Soc reserve = inputs.orders.reserve.value_or(inputs.settings.reserve);
  const StormMemory& storm = memory.policy.storm;
  return storm.keeps ? std::max(reserve, storm.order->reserve) : reserve;
}

void update_authorities(const Inputs& inputs, const Observation& observation, Memory& memory) {
  const Settings& s = inputs.settings;
  PolicyMemory& p = memory.policy;
  const Prices prices = prices_now(inputs);
  const auto take = [&](Authority who, const std::optional<Instruction>& instruction) {
    // Whoever gives an order knows what it costs.
    const bool ordered = who == Authority::manual || who == Authority::dispatch;
    update(p.authority_state(who), instruction,
           instruction ? priced(marks(*instruction), ordered ? Prices{} : prices) : Marks{},
           observation, s.soc_hysteresis);
    if (instruction) p.authority = who;
  };
  take(Authority::balance, Instruction{});
  const bool planned = smart_says(inputs).has_value();
  take(Authority::tariff,
       planned ? std::nullopt : tariff_says(s, inputs.local, prices_ahead(inputs).at({})));
  update_smart(inputs, prices, observation, p);
  take(Authority::schedule, schedule_says(s, mode_of(inputs), inputs.local));
  take(Authority::dispatch, current(inputs.orders.dispatch, inputs.now));
  take(Authority::manual, current(inputs.orders.manual, inputs.now));
  evaluate_plan(inputs, memory);
  evaluate_full_charge(inputs, observation, memory);
  evaluate_reserve(inputs, observation, memory);
}

bool forced_charge(const Observation& observation, const Memory& memory) {
  const PolicyMemory& p = memory.policy;
  return observation.force_charge || ((p.storm.buys || p.full_charge || p.reserve_recharge) &&
                                      p.authority != Authority::manual);
}

Policy policy_of(const Inputs& inputs, const Observation& observation, const Memory& memory) {
  const Settings& s = inputs.settings;
  const StormMemory& storm = memory.policy.storm;
  const auto& order = storm.order;
  const Authority authority = memory.policy.authority;
  const auto& says = memory.policy.authority_state(authority).instruction;
  const Prices prices = prices_now(inputs);
  return {
      .mode = mode_of(inputs),
      .instruction = says.value_or(Instruction{}),
      .authority = authority,
      .until = end_of(inputs.orders, authority),
      .storm_until = order ? std::optional{order->until} : std::nullopt,
      .storm_from = order && inputs.now < order->from ? std::optional{order->from} : std::nullopt,
      .storm_kept = storm.keeps,
      .storm_reached =
          observation.islanded || authority == Authority::manual ? std::nullopt : storm.reached,
      .reserve = reserve_in_force(inputs, memory),
      .floor = s.soc_floor,
      .ceiling = s.soc_ceiling,
      .cutoff = s.cutoff_soc,
      .backup_left = observation.backup_left,
      .import_price = prices.import_price,
      .export_price = prices.export_price,
      .last_full = memory.policy.seen_full ? memory.policy.last_full : std::nullopt};
}

}  // namespace esshub::control
