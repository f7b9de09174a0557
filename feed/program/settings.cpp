#include "feed/program/settings.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include "config/setting_reader.hpp"
#include "config/toml_hints.hpp"
#include "model/enums.hpp"

namespace esshub::feed {
namespace {

using config::ConfigError;
using config::TableReader;
using Row = SettingRow<Source>;
using PanelRow = SettingRow<Panels>;

// ---- what a text must look like -------------------------------------------------------------

bool is_code(const std::string& text) {
  return !text.empty() && text.size() <= 60 && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}
bool is_server(const std::string& text) {
  return (text.starts_with("https://") || text.starts_with("http://")) &&
         text.find_first_of("/?#@ \t\r\n", text.find("://") + 3) == std::string::npos;
}
bool is_absolute(const std::string& text) {
  return text.starts_with('/');
}
bool is_payment(const std::string& text) {
  return text == "DIRECT_DEBIT" || text == "NON_DIRECT_DEBIT";
}

constexpr TextRule code{&is_code, "capital letters, digits and -"};
constexpr TextRule server{&is_server, "https://host or http(s)://host:port"};
constexpr TextRule absolute{&is_absolute, "an absolute path"};
constexpr TextRule payment{&is_payment, "DIRECT_DEBIT or NON_DIRECT_DEBIT"};

// ---- the tables -----------------------------------------------------------------------------

template <class E>
std::vector<std::string_view> words() {
  std::vector<std::string_view> list;
  list.reserve(enum_count<E>);
  for (const E value : enum_values<E>) list.push_back(name(value));
  return list;
}

const auto service_row =
    Row{.section = "source",
        .key = "service",
        .field = WordField<Source>{
            &words<Service>, [](const Source& s) { return index(s.service); },
            [](Source& s, std::size_t word) { s.service = static_cast<Service>(word); }},
        .unit = "",
        .range = {},
        .reload = Reload::restart,
        .sentence = "Who is asked.",
        .required = one_of_its_words};
const auto gives_row =
    Row{.section = "source",
        .key = "gives",
        .field = WordField<Source>{
            &words<FeedKind>, [](const Source& s) { return index(s.gives); },
            [](Source& s, std::size_t word) { s.gives = static_cast<FeedKind>(word); }},
        .unit = "",
        .range = {},
        .reload = Reload::restart,
        .sentence = "What is fetched.",
        .required = one_of_its_words};

Row row(std::string_view key, SettingField<Source> field, std::string_view unit, SettingRange range,
        TextRule rule = {}, std::string_view required = {}) {
  return {"source", key, field, unit, range, Reload::restart, "", "", rule, required};
}

std::vector<Row> rows_of(Service service) {
  std::vector<Row> rows{
      row("server", &Source::server, "", {}, server),
      row("authority", &Source::authority, "", {}, absolute),
      row("every", &Source::every, "ms",
          {std::chrono::duration<double, std::milli>(facts_of(service).least).count(), 86'400e3})};
  if (service != Service::open_meteo) {
    rows.push_back(row("factor", &Source::factor, "0.5 to 2", {0.5, 2.0}));
    rows.push_back(row("surcharge", &Source::surcharge, "-100 to 100 per kWh", {-100.0, 100.0}));
  }
  switch (service) {
    case Service::octopus:
      rows.push_back(row("product", &Source::product, "", {}, code, "such as \"AGILE-24-10-01\""));
      rows.push_back(
          row("tariff", &Source::tariff, "", {}, code, "such as \"E-1R-AGILE-24-10-01-C\""));
      rows.push_back(row("payment", &Source::payment, "", {}, payment));
      break;
    case Service::entsoe:
      rows.push_back(row("area", &Source::area, "", {}, code, "such as \"10Y1001A1001A82H\""));
      rows.push_back(row("sequence", &Source::sequence, "", {1, 9}));
      rows.push_back(row("token_file", &Source::token_file, "", {}, absolute,
                         "the file with your security token"));
      break;
    case Service::awattar:
      break;
    case Service::open_meteo:
      rows.push_back(row("latitude", &Source::latitude, "-90 to 90 degrees", {-90.0, 90.0}, {},
                         "degrees, north positive"));
      rows.push_back(row("longitude", &Source::longitude, "-180 to 180 degrees", {-180.0, 180.0},
                         {}, "degrees, east positive"));
      rows.push_back(row("tilt", &Source::tilt, "0 to 90 degrees", {0.0, 90.0}));
      rows.push_back(row("azimuth", &Source::azimuth, "-180 to 180 degrees", {-180.0, 180.0}));
      break;
  }
  return rows;
}

PanelRow panel_row(std::string_view key, SettingField<Panels> field, std::string_view unit,
                   SettingRange range, std::string_view required = {}) {
  return {"source", key, field, unit, range, Reload::restart, "", "", {}, required};
}

// ---- the file -------------------------------------------------------------------------------

class Loader {
 public:
  explicit Loader(const toml::table& root) : top_(&root, "", errors_) {}

  tl::expected<Settings, std::vector<ConfigError>> load() {
    if (top_.read("folder", settings_.folder) && !is_absolute(settings_.folder))
      top_.complain("folder", "is \"" + settings_.folder + "\", expected an absolute path");
    if (top_.read("highest_price", settings_.limits.price, "money per kWh") &&
        !(settings_.limits.price > 0.0 && settings_.limits.price <= 1e6))
      top_.complain("highest_price", "expected a number above 0, 1000000 at most");
    const auto* node = top_.find("source");
    const auto* list = node ? node->as_array() : nullptr;
    if (!list || list->empty())
      top_.complain("source", "is missing, expected a list of tables, each written as [[source]]");
    if (list)
      for (const auto& entry : *list) {
        if (const auto* table = entry.as_table())
          read_source(*table);
        else
          errors_.push_back(
              {config::place_of(entry), "source: expected a table, written as [[source]]"});
      }
    top_.finish();
    std::ranges::stable_sort(errors_, {}, [](const ConfigError& error) {
      return std::pair{error.place.line, error.place.column};
    });
    if (!errors_.empty()) return tl::unexpected{std::move(errors_)};
    return std::move(settings_);
  }

 private:
  void read_source(const toml::table& table) {
    TableReader reader{&table, "source", errors_};
    Source source;
    const bool known = read_row(reader, service_row, source);
    // Without its service nobody knows which keys it has.
    if (!known) return;
    source.every = std::max<Duration>(source.every, facts_of(source.service).least);
    const auto rows = rows_of(source.service);
    read_rows(reader, std::span<const Row>{rows}, source);
    const bool sun = source.service == Service::open_meteo;
    if (sun) read_sun(reader, source);
    if (read_row(reader, gives_row, source)) {
      if (sun != (source.gives == FeedKind::solar))
        reader.complain("gives", sun ? "expected solar of this service"
                                     : "expected import_price or export_price of this service");
      reader.once(given_, source.gives, "gives",
                  std::string{name(source.gives)} + " is given by another source already");
    }
    reader.finish();
    settings_.sources.push_back(std::move(source));
  }

  static void read_sun(TableReader& reader, Source& source) {
    const std::array<PanelRow, 2> rows{
        panel_row("peak_w", &Panels::peak_w, "1 to 100000 W", {1.0, 100e3},
                  "the panels' power in W at 1000 W/m2"),
        panel_row("efficiency", &Panels::efficiency, "0.1 to 1", {0.1, 1.0})};
    read_rows(reader, std::span<const PanelRow>{rows}, source.panels);
  }

  std::vector<ConfigError> errors_;
  TableReader top_;
  Settings settings_;
  config::Seen<FeedKind> given_;
};

}  // namespace

tl::expected<Settings, std::vector<ConfigError>> read_settings(std::string_view text) {
  try {
    const toml::table root = toml::parse(text);
    return Loader{root}.load();
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    const auto line = config::line_of(text, at.line);
    const auto hint = config::toml_hint(line);
    return tl::unexpected{std::vector<ConfigError>{
        {{at.line, at.column},
         "not TOML: " + (hint.empty() ? std::string{error.description()} : hint),
         std::string{line}}}};
  }
}

}  // namespace esshub::feed
