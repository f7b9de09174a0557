#include "feed/schedule.hpp"

#include <algorithm>

namespace esshub::feed {
namespace {

using Pause = Schedule::Pause;
using std::chrono::duration_cast;

constexpr Pause shortest{60};
constexpr Pause longest = std::chrono::days{1};
constexpr int doublings = 10;  // beyond any `every`

Pause longer(Pause pause, double share) {
  return pause + duration_cast<Pause>(std::chrono::duration<double>{pause} * share);
}

}  // namespace

Pause Schedule::answered(double random) {
  failures_ = 0;
  return longer(every_, random / 10.0);
}

Pause Schedule::failed(double random, std::optional<Pause> asked_for) {
  const auto base = std::min(every_, shortest * (1 << std::min(failures_, doublings)));
  ++failures_;
  return std::max(longer(base, random / 2.0), std::min(asked_for.value_or(Pause{}), longest));
}

Pause first_pause(Pause every, std::optional<Pause> age) {
  if (!age || *age < Pause{} || *age >= every) return Pause{};
  return every - *age;
}

}  // namespace esshub::feed
