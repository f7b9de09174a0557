#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

#include "json/parse.hpp"
#include "json/text.hpp"
#include "model/enums.hpp"
#include "model/utc_text.hpp"
#include "service/feed.hpp"

namespace esshub::service {
namespace {

using Json = nlohmann::json;

constexpr std::size_t source_bytes = 80;
constexpr UnixSeconds farthest = 400 * std::int64_t{86400};  // of a slot from `issued`
constexpr int deepest = 3;                                   // a slot's values

tl::unexpected<Error> wrong(const std::string& pointer, const std::string& found,
                            const std::string& accepted) {
  return fail(ErrorKind::invalid, pointer + ": " + found + ", accepted " + accepted);
}

/// What strangers wrote, fit for a line of text: short, printable ASCII.
std::string shown(std::string_view text, std::size_t most = 40) {
  std::string result{text.substr(0, most)};
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  return text.size() > most ? result + "..." : result;
}

/// As it is shown in an error. Nothing that has parts is: it may be deep.
std::string described(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_string()) return '"' + shown(value.get_ref<const std::string&>()) + '"';
  return shown(json_text(value));
}

/// RFC 6901, for a key of strangers.
std::string pointer_to(std::string_view key) {
  std::string result = "/";
  for (const char c : shown(key)) {
    if (c == '~')
      result += "~0";
    else if (c == '/')
      result += "~1";
    else
      result += c;
  }
  return result;
}

std::string slot_pointer(std::size_t n) {
  return "/slots/" + std::to_string(n);
}

Result<Json> parse(std::string_view text) {
  if (text.size() > feed_bytes)
    return wrong("document", std::to_string(text.size()) + " bytes",
                 std::to_string(feed_bytes) + " at most");
  std::set<std::string> keys;  // of the document; no object stands in it
  std::optional<std::string> twice;
  bool deep = false;
  try {
    auto json = parse_json(text, [&](int depth, Json::parse_event_t event, const Json& value) {
      if (event == Json::parse_event_t::key && depth == 1 &&
          !keys.insert(value.get_ref<const std::string&>()).second && !twice)
        twice = value.get<std::string>();
      deep |= depth > deepest;
      return depth <= deepest;
    });
    if (deep) return wrong("document", "lists or objects four deep", "slots as the deepest");
    if (twice) return wrong(pointer_to(*twice), "there twice", "each key once");
    return json;
  } catch (const Json::exception& error) {
    std::string_view said{error.what()};
    said.remove_prefix(std::min(said.find("] ") + 2, said.size()));
    return fail(ErrorKind::invalid, "document: no JSON, " + shown(said, 160));
  }
}

/// One document, from its top; the first mistake ends it.
class Reader {
 public:
  explicit Reader(const Json& document) : document_(document) {}

  Result<Feed> read() {
    if (!document_.is_object()) return wrong("document", described(document_), "an object");
    constexpr std::array<std::string_view, 6> known{"kind",   "unit",        "source",
                                                    "issued", "valid_until", "slots"};
    for (const auto& [key, value] : document_.items())
      if (std::ranges::find(known, std::string_view{key}) == known.end())
        return wrong(pointer_to(key), "unknown key",
                     "kind, unit, source, issued, valid_until, slots");
    return read_kind()
        .and_then([&] { return read_unit(); })
        .and_then([&] { return read_source(); })
        .and_then([&] { return read_moment("issued", feed_.issued); })
        .and_then([&] { return read_slots(); })
        .and_then([&]() -> Result<void> {
          if (document_.contains("valid_until"))
            return read_moment("valid_until", feed_.valid_until);
          for (const auto& slot : feed_.slots)
            feed_.valid_until = std::max(feed_.valid_until, slot.end);
          return {};
        })
        .map([&] { return std::move(feed_); });
  }

 private:
  Result<std::string> text(const char* key, const std::string& accepted) const {
    if (!document_.contains(key)) return wrong(pointer_to(key), "missing", accepted);
    const auto& value = document_[key];
    if (!value.is_string()) return wrong(pointer_to(key), described(value), accepted);
    return value.get<std::string>();
  }

  Result<void> read_kind() {
    constexpr auto accepted = "import_price, export_price or solar";
    return text("kind", accepted).and_then([&](const std::string& word) -> Result<void> {
      const auto kind = enum_named<FeedKind>(word);
      if (!kind) return wrong("/kind", '"' + shown(word) + '"', accepted);
      feed_.kind = *kind;
      return {};
    });
  }

