#include "app/backup/pending_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace esshub::app {
namespace {

namespace fs = std::filesystem;

class PendingFileTest : public testing::Test {
 protected:
  ~PendingFileTest() override { fs::remove_all(dir_); }
  static std::string text(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Result<void> put(const fs::path& file, const std::string& what, const FileLooks& looks = {}) {
    auto pending = PendingFile::begin(file, looks);
    if (!pending) return tl::unexpected<Error>(pending.error());
    if (auto written = pending->write(what); !written) return written;
    return pending->commit();
  }
  const fs::path dir_ = [] {
    std::string pattern = fs::temp_directory_path() / "esshub-file.XXXXXX";
    return fs::path{::mkdtemp(pattern.data())};
  }();
  const fs::path file_ = dir_ / "kept";
};

TEST_F(PendingFileTest, TakesItsPlaceWholeAndAloneWithItsMode) {
  ASSERT_TRUE(put(file_, "old"));
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms{0600});
  const std::string large(300'000, 'a');
  ASSERT_TRUE(put(file_, large, {.mode = 0644}));
  EXPECT_EQ(text(file_), large);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms{0644});
  EXPECT_EQ(looks_of(file_)->mode, mode_t{0644});
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_}, {}), 1);
}

TEST_F(PendingFileTest, NothingIsLeftOfOneThatIsGivenUp) {
  ASSERT_TRUE(put(file_, "old"));
  {
    auto pending = PendingFile::begin(file_, {});
    ASSERT_TRUE(pending && pending->write("new"));
    EXPECT_TRUE(fs::exists(pending->unfinished()));
  }
  EXPECT_EQ(text(file_), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_}, {}), 1);
}

TEST_F(PendingFileTest, ALinkIsFollowedWhereThatIsAskedForAlone) {
  const auto link = dir_ / "link";
  ASSERT_TRUE(put(file_, "old"));
  fs::create_symlink(file_, link);
  ASSERT_TRUE(put(link, "followed", {.follow = true}));
  EXPECT_EQ(text(file_), "followed");
  EXPECT_TRUE(fs::is_symlink(link));
  ASSERT_TRUE(put(link, "replaced"));
  EXPECT_EQ(text(file_), "followed");
  EXPECT_FALSE(fs::is_symlink(link));
}

TEST_F(PendingFileTest, BelongsToWhomItIsGivenAndElseToTheFoldersOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  ASSERT_EQ(::chown(dir_.c_str(), 65534, 65534), 0);
  ASSERT_TRUE(put(file_, "the folder's"));
  EXPECT_EQ(looks_of(file_)->user, uid_t{65534});
  ASSERT_TRUE(put(file_, "mine", {.mode = 0600, .user = 0, .group = 0}));
  EXPECT_EQ(looks_of(file_)->user, uid_t{0});
  EXPECT_EQ(looks_of(file_)->group, gid_t{0});
  ASSERT_TRUE(put(file_, "half", {.mode = 0600, .user = 0, .group = {}}));
  EXPECT_EQ(looks_of(file_)->user, uid_t{0});
  EXPECT_EQ(looks_of(file_)->group, gid_t{65534});
}

TEST_F(PendingFileTest, WhereItCannotBeIsSaid) {
  const auto refused = put(dir_ / "nowhere" / "kept", "new");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "cannot create " + (dir_ / "nowhere/kept.new").string() +
                                        ": No such file or directory");
  EXPECT_FALSE(looks_of(dir_ / "nowhere"));
}

}  // namespace
}  // namespace esshub::app
