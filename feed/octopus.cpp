#include "feed/octopus.hpp"

#include <algorithm>
#include <limits>

#include "feed/source_json.hpp"

namespace esshub::feed {
namespace {

using Json = nlohmann::json;

constexpr double pence = 100.0;  // in a pound
constexpr auto open = std::numeric_limits<UnixSeconds>::max();

Result<FeedSlot> slot_of(const Json& rate) {
  const auto begin = moment_at(rate, "valid_from");
  if (!begin) return tl::unexpected<Error>(begin.error());
  const auto value = number_at(rate, "value_inc_vat");
  if (!value) return tl::unexpected<Error>(value.error());
  FeedSlot slot{*begin, open, *value / pence};
  if (rate.contains("valid_to") && rate["valid_to"].is_null()) return slot;
  const auto end = moment_at(rate, "valid_to");
  if (!end) return tl::unexpected<Error>(end.error());
  if (*end <= *begin) return fail(ErrorKind::invalid, "valid_to is not after valid_from");
  slot.end = *end;
  return slot;
}

bool is_paid_by(const Json& rate, std::string_view payment) {
  const auto found = rate.find("payment_method");
  return found == rate.end() || found->is_null() || text_at(rate, "payment_method") == payment;
}

}  // namespace

Result<bool> octopus_has_next(std::string_view page) {
  return source_json(page).map([](const Json& json) { return !text_at(json, "next").empty(); });
}

Result<Feed> octopus(std::span<const std::string> pages, const std::string& tariff,
                     std::string_view payment, const Wanted& wanted) {
  FeedSlots slots;
  for (const auto& page : pages) {
    const auto json = source_json(page);
    if (!json) return tl::unexpected<Error>(json.error());
    const auto* rates = list_at(*json, "results");
    if (!rates)
      return fail(ErrorKind::invalid,
                  "has no results, but \"" + shown(text_at(*json, "detail")) + '"');
    for (const auto& rate : *rates) {
      if (!rate.is_object()) return fail(ErrorKind::invalid, "a result is no object");
      if (!is_paid_by(rate, payment)) continue;
      const auto slot = slot_of(rate);
      if (!slot) return tl::unexpected<Error>(slot.error());
      slots.push_back(*slot);
    }
  }
  std::ranges::sort(slots, {}, &FeedSlot::begin);
  for (auto& slot : slots) {
    if (slot.end != open) continue;
    const auto next = std::ranges::upper_bound(slots, slot.begin, {}, &FeedSlot::begin);
    slot.end = next == slots.end() ? std::max(wanted.to, slot.begin + 1) : next->begin;
  }
  return wanted_of(wanted, "GBP/kWh", "Octopus " + tariff, std::move(slots));
}

}  // namespace esshub::feed
