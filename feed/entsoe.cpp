#include "feed/entsoe.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "feed/source_json.hpp"
#include "model/utc_text.hpp"

namespace esshub::feed {
namespace {

constexpr UnixSeconds longest = 31 * 86400;  // a period

struct Resolution {
  std::string_view text;
  UnixSeconds length;
};
constexpr std::array<Resolution, 4> resolutions{
    {{"PT15M", 900}, {"PT30M", 1800}, {"PT60M", 3600}, {"PT1H", 3600}}};

/// The name without a namespace's prefix.
std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name{node.name()};
  return name.substr(name.find(':') + 1);
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  return node.find_child([&](const pugi::xml_node& one) { return local_name(one) == name; });
}

std::string_view trimmed(const pugi::xml_node& node) {
  std::string_view text{node.child_value()};
  constexpr std::string_view blank{" \t\r\n"};
  text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
  return text.substr(0, text.find_last_not_of(blank) + 1);
}

std::string_view text_of(const pugi::xml_node& node, std::string_view name) {
  return trimmed(child(node, name));
}

template <class T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

tl::unexpected<Error> wrong(std::string_view name, std::string_view found,
                            std::string_view expected) {
  return fail(ErrorKind::invalid, std::string{name} + " is \"" + shown(found) + "\", expected " +
                                      std::string{expected});
}

Result<UnixSeconds> moment_of(const pugi::xml_node& interval, std::string_view name) {
  const auto text = text_of(interval, name);
  const auto moment = read_utc(text);
  if (!moment) return wrong(name, text, "a moment, as 2026-11-28T23:00Z");
  return moment->time_since_epoch().count();
}

struct Point {
  UnixSeconds position;  ///< from 1
  double price;          ///< per kWh
};

Result<std::vector<Point>> points_of(const pugi::xml_node& period, UnixSeconds positions) {
  std::vector<Point> points;
  for (const auto& node : period.children()) {
    if (local_name(node) != "Point") continue;
    const auto position = number_of<UnixSeconds>(text_of(node, "position"));
    if (!position || *position < 1 || *position > positions)
      return wrong("position", text_of(node, "position"), "1 to " + std::to_string(positions));
    if (!points.empty() && *position <= points.back().position)
      return wrong("position", text_of(node, "position"), "one above the one before it");
    const auto price = number_of<double>(text_of(node, "price.amount"));
    if (!price || !std::isfinite(*price))
      return wrong("price.amount", text_of(node, "price.amount"), "a number");
    points.push_back({*position, *price / 1000.0});
  }
  return points;
}

Result<FeedSlots> slots_of(const pugi::xml_node& period, bool repeats) {
  const auto interval = child(period, "timeInterval");
  const auto begin = moment_of(interval, "start");
  if (!begin) return tl::unexpected<Error>(begin.error());
  const auto end = moment_of(interval, "end");
  if (!end) return tl::unexpected<Error>(end.error());
  const auto text = text_of(period, "resolution");
  const auto resolution = std::ranges::find(resolutions, text, &Resolution::text);
  if (resolution == resolutions.end())
    return wrong("resolution", text, "PT15M, PT30M, PT60M or PT1H");
  const auto step = resolution->length;
  if (*end <= *begin || *end - *begin > longest || (*end - *begin) % step != 0)
    return wrong("timeInterval", std::to_string(*end - *begin) + " s",
                 "whole steps of its resolution, 31 days at most");
  const auto positions = (*end - *begin) / step;
  const auto points = points_of(period, positions);
  if (!points) return tl::unexpected<Error>(points.error());
  if (repeats && !points->empty() && points->front().position != 1)
    return wrong("position", std::to_string(points->front().position), "1 as the first of A03");
  FeedSlots slots;
  for (std::size_t n = 0; n < points->size(); ++n) {
    const auto& point = (*points)[n];
    const auto next = !repeats                 ? point.position + 1
                      : n + 1 < points->size() ? (*points)[n + 1].position
                                               : positions + 1;
    for (auto position = point.position; position < next; ++position)
      slots.push_back({*begin + (position - 1) * step, *begin + position * step, point.price});
  }
  return slots;
}

/// Adds those of `coarse` of whose time `fine` tells nothing.
void add_where_silent(FeedSlots& fine, const FeedSlots& coarse) {
  FeedSlots silent;
  std::ranges::copy_if(coarse, std::back_inserter(silent), [&](const FeedSlot& slot) {
    return std::ranges::none_of(fine, [&](const FeedSlot& other) {
      return other.begin < slot.end && slot.begin < other.end;
    });
  });
  fine.insert(fine.end(), silent.begin(), silent.end());
}

/// What the series tell, by the length of their slots.
struct Told {
  std::string currency;
  std::array<FeedSlots, resolutions.size()> slots;
  std::size_t count = 0;
};

Result<void> read_series(const pugi::xml_node& series, Told& told) {
  const auto measure = text_of(series, "price_Measure_Unit.name");
  if (measure != "MWH") return wrong("price_Measure_Unit.name", measure, "MWH");
  const auto currency = text_of(series, "currency_Unit.name");
  if (!told.currency.empty() && currency != told.currency)
    return wrong("currency_Unit.name", currency, "one for all series, " + shown(told.currency));
  told.currency = currency;
  const auto curve = text_of(series, "curveType");
  if (!curve.empty() && curve != "A01" && curve != "A03")
    return wrong("curveType", curve, "A01 or A03");
  for (const auto& period : series.children()) {
    if (local_name(period) != "Period") continue;
    auto slots = slots_of(period, curve == "A03");
    if (!slots) return tl::unexpected<Error>(slots.error());
    if (slots->empty()) continue;
    told.count += slots->size();
    if (told.count > service::feed_slots)
      return fail(ErrorKind::invalid,
                  "tells more than " + std::to_string(service::feed_slots) + " prices");
    const auto length = slots->front().end - slots->front().begin;
    const auto row = std::ranges::find(resolutions, length, &Resolution::length);
    auto& same = told.slots[static_cast<std::size_t>(row - resolutions.begin())];
    same.insert(same.end(), slots->begin(), slots->end());
  }
  return {};
}

}  // namespace

