#include "actors/command_service.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "control/policy/orders.hpp"
#include "model/order_limits.hpp"

namespace esshub::actors {
namespace {

/// Fit to stand in quotes in an event; what a stranger calls himself must not break the line.
std::string plain(std::string text) {
  constexpr std::size_t longest = 100;
  if (text.size() > longest) text.resize(longest);
  std::ranges::replace_if(
      text, [](char c) { return c == '"' || static_cast<unsigned char>(c) < ' '; }, '\'');
  return text;
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

std::string text(const Instruction& i) {
  std::string text = " do=" + std::string{name(i.kind)};
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

std::string text(Duration length) {
  return " length_s=" + number(Seconds{length}.count());
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
    return "start_storm reserve=" + number(c.reserve.percent()) + text(c.length);
  }
  std::string operator()(const EndStorm&) const { return "end_storm"; }
  std::string operator()(const ResetCutoff&) const { return "reset_cutoff"; }
};

}  // namespace

CommandService::CommandService(CommandServiceDeps parts) : parts_(std::move(parts)) {
  if (!parts_.state_dir.empty()) {
    keeper_ = std::make_unique<StateKeeper>(
        KeeperParts{.file = std::filesystem::path{parts_.state_dir} / "state.json",
                    .events = parts_.events,
                    .failed = parts_.storage_failed});
    restore();
  }
  parts_.tell(orders_);
  begin_counting();
}

Result<void> CommandService::order(const Command& command, const std::string& who) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(ErrorKind::content, "the hub is stopping");
  auto orders = control::apply(orders_, command, parts_.settings, parts_.steady_now());
  const auto detail = "who=\"" + plain(who) + "\" command=" + std::visit(Text{}, command);
  if (!orders) {
    parts_.events("command", {Level::warning, "refused",
                              detail + " reason=\"" + plain(orders.error().detail) + "\""});
    return tl::unexpected<Error>(orders.error());
  }
  orders_ = *orders;
  parts_.events("command", {Level::notice, "accepted", detail});
  parts_.tell(orders_);
  remember();
  return {};
}

void CommandService::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  keeper_.reset();
}

void CommandService::hear(const control::Settings& settings) {
  const std::lock_guard lock(mutex_);
  parts_.settings = settings;
  begin_counting();
}

void CommandService::note_full(Instant at) {
  const std::lock_guard lock(mutex_);
  if (orders_.last_full && at - *orders_.last_full < 1h) return;
  orders_.last_full = at;
  parts_.tell(orders_);
  remember();
}

CommandService::InForce CommandService::in_force() {
  const std::lock_guard lock(mutex_);
  return {parts_.settings, orders_.mode.value_or(parts_.settings.mode)};
}

/// Every N days needs a first day: without one, a hub restarted now and then would never count
/// to N.
void CommandService::begin_counting() {
  if (parts_.settings.full_charge_days <= 0.0 || orders_.last_full) return;
  orders_.last_full = parts_.steady_now();
  parts_.tell(orders_);
  remember();
}

void CommandService::restore() {
  const auto wall = parts_.wall_now();
  const auto saved = keeper_->load(wall);
  if (!saved) return;
  saved_ = saved;
  const auto left = [from = std::max(wall, saved->saved_at)](WallTime until) {
    return std::chrono::duration_cast<Duration>(until - from);
  };
  if (saved->mode) restore(SetMode{saved->mode}, "mode");
  if (saved->reserve) restore(SetReserve{saved->reserve}, "reserve");
  if (saved->last_full) {
    const auto ago = std::max(WallTime::duration::zero(), wall - *saved->last_full);
    orders_.last_full = parts_.steady_now() - std::chrono::duration_cast<Duration>(ago);
  }
  // An order in its last moments is not worth an error.
  if (saved->manual && left(saved->manual->until) >= shortest(OrderLimitId::override_length))
    restore(StartOverride{saved->manual->instruction, left(saved->manual->until)}, "override");
  if (saved->storm && left(saved->storm->until) >= shortest(OrderLimitId::storm_length))
    restore(StartStorm{saved->storm->reserve, left(saved->storm->until)}, "storm");
}

void CommandService::restore(const Command& command, const char* what) {
  if (const auto orders = control::apply(orders_, command, parts_.settings, parts_.steady_now())) {
    orders_ = *orders;
    parts_.events("command", {Level::notice, "taken_up", "command=" + std::visit(Text{}, command)});
  } else {
    parts_.events("command", {Level::warning, "not_taken_up",
                              std::string{"what="} + what + " reason=\"" +
                                  plain(orders.error().detail) + "\""});
  }
}

void CommandService::remember() {
  if (!keeper_) return;
  const auto at = parts_.steady_now();
  const auto wall = parts_.wall_now();
  const auto end = [&](Instant until) {
    return std::chrono::round<std::chrono::seconds>(
        wall + std::chrono::duration_cast<WallTime::duration>(until - at));
  };
  SavedState state{.mode = orders_.mode, .reserve = orders_.reserve, .saved_at = wall};
  if (orders_.manual) state.manual = {orders_.manual->instruction, end(orders_.manual->until)};
  if (orders_.storm) state.storm = {orders_.storm->reserve, end(orders_.storm->until)};
  if (orders_.last_full) state.last_full = end(*orders_.last_full);
  if (saved_ && saved_->same(state)) return;
  saved_ = state;
  keeper_->keep(state);
}

}  // namespace esshub::actors
