#include "app/backup/archive.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "publish/history/database/file.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << text;
}
std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() {
    write(dir_ / "etc/esshub.toml", "# the owner's\n");
    write(dir_ / "state/state.json", "{}");
    write(dir_ / "state/feed/kept/solar-1.json", "[]");
    write(dir_ / "state/state.json.damaged-1", "?");
    write(dir_ / "etc/key.pem", "secret");
    fs::create_symlink(dir_ / "etc/key.pem", dir_ / "state/link.json");
    EXPECT_TRUE(publish::HistoryFile::open_to_write(order_.places.history.string()));
  }
  ~ArchiveTest() override { fs::remove_all(dir_); }

  BackupMade make() { return write_backup(order_, file_, {}, {}).value(); }
  static Result<Backup> read(const fs::path& file) {
    return read_backup(publish::Descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)});
  }
  /// Of the backup with other bytes.
  Result<Backup> read_changed(const std::string& text) {
    write(dir_ / "changed", text);
    return read(dir_ / "changed");
  }

  const fs::path dir_ = [] {
    std::string pattern = fs::temp_directory_path() / "esshub-backup.XXXXXX";
    return fs::path{::mkdtemp(pattern.data())};
  }();
  const fs::path file_ = dir_ / "hub.backup";
  BackupOrder order_{{dir_ / "etc/esshub.toml",
                      dir_ / "state",
                      dir_ / "state/history.db",
                      {{"web.key", dir_ / "etc/key.pem"}, {"mqtt.tls_ca", dir_ / "etc/none"}}},
                     "cottage"};
};

TEST_F(ArchiveTest, HoldsWhatTheHubKeepsAndNoLinkOfItsToElsewhere) {
  const auto made = make();
  EXPECT_EQ(made.no_history, "");
  const auto backup = read(file_);
  ASSERT_TRUE(backup) << backup.error().detail;
  EXPECT_EQ(backup->manifest, made.manifest);
  EXPECT_EQ(backup->manifest.site, "cottage");
  EXPECT_EQ(backup->manifest.history_schema, *publish::judge_history(order_.places.history));
  EXPECT_THAT(backup->small,
              ElementsAre(Key("config/esshub.toml"), Key("state/feed/kept/solar-1.json"),
                          Key("state/state.json")));
  EXPECT_EQ(backup->small.at("config/esshub.toml").text, "# the owner's\n");
  EXPECT_TRUE(backup->has(BackupPart::history));
  EXPECT_FALSE(backup->has(BackupPart::secret));
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_}, {}), 3) << "nothing else is left";
}

TEST_F(ArchiveTest, SecretFilesComeOnlyWhereTheyAreAskedFor) {
  order_.secrets = true;
  const auto made = make();
  EXPECT_THAT(made.not_there, ElementsAre((dir_ / "etc/none").string()));
  const auto backup = read(file_);
  ASSERT_TRUE(backup);
  EXPECT_EQ(backup->small.at("secret/web.key").text, "secret");
  EXPECT_TRUE(backup->has(BackupPart::secret));
}

TEST_F(ArchiveTest, TheHistoryComesOutAsItWentIn) {
  make();
  const publish::Descriptor in{::open(file_.c_str(), O_RDONLY | O_CLOEXEC)};
  const auto backup = read_backup(in);
  ASSERT_TRUE(backup && backup->history);
  auto out = PendingFile::begin(dir_ / "out.db", {});
  ASSERT_TRUE(out && extract(in, *backup->history, *out) && out->commit());
  EXPECT_TRUE(publish::judge_history((dir_ / "out.db").string()));
}

TEST_F(ArchiveTest, AHistoryThatCannotBeReadIsLeftOutAndTold) {
  write(order_.places.history, std::string(10'000, 'x'));
  const auto made = make();
  EXPECT_THAT(made.no_history, HasSubstr("history.db"));
  const auto backup = read(file_);
  ASSERT_TRUE(backup) << backup.error().detail;
  EXPECT_FALSE(backup->has(BackupPart::history));
  EXPECT_TRUE(backup->has(BackupPart::state));
}

TEST_F(ArchiveTest, WithoutRoomForAHistoryThatCanBeReadTheOldBackupStays) {
  make();
  const auto before = text_of(file_);
  const auto fill = dir_ / "hub.backup.history.new";
  write(fill / "in the way", "");
  const auto in_the_way = write_backup(order_, file_, {}, {});
  ASSERT_FALSE(in_the_way);
  EXPECT_THAT(in_the_way.error().detail, HasSubstr("cannot create"));
  EXPECT_TRUE(text_of(file_) == before);
  fs::remove_all(fill);
  // No file may become as large as the history; its index in memory (32 KiB) may be made.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit less = old;
  less.rlim_cur = fs::file_size(order_.places.history) - 1;
  ASSERT_GT(less.rlim_cur, 32U << 10U);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &less), 0);
  const auto full = write_backup(order_, file_, {}, {});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_FALSE(full);
  EXPECT_TRUE(text_of(file_) == before);
}

