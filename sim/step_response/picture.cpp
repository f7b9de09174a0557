// The picture of `esshub-sim step-response`: grid power after a step, and energy beside the bound.
#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "sim/step_response/report.hpp"

namespace esshub::sim {
namespace {

constexpr const char* ink = "#1f2933";
constexpr const char* faint = "#7b8794";
constexpr const char* line = "#e4e7eb";

constexpr const char* colour(LoopKind kind) {
  switch (kind) {
    case LoopKind::hub:
      return "#0b6e99";
    case LoopKind::cycle_1s:
      return "#d9822b";
    case LoopKind::cycle_30s:
      return "#9e2b6b";
    case LoopKind::integral:
      return "#5b7f2b";
    case LoopKind::ideal:
      return faint;
  }
  return ink;
}

[[gnu::format(printf, 2, 3)]] void add(std::string& out, const char* format, ...) {
  std::array<char, 512> text{};
  va_list values;
  va_start(values, format);
  std::vsnprintf(text.data(), text.size(), format, values);
  va_end(values);
  out += text.data();
}

/// A diagram of power over time.
struct Plot {
  double left, top, width, height;
  double t0, t1;     ///< s
  double low, high;  ///< W
  [[nodiscard]] double x(double t) const { return left + (t - t0) / (t1 - t0) * width; }
  [[nodiscard]] double y(double w) const {
    return top + (high - std::clamp(w, low, high)) / (high - low) * height;
  }
};

int whole_steps(double length, double step) {
  return static_cast<int>(length / step + 1e-9);
}

void axes(std::string& out, const Plot& f, const char* title, double t_step, double w_step) {
  add(out, "<text x='%.1f' y='%.1f' font-size='17' font-weight='600' fill='%s'>%s</text>\n", f.left,
      f.top - 16, ink, title);
  for (int k = 0; k <= whole_steps(f.high - f.low, w_step); ++k) {
    const double w = f.low + k * w_step;
    add(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s'/>\n", f.left, f.y(w),
        f.left + f.width, f.y(w), w == 0.0 ? faint : line);
    add(out, "<text x='%.1f' y='%.1f' text-anchor='end' fill='%s'>%.0f W</text>\n", f.left - 8,
        f.y(w) + 4, faint, w);
  }
  for (int k = 0; k <= whole_steps(f.t1 - f.t0, t_step); ++k) {
    const double t = f.t0 + k * t_step;
    add(out, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='%s'>%.0f s</text>\n", f.x(t),
        f.top + f.height + 20, faint, t);
  }
}

/// The record begins 1 s before the step, one value every 10 ms.
std::string points(const Plot& f, const std::vector<double>& curve, bool backwards = false) {
  std::string out;
  const std::size_t n = curve.size();
  for (std::size_t k = 0; k < n; k += 2) {
    const std::size_t i = backwards ? n - 1 - k : k;
    const double t = static_cast<double>(i) * 0.01 - 1.0;
    if (t >= f.t0 && t <= f.t1) add(out, "%.1f,%.1f ", f.x(t), f.y(curve[i]));
  }
  return out;
}

void draw(std::string& out, const Plot& f, const std::vector<double>& curve, const char* stroke,
          double width) {
  out += "<polyline fill='none' stroke-linejoin='round' points='" + points(f, curve);
  add(out, "' stroke='%s' stroke-width='%.1f'/>\n", stroke, width);
}

void band(std::string& out, const Plot& f, const StepRecord& record, const char* fill) {
  out += "<polygon points='" + points(f, record.low) + points(f, record.high, true);
  add(out, "' fill='%s' fill-opacity='0.16'/>\n", fill);
}

void key(std::string& out, double x, double y, const char* stroke, const char* text) {
  add(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='3'/>\n", x, y,
      x + 22, y, stroke);
  add(out, "<text x='%.1f' y='%.1f' fill='%s'>%s</text>\n", x + 30, y + 4, ink, text);
}

void compare(std::string& out, const StepReport& report) {
  const Plot f{.left = 90,
               .top = 110,
               .width = 620,
               .height = 300,
               .t0 = -1.0,
               .t1 = 7.0,
               .low = -400.0,
               .high = 1200.0};
  axes(out, f, "Grid power after a load step of 1 kW", 1.0, 200.0);
  for (auto it = report.loops.rbegin(); it != report.loops.rend(); ++it)
    if (it->kind != LoopKind::ideal)
      draw(out, f, it->steps[1].middle, colour(it->kind), it->kind == LoopKind::hub ? 3.0 : 1.8);
  band(out, f, report.loops.front().steps[1], colour(LoopKind::hub));
  add(out, "<rect x='%.1f' y='%.1f' width='226' height='84' fill='#ffffff'/>\n",
      f.left + f.width - 236, f.top + 2);
  double y = f.top + 14;
  for (const auto& loop : report.loops) {
    if (loop.kind == LoopKind::ideal) continue;  // the table has it
    const std::string text = std::string{name(loop.kind)} +
                             (loop.kind == LoopKind::hub ? " (median, and all phases)" : "");
    key(out, f.left + f.width - 230, y, colour(loop.kind), text.c_str());
    y += 20;
  }
}

void every_step(std::string& out, const StepReport& report) {
  constexpr std::array shades{"#0b6e99", "#d9822b", "#9e2b6b", "#5b7f2b",
                              "#4a5568", "#c0392b", "#7d5ba6"};
  const Plot f{.left = 90,
               .top = 500,
               .width = 620,
               .height = 300,
               .t0 = -1.0,
               .t1 = 5.0,
               .low = -2000.0,
               .high = 2000.0};
  axes(out, f, "The hub, every step", 1.0, 500.0);
  double y = f.top + 14;
  for (std::size_t i = 0; i < report.loops.front().steps.size(); ++i) {
    const auto& record = report.loops.front().steps[i];
    const char* shade = shades[i % shades.size()];
    draw(out, f, record.middle, shade, 2.0);
    key(out, f.left + f.width - 230, y, shade, record.step.name.c_str());
    y += 20;
  }
}

void energy(std::string& out, const StepReport& report) {
  constexpr double left = 800;
  constexpr double top = 110;
  constexpr double row = 44;
  constexpr double width = 300;
  const double bound = physical_bound(report.plant, 1000.0_W).value();
  const double most = 4.5 * bound;
  add(out,
      "<text x='%.0f' y='%.0f' font-size='17' font-weight='600' fill='%s'>"
      "Imported by a step of 1 kW, median</text>\n",
      left, top - 16, ink);
  double y = top + 10;
  for (const auto& loop : report.loops) {
    const double wh =
        spread(loop.steps[1].runs, [](const StepFigures& f) { return f.import.value(); }).p50;
    const double length = std::min(wh / most, 1.0) * width;
    add(out, "<text x='%.0f' y='%.1f' fill='%s'>%s</text>\n", left, y - 4, ink,
        std::string{name(loop.kind)}.c_str());
    add(out, "<rect x='%.0f' y='%.1f' width='%.1f' height='14' rx='2' fill='%s'/>\n", left, y,
        length, colour(loop.kind));
    add(out, "<text x='%.1f' y='%.1f' fill='%s'>%.2f Wh%s</text>\n", left + length + 8, y + 12, ink,
        wh, wh > most ? " (cut)" : "");
    y += row;
  }
  const double x = left + bound / most * width;
  add(out,
      "<line x1='%.1f' y1='%.0f' x2='%.1f' y2='%.1f' stroke='%s' stroke-dasharray='4 3'/>\n"
      "<text x='%.1f' y='%.1f' fill='%s'>physical bound %.2f Wh</text>\n",
      x, top, x, y - 16, ink, x - 4, y - 1, faint, bound);
}

void promises(std::string& out, const StepReport& report) {
  constexpr double left = 800;
  double y = 400;
  add(out,
      "<text x='%.0f' y='%.0f' font-size='17' font-weight='600' fill='%s'>Goals</text>\n"
      "<text x='%.0f' y='%.0f' text-anchor='end' fill='%s'>limit</text>\n"
      "<text x='%.0f' y='%.0f' text-anchor='end' fill='%s'>median</text>\n"
      "<text x='%.0f' y='%.0f' text-anchor='end' fill='%s'>worst</text>\n",
      left, y, ink, left + 225, y, faint, left + 290, y, faint, left + 352, y, faint);
  for (const Goal& goal : goals(report)) {
    y += 25;
    add(out,
        "<text x='%.0f' y='%.0f' fill='%s'>%s</text>"
        "<text x='%.0f' y='%.0f' text-anchor='end' fill='%s'>%.2f</text>"
        "<text x='%.0f' y='%.0f' text-anchor='end' font-weight='600' fill='%s'>%.2f</text>",
        left, y, ink, goal.what.c_str(), left + 225, y, faint, goal.limit, left + 290, y,
        goal.met() ? "#2f7d32" : "#c0392b", goal.p50);
    add(out,
        "<text x='%.0f' y='%.0f' text-anchor='end' fill='%s'>%.2f</text>"
        "<text x='%.0f' y='%.0f' fill='%s'>%s</text>\n",
        left + 352, y, faint, goal.worst, left + 360, y, faint, goal.unit.c_str());
  }
  if (report.cells.empty()) return;
  const auto good = std::ranges::count_if(report.cells, &SweepCell::good);
  add(out, "<text x='%.0f' y='%.0f' fill='%s'>Sweep: %td of %zu unknown plants good</text>\n", left,
      y + 36, ink, good, report.cells.size());
}

}  // namespace

std::string as_svg(const StepReport& report) {
  std::string out =
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1220 860' width='1220' height='860' "
      "font-family='DejaVu Sans, Helvetica, Arial, sans-serif' font-size='12.5'>\n"
      "<rect width='1220' height='860' fill='#ffffff'/>\n";
  add(out, "<text x='40' y='44' font-size='23' font-weight='700' fill='%s'>", ink);
  out += "How the hub follows the house</text>\n";
  add(out,
      "<text x='40' y='66' fill='%s'>Virtual time, real drivers: a grid reading every %.0f ms, "
      "meter time constant %.3f s, inverter %.0f W/s; import is positive.</text>\n",
      faint, poll_interval(report.plant).count() * 1e3, report.plant.meter_time_constant.count(),
      report.plant.ramp.value());
  compare(out, report);
  every_step(out, report);
  energy(out, report);
  promises(out, report);
  out += "</svg>\n";
  return out;
}

}  // namespace esshub::sim
