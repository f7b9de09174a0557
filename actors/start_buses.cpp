#include "actors/start_buses.hpp"

#include <algorithm>
#include <utility>

#include "actors/bus_actor.hpp"
#include "config/bus_kinds.hpp"
#include "transport/make_line.hpp"

namespace esshub::actors {
namespace {

using config::BusSettings;

bool takes_setpoints(const BusSettings& bus) {
  return config::takes_setpoints(bus.driver);
}

}  // namespace

std::optional<Error> unwirable(const std::vector<BusSettings>& buses) {
  for (auto bus = buses.begin(); bus != buses.end(); ++bus)
    if (std::any_of(buses.begin(), bus, [&](const auto& other) { return other.name == bus->name; }))
      return Error{ErrorKind::invalid, "two buses are called \"" + bus->name + "\""};
  if (std::count_if(buses.begin(), buses.end(), takes_setpoints) > 1)
    return Error{ErrorKind::invalid,
                 "more than one bus has an inverter: only one can be commanded"};
  return std::nullopt;
}

std::vector<std::shared_ptr<BusChannel>> start_buses(const config::HubSettings& settings,
                                                     const EventSink& events,
                                                     std::vector<SupervisedPart>& parts) {
  using Role = service::Supervision::Role;
  std::vector<std::shared_ptr<BusChannel>> channels;
  for (const auto& bus : settings.buses) {
    const bool vital = config::is_vital(bus.driver);
    const auto channel = channels.emplace_back(std::make_shared<BusChannel>(bus.name));
    const BusDeps deps{.channel = channel,
                       .make_line =
                           [line = bus.line](auto& io, auto call) {
                             return transport::make_line(io, line, std::move(call));
                           },
                       .make_driver = [driver = bus.driver] { return config::make_driver(driver); },
                       .realtime = settings.realtime && vital,
                       .events = events};
    parts.push_back({.name = "bus." + bus.name,
                     .role = vital ? Role::vital_bus : Role::bus,
                     .spawn = [deps](auto& system) { return spawn_bus(system, deps); },
                     .heartbeat = {channel, &channel->heartbeat},
                     .bus = channel});
  }
  return channels;
}

std::shared_ptr<BusChannel> inverter_of(const config::HubSettings& settings,
                                        const std::vector<std::shared_ptr<BusChannel>>& channels) {
  const auto inverter = std::ranges::find_if(settings.buses, takes_setpoints);
  if (inverter == settings.buses.end()) return nullptr;
  return channels.at(static_cast<std::size_t>(inverter - settings.buses.begin()));
}

}  // namespace esshub::actors
