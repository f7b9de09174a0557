#include "config/time_zone.hpp"

#include <date/tz.h>

#include <exception>
#include <fstream>
#include <string_view>

namespace esshub::config {
namespace {

/// The last line of a zone's file is its rule (RFC 8536 section 3.3); nothing where it has none.
std::optional<civil_time::ZoneRule> read_rule(const std::string& name) {
  std::ifstream in{"/usr/share/zoneinfo/" + name, std::ios::binary};
  std::string line;
  std::string last;
  while (std::getline(in, line)) last = line;
  return civil_time::ZoneRule::parse(last);
}

}  // namespace

Result<civil_time::Zone> load_time_zone(const std::string& name) {
  if (name == "Etc/UTC" || name == "UTC") return civil_time::Zone::utc();
  try {
    const date::time_zone* listed = date::locate_zone(name);
    // Reads the list of clock changes.
    static_cast<void>(listed->get_info(std::chrono::sys_seconds{}));
    return civil_time::Zone{*listed, read_rule(name)};
  } catch (const std::exception& e) {
    return fail(ErrorKind::invalid, "time zone \"" + name + "\": " + e.what());
  }
}

}  // namespace esshub::config
