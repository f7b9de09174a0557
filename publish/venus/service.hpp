// The Venus services of this installation: names, instances and the paths that every device has.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "publish/venus/tree.hpp"

namespace esshub::publish {

/// Who publishes. The rows made of it refer to its strings.
struct VenusIdentity {
  std::string portal_id;  ///< 12 hexadecimal digits, lower case
  std::string site_name;
  std::string version;  ///< of the program
  bool grid = true;     ///< the class "grid" is published: the system names it as its AC input
};

struct VenusService {
  std::string_view service;   ///< class: third element of the bus name, and of MQTT topics
  std::string_view bus_name;  ///< unique on D-Bus
  std::int32_t instance;      ///< unique per class, the same for ever
};

/// All of them, in the order of the tree.
[[nodiscard]] std::span<const VenusService> venus_services();
[[nodiscard]] const VenusService* find_service(std::string_view service);

/// The tree of the View and, before each service's rows, what a device must say of itself
/// (reference: venus-dbus-mqtt#1.5). Numbers are rounded to 0.001: what changes less has
/// not changed. Always the same rows in the same order; valid as long as `identity`.
[[nodiscard]] std::vector<VenusRow> venus_items(const VenusIdentity& identity, const View& view);

/// For a person: "230.1V", "54%", "---" when invalid.
[[nodiscard]] std::string venus_text(const VenusRow& row);

}  // namespace esshub::publish
