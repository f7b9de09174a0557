#include "metrics/exporter.hpp"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <exception>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace esshub::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double joules_per_watt_hour = 3600.0;

/// A label's name and value.
struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

/// One scrape under construction. A family without a single series is left out.
class Page {
 public:
  Page& family(MetricType type, std::string name, std::string help) {
    families_.push_back({std::move(name), std::move(help), type, {}});
    return *this;
  }
  Page& gauge(std::string name, std::string help) {
    return family(MetricType::Gauge, std::move(name), std::move(help));
  }
  Page& counter(std::string name, std::string help) {
    return family(MetricType::Counter, std::move(name), std::move(help));
  }
  /// Adds a series to the newest family.
  void add(Labels labels, double value) {
    auto& metric = next(labels);
    metric.gauge.value = metric.counter.value = value;
  }
  void add(Labels labels, std::optional<double> value) {
    if (value) add(labels, *value);
  }
  void add(Labels labels, std::uint64_t value) { add(labels, static_cast<double>(value)); }
  void add(Labels labels, bool value) { add(labels, value ? 1.0 : 0.0); }
  /// Of times: `buckets` not cumulative, `bounds_seconds`, `sum_seconds`.
  template <class Times>
  void add_histogram(Labels labels, const Times& times) {
    auto& histogram = next(labels).histogram;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      histogram.sample_count += times.buckets[i];
      if (i < times.bounds_seconds.size())
        histogram.bucket.push_back({histogram.sample_count, times.bounds_seconds[i]});
    }
    histogram.sample_sum = times.sum_seconds;
  }

  [[nodiscard]] std::vector<MetricFamily> finish() && {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  ClientMetric& next(Labels labels) {
    auto& metric = families_.back().metric.emplace_back();
    for (const auto& label : labels)
      metric.label.push_back({std::string(label.name), std::string(label.value)});
    return metric;
  }
  std::vector<MetricFamily> families_;
};

template <class Visit>
void each_point(Visit visit) {
  for (std::size_t i = 0; i < point_count; ++i) {
    const auto point = static_cast<Point>(i);
    visit(point, name(point));
  }
}

/// One measure at every point where it is current.
void add_measure(Page& page, const View& view, Measure measure) {
  each_point([&](Point point, std::string_view channel) {
    page.add({{"channel", channel}}, view.current(point, measure));
  });
}

/// DC power at the battery's terminals by its BMS, + = charging. Both factors must be as fresh as a
/// power has to be.
std::optional<double> battery_power(const View& view) {
  const auto volts =
      fresh(view.snapshot.raw(Point::battery, Measure::voltage), view.now, view.max_age);
  const auto amperes =
      fresh(view.snapshot.raw(Point::battery, Measure::current), view.now, view.max_age);
  if (!volts || !amperes) return std::nullopt;
  return *volts * *amperes;
}

