#include "feed/program/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace esshub::feed {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The errors as "line: text".
std::vector<std::string> errors(const std::string& text) {
  std::vector<std::string> list;
  const auto settings = read_settings(text);
  if (!settings)
    for (const auto& error : settings.error())
      list.push_back(std::to_string(error.place.line) + ": " + error.text);
  return list;
}

TEST(FeedSettings, ReadEverySource) {
  const auto settings = read_settings(R"(folder = "/tmp/feed"
highest_price = 60
[[source]]
service = "octopus"
gives = "export_price"
product = "OUTGOING-VAR-24-10-26"
tariff = "E-1R-OUTGOING-VAR-24-10-26-C"
payment = "NON_DIRECT_DEBIT"
every = "1 h"
[[source]]
service = "entsoe"
gives = "import_price"
area = "10Y1001A1001A82H"
sequence = 2
token_file = "/etc/esshub/entsoe-token"
factor = 1.19
surcharge = 0.17
server = "http://127.0.0.1:8080"
authority = "/etc/ssl/own.pem"
[[source]]
service = "open_meteo"
gives = "solar"
latitude = 51.5
longitude = -0.12
tilt = 35
azimuth = -90
peak_w = 4000
efficiency = 0.8
)");
  ASSERT_TRUE(settings) << settings.error().front().text;
  EXPECT_EQ(settings->folder, "/tmp/feed");
  EXPECT_EQ(settings->limits.price, 60.0);
  ASSERT_EQ(settings->sources.size(), 3u);
  const auto& octopus = settings->sources[0];
  EXPECT_EQ(octopus.service, Service::octopus);
  EXPECT_EQ(octopus.gives, FeedKind::export_price);
  EXPECT_EQ(octopus.product, "OUTGOING-VAR-24-10-26");
  EXPECT_EQ(octopus.tariff, "E-1R-OUTGOING-VAR-24-10-26-C");
  EXPECT_EQ(octopus.payment, "NON_DIRECT_DEBIT");
  EXPECT_EQ(octopus.every, 1h);
  const auto& entsoe = settings->sources[1];
  EXPECT_EQ(entsoe.area, "10Y1001A1001A82H");
  EXPECT_EQ(entsoe.sequence, 2u);
  EXPECT_EQ(entsoe.token_file, "/etc/esshub/entsoe-token");
  EXPECT_EQ(entsoe.factor, 1.19);
  EXPECT_EQ(entsoe.surcharge, 0.17);
  EXPECT_EQ(entsoe.server, "http://127.0.0.1:8080");
  EXPECT_EQ(entsoe.authority, "/etc/ssl/own.pem");
  EXPECT_EQ(entsoe.every, 30min);
  const auto& sun = settings->sources[2];
  EXPECT_EQ(sun.gives, FeedKind::solar);
  EXPECT_EQ(sun.latitude, 51.5);
  EXPECT_EQ(sun.longitude, -0.12);
  EXPECT_EQ(sun.tilt, 35.0);
  EXPECT_EQ(sun.azimuth, -90.0);
  EXPECT_EQ(sun.panels.peak_w, 4000.0);
  EXPECT_EQ(sun.panels.efficiency, 0.8);
}

TEST(FeedSettings, NameEveryErrorWithItsLine) {
  EXPECT_THAT(errors(""), ElementsAre("1: source: is missing, expected a list of tables, each "
                                      "written as [[source]]"));
  EXPECT_THAT(errors("folder = \"feed\"\nhighest_price = 0\nfolders = 1\nsource = [1]"),
              ElementsAre("1: folder: is \"feed\", expected an absolute path",
                          "2: highest_price: expected a number above 0, 1000000 at most",
                          "3: folders: unknown key, did you mean folder?",
                          "4: source: expected a table, written as [[source]]"));
  EXPECT_THAT(errors("[[source]]\nservice = \"tibber\""),
              ElementsAre("2: source.service: is \"tibber\", expected one of: octopus, entsoe, "
                          "awattar, open_meteo"));
  EXPECT_THAT(errors("[[source]]\ngives = \"solar\""),
              ElementsAre(HasSubstr("source.service: is missing, expected one of: octopus")));
  EXPECT_THAT(errors("[[source]]\nservice = \"octopus\"\ngives = \"solar\"\nproduct = \"a/b\"\n"
                     "tarif = \"X\"\npayment = \"CASH\"\nevery = \"1 min\""),
              ElementsAre(HasSubstr("1: source.tariff: is missing, expected such as"),
                          "3: source.gives: expected import_price or export_price of this service",
                          "4: source.product: is \"a/b\", expected capital letters, digits and -",
                          HasSubstr("5: source.tarif: unknown key, did you mean tariff?"),
                          "6: source.payment: is \"CASH\", expected DIRECT_DEBIT or "
                          "NON_DIRECT_DEBIT",
                          HasSubstr("7: source.every: is 60000 ms, expected 600000 to")));
  EXPECT_THAT(errors("[[source]]\nservice = \"open_meteo\"\ngives = \"import_price\"\n"
                     "latitude = 91\nlongitude = 0\npeak_w = 0\nfactor = 2"),
              ElementsAre("3: source.gives: expected solar of this service",
                          "4: source.latitude: is 91, expected a number in -90 to 90 degrees",
                          "6: source.peak_w: is 0, expected a number in 1 to 100000 W",
                          HasSubstr("7: source.factor: unknown key")));
  EXPECT_THAT(errors("[[source]]\nservice = \"awattar\"\ngives = \"import_price\"\n"
                     "server = \"ftp://x\"\nfactor = 19\n"
                     "[[source]]\nservice = \"awattar\"\ngives = \"import_price\"\n"
                     "server = \"https://host/path\""),
              ElementsAre(HasSubstr("4: source.server: is \"ftp://x\", expected https://host"),
                          HasSubstr("5: source.factor: is 19, expected a number in 0.5 to 2"),
                          "8: source.gives: import_price is given by another source already "
                          "(line 3)",
                          HasSubstr("9: source.server: is \"https://host/path\"")));
  EXPECT_THAT(errors("[[source]\n"), ElementsAre(HasSubstr("1: not TOML: ")));
}

TEST(FeedSettings, TheExampleIsValid) {
  std::ifstream in{ESSHUB_SOURCE_DIR "/deploy/esshub-feed.example.toml"};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  ASSERT_FALSE(text.empty());
  EXPECT_THAT(errors(text), IsEmpty());
  // What is commented out as well.
  std::string all;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    auto line = text.substr(begin, end - begin);
    if (line.starts_with("#") && !line.starts_with("# ")) line.erase(0, 1);
    all += line + '\n';
    begin = end + 1;
  }
  EXPECT_NE(all, text);
  const auto settings = read_settings(all);
  ASSERT_TRUE(settings) << settings.error().front().text;
  EXPECT_EQ(settings->sources.size(), 3u);
}

}  // namespace
}  // namespace esshub::feed
