#include "sim/csv.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>
#include <string>

#include "sim/trace.hpp"

namespace esshub::sim {
namespace {

class CsvFile : public testing::Test {
 protected:
  std::filesystem::path write(std::string_view text) {
    std::ofstream(path_) << text;
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("esshub_csv_" + std::to_string(::getpid()) + ".csv");
};

TEST_F(CsvFile, ErrorsNameFileAndLine) {
  const auto error = [&](std::string_view text) { return read_load_trace(write(text)).error(); };
  EXPECT_NE(error("a,b\n1,2\n").find(".csv:1: no column load_w or active_power_w"),
            std::string::npos);
  EXPECT_NE(error("load_w\n1\nx\n").find(".csv:3:1: expected a number from 0 to 30000 W, got 'x'"),
            std::string::npos);
  EXPECT_NE(error("load_w\n-1\n").find(":2:1: expected"), std::string::npos);
  EXPECT_NE(error("load_w\n30000\n30000.1\n").find(".csv:3:1: expected"), std::string::npos);
  EXPECT_NE(error("load_w\nnan\n").find(":2:1: expected"), std::string::npos);
  EXPECT_NE(error("t,load_w\n1\n").find(":2: too few columns"), std::string::npos);
  EXPECT_NE(error("t,load_w\n0,1\n1,2x\n").find(".csv:3:3: expected"), std::string::npos);
  EXPECT_NE(error("").find(":1: expected a header"), std::string::npos);
  EXPECT_NE(error("load_w\n").find(":2: no values"), std::string::npos);
  EXPECT_NE(read_load_trace("/nowhere/x.csv").error().find("cannot be read"), std::string::npos);
}

TEST_F(CsvFile, AColumnMayBeMissingOrReadInItsOwnWay) {
  const auto length = [](std::string_view cell) {
    return std::optional{static_cast<double>(cell.size())};
  };
  const std::array columns{
      CsvColumn{.names = {"word"}, .low = 1.0, .high = 3.0, .unit = "", .parse = length},
      CsvColumn{.names = {"none"}, .low = 0.0, .high = 1.0, .unit = "", .optional = true}};
  const auto values = read_csv(write("word\nabc\nde\n"), columns);
  ASSERT_TRUE(values) << values.error();
  EXPECT_EQ((*values)[0], (std::vector{3.0, 2.0}));
  EXPECT_TRUE((*values)[1].empty());
  EXPECT_NE(read_csv(write("word\nabcd\n"), columns).error().find(":2:1: expected a number from 1"),
            std::string::npos);
}

}  // namespace
}  // namespace esshub::sim
