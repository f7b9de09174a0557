// How `esshub sniff` shows what it hears: a line, a JSON object, and the counts at the end.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "app/bus_tools/capture.hpp"
#include "app/bus_tools/listener.hpp"
#include "model/enums.hpp"

namespace esshub::app {

/// `12:03:04.123  unit 1  read input 0+8  52 ms  l1_voltage 230.1 V, ...`, local time, with line
/// end.
[[nodiscard]] std::string to_line(const Transaction& transaction, WallTime at);
/// The decoded fields with `time_s` (since 1970), `who` and `outcome`.
[[nodiscard]] nlohmann::json to_json(const Transaction& transaction, WallTime at);

/// Transactions by who took part and how they ended.
class SniffCounts {
 public:
  void add(const Transaction& transaction);
  /// One row each, with a header; the columns that can occur on such a bus.
  [[nodiscard]] std::string table(SniffKind kind, const Counters& tally) const;
  [[nodiscard]] nlohmann::json json(SniffKind kind, const Counters& tally) const;

 private:
  using Counts = EnumArray<Outcome, std::uint64_t>;
  std::map<std::string, Counts> counts_;
};

}  // namespace esshub::app
