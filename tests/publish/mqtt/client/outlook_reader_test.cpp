#include "publish/mqtt/client/outlook_reader.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/publish/history/house.hpp"

namespace esshub::publish {
namespace {

using namespace literals;

constexpr std::int64_t before_midnight = 1'790'895'540;  // 23:59 at the site

Outlook answer_of(OutlookReader& reader) {
  for (int i = 0; i < 2000; ++i) {
    if (auto outlook = reader.take()) return *outlook;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "no answer";
  return {};
}

TEST(OutlookReader, AsksOnceAPeriodAndAtOnceOnAnotherDay) {
  HistoryHouse house{before_midnight};
  std::atomic<int> asked = 0;
  OutlookReader reader{[&](const View& view) {
    ++asked;
    return Outlook{.at = view.now};
  }};
  EXPECT_FALSE(reader.take());
  reader.update(house.view);
  EXPECT_EQ(answer_of(reader).at, house.view.now);
  EXPECT_FALSE(reader.take()) << "once";
  house.pass(30s);
  reader.update(house.view);
  house.pass(30s);  // midnight
  reader.update(house.view);
  EXPECT_EQ(answer_of(reader).at, house.view.now);
  EXPECT_EQ(asked, 2) << "not 30 s after the first";
  house.view.local.trusted = false;
  reader.update(house.view);
  EXPECT_EQ(answer_of(reader).at, house.view.now);
  house.pass(1s);
  house.view.local.trusted = true;
  reader.update(house.view);
  EXPECT_EQ(answer_of(reader).at, house.view.now) << "the clock is right again";
  house.pass(OutlookReader::period);
  reader.update(house.view);
  EXPECT_EQ(answer_of(reader).at, house.view.now);
  EXPECT_EQ(asked, 5);
}

/// A disk that hangs: neither update() nor take() nor the end waits for it.
TEST(OutlookReader, NobodyWaitsForASourceThatHangs) {
  HistoryHouse house{before_midnight};
  std::promise<void> release;
  std::promise<void> hangs;
  auto released = release.get_future().share();
  {
    OutlookReader reader{[released, &hangs](const View&) {
      hangs.set_value();
      released.wait();
      return Outlook{};
    }};
    reader.update(house.view);
    hangs.get_future().wait();
    EXPECT_FALSE(reader.take());
  }
  release.set_value();
}

TEST(OutlookReader, WithoutASourceThereIsNothing) {
  HistoryHouse house{before_midnight};
  OutlookReader reader{{}};
  reader.update(house.view);
  EXPECT_FALSE(reader.take());
}

}  // namespace
}  // namespace esshub::publish
