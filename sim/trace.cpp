#include "sim/trace.hpp"

#include <array>
#include <utility>

#include "model/plausible.hpp"
#include "sim/csv.hpp"

namespace esshub::sim {
namespace {

tl::expected<Trace, std::string> read(const std::filesystem::path& file, const CsvColumn& column,
                                      Duration step) {
  auto values = read_csv(file, std::array{column});
  if (!values) return tl::unexpected(std::move(values.error()));
  return Trace{step, std::move(values->front())};
}

}  // namespace

double Trace::held(Duration t) const {
  return values[static_cast<std::size_t>(t / step) % values.size()];
}

double Trace::between(Duration t) const {
  const auto index = static_cast<std::size_t>(t / step);
  const double part = static_cast<double>((t % step).count()) / static_cast<double>(step.count());
  const double a = values[index % values.size()];
  const double b = values[(index + 1) % values.size()];
  return a + (b - a) * part;
}

tl::expected<Trace, std::string> read_load_trace(const std::filesystem::path& file) {
  return read(file, {{"load_w", "active_power_w"}, 0.0, range::ac_power.high, "W"}, 1s);
}

tl::expected<Trace, std::string> read_sun_trace(const std::filesystem::path& file) {
  return read(file, {{"ghi_w_m2"}, 0.0, 2'000.0, "W/m2"}, 60s);
}

}  // namespace esshub::sim
