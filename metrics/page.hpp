// Page: one scrape under construction, family by family.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/enums.hpp"

namespace esshub::metrics {

/// A label's name and value.
struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

/// Every add() goes to the newest family. A family without a single series is left out, so what is
/// unknown is absent and never zero.
class Page {
 public:
  void gauge(std::string_view name, std::string_view help) {
    family(prometheus::MetricType::Gauge, name, help);
  }
  void counter(std::string_view name, std::string_view help) {
    family(prometheus::MetricType::Counter, name, help);
  }
  void histogram(std::string_view name, std::string_view help) {
    family(prometheus::MetricType::Histogram, name, help);
  }

  void add(Labels labels, double value) {
    auto& metric = next(labels);
    metric.gauge.value = metric.counter.value = value;
  }
  void add(Labels labels, std::optional<double> value) {
    if (value) add(labels, *value);
  }
  void add(Labels labels, std::uint64_t value) { add(labels, static_cast<double>(value)); }
  void add(Labels labels, bool value) { add(labels, value ? 1.0 : 0.0); }

  /// A state set: one series for each of the `count` enumerators, 1 where `active` says so. The
  /// label's value is the enumerator's name().
  template <class Enum, class Active>
  void add_states(std::string_view label, Active active) {
    for (const Enum state : enum_values<Enum>)
      add({{label, name(state)}}, static_cast<bool>(active(state)));
  }

  /// Of times: `buckets` not cumulative, `bounds_seconds`, `sum_seconds`.
  template <class Times>
  void add_histogram(Labels labels, const Times& times) {
    auto& histogram = next(labels).histogram;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      histogram.sample_count += times.buckets[i];
      if (i < times.bounds_seconds.size())
        histogram.bucket.push_back({histogram.sample_count, times.bounds_seconds[i]});
    }
    histogram.sample_sum = times.sum_seconds;
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> finish() &&;

 private:
  void family(prometheus::MetricType type, std::string_view name, std::string_view help);
  prometheus::ClientMetric& next(Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace esshub::metrics
