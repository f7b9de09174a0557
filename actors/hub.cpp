#include "actors/hub.hpp"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "actors/bus_channel.hpp"
#include "actors/command_door.hpp"
#include "actors/control_actor.hpp"
#include "actors/control_channel.hpp"
#include "actors/control_proxy.hpp"
#include "actors/feed_door.hpp"
#include "actors/hub_system.hpp"
#include "actors/messages.hpp"
#include "actors/planner.hpp"
#include "actors/publisher.hpp"
#include "actors/record_thread.hpp"
#include "actors/smart_record.hpp"
#include "actors/start_buses.hpp"
#include "actors/supervisor.hpp"
#include "config/time_zone.hpp"
#include "control/step.hpp"
#include "esshub_version.hpp"
#include "metrics/exporter.hpp"
#include "publish/config_notes.hpp"
#include "publish/energy_integrator.hpp"
#include "publish/history/database/store.hpp"
#include "publish/mqtt/client/mqtt.hpp"
#include "publish/sink.hpp"
#include "publish/venus/dbus/dbus.hpp"
#include "publish/venus/dbus/portal_id.hpp"
#include "publish/web/page_url.hpp"
#include "publish/web/server/metrics_server.hpp"
#include "publish/web/server/web.hpp"
#include "service/forecast.hpp"

namespace esshub::actors {
namespace {

constexpr Duration note_period = 10s;
constexpr Duration rtc_period = 1min;

/// What people are told of the configuration, for any thread.
class Notes {
 public:
  explicit Notes(const HubSettings& settings) : circuit_names_(settings.circuit_names) {
    renew(settings);
  }
  /// The circuits keep the names they were wired with.
  void renew(const HubSettings& settings) {
    auto notes = std::make_shared<publish::ConfigNotes>();
    for (const auto* list : {&settings.warnings, &settings.unreadable_files})
      for (const auto& [place, text, line] : *list) notes->warnings.push_back({place.line, text});
    notes->circuit_names = circuit_names_;
    const std::lock_guard lock(mutex_);
    newest_ = std::move(notes);
  }
  [[nodiscard]] std::shared_ptr<const publish::ConfigNotes> newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
  }

 private:
  const std::vector<std::string> circuit_names_;
  mutable std::mutex mutex_;
  std::shared_ptr<const publish::ConfigNotes> newest_;
};

Duration watchdog_period() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return {};
  return std::chrono::microseconds(microseconds / 2);
}

/// Everything that runs. Destroyed from the bottom up: actors before the sinks they feed.
struct Running {
  std::vector<publish::Sink> sinks;
  HubSystem system;
};

class RunningHub final : public Hub {
 public:
  RunningHub(const HubSettings& settings, const EventSink& events, std::vector<ViewSink> sinks,
             const civil_time::Zone& zone)
      : zone_(zone), notes_(std::make_shared<Notes>(settings)) {
    if (!settings.history.file.empty())
      history_ = std::make_shared<publish::HistoryStore>(settings.history, events,
                                                         note("history", Fault::storage_failed));
    const EventSink remembered = remember_commands(events);
    const auto control = std::make_shared<ControlChannel>();
    SupervisorDeps deps;
    deps.control = control;
    deps.notify = [](const std::string& state) { ::sd_notify(0, state.c_str()); };
    deps.watchdog_period = watchdog_period();
    deps.events = remembered;
    open_commands(settings, remembered);
    deps.restored = command_door_->memories().supervision;
    deps.remember = [door = command_door_](const service::SupervisionMemory& memory) {
      door->note_supervision(memory);
    };
    deps.remember_safety = [door = command_door_](const SafetyMemory& safety) {
      door->note_safety(safety);
    };
    feed_door_ = std::make_shared<FeedDoor>(
        FeedDoorDeps{.state_dir = settings.state_dir,
                     .folder = settings.feed_folder,
                     .tariff = [door = command_door_] { return door->in_force().settings.tariff; },
                     .events = remembered,
                     .storage_failed = note("feed", Fault::storage_failed)});
    record_ = std::make_shared<SmartRecord>(
        SmartRecordDeps{.state_dir = settings.state_dir,
                        .history = history_,
                        .zone = zone_,
                        .events = remembered,
                        .storage_failed = note("smart_record", Fault::storage_failed)});
    record_thread_ = std::make_shared<RecordThread>(record_);
    planner_ = std::make_shared<PlannerThread>(
        PlannerDeps{.control = control,
                    .history = history_,
                    .zone = zone_,
                    .feeds = feed_door_,
                    .record = [thread = record_thread_](const auto& input) { thread->put(input); },
                    .in_force = [door = command_door_] { return door->in_force(); },
                    .events = remembered});
    const auto buses = start_buses(settings, remembered, deps.parts);
    start_control(settings, remembered, control, buses, deps.parts);
    start_publishers(settings, remembered, control, buses, std::move(sinks), deps.parts);
    supervisor_ = spawn_supervisor(running_->system.caf(), std::move(deps));
    supervisor_proxy_->attach(supervisor_);
  }

