// Mean: of those values that are known.
#pragma once

#include <optional>

namespace esshub {

class Mean {
 public:
  void add(std::optional<double> value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  /// Nothing where none was known.
  [[nodiscard]] std::optional<double> value() const {
    if (count_ == 0) return std::nullopt;
    return sum_ / count_;
  }

 private:
  double sum_ = 0.0;
  unsigned count_ = 0;
};

}  // namespace esshub
