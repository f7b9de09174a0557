// Minute: what the house was in one minute, and how that is made of Views.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <vector>

#include "model/mean.hpp"
#include "model/plan.hpp"
#include "model/sample.hpp"
#include "model/view.hpp"

namespace esshub {

/// Means over one minute of current readings; nothing where there was none. Signs as everywhere.
struct Minute {
  WallTime begin{};
  std::optional<double> grid_w{};
  std::optional<double> solar_w{};
  std::optional<double> house_w{};
  std::optional<double> battery_w{};
  std::optional<double> soc{};  ///< %
  /// Of circuit1 and its followers: those that were known in half of its seconds or more, up to
  /// the last of these.
  std::vector<std::optional<double>> circuits_w{};
  bool curtailed = false;  ///< in half of its seconds, see curtailed()
  bool islanded = false;   ///< at some time
  bool partial = false;    ///< house or sun was known in some of its seconds, but in less than half

  /// Of the n-th further circuit, from 0 on.
  [[nodiscard]] std::optional<double> circuit_w(std::size_t n) const {
    return n < circuits_w.size() ? circuits_w[n] : std::nullopt;
  }
  /// Nothing is known.
  [[nodiscard]] bool empty() const {
    return !grid_w && !solar_w && !house_w && !battery_w && !soc && circuits_w.empty();
  }
};

/// The solar inverters may be holding back: what is exported stands at the site's cap and the
/// battery does not take what is left. No meter tells for certain: on the safe side, for the sun of
/// such a minute still counts as the least that there was.
[[nodiscard]] bool curtailed(const View& view);

/// At least one View a second is expected.
class MinuteMeans {
 public:
  /// Of the same minute as the others.
  void add(const View& view);
  [[nodiscard]] Minute minute(WallTime begin) const;

 private:
  using Seconds = std::bitset<60>;
  struct Known {
    Mean mean{};
    Seconds seconds{};
    void add(std::optional<double> value, std::size_t second);
    [[nodiscard]] bool partial() const;
  };
  Mean grid_, battery_, soc_;
  Known solar_, house_;
  std::array<Known, max_circuits> circuits_;
  Seconds curtailed_;
  bool islanded_ = false;
};

}  // namespace esshub
