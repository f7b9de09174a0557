#include "sim/make_plant.hpp"

#include <ostream>
#include <utility>

#include "sim/command.hpp"

namespace esshub::sim {

std::optional<Traces> read_traces(const TraceFiles& files, std::ostream& err) {
  bool good = true;
  const auto read = [&](const std::filesystem::path& file, auto reader, double step_seconds) {
    std::optional<Trace> out;
    if (file.empty()) return out;
    auto trace = reader(file);
    if (trace) {
      out = std::move(*trace);
      out->step = as_duration(Seconds{step_seconds});
    } else {
      err << trace.error() << '\n';
      good = false;
    }
    return out;
  };
  Traces traces{read(files.load, read_load_trace, files.load_step_seconds),
                read(files.sun, read_sun_trace, files.sun_step_seconds)};
  return good ? std::optional{std::move(traces)} : std::nullopt;
}

std::unique_ptr<Plant> make_plant(const Scenario& scenario, const Traces& traces, Instant start) {
  PlantSettings settings;
  settings.seed = scenario.seed;
  settings.house = scenario.house;
  settings.house.seed = scenario.seed;
  if (scenario.meter_wire)
    settings.wires[static_cast<std::size_t>(Bus::meters)] = *scenario.meter_wire;
  settings.meters_live_without_grid = scenario.meters_live_without_grid;
  settings.load = [trace = traces.load, fixed = scenario.load, offset = scenario.load_offset](
                      Duration t) { return trace ? Watts{trace->held(offset + t)} : fixed; };
  settings.solar = [trace = traces.sun, fixed = scenario.solar, offset = scenario.solar_offset,
                    kwp = scenario.kwp](Duration t) {
    return trace ? Watts{kwp * trace->between(offset + t)} : fixed;
  };

  DeviceMakers makers;
  makers.meters = [&](const MeterTruth& main, const MeterTruth& battery) {
    return make_fake_meters({{.unit = 1,
                              .model = protocol::MeterModel::sdm630,
                              .truth = &main,
                              .turnaround = scenario.meter_turnaround},
                             {.unit = 244,
                              .model = protocol::MeterModel::sdm120,
                              .truth = &battery,
                              .turnaround = scenario.meter_turnaround}});
  };
  makers.battery = [&](const BatteryTruth& truth) {
    return make_fake_battery(truth, scenario.battery);
  };
  makers.inverter = [&](const InverterTruth& truth, InverterCommand& command) {
    auto options = scenario.inverter;
    options.seed = scenario.seed;
    return make_fake_multiplus(truth, command, options);
  };

  auto plant = std::make_unique<Plant>(settings, makers, start);
  for (const auto& event : scenario.events)
    plant->at(start + event.at, [command = event.command](Plant& p) { (void)answer(p, command); });
  return plant;
}

}  // namespace esshub::sim
