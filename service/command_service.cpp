#include "service/command_service.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "control/policy/orders.hpp"
#include "model/order_limits.hpp"

namespace esshub::service {
namespace {

constexpr Duration keep_every = 15min;

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

std::string text(const Instruction& i) {
  std::string text = " action=" + std::string{name(i.kind)};
  switch (i.kind) {
    case InstructionKind::charge:
    case InstructionKind::discharge:
      return text + " power_w=" + number(i.power.value()) + " target=" + number(i.target.percent());
    case InstructionKind::balance:
    case InstructionKind::idle:
      return text + " low=" + number(i.low.percent()) + " high=" + number(i.high.percent());
  }
  return text;
}

std::string seconds(Duration length) {
  return number(Seconds{length}.count());
}
std::string text(Duration length) {
  return " length_s=" + seconds(length);
}

/// The command as it stands in the log.
struct Text {
  std::string operator()(const SetMode& c) const {
    return "set_mode mode=" + std::string{c.mode ? name(*c.mode) : "configured"};
  }
  std::string operator()(const SetReserve& c) const {
    return "set_reserve reserve=" + (c.reserve ? number(c.reserve->percent()) : "configured");
  }
  std::string operator()(const StartOverride& c) const {
    return "start_override" + text(c.instruction) + text(c.length);
  }
  std::string operator()(const EndOverride&) const { return "end_override"; }
  std::string operator()(const StartDispatch& c) const {
    return "start_dispatch" + text(c.instruction) + text(c.length);
  }
  std::string operator()(const EndDispatch&) const { return "end_dispatch"; }
  std::string operator()(const StartStorm& c) const {
    std::string said = "start_storm reserve=" + number(c.reserve.percent()) + text(c.length);
    if (c.begins_in > Duration{}) said += " begins_in_s=" + seconds(c.begins_in);
    return said + (c.fill ? " fill=yes" : " fill=no");
  }
  std::string operator()(const EndStorm&) const { return "end_storm"; }
  std::string operator()(const Acknowledge&) const { return "acknowledge"; }
};

WallTime wall_at(Instant at, const Moment& now) {
  return std::chrono::round<std::chrono::seconds>(
      now.wall + std::chrono::duration_cast<WallTime::duration>(at - now.steady));
}

}  // namespace

CommandService::CommandService(Deps deps, const std::optional<SavedState>& saved, const Moment& now)
    : deps_(std::move(deps)), saved_(saved) {
  if (saved) restore(*saved, now);
  if (saved && saved->safety) {
    memories_ = saved_memories_ = recall_safety(
        *saved->safety, passed_since(*saved, deps_.boot_id, now).value_or(Duration{}), now.steady);
    deps_.events("command", {Level::notice, "safety_restored", log_text(memories_, now.steady)});
  }
  deps_.send(orders_);
  begin_counting(now);
}

Result<void> CommandService::order(const Command& command, const std::string& who,
                                   const Moment& now) {
  if (closed_) return fail(ErrorKind::refused, "the hub is stopping");
  const bool acknowledges = std::holds_alternative<Acknowledge>(command);
  auto orders = acknowledges && !to_acknowledge(now.steady)
                    ? fail(ErrorKind::refused,
                           "there is nothing to acknowledge: no cut-off is latched, no reversed "
                           "grid meter makes the battery rest, no part of the hub died within the "
                           "hour")
                    : control::apply(orders_, command, deps_.settings, now.steady);
  const auto detail = "who=" + log_quoted(who) + " command=" + std::visit(Text{}, command);
  if (!orders) {
    deps_.events("command", {Level::warning, "refused",
                             detail + " reason=" + log_quoted(orders.error().detail)});
    return tl::unexpected<Error>(orders.error());
  }
  orders_ = *orders;
  deps_.events("command", {Level::notice, "accepted", detail});
  changed(now);
  if (acknowledges && deps_.acknowledged) deps_.acknowledged();
  return {};
}

bool CommandService::to_acknowledge(Instant now) const {
  const auto& [control, supervision] = memories_;
  const bool rests = control.meter_rest_until && now < *control.meter_rest_until;
  return control.cutoff || rests || supervision != SupervisionMemory{};
}

void CommandService::note_safety(const SafetyMemory& safety, const Moment& now) {
  if (std::exchange(memories_.control, safety) != safety) store(now);
}

void CommandService::note_supervision(const SupervisionMemory& supervision, const Moment& now) {
  if (std::exchange(memories_.supervision, supervision) != supervision) store(now);
}

void CommandService::set_settings(const control::Settings& settings, const Moment& now) {
  deps_.settings = settings;
  begin_counting(now);
}

void CommandService::note_full(Instant at, const Moment& now) {
  if (orders_.last_full && at - *orders_.last_full < 1h) return;
  orders_.last_full = at;
  changed(now);
}

CommandService::InForce CommandService::in_force() const {
  return {deps_.settings, orders_.mode.value_or(deps_.settings.mode), clock_trusted_, orders_};
}

std::vector<OrderLimit> CommandService::limits(const Moment& now) const {
  return control::accepted_limits(orders_, deps_.settings, now.steady);
}

/// Every N days needs a first day: without one, a hub restarted now and then would never count
/// to N.
void CommandService::begin_counting(const Moment& now) {
  if (deps_.settings.full_charge_days <= 0.0 || orders_.last_full) return;
  orders_.last_full = now.steady;
  changed(now);
}

void CommandService::restore(const SavedState& saved, const Moment& now) {
  if (saved.mode) restore(SetMode{saved.mode}, "mode", now);
  if (saved.reserve) restore(SetReserve{saved.reserve}, "reserve", now);
  if (saved.last_full) {
    const auto ago = std::max(WallTime::duration::zero(), now.wall - *saved.last_full);
    orders_.last_full = now.steady - std::chrono::duration_cast<Duration>(ago);
  }
  const auto passed = passed_since(saved, deps_.boot_id, now);
  const auto left = [&](const auto& order) {
    const auto then = std::chrono::duration_cast<Duration>(order.until - saved.saved_at);
    if (passed) return then - *passed;
    if (!order.trusted_until) return then;
    // A clock that is not set yet reads too early: no end moves away by it.
    return std::min(then, std::chrono::duration_cast<Duration>(*order.trusted_until - now.wall));
  };
  // An order in its last moments is not worth an error.
  const auto holds = [&](const auto& order, OrderLimitId shortest_length, const char* what) {
    if (left(order) >= shortest(shortest_length)) return true;
    deps_.events("command", {Level::notice, "order_ended", std::string{"what="} + what});
    return false;
  };
  const auto trusted_end = [&](const auto& order, Instant until) -> std::optional<TrustedEnd> {
    if (!order.trusted_until) return std::nullopt;
    const bool by_own_clock = passed && order.trusted_until == order.until;
    return TrustedEnd{until, *order.trusted_until, !by_own_clock};
  };
  if (saved.manual && holds(*saved.manual, OrderLimitId::override_length, "override")) {
    restore(StartOverride{saved.manual->instruction, left(*saved.manual)}, "override", now);
    if (orders_.manual) manual_end_ = trusted_end(*saved.manual, orders_.manual->until);
  }
  if (saved.storm && holds(*saved.storm, OrderLimitId::storm_length, "storm")) {
    // What has begun goes on; what has not begins as much earlier or later as it ends. Moments are
    // kept in whole seconds.
    const auto& [reserve, until, trusted_until, from, fill] = *saved.storm;
    const Duration to_end = left(*saved.storm);
    const Duration length = std::min(to_end, std::chrono::duration_cast<Duration>(until - from));
    const Duration begins_in = std::min(to_end - length, longest(OrderLimitId::storm_begin));
    restore(StartStorm{reserve, length, begins_in, fill}, "storm", now);
    if (orders_.storm) storm_end_ = trusted_end(*saved.storm, orders_.storm->until);
  }
}

void CommandService::note_time(bool clock_trusted, const Moment& now) {
  const bool before = std::exchange(clock_trusted_, clock_trusted);
  const bool set = clock_trusted && !before;
  if (set) correct_ends(now);
  remember_ends(now);
  const bool due = !kept_at_ || now.steady - *kept_at_ >= keep_every;
  if ((set || due) && something_passes(now.steady)) keep(state(now), now);
}

void CommandService::close(const Moment& now) {
  if (!closed_ && something_passes(now.steady)) keep(state(now), now);
  closed_ = true;
}

/// Of what is kept something grows less by itself.
bool CommandService::something_passes(Instant now) const {
  const auto runs = [&](const auto& order) { return order && now < order->until; };
  return runs(orders_.manual) || runs(orders_.storm) || save_safety(memories_, now);
}

/// Only an order that stands as it was restored, and never to a later end.
void CommandService::correct_ends(const Moment& now) {
  bool corrected = false;
  const auto correct = [&](auto& order, const std::optional<TrustedEnd>& known, const char* what) {
    if (!known || !known->corrects || !order || order->until != known->until) return;
    const auto left = std::chrono::duration_cast<Duration>(known->end - now.wall);
    if (now.steady + left >= order->until) return;
    const Instant until = now.steady + std::max(left, Duration{});
    if constexpr (requires { order->from; }) order->from -= order->until - until;
    order->until = until;
    corrected = true;
    deps_.events("command", {Level::notice, "order_end_corrected",
                             std::string{"what="} + what + " left_s=" +
                                 number(std::round(Seconds{order->until - now.steady}.count()))});
  };
  correct(orders_.manual, manual_end_, "override");
  correct(orders_.storm, storm_end_, "storm");
  if (corrected) deps_.send(orders_);
}

/// While the clock is trusted, for a time when it is not.
void CommandService::remember_ends(const Moment& now) {
  if (!clock_trusted_) return;
  const auto remember = [&](const auto& order, std::optional<TrustedEnd>& known) {
    known.reset();
    if (order) known = TrustedEnd{order->until, wall_at(order->until, now)};
  };
  remember(orders_.manual, manual_end_);
  remember(orders_.storm, storm_end_);
}

void CommandService::restore(const Command& command, const char* what, const Moment& now) {
  if (const auto orders = control::apply(orders_, command, deps_.settings, now.steady)) {
    orders_ = *orders;
    deps_.events("command",
                 {Level::notice, "order_restored", "command=" + std::visit(Text{}, command)});
  } else {
    deps_.events("command",
                 {Level::warning, "order_not_restored",
                  std::string{"what="} + what + " reason=" + log_quoted(orders.error().detail)});
  }
}

void CommandService::changed(const Moment& now) {
  remember_ends(now);
  deps_.send(orders_);
  store(now);
}

void CommandService::store(const Moment& now) {
  const SavedState current = state(now);
  if (saved_ && saved_->same(current) && saved_memories_ == memories_) return;
  keep(current, now);
}

void CommandService::keep(const SavedState& state, const Moment& now) {
  saved_memories_ = memories_;
  saved_ = state;
  kept_at_ = now.steady;
  deps_.store(state);
}

SavedState CommandService::state(const Moment& now) const {
  const auto wall = [&](Instant until) { return wall_at(until, now); };
  SavedState state{.mode = orders_.mode,
                   .reserve = orders_.reserve,
                   .safety = save_safety(memories_, now.steady),
                   .saved_at = now.wall,
                   .boot_id = deps_.boot_id,
                   .boot_time = now.boot_time};
  const auto trusted = [&](Instant until,
                           const std::optional<TrustedEnd>& known) -> std::optional<WallTime> {
    if (clock_trusted_) return wall(until);
    if (known && known->until == until) return known->end;
    return std::nullopt;
  };
  if (const auto& order = orders_.manual)
    state.manual = {order->instruction, wall(order->until), trusted(order->until, manual_end_)};
  if (const auto& order = orders_.storm)
    state.storm = {order->reserve, wall(order->until), trusted(order->until, storm_end_),
                   std::max(wall(order->from), WallTime{}), order->fill};
  // By a clock that is not set yet what is past may lie before 1970; no file can say that.
  if (orders_.last_full && wall(*orders_.last_full) >= WallTime{})
    state.last_full = wall(*orders_.last_full);
  return state;
}

}  // namespace esshub::service