  Result<void> read_unit() {
    const bool solar = feed_.kind == FeedKind::solar;
    const std::string accepted =
        solar ? "W, kW, or of a slot Wh, kWh" : "a currency of three letters per kWh, as EUR/kWh";
    return text("unit", accepted).and_then([&](const std::string& word) -> Result<void> {
      if (!solar) {
        feed_.unit = word;  // judged with the other values
        return {};
      }
      if (word != "W" && word != "kW" && word != "Wh" && word != "kWh")
        return wrong("/unit", '"' + shown(word) + '"', accepted);
      factor_ = word.starts_with('k') ? 1000.0 : 1.0;
      energy_ = word.ends_with('h');
      feed_.unit = "W";
      return {};
    });
  }

  Result<void> read_source() {
    if (!document_.contains("source")) return {};
    return text("source", "a text").map([&](std::string word) { feed_.source = std::move(word); });
  }

  static Result<UnixSeconds> moment(const std::string& pointer, const Json& value) {
    const auto at = value.is_string() ? read_utc(value.get_ref<const std::string&>())
                                      : std::optional<std::chrono::sys_seconds>{};
    if (!at)
      return wrong(pointer, described(value), "a moment with its zone, as 2026-11-28T23:00:00Z");
    return at->time_since_epoch().count();
  }

  Result<void> read_moment(const char* key, UnixSeconds& out) const {
    if (!document_.contains(key))
      return wrong(pointer_to(key), "missing", "a moment with its zone, as 2026-11-28T23:00:00Z");
    return moment(pointer_to(key), document_[key]).map([&](UnixSeconds at) { out = at; });
  }

  Result<void> read_slots() {
    constexpr auto accepted = "a list of [begin, end, value]";
    if (!document_.contains("slots")) return wrong("/slots", "missing", accepted);
    const auto& list = document_["slots"];
    if (!list.is_array()) return wrong("/slots", described(list), accepted);
    if (list.size() > feed_slots)
      return wrong("/slots", std::to_string(list.size()) + " slots",
                   "1 to " + std::to_string(feed_slots));
    for (std::size_t n = 0; n < list.size(); ++n)
      if (auto read = read_slot(slot_pointer(n), list[n]); !read) return read;
    return {};
  }

  Result<void> read_slot(const std::string& pointer, const Json& slot) {
    if (!slot.is_array()) return wrong(pointer, described(slot), "[begin, end, value]");
    if (slot.size() != 3)
      return wrong(pointer, std::to_string(slot.size()) + " parts", "[begin, end, value]");
    const auto begin = moment(pointer + "/0", slot[0]);
    if (!begin) return tl::unexpected<Error>(begin.error());
    const auto end = moment(pointer + "/1", slot[1]);
    if (!end) return tl::unexpected<Error>(end.error());
    if (slot[2].is_null()) {
      feed_.slots.push_back({*begin, *end, std::nullopt});
      return {};
    }
    if (!slot[2].is_number())
      return wrong(pointer + "/2", described(slot[2]), "a number; what is unknown has no slot");
    double value = slot[2].get<double>() * factor_;
    // An empty slot is refused with the other values.
    if (energy_ && *end > *begin) value *= 3600.0 / static_cast<double>(*end - *begin);
    feed_.slots.push_back({*begin, *end, value});
    return {};
  }