  ~RunningHub() override { stop_once(); }

  bool stop() override { return stop_once(); }
  bool all_ended() const override { return all_ended_; }

  CommandSink commands() const override {
    return [door = command_door_](const Command& command, const std::string& who) {
      return door->order(command, who);
    };
  }

  PlanSource plans() const override {
    return [door = command_door_, zone = zone_, planner = planner_, feeds = feed_door_](
               WallTime from, WallTime until) {
      const auto now = door->in_force();
      return service::forecast(now.settings, now.mode, civil_time::LocalClock{zone}, from, until,
                               now.clock_trusted, planner->spans(), *feeds->told());
    };
  }

  SmartSource smart() const {
    return [planner = planner_] { return planner->newest(); };
  }

  FeedStates feed_states() const {
    return [feeds = feed_door_] { return feeds->states(); };
  }

  void reload(const HubSettings& settings) override {
    auto control = control::at_once(command_door_->in_force().settings, settings.control);
    command_door_->set_settings(control);
    control_proxy_->send(std::make_shared<const control::Settings>(std::move(control)));
    notes_->renew(settings);
    note_config(false);
  }

  void note_config(bool rejected) override {
    control_proxy_->send(FaultNote{"configuration", Fault::config_rejected, rejected});
  }

 private:
  // ---- the wiring: commands, buses, control, publishers --------------------------------------

  /// What people and programs ask for: through the command door to the control, whichever is
  /// alive.
  void open_commands(const HubSettings& settings, const EventSink& events) {
    command_door_ = std::make_shared<CommandDoor>(CommandDoorDeps{
        .settings = settings.control,
        .state_dir = settings.state_dir,
        .events = events,
        .send = [proxy = control_proxy_](const Orders& orders) { proxy->send(orders); },
        .storage_failed = note("state", Fault::storage_failed),
        .acknowledged = [proxy = supervisor_proxy_] { proxy->acknowledge(); }});
  }

  using Channels = std::vector<std::shared_ptr<BusChannel>>;
  using Parts = std::vector<SupervisedPart>;
  using Role = service::Supervision::Role;

  /// The buses end at the control, the setpoints at the inverter's.
  void start_control(const HubSettings& settings, const EventSink& events,
                     const std::shared_ptr<ControlChannel>& channel, const Channels& buses,
                     Parts& parts) {
    const ControlDeps deps{
        .settings = settings.control,
        .buses = buses,
        .inverter = inverter_of(settings, buses),
        .channel = channel,
        .step = &control::step,
        .zone = zone_,
        .clock = settings.clock,
        .rtc = rtc_,
        .realtime = settings.realtime,
        .events = events,
        .remembered = [door = command_door_] { return door->memories().control; }};
    parts.push_back({.name = "control",
                     .role = Role::control,
                     .spawn =
                         [deps, proxy = control_proxy_](auto& system) {
                           auto actor = spawn_control(system, deps);
                           proxy->attach(actor);
                           return actor;
                         },
                     .heartbeat = {channel, &channel->heartbeat}});
  }

  /// Everything that faces outward: one line a publisher.
  void start_publishers(const HubSettings& settings, const EventSink& events,
                        const std::shared_ptr<ControlChannel>& control, const Channels& buses,
                        std::vector<ViewSink> others, Parts& parts) {
    const publish::VenusIdentity identity{
        settings.portal_id.empty() ? publish::portal_id() : settings.portal_id, settings.site_name,
        ESSHUB_VERSION};
    auto& sinks = running_->sinks;
    sinks.push_back(publish::sink_of(planner_));
    if (!settings.web.address.empty())
      sinks.push_back(publish::sink_of(start_web(settings, events)));
    if (!settings.mqtt.host.empty())
      sinks.push_back(publish::sink_of(std::make_shared<publish::Mqtt>(
          settings.mqtt, identity, commands(), events, mqtt_parts(settings))));
    if (!settings.dbus.bus.empty())
      sinks.push_back(publish::sink_of(
          std::make_shared<publish::Dbus>(settings.dbus, identity, commands(), events)));
    if (!settings.metrics_address.empty())
      sinks.push_back(start_metrics(settings, identity, events));
    for (auto& other : others) sinks.push_back({.update = std::move(other)});
    sinks.push_back({.update =
                         [door = command_door_](const View& view) {
                           if (const auto& full = view.decision.policy.last_full)
                             door->note_full(*full);
                           door->note_time(view.local.trusted);
                         },
                     .period = note_period});
    if (settings.clock == civil_time::ClockSource::rtc)
      sinks.push_back({.update = [rtc = rtc_](const View&) { rtc->read(); }, .period = rtc_period});
    const PublisherDeps deps{.heartbeat = std::make_shared<Heartbeat>(),
                             .control = control,
                             .buses = buses,
                             .sinks = sinks,
                             .complete = completion(),
                             .events = events};
    parts.push_back({.name = "publisher",
                     .role = Role::publisher,
                     .spawn = [deps](auto& system) { return spawn_publisher(system, deps); },
                     .heartbeat = deps.heartbeat});
  }

