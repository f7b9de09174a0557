#include "feed/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "model/enums.hpp"
#include "tests/feed/documents.hpp"

namespace esshub::feed {
namespace {

using testing::HasSubstr;
using tests::at_23;
using tests::document;
using tests::hour;

const service::FeedLimits limits{};

Source source_of(Service service) {
  Source source;
  source.service = service;
  source.product = "AGILE-24-10-01";
  source.tariff = "E-1R-AGILE-24-10-01-C";
  source.area = "10Y1001A1001A82H";
  source.latitude = 51.50741;
  source.longitude = -0.12777;
  source.tilt = 35.0;
  source.azimuth = -90.0;
  source.panels = {4000.0, 0.8};
  if (service == Service::open_meteo) source.gives = FeedKind::solar;
  return source;
}

std::string path(Service service, int page = 1) {
  const auto source = source_of(service);
  return request_path(source, wanted_now(source, at_23 + 1799, limits), page, "TOKEN");
}

TEST(Source, AsksFromADayAgoOnByWholeHours) {
  const auto wanted = wanted_now(source_of(Service::octopus), at_23 + 3599, {.price = 7.0});
  EXPECT_EQ(wanted.from, at_23 - 24 * hour);
  EXPECT_EQ(wanted.to, at_23 + 72 * hour);
  EXPECT_EQ(wanted.issued, at_23 + 3599);
  EXPECT_EQ(wanted.valid_until, 0);
  EXPECT_EQ(wanted.limits.price, 7.0);
  EXPECT_EQ(wanted_now(source_of(Service::open_meteo), at_23 + 7, limits).valid_until,
            at_23 + 7 + 24 * hour);
}

TEST(Source, TheRequestsAreThoseOfTheServices) {
  EXPECT_EQ(path(Service::octopus, 2),
            "/v1/products/AGILE-24-10-01/electricity-tariffs/E-1R-AGILE-24-10-01-C/"
            "standard-unit-rates/?page_size=1500&page=2&period_from=2026-11-27T23:00:00Z&"
            "period_to=2026-12-01T23:00:00Z");
  EXPECT_EQ(path(Service::entsoe),
            "/api?securityToken=TOKEN&documentType=A44&in_Domain=10Y1001A1001A82H&"
            "out_Domain=10Y1001A1001A82H&periodStart=202611272300&periodEnd=202612012300");
  EXPECT_EQ(path(Service::awattar), "/v1/marketdata?start=1795820400000&end=1796166000000");
  EXPECT_EQ(path(Service::open_meteo),
            "/v1/forecast?latitude=51.51&longitude=-0.13&minutely_15=global_tilted_irradiance&"
            "tilt=35.00&azimuth=-90.00&timezone=UTC&timeformat=unixtime&past_days=1&"
            "forecast_days=3");
}

TEST(Source, ItsDocumentsAreReadByItsOwnConverter) {
  const std::vector<std::pair<Service, std::string>> documents{
      {Service::octopus, "octopus-agile-2.json"},
      {Service::entsoe, "entsoe-a03.xml"},
      {Service::awattar, "awattar.json"},
      {Service::open_meteo, "open-meteo.json"}};
  ASSERT_EQ(documents.size(), enum_count<Service>);
  for (const auto& [service, file] : documents) {
    auto source = source_of(service);
    source.factor = service == Service::open_meteo ? 1.0 : 2.0;
    const auto wanted = wanted_now(source, at_23, limits);
    const std::vector<std::string> pages{document(file)};
    const auto feed = convert(source, pages, wanted);
    ASSERT_TRUE(feed) << file << ": " << feed.error().detail;
    EXPECT_EQ(feed->kind, source.gives);
    EXPECT_FALSE(convert(source, {}, wanted));
    EXPECT_EQ(has_next_page(source, document("octopus-agile-1.json")), service == Service::octopus);
  }
}

TEST(Source, NoServiceIsAskedMoreOftenThanItAllows) {
  for (const auto service : enum_values<Service>) {
    EXPECT_EQ(facts_of(service).id, service);
    EXPECT_GE(facts_of(service).least, 10min);
    EXPECT_THAT(facts_of(service).server, testing::StartsWith("https://"));
  }
  EXPECT_GE(facts_of(Service::awattar).least * 100, 24h) << "a hundred a day";
}

}  // namespace
}  // namespace esshub::feed