Result<Feed> entsoe(std::string_view document, AuctionSequence sequence, const Wanted& wanted) {
  if (document.size() > document_bytes)
    return fail(ErrorKind::invalid, "has " + std::to_string(document.size()) + " bytes, accepted " +
                                        std::to_string(document_bytes));
  pugi::xml_document xml;
  const auto parsed =
      xml.load_buffer(document.data(), document.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed)
    return fail(ErrorKind::invalid, std::string{"is no XML: "} + parsed.description() +
                                        " at byte " + std::to_string(parsed.offset));
  const auto root = xml.document_element();
  if (local_name(root) == "Acknowledgement_MarketDocument")
    return fail(ErrorKind::refused,
                "says \"" + shown(text_of(child(root, "Reason"), "text")) + '"');
  if (local_name(root) != "Publication_MarketDocument")
    return wrong("the document", local_name(root), "Publication_MarketDocument");
  if (const auto type = text_of(root, "type"); type != "A44") return wrong("type", type, "A44");
  Told told;
  std::string others;
  for (const auto& series : root.children()) {
    if (local_name(series) != "TimeSeries") continue;
    const auto own = text_of(series, "classificationSequence_AttributeInstanceComponent.position");
    if (!own.empty() && number_of<AuctionSequence>(own) != sequence) {
      others = shown(own);
      continue;
    }
    if (auto read = read_series(series, told); !read)
      return tl::unexpected<Error>(std::move(read.error()));
  }
  if (told.count == 0 && !others.empty())
    return fail(ErrorKind::refused,
                "has prices of sequence " + others + " only, wanted " + std::to_string(sequence));
  FeedSlots slots;
  for (const auto& coarser : told.slots) add_where_silent(slots, coarser);
  return wanted_of(wanted, told.currency + "/kWh", "ENTSO-E", std::move(slots));
}

}  // namespace esshub::feed
