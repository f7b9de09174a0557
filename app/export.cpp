#include "app/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <ostream>
#include <sstream>
#include <string_view>
#include <vector>

#include "app/commands.hpp"
#include "app/time_zone.hpp"
#include "config/config.hpp"
#include "json/text.hpp"
#include "publish/history/database/file.hpp"

namespace esshub::app {
namespace {

using std::chrono::seconds;
constexpr double joules_per_kwh = 3.6e6;

/// A cell of a row: unknown, a number as it shall be written, or text.
struct Cell {
  std::string text;
  bool known = true;
  bool number = false;
};
using Row = std::vector<Cell>;

Cell number(std::optional<double> value, int decimals) {
  if (!value) return {"", false, true};
  auto text = fmt::format("{:.{}f}", *value, decimals);
  // No minus before a zero.
  if (text.find_first_not_of("-0.") == std::string::npos && text.front() == '-') text.erase(0, 1);
  return {std::move(text), true, true};
}

Cell time(WallTime at, const date::time_zone& zone) {
  return {date::format("%FT%T%Ez", date::make_zoned(&zone, std::chrono::floor<seconds>(at)))};
}

std::string csv(const Cell& cell) {
  if (cell.text.find_first_of(",\"\r\n") == std::string::npos) return cell.text;
  std::string quoted = "\"";
  for (const char c : cell.text) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
  return quoted + "\"";
}

std::string json(const Cell& cell) {
  if (!cell.known) return "null";
  if (cell.number) return cell.text;
  return json_quoted(cell.text);
}

/// Writes rows under the names of their columns.
class Table {
 public:
  Table(ExportFormat format, std::vector<std::string> columns, std::ostream& out)
      : format_(format), columns_(std::move(columns)), out_(out) {
    switch (format_) {
      case ExportFormat::csv:
        for (std::size_t i = 0; i < columns_.size(); ++i)
          out_ << (i == 0 ? "" : ",") << columns_[i];
        out_ << '\n';
        return;
      case ExportFormat::json:
        out_ << '[';
        return;
    }
  }
  void add(const Row& row) {
    switch (format_) {
      case ExportFormat::csv:
        for (std::size_t i = 0; i < row.size(); ++i) out_ << (i == 0 ? "" : ",") << csv(row[i]);
        out_ << '\n';
        return;
      case ExportFormat::json:
        out_ << (first_ ? "\n{" : ",\n{");
        first_ = false;
        for (std::size_t i = 0; i < row.size(); ++i)
          out_ << (i == 0 ? "\"" : ",\"") << columns_[i] << "\":" << json(row[i]);
        out_ << '}';
        return;
    }
  }
  void end() {
    if (format_ == ExportFormat::json) out_ << "\n]\n";
  }

