#include "sim/run_summary.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace esshub::sim {
namespace {

double kwh(WattHours energy) {
  return energy.value() / 1000.0;
}
double hours(Duration time) {
  return Hours{time}.count();
}
/// Of nothing it is nothing.
double share(WattHours part, WattHours whole) {
  return whole > WattHours{} ? std::clamp(part / whole, 0.0, 1.0) : 0.0;
}

/// Of what the loads ask for, served or not: what the grid did not give.
double self_sufficiency(const HouseTruth& t) {
  return share(t.served - t.import, t.served + t.not_served);
}

[[gnu::format(printf, 2, 3)]] void row(std::string& text, const char* format, ...) {
  std::array<char, 200> line{};
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(line.data(), line.size(), format, values);
  va_end(values);
  text += line.data();
  text += '\n';
}

}  // namespace

bool regulates(const Decision& decision) {
  return decision.setpoint.mode == InverterMode::follow &&
         decision.reasons.has(Cause::self_consumption) &&
         decision.battery_power == decision.proposed;
}

RunSummary::RunSummary(const House& house, FlatPrices prices)
    : house_(house), prices_(prices), first_stored_(house.battery().stored()) {}

void RunSummary::tick(const Decision& decision, const FaultSet& faults) {
  if (!decision_) take(decision, faults);
  finish();
  take(decision, faults);
}

void RunSummary::take(const Decision& decision, const FaultSet& faults) {
  decision_ = decision;
  for (const Fault fault : enum_values<Fault>) {
    auto& seen = faults_[fault];
    const bool active = faults.active(fault);
    if (!std::exchange(seen.active, active) && active) ++seen.times;
  }
}

void RunSummary::finish() {
  if (!decision_) return;
  const HouseTruth before = std::exchange(truth_, house_.truth());
  const Duration time = truth_.since_start - before.since_start;
  if (regulates(*decision_)) outside_regulating_ += truth_.outside - before.outside;
  for (const auto& reason : decision_->reasons) shaped_[reason.cause] += time;
  for (auto& seen : faults_)
    if (seen.active) seen.time += time;

  const Policy& policy = decision_->policy;
  const auto price = policy.import_price ? policy.import_price : prices_.import;
  if (!price) return;
  const WattHours import = truth_.import - before.import;
  const WattHours export_ = truth_.export_ - before.export_;
  auto& bought = bought_[*price];
  bought.energy += import;
  bought.cost += *price * kwh(import);
  earned_ += policy.export_price.value_or(prices_.export_) * kwh(export_);
}

WattHours RunSummary::unexplained() const {
  return truth_.generated + truth_.import - truth_.export_ - truth_.served - stored() -
         truth_.losses;
}

