// What the random world reached, counted in ticks, and what it must have reached to prove anything.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/properties/counterfactual.hpp"
#include "tests/properties/world.hpp"

namespace esshub::properties {

/// The table: one row for each thing that can be, the same in every process.
class Coverage {
 public:
  static constexpr std::uint64_t least_ticks = 1000;
  static constexpr std::uint64_t least_pairs = 10;

  Coverage();

  /// Every decision; to be told of its faults afterwards.
  void see(const Seen& seen);
  void see(const FaultSet& faults);

  [[nodiscard]] std::vector<std::uint64_t>& counts() { return counts_; }
  /// Of another process.
  void add(std::span<const std::uint64_t> counts);

  /// Nothing is below its least.
  [[nodiscard]] bool full() const;
  /// What lacks ticks, and what appeared that cannot be; a line each.
  [[nodiscard]] std::vector<std::string> missing() const;
  /// By group, the smallest first.
  void print(std::ostream& out) const;

 private:
  struct Row {
    std::string_view group;
    std::string name;
    std::uint64_t least;
    std::string_view never{};  ///< why it cannot be
  };
  struct Group {
    std::size_t first;
  };
  template <class E>
  std::size_t rows(std::string_view group, std::uint64_t least = least_ticks);
  std::size_t row(std::string_view group, std::string name, std::uint64_t least = least_ticks);
  void count(std::size_t row) { ++counts_[row]; }
  void see_battery(const Seen& seen);
  void see_times(const Seen& seen);
  void see_alone(const Seen& seen);
  void see_loss_of_grid(const Seen& seen);
  void see_loss_of_inverter(const Seen& seen);
  void see_blocks(const Seen& seen, const Counterfactual& other);

  std::vector<Row> rows_;
  std::vector<std::uint64_t> counts_;

  // First row of each group.
  std::size_t status_, mode_, export_, policy_mode_, instruction_, order_, reason_, fault_,
      protection_, request_, missing_, source_, follow_, clock_, tick_, alone_limit_, alone_block_,
      alone_request_, alone_missing_, alone_fault_, pair_;

  std::optional<Instant> control_began_;
  std::optional<Instant> program_began_;
  /// What forbids a direction, by when it last did: protections 0 to 16, then the enable flag, the
  /// current limit, and the flags withdrawn altogether.
  struct Blocks {
    std::vector<std::optional<Instant>> last;
  };
  Blocks charge_, discharge_;
  bool requests_told_ = false;
};

/// The newest value of a measure if it is not older than the settings of its bus allow.
[[nodiscard]] std::optional<double> current(const control::Inputs& inputs, Wire wire);

}  // namespace esshub::properties