 private:
  ExportFormat format_;
  std::vector<std::string> columns_;
  std::ostream& out_;
  bool first_ = true;
};

Result<void> export_minutes(publish::HistoryReader& history, ExportFormat format,
                            const ExportRange& range, const date::time_zone& zone,
                            std::ostream& out) {
  const auto rows = history.minutes(range.from, range.until);
  if (!rows) return tl::unexpected<Error>(rows.error());
  Table table(format, {"time", "grid_w", "solar_w", "house_w", "battery_w", "soc_percent"}, out);
  for (const auto& row : *rows)
    table.add({time(row.begin, zone), number(row.grid_w, 0), number(row.solar_w, 0),
               number(row.house_w, 0), number(row.battery_w, 0), number(row.soc, 1)});
  table.end();
  return {};
}

std::string date_of(WallTime at, const date::time_zone& zone) {
  return date::format("%F", date::make_zoned(&zone, std::chrono::floor<seconds>(at)));
}

Result<void> export_days(publish::HistoryReader& history, ExportFormat format,
                         const ExportRange& range, const ExportSite& site, std::ostream& out) {
  const auto rows = history.days(std::numeric_limits<unsigned>::max());
  if (!rows) return tl::unexpected<Error>(rows.error());
  std::vector<std::string> columns{"date"};
  for (const Flow flow : enum_values<Flow>) columns.push_back(std::string{name(flow)} + "_kwh");
  for (const char* column :
       {"import_cost", "export_income", "import_unpriced_kwh", "export_unpriced_kwh", "currency"})
    columns.emplace_back(column);
  Table table(format, std::move(columns), out);
  const auto first = date_of(range.from, site.zone);
  const auto last =
      range.until == WallTime::max() ? "9999-12-31" : date_of(range.until - seconds(1), site.zone);
  for (const auto& row : *rows) {
    if (row.date < first || row.date > last) continue;
    Row cells{{row.date}};
    for (const double joules : row.energies.joules)
      cells.push_back(number(joules / joules_per_kwh, 3));
    cells.push_back(number(row.import_cost, 4));
    cells.push_back(number(row.export_income, 4));
    cells.push_back(number(row.import_unpriced_j / joules_per_kwh, 3));
    cells.push_back(number(row.export_unpriced_j / joules_per_kwh, 3));
    cells.push_back({site.currency, !site.currency.empty()});
    table.add(cells);
  }
  table.end();
  return {};
}

Result<void> export_events(publish::HistoryReader& history, ExportFormat format,
                           const ExportRange& range, const date::time_zone& zone,
                           std::ostream& out) {
  auto rows = history.events(range.from, range.until, std::numeric_limits<unsigned>::max());
  if (!rows) return tl::unexpected<Error>(rows.error());
  std::ranges::reverse(*rows);
  Table table(format, {"time", "kind", "name", "detail"}, out);
  for (const auto& row : *rows)
    table.add({time(row.at, zone), {row.kind}, {row.name}, {row.detail}});
  table.end();
  return {};
}

/// A moment of the zone's clock, and whether it was a whole day.
struct Moment {
  date::local_seconds at;
  bool day;
};

std::optional<Moment> read_moment(const std::string& text) {
  for (const auto& [pattern, day] :
       {std::pair{"%F", true}, {"%FT%H:%M", false}, {"%FT%H:%M:%S", false}}) {
    std::istringstream in(text);
    date::local_seconds at;
    in >> date::parse(pattern, at);
    if (!in.fail() && in.peek() == std::istringstream::traits_type::eof()) return Moment{at, day};
  }
  return std::nullopt;
}

}  // namespace

Result<ExportRange> export_range(const std::string& from, const std::string& to,
                                 const date::time_zone& zone) {
  ExportRange range;
  for (const auto& [option, text, bound] :
       {std::tuple{"--from", &from, &range.from}, std::tuple{"--to", &to, &range.until}}) {
    if (text->empty()) continue;
    const auto moment = read_moment(*text);
    if (!moment)
      return fail(ErrorKind::invalid, fmt::format("{} is \"{}\", expected a date such as "
                                                  "2026-01-31 or a time such as 2026-01-31T18:00",
                                                  option, *text));
    auto at = moment->at;
    if (moment->day && bound == &range.until) at += date::days(1);
    *bound = zone.to_sys(at, date::choose::earliest);
  }
  if (range.from >= range.until)
    return fail(ErrorKind::invalid, "--from \"" + from + "\" is not before --to \"" + to + "\"");
  return range;
}

Result<void> export_rows(publish::HistoryReader& history, ExportWhat what, ExportFormat format,
                         const ExportRange& range, const ExportSite& site, std::ostream& out) {
  switch (what) {
    case ExportWhat::minutes:
      return export_minutes(history, format, range, site.zone, out);
    case ExportWhat::days:
      return export_days(history, format, range, site, out);
    case ExportWhat::events:
      return export_events(history, format, range, site.zone, out);
  }
  return {};
}

int export_history(const ExportOptions& options, std::ostream& out, std::ostream& err) {
  const auto refuse = [&err](const std::string& text, int status) {
    err << "esshub export: " << text << '\n';
    return status;
  };
  std::string file = options.file;
  std::string zone_name = options.time_zone;
  std::string currency;
  if (!options.config.empty()) {
    const auto config = config::load_config(options.config);
    if (!config) {
      for (const auto& error : config.error())
        err << config::describe(options.config, error) << '\n';
      return exit_config;
    }
    if (file.empty()) file = config->history.file;
    if (zone_name.empty()) zone_name = config->time_zone;
    currency = config->control.tariff.currency;
  }
  if (file.empty())
    return refuse(options.config.string() + " keeps no history: [history] file is \"\"",
                  exit_failure);
  if (zone_name.empty()) zone_name = "Etc/UTC";
  const auto* zone = find_time_zone(zone_name);
  if (zone == nullptr)
    return refuse("--time-zone is \"" + zone_name + "\", expected an IANA time zone of this system",
                  exit_usage);
  const auto range = export_range(options.from, options.to, *zone);
  if (!range) return refuse(range.error().detail, exit_usage);
  const auto history = publish::open_history(file);
  if (!history) return refuse(history.error().detail, exit_failure);
  if (const auto done =
          export_rows(**history, options.what, options.format, *range, {*zone, currency}, out);
      !done)
    return refuse(done.error().detail, exit_failure);
  if (!out.flush()) return refuse("the output could not be written", exit_failure);
  return exit_ok;
}

}  // namespace esshub::app
