#include "config/toml_hints.hpp"

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::ElementsAre;

TEST(TomlHints, TheCommonestSlipsAreNamedWithWhatToWrite) {
  struct {
    std::string_view line, hint;
  } constexpr rows[]{
      {"reserve = 20%", "a unit behind a number, expected the number alone: 20"},
      {"reserve = 20 % # for cuts", "a unit behind a number, expected the number alone: 20"},
      {"charge_limit_w = 2400W", "a unit behind a number, expected the number alone: 2400"},
      {"import = 0,28", "a decimal comma, expected a point: 0.28"},
      {"period = 20 ms", "a number with a unit, expected it in quotes: \"20 ms\""},
      {"name = “Home”", "curly quotes, expected plain ones: \"text\""},
      {"name = Home", "a text without its quotes, expected \"Home\""},
      {"port = /dev/ttyUSB0", "a text without its quotes, expected \"/dev/ttyUSB0\""},
      {"name = \"Home", "a text without its quotes, expected \"Home\""},
      {"name = Home\"", "a text without its quotes, expected \"Home\""},
      {"name = \"a#b", "a text without its quotes, expected \"a#b\""},
      {"writes = True", "expected true or false, and nothing behind it"},
      {"writes = true;", "expected true or false, and nothing behind it"},
      {"[mqtt] writes = true", ""},
      {"no key", ""},
      {"key =", ""},
      {"key = [1, 2", ""},
      {"key = \"a\" \"b\"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(toml_hint(row.line), row.hint) << row.line;
}

TEST(TomlHints, NoHintHidesWhatIsWrongOrShowsASecret) {
  const auto twice = errors("[mqtt]\nwrites = true\nwrites = true\n");
  ASSERT_EQ(twice.size(), 1u);
  EXPECT_THAT(twice[0], testing::HasSubstr("redefine"));
  const auto secret = errors("[mqtt]\npassword = \"geheim123\n");
  ASSERT_EQ(secret.size(), 1u);
  EXPECT_THAT(secret[0], testing::Not(testing::HasSubstr("geheim")));
}

TEST(TomlHints, LinesAreCountedFromOne) {
  EXPECT_EQ(line_of("a\r\nb\n\nd", 1), "a");
  EXPECT_EQ(line_of("a\r\nb\n\nd", 2), "b");
  EXPECT_EQ(line_of("a\r\nb\n\nd", 3), "");
  EXPECT_EQ(line_of("a\r\nb\n\nd", 4), "d");
  EXPECT_EQ(line_of("a\r\nb\n\nd", 5), "");
}

TEST(TomlHints, TheErrorShowsTheLineAndACaret) {
  EXPECT_THAT(errors("[battery]\nreserve = 20%\n"),
              ElementsAre("2:13: not TOML: a unit behind a number, expected the number alone: 20\n"
                          "    reserve = 20%\n"
                          "                ^"));
}

}  // namespace
}  // namespace esshub::config
