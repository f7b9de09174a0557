#include "actors/hub.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/after.hpp>
#include <caf/scoped_actor.hpp>
#include <cstddef>
#include <cstdint>
#include <future>
#include <optional>
#include <utility>

#include "actors/bus_actor.hpp"
#include "actors/command_service.hpp"
#include "actors/control_actor.hpp"
#include "actors/control_proxy.hpp"
#include "actors/forecast.hpp"
#include "actors/local_clock.hpp"
#include "actors/messages.hpp"
#include "actors/publisher.hpp"
#include "actors/sample_queue.hpp"
#include "actors/supervisor.hpp"
#include "control/step.hpp"
#include "esshub_version.hpp"
#include "metrics/exporter.hpp"
#include "publish/energy_integrator.hpp"
#include "publish/history/store.hpp"
#include "publish/mqtt/mqtt.hpp"
#include "publish/venus/dbus.hpp"
#include "publish/venus/portal_id.hpp"
#include "publish/web/web.hpp"
#include "transport/io_thread.hpp"
#include "transport/make_line.hpp"

namespace esshub::actors {
namespace {

constexpr Duration exporter_period = 500ms;
constexpr Duration page_period = 200ms;
constexpr Duration client_period = 1s;  // of MQTT and D-Bus
constexpr Duration command_service_period = 10s;
constexpr Duration stop_limit = 5s;  // safety contract F20

std::unique_ptr<protocol::Driver> make_driver(const DriverSettings& settings) {
  struct Maker {
    auto operator()(const protocol::ModbusConfig& c) const {
      return protocol::make_modbus_driver(c);
    }
    auto operator()(const protocol::PylontechConfig& c) const {
      return protocol::make_pylontech_driver(c);
    }
    auto operator()(const protocol::PylontechRs485Config& c) const {
      return protocol::make_pylontech_rs485_driver(c);
    }
    auto operator()(const protocol::VebusConfig& c) const { return protocol::make_vebus_driver(c); }
  };
  return std::visit(Maker{}, settings);
}

bool is_inverter(const BusSettings& bus) {
  return std::holds_alternative<protocol::VebusConfig>(bus.driver);
}

/// What the wiring itself relies on.
std::optional<Error> unwirable(const HubSettings& settings) {
  const auto& buses = settings.buses;
  for (auto bus = buses.begin(); bus != buses.end(); ++bus)
    if (std::any_of(buses.begin(), bus, [&](const auto& other) { return other.name == bus->name; }))
      return Error{ErrorKind::content, "two buses are called \"" + bus->name + "\""};
  if (std::count_if(buses.begin(), buses.end(), is_inverter) > 1)
    return Error{ErrorKind::content,
                 "more than one bus has an inverter: only one can be commanded"};
  return std::nullopt;
}

Duration watchdog_period() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return {};
  return std::chrono::microseconds(microseconds / 2);
}

struct ActorConfig : caf::actor_system_config {
  ActorConfig() {
    add_message_types<caf::id_block::esshub>();
    // The default polls while idle; two workers, because no handler of ours blocks.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2u);
  }
};

/// Everything that runs. Destroyed from the bottom up: lines before the actors they report to,
/// actors before the exporter, the page and the clients they feed.
struct Running {
  std::unique_ptr<metrics::Exporter> exporter;
  std::unique_ptr<publish::Web> page;
  std::unique_ptr<publish::Mqtt> mqtt;
  std::unique_ptr<publish::Dbus> dbus;
  ActorConfig config;
  caf::actor_system system{config};
  transport::IoThread io;
};

class RunningHub final : public Hub {
 public:
  RunningHub(HubSettings settings, EventSink events, std::vector<ViewSink> sinks,
             std::unique_ptr<metrics::Exporter> exporter, LocalClock clock)
      : wired_(settings.control), clock_(std::move(clock)) {
    running_->exporter = std::move(exporter);
    SupervisorDeps parts;

    if (!settings.history.file.empty()) {
      history_ = std::make_shared<publish::HistoryStore>(
          settings.history, events, [link = control_proxy_](bool failed) {
            link->send(FaultNote{"history", Fault::storage_failed, failed});
          });
      events = [history = history_, events](const std::string& component, const Event& event) {
        if (component == "command") history->note("command", event.name, event.detail);
        events(component, event);
      };
    }

    // What people and programs ask for: through the command service to the control, whichever is
    // alive.
    command_service_ = std::make_shared<CommandService>(CommandServiceDeps{
        .settings = settings.control,
        .state_dir = settings.state_dir,
        .events = events,
        .tell = [link = control_proxy_](const Orders& orders) { link->send(orders); },
        .storage_failed =
            [link = control_proxy_](bool failed) {
              link->send(FaultNote{"state", Fault::storage_failed, failed});
            }});

    // One queue per bus: from its actor to the control.
    std::vector<ControlSource> sources;
    for (const auto& bus : settings.buses) {
      const auto queue = std::make_shared<SampleQueue>();
      sources.push_back({bus.name, queue});
      BusDeps bus_parts;
      bus_parts.name = bus.name;
      bus_parts.make_line = [&io = running_->io, line = bus.line] {
        return transport::make_line(io.context(), line);
      };
      bus_parts.make_driver = [driver = bus.driver] { return make_driver(driver); };
      bus_parts.queue = queue;
      bus_parts.events = events;
      parts.buses.push_back({bus.name, is_inverter(bus),
                             [bus_parts](caf::actor_system& system, const caf::actor& supervisor) {
                               return spawn_bus(system, bus_parts, supervisor);
                             }});
    }

    const ControlDeps control{settings.control,   std::move(sources), &control::step,
                              settings.time_zone, settings.realtime,  events};
    parts.control = [control, link = control_proxy_](caf::actor_system& system,
                                                     const caf::actor& supervisor) {
      auto actor = spawn_control(system, control, supervisor);
      link->attach(actor);
      return actor;
    };

    if (!settings.web.address.empty())
      running_->page = publish::Web::start({settings.web.address, settings.web.certificate,
                                            settings.web.key, settings.web.host_names},
                                           {.site_name = settings.site_name,
                                            .time_zone = settings.time_zone,
                                            .version = ESSHUB_VERSION,
                                            .state_dir = settings.state_dir,
                                            .history = history_,
                                            .plan = plans(),
                                            .command = commands(),
                                            .events = events,
                                            .clock = &std::chrono::steady_clock::now});

    std::vector<Subscription> subscriptions;
    if (auto* metrics = running_->exporter.get())
      subscriptions.push_back({[metrics](const View& v) { metrics->update(v); }, exporter_period});
    if (auto* page = running_->page.get())
      subscriptions.push_back({[page](const View& v) { page->update(v); }, page_period});
    start_clients(settings, events);
    if (auto* mqtt = running_->mqtt.get())
      subscriptions.push_back({[mqtt](const View& v) { mqtt->update(v); }, client_period});
    if (auto* dbus = running_->dbus.get())
      subscriptions.push_back({[dbus](const View& v) { dbus->update(v); }, client_period});
    for (auto& sink : sinks) subscriptions.push_back({std::move(sink), {}});
    subscriptions.push_back({[service = command_service_](const View& v) {
                               if (const auto& full = v.decision.policy.last_full)
                                 service->note_full(*full);
                             },
                             command_service_period});
    // Outlives the publisher, so that the energies go on when that is started again.
    const auto energy_integrator =
        std::make_shared<publish::EnergyIntegrator>(history_ ? history_->totals() : EnergyTotals{});
    parts.publisher = [subscriptions, events, energy_integrator, history = history_](
                          caf::actor_system& system, const caf::actor&) {
      return spawn_publisher(system, subscriptions, events,
                             [energy_integrator, history](View& view) {
                               energy_integrator->update(view);
                               if (!history) return;
                               history->update(view);
                               view.energies = history->shown(view.energies);
                             });
    };

    parts.notify = [](const std::string& state) { ::sd_notify(0, state.c_str()); };
    parts.watchdog_period = watchdog_period();
    parts.events = events;
    supervisor_ = spawn_supervisor(running_->system, std::move(parts));
  }

