#include "sim/trace.hpp"

#include <unistd.h>

#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

const std::filesystem::path data = ESSHUB_TEST_DATA;

class TraceFile : public testing::Test {
 protected:
  std::filesystem::path write(std::string_view text) {
    std::ofstream(path_) << text;
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("esshub_trace_" + std::to_string(::getpid()) + ".csv");
};

TEST_F(TraceFile, TheMeasuredLoadHasItsKnownEnergy) {
  const auto trace = read_load_trace(data / "load_1hz_kettle_vacuum_waterheater_a.csv");
  ASSERT_TRUE(trace) << trace.error();
  EXPECT_EQ(trace->values.size(), 621u);
  double watt_seconds = 0.0;
  for (const auto watts : trace->values) watt_seconds += watts;
  EXPECT_NEAR(watt_seconds / 3600.0, 715.78, 0.01);
  EXPECT_EQ(trace->held(0s), 8.35);
  EXPECT_EQ(trace->held(1999ms), 9.81);
  EXPECT_EQ(trace->held(621s), 8.35) << "it begins again";
}

TEST_F(TraceFile, TheMeasuredSunIsInterpolated) {
  const auto trace = read_sun_trace(data / "ghi_1min_midc_2018-10-18_clear.csv");
  ASSERT_TRUE(trace) << trace.error();
  EXPECT_EQ(trace->values.size(), 1440u);
  EXPECT_EQ(trace->between(0s), 0.0);
  const auto noon = 12h;
  EXPECT_GT(trace->between(noon), 500.0);
  EXPECT_DOUBLE_EQ(trace->between(noon + 30s),
                   (trace->between(noon) + trace->between(noon + 60s)) / 2.0);
}

TEST_F(TraceFile, OtherHeadersWithTheRightColumnAreRead) {
  const auto trace = read_load_trace(write("seconds,load_w\r\n0,100\r\n1,200.5\r\n\r\n"));
  ASSERT_TRUE(trace) << trace.error();
  EXPECT_EQ(trace->values, (std::vector{100.0, 200.5}));
}

TEST_F(TraceFile, RowsThatAreNotASecondApartAreRefusedWhereSecondsAreNeeded) {
  EXPECT_TRUE(read_second_load_trace(data / "load_1hz_kettle_vacuum_waterheater_a.csv"));
  const auto read = [&](std::string_view text) { return read_second_load_trace(write(text)); };
  EXPECT_TRUE(read("load_w\n1\n2\n")) << "no column says otherwise";
  EXPECT_TRUE(read("local_time,load_w\n2026-06-21T23:59:59,1\n2026-06-22T00:00:00,2\n"));
  EXPECT_TRUE(read("load_w,utc_time\n1,2026-06-21 12:00:05+02:00\n2,2026-06-21 12:00:06+02:00\n"));
  const auto refused = [&](std::string_view text) {
    const auto trace = read(text);
    return trace ? std::string() : trace.error();
  };
  EXPECT_NE(refused("local_time,load_w\n12:00,1\n12:01,2\n")
                .find(".csv: row 2 is 60 s after the row before, expected a row a second"),
            std::string::npos);
  EXPECT_NE(refused("local_time,load_w\n12:00:00,1\n12:00:01,2\n12:00:03,2\n").find("row 3 is 2 s"),
            std::string::npos);
  EXPECT_NE(refused("local_time,load_w\n12:00:00,1\n12:00:00,2\n").find("row 2 is 0 s"),
            std::string::npos);
  EXPECT_NE(refused("local_time,load_w\nnoon,1\n")
                .find(".csv:2:1: expected a number from 0 to "
                      "86400 s of the day as HH:MM"),
            std::string::npos);
  EXPECT_NE(refused("local_time,load_w\n24:00:00,1\n").find(".csv:2:1: expected"),
            std::string::npos);
  EXPECT_NE(refused("local_time,power\n12:00:00,1\n").find("no column load_w"), std::string::npos);
}

}  // namespace
}  // namespace esshub::sim
