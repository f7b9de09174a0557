// Injection: one thing that goes wrong in an episode, from when to when, and THE TABLE of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/enums.hpp"
#include "model/time.hpp"
#include "model/units.hpp"
#include "sim/plant/fault.hpp"

namespace esshub::sim::storm {

enum class Injected : std::uint8_t {
  line_off,
  line_drop,
  line_noise,
  line_late,
  line_stuck,
  line_unplug,
  line_flood,
  line_other_master,
  meter_reversed,
  bms_limits,
  bms_protection,
  bms_soc,
  bms_temperature,
  bms_module_lost,
  inverter_gain,
  inverter_derate,
  inverter_ac_out_word,
  inverter_alarm,
  mains_lost,
  broker_off,
  clients_flood,
  disk_full,
  disk_slow,
  disk_lost,
  disk_torn,
  disk_unreadable,
  clock_step,
  clock_unsynchronised,
  control_stall,
  actor_stuck,
  actor_death,
  hub_killed,
  hub_stopped,
  power_cut,
};

/// Buses that an injection may be of.
enum class Where : std::uint8_t { house, any_bus, meters_bus, battery_bus, inverter_bus };

struct InjectionRow {
  Injected id;
  std::string_view name;  ///< as in docs/storm-record.md: "line.late"
  Where where;
  std::string_view first;   ///< name of Injection::first, empty: it has none
  std::string_view second;  ///< of Injection::second
};
[[nodiscard]] const InjectionRow& row(Injected what);

struct Injection {
  Injected what{};
  Bus bus{};  ///< of those that are of one
  Duration begin{};
  Duration length{};
  double first = 0.0;  ///< its size, in the unit of its row's name
  double second = 0.0;

  [[nodiscard]] Duration end() const { return begin + length; }
};
/// "line.late meters from 61 s for 30 s, delay_s 0.8"
[[nodiscard]] std::string text(const Injection& injection);

/// Which kinds may happen.
using InjectionKinds = EnumArray<Injected, bool>;
/// "all", "none", or names and groups ("line", "disk.full") with commas between. Nothing where one
/// is not known: then `unknown` is it.
[[nodiscard]] std::optional<InjectionKinds> parse_kinds(std::string_view list,
                                                        std::string& unknown);
/// The names, for help.
[[nodiscard]] std::string kinds_help();

}  // namespace esshub::sim::storm
