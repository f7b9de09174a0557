#include "feed/awattar.hpp"

#include <cstdint>

#include "feed/source_json.hpp"

namespace esshub::feed {
namespace {

using Json = nlohmann::json;

Result<UnixSeconds> second_at(const Json& row, const char* key) {
  const auto found = row.find(key);
  constexpr double year_3000 = 32'503'680'000'000.0;
  const bool whole = found != row.end() && found->is_number_integer();
  if (!whole || !(found->get<double>() >= 0.0 && found->get<double>() < year_3000) ||
      found->get<std::int64_t>() % 1000 != 0)
    return fail(ErrorKind::invalid, std::string{key} + " is no whole second, in ms since 1970");
  return found->get<std::int64_t>() / 1000;
}

}  // namespace

Result<Feed> awattar(std::string_view document, const Wanted& wanted) {
  const auto json = source_json(document);
  if (!json) return tl::unexpected<Error>(json.error());
  const auto* data = list_at(*json, "data");
  if (!data) return fail(ErrorKind::invalid, "has no data");
  FeedSlots slots;
  for (const auto& row : *data) {
    if (!row.is_object()) return fail(ErrorKind::invalid, "a row is no object");
    if (text_at(row, "unit") != "Eur/MWh")
      return fail(ErrorKind::invalid,
                  "unit is \"" + shown(text_at(row, "unit")) + "\", expected Eur/MWh");
    const auto begin = second_at(row, "start_timestamp");
    const auto end = begin.and_then([&](UnixSeconds) { return second_at(row, "end_timestamp"); });
    const auto price = end.and_then([&](UnixSeconds) { return number_at(row, "marketprice"); });
    if (!price) return tl::unexpected<Error>(price.error());
    if (*end <= *begin)
      return fail(ErrorKind::invalid, "end_timestamp is not after start_timestamp");
    slots.push_back({*begin, *end, *price / 1000.0});
  }
  return wanted_of(wanted, "EUR/kWh", "aWATTar", std::move(slots));
}

}  // namespace esshub::feed