TEST_F(ArchiveTest, NoFolderThatIsALinkIsReadOrListed) {
  write(dir_ / "elsewhere/kept/precious.json", "theirs");
  write(dir_ / "elsewhere/precious.json", "theirs");
  fs::remove_all(dir_ / "state/feed");
  fs::create_directory_symlink(dir_ / "elsewhere", dir_ / "state/feed");
  for (const auto* below : {"feed/", "feed/kept/"}) {
    const auto folder = open_state_folder(dir_ / "state", below);
    ASSERT_TRUE(folder) << folder.error().detail;
    EXPECT_FALSE(*folder) << below;
  }
  make();
  EXPECT_THAT(read(file_)->small, ElementsAre(Key("config/esshub.toml"), Key("state/state.json")));
  // The folder itself may be one: systemd makes it so.
  fs::create_directory_symlink(dir_ / "state", dir_ / "named");
  const auto named = open_state_folder(dir_ / "named", "");
  ASSERT_TRUE(named && *named);
  EXPECT_THAT((*named)->names, ElementsAre("link.json", "state.json"));
  EXPECT_FALSE(*open_state_folder(dir_ / "nowhere", ""));
}

TEST_F(ArchiveTest, NoMoreThanFitsInMemoryIsSavedOrRead) {
  const std::string large(largest_small_file, 'x');
  for (int n = 0; n < 8; ++n) write(dir_ / ("state/large" + std::to_string(n) + ".json"), large);
  auto made = write_backup(order_, file_, {}, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().detail, HasSubstr("too much is below"));
  for (int n = 0; n < 8; ++n) fs::remove(dir_ / ("state/large" + std::to_string(n) + ".json"));
  // With the manifest, the configuration, state.json and a price as many as may be.
  for (std::size_t n = 4; n < most_small_files; ++n)
    write(dir_ / ("state/feed/kept/p-" + std::to_string(n) + ".json"), "");
  make();
  EXPECT_TRUE(read(file_));
  write(dir_ / "state/feed/kept/p-more.json", "");
  EXPECT_FALSE(write_backup(order_, file_, {}, {}));
  // One made by others.
  std::string text;
  const auto add = [&](const std::string& name, const std::string& what) {
    const auto header = *tar_header({.name = name, .size = what.size()});
    text.append(header.data(), header.size()).append(what);
    text.append(tar_padding(what.size()), '\0');
  };
  add("manifest.json", encode(Manifest{}));
  for (int n = 0; n < 8; ++n) add("state/large" + std::to_string(n) + ".json", large);
  EXPECT_EQ(read_changed(text).error().detail, "state/large7.json in it is too large");
}

TEST_F(ArchiveTest, OneThatIsCutShortIsRefusedWhereverItWas) {
  make();
  const auto whole = text_of(file_);
  ASSERT_TRUE(read_changed(whole));
  for (std::size_t size = 0; size < whole.size() - 1024; size += 256)
    EXPECT_FALSE(read_changed(whole.substr(0, size))) << size;
  EXPECT_EQ(read_changed("").error().detail, "it is no backup");
}

TEST_F(ArchiveTest, DamageInAnyFileIsFound) {
  make();
  auto damaged = text_of(file_);
  const auto at = damaged.find("# the owner's");
  ++damaged[at];
  EXPECT_EQ(read_changed(damaged).error().detail, "config/esshub.toml in it is damaged");
  --damaged[at];
  ++damaged[damaged.size() - 1024 - 4096];  // of the database's last page
  EXPECT_EQ(read_changed(damaged).error().detail, "history/history.db in it is damaged");
}

TEST_F(ArchiveTest, WhatItsManifestDoesNotNameIsRefused) {
  make();
  const auto text = text_of(file_);
  const auto extra = *tar_header({.name = "state/more.json"});
  const std::string header{extra.data(), extra.size()};
  const std::string end(1024, '\0');
  EXPECT_EQ(read_changed(text.substr(0, text.size() - 1024) + header + end).error().detail,
            "something in it is not in its manifest");
  const auto foreign = *tar_header({.name = "../../etc/passwd"});
  EXPECT_EQ(read_changed(text.substr(0, text.size() - 1024) +
                         std::string{foreign.data(), foreign.size()} + end)
                .error()
                .detail,
            "what no backup has is in it: ../../etc/passwd");
  EXPECT_EQ(read_changed(header + end).error().detail,
            "what no backup has is in it: state/more.json");
  // Without its last file, the history.
  const auto history = text.find("history/history.db", 2048);
  const auto begin = text.rfind("history/history.db");
  ASSERT_GE(begin, history);
  EXPECT_EQ(read_changed(text.substr(0, begin) + end).error().detail,
            "history/history.db is missing in it");
}

TEST_F(ArchiveTest, WhatCannotBeReadLeavesNoBackup) {
  fs::remove(order_.places.config);
  fs::create_directory(order_.places.config);
  const auto made = write_backup(order_, file_, {}, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().detail, HasSubstr("esshub.toml: it is no regular file"));
  EXPECT_FALSE(fs::exists(file_));
  write(dir_ / "large", std::string(largest_small_file + 1, 'x'));
  EXPECT_THAT(read_small_file(dir_ / "large", "config/esshub.toml").error().detail,
              HasSubstr("too large"));
  EXPECT_FALSE(*read_small_file(dir_ / "none", "config/esshub.toml"));
}

}  // namespace
}  // namespace esshub::app
