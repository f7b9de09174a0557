#include "actors/record_thread.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "tests/actors/hung_history.hpp"
#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

RecordInput input_of_now() {
  RecordInput input{
      .view = {}, .in_force = {}, .told = std::make_shared<const service::ToldSlots>(), .plan = {}};
  input.view.now = Instant{} + 1000s;
  input.view.local.trusted = true;
  input.view.snapshot.absorb({{Point::battery, Measure::capacity}, 100, input.view.now});
  input.view.snapshot.absorb({{Point::battery, Measure::soc}, 50, input.view.now});
  return input;
}

TEST(RecordThreadTest, ADiskThatHangsHoldsNobodyElse) {
  EventLog log;
  const auto hung = std::make_shared<HungHistory>();
  RecordThread thread{
      std::make_shared<SmartRecord>(SmartRecordDeps{.state_dir = "",
                                                    .history = hung,
                                                    .zone = civil_time::Zone::utc(),
                                                    .events = log.sink(),
                                                    .storage_failed = [](bool) { FAIL(); }})};
  thread.put(input_of_now());
  hung->hangs.get_future().wait();
  const std::weak_ptr waits = [&] {
    const auto input = input_of_now();
    thread.put(input);
    return std::weak_ptr{input.told};
  }();
  EXPECT_FALSE(waits.expired());
  thread.put(input_of_now());
  EXPECT_TRUE(waits.expired()) << "the newest takes its place";
  thread.close();
  hung->let_go.set_value();
  EXPECT_EQ(log.count("smart_record"), 0u) << "closed it tells nothing";
}

}  // namespace
}  // namespace esshub::actors
