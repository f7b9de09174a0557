// Schedule: when a source is asked again.
#pragma once

#include <chrono>
#include <optional>

namespace esshub::feed {

/// `random` is from 0 to below 1: many houses shall not ask at the same moment.
class Schedule {
 public:
  using Pause = std::chrono::seconds;

  /// `every`: of a source that answers.
  explicit Schedule(Pause every) : every_(every) {}

  /// How long to wait after an answer: `every`, and up to a tenth more.
  [[nodiscard]] Pause answered(double random);
  /// After a failure: a minute, twice as long after each further one, `every` at most; half of
  /// that more at random; never less than the source asked for, up to a day.
  [[nodiscard]] Pause failed(double random, std::optional<Pause> asked_for = {});
  /// In a row.
  [[nodiscard]] int failures() const { return failures_; }

 private:
  Pause every_;
  int failures_ = 0;
};

/// At the start, when a document was issued so long ago: a program that is started again and again
/// asks no more often.
[[nodiscard]] Schedule::Pause first_pause(Schedule::Pause every,
                                          std::optional<Schedule::Pause> age);

}  // namespace esshub::feed
