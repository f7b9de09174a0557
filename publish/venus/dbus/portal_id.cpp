#include "publish/venus/dbus/portal_id.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace esshub::publish {
namespace {

constexpr std::size_t digits = 12;

std::string first_line(const std::filesystem::path& file) {
  std::string line;
  std::getline(std::ifstream{file}, line);
  return line;
}

/// Empty if the interface has none.
std::string address_of(const std::string& interface) {
  auto address = first_line("/sys/class/net/" + interface + "/address");
  std::erase(address, ':');
  return address.size() == digits && address != std::string(digits, '0') ? address : "";
}

}  // namespace

std::string portal_id() {
  std::vector<std::string> interfaces;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{"/sys/class/net", error})
    interfaces.push_back(entry.path().filename());
  std::ranges::sort(interfaces);
  interfaces.insert(interfaces.begin(), "eth0");
  for (const auto& interface : interfaces)
    if (auto address = address_of(interface); !address.empty()) return address;
  auto machine = first_line("/etc/machine-id");
  machine.resize(digits, '0');
  return machine;
}

}  // namespace esshub::publish
