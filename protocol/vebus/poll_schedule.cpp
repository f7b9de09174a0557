#include "protocol/vebus/poll_schedule.hpp"

#include <algorithm>
#include <optional>

namespace esshub::protocol::vebus {
namespace {

constexpr Duration longest_without_power = 300ms;
constexpr Duration owed_without_power = 500ms;  // while the rest is owed
constexpr unsigned calm_polls = 2;  // between two writes: the next write may be followed by another
constexpr Duration calm_before_input = 3s;  // its second must not fall into a large change

}  // namespace

void PollSchedule::start(Instant now) {
  record_check_due_ = now;
  for (auto& periodic : periodic_) periodic.due = now;
}

/// Power readings, the first after each write, alternate with the rest, the relatively latest
/// first. The main state does not wait, and what may take long follows it directly.
Task PollSchedule::next(Instant now, bool with_record, bool with_battery) const {
  const bool rest_may = rest_is_owed(now) ? now - power_read_at_ < owed_without_power
                                          : reads_power(last_poll_) && power_read_since_write_;
  std::optional<Task> next;
  double latest = 0.0;
  for (const auto& periodic : periodic_) {
    if (now < periodic.due || (periodic.task == Task::battery && !with_battery)) continue;
    if (periodic.task == Task::mains) return periodic.task;
    if (periodic.task == Task::input && now - moved_at_ < calm_before_input &&
        now - periodic.due < periodic.every)
      continue;
    const bool its_turn = periodic.task == Task::input ? last_poll_ == Task::mains : rest_may;
    const double lateness = Seconds{now - periodic.due} / Seconds{periodic.every};
    if (!its_turn || (next && lateness <= latest)) continue;
    next = periodic.task;
    latest = lateness;
  }
  if (next) return *next;
  return with_record && now >= record_check_due_ ? Task::check_record : Task::snapshot;
}

/// A restless target must leave time for reading: what is owed comes between two writes.
bool PollSchedule::leaves_room_for_setpoint(Instant now) const {
  return polls_since_write_ > 0 || spare_write_ || !(power_is_owed(now) || rest_is_owed(now));
}

bool PollSchedule::power_is_owed(Instant now) const {
  return now - power_read_at_ >= longest_without_power;
}

/// Mains loss and alarms must not wait; the rest may stretch by half its period.
bool PollSchedule::rest_is_owed(Instant now) const {
  return std::ranges::any_of(periodic_, [&](const Periodic& periodic) {
    switch (periodic.task) {
      case Task::mains:
      case Task::leds:
        return now >= periodic.due;
      case Task::input:
      case Task::battery:
        return false;
      default:
        return now - periodic.due >= periodic.every / 2;
    }
  });
}

void PollSchedule::asked(Task poll, Instant now) {
  last_poll_ = poll;
  ++polls_since_write_;
  if (reads_power(poll)) {
    power_read_since_write_ = true;
    power_read_at_ = now;
  }
  if (poll == Task::check_record) record_check_due_ = now + record_check_period;
  postpone(poll, now);
}

void PollSchedule::wrote_setpoint(bool large_change, Instant now) {
  if (large_change) moved_at_ = now;
  spare_write_ = polls_since_write_ >= calm_polls || (spare_write_ && polls_since_write_ > 0);
  polls_since_write_ = 0;
  power_read_since_write_ = false;
}

void PollSchedule::timed_out(Task task, Instant now) {
  for (auto& periodic : periodic_)
    if (periodic.task == task) periodic.due = now + periodic.every / 4;
}

void PollSchedule::postpone(Task task, Instant now) {
  for (auto& periodic : periodic_)
    if (periodic.task == task) periodic.due = now + periodic.every;
}

}  // namespace esshub::protocol::vebus
