#include "protocol/vebus/command_tracker.hpp"

#include <cstdlib>
#include <string>
#include <utility>

namespace esshub::protocol::vebus {
namespace {

constexpr Duration switch_repeat = 5s;  // a switch wish other than "on" is repeated
constexpr int large_change = 50;        // W
constexpr std::size_t setpoint_bytes = 9;
constexpr std::size_t state_bytes = 12;

bool is_impossible(const Setpoint& setpoint) {
  return setpoint.mode == InverterMode::follow && !setpoint_word(setpoint.ac_power);
}

/// A new reading has changed the word.
bool has_news(const Setpoint& setpoint, const std::optional<Setpoint>& before) {
  if (!setpoint.based_on || setpoint.mode != InverterMode::follow) return false;
  if (!before || before->mode != InverterMode::follow) return true;
  return setpoint.based_on != before->based_on &&
         setpoint_word(setpoint.ac_power) != setpoint_word(before->ac_power);
}

}  // namespace

void CommandTracker::give(const Setpoint& setpoint, bool ready, Step& step) {
  if (is_impossible(setpoint) && !(setpoint_ && is_impossible(*setpoint_)))
    step.tell(Level::error, "setpoint_impossible");  // and nothing is written
  if (ready && has_news(setpoint, setpoint_)) changed_by_ = setpoint.based_on;
  setpoint_ = setpoint;
  is_current_ = ready;
}

std::optional<Instant> CommandTracker::setpoint_sent(std::int16_t word) {
  const auto by = std::exchange(changed_by_, std::nullopt);
  return written_ && written_->word == word ? std::nullopt : by;
}

void CommandTracker::void_setpoint() {
  is_current_ = false;
  changed_by_.reset();
  written_.reset();
}

bool CommandTracker::setpoint_due(bool room, Instant now) const {
  if (!setpoint_ || !is_current_) return false;
  if (setpoint_->mode != InverterMode::follow || switched_) return false;
  if (now + mk3::wire_time(setpoint_bytes) > setpoint_->valid_until) return false;
  const auto word = setpoint_word(setpoint_->ac_power);
  if (!word) return false;
  if (!written_ || now - written_->sent >= config_.refresh) return true;
  if (*word == written_->word || now - written_->sent < config_.setpoint_interval) return false;
  if (*word == 0) return true;  // whatever else is owed
  const bool reversed = *word * written_->word < 0;
  const int change = std::abs(*word - written_->word);
  if (!reversed && change < config_.setpoint_deadband.value()) return false;
  return room;
}

bool CommandTracker::is_written() const {
  return written_ && setpoint_ && setpoint_->mode == InverterMode::follow &&
         setpoint_word(setpoint_->ac_power) == written_->word;
}

std::int16_t CommandTracker::word() const {
  return setpoint_word(setpoint_.value().ac_power).value();
}

bool CommandTracker::is_large_change(std::int16_t word) const {
  return !written_ || std::abs(word - written_->word) >= large_change;
}

std::optional<SwitchState> CommandTracker::wanted_switch(bool left_off, Instant now) const {
  if (!setpoint_ || now + mk3::wire_time(state_bytes) > setpoint_->valid_until) return std::nullopt;
  if (setpoint_->mode == InverterMode::off) return SwitchState::off;
  const bool shall_run = setpoint_->mode == InverterMode::follow || setpoint_->switch_on;
  const bool found_off = left_off && is_current_ && shall_run;
  return switched_ || found_off ? std::optional{SwitchState::on} : std::nullopt;
}

bool CommandTracker::switch_due(bool left_off, Instant now) const {
  const auto wanted = wanted_switch(left_off, now);
  if (!wanted) return false;
  return *wanted != switched_ || !switch_acknowledged_ || now - switch_sent_ >= switch_repeat;
}

void CommandTracker::switch_sent(SwitchState state, Instant now) {
  switch_sent_ = now;
  if (state == SwitchState::on) switch_acknowledged_ = false;  // it may be on without an answer
  if (state == SwitchState::on || state == switched_) return;
  switched_ = state;  // unanswered it may have been heard all the same
}

void CommandTracker::acknowledge_switch(SwitchState state, Step& step) {
  const bool on = state == SwitchState::on;
  if (on || !switch_acknowledged_)
    step.tell(Level::notice, "inverter_switched", "to=" + std::string{name(state)});
  switch_acknowledged_ = !on;
  if (on) switched_.reset();
}

}  // namespace esshub::protocol::vebus
