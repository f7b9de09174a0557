#include "feed/program/feed_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/feed/documents.hpp"

namespace esshub::feed {
namespace {

using testing::StartsWith;
using tests::at_23;

class FeedFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "feed_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  Feed feed_{FeedKind::import_price, "EUR/kWh", "x", at_23, at_23 + 60, {{at_23, at_23 + 60, 0.1}}};
};

TEST_F(FeedFiles, AreReplacedAsAWholeAndReadableByTheHub) {
  for (const double price : {0.1, 0.2}) {
    feed_.slots.front().value = price;
    const auto written = write_feed(folder_, feed_);
    ASSERT_TRUE(written) << written.error().detail;
    const auto file = feed_file(folder_, FeedKind::import_price);
    EXPECT_EQ(file.filename(), "import_price.json");
    const auto text = read_file(file);
    ASSERT_TRUE(text);
    EXPECT_EQ(service::read_feed(*text), feed_);
    struct stat facts {};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777u, 0644u);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder_}, {}), 1)
      << "nothing is left beside it";
}

TEST_F(FeedFiles, WhoHasTheOldOneOpenReadsTheOldOne) {
  ASSERT_TRUE(write_feed(folder_, feed_));
  std::ifstream before{feed_file(folder_, FeedKind::import_price)};
  const auto old = service::feed_text(feed_);
  feed_.slots.front().value = 0.7;
  ASSERT_TRUE(write_feed(folder_, feed_));
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>{before}, {}}), old);
}

TEST_F(FeedFiles, WhatCannotBeWrittenIsSaid) {
  const auto written = write_feed(folder_ / "none", feed_);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().detail, StartsWith("cannot create " + (folder_ / "none").string() +
                                                 "/import_price.json.new"));
  std::filesystem::create_directories(feed_file(folder_, FeedKind::import_price) / "x");
  EXPECT_THAT(write_feed(folder_, feed_).error().detail, StartsWith("cannot replace "));
}

TEST_F(FeedFiles, WhatIsMissingOrHugeIsNotRead) {
  EXPECT_FALSE(read_file(folder_ / "none"));
  EXPECT_FALSE(read_file(folder_));
  std::ofstream{folder_ / "huge"} << std::string(document_bytes + 1, 'x');
  EXPECT_FALSE(read_file(folder_ / "huge"));
  std::ofstream{folder_ / "empty"};
  EXPECT_EQ(read_file(folder_ / "empty"), "");
}

}  // namespace
}  // namespace esshub::feed
