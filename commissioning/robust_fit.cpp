#include "commissioning/robust_fit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace esshub::commissioning {
namespace {

using Vector = std::array<double, max_causes>;
using Matrix = std::array<Vector, max_causes>;

constexpr double normal_share = 1.4826;   // of the median distance: a standard deviation
constexpr double smallest_scatter = 1.0;  // W, what a meter rounds
constexpr double huber = 1.345;           // usual constants: 95 % efficient where all is normal
constexpr double tukey = 4.685;
constexpr int iterations = 25;

double residual(const FitRow& row, const Vector& gain, std::size_t causes) {
  double left = row.change;
  for (std::size_t i = 0; i < causes; ++i) left -= gain[i] * row.causes[i];
  return left;
}

double scatter_of(std::span<const FitRow> rows, const Vector& gain, std::size_t causes) {
  std::vector<double> left;
  left.reserve(rows.size());
  for (const auto& row : rows) left.push_back(residual(row, gain, causes));
  return std::max(spread(std::move(left), 0.0), smallest_scatter);
}

double weight(double distance, bool redescending) {
  if (!redescending) return distance <= huber ? 1.0 : huber / distance;
  if (distance >= tukey) return 0.0;
  const double inner = 1.0 - distance * distance / (tukey * tukey);
  return inner * inner;
}

/// Gauss and Jordan; nothing where it has no inverse worth having.
std::optional<Matrix> inverse(Matrix m, std::size_t n) {
  Matrix out{};
  for (std::size_t i = 0; i < n; ++i) out[i][i] = 1.0;
  Vector size{};
  for (std::size_t i = 0; i < n; ++i) size[i] = m[i][i];
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t best = column;
    for (std::size_t row = column + 1; row < n; ++row)
      if (std::abs(m[row][column]) > std::abs(m[best][column])) best = row;
    std::swap(m[column], m[best]);
    std::swap(out[column], out[best]);
    const double pivot = m[column][column];
    if (!(std::abs(pivot) > 1e-6 * std::max(size[column], 1e-6))) return std::nullopt;
    for (std::size_t i = 0; i < n; ++i) {
      m[column][i] /= pivot;
      out[column][i] /= pivot;
    }
    for (std::size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const double factor = m[row][column];
      for (std::size_t i = 0; i < n; ++i) {
        m[row][i] -= factor * m[column][i];
        out[row][i] -= factor * out[column][i];
      }
    }
  }
  return out;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2.0;
}

double spread(std::vector<double> values, double middle) {
  for (auto& value : values) value = std::abs(value - middle);
  return normal_share * median(std::move(values));
}

std::optional<LeastAbsolute> least_absolute(std::span<const FitRow> rows) {
  std::vector<std::pair<double, double>> slopes;  // and their weights
  slopes.reserve(rows.size());
  double weights = 0.0;
  for (const auto& row : rows) {
    if (row.causes[0] == 0.0) continue;
    slopes.emplace_back(row.change / row.causes[0], std::abs(row.causes[0]));
    weights += slopes.back().second;
  }
  if (!(weights > 0.0)) return std::nullopt;
  std::sort(slopes.begin(), slopes.end());
  LeastAbsolute best;
  double passed = 0.0;
  for (const auto& [slope, its_weight] : slopes) {
    passed += its_weight;
    best.gain = slope;
    if (passed >= weights / 2.0) break;
  }
  for (const auto& row : rows) best.misfit += std::abs(row.change - best.gain * row.causes[0]);
  best.misfit /= static_cast<double>(rows.size());
  return best;
}

std::optional<Fit> robust_fit(std::span<const FitRow> rows, std::size_t causes,
                              double independent) {
  const auto begin = least_absolute(rows);
  if (!begin || rows.size() < 8 * causes || !(independent > 1.0)) return std::nullopt;
  Fit fit;
  fit.gain[0] = begin->gain;
  for (int i = 0; i < 2 * iterations; ++i) {
    fit.scatter = scatter_of(rows, fit.gain, causes);
    Matrix squares{};
    Vector products{};
    double weights = 0.0;
    for (const auto& row : rows) {
      const double w =
          weight(std::abs(residual(row, fit.gain, causes)) / fit.scatter, i >= iterations);
      weights += w;
      for (std::size_t a = 0; a < causes; ++a) {
        products[a] += w * row.causes[a] * row.change;
        for (std::size_t b = 0; b < causes; ++b) squares[a][b] += w * row.causes[a] * row.causes[b];
      }
    }
    const auto inverted = inverse(squares, causes);
    if (!inverted) return std::nullopt;
    const auto rows_for_one = static_cast<double>(rows.size()) / independent;
    for (std::size_t a = 0; a < causes; ++a) {
      fit.gain[a] = 0.0;
      for (std::size_t b = 0; b < causes; ++b) fit.gain[a] += (*inverted)[a][b] * products[b];
      fit.error[a] = fit.scatter * std::sqrt(std::max((*inverted)[a][a], 0.0) * rows_for_one);
    }
    fit.explained = weights / static_cast<double>(rows.size());
  }
  return fit;
}

}  // namespace esshub::commissioning
