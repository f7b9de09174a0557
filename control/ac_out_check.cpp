#include "control/ac_out_check.hpp"

#include <algorithm>
#include <cmath>

namespace esshub::control {
namespace {

/// Rounding of three words, and what their filters differ by; half of what the battery may be off.
constexpr Watts tolerance{50.0};
constexpr Duration lasting = 1s;
constexpr int lasting_replies = 3;
constexpr Duration agreement_proof = 5s;
constexpr Duration longest_gap = 3s;  ///< what was accepted before it says nothing of now

Watts median(Watts a, Watts b, Watts c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

void drop_unless_number(std::optional<Watts>& value) {
  if (value && !std::isfinite(value->value())) value.reset();
}

void note_agreement(AcOutCheck& check, Instant at) {
  check.contradicted_since.reset();
  check.contradictions = 0;
  if (!check.agreed_since) check.agreed_since = at;
  if (at - *check.agreed_since >= agreement_proof) check.doubtful_since.reset();
}

void note_contradiction(AcOutCheck& check, Instant at) {
  check.agreed_since.reset();
  ++check.contradictions;
  if (!check.contradicted_since) check.contradicted_since = at;
  if (!check.doubtful_since) check.doubtful_since = at;
}

}  // namespace

void check_ac_out(AcOutCheck& check, AcOutReading reading) {
  if (reading.at <= check.newest) return;
  check.newest = reading.at;
  drop_unless_number(reading.ac_out);
  drop_unless_number(reading.converter);
  const auto accept = [&](Watts value) {
    check.accepted = value;
    check.accepted_at = reading.at;
  };
  if (check.accepted && reading.at - check.accepted_at > longest_gap) check.accepted.reset();
  if (!reading.converter || !std::isfinite(reading.ac_in.value())) {  // nothing to compare it with
    if (reading.ac_out) accept(*reading.ac_out);
    return;
  }
  const Watts balance = reading.ac_in - *reading.converter;
  if (reading.ac_out && abs(*reading.ac_out - balance) <= tolerance) {
    note_agreement(check, reading.at);
    return accept(median(*reading.ac_out, balance, check.accepted.value_or(balance)));
  }
  note_contradiction(check, reading.at);
  if (check.contradictions >= lasting_replies && reading.at - *check.contradicted_since >= lasting)
    return accept(balance);
  if (!reading.ac_out || !check.accepted) return;
  const Watts nearest = median(*reading.ac_out, balance, *check.accepted);
  const bool both_moved = abs(*reading.ac_out - balance) <= abs(nearest - *check.accepted);
  accept(both_moved ? nearest : *check.accepted);
}

}  // namespace esshub::control