  ~RunningHub() override { stop_once(); }

  bool stop() override { return stop_once(); }

  CommandSink commands() const override {
    return [service = command_service_](const Command& command, const std::string& who) {
      return service->order(command, who);
    };
  }

  PlanSource plans() const override {
    return [service = command_service_, clock = clock_](WallTime from, WallTime until) {
      const auto [settings, mode] = service->in_force();
      return forecast(settings, mode, clock, from, until);
    };
  }

  void reload(control::Settings settings) override {
    settings.solar_metered = wired_.solar_metered;
    settings.circuit_roles = wired_.circuit_roles;
    command_service_->hear(settings);
    control_proxy_->send(std::make_shared<const control::Settings>(std::move(settings)));
    note_config(false);
  }

  void note_config(bool rejected) override {
    control_proxy_->send(FaultNote{"configuration", Fault::config_rejected, rejected});
  }

 private:
  void start_clients(const HubSettings& settings, const EventSink& events) {
    const publish::VenusIdentity identity{
        settings.portal_id.empty() ? publish::portal_id() : settings.portal_id, settings.site_name,
        ESSHUB_VERSION};
    if (!settings.mqtt.host.empty())
      running_->mqtt = std::make_unique<publish::Mqtt>(settings.mqtt, identity, commands(), events);
    if (!settings.dbus.bus.empty())
      running_->dbus = std::make_unique<publish::Dbus>(settings.dbus, identity, commands(), events);
  }

