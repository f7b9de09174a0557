// The hub: settings -> lines, drivers, queues, actors. Read hub.cpp to see the whole system.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/hub_settings.hpp"
#include "control/settings.hpp"
#include "model/command.hpp"
#include "model/event.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "model/view.hpp"

namespace esshub::actors {

using config::BusSettings;
using config::DriverSettings;
using config::HubSettings;

/// Receives every published View (ten a second at most); runs on the publisher, never in control.
using ViewSink = std::function<void(const View&)>;

class Hub {
 public:
  /// Starts everything. An Error says what could not be started (metrics port taken, ...); buses
  /// that are not there yet are no error: they are opened when they come.
  [[nodiscard]] static Result<std::unique_ptr<Hub>> start(const HubSettings& settings,
                                                          const EventSink& events,
                                                          std::vector<ViewSink> sinks);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  virtual ~Hub() = default;

  /// Orderly stop: safe setpoint acknowledged on the wire, then control, buses, publishers; at most
  /// 5 s. True if the acknowledgement was seen (or no inverter was being controlled).
  [[nodiscard]] virtual bool stop() = 0;
  /// After stop(): false if a thread hangs and was left behind. Then the program must end without
  /// unwinding (_exit): that thread still runs.
  [[nodiscard]] virtual bool all_ended() const = 0;

  /// The one door for commands. May be kept; once the hub stops it refuses everything.
  [[nodiscard]] virtual CommandSink commands() const = 0;

  /// What schedule and tariff hold for the time to come. May be kept.
  [[nodiscard]] virtual PlanSource plans() const = 0;

  /// New settings, valid ones: those of the control from the next tick on, and what is told of
  /// them. What depends on the buses (what is metered) stays as it was wired.
  virtual void reload(const HubSettings& settings) = 0;
  /// Fault::config_rejected, raised or cleared: a new configuration had errors.
  virtual void note_config(bool rejected) = 0;

 protected:
  Hub() = default;
};

}  // namespace esshub::actors
