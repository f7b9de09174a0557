#include "feed/open_meteo.hpp"

#include <algorithm>
#include <array>

#include "feed/source_json.hpp"
#include "model/utc_text.hpp"

namespace esshub::feed {
namespace {

using Json = nlohmann::json;

constexpr const char* irradiance = "global_tilted_irradiance";

struct Step {
  const char* key;
  const char* units;
  UnixSeconds length;
};
constexpr std::array<Step, 2> steps{
    {{"minutely_15", "minutely_15_units", 900}, {"hourly", "hourly_units", 3600}}};

std::optional<UnixSeconds> moment_of(const Json& value) {
  constexpr double year_3000 = 32'503'680'000.0;
  if (value.is_number_integer() && value.get<double>() >= 0.0 && value.get<double>() < year_3000)
    return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto at = read_utc(value.get_ref<const std::string&>() + 'Z');
  return at ? std::optional{at->time_since_epoch().count()} : std::nullopt;
}

Result<FeedSlots> slots_of(const Json& block, const Step& step, const Panels& panels) {
  const auto* times = list_at(block, "time");
  const auto* values = list_at(block, irradiance);
  if (!times || !values || times->size() != values->size())
    return fail(ErrorKind::invalid,
                std::string{step.key} + " has not as many " + irradiance + " as times");
  FeedSlots slots;
  for (std::size_t n = 0; n < times->size(); ++n) {
    const auto end = moment_of((*times)[n]);
    if (!end)
      return fail(ErrorKind::invalid, std::string{step.key} + ".time " + std::to_string(n) +
                                          " is no moment without a zone");
    const auto& value = (*values)[n];
    if (value.is_null()) continue;
    if (!value.is_number())
      return fail(ErrorKind::invalid,
                  std::string{irradiance} + ' ' + std::to_string(n) + " is no number");
    const double power =
        std::max(value.get<double>(), 0.0) / 1000.0 * panels.peak_w * panels.efficiency;
    slots.push_back({*end - step.length, *end, power});
  }
  return slots;
}

}  // namespace

Result<Feed> open_meteo(std::string_view document, const Panels& panels, const Wanted& wanted) {
  const auto json = source_json(document);
  if (!json) return tl::unexpected<Error>(json.error());
  if (json->value("error", Json{}) == true)
    return fail(ErrorKind::refused, "says \"" + shown(text_at(*json, "reason")) + '"');
  if (json->value("utc_offset_seconds", Json{}) != 0)
    return fail(ErrorKind::invalid, "utc_offset_seconds is not 0, expected times in UTC");
  const auto step =
      std::ranges::find_if(steps, [&](const Step& s) { return json->contains(s.key); });
  if (step == steps.end()) return fail(ErrorKind::invalid, "has neither minutely_15 nor hourly");
  const auto units = json->find(step->units);
  if (units == json->end() || text_at(*units, irradiance) != "W/m\u00b2")
    return fail(ErrorKind::invalid, std::string{irradiance} + " is not in W/m2");
  return slots_of((*json)[step->key], *step, panels).and_then([&](FeedSlots slots) {
    return wanted_of(wanted, "W", "Open-Meteo", std::move(slots));
  });
}

}  // namespace esshub::feed
