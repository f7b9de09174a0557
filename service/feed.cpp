#include "service/feed.hpp"

#include <algorithm>
#include <iterator>

namespace esshub::service {
namespace {

constexpr UnixSeconds clocks_apart = 600;

/// The first slot that ends after `instant`.
FeedSlots::const_iterator from(const FeedSlots& slots, UnixSeconds instant) {
  return std::ranges::upper_bound(slots, instant, {}, &FeedSlot::end);
}

/// `newer`, and where it is silent `older`.
FeedSlots with_gaps_filled(const FeedSlots& newer, const FeedSlots& older) {
  FeedSlots result;
  auto next = newer.begin();
  for (auto slot : older) {
    while (slot.begin < slot.end) {
      for (; next != newer.end() && next->end <= slot.begin; ++next) result.push_back(*next);
      const bool covered = next != newer.end() && next->begin < slot.end;
      const auto end = covered ? next->begin : slot.end;
      if (slot.begin < end) result.push_back({slot.begin, end, slot.value});
      slot.begin = covered ? next->end : slot.end;
    }
  }
  result.insert(result.end(), next, newer.end());
  return result;
}

bool says_all_of(const Feed& known, const Feed& feed) {
  return known.unit == feed.unit && known.valid_until >= feed.valid_until &&
         std::ranges::all_of(feed.slots, [&](const FeedSlot& slot) {
           return told_within(known.slots, slot.begin, slot.end) == FeedSlots{slot};
         });
}

}  // namespace

std::optional<double> value_at(const FeedSlots& slots, UnixSeconds instant) {
  const auto slot = from(slots, instant);
  if (slot == slots.end() || slot->begin > instant) return std::nullopt;
  return slot->value;
}

FeedSlots told_within(const FeedSlots& slots, UnixSeconds begin, UnixSeconds end) {
  FeedSlots result;
  for (auto slot = from(slots, begin); slot != slots.end(); ++slot) {
    const FeedSlot part{std::max(slot->begin, begin), std::min(slot->end, end), slot->value};
    if (part.begin >= part.end) break;
    const bool goes_on = !result.empty() && result.back().end == part.begin;
    if (goes_on && result.back().value == part.value)
      result.back().end = part.end;
    else
      result.push_back(part);
  }
  return result;
}

UnixSeconds known_until(const FeedSlots& slots, UnixSeconds instant) {
  for (auto slot = from(slots, instant); slot != slots.end() && slot->begin <= instant; ++slot) {
    if (!slot->value) break;
    instant = slot->end;
  }
  return instant;
}

Result<void> check_time(const Feed& feed, UnixSeconds now) {
  if (feed.issued > now + clocks_apart)
    return fail(ErrorKind::invalid, "/issued: " + std::to_string(feed.issued - now) +
                                        " s ahead of the hub's clock, accepted 600 s at most");
  if (feed.valid_until <= now)
    return fail(ErrorKind::invalid, "/valid_until: passed " +
                                        std::to_string(now - feed.valid_until) +
                                        " s ago, accepted a moment that is still to come");
  return {};
}

Result<bool> FeedHistory::add(Feed feed, UnixSeconds now) {
  if (auto good = check_time(feed, now); !good) return tl::unexpected<Error>(good.error());
  const auto place = std::ranges::upper_bound(issues_, feed.issued, {}, &Feed::issued);
  if (place != issues_.begin() && says_all_of(*std::prev(place), feed)) return false;
  const UnixSeconds issued = feed.issued;
  const auto oldest = std::ranges::lower_bound(issues_, issued - one_clock, {}, &Feed::issued);
  // What a wrong clock took ahead of now is in nobody's way.
  const auto after = std::ranges::upper_bound(
      issues_, std::min(issued + one_clock, now + clocks_apart), {}, &Feed::issued);
  if (after - oldest >= static_cast<std::ptrdiff_t>(most)) {
    if (place == oldest) return false;
    std::rotate(oldest, oldest + 1, place);
    *(place - 1) = std::move(feed);
    return true;
  }
  const auto added = issues_.insert(place, std::move(feed));
  if (issues_.size() <= at_all) return true;
  const auto of_one_clock = [](const Feed& a, const Feed& b) {
    return b.issued - a.issued <= one_clock;
  };
  auto gone = std::ranges::adjacent_find(issues_, of_one_clock);
  if (gone == issues_.end()) gone = issues_.begin();
  const bool kept = gone != added;
  issues_.erase(gone);
  return kept;
}

void FeedHistory::restore(Feed feed) {
  issues_.push_back(std::move(feed));
  if (issues_.size() > at_all) issues_.pop_front();
}

FeedSlots FeedHistory::believed(UnixSeconds when, std::string_view unit, bool lasting) const {
  FeedSlots result;
  for (auto issue = issues_.rbegin(); issue != issues_.rend(); ++issue) {
    if (issue->issued > when || (!unit.empty() && issue->unit != unit)) continue;
    auto slots = issue->slots;
    if (lasting || issue->valid_until <= when) {
      slots.erase(std::ranges::lower_bound(slots, issue->valid_until, {}, &FeedSlot::begin),
                  slots.end());
      if (!slots.empty()) slots.back().end = std::min(slots.back().end, issue->valid_until);
    }
    result = with_gaps_filled(result, slots);
  }
  std::erase_if(result, [](const FeedSlot& slot) { return !slot.value; });
  return result;
}

}  // namespace esshub::service
