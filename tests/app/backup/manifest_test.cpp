#include "app/backup/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace esshub::app {
namespace {

using testing::HasSubstr;

const Manifest manifest{.version = "0.1.0",
                        .made_at = std::chrono::sys_seconds{std::chrono::seconds{1767222000}},
                        .site = "cottage",
                        .config = "/etc/esshub/esshub.toml",
                        .state_dir = "/var/lib/esshub",
                        .history = "/var/lib/esshub/history.db",
                        .history_schema = 3,
                        .files = {{"state/state.json", 12, "ab"}, {"history/history.db", 1, "c"}}};

TEST(Manifest, IsReadAsItWasWritten) {
  const auto read = decode_manifest(encode(manifest));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, manifest);
  auto bare = manifest;
  bare.history_schema.reset();
  bare.files.clear();
  EXPECT_EQ(*decode_manifest(encode(bare)), bare);
}

TEST(Manifest, OfANewerVersionNamesIt) {
  auto j = nlohmann::json::parse(encode(manifest));
  j["esshub_backup"] = 2;
  j["version"] = "7.0.0";
  j.erase("files");  // whatever it looks like then
  const auto read = decode_manifest(j.dump());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::refused);
  EXPECT_THAT(read.error().detail, HasSubstr("7.0.0 (form 2, this one reads 1)"));
}

TEST(Manifest, WhatIsMissingOrCannotBeIsDamage) {
  for (const char* key :
       {"esshub_backup", "version", "made_at", "site", "config", "state_dir", "history", "files"}) {
    auto j = nlohmann::json::parse(encode(manifest));
    j.erase(key);
    const auto read = decode_manifest(j.dump());
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().kind, ErrorKind::invalid) << key;
  }
  auto j = nlohmann::json::parse(encode(manifest));
  j["esshub_backup"] = 0;
  EXPECT_FALSE(decode_manifest(j.dump()));
  j["esshub_backup"] = 1;
  j["made_at"] = "yesterday";
  EXPECT_FALSE(decode_manifest(j.dump()));
  EXPECT_FALSE(decode_manifest("{"));
}

}  // namespace
}  // namespace esshub::app
