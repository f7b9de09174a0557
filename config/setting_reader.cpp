#include "config/setting_reader.hpp"

namespace esshub::config {
namespace {

constexpr std::array<Word<Mode>, 2> modes{
    {{"balance", Mode::balance}, {"scheduled", Mode::scheduled}}};
constexpr std::array<Word<CircuitRole>, 2> roles{
    {{"ev", CircuitRole::ev}, {"heatpump", CircuitRole::heatpump}}};

}  // namespace

bool read_price(TableReader& reader, std::string_view key, std::optional<double>& out) {
  double price = 0.0;
  if (!reader.read(key, price, "the currency per kWh")) return false;
  if (!std::isfinite(price)) {
    reader.complain(key, fmt::format("is {}, expected a price per kWh", price));
    return false;
  }
  out = price;
  return true;
}

bool read_roles(TableReader& reader, std::string_view key, EnumArray<CircuitRole, bool>& out) {
  const auto* node = reader.find(key);
  if (!node) return false;
  out = {};
  out[CircuitRole::other] = true;
  const auto* list = node->as_array();
  bool good = list != nullptr;
  if (list)
    for (const auto& entry : *list) {
      const auto word = entry.value<std::string_view>();
      const auto role = std::ranges::find(roles, word.value_or(""), &Word<CircuitRole>::text);
      good &= role != roles.end();
      if (role != roles.end()) out[role->value] = true;
    }
  if (!good)
    reader.complain(key, "expected a list of circuit roles beside the house: \"ev\", \"heatpump\"");
  return good;
}

bool read_mode(TableReader& reader, std::string_view key, Mode& out) {
  return reader.read(key, out, modes);
}

}  // namespace esshub::config
