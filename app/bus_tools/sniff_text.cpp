#include "app/bus_tools/sniff_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "json/text.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;

/// What a key ends in, and how the unit is written.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> units{{
    {"_percent", "%"},
    {"_pct", "%"},
    {"_varh", "varh"},
    {"_vah", "VAh"},
    {"_var", "var"},
    {"_deg", "deg"},
    {"_wh", "Wh"},
    {"_ah", "Ah"},
    {"_va", "VA"},
    {"_hz", "Hz"},
    {"_ms", "ms"},
    {"_w", "W"},
    {"_v", "V"},
    {"_a", "A"},
    {"_c", "\u00b0C"},
}};

/// Shown by the line's head, or of no use to a reader.
constexpr std::array<std::string_view, 14> not_listed{
    "kind", "unit",   "function", "byte_count", "start",   "count", "id",
    "note", "letter", "after_ms", "error",      "request", "code",  "detail"};

std::string value_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.7g}", value.get<double>());
  if (value.is_null()) return "unknown";
  return json_text(value);
}

std::string field_text(std::string_view key, const json& value) {
  if (!value.is_number()) return fmt::format("{} {}", key, value_text(value));
  for (const auto& [ending, unit] : units)
    if (key.ends_with(ending))
      return fmt::format("{} {} {}", key.substr(0, key.size() - ending.size()), value_text(value),
                         unit);
  return fmt::format("{} {}", key, value_text(value));
}

void list(const json& fields, std::vector<std::string>& out) {
  for (const auto& [key, value] : fields.items()) {
    if (std::ranges::find(not_listed, key) != not_listed.end()) continue;
    if (value.is_object()) {
      list(value, out);
    } else {
      out.push_back(field_text(key, value));
    }
  }
}

std::string_view function_name(unsigned function) {
  switch (function) {
    case 3:
      return "read holding";
    case 4:
      return "read input";
    case 8:
      return "diagnostics";
    case 16:
      return "write";
    default:
      return "function";
  }
}

/// What was asked: `read input 52+2`, `ram_read -> ram_value`.
std::string what(const Transaction& transaction) {
  const auto& f = transaction.fields;
  if (f.contains("function")) {
    std::string text{function_name(f["function"].get<unsigned>())};
    if (f.contains("start"))
      text += fmt::format(" {}+{}", f["start"].get<unsigned>(), f["count"].get<unsigned>());
    return text;
  }
  const auto kind = f.value("kind", "");
  return f.contains("request") ? "-> " + kind : kind == transaction.who ? "" : kind;
}

/// What a reader must notice.
std::string trouble(const Transaction& transaction) {
  const auto detail = transaction.fields.value("detail", "");
  switch (transaction.outcome) {
    case Outcome::ok:
      return "";
    case Outcome::unanswered:
      return "NO RESPONSE";
    case Outcome::unasked:
      return "RESPONSE WITHOUT REQUEST";
    case Outcome::crc:
      return "CRC WRONG: " + detail;
    case Outcome::exception:
      return "REFUSED: " + detail;
    case Outcome::error:
      return detail.empty() ? "ERROR" : "ERROR: " + detail;
  }
  return "";
}

double seconds(WallTime at) {
  return std::chrono::duration<double>(
             std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch()))
      .count();
}

std::string clock_text(WallTime at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at);
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at - whole).count();
  return fmt::format("{:%T}.{:03}", fmt::localtime(whole.time_since_epoch().count()), ms);
}

/// The columns that can occur on such a bus.
std::vector<Outcome> columns(SniffKind kind) {
  switch (kind) {
    case SniffKind::modbus:
      return {Outcome::ok, Outcome::crc, Outcome::exception, Outcome::unanswered, Outcome::unasked};
    case SniffKind::mk3:
      return {Outcome::ok, Outcome::exception, Outcome::unanswered, Outcome::unasked,
              Outcome::error};
    case SniffKind::slcan:
    case SniffKind::can:
      return {Outcome::ok, Outcome::error};
  }
  return {};
}

}  // namespace

std::string to_line(const Transaction& transaction, WallTime at) {
  std::vector<std::string> parts{clock_text(at), fmt::format("{:<8}", transaction.who)};
  const auto add = [&](std::string part) {
    if (!part.empty()) parts.push_back(std::move(part));
  };
  add(what(transaction));
  if (transaction.fields.contains("after_ms"))
    add(fmt::format("{:.0f} ms", transaction.fields["after_ms"].get<double>()));
  add(trouble(transaction));
  std::vector<std::string> fields;
  list(transaction.fields, fields);
  add(fmt::format("{}", fmt::join(fields, ", ")));
  return fmt::format("{}\n", fmt::join(parts, "  "));
}

json to_json(const Transaction& transaction, WallTime at) {
  json out = transaction.fields;
  out["time_s"] = seconds(at);
  out["who"] = transaction.who;
  out["outcome"] = name(transaction.outcome);
  return out;
}

void SniffCounts::add(const Transaction& transaction) {
  ++counts_[transaction.who][transaction.outcome];
}

std::string SniffCounts::table(SniffKind kind, const Counters& tally) const {
  std::size_t widest = 4;
  for (const auto& [who, counts] : counts_) widest = std::max(widest, who.size());
  std::string out = fmt::format("{:<{}}", "", widest);
  for (const auto outcome : columns(kind)) out += fmt::format("  {:>10}", name(outcome));
  out += '\n';
  for (const auto& [who, counts] : counts_) {
    out += fmt::format("{:<{}}", who, widest);
    for (const auto outcome : columns(kind)) out += fmt::format("  {:>10}", counts[outcome]);
    out += '\n';
  }
  out += fmt::format("{} bytes, {} valid frames, {} resyncs\n", tally.bytes, tally.frames,
                     tally.resyncs);
  return out;
}

json SniffCounts::json(SniffKind kind, const Counters& tally) const {
  nlohmann::json out{{"kind", "summary"},        {"bus", name(kind)},
                     {"bytes", tally.bytes},     {"frames", tally.frames},
                     {"resyncs", tally.resyncs}, {"counts", nlohmann::json::object()}};
  for (const auto& [who, counts] : counts_)
    for (const auto outcome : columns(kind))
      out["counts"][who][std::string{name(outcome)}] = counts[outcome];
  return out;
}

}  // namespace esshub::app
