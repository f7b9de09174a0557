#include "sim/plant/plant.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "sim/command.hpp"
#include "tests/sim/plant_model.hpp"

namespace esshub::sim {
namespace {

using protocol::Bytes;

TEST_F(PlantModel, ARequestIsHeardWhenItsLastByteHasArrived) {
  send(Bus::meters, "12345678", start);
  plant.advance_to(start + 1s);
  ASSERT_EQ(devices.meters->heard_at.size(), 1u);
  EXPECT_EQ(devices.meters->heard_at[0], start + 8'333'333ns);
}

TEST_F(PlantModel, AnAnswerComesAfterTheDevicesDelayAtTheWiresSpeed) {
  send(Bus::meters, "12345678", start);
  const auto answer_starts = start + 8'333'333ns + 40ms;
  EXPECT_EQ(receive(Bus::meters, answer_starts + 1'041'665ns), "");
  EXPECT_EQ(receive(Bus::meters, answer_starts + 1'041'666ns).size(), 1u);
  EXPECT_FALSE(receive(Bus::meters, answer_starts + 20ms).empty());
}

TEST_F(PlantModel, NextEventLeadsThroughAConversation) {
  send(Bus::inverter, "S-500", start);
  std::string text;
  int events = 0;
  for (auto t = plant.next_event(); t < start + 500ms && ++events < 100; t = plant.next_event()) {
    plant.advance_to(t);
    text += receive(Bus::inverter, t);
    if (!text.empty() && text.back() == '\n') break;
  }
  EXPECT_EQ(text.back(), '\n');
  EXPECT_LT(events, 20);
  EXPECT_EQ(plant.house().command().setpoint, -500.0_W);
  plant.advance_to(plant.now() + 3s);
  EXPECT_NEAR(plant.house().inverter_truth().ac_in.value(), -500.0, 1.0);
}

TEST_F(PlantModel, FollowsItsProfilesAndWhatOverridesThem) {
  PlantSettings settings;
  settings.load = [](Duration t) { return t < 10s ? 100.0_W : 900.0_W; };
  settings.solar = [](Duration) { return 50.0_W; };
  Plant house{settings, makers(), start};
  house.advance_to(start + 5s);
  EXPECT_EQ(house.house().truth().load, 100.0_W);
  EXPECT_EQ(house.house().truth().solar, 50.0_W);
  house.advance_to(start + 15s);
  EXPECT_EQ(house.house().truth().load, 900.0_W);
  house.set_load(400.0_W);
  house.advance_to(start + 16s);
  EXPECT_EQ(house.house().truth().load, 400.0_W);
  house.set_load(std::nullopt);
  house.advance_to(start + 17s);
  EXPECT_EQ(house.house().truth().load, 900.0_W);
  EXPECT_EQ(house.house().truth().since_start, 17s);
}

TEST_F(PlantModel, ActionsRunAtTheirTime) {
  std::vector<Instant> ran;
  plant.at(start + 1500ms, [&](Plant& p) { ran.push_back(p.now()); });
  plant.at(start + 500ms, [&](Plant& p) { ran.push_back(p.now()); });
  EXPECT_EQ(plant.next_event(), start + 500ms);
  plant.advance_to(start + 2s);
  EXPECT_EQ(ran, (std::vector{start + 500ms, start + 1500ms}));
}

TEST_F(PlantModel, AStuckBusAnswersWithOldValues) {
  plant.set_load(500.0_W);
  plant.advance_to(start + 5s);
  plant.set_fault(Bus::meters, {.kind = FaultKind::stuck});
  const double before = ask(Bus::meters);
  plant.set_load(2000.0_W);
  plant.advance_to(plant.now() + 5s);
  EXPECT_EQ(ask(Bus::meters), before);
  plant.set_fault(Bus::meters, {});
  EXPECT_NEAR(ask(Bus::meters), 2004.4, 2.0);
}

TEST_F(PlantModel, AnOffBusSaysNothing) {
  plant.set_fault(Bus::battery, {.kind = FaultKind::off});
  EXPECT_TRUE(std::isnan(ask(Bus::battery)));
  plant.set_fault(Bus::battery, {});
  EXPECT_NEAR(ask(Bus::battery), 50.0, 0.01);
}

TEST_F(PlantModel, ASlowBusAnswersLaterButHearsAtOnce) {
  plant.set_fault(Bus::meters, {.kind = FaultKind::slow, .delay = 300ms});
  send(Bus::meters, "12345678", start);
  EXPECT_EQ(receive(Bus::meters, start + 348ms), "");
  EXPECT_EQ(devices.meters->heard_at[0], start + 8'333'333ns);
  EXPECT_NE(receive(Bus::meters, start + 400ms), "");
}

TEST_F(PlantModel, TheCanAdapterStartsAnewWhenPluggedInAgain) {
  plant.set_fault(Bus::battery, {.kind = FaultKind::unplug});
  EXPECT_TRUE(std::isnan(ask(Bus::battery)));
  EXPECT_EQ(devices.battery->starts, 1);
  plant.set_fault(Bus::battery, {});
  EXPECT_EQ(devices.battery->starts, 2);
  EXPECT_NEAR(ask(Bus::battery), 50.0, 0.01);
  plant.set_fault(Bus::meters, {.kind = FaultKind::unplug});
  plant.set_fault(Bus::meters, {});
  EXPECT_EQ(devices.meters->starts, 1) << "meters have their own supply";
}

TEST_F(PlantModel, MetersFallSilentInAPowerCut) {
  plant.house().set_grid(false);
  EXPECT_TRUE(std::isnan(ask(Bus::meters)));
  EXPECT_NEAR(ask(Bus::battery), 50.0, 0.01);
  plant.house().set_grid(true);
  EXPECT_FALSE(std::isnan(ask(Bus::meters)));
}

TEST_F(PlantModel, MetersWithTheirOwnSupplyAnswerInAPowerCut) {
  PlantSettings settings;
  settings.meters_live_without_grid = true;
  Plant house{settings, makers(), start};
  house.house().set_grid(false);
  house.to_device(Bus::meters, protocol::to_bytes("?"), start);
  EXPECT_FALSE(house.from_device(Bus::meters, start + 1s).empty());
}

TEST_F(PlantModel, NeverGoesBackInTime) {
  plant.advance_to(start + 10s);
  plant.advance_to(start + 5s);
  EXPECT_EQ(plant.now(), start + 10s);
  EXPECT_GE(plant.next_event(), plant.now());
}

TEST_F(PlantModel, TheSameSeedAndTheSameCommandsGiveTheSameBytes) {
  const auto play = [this](std::uint64_t seed) {
    PlantSettings settings;
    settings.seed = seed;
    settings.house.seed = seed;
    Plant house{settings, makers(), start};
    house.set_fault(Bus::meters, {.kind = FaultKind::garbage, .percent = 5.0});
    Bytes all;
    for (int i = 0; i < 20; ++i) {
      house.to_device(Bus::meters, protocol::to_bytes("read"), start + i * 100ms);
      const auto bytes = house.from_device(Bus::meters, start + i * 100ms + 90ms);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
  };
  EXPECT_EQ(play(1), play(1));
  EXPECT_NE(play(1), play(2));
}

}  // namespace
}  // namespace esshub::sim
