#include "config/list_tables.hpp"

#include <fmt/format.h>

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// A value above the row's range; nothing where it has none.
template <class S>
std::optional<std::string> beyond(const SettingRow<S>& row) {
  return std::visit(
      [&]<class Field>(const Field&) -> std::optional<std::string> {
        const double value = row.range.most + 1;
        if constexpr (std::is_same_v<Field, Duration S::*>)
          return fmt::format("\"{} ms\"", value);
        else if constexpr (std::is_same_v<Field, unsigned S::*> ||
                           std::is_same_v<Field, std::uint8_t S::*>)
          return fmt::format("{}", value);
        else
          return std::nullopt;
      },
      row.field);
}

/// Behind `line` of a good configuration, each setting of the table above its range is refused.
template <class S>
std::size_t refused_beyond(std::span<const SettingRow<S>> table, const std::string& line,
                           const std::string& text) {
  std::size_t rows = 0;
  for (const auto& row : table) {
    const auto value = beyond(row);
    if (!value) continue;
    ++rows;
    EXPECT_THAT(errors(replaced(text, line, fmt::format("{}{} = {}\n", line, row.key, *value))),
                Contains(HasSubstr(fmt::format("bus.{}: is {}{}, expected {} to {}", row.key,
                                               row.range.most + 1, row.unit.empty() ? "" : " ms",
                                               row.range.least, row.range.most))));
  }
  return rows;
}

TEST(ListTables, RangesOfBusesAreKeptAndNamed) {
  const std::string cells =
      "[[bus]]\nname = \"c\"\nkind = \"pylontech-rs485\"\nport = \"/dev/c\"\n";
  EXPECT_EQ(refused_beyond(serial_table().subspan(1), "name = \"meters\"\n", minimal), 1u);
  EXPECT_EQ(refused_beyond(modbus_table(), "name = \"meters\"\n", minimal), 4u);
  EXPECT_EQ(refused_beyond(pylontech_table(), "can = \"can0\"\n", minimal), 2u);
  EXPECT_EQ(refused_beyond(vebus_table(), "kind = \"vebus\"\n", minimal), 3u);
  EXPECT_EQ(refused_beyond(pylontech_rs485_table(), "port = \"/dev/c\"\n", minimal + cells), 6u);
}

}  // namespace
}  // namespace esshub::config