  const Json& document_;
  Feed feed_;
  double factor_ = 1.0;  ///< to the unit without a prefix
  bool energy_ = false;  ///< of a slot, not a power
};

bool is_price_unit(std::string_view unit) {
  return unit.size() == 7 && unit.ends_with("/kWh") &&
         std::ranges::all_of(unit.substr(0, 3), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Result<void> check_unit(const Feed& feed) {
  if (feed.kind == FeedKind::solar) return {};
  const std::string_view unit = feed.unit;
  if (is_price_unit(unit)) return {};
  const std::string hint = unit.ends_with("/MWh") ? "; divide by 1000"
                           : unit == "ct/kWh" || unit == "c/kWh" || unit == "p/kWh"
                               ? "; divide by 100"
                               : "";
  return wrong("/unit", '"' + shown(unit) + '"',
               "a currency of three letters per kWh, as EUR/kWh" + hint);
}

Result<void> check_value(const Feed& feed, const FeedSlot& slot, std::size_t n,
                         const FeedLimits& limits) {
  const bool solar = feed.kind == FeedKind::solar;
  const double least = solar ? 0.0 : -limits.price;
  const double most = solar ? limits.solar_w : limits.price;
  const double value = slot.value.value_or(0.0);  // which is accepted of both
  if (value >= least && value <= most) return {};
  std::string accepted = json_text(Json(least)) + " to " + json_text(Json(most));
  // The harmonised limits of the exchange: -500 to 4000 EUR/MWh.
  if (!solar && std::abs(value) <= 5000.0)
    accepted += "; prices per MWh are to be divided by 1000, cents and pence by 100";
  return wrong(slot_pointer(n) + "/2", json_text(Json(value)) + ' ' + shown(feed.unit), accepted);
}

}  // namespace

Result<void> check_feed(const Feed& feed, const FeedLimits& limits) {
  if (auto unit = check_unit(feed); !unit) return unit;
  if (feed.source.size() > source_bytes || shown(feed.source, source_bytes) != feed.source)
    return wrong("/source", '"' + shown(feed.source) + '"',
                 "80 characters of printable ASCII at most");
  if (feed.slots.empty() || feed.slots.size() > feed_slots)
    return wrong("/slots", std::to_string(feed.slots.size()) + " slots",
                 "1 to " + std::to_string(feed_slots));
  for (std::size_t n = 0; n < feed.slots.size(); ++n) {
    const auto& slot = feed.slots[n];
    if (slot.begin >= slot.end)
      return wrong(slot_pointer(n) + "/1", utc_text(slot.end),
                   "a moment after its begin, " + utc_text(slot.begin));
    for (const bool begin : {true, false})
      if (const auto at = begin ? slot.begin : slot.end;
          at > feed.issued + farthest || at < feed.issued - farthest)
        return wrong(slot_pointer(n) + (begin ? "/0" : "/1"), utc_text(at),
                     "a moment within 400 days of /issued, " + utc_text(feed.issued));
    if (auto value = check_value(feed, slot, n, limits); !value) return value;
  }
  std::vector<std::size_t> order(feed.slots.size());
  for (std::size_t n = 0; n < order.size(); ++n) order[n] = n;
  std::ranges::stable_sort(order, {}, [&](std::size_t n) { return feed.slots[n].begin; });
  for (std::size_t n = 1; n < order.size(); ++n) {
    const auto& before = feed.slots[order[n - 1]];
    const auto& slot = feed.slots[order[n]];
    if (slot.begin < before.end)
      return wrong(
          slot_pointer(order[n]) + "/0", utc_text(slot.begin),
          "none before " + utc_text(before.end) + ", the end of " + slot_pointer(order[n - 1]));
  }
  if (feed.valid_until <= feed.issued)
    return wrong("/valid_until", utc_text(feed.valid_until),
                 "a moment after /issued, " + utc_text(feed.issued));
  return {};
}

Result<Feed> read_feed(std::string_view text, const FeedLimits& limits) {
  return parse(text)
      .and_then([](const Json& document) { return Reader{document}.read(); })
      .and_then([&](Feed feed) -> Result<Feed> {
        if (auto good = check_feed(feed, limits); !good)
          return tl::unexpected<Error>(std::move(good.error()));
        std::ranges::sort(feed.slots, {}, &FeedSlot::begin);
        return feed;
      });
}

std::string feed_text(const Feed& feed) {
  std::string text =
      "{\"kind\": " + json_quoted(name(feed.kind)) + ", \"unit\": " + json_quoted(feed.unit) +
      ",\n \"source\": " + json_quoted(feed.source) + ",\n \"issued\": \"" + utc_text(feed.issued) +
      "\", \"valid_until\": \"" + utc_text(feed.valid_until) + "\",\n \"slots\": [";
  const char* separator = "\n  ";
  for (const auto& slot : feed.slots) {
    text += separator;
    const Json value = slot.value ? Json(*slot.value) : Json(nullptr);
    text += "[\"" + utc_text(slot.begin) + "\", \"" + utc_text(slot.end) + "\", " +
            json_text(value) + ']';
    separator = ",\n  ";
  }
  return text + "]}\n";
}

}  // namespace esshub::service
