#include "app/backup/contents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(BackupContents, WhatTheHubKeepsAndNothingElse) {
  for (const char* name :
       {"state.json", "savings.json", "smart_plan.json", "web-password", "page.toml",
        "feed/import_price.json", "feed/kept/import_price-1767222000_01.json"})
    EXPECT_TRUE(is_kept_state(name)) << name;
  for (const char* name :
       {"history.db", "history.db-wal", "state.json.new", "state.json.damaged-1767222000",
        "before-restore.backup", "feed/web-password", "feed/kept/", ".json", "../state.json",
        "feed/../state.json", "other/state.json", "feed/kept/a/b.json", "/etc/state.json", "", "x"})
    EXPECT_FALSE(is_kept_state(name)) << name;
}

TEST(BackupContents, EveryNameBelongsToOnePart) {
  EXPECT_EQ(part_of("config/esshub.toml"), BackupPart::config);
  EXPECT_EQ(part_of("history/history.db"), BackupPart::history);
  EXPECT_EQ(part_of("state/state.json"), BackupPart::state);
  EXPECT_EQ(part_of("state/feed/kept/solar-1.json"), BackupPart::state);
  for (const char* setting : {"web.certificate", "web.key", "mqtt.tls_ca", "mqtt.password_file"})
    EXPECT_EQ(part_of(std::string{"secret/"} + setting), BackupPart::secret);
  for (const char* name :
       {"manifest.json", "config/other.toml", "state/../x.json", "secret/site.name", "secret/",
        "./state/state.json", "history/history.db-wal"})
    EXPECT_EQ(part_of(name), std::nullopt) << name;
}

TEST(BackupContents, TheConfigurationSaysWhereAllIs) {
  config::HubSettings settings;
  settings.state_dir = "/srv/hub";
  settings.history.file = "/mnt/disk/history.db";
  settings.web.key = "/etc/esshub/key.pem";
  settings.mqtt.password_file = "/run/credentials/esshub.service/mqtt-password";
  const auto places = places_of("/etc/esshub/esshub.toml", settings);
  EXPECT_EQ(places.config, "/etc/esshub/esshub.toml");
  EXPECT_EQ(places.state_dir, "/srv/hub");
  EXPECT_EQ(places.history, "/mnt/disk/history.db");
  ASSERT_EQ(places.secrets.size(), 1U) << "what systemd hands over is not the hub's";
  EXPECT_EQ(places.secrets[0].setting, "web.key");
  EXPECT_EQ(places.secrets[0].file, "/etc/esshub/key.pem");
  EXPECT_THAT(kept_folders(places), ElementsAre("/srv/hub", "/mnt/disk"));
}

TEST(BackupContents, AFolderIsHeldOnce) {
  EXPECT_THAT(kept_folders({"c", "/srv/hub", "/srv/hub/history.db", {}}), ElementsAre("/srv/hub"));
  EXPECT_THAT(kept_folders({"c", "", "", {}}), IsEmpty());
}

}  // namespace
}  // namespace esshub::app
