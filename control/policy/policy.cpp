#include "control/policy/policy.hpp"

#include <algorithm>

#include "control/latch.hpp"

namespace esshub::control {
namespace {

// A full charge that does not get there must not keep the battery from its work for ever.
constexpr Duration longest_full_charge = 24h;
constexpr Duration full_charge_rest = 24h;

Mode mode_of(const Inputs& inputs) {
  return inputs.orders.mode.value_or(inputs.settings.mode);
}

std::optional<Instruction> schedule_says(const Settings& s, Mode mode, const LocalTime& local) {
  if (!local.trusted || mode != Mode::scheduled) return std::nullopt;
  return scheduled(s.schedule, local.planned());
}
std::optional<Instruction> tariff_says(const Settings& s, const LocalTime& local) {
  if (!local.trusted) return std::nullopt;
  return tariff_wish(s.tariff, s.charge_limit, local.shown());
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

/// The lower ends go by the SOC that rules, the upper ends by the BMS's word (F18).
void update(Voice& voice, const std::optional<Instruction>& says, const Facts& facts, double h) {
  if (voice.says != says) voice = Voice{says};
  if (!says || !facts.bms_ok) return;
  const double soc = facts.soc.percent();
  const double said = facts.soc_said.percent();
  const double target = says->target.percent();
  const double low = says->low.percent();
  const double high = says->high.percent();
  switch (says->kind) {
    case InstructionKind::charge:
      voice.at_high = latch(voice.at_high, said >= target, said <= target - h);
      break;
    case InstructionKind::discharge:
      voice.at_low = latch(voice.at_low, soc <= target, soc >= target + h);
      break;
    case InstructionKind::balance:
      voice.at_low = latch(voice.at_low, soc <= low, soc >= low + h);
      voice.at_high = latch(voice.at_high, said >= high, said <= high - h);
      break;
    case InstructionKind::idle:
      voice.at_low = latch(voice.at_low, soc < low, soc >= low + h);
      voice.at_high = latch(voice.at_high, said > high, said <= high - h);
      break;
  }
}

void judge_full_charge(const Inputs& inputs, const Facts& facts, Memory& memory) {
  PolicyMemory& p = memory.policy;
  const Instant now = inputs.now;
  if (!p.last_full) p.last_full = now;  // unknown: counted from here
  if (inputs.orders.last_full && !p.seen_full) p.last_full = inputs.orders.last_full;
  const bool full = facts.bms_ok && facts.soc_said.percent() >= 100.0;
  if (full) {
    p.last_full = now;
    p.seen_full = true;
    p.full_charge_since.reset();
    p.full_charge_rests_until.reset();
  }
  const Hours every{inputs.settings.full_charge_days * 24.0};
  const bool due = every > Hours{} && now - *p.last_full >= every;
  const bool resting = p.full_charge_rests_until && now < *p.full_charge_rests_until;
  p.full_charge = facts.bms_ok && !full && !resting && (due || facts.full_charge_asked) &&
                  inputs.settings.soc_ceiling.percent() >= 100.0;
  if (!p.full_charge) {
    p.full_charge_since.reset();
    return;
  }
  if (!p.full_charge_since) p.full_charge_since = now;
  if (now - *p.full_charge_since >= longest_full_charge)
    p.full_charge_rests_until = now + full_charge_rest;
}

}  // namespace

Planned planned(const Settings& settings, Mode mode, const LocalTime& local) {
  if (const auto says = schedule_says(settings, mode, local)) return {*says, Authority::schedule};
  if (const auto says = tariff_says(settings, local)) return {*says, Authority::tariff};
  return {};
}

Soc reserve_in_force(const Inputs& inputs) {
  const Soc reserve = inputs.orders.reserve.value_or(inputs.settings.reserve);
  const auto& storm = inputs.orders.storm;
  return storm && inputs.now < storm->until ? std::max(reserve, storm->reserve) : reserve;
}

void hear_voices(const Inputs& inputs, const Facts& facts, Memory& memory) {
  const Settings& s = inputs.settings;
  PolicyMemory& p = memory.policy;
  const auto hear = [&](Authority who, const std::optional<Instruction>& says) {
    update(p.voice(who), says, facts, s.soc_hysteresis);
    if (says) p.authority = who;
  };
  hear(Authority::balance, Instruction{});
  hear(Authority::tariff, tariff_says(s, inputs.local));
  hear(Authority::schedule, schedule_says(s, mode_of(inputs), inputs.local));
  hear(Authority::dispatch, current(inputs.orders.dispatch, inputs.now));
  hear(Authority::manual, current(inputs.orders.manual, inputs.now));
  judge_full_charge(inputs, facts, memory);
}

bool charging_by_need(const Facts& facts, const Memory& memory) {
  return facts.force_charge ||
         (memory.policy.full_charge && memory.policy.authority != Authority::manual);
}

Policy policy_of(const Inputs& inputs, const Facts& facts, const Memory& memory) {
  const Settings& s = inputs.settings;
  const auto& storm = inputs.orders.storm;
  const Authority authority = memory.policy.authority;
  const auto& says = memory.policy.voice(authority).says;
  const Prices prices = inputs.local.trusted ? prices_at(s.tariff, inputs.local.shown()) : Prices{};
  return {.mode = mode_of(inputs),
          .instruction = says ? *says : Instruction{},
          .authority = authority,
          .until = end_of(inputs.orders, authority),
          .storm_until =
              storm && inputs.now < storm->until ? std::optional{storm->until} : std::nullopt,
          .reserve = reserve_in_force(inputs),
          .floor = s.soc_floor,
          .ceiling = s.soc_ceiling,
          .cutoff = s.cutoff_soc,
          .backup_left = facts.backup_left,
          .import_price = prices.import_price,
          .export_price = prices.export_price,
          .last_full = memory.policy.seen_full ? memory.policy.last_full : std::nullopt};
}

}  // namespace esshub::control