std::string RunSummary::text(const std::string& currency) const {
  const auto& t = truth_;
  const double time = hours(t.since_start);
  std::string out;
  row(out, "load             %9.3f kWh", kwh(t.served));
  if (t.not_served > WattHours{})
    row(out, "unserved         %9.3f kWh asked for and not given", kwh(t.not_served));
  row(out, "solar            %9.3f kWh", kwh(t.generated));
  row(out, "import           %9.3f kWh", kwh(t.import));
  row(out, "export           %9.3f kWh", kwh(t.export_));
  row(out, "charged          %9.3f kWh at the AC side", kwh(t.charged));
  row(out, "discharged       %9.3f kWh at the AC side", kwh(t.discharged));
  row(out, "losses           %9.3f kWh conversion, own use, battery", kwh(t.losses));
  row(out, "stored           %+9.3f kWh, SOC %.1f %% at the end", kwh(stored()),
      house_.battery_truth().soc_percent);
  row(out, "full cycles      %9.3f of %.2f kWh", t.cells_out / house_.battery().capacity(),
      kwh(house_.battery().capacity()));
  if (t.generated > WattHours{})
    row(out, "self-consumption %9.1f %% of the solar energy",
        100.0 * share(t.generated - t.export_, t.generated));
  row(out, "self-sufficiency %9.1f %% of the load%s", 100.0 * self_sufficiency(t),
      t.not_served > WattHours{} ? ", the unserved included" : "");
  row(out, "mean |grid|      %9.1f W", time > 0.0 ? t.absolute.value() / time : 0.0);
  row(out, "outside +-%.0f W   %9.3f h, of it %.3f h while nothing kept the hub from the setpoint",
      grid_band.value(), hours(t.outside), hours(outside_regulating_));
  double cost = 0.0;
  const std::string unit = currency.empty() ? "" : " " + currency;
  for (const auto& [price, bought] : bought_) {
    row(out, "bought at %.4f %9.3f kWh for %.2f%s", price, kwh(bought.energy), bought.cost,
        unit.c_str());
    cost += bought.cost;
  }
  if (bought_.empty()) {
    row(out, "cost             no price known: a tariff in the configuration, or --import-price");
  } else {
    row(out, "cost             %9.2f%s, %.2f%s earned by export taken off", cost - earned_,
        unit.c_str(), earned_, unit.c_str());
  }
  bool any = false;
  for (const Fault fault : enum_values<Fault>) {
    if (faults_[fault].times == 0) continue;
    any = true;
    row(out, "fault            %s %u times, %.1f s in all", std::string(name(fault)).c_str(),
        faults_[fault].times, Seconds{faults_[fault].time}.count());
  }
  if (!any) row(out, "faults           none");
  return out;
}

nlohmann::json RunSummary::json() const {
  const auto& t = truth_;
  const double time = hours(t.since_start);
  nlohmann::json json;
  json["hours"] = time;
  json["load_kwh"] = kwh(t.served);
  json["unserved_kwh"] = kwh(t.not_served);
  json["solar_kwh"] = kwh(t.generated);
  json["import_kwh"] = kwh(t.import);
  json["export_kwh"] = kwh(t.export_);
  json["charged_kwh"] = kwh(t.charged);
  json["discharged_kwh"] = kwh(t.discharged);
  json["losses_kwh"] = kwh(t.losses);
  json["stored_kwh"] = kwh(stored());
  json["unexplained_kwh"] = kwh(unexplained());
  json["soc_percent"] = house_.battery_truth().soc_percent;
  json["full_cycles"] = t.cells_out / house_.battery().capacity();
  json["self_consumption_percent"] = nullptr;
  if (t.generated > WattHours{})
    json["self_consumption_percent"] = 100.0 * share(t.generated - t.export_, t.generated);
  json["self_sufficiency_percent"] = nullptr;
  if (t.served + t.not_served > WattHours{})
    json["self_sufficiency_percent"] = 100.0 * self_sufficiency(t);
  json["mean_abs_grid_w"] = time > 0.0 ? t.absolute.value() / time : 0.0;
  json["outside_50w_h"] = hours(t.outside);
  json["outside_50w_regulating_h"] = hours(outside_regulating_);
  json["cost"] = nullptr;
  json["bought"] = nlohmann::json::array();
  double cost = 0.0;
  for (const auto& [price, bought] : bought_) {
    json["bought"].push_back(
        {{"price", price}, {"kwh", kwh(bought.energy)}, {"cost", bought.cost}});
    cost += bought.cost;
  }
  if (!bought_.empty()) json["cost"] = cost - earned_;
  json["rules_h"] = nlohmann::json::object();
  for (const Cause cause : enum_values<Cause>)
    if (shaped_[cause] > Duration{})
      json["rules_h"][std::string(name(cause))] = hours(shaped_[cause]);
  json["faults"] = nlohmann::json::object();
  for (const Fault fault : enum_values<Fault>)
    if (faults_[fault].times > 0)
      json["faults"][std::string(name(fault))] = {
          {"times", faults_[fault].times}, {"seconds", Seconds{faults_[fault].time}.count()}};
  return json;
}

}  // namespace esshub::sim
