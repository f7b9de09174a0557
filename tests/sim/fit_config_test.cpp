#include "sim/fit_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "sim/hub_config.hpp"

namespace esshub::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string own_config = hub_config("/run/house", "127.0.0.1:9750", "");

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

auto fit(const std::string& text) {
  const auto settings = config::parse_config(text);
  EXPECT_TRUE(settings) << settings.error().front().text;
  return fit_config(*settings);
}

TEST(FitConfig, TheSimulatorsOwnFits) {
  const auto fitted = fit(replaced(own_config, "baud = 9600", "baud = 19200\nparity = \"even\"") +
                          "[battery]\nreserve = 33\n");
  ASSERT_TRUE(fitted);
  EXPECT_THAT(fitted->notes, IsEmpty());
  EXPECT_EQ(fitted->loop.control.reserve, 33.0_soc);
  EXPECT_EQ(fitted->meter_wire.baud, 19200u);
  EXPECT_EQ(fitted->meter_wire.bits_per_character, 11u);
}

TEST(FitConfig, SaysWhatIsSimulatedInAnotherWay) {
  const auto can = replaced(own_config, "port = \"/run/house/battery\"", "can = \"can0\"");
  const auto fitted = fit(replaced(can, "baud = 9600", "mode = \"sniff\""));
  ASSERT_TRUE(fitted);
  EXPECT_THAT(fitted->notes, ElementsAre(HasSubstr("bus meters: polled by the hub"),
                                         HasSubstr("bus battery: CAN by an SLCAN adapter")));
  EXPECT_EQ(fitted->loop.battery.framing, protocol::CanFraming::slcan);
  EXPECT_EQ(fitted->loop.meters.mode, protocol::ModbusMode::poll);
}

TEST(FitConfig, NamesEveryMeterTheHouseDoesNotHave) {
  const auto moved = replaced(own_config, "unit = 244", "unit = 9");
  const auto fitted =
      fit(replaced(moved, "measures = \"solar\"", "invert = true, measures = \"solar\""));
  ASSERT_FALSE(fitted);
  EXPECT_THAT(
      fitted.error(),
      ElementsAre(HasSubstr("meter main: phase 2 measures inverted solar; the simulated"),
                  HasSubstr("meter battery: is an sdm120 at unit 9; the simulated house has")));
}

}  // namespace
}  // namespace esshub::sim
