// Source: what is fetched from whom: its requests as text, and its documents as a feed.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "feed/entsoe.hpp"
#include "feed/open_meteo.hpp"
#include "feed/wanted.hpp"
#include "model/time.hpp"

namespace esshub::feed {

enum class Service : std::uint8_t { octopus, entsoe, awattar, open_meteo };

/// As it stands in the configuration.
[[nodiscard]] std::string_view name(Service service);

struct ServiceFacts {
  Service id;
  const char* server;          ///< unless another one is configured
  std::chrono::seconds least;  ///< between two requests: what its terms or its users ask for
};
[[nodiscard]] const ServiceFacts& facts_of(Service service);

struct Source {
  Service service = Service::octopus;
  FeedKind gives = FeedKind::import_price;
  std::string server{};     ///< http(s)://host:port; empty: the service's own
  std::string authority{};  ///< PEM of who signed its certificate; empty: whom the machine trusts
  Duration every = 30min;
  double factor = 1.0;     ///< see Wanted
  double surcharge = 0.0;  ///< see Wanted
  // octopus
  std::string product{};
  std::string tariff{};
  std::string payment = "DIRECT_DEBIT";
  // entsoe
  std::string area{};
  AuctionSequence sequence = 1;
  std::string token_file{};
  // open_meteo
  double latitude = 0.0;
  double longitude = 0.0;
  double tilt = 30.0;
  double azimuth = 0.0;
  Panels panels{};
};

/// From a day ago until the end of what is ever told, by whole hours.
[[nodiscard]] Wanted wanted_now(const Source& source, UnixSeconds now,
                                const service::FeedLimits& limits);

/// The path of a request, from its slash; `page` counts from 1. `token` is a secret.
[[nodiscard]] std::string request_path(const Source& source, const Wanted& wanted, int page,
                                       const std::string& token);
/// Whether there is a page behind this one.
[[nodiscard]] Result<bool> has_next_page(const Source& source, const std::string& page);
[[nodiscard]] Result<Feed> convert(const Source& source, std::span<const std::string> pages,
                                   const Wanted& wanted);

}  // namespace esshub::feed
