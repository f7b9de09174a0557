#include <set>

#include "tests/publish/mqtt/session.hpp"

namespace esshub::publish {
namespace {

TEST_F(Home, OneMessageDescribesTheDevice) {
  const auto json = device();
  EXPECT_EQ(json["device"]["name"], "cottage");
  EXPECT_EQ(json["device"]["identifiers"], Json::array({"esshub_0242ac110002"}));
  EXPECT_EQ(json["origin"]["name"], "esshub");
  std::set<std::string> unique;
  for (const auto& [id, component] : json["components"].items()) {
    EXPECT_TRUE(unique.insert(component["unique_id"]).second) << id;
    EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
    EXPECT_TRUE(component.contains("platform")) << id;
    EXPECT_EQ(component["availability"][0]["topic"], "esshub/0242ac110002/availability") << id;
  }
}

TEST_F(Home, EnergyIsTotalIncreasingAndEveryStateExpires) {
  const auto components = device()["components"];
  int energies = 0;
  for (const auto& [id, component] : components.items()) {
    const auto platform = component["platform"];
    if (platform != "sensor" && platform != "binary_sensor") continue;
    EXPECT_EQ(component["expire_after"], 15) << id;
    EXPECT_EQ(component["availability_mode"], "all") << id;
    const auto is_energy = component.value("device_class", "") == "energy";
    EXPECT_EQ(component.value("state_class", "") == "total_increasing", is_energy) << id;
    if (is_energy) {
      EXPECT_EQ(component["unit_of_measurement"], "kWh") << id;
    }
    if (component.value("device_class", "") == "enum") {
      EXPECT_FALSE(component["options"].empty()) << id;
    }
    energies += is_energy;
  }
  EXPECT_EQ(energies, static_cast<int>(enum_count<Flow>));
  EXPECT_EQ(components["grid_power"]["availability"][1]["topic"],
            "esshub/0242ac110002/source/meter");
}

TEST_F(Home, DiscoveryGivesTheRangesOfTheTable) {
  const auto all = said();
  const auto config =
      nlohmann::json::parse(all.at("homeassistant/device/esshub_0242ac110002/config"));
  for (const auto& [id, limit] : {std::pair{"reserve", OrderLimitId::reserve},
                                  {"override_power", OrderLimitId::power},
                                  {"override_minutes", OrderLimitId::override_length}}) {
    const auto& number = config["components"][id];
    EXPECT_EQ(number["min"], order_limit(limit).least) << id;
    EXPECT_EQ(number["max"], order_limit(limit).most) << id;
    EXPECT_EQ(number["step"], order_limit(limit).step) << id;
  }
}

}  // namespace
}  // namespace esshub::publish
