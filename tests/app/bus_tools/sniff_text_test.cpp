#include "app/bus_tools/sniff_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace esshub::app {
namespace {

using nlohmann::json;
using testing::EndsWith;

constexpr WallTime at{1700000000s + 123456789ns};  // 2023-11-14 22:13:20 UTC

Transaction grid_power(Outcome outcome) {
  return {{},
          "unit 1",
          outcome,
          {{"kind", "response"},
           {"unit", 1},
           {"function", 4},
           {"start", 12},
           {"count", 4},
           {"byte_count", 8},
           {"after_ms", 52.4},
           {"values", {{"l1_power_w", -1234.5}, {"l2_power_w", 7.0}}}}};
}

class SniffText : public testing::Test {
 protected:
  SniffText() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(SniffText, ALineShowsTimeUnitQuestionDelayAndValuesWithUnits) {
  EXPECT_EQ(to_line(grid_power(Outcome::ok), at),
            "22:13:20.123  unit 1    read input 12+4  52 ms  l1_power -1234.5 W, l2_power 7 W\n");
}

TEST_F(SniffText, TroubleIsInCapitals) {
  auto transaction = grid_power(Outcome::unanswered);
  transaction.fields.erase("values");
  transaction.fields.erase("after_ms");
  EXPECT_THAT(to_line(transaction, at), EndsWith("  read input 12+4  NO RESPONSE\n"));
  transaction.outcome = Outcome::exception;
  transaction.fields["detail"] = "exception 2: illegal register";
  EXPECT_THAT(to_line(transaction, at), EndsWith("  REFUSED: exception 2: illegal register\n"));
}

TEST_F(SniffText, LinesOfOtherBusesNameTheMessage) {
  const Transaction state{
      {}, "0x355", Outcome::ok, {{"kind", "state"}, {"id", "0x355"}, {"soc_percent", 84}}};
  EXPECT_EQ(to_line(state, at), "22:13:20.123  0x355     state  soc 84 %\n");
  const Transaction ram{{},
                        "ram_read",
                        Outcome::ok,
                        {{"kind", "ram_value"},
                         {"letter", "X"},
                         {"battery_v", 52.0},
                         {"request", {{"kind", "ram_read"}, {"ram_ids", {4, 0}}}}}};
  EXPECT_EQ(to_line(ram, at), "22:13:20.123  ram_read  -> ram_value  battery 52 V\n");
}

TEST_F(SniffText, JsonHasTheFieldsWithTimeAndOutcome) {
  const auto object = to_json(grid_power(Outcome::ok), at);
  EXPECT_EQ(object["time_s"], 1700000000.123456);
  EXPECT_EQ(object["who"], "unit 1");
  EXPECT_EQ(object["outcome"], "ok");
  EXPECT_EQ(object["values"]["l1_power_w"], -1234.5);
}

TEST(SniffCounts, AreKeptByUnitAndOutcome) {
  SniffCounts counts;
  for (const auto outcome : {Outcome::ok, Outcome::ok, Outcome::crc, Outcome::unanswered})
    counts.add(grid_power(outcome));
  counts.add({{}, "unit 244", Outcome::exception, {}});
  const Counters tally{.bytes = 99, .frames = 7, .frame_bytes = 90, .resyncs = 2};
  EXPECT_EQ(counts.table(SniffKind::modbus, tally),
            "                  ok         crc   exception  unanswered     unasked\n"
            "unit 1             2           1           0           1           0\n"
            "unit 244           0           0           1           0           0\n"
            "99 bytes, 7 valid frames, 2 resyncs\n");
  const auto object = counts.json(SniffKind::modbus, tally);
  EXPECT_EQ(object["counts"]["unit 1"]["ok"], 2);
  EXPECT_EQ(object["counts"]["unit 244"]["exception"], 1);
  EXPECT_EQ(object["bytes"], 99);
}

}  // namespace
}  // namespace esshub::app