  publish::Sink start_metrics(const HubSettings& settings, const publish::VenusIdentity& identity,
                              const EventSink& events) const {
    const auto exporter = std::make_shared<metrics::Exporter>(metrics::ExporterDeps{
        .version = ESSHUB_VERSION,
        .site = identity.site_name,
        .portal_id = identity.portal_id,
        .config_warnings = [notes = notes()] { return notes()->warnings.size(); },
        .smart = smart(),
        .feeds = feed_states(),
        .certificate_end = [end = certificate_end_]() -> std::optional<WallTime> {
          const auto at = end->load();
          if (at == WallTime{}) return std::nullopt;
          return at;
        }});
    const std::shared_ptr<publish::MetricsServer> server = publish::MetricsServer::start(
        settings.metrics_address, settings.web.host_names, [exporter] { return exporter->page(); },
        events, note("metrics", Fault::server_unavailable));
    return {.update = [exporter](const View& view) { exporter->update(view); },
            .period = metrics::Exporter::period,
            .close = [server] { server->close(); }};
  }

  /// What Home Assistant is told besides the Views. The tariff may change while the hub runs.
  publish::MqttParts mqtt_parts(const HubSettings& settings) const {
    const auto facts =
        [history = history_ != nullptr, page = page_of(settings), feeds = feed_door_,
         cells = has_kind<protocol::PylontechRs485Config>(settings),
         can = has_kind<protocol::PylontechConfig>(settings)](const control::Settings& control) {
          const auto& tariff = control.tariff;
          const auto priced = [&](auto price) {
            return std::ranges::any_of(
                tariff.bands, [&](const auto& band) { return static_cast<bool>(price(band)); });
          };
          const auto told = feeds->told();
          return publish::HouseFacts{
              .solar_metered = control.solar_metered,
              .state_of_health = can,
              .cell_voltages = cells,
              .history = history,
              .planned = !control.schedule.empty() || tariff != control::Tariff{},
              .import_priced =
                  tariff.import_price || !tariff.bands.empty() || !told->import_price.empty(),
              .export_priced = tariff.export_price || !told->export_price.empty() ||
                               priced([](const auto& band) { return band.export_price; }),
              .currency = tariff.currency,
              .page = page};
        };
    return {.house = facts(settings.control),
            .outlook =
                [door = command_door_, history = history_, plan = plans(), smart = smart(),
                 facts](const View& view) {
                  auto outlook = publish::outlook_at(view, facts(door->in_force().settings),
                                                     history.get(), plan);
                  outlook.smart = smart();
                  return outlook;
                },
            .feeds = [feeds = feed_door_](
                         FeedKind kind, const std::string& document,
                         const std::string& who) { feeds->tell(kind, document, who); }};
  }

  /// Of the configuration, and what is wrong with what others tell.
  publish::ConfigNotesSource notes() const {
    return [notes = notes_, feeds = feed_door_] {
      const auto problems = feeds->problems();
      if (problems.empty()) return notes->newest();
      auto all = std::make_shared<publish::ConfigNotes>(*notes->newest());
      for (const auto& problem : problems) all->warnings.push_back({0, problem});
      return std::shared_ptr<const publish::ConfigNotes>{std::move(all)};
    };
  }

  template <class Config>
  static bool has_kind(const HubSettings& settings) {
    return std::ranges::any_of(settings.buses, [](const BusSettings& bus) {
      return std::holds_alternative<Config>(bus.driver);
    });
  }

