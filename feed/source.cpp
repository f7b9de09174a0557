#include "feed/source.hpp"

#include <array>
#include <cstdio>

#include "feed/awattar.hpp"
#include "feed/octopus.hpp"
#include "model/enums.hpp"

namespace esshub::feed {
namespace {

constexpr UnixSeconds hour = 3600;

constexpr std::array<ServiceFacts, enum_count<Service>> services{
    {{Service::octopus, "https://api.octopus.energy", 10min},
     {Service::entsoe, "https://web-api.tp.entsoe.eu", 10min},
     {Service::awattar, "https://api.awattar.de", 15min},
     {Service::open_meteo, "https://api.open-meteo.com", 30min}}};
static_assert([] {
  for (std::size_t n = 0; n < services.size(); ++n)
    if (index(services[n].id) != n) return false;
  return true;
}());

/// "202611282300"
std::string digits(UnixSeconds moment) {
  std::string text = utc_text(moment);
  std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
  return text.substr(0, 12);
}

/// Of a place or an angle: a hundredth of a degree is a kilometre, and no source knows more.
std::string degrees(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

}  // namespace

std::string_view name(Service service) {
  return enum_name(service);
}

const ServiceFacts& facts_of(Service service) {
  return services.at(index(service));
}

Wanted wanted_now(const Source& source, UnixSeconds now, const service::FeedLimits& limits) {
  Wanted wanted;
  wanted.kind = source.gives;
  wanted.from = now - now % hour - 24 * hour;
  wanted.to = wanted.from + 4 * 24 * hour;
  wanted.issued = now;
  // A forecast a day old is worse than the house's own days.
  if (source.gives == FeedKind::solar) wanted.valid_until = now + 24 * hour;
  wanted.factor = source.factor;
  wanted.surcharge = source.surcharge;
  wanted.limits = limits;
  return wanted;
}

std::string request_path(const Source& source, const Wanted& wanted, int page,
                         const std::string& token) {
  switch (source.service) {
    case Service::octopus:
      return "/v1/products/" + source.product + "/electricity-tariffs/" + source.tariff +
             "/standard-unit-rates/?page_size=1500&page=" + std::to_string(page) +
             "&period_from=" + utc_text(wanted.from) + "&period_to=" + utc_text(wanted.to);
    case Service::entsoe:
      return "/api?securityToken=" + token + "&documentType=A44&in_Domain=" + source.area +
             "&out_Domain=" + source.area + "&periodStart=" + digits(wanted.from) +
             "&periodEnd=" + digits(wanted.to);
    case Service::awattar:
      return "/v1/marketdata?start=" + std::to_string(wanted.from * 1000) +
             "&end=" + std::to_string(wanted.to * 1000);
    case Service::open_meteo:
      return "/v1/forecast?latitude=" + degrees(source.latitude) +
             "&longitude=" + degrees(source.longitude) +
             "&minutely_15=global_tilted_irradiance&tilt=" + degrees(source.tilt) +
             "&azimuth=" + degrees(source.azimuth) +
             "&timezone=UTC&timeformat=unixtime&past_days=1&forecast_days=3";
  }
  return "/";
}

Result<bool> has_next_page(const Source& source, const std::string& page) {
  if (source.service == Service::octopus) return octopus_has_next(page);
  return false;
}

Result<Feed> convert(const Source& source, std::span<const std::string> pages,
                     const Wanted& wanted) {
  if (pages.empty()) return fail(ErrorKind::invalid, "has no page");
  switch (source.service) {
    case Service::octopus:
      return octopus(pages, source.tariff, source.payment, wanted);
    case Service::entsoe:
      return entsoe(pages.front(), source.sequence, wanted);
    case Service::awattar:
      return awattar(pages.front(), wanted);
    case Service::open_meteo:
      return open_meteo(pages.front(), source.panels, wanted);
  }
  return fail(ErrorKind::invalid, "is of no service");
}

}  // namespace esshub::feed
