#include "actors/feed_door.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

namespace fs = std::filesystem;
using service::UnixSeconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Noon of 2026-11-28; a state directory and another folder.
struct Bench {
  Bench() {
    std::string pattern = (fs::temp_directory_path() / "esshub-feed.XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    fs::create_directories(root / "state/feed");
    fs::create_directories(root / "run");
    tariff.currency = "EUR";
    view.now = Instant{} + 1000s;
    view.wall = WallTime{std::chrono::seconds{noon}};
    view.local.trusted = true;
    start();
  }
  ~Bench() { fs::remove_all(root); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void start() {
    door.emplace(FeedDoorDeps{.state_dir = (root / "state").string(),
                              .folder = (root / "run").string(),
                              .tariff = [this] { return tariff; },
                              .events = log.sink(),
                              .storage_failed = [this](bool failed) { failing = failed; },
                              .wall = [this] { return view.wall; }});
  }
  /// An hour from noon on, a moment after noon.
  static std::string document(double price, const std::string& issued = "12:00:00",
                              const std::string& until = "13:00:00") {
    return R"({"kind": "import_price", "unit": "EUR/kWh", "source": "test",
 "issued": "2026-11-28T)" +
           issued + R"(Z", "slots": [["2026-11-28T12:00:00Z", "2026-11-28T)" + until + R"(Z", )" +
           std::to_string(price) + "]]}";
  }
  /// As docs/feeds.md asks for. In place a change is seen by its size or by the kernel's time of
  /// it, which before Linux 6.13 goes on by milliseconds.
  void write(const std::string& file, const std::string& text) const {
    write_in_place("new", text);
    fs::rename(root / "new", root / file);
  }
  void write_in_place(const std::string& file, const std::string& text) const {
    std::ofstream{root / file} << text;
  }
  void look(Duration later = FeedDoor::read_period) {
    view.now += later;
    view.wall += std::chrono::duration_cast<WallTime::duration>(later);
    door->look(view);
  }
  [[nodiscard]] std::optional<double> price() const {
    return door->told()->at(view.wall).import_price;
  }
  [[nodiscard]] std::vector<std::string> kept() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& file : fs::directory_iterator{root / "state/feed/kept", error})
      names.push_back(file.path().filename().string());
    return names;
  }

  static constexpr UnixSeconds noon = 1795867200;
  fs::path root;
  control::Tariff tariff;
  View view;
  EventLog log;
  std::atomic<bool> failing = false;
  std::optional<FeedDoor> door;
};

TEST(FeedDoorTest, TakesTheFilesOfBothFoldersTheNewestWins) {
  Bench b;
  b.look();
  EXPECT_EQ(b.price(), std::nullopt);
  b.write("state/feed/import_price.json", Bench::document(0.1));
  b.look(4s);
  EXPECT_EQ(b.price(), std::nullopt) << "it is read each 5 s";
  b.look(1s);
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_EQ(b.log.count("feed taken from=\"file " + (b.root / "state").string()), 1u);
  b.write("run/import_price.json", Bench::document(0.2, "11:59:00"));
  b.look();
  EXPECT_EQ(b.price(), 0.1) << "said before";
  b.write("run/import_price.json", Bench::document(-0.3, "12:00:01"));
  b.look();
  EXPECT_EQ(b.price(), -0.3);
  const auto before = b.door->told();
  b.look();
  EXPECT_EQ(b.door->told(), before) << "another one only when something has changed";
  EXPECT_EQ(b.log.count("feed taken"), 3u);
  EXPECT_THAT(b.door->problems(), IsEmpty());
}

TEST(FeedDoorTest, SaysWhatItRefusesAndWhyUntilItIsRightOrGone) {
  Bench b;
  const std::string file = "state/feed/import_price.json";
  b.write(file, Bench::document(83.5));
  b.look();
  b.look();
  ASSERT_EQ(b.door->problems().size(), 1u);
  EXPECT_THAT(b.door->problems()[0],
              testing::AllOf(HasSubstr("import_price.json: refused, /slots/0/2: 83.5 EUR/kWh"),
                             HasSubstr("per MWh")));
  EXPECT_EQ(b.log.count("feed refused"), 1u) << "once";
  EXPECT_EQ(b.price(), std::nullopt);
  b.write_in_place(file, Bench::document(0.1));  // of another size
  b.look();
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  b.write(file, "{");
  b.look();
  EXPECT_THAT(b.door->problems(), ElementsAre(HasSubstr("no JSON")));
  EXPECT_EQ(b.price(), 0.1) << "what was believed stays";
  fs::remove(b.root / file);
  b.look();
  EXPECT_THAT(b.door->problems(), IsEmpty());
}

TEST(FeedDoorTest, RefusesTheWrongKindWhatIsNoFileAndWhatIsTooLarge) {
  Bench b;
  b.write("run/export_price.json", Bench::document(0.1));
  fs::create_directory(b.root / "run/import_price.json");
  b.write("run/solar.json", std::string(service::feed_bytes + 1, ' '));
  b.look();
  EXPECT_THAT(b.door->problems(),
              testing::UnorderedElementsAre(
                  HasSubstr("export_price.json: refused, /kind: \"import_price\", accepted here"),
                  HasSubstr("import_price.json: refused, it cannot be read: it is no regular file"),
                  HasSubstr("solar.json: refused, document: 262145 bytes")));
}

TEST(FeedDoorTest, ReadsAFileAgainWhenTheCurrencyIsAnother) {
  Bench b;
  b.tariff.currency = "GBP";
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  EXPECT_EQ(b.price(), std::nullopt);
  b.tariff.currency = "EUR";
  b.look();
  EXPECT_EQ(b.price(), 0.1);
}

TEST(FeedDoorTest, PricesInTheCurrencyOfBeforeAReloadAreBelievedNoMore) {
  Bench b;
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  EXPECT_EQ(b.price(), 0.1);
  b.tariff.currency = "GBP";
  b.look(1s);
  EXPECT_EQ(b.price(), std::nullopt);
  b.tariff.currency = "EUR";
  b.look(1s);
  EXPECT_EQ(b.price(), 0.1) << "nor is the next minute waited for";
}

TEST(FeedDoorTest, WaitsForAClockThatIsTrusted) {
  Bench b;
  b.view.local.trusted = false;
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  b.look();
  EXPECT_EQ(b.price(), std::nullopt);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  b.view.local.trusted = true;
  b.look();
  EXPECT_EQ(b.price(), 0.1);
}

TEST(FeedDoorTest, HearsWhatIsToldByMessagesTheNewestOfEachTeller) {
  Bench b;
  b.view.local.trusted = false;
  b.door->tell(FeedKind::import_price, Bench::document(0.1), "mqtt a");
  b.door->tell(FeedKind::import_price, Bench::document(0.2), "mqtt a");
  b.door->tell(FeedKind::solar, Bench::document(0.3), "mqtt a");
  b.look(1s);
  EXPECT_EQ(b.price(), std::nullopt);
  b.view.local.trusted = true;
  b.look(1s);
  EXPECT_EQ(b.price(), 0.2);
  EXPECT_EQ(b.log.count("feed taken"), 1u);
  EXPECT_THAT(b.door->problems(),
              ElementsAre("feed, mqtt a: refused, /kind: \"import_price\", accepted here "
                          "\"solar\""));
  b.door->tell(FeedKind::import_price, Bench::document(-0.2, "12:00:01"), "mqtt a");
  b.look(1s);
  EXPECT_EQ(b.price(), -0.2);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  for (int n = 0; n < 100; ++n)
    b.door->tell(FeedKind::import_price, Bench::document(9), "mqtt " + std::to_string(n));
  b.look(1s);
  const auto problems = b.door->problems();
  EXPECT_EQ(problems.size(), 100u);
  EXPECT_EQ(std::ranges::count_if(
                problems, [](const auto& p) { return p.find("too many") != std::string::npos; }),
            84)
      << "16 wait";
}

TEST(FeedDoorTest, WhatFoundTooManyWaitingIsShownUntilItIsToldAgainOrTakenBack) {
  Bench b;
  const auto told = [&b](const std::string& document) {
    b.door->tell(FeedKind::import_price, document, "mqtt late");
    return b.door->problems();
  };
  const auto refused =
      ElementsAre("feed, mqtt late: refused, too many documents wait; try again in a minute");
  for (int n = 0; n < 16; ++n)
    b.door->tell(FeedKind::import_price, Bench::document(0.1), "mqtt " + std::to_string(n));
  EXPECT_THAT(told(Bench::document(0.2, "12:00:01")), refused);
  EXPECT_THAT(told(Bench::document(0.2, "12:00:01")), refused);
  EXPECT_EQ(b.log.count("feed refused"), 1u);
  ASSERT_EQ(b.door->states().size(), 1u);
  EXPECT_EQ(b.door->states()[0].refused, 1u);
  EXPECT_THAT(told(""), IsEmpty()) << "taken back";
  EXPECT_THAT(told(Bench::document(0.2, "12:00:01")), refused);
  b.look(1s);
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_THAT(b.door->problems(), refused);
  told(Bench::document(0.2, "12:00:01"));
  b.look(1s);
  EXPECT_EQ(b.price(), 0.2);
  EXPECT_THAT(b.door->problems(), IsEmpty());
}

TEST(FeedDoorTest, SaysWhereTooManyWaitAlready) {
  Bench b;
  const auto offered = [&](const std::string& who, double price) {
    return b.door->offer({FeedKind::import_price}, Bench::document(price, "12:00:01"), who);
  };
  for (int n = 0; n < 15; ++n)
    b.door->tell(FeedKind::import_price, Bench::document(0.1), "mqtt " + std::to_string(n));
  EXPECT_TRUE(offered("web a", 0.2)) << "the sixteenth";
  EXPECT_EQ(b.log.count("feed refused"), 0u);
  b.door->tell(FeedKind::import_price, Bench::document(0.2), "mqtt 15");
  EXPECT_EQ(b.log.count("feed refused from=\"mqtt 15\" "
                        "reason=\"too many documents wait; try again in a minute\""),
            1u);
  const auto refused = offered("web b", 0.2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_EQ(refused.error().detail, "too many documents wait; try again in a minute");
  EXPECT_TRUE(offered("web a", 0.3)) << "in the place of what that one told before";
  b.look(1s);
  EXPECT_EQ(b.price(), 0.3);
  EXPECT_TRUE(offered("web b", 0.2));
  EXPECT_EQ(b.log.count("feed refused"), 1u);
}

TEST(FeedDoorTest, AnswersWhoAsksAtOnceWhatIsWrong) {
  Bench b;
  const auto offered = [&](const std::string& document) {
    const auto done = b.door->offer({FeedKind::import_price}, document, "web a");
    return done ? std::string{} : done.error().detail;
  };
  EXPECT_EQ(offered(Bench::document(0.1, "12:20:00")), "") << "the clock is not trusted yet";
  b.look(1s);
  EXPECT_THAT(b.door->problems(), ElementsAre(HasSubstr("/issued: 1199 s ahead")));
  EXPECT_THAT(offered(Bench::document(0.1, "12:20:00")), HasSubstr("/issued: 1199 s ahead"));
  EXPECT_THAT(offered(Bench::document(99)), HasSubstr("/slots/0/2"));
  EXPECT_EQ(offered(Bench::document(0.1)), "");
  EXPECT_EQ(b.price(), std::nullopt);
  b.look(1s);
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  const auto elsewhere = b.door->offer({FeedKind::solar}, Bench::document(0.1), "web a");
  EXPECT_EQ(elsewhere.error().detail, "/kind: \"import_price\", which is told elsewhere");
}

TEST(FeedDoorTest, OneKindThatIsRightDoesNotEndTheRefusalOfAnother) {
  Bench b;
  const auto put = [&b](const std::string& document) {
    EXPECT_TRUE(b.door->offer({FeedKind::import_price, FeedKind::solar}, document, "web a"));
    b.look(1s);
  };
  put(Bench::document(0.1, "12:20:00"));  // the clock is not trusted yet
  const auto refused = ElementsAre(HasSubstr("web a import_price: refused, /issued: 1199 s ahead"));
  EXPECT_THAT(b.door->problems(), refused);
  put(R"({"kind": "solar", "unit": "W", "issued": "2026-11-28T12:00:00Z",
 "slots": [["2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z", 500]]})");
  EXPECT_EQ(b.log.count("feed taken"), 1u);
  EXPECT_THAT(b.door->problems(), refused);
  put(Bench::document(0.1));
  EXPECT_THAT(b.door->problems(), IsEmpty());
}

TEST(FeedDoorTest, SaysWhenWhatWasToldHasEnded) {
  Bench b;
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  b.look(55min);
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  b.look(5min);
  EXPECT_EQ(b.price(), std::nullopt);
  EXPECT_THAT(b.door->problems(),
              ElementsAre("feed, import_price: ended at 2026-11-28T13:00:00Z, and nothing is told "
                          "of now: the tariff's price takes its place"));
  b.look(2min);
  EXPECT_EQ(b.log.count("feed ended kind=import_price"), 1u);
  b.write("run/import_price.json", Bench::document(0.2, "13:01:00", "18:00:00"));
  b.look();
  EXPECT_EQ(b.price(), 0.2);
  EXPECT_THAT(b.door->problems(), IsEmpty());
}

TEST(FeedDoorTest, SaysHowFarEachKindIsToldAndHowManyTellItWrongly) {
  Bench b;
  b.look();
  EXPECT_THAT(b.door->states(), IsEmpty());
  const auto until = [](int after_noon_s) {
    return WallTime{std::chrono::seconds{Bench::noon + after_noon_s}};
  };
  b.door->tell(FeedKind::import_price, Bench::document(0.1), "mqtt a");
  b.door->tell(FeedKind::import_price, Bench::document(99), "mqtt b");
  b.door->tell(FeedKind::import_price, Bench::document(99), "mqtt c");
  b.door->tell(FeedKind::solar, "{", "mqtt d");
  b.look(1s);
  const auto wrong = FeedState{FeedKind::solar, std::nullopt, 1};
  EXPECT_THAT(b.door->states(),
              ElementsAre(FeedState{FeedKind::import_price, until(3600), 2}, wrong));
  b.door->tell(FeedKind::import_price, "", "mqtt b");
  b.look(2h);
  EXPECT_THAT(b.door->states(),
              ElementsAre(FeedState{FeedKind::import_price, until(3600), 1}, wrong))
      << "when it ended";
  b.look(15 * 24h);
  EXPECT_THAT(b.door->states(),
              ElementsAre(FeedState{FeedKind::import_price, std::nullopt, 1}, wrong));
}

TEST(FeedDoorTest, KeepsWhatWasBelievedOverARestart) {
  Bench b;
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  const std::string name = "import_price-" + std::to_string(Bench::noon) + ".json";
  EXPECT_THAT(b.kept(), ElementsAre(name));
  fs::remove(b.root / "run/import_price.json");
  b.write("state/feed/kept/import_price-1.json", Bench::document(0.9));
  b.start();
  b.look();
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_EQ(b.log.count("feed not_restored"), 1u) << "the one by another name";
}

TEST(FeedDoorTest, SaysThatTheFolderOfWhatIsKeptCannotBeRead) {
  Bench b;
  b.look();
  EXPECT_EQ(b.log.count("feed not_restored"), 0u) << "there is none yet";
  b.write("state/feed/kept", "in the way");
  b.start();
  b.look();
  EXPECT_EQ(
      b.log.count("feed not_restored file=" + log_quoted((b.root / "state/feed/kept").string()) +
                  " reason=" + log_quoted("it cannot be read: Not a directory")),
      1u);
}

TEST(FeedDoorTest, AClockThatIsWrongDeletesNothing) {
  Bench b;
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  fs::remove(b.root / "run/import_price.json");
  const auto before = b.kept();
  ASSERT_EQ(before.size(), 1u);
  for (const auto wrong : {std::chrono::days{16}, std::chrono::days{-16}}) {
    b.view.wall += wrong;
    b.look();
    for (int minutes = 0; minutes < 180; ++minutes) b.look(1min);
    EXPECT_EQ(b.kept(), before) << wrong.count() << " days wrong for three hours";
    EXPECT_EQ(b.price(), std::nullopt);
    EXPECT_THAT(b.door->problems(), IsEmpty());
    b.view.wall -= wrong + std::chrono::minutes{180};
    b.start();
    b.look();
    EXPECT_EQ(b.kept(), before);
    EXPECT_EQ(b.price(), 0.1);
  }
}

TEST(FeedDoorTest, SaysInTheLogWhatIsTakenBackAndUntilWhenAnythingIsTold) {
  Bench b;
  const auto tell = [&b](const service::FeedSlots& slots) {
    const UnixSeconds now = service::unix_seconds(b.view.wall);
    const service::Feed feed{FeedKind::import_price, "EUR/kWh", "test", now, now + 86400, slots};
    b.door->tell(feed.kind, service::feed_text(feed), "mqtt a");
    b.look(1s);
  };
  const UnixSeconds begin = Bench::noon;
  const std::string taken = R"(feed taken from="mqtt a" kind=import_price source="test" issued=)";
  tell({{begin, begin + 3600, 0.1},
        {begin + 3600, begin + 7200, {}},
        {begin + 7200, begin + 9000, {}}});
  EXPECT_EQ(b.log.count(taken + service::utc_text(begin) +
                        " until=" + service::utc_text(begin + 3600) + " takes_back=2"),
            1u);
  tell({{begin, begin + 3600, {}}});
  EXPECT_EQ(b.price(), std::nullopt);
  EXPECT_EQ(b.log.count(taken + service::utc_text(begin + 1) + " takes_back=1"), 1u);
}

TEST(FeedDoorTest, WhatAClockYearsAheadTookIsNotInTheWayOfWhatIsRight) {
  Bench b;
  const auto tell = [&b](double price) {
    const UnixSeconds now = service::unix_seconds(b.view.wall);
    const service::Feed feed{FeedKind::import_price,    "EUR/kWh", "test", now, now + 3600,
                             {{now, now + 3600, price}}};
    b.door->tell(feed.kind, service::feed_text(feed), "mqtt a");
    b.look(1s);
    EXPECT_EQ(b.price(), price);
  };
  b.view.wall += std::chrono::years{10};
  for (int n = 0; n < 33; ++n) tell(n / 10.0);
  b.view.wall -= std::chrono::years{10};
  tell(0.25);
  EXPECT_EQ(b.kept().size(), 33u);
  b.start();
  b.look(1s);
  EXPECT_EQ(b.price(), 0.25);
  EXPECT_EQ(b.kept().size(), 33u);
}

TEST(FeedDoorTest, OfTheSameSecondAllAreKeptInTheirOrder) {
  Bench b;
  for (int n = 0; n < 33; ++n) {
    b.door->tell(FeedKind::import_price, Bench::document(n / 10.0), "mqtt a");
    b.look(1s);
    EXPECT_EQ(b.price(), n / 10.0);
    EXPECT_EQ(b.kept().size(), std::min<std::size_t>(n + 1, 32));
  }
  b.start();
  b.look();
  EXPECT_EQ(b.price(), 3.2);
  EXPECT_EQ(b.kept().size(), 32u);
  EXPECT_EQ(b.log.count("feed not_restored"), 0u);
  b.door->tell(FeedKind::import_price, Bench::document(0.1, "12:00:01"), "mqtt a");
  b.look(1s);
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_EQ(b.kept().size(), 32u) << "the oldest goes";
}

TEST(FeedDoorTest, ReadsARefusedFileAgainEachMinuteAndTellsTheReasonOnce) {
  Bench b;
  b.write("run/import_price.json", Bench::document(0.1, "12:12:00"));
  b.look();
  EXPECT_THAT(b.door->problems(), ElementsAre(HasSubstr("/issued: 715 s ahead")));
  b.look(55s);
  EXPECT_THAT(b.door->problems(), ElementsAre(HasSubstr("/issued: 715 s ahead")));
  b.look(5s);
  EXPECT_THAT(b.door->problems(), ElementsAre(HasSubstr("/issued: 655 s ahead")));
  EXPECT_EQ(b.log.count("feed refused"), 1u);
  b.look(1min);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  EXPECT_EQ(b.log.count("feed taken"), 1u);
  b.look(10min);
  EXPECT_EQ(b.price(), 0.1) << "from the second on in which it was said";
}

TEST(FeedDoorTest, ReadsAFileAgainThatWasChangedBehindItsTimeOfChange) {
  Bench b;
  const auto file = b.root / "run/import_price.json";
  const auto time_of_change = [&file] {
    struct ::stat found {};
    EXPECT_EQ(::stat(file.c_str(), &found), 0);
    return std::pair{found.st_ctim.tv_sec, found.st_ctim.tv_nsec};
  };
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  const auto written = fs::last_write_time(file);
  const auto before = time_of_change();
  do {
    b.write_in_place("run/import_price.json", Bench::document(0.2, "12:00:01"));
    fs::last_write_time(file, written);
  } while (time_of_change() == before);  // the kernel's clock may not have gone on yet
  b.look();
  EXPECT_EQ(b.price(), 0.2);
}

TEST(FeedDoorTest, TheLogSaysUntilWhenADocumentHolds) {
  Bench b;
  std::string document = Bench::document(0.1, "12:00:00", "14:00:00");
  document.insert(1, R"("valid_until": "2026-11-28T13:00:00Z", )");
  b.write("run/import_price.json", document);
  b.look();
  const auto file = (b.root / "run/import_price.json").string();
  const auto line = "feed taken from=" + log_quoted("file " + file) +
                    " kind=import_price source=" + log_quoted("test") +
                    " issued=2026-11-28T12:00:00Z until=";
  EXPECT_EQ(b.log.count(line + "2026-11-28T13:00:00Z"), 1u);
}

TEST(FeedDoorTest, ANewerDocumentTakesAPriceBackOverARestartToo) {
  Bench b;
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  EXPECT_EQ(b.price(), 0.1);
  auto back = Bench::document(0.1, "12:00:01");
  back.replace(back.find("0.1"), back.find("]]") - back.find("0.1"), "null");
  b.door->tell(FeedKind::import_price, back, "mqtt a");
  b.look(1s);
  EXPECT_EQ(b.price(), std::nullopt);
  EXPECT_EQ(b.log.count("feed taken from=\"mqtt a\""), 1u);
  EXPECT_THAT(b.door->problems(), ElementsAre(HasSubstr("import_price: ended at ")));
  EXPECT_EQ(b.kept().size(), 2u);
  b.start();
  b.look();
  EXPECT_EQ(b.price(), std::nullopt) << "though the file of the older one is there";
  EXPECT_EQ(b.log.count("feed not_restored"), 0u);
}

TEST(FeedDoorTest, WhatIsTakenBackIsNoLongerRefused) {
  Bench b;
  b.door->tell(FeedKind::import_price, Bench::document(0.1), "mqtt a");
  b.look(1s);
  b.door->tell(FeedKind::import_price, Bench::document(99), "mqtt a");
  b.look(1s);
  EXPECT_EQ(b.door->problems().size(), 1u);
  b.door->tell(FeedKind::import_price, "", "mqtt a");
  b.look(1s);
  EXPECT_THAT(b.door->problems(), IsEmpty());
  EXPECT_EQ(b.price(), 0.1) << "only a newer document takes a price back";
}

TEST(FeedDoorTest, ADiskThatKeepsNothingIsAFaultUntilItDoes) {
  Bench b;
  b.write("state/feed/kept", "in the way");
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  EXPECT_EQ(b.price(), 0.1) << "believed all the same";
  EXPECT_TRUE(b.failing);
  b.look(29s);
  EXPECT_EQ(b.log.count("feed not_kept"), 1u);
  fs::remove(b.root / "state/feed/kept");
  b.look(1s);
  EXPECT_FALSE(b.failing);
  EXPECT_EQ(b.kept().size(), 1u);
}

TEST(FeedDoorTest, AKeptFileThatCannotBeRemovedIsAFaultUntilItIs) {
  Bench b;
  const auto tell = [&b](int n) {
    const auto issued = std::string{n < 10 ? "12:00:0" : "12:00:"} + std::to_string(n);
    b.door->tell(FeedKind::import_price, Bench::document(n / 10.0, issued), "mqtt a");
    b.look(1s);
  };
  for (int n = 0; n < 32; ++n) tell(n);
  ASSERT_EQ(b.kept().size(), 32u);
  const std::string oldest =
      "state/feed/kept/import_price-" + std::to_string(Bench::noon) + ".json";
  ASSERT_TRUE(fs::remove(b.root / oldest));
  fs::create_directories(b.root / oldest / "in the way");
  tell(32);
  EXPECT_TRUE(b.failing);
  EXPECT_EQ(b.log.count("feed not_kept reason=" +
                        log_quoted("cannot remove " + (b.root / oldest).string() +
                                   ": Directory not empty")),
            1u);
  EXPECT_EQ(b.kept().size(), 33u) << "the newest all the same";
  fs::remove_all(b.root / oldest);
  b.write(oldest, "{}");
  b.look(29s);
  EXPECT_TRUE(b.failing);
  b.look(1s);
  EXPECT_FALSE(b.failing);
  EXPECT_EQ(b.kept().size(), 32u);
  EXPECT_FALSE(fs::exists(b.root / oldest));
}

TEST(FeedDoorTest, WithoutAStateDirectoryTheOtherFolderIsWatchedAndNothingKept) {
  Bench b;
  b.door.emplace(FeedDoorDeps{.state_dir = "",
                              .folder = (b.root / "run").string(),
                              .tariff = [&b] { return b.tariff; },
                              .events = b.log.sink(),
                              .storage_failed = [&b](bool failed) { b.failing = failed; }});
  b.write("run/import_price.json", Bench::document(0.1));
  b.look();
  EXPECT_EQ(b.price(), 0.1);
  EXPECT_FALSE(b.failing);
  EXPECT_THAT(b.kept(), IsEmpty());
}

}  // namespace
}  // namespace esshub::actors
