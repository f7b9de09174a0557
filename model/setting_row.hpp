// A row of a settings table: reading, range errors, example file and reload rule come from it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/circuit.hpp"
#include "model/enums.hpp"
#include "model/instruction.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub {

/// When a changed value takes effect: with the next tick after SIGHUP, or with the next start.
enum class Reload : std::uint8_t { at_once, restart };

/// A ratio in the program, per cent in the file.
template <class S>
struct RatioField {
  double S::*ratio;
};
/// Money per kWh, of any sign.
template <class S>
struct PriceField {
  std::optional<double> S::*price;
};
/// One text "host:port" in the file; empty leaves both as they are.
template <class S>
struct HostPortField {
  std::string S::*host;
  std::uint16_t S::*port;
};
/// A list of words in the file: the circuits whose role is in it; the house always is.
template <class S>
struct RolesField {
  EnumArray<CircuitRole, bool> S::*serves;
};

/// One word of a list.
template <class S>
struct WordField {
  std::vector<std::string_view> (*words)();
  std::size_t (*get)(const S&);  ///< the place of its word in the list
  void (*set)(S&, std::size_t word);
};
/// A minute of the day; "HH:MM" in the file.
template <class S>
struct MinuteField {
  int S::*minute;
};
/// Days of the week as bits from Monday; a word or a list of words in the file.
template <class S>
struct DaysField {
  std::uint8_t S::*days;
};

template <class S>
using SettingField =
    std::variant<Watts S::*, std::optional<Watts> S::*, Volts S::*, Amperes S::*, Celsius S::*,
                 WattsPerSecond S::*, Soc S::*, std::optional<Soc> S::*, double S::*, RatioField<S>,
                 PriceField<S>, Duration S::*, bool S::*, std::uint8_t S::*, unsigned S::*,
                 std::size_t S::*, std::string S::*, std::vector<std::string> S::*, Mode S::*,
                 HostPortField<S>, RolesField<S>, WordField<S>, MinuteField<S>, DaysField<S>>;

/// What a text must look like; without one any will do.
struct TextRule {
  bool (*holds)(const std::string& text) = nullptr;
  std::string_view expected{};  ///< in the error, after "expected "
};

/// Both ends allowed.
struct SettingRange {
  double least = std::numeric_limits<double>::lowest();
  double most = std::numeric_limits<double>::max();
};

/// As `required` of a row with a WordField: the words follow.
inline constexpr std::string_view one_of_its_words = "one of";

/// The default is the field's own, in its struct.
template <class S>
struct SettingRow {
  std::string_view section;  ///< of the file, such as "control.loop"
  std::string_view key;      ///< in its section
  SettingField<S> field;
  std::string_view unit;  ///< of the range: "W", "%", ...; of a duration "ms"; of a text empty
  SettingRange range;
  Reload reload;
  std::string_view sentence;   ///< what it is, for example file and manual
  std::string_view example{};  ///< TOML: shown where the default says nothing
  TextRule rule{};
  std::string_view required{};  ///< of an entry of a list: must be given, "expected " this

  [[nodiscard]] std::string name() const { return std::string{section} + "." + std::string{key}; }
};

}  // namespace esshub
