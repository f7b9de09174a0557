#include "publish/history/database/writer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/publish/history/house.hpp"

namespace esshub::publish {
namespace {

namespace fs = std::filesystem;

/// Without a thread: who calls it says when the disk works.
class HistoryWriterTest : public testing::Test {
 protected:
  HistoryWriterTest() {
    std::string pattern = fs::temp_directory_path() / "esshub-history.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    settings_.file = dir_ / "history.db";
    begin();
  }
  ~HistoryWriterTest() override { fs::remove_all(dir_); }

  void begin() {
    writer_.emplace(
        settings_, [](const std::string&, const Event&) {},
        [this](bool failed) { failed_ = failed; });
  }
  void pass(Duration time) {
    for (Duration gone{}; gone < time; gone += 1s) {
      house_.pass(1s);
      writer_->update(house_.view);
    }
  }
  std::size_t minutes() {
    auto file = HistoryFile::open_to_read(settings_.file);
    return file ? file->minutes(WallTime{}, WallTime{std::chrono::hours{1'000'000}})->size() : 0;
  }

  fs::path dir_;
  HistorySettings settings_;
  HistoryHouse house_{1'790'000'000};
  bool failed_ = false;
  std::optional<HistoryWriter> writer_;
};

TEST_F(HistoryWriterTest, AsksForAWriteAfterEachBatchOnceItHasBegun) {
  pass(1s);
  EXPECT_TRUE(writer_->due());  // until it has begun
  writer_->begin();
  writer_->check();
  EXPECT_FALSE(writer_->due());
  pass(1s);
  EXPECT_TRUE(writer_->due());
  EXPECT_TRUE(writer_->write(false));
  pass(5s);
  EXPECT_FALSE(writer_->due());
  pass(settings_.batch);
  EXPECT_TRUE(writer_->due());
  EXPECT_TRUE(writer_->write(false));
  EXPECT_EQ(minutes(), 5u);
}

TEST_F(HistoryWriterTest, ADiskThatDoesNotAnswerForAMinuteIsAFault) {
  writer_->begin();
  pass(60s);
  EXPECT_FALSE(failed_);
  pass(2s);
  EXPECT_TRUE(failed_);
  EXPECT_TRUE(writer_->write(false));
  EXPECT_FALSE(failed_);
}

TEST_F(HistoryWriterTest, FinishesWithTheMinuteThatIsUnderWayAndGoesOnAfterwards) {
  writer_->begin();
  pass(90s);
  EXPECT_TRUE(writer_->finish());
  const auto kept = minutes();
  EXPECT_GE(kept, 2u);
  begin();
  writer_->begin();
  EXPECT_GT(writer_->totals()[Flow::grid_import], 0.0);
  pass(90s);
  EXPECT_TRUE(writer_->finish());
  EXPECT_GT(minutes(), kept);
}

}  // namespace
}  // namespace esshub::publish
