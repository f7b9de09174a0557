#include "app/throttle.hpp"

#include <string_view>
#include <utility>

namespace esshub::app {
namespace {

/// `a=5 b="x 7" c=-1.5` -> `a=# b="x 7" c=#`
std::string without_numbers(std::string_view detail) {
  std::string result;
  while (!detail.empty()) {
    const auto equals = detail.find('=');
    if (equals == std::string_view::npos) break;
    result += detail.substr(0, equals + 1);
    detail.remove_prefix(equals + 1);
    const auto number = std::min(detail.find_first_not_of("0123456789.+-"), detail.size());
    if (number > 0 && (number == detail.size() || detail[number] == ' ')) {
      result += '#';
      detail.remove_prefix(number);
    }
  }
  result += detail;
  return result;
}

}  // namespace

std::optional<std::uint64_t> Throttle::admit(const std::string& component, const Event& event,
                                             Instant now) {
  Alike alike{{component, event.name}, without_numbers(event.detail)};
  if (!entries_.contains(alike)) {
    auto& known = kinds_[alike.kind];
    if (known < most_of_a_kind) {
      ++known;
    } else {
      alike = {alike.kind, {}, true};
    }
  }
  auto& entry = entries_[alike];
  const bool first = entry.seen == 0 || now - entry.last >= quiet_after;
  entry.last = now;
  if (first) {
    entry.seen = 1;
    entry.told = now;
  } else if (++entry.seen % every != 0 || now - entry.told < pause) {
    ++entry.held;
    entry.newest = event;
    return std::nullopt;
  }
  entry.told = now;
  return std::exchange(entry.held, 0);
}

std::vector<Throttle::Held> Throttle::take_held(Instant now) {
  std::vector<Held> held;
  for (auto it = entries_.begin(); it != entries_.end();) {
    auto& entry = it->second;
    const bool quiet = now - entry.last >= quiet_after;
    if (entry.held > 0 && (quiet || now - entry.told >= told_every)) {
      held.push_back({it->first.kind.first, entry.newest, std::exchange(entry.held, 0)});
      entry.told = now;
    }
    if (!quiet) {
      ++it;
      continue;
    }
    if (const auto kind = kinds_.find(it->first.kind); !it->first.others && --kind->second == 0)
      kinds_.erase(kind);
    it = entries_.erase(it);
  }
  return held;
}

}  // namespace esshub::app
