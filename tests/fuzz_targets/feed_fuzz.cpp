// Strangers' prices and sun in the form of docs/feeds.md, and what is believed of them.
#include "service/feed.hpp"

#include <algorithm>

#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace service;

void check_slots(const FeedSlots& slots) {
  for (std::size_t n = 0; n < slots.size(); ++n) {
    promise(slots[n].begin < slots[n].end, "a slot lasts");
    promise(n == 0 || slots[n - 1].end <= slots[n].begin, "slots ascend and do not overlap");
    promise(value_at(slots, slots[n].begin) == slots[n].value, "a slot holds from its begin");
    const auto known = known_until(slots, slots[n].begin);
    promise(slots[n].value ? known >= slots[n].end : known == slots[n].begin, "and until its end");
  }
}

void check_history(const Feed& feed) {
  FeedHistory history;
  auto shifted = feed;
  shifted.issued += 1;
  for (auto& slot : shifted.slots) {
    slot.begin += 450;
    slot.end += 450;
  }
  for (const auto& one : {feed, shifted, feed})
    if (one.valid_until > one.issued) (void)history.add(one, one.issued);
  promise(history.issues().size() <= 2, "what says nothing new is not kept");
  for (const auto when : {feed.issued - 1, feed.issued, feed.issued + 1, feed.valid_until}) {
    const auto believed = history.believed(when);
    check_slots(believed);
    promise(std::ranges::all_of(believed, [](const auto& slot) { return slot.value.has_value(); }),
            "what was taken back is not believed");
  }
}

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub::fuzz;
  const auto feed = read_feed(text(Input(data, size).rest()));
  if (!feed) {
    const auto& said = feed.error().detail;
    promise(!said.empty() && said.size() < 400, "an error is a line of text");
    promise(std::ranges::all_of(said, [](char c) { return c >= ' ' && c <= '~'; }),
            "an error is printable");
    return 0;
  }
  promise(check_feed(*feed).has_value(), "what is read keeps the rules");
  check_slots(feed->slots);
  const auto again = read_feed(feed_text(*feed));
  promise(again && *again == *feed, "what is written is read again");
  check_history(*feed);
  return 0;
}