  static std::string page_of(const HubSettings& settings) {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) name.front() = '\0';
    return publish::page_url(settings.web, name.data());
  }

  std::shared_ptr<publish::Web> start_web(const HubSettings& settings, const EventSink& events) {
    return publish::Web::start(
        settings.web,
        {.site_name = settings.site_name,
         .time_zone = settings.time_zone,
         .currency = [door = command_door_] { return door->in_force().settings.tariff.currency; },
         .version = ESSHUB_VERSION,
         .state_dir = settings.state_dir,
         .history = history_,
         .plan = plans(),
         .smart = smart(),
         .savings = [record = record_] { return record->savings(); },
         .yesterday = [record = record_] { return record->yesterday(); },
         .limits = [door = command_door_] { return door->limits(); },
         .notes = notes(),
         .command = commands(),
         .feed = [feeds = feed_door_](
                     const auto& kinds, const std::string& document,
                     const std::string& who) { return feeds->offer(kinds, document, who); },
         .feeds = feed_states(),
         .events = events,
         .unavailable = note("page", Fault::server_unavailable),
         .certificate_end =
             [end = certificate_end_](std::optional<WallTime> at) {
               end->store(at.value_or(WallTime{}));
             },
         .clock = &std::chrono::steady_clock::now});
  }

  /// The energies. Outlives the publisher, so that they go on when that is started again.
  Completion completion() {
    const auto energies = std::make_shared<publish::EnergyIntegrator>();
    return [energies, history = history_](View& view) {
      energies->update(view);
      if (!history) return;
      history->update(view);
      view.energies = history->shown(view.energies);
    };
  }

  /// `events`, and those of the commands into the history as well.
  EventSink remember_commands(const EventSink& events) const {
    if (!history_) return events;
    return [history = history_, events](const std::string& component, const Event& event) {
      if (component == "command") history->note("command", event.name, event.detail);
      events(component, event);
    };
  }

  /// Raises and clears a fault, as far as `by` is concerned.
  [[nodiscard]] std::function<void(bool)> note(const std::string& by, Fault fault) const {
    return [proxy = control_proxy_, by, fault](bool active) {
      proxy->send(FaultNote{by, fault, active});
    };
  }

  /// The supervisor ends the actors in order; then nobody uses the lines any more.
  bool stop_once() {
    if (!running_) return acknowledged_;
    // What faces outward takes its time to end: beside the rest, not after it.
    auto closing = std::async(std::launch::async, [running = running_.get()] {
      for (const auto& sink : running->sinks) sink.close();
    });
    const auto stopped = running_->system.stop(std::exchange(supervisor_, {}), *control_proxy_);
    acknowledged_ = stopped.acknowledged;
    command_door_->close();
    feed_door_->close();
    record_thread_->close();
    supervisor_proxy_->attach({});
    control_proxy_->attach({});
    closing.wait();
    all_ended_ = stopped.all_ended;
    // A thread that hangs (in a system call, in a sink that blocks) cannot be ended, and the actor
    // system would wait for it for ever: leave both to the end of the process.
    if (!all_ended_) static_cast<void>(running_.release());
    running_.reset();
    if (history_) history_->close();
    return acknowledged_;
  }

  const civil_time::Zone zone_;
  const std::shared_ptr<Notes> notes_;
  const std::shared_ptr<Rtc> rtc_ = std::make_shared<Rtc>();
  /// Of the page's certificate; the epoch: it serves none.
  const std::shared_ptr<std::atomic<WallTime>> certificate_end_ =
      std::make_shared<std::atomic<WallTime>>(WallTime{});
  std::shared_ptr<ControlProxy> control_proxy_ = std::make_shared<ControlProxy>();
  std::shared_ptr<SupervisorProxy> supervisor_proxy_ = std::make_shared<SupervisorProxy>();
  std::shared_ptr<publish::HistoryStore> history_;  ///< nothing: none is kept
  std::shared_ptr<CommandDoor> command_door_;
  std::shared_ptr<FeedDoor> feed_door_;
  std::shared_ptr<SmartRecord> record_;
  std::shared_ptr<RecordThread> record_thread_;
  std::shared_ptr<PlannerThread> planner_;
  std::unique_ptr<Running> running_ = std::make_unique<Running>();
  caf::actor supervisor_;
  bool acknowledged_ = false;
  bool all_ended_ = true;
};

}  // namespace

Result<std::unique_ptr<Hub>> Hub::start(const HubSettings& settings, const EventSink& events,
                                        std::vector<ViewSink> sinks) {
  if (auto error = unwirable(settings.buses)) return tl::unexpected<Error>(std::move(*error));
  const auto zone = config::load_time_zone(settings.time_zone);
  if (!zone) return tl::unexpected<Error>(zone.error());
  return std::make_unique<RunningHub>(settings, events, std::move(sinks), *zone);
}

}  // namespace esshub::actors
