#include "control/sign_check.hpp"

#include <algorithm>

namespace esshub::control {
namespace {

constexpr Duration window = 6s;        // of moves that count
constexpr Duration shortest = 1s;      // a switched load is over by then
constexpr std::size_t fewest = 5;      // pairs
constexpr Watts clearing_move{250.0};  // far above noise and what the model does not explain
constexpr Watts accusing_move{500.0};
constexpr double quiet = 0.2;  // of the move: what must hardly have moved
constexpr Duration suspicious_for = 2min;
constexpr Duration short_rest = 6s;  // the way to rest, and the meter's filter
constexpr Duration long_rest = 15min;

enum class SignEvidence { none, right, mirrored };

struct Range {
  Watts low;
  Watts high;
  void add(Watts value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] Watts width() const { return high - low; }
};

/// grid - own is the house without us: it stands still in a move of ours if the sign is right,
/// grid + own if it is wrong. Looks at every span that ends now, the shortest first.
SignEvidence evaluate(const SignCheck& check) {
  const std::size_t kept = std::min(check.count, SignCheck::depth);
  const auto entry = [&](std::size_t back) -> const SignCheck::Pair& {
    return check.pairs[(check.count - 1 - back) % SignCheck::depth];
  };
  const auto& newest = entry(0);
  Range own{newest.own, newest.own};
  Range right{newest.grid - newest.own, newest.grid - newest.own};
  Range wrong{newest.grid + newest.own, newest.grid + newest.own};
  for (std::size_t back = 1; back < kept && newest.at - entry(back).at <= window; ++back) {
    const auto& pair = entry(back);
    own.add(pair.own);
    right.add(pair.grid - pair.own);
    wrong.add(pair.grid + pair.own);
    if (back + 1 < fewest || newest.at - pair.at < shortest || own.width() < clearing_move)
      continue;
    if (right.width() <= own.width() * quiet) return SignEvidence::right;
    if (own.width() >= accusing_move && wrong.width() <= own.width() * quiet)
      return SignEvidence::mirrored;
  }
  return SignEvidence::none;
}

}  // namespace

void check_sign(SignCheck& check, const SignCheck::Pair& pair) {
  if (check.count > 0) {
    const auto& newest = check.pairs[(check.count - 1) % SignCheck::depth];
    if (pair.at <= newest.at) return;
    if (pair.at - newest.at > window) check.count = 0;
  }
  check.pairs[check.count % SignCheck::depth] = pair;
  ++check.count;

  if (check.suspected && pair.at - *check.suspected > suspicious_for) check.suspected.reset();
  switch (evaluate(check)) {
    case SignEvidence::none:
      return;
    case SignEvidence::right:
      check.suspected.reset();
      check.rest_until.reset();
      check.reversed = false;
      return;
    case SignEvidence::mirrored:
      check.reversed |= check.suspected.has_value();
      check.suspected = pair.at;
      check.rest_until = pair.at + (check.reversed ? long_rest : short_rest);
      check.count = 0;  // what comes next is another move
      return;
  }
}

}  // namespace esshub::control
