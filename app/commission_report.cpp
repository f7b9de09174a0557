#include "app/commission_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "commissioning/steps.hpp"
#include "model/enums.hpp"

namespace esshub::app {
namespace {

using commissioning::ChannelFinding;
using commissioning::Findings;
using commissioning::Measured;
using commissioning::PowerReading;
using commissioning::Ratio;
using commissioning::Role;
using commissioning::Sign;

std::string number(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}
std::string watts(Watts power) {
  return number("%.0f W", power.value());
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

const char* word(Sign sign) {
  switch (sign) {
    case Sign::open:
      return "-";
    case Sign::right:
      return "right";
    case Sign::reversed:
      return "REVERSED";
  }
  return "";
}
const char* word(Ratio ratio) {
  switch (ratio) {
    case Ratio::open:
      return "-";
    case Ratio::one:
      return "1";
    case Ratio::twice:
      return "2 (twice)";
    case Ratio::half:
      return "1/2 (half)";
  }
  return "";
}

std::string answer_of(const ChannelFinding& channel) {
  if (channel.gain_error == 0.0) return "-";
  return number("%+.2f", channel.gain) + number(" +- %.2f", channel.gain_error);
}

/// Names and values of what was measured besides.
std::vector<std::pair<std::string, std::string>> figures(const Findings& f) {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto add = [&](const char* name, std::string value) {
    rows.emplace_back(name, std::move(value));
  };
  if (f.swing) add("the inverter moved by", watts(*f.swing));
  if (f.dead) add("its answer begins after", number("%.1f s", f.dead->count()));
  if (f.ramp) add("it moves at", number("%.0f W/s", f.ramp->value()));
  for (const auto& channel : f.channels)
    if (channel.lag)
      rows.emplace_back("the meter of " + std::string{name(channel.point)} + " is later by",
                        number("%.1f s than the inverter's own word", channel.lag->count()));
  if (f.loss_resting) add("at rest the battery gives", watts(*f.loss_resting));
  if (f.loss_discharging) add("lost while it discharges", watts(*f.loss_discharging));
  return rows;
}

std::string conclusion(const Findings& f) {
  std::size_t unsure = 0;
  std::size_t changes = 0;
  for (const auto& channel : f.channels) {
    unsure += channel.role == Role::not_sure ? 1 : 0;
    changes += channel.change.empty() ? 0 : 1;
  }
  std::string text;
  if (changes > 0)
    text =
        "What to change stands beside its channel. Nothing was changed: do it in the "
        "configuration, `esshub check`, reload, and run this again.";
  else if (f.enough)
    text = "Nothing to change was found.";
  if (unsure > 0)
    text += std::string{text.empty() ? "" : " "} +
            "What is not sure may become so in a calmer quarter of an hour; the sun and a circuit "
            "by day, while they change.";
  if (unsure > 0 && f.enough && f.limit_possible)
    text +=
        " A solar inverter that holds an export limit hides the grid: run this again in the dark "
        "or "
        "with the limit off, and with `--no-export-limit`.";
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// ---- the picture --------------------------------------------------------------------------------
constexpr double picture_width = 900.0;
constexpr double panel_height = 90.0;
constexpr double left_edge = 120.0;
constexpr double gap = 18.0;

struct Line {
  std::string name;
  const std::vector<PowerReading>* readings;
};

std::string panel(const Line& line, Instant begin, double seconds, double top) {
  double low = 0.0;
  double high = 0.0;
  for (const auto& reading : *line.readings) {
    low = std::min(low, reading.power.value());
    high = std::max(high, reading.power.value());
  }
  if (high - low < 50.0) high = low + 50.0;
  const auto x = [&](Instant at) {
    return left_edge + (picture_width - left_edge) * Seconds{at - begin}.count() / seconds;
  };
  const auto y = [&](double power) { return top + panel_height * (high - power) / (high - low); };
  std::string points;
  for (const auto& reading : *line.readings)
    points += number("%.1f", x(reading.at)) + number(",%.1f ", y(reading.power.value()));
  const auto label = [&](double at, const std::string& text, const char* style) {
    return "<text x=\"" + number("%.0f", left_edge - 8) + "\" y=\"" + number("%.1f", at) +
           "\" class=\"" + style + "\">" + escaped(text) + "</text>\n";
  };
  return "<line x1=\"" + number("%.0f", left_edge) + "\" x2=\"" + number("%.0f", picture_width) +
         "\" y1=\"" + number("%.1f", y(0.0)) + "\" y2=\"" + number("%.1f", y(0.0)) +
         "\" class=\"zero\"/>\n<polyline points=\"" + points + "\"/>\n" +
         label(top + panel_height / 2 + 5, line.name, "name") +
         label(top + 10, number("%.0f W", high), "scale") +
         label(top + panel_height, number("%.0f W", low), "scale");
}

std::string picture(const Measured& measured) {
  std::vector<Line> lines{{"inverter", &measured.inverter}};
  for (const auto& channel : measured.channels)
    lines.push_back({std::string{name(channel.point)}, &channel.readings});
  if (measured.inverter.size() < 2) return {};
  const Instant begin = measured.inverter.front().at;
  const double seconds = std::max(Seconds{measured.inverter.back().at - begin}.count(), 1.0);
  std::string text;
  double top = 4.0;
  for (const auto& line : lines) {
    text += panel(line, begin, seconds, top);
    top += panel_height + gap;
  }
  return "<svg viewBox=\"0 0 " + number("%.0f", picture_width) + ' ' + number("%.0f", top) +
         "\" role=\"img\" aria-label=\"Power of inverter and channels over " +
         number("%.0f", seconds) + " s\">\n" + text + "</svg>\n<p>Power over " +
         number("%.0f", seconds) + " s; inverter + = drawn from the mains.</p>\n";
}

constexpr const char* style =
    "body{font:16px/1.4 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid "
    "#ccc;vertical-align:top}"
    ".change{font-weight:bold}svg{width:100%;height:auto}polyline{fill:none;stroke:#06c;"
    "stroke-width:1.5}.zero{stroke:#bbb}text{text-anchor:end;font-size:13px}.scale{font-size:10px;"
    "fill:#666}";

}  // namespace

std::string commission_text(const CommissionReport& report) {
  const auto& f = report.findings;
  std::string text;
  if (!report.ended.empty()) text += "Ended early: " + report.ended + ".\n\n";
  text += padded("channel", 15) + padded("is", 14) + padded("sign", 10) + padded("factor", 12) +
          padded("follows battery", 17) + "median\n";
  for (const auto& channel : f.channels) {
    std::string row = padded(std::string{name(channel.point)}, 15) +
                      padded(commissioning::name(channel.role), 14) +
                      padded(word(channel.sign), 10) + padded(word(channel.ratio), 12) +
                      padded(answer_of(channel), 17) + watts(channel.mean);
    text += row + "\n    " + channel.found + '\n';
    if (!channel.change.empty()) text += "    CHANGE: " + channel.change + '\n';
  }
  text += '\n';
  for (const auto& [name, value] : figures(f)) text += padded(name, 46) + value + '\n';
  return text + '\n' + conclusion(f) + '\n';
}

std::string commission_html(const CommissionReport& report) {
  const auto& f = report.findings;
  std::string rows;
  for (const auto& channel : f.channels) {
    rows += "<tr><td>" + std::string{name(channel.point)} + "</td><td>" +
            commissioning::name(channel.role) + "</td><td>" + word(channel.sign) + "</td><td>" +
            word(channel.ratio) + "</td><td>" + answer_of(channel) + "</td><td>" +
            watts(channel.mean) + "</td><td>" + escaped(channel.found);
    if (!channel.change.empty())
      rows += "<div class=\"change\">Change: " + escaped(channel.change) + "</div>";
    rows += "</td></tr>\n";
  }
  std::string measured;
  for (const auto& [name, value] : figures(f))
    measured += "<tr><td>" + escaped(name) + "</td><td>" + escaped(value) + "</td></tr>\n";
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\"><title>Commissioning of " +
         escaped(report.site) + "</title><style>" + style + "</style></head><body>\n<h1>" +
         escaped(report.site) + ": which clamp is which</h1>\n<p>" + escaped(report.made) +
         ", esshub " + escaped(report.version) + ". Battery steps between 0 and " +
         watts(report.power) + " of discharge, " +
         number("%.1f Wh.", commissioning::energy_of(report.power).value()) + "</p>\n" +
         (report.ended.empty() ? "" : "<p>Ended early: " + escaped(report.ended) + ".</p>\n") +
         "<table><tr><th>channel</th><th>is</th><th>sign</th><th>factor</th>"
         "<th>follows battery</th><th>median</th><th></th></tr>\n" +
         rows + "</table>\n<p>" + escaped(conclusion(f)) + "</p>\n<table>" + measured +
         "</table>\n" + picture(report.measured) + "</body></html>\n";
}

}  // namespace esshub::app
