#include "model/minute.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <tuple>
#include <vector>

namespace esshub {
namespace {

const WallTime begin{std::chrono::minutes{29000000}};

/// 400 W of house, 1000 W of sun and 600 W into the battery; the site may export 0 W.
View house() {
  View view;
  view.now = Instant{} + 1000s;
  view.wall = begin;
  view.max_age = 3s;
  view.decision.at = view.now;
  view.decision.house = Watts{400};
  view.decision.battery_power = view.decision.proposed = Watts{600};
  view.decision.reasons.add({Cause::self_consumption, {}});
  view.export_cap = Watts{};
  for (const auto& [point, measure, value] : {std::tuple{Point::grid, Measure::power, 0.0},
                                              {Point::solar, Measure::power, 1000.0},
                                              {Point::inverter, Measure::dc_power, 580.0},
                                              {Point::battery, Measure::soc, 55.5}})
    view.snapshot.absorb({{point, measure}, value, view.now});
  return view;
}

void put(View& view, Point point, double power) {
  view.snapshot.absorb({{point, Measure::power}, power, view.now});
}

/// One View a second, `first` of them as `change` makes them.
Minute minute(int first, const std::function<void(View&)>& change) {
  MinuteMeans means;
  for (int second = 0; second < 60; ++second) {
    View view = house();
    view.wall = begin + std::chrono::seconds{second} + std::chrono::milliseconds{900};
    if (second < first) change(view);
    means.add(view);
  }
  return means.minute(begin);
}

TEST(Minute, IsTheMeanOfWhatWasCurrent) {
  const auto m = minute(15, [](View& v) {
    v.decision.house = Watts{800};
    put(v, Point::grid, 2000);
    put(v, Point::solar, 0);
  });
  EXPECT_EQ(m.begin, begin);
  EXPECT_EQ(m.house_w, 500.0);
  EXPECT_EQ(m.grid_w, 500.0);
  EXPECT_EQ(m.solar_w, 750.0);
  EXPECT_EQ(m.battery_w, 580.0);
  EXPECT_EQ(m.soc, 55.5);
  EXPECT_TRUE(m.circuits_w.empty());
  EXPECT_EQ(m.circuit_w(0), std::nullopt);
  EXPECT_FALSE(m.curtailed);
  EXPECT_FALSE(m.islanded);
}

TEST(Minute, HasTheCircuitsThatWereKnownInHalfOfItsSeconds) {
  const auto with = [](int seconds) {
    return minute(seconds, [](View& v) { put(v, circuit(2), -60); }).circuits_w;
  };
  using Circuits = std::vector<std::optional<double>>;
  EXPECT_EQ(with(29), Circuits{});
  EXPECT_EQ(with(30), (Circuits{std::nullopt, std::nullopt, -60.0}));
  EXPECT_EQ(with(60), (Circuits{std::nullopt, std::nullopt, -60.0}));
  const auto m = minute(60, [](View& v) {
    put(v, circuit(0), 0);
    put(v, circuit(9), 100);
  });
  EXPECT_EQ(m.circuit_w(0), 0.0);
  EXPECT_EQ(m.circuit_w(1), std::nullopt);
  EXPECT_EQ(m.circuit_w(9), 100.0);
  EXPECT_EQ(m.circuit_w(10), std::nullopt);
}

TEST(Minute, OfNothingIsEmpty) {
  EXPECT_TRUE(MinuteMeans{}.minute(begin).empty());
  EXPECT_TRUE(minute(60, [](View& v) { v = View{}; }).empty());
  const auto only = [](Point point, Measure measure) {
    return minute(60, [&](View& v) {
      v.decision = {};
      v.snapshot = {};
      v.snapshot.absorb({{point, measure}, 1.0, v.now});
    });
  };
  for (const Point point : {Point::grid, Point::solar, circuit(0), circuit(9)})
    EXPECT_FALSE(only(point, Measure::power).empty()) << name(point);
  EXPECT_FALSE(only(Point::battery, Measure::soc).empty());
  EXPECT_FALSE(only(Point::inverter, Measure::dc_power).empty());
  EXPECT_FALSE(minute(60, [](View& v) { v.snapshot = {}; }).empty()) << "the house";
}

TEST(Minute, IsPartialWhereHouseOrSunWasKnownInLessThanHalfOfItsSeconds) {
  for (const int unknown : {0, 1, 30, 31, 59, 60}) {
    const bool partial = unknown > 30 && unknown < 60;
    const auto without_sun = [](View& v) { v.snapshot = {}; };
    EXPECT_EQ(minute(unknown, without_sun).partial, partial) << unknown;
    const auto without_house = [](View& v) { v.decision.house.reset(); };
    EXPECT_EQ(minute(unknown, without_house).partial, partial) << unknown;
    const auto stale = [](View& v) { v.decision.at -= 4s; };
    EXPECT_EQ(minute(unknown, stale).partial, partial) << unknown;
  }
  const auto without_battery = [](View& v) {
    v.snapshot = {};
    put(v, Point::solar, 1000);
  };
  EXPECT_FALSE(minute(59, without_battery).partial) << "no day's pattern";
  EXPECT_FALSE(minute(29, [](View& v) { put(v, circuit(9), 10); }).partial);
}

TEST(Minute, ManyViewsOfOneSecondAreOneSecond) {
  MinuteMeans means;
  for (int n = 0; n < 290; ++n) {
    View view = house();
    view.wall += std::chrono::milliseconds{100 * n};
    means.add(view);
  }
  EXPECT_TRUE(means.minute(begin).partial) << "29 s";
}

TEST(Minute, IsIslandedIfItWasAtAnyTime) {
  const auto islanded = [](View& v) { v.decision.faults.set(Fault::islanded, true, v.now); };
  EXPECT_TRUE(minute(1, islanded).islanded);
  EXPECT_FALSE(minute(0, islanded).islanded);
  EXPECT_FALSE(minute(60, [](View& v) {
                 v.decision.faults.set(Fault::backup_cutoff, true, v.now);
               }).islanded);
}

TEST(Minute, IsCurtailedIfItWasInHalfOfItsSeconds) {
  const auto full = [](View& v) { v.decision.battery_power = Watts{}; };
  EXPECT_FALSE(minute(29, full).curtailed);
  EXPECT_TRUE(minute(30, full).curtailed);
}

/// With what is changed in a house that exports at its cap beside a full battery.
bool curtailed(const std::function<void(View&)>& change) {
  View view = house();
  view.decision.battery_power = Watts{};
  change(view);
  return curtailed(view);
}

TEST(Curtailed, WhereWhatIsExportedStandsAtTheCap) {
  EXPECT_TRUE(curtailed([](View&) {}));
  EXPECT_FALSE(curtailed([](View& v) { v.export_cap.reset(); }));
  const auto at = [](double cap, double grid) {
    return curtailed([&](View& v) {
      v.export_cap = Watts{cap};
      put(v, Point::grid, grid);
    });
  };
  EXPECT_TRUE(at(0, 50));
  EXPECT_FALSE(at(0, 51));
  EXPECT_TRUE(at(4000, -3750));
  EXPECT_FALSE(at(4000, -3749));
  EXPECT_TRUE(at(4000, -5000)) << "nobody holds it back yet";
}

TEST(Curtailed, NotWhereNobodyKnows) {
  EXPECT_FALSE(curtailed([](View& v) { v.decision.at -= 4s; }));
  EXPECT_FALSE(curtailed([](View& v) {
    v.snapshot = {};
    put(v, Point::solar, 1000);
  }));
  EXPECT_FALSE(curtailed([](View& v) {
    v.snapshot = {};
    put(v, Point::grid, 0);
  }));
}

TEST(Curtailed, NotAtNight) {
  EXPECT_TRUE(curtailed([](View& v) { put(v, Point::solar, 50); }));
  EXPECT_FALSE(curtailed([](View& v) { put(v, Point::solar, 49); }));
}

TEST(Curtailed, NotWhereTheBatteryTakesWhatIsLeftOrGives) {
  const auto told = [](Cause target, double proposed, double power) {
    return curtailed([&](View& v) {
      v.decision.reasons = {};
      v.decision.reasons.add({target, {}});
      v.decision.proposed = Watts{proposed};
      v.decision.battery_power = Watts{power};
    });
  };
  EXPECT_FALSE(told(Cause::self_consumption, 600, 600));
  EXPECT_FALSE(told(Cause::export_charge, 600, 600));
  EXPECT_TRUE(told(Cause::self_consumption, 1600, 600)) << "it is nearly full";
  EXPECT_TRUE(told(Cause::self_consumption, 0, 0)) << "it keeps its charge";
  EXPECT_TRUE(told(Cause::charge, 600, 600)) << "so much, whatever is left";
  EXPECT_FALSE(told(Cause::discharge, -600, -600)) << "what is exported is the battery's";
  EXPECT_TRUE(curtailed([](View& v) {
    v.decision.reasons = {};
    v.decision.battery_power = v.decision.proposed = Watts{600};
  }));
}

}  // namespace
}  // namespace esshub