  /// The supervisor ends the actors in order; then nobody uses the lines any more.
  bool stop_once() {
    if (!running_) return acknowledged_;
    HubStopped stopped{.acknowledged = false, .all_ended = false};
    // What faces outward takes its time to end: beside the rest, not after it.
    auto closing = std::async(std::launch::async, [running = running_.get()] {
      if (running->page) running->page->close();
      if (running->mqtt) running->mqtt->close();
      if (running->dbus) running->dbus->close();
      if (running->exporter) running->exporter->close();
    });
    {
      const caf::scoped_actor self{running_->system};
      self->send(std::exchange(supervisor_, {}), StopHub{self});
      self->receive([&](const HubStopped& s) { stopped = s; }, caf::after(stop_limit) >> [] {});
    }
    acknowledged_ = stopped.acknowledged;
    command_service_->close();
    control_proxy_->attach({});
    running_->io.stop();
    closing.wait();
    // An actor that hangs (in a sink that blocks) cannot be ended, and the actor system would wait
    // for it for ever: leave both to the end of the process.
    if (!stopped.all_ended) static_cast<void>(running_.release());
    running_.reset();
    if (history_) history_->close();
    return acknowledged_;
  }

  const control::Settings wired_;  ///< as started
  const LocalClock clock_;
  std::shared_ptr<ControlProxy> control_proxy_ = std::make_shared<ControlProxy>();
  std::shared_ptr<publish::HistoryStore> history_;  ///< nothing: none is kept
  std::shared_ptr<CommandService> command_service_;
  std::unique_ptr<Running> running_ = std::make_unique<Running>();
  caf::actor supervisor_;
  bool acknowledged_ = false;
};

}  // namespace

Result<std::unique_ptr<Hub>> Hub::start(HubSettings settings, EventSink events,
                                        std::vector<ViewSink> sinks) {
  if (auto error = unwirable(settings)) return tl::unexpected<Error>(std::move(*error));
  auto clock = LocalClock::make(settings.time_zone);
  if (!clock) return tl::unexpected<Error>(clock.error());
  std::unique_ptr<metrics::Exporter> exporter;
  if (!settings.metrics_address.empty()) {
    auto listening = metrics::Exporter::listen(settings.metrics_address, ESSHUB_VERSION);
    if (!listening) return tl::unexpected<Error>(listening.error());
    exporter = std::move(*listening);
  }
  return std::make_unique<RunningHub>(std::move(settings), std::move(events), std::move(sinks),
                                      std::move(exporter), std::move(*clock));
}

}  // namespace esshub::actors