void add_readings(Page& page, const View& view) {
  page.gauge("esshub_power_watts",
             "Active power in watts. grid + = import, solar + = generation, battery (DC, by its "
             "BMS), battery_meter and inverter (at AC-in) + = charging, load, ac_out and circuits "
             "+ = consumption. Absent while not current.");
  each_point([&](Point point, std::string_view channel) {
    page.add({{"channel", channel}},
             point == Point::battery ? battery_power(view) : view.current(point, Measure::power));
  });
  if (view.decision.house_load && view.now - view.decision.at <= view.max_age)
    page.add({{"channel", "load"}}, view.decision.house_load->value());

  page.gauge("esshub_voltage_volts", "Voltage in volts; battery: DC. Absent while not current.");
  add_measure(page, view, Measure::voltage);
  page.gauge("esshub_current_amperes",
             "Current in amperes; battery: DC, + = charging. Absent while not current.");
  add_measure(page, view, Measure::current);
  page.gauge("esshub_frequency_hertz", "Mains frequency in hertz. Absent while not current.");
  add_measure(page, view, Measure::frequency);
  page.gauge("esshub_temperature_celsius",
             "Temperature in degrees Celsius. Absent while not current.");
  add_measure(page, view, Measure::temperature);

  page.counter("esshub_energy_joules_total",
               "Energy counted by the meter in joules; forward is the + direction of "
               "esshub_power_watts (import, generation, charging, consumption). Absent while not "
               "current.");
  each_point([&](Point point, std::string_view channel) {
    const auto add = [&](Measure measure, std::string_view direction) {
      if (const auto watt_hours = view.current(point, measure))
        page.add({{"channel", channel}, {"direction", direction}},
                 *watt_hours * joules_per_watt_hour);
    };
    add(Measure::energy_forward, "forward");
    add(Measure::energy_reverse, "reverse");
  });

  page.gauge("esshub_battery_soc_ratio",
             "State of charge, 0 to 1, by the BMS. Absent while not current.");
  if (const auto soc = fresh(view.snapshot.soc(), view.now, view.max_age_of(Measure::soc)))
    page.add({}, soc->ratio());
  page.gauge("esshub_battery_limit_amperes",
             "Charge and discharge current limits (CCL, DCL) of the BMS in amperes, both positive. "
             "Absent while not current.");
  page.add({{"limit", "charge"}}, view.current(Point::battery, Measure::ccl));
  page.add({{"limit", "discharge"}}, view.current(Point::battery, Measure::dcl));

  page.gauge("esshub_sample_age_seconds",
             "Age of the newest main reading in seconds (power; battery: state of charge). Absent "
             "until the first one, then it stays and grows.");
  each_point([&](Point point, std::string_view channel) {
    const auto& main =
        view.snapshot.raw(point, point == Point::battery ? Measure::soc : Measure::power);
    if (main) page.add({{"channel", channel}}, Seconds(view.now - main->at).count());
  });
}

void add_faults(Page& page, const FaultSet& faults) {
  page.gauge("esshub_fault_active", "1 while the fault is raised, else 0.");
  for (std::size_t i = 0; i < fault_count; ++i) {
    const auto fault = static_cast<Fault>(i);
    page.add({{"fault", name(fault)}, {"severity", name(severity(fault))}}, faults.active(fault));
  }
}

void add_decision(Page& page, const Decision& decision) {
  const bool follows = decision.setpoint.mode == InverterMode::follow;
  page.gauge(
      "esshub_setpoint_watts",
      "Power commanded to the inverter at AC-in in watts, + = drawn from mains. Absent while "
      "none is written.");
  if (follows) page.add({}, decision.setpoint.ac_power.value());
  page.gauge(
      "esshub_battery_power_command_watts",
      "Power commanded at the battery (AC side) in watts, + = charging. Absent while none is "
      "written.");
  if (follows) page.add({}, decision.battery_power.value());
  page.gauge("esshub_decision_reason", "1 for every rule that shaped the newest decision, else 0.");
  for (std::size_t i = 0; i < why_count; ++i) {
    const auto why = static_cast<Why>(i);
    page.add({{"reason", name(why)}}, decision.reasons.has(why));
  }
  add_faults(page, decision.faults);
}

