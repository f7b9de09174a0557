// The buses of the hub: what starts and supervises one thread, line, driver and channel a bus.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/bus_channel.hpp"
#include "actors/supervisor.hpp"
#include "config/hub_settings.hpp"
#include "model/event.hpp"
#include "model/result.hpp"

namespace esshub::actors {

/// Why these buses cannot be wired: two of one name, or a second inverter.
[[nodiscard]] std::optional<Error> unwirable(const std::vector<config::BusSettings>& buses);

/// A part each; the channels stand as the buses do in the settings.
[[nodiscard]] std::vector<std::shared_ptr<BusChannel>> start_buses(
    const config::HubSettings& settings, const EventSink& events,
    std::vector<SupervisedPart>& parts);

/// The channel of the bus with the inverter, or null.
[[nodiscard]] std::shared_ptr<BusChannel> inverter_of(
    const config::HubSettings& settings, const std::vector<std::shared_ptr<BusChannel>>& channels);

}  // namespace esshub::actors
