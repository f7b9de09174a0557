#include "metrics/page.hpp"

#include <utility>

namespace esshub::metrics {

void Page::family(prometheus::MetricType type, std::string_view name, std::string_view help) {
  families_.push_back({std::string(name), std::string(help), type, {}});
}

prometheus::ClientMetric& Page::next(Labels labels) {
  auto& metric = families_.back().metric.emplace_back();
  metric.label.reserve(labels.size());
  for (const auto& label : labels)
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  return metric;
}

std::vector<prometheus::MetricFamily> Page::finish() && {
  std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
  return std::move(families_);
}

}  // namespace esshub::metrics