void add_bus_state(Page& page, const std::vector<BusHealth>& buses) {
  page.gauge("esshub_bus_up", "1 while the line of the bus is open, else 0.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, bus.line_up);
  page.gauge("esshub_device_turnaround_seconds",
             "Within it 99 of 100 recent answers of the device began. Absent until learned.");
  for (const auto& bus : buses)
    for (const auto& timing : bus.driver.devices)
      page.add({{"bus", bus.bus}, {"device", timing.device}}, Seconds(timing.turnaround).count());
  page.gauge("esshub_bus_ready", "1 while the handshake is done and values flow, else 0.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, bus.line_up && bus.driver.ready);
}

void add_counters(Page& page, const View& view) {
  page.counter("esshub_bus_frames_total", "Frames or requests of the bus by what became of them.");
  for (const auto& bus : view.buses)
    for (std::size_t i = 0; i < frame_result_count; ++i) {
      const auto result = static_cast<FrameResult>(i);
      page.add({{"bus", bus.bus}, {"result", name(result)}}, bus.driver.frames[result]);
    }
  page.counter("esshub_bus_reopens_total", "Times the line was opened again after a loss.");
  for (const auto& bus : view.buses)
    page.add({{"bus", bus.bus}}, static_cast<std::uint64_t>(bus.reopens));
  page.counter("esshub_bus_restarts_total",
               "Times the part of the program that runs the bus was started again.");
  for (const auto& bus : view.buses)
    page.add({{"bus", bus.bus}}, static_cast<std::uint64_t>(bus.restarts));
  page.counter("esshub_bus_bytes_total", "Bytes received and sent on the bus.");
  for (const auto& bus : view.buses) {
    page.add({{"bus", bus.bus}, {"direction", "in"}}, bus.bytes_in);
    page.add({{"bus", bus.bus}, {"direction", "out"}}, bus.bytes_out);
  }
  page.counter("esshub_bus_busy_seconds_total",
               "Time the wire carried bits, both ways; its rate is the utilisation.");
  for (const auto& bus : view.buses)
    page.add({{"bus", bus.bus}}, Seconds(bus.driver.wire_busy).count());
  page.family(MetricType::Histogram, "esshub_bus_round_trip_seconds",
              "From writing a request to its whole answer, in seconds. Absent where nothing is "
              "asked.");
  for (const auto& bus : view.buses)
    if (bus.driver.round_trip.count() != 0)
      page.add_histogram({{"bus", bus.bus}}, bus.driver.round_trip);
  page.counter("esshub_queue_dropped_total", "Samples dropped because the control did not drain.");
  for (const auto& bus : view.buses) page.add({{"bus", bus.bus}}, bus.queue_dropped);

  page.counter("esshub_control_ticks_total", "Ticks of the control loop.");
  page.add({}, view.ticks.ticks);
  page.counter("esshub_control_overruns_total",
               "Control periods skipped because one took too long.");
  page.add({}, view.ticks.overruns);
  page.family(MetricType::Histogram, "esshub_control_tick_lateness_seconds",
              "How long after its deadline the control tick woke, in seconds.");
  page.add_histogram({}, view.ticks.lateness);
}

/// Renders the newest View at the moment of the scrape: ages go on growing between Views, and what
/// is too old by then is left out.
class Collector final : public prometheus::Collectable {
 public:
  explicit Collector(std::string version) : version_(std::move(version)) {}

  void update(const View& view) {
    const std::lock_guard lock(mutex_);
    view_ = view;
  }

  [[nodiscard]] std::vector<MetricFamily> Collect() const override {
    auto newest = copy();
    Page page;
    page.gauge("esshub_build_info", "Always 1; the version is the label.");
    page.add({{"version", version_}}, 1.0);
    if (!newest) {
      add_faults(page, {});  // nothing has been raised yet, and increase() needs the start
      return std::move(page).finish();
    }
    View& view = *newest;
    const Instant now = std::chrono::steady_clock::now();
    const bool current = now - view.now <= view.max_age;  // else the control itself is silent
    view.now = now;
    add_readings(page, view);
    if (current) {
      add_decision(page, view.decision);
      add_bus_state(page, view.buses);
    }
    add_counters(page, view);
    return std::move(page).finish();
  }

 private:
  [[nodiscard]] std::optional<View> copy() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

  std::string version_;
  mutable std::mutex mutex_;
  std::optional<View> view_;
};

class HttpExporter final : public Exporter {
 public:
  HttpExporter(const std::string& address, std::string version)
      : collector_(std::make_shared<Collector>(std::move(version))),
        exposer_(std::in_place, address) {
    exposer_->RegisterCollectable(collector_);
  }
  void update(const View& view) override { collector_->update(view); }
  void close() override { exposer_.reset(); }

 private:
  std::shared_ptr<Collector> collector_;
  std::optional<prometheus::Exposer> exposer_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> Exporter::listen(const std::string& address,
                                                   const std::string& version) {
  try {
    return std::make_unique<HttpExporter>(address, version);
  } catch (const std::exception& e) {
    return fail(ErrorKind::address, "metrics: cannot listen on " + address +
                                        " (taken by another program?): " + e.what());
  }
}

}  // namespace esshub::metrics
