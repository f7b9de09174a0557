#include "sim/storm/recorder.hpp"

#include <chrono>
#include <cmath>
#include <ostream>

#include "json/text.hpp"

namespace esshub::sim::storm {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double step) {
  const double out = std::round(value / step) * step;
  // So that 0.1 steps are written as 0.1, and -0 as 0.
  return std::round(out * 1000.0) / 1000.0 + 0.0;
}
double watts(Watts w) {
  return rounded(w.value(), 1.0);
}
template <class Q>
Json or_null(const std::optional<Q>& value) {
  return value ? Json(value->value()) : Json(nullptr);
}
double seconds(Duration d) {
  return Seconds{d}.count();
}

Json names(std::uint32_t bits) {
  Json out = Json::array();
  for (const auto name : names_of<BmsFlag>(bits)) out.push_back(name);
  return out;
}

Json span_json(const control::WeekSpan& span) {
  return {{"days", span.days}, {"from_min", span.from}, {"to_min", span.to}};
}

void put(Json& out, const Instruction& i) {
  out["action"] = name(i.kind);
  out["power_w"] = i.power.value();
  out["target_pct"] = i.target.percent();
  out["low_pct"] = i.low.percent();
  out["high_pct"] = i.high.percent();
}

Json tariff_json(const control::Tariff& t) {
  if (t.bands.empty() && !t.import_price) return nullptr;
  Json out;
  out["import_price"] = t.import_price ? Json(*t.import_price) : Json(nullptr);
  out["export_price"] = t.export_price ? Json(*t.export_price) : Json(nullptr);
  out["cheap_below"] = t.cheap_below ? Json(*t.cheap_below) : Json(nullptr);
  out["no_discharge_while_cheap"] = t.no_discharge_while_cheap;
  out["force_charge_to_pct"] =
      t.force_charge_to ? Json(t.force_charge_to->percent()) : Json(nullptr);
  out["bands"] = Json::array();
  for (const auto& band : t.bands) {
    Json b = span_json(band.when);
    b["import_price"] = band.import_price;
    b["cheap"] = band.cheap;
    out["bands"].push_back(b);
  }
  return out;
}

Json settings_json(const control::Settings& s) {
  Json out;
  out["grid_setpoint_w"] = s.grid_setpoint.value();
  out["import_cap_w"] = or_null(s.import_cap);
  out["export_cap_w"] = or_null(s.export_cap);
  out["main_fuse_a"] = s.main_fuse.value();
  out["charge_limit_w"] = s.charge_limit.value();
  out["discharge_limit_w"] = s.discharge_limit.value();
  out["soc_floor_pct"] = s.soc_floor.percent();
  out["soc_ceiling_pct"] = s.soc_ceiling.percent();
  out["reserve_pct"] = s.reserve.percent();
  out["soc_hysteresis_pct"] = s.soc_hysteresis;
  out["charge_voltage_cap_v"] = s.charge_voltage_cap.value();
  out["cutoff_soc_pct"] = s.cutoff_soc.percent();
  out["cutoff_voltage_v"] = s.cutoff_voltage.value();
  out["force_charge_w"] = s.force_charge_power.value();
  out["charge_temperature_min_c"] = s.coldest_charge.value();
  out["charge_temperature_max_c"] = s.warmest_charge.value();
  out["discharge_temperature_min_c"] = s.coldest_discharge.value();
  out["discharge_temperature_max_c"] = s.warmest_discharge.value();
  constexpr EnumArray<control::ReserveRecharge, const char*> recharge{
      {"cheap", "surplus", "at_once"}};
  out["reserve_recharge"] = recharge[s.reserve_recharge];
  out["reserve_recharge_w"] = s.reserve_recharge_power.value();
  out["full_charge_days"] = s.full_charge_days;
  out["mode"] = name(s.mode);
  out["schedule"] = Json::array();
  for (const auto& entry : s.schedule) {
    Json e = span_json(entry.when);
    put(e, entry.instruction);
    out["schedule"].push_back(e);
  }
  out["tariff"] = tariff_json(s.tariff);
  out["inverter_rating_w"] = s.inverter_rating.value();
  out["charger_current_a"] = s.charger_current.value();
  out["transfer_switch_a"] = s.transfer_switch.value();
  out["conversion_efficiency"] = s.conversion_efficiency;
  out["slew_w_per_s"] = s.slew.value();
  out["meter_max_age_s"] = seconds(s.meter_max_age);
  out["bms_max_age_s"] = seconds(s.bms_max_age);
  out["inverter_max_age_s"] = seconds(s.inverter_max_age);
  out["setpoint_life_s"] = seconds(s.setpoint_life);
  out["witness"] = s.witness;
  return out;
}

const char* switch_name(SwitchPosition position) {
  switch (position) {
    case SwitchPosition::charger_only:
      return "charger_only";
    case SwitchPosition::inverter_only:
      return "inverter_only";
    case SwitchPosition::on:
      return "on";
    case SwitchPosition::off:
      return "off";
  }
  return "?";
}

Json truth_json(const House& house) {
  const auto& h = house.truth();
  const auto& b = house.battery_truth();
  const auto& i = house.inverter_truth();
  Json out;
  out["grid_w"] = watts(h.grid);
  out["load_w"] = watts(h.load);
  out["ac_out_w"] = watts(h.ac_out);
  out["unserved_w"] = watts(h.unserved);
  out["solar_w"] = watts(h.solar);
  out["sun_w"] = watts(house.sun());
  out["drawn_w"] = watts(h.drawn);
  out["bat_ac_w"] = watts(i.battery_ac);
  out["bat_v"] = rounded(b.voltage.value(), 0.01);
  out["bat_a"] = rounded(b.current.value(), 0.01);
  out["soc_pct"] = rounded(b.soc_percent, 0.01);
  out["temp_c"] = rounded(b.temperature.value(), 0.1);
  out["mains"] = h.grid_on;
  out["inv_state"] = name(i.state);
  out["switch"] = switch_name(house.command().switch_state);
  out["front_switch"] = true;
  out["sp_w"] = or_null(house.command().setpoint);
  out["contactor"] = b.contactor;
  out["ccl_a"] = rounded(b.ccl.value(), 0.1);
  out["dcl_a"] = rounded(b.dcl.value(), 0.1);
  out["cvl_v"] = rounded(b.cvl.value(), 0.1);
  out["charge_enable"] = b.charge_enable;
  out["discharge_enable"] = b.discharge_enable;
  out["protections"] = names(b.protections);
  return out;
}

Json number_or_word(double value) {
  if (std::isfinite(value)) return rounded(value, 0.001);
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

std::string hex(std::span<const std::byte> bytes) {
  return protocol::to_hex(bytes);
}

}  // namespace

Json command_json(const Command& command) {
  struct Words {
    Json operator()(const SetMode& c) const {
      return {{"name", "mode"}, {"mode", c.mode ? Json(name(*c.mode)) : Json(nullptr)}};
    }
    Json operator()(const SetReserve& c) const {
      return {{"name", "reserve"},
              {"reserve_pct", c.reserve ? Json(c.reserve->percent()) : Json(nullptr)}};
    }
    static Json instructed(const char* what, const Instruction& i, Duration length) {
      Json out{{"name", what}, {"length_s", seconds(length)}};
      put(out, i);
      return out;
    }
    Json operator()(const StartOverride& c) const {
      return instructed("override", c.instruction, c.length);
    }
    Json operator()(const EndOverride&) const { return {{"name", "end_override"}}; }
    Json operator()(const StartDispatch& c) const {
      return instructed("dispatch", c.instruction, c.length);
    }
    Json operator()(const EndDispatch&) const { return {{"name", "end_dispatch"}}; }
    Json operator()(const StartStorm& c) const {
      return {{"name", "storm"},
              {"reserve_pct", c.reserve.percent()},
              {"length_s", seconds(c.length)},
              {"begins_in_s", seconds(c.begins_in)},
              {"fill", c.fill}};
    }
    Json operator()(const EndStorm&) const { return {{"name", "end_storm"}}; }
    Json operator()(const Acknowledge&) const { return {{"name", "acknowledge"}}; }
  };
  return std::visit(Words{}, command);
}

Json Recorder::begin(const char* kind, Instant now) const {
  const auto t = std::chrono::duration_cast<std::chrono::microseconds>(now - start_).count();
  return {{"k", kind}, {"t", t}};
}

void Recorder::write(const Json& line) {
  out_ << json_text(line) << '\n';
}

void Recorder::header(const Plan& plan, unsigned episode) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  Json line = begin("header", start_);
  line["format"] = 1;
  line["seed"] = plan.seed;
  line["episode"] = episode;
  line["length_us"] = duration_cast<microseconds>(plan.length).count();
  line["period_us"] = duration_cast<microseconds>(plan.loop.control.period).count();
  line["settings"] = settings_json(plan.loop.control);
  const auto& house = plan.plant.house;
  line["site"] = {{"mains_wait_s", seconds(house.inverter.mains_wait)},
                  {"ramp_w_per_s", house.inverter.ramp.value()},
                  {"setpoint_timeout_s", seconds(plan.inverter.setpoint_timeout)},
                  {"meter_time_constant_s", house.meter.time_constant.count()},
                  {"modules", house.battery.modules},
                  {"ac_out_share", house.ac_out_share},
                  {"ac_out_w", house.ac_out.value()},
                  {"meters_live_without_grid", plan.plant.meters_live_without_grid}};
  line["steady_us"] = duration_cast<microseconds>(plan.steady).count();
  line["wall_s"] = duration_cast<std::chrono::seconds>(plan.wall.time_since_epoch()).count();
  line["zone"] = plan.zone;
  line["clock_trusted"] = plan.clock_synchronised;
  write(line);
}

void Recorder::truth(const House& house, Instant now) {
  const Json all = truth_json(house);
  Json line = begin("truth", now);
  for (const auto& [key, value] : all.items())
    if (const auto before = truth_.find(key); before == truth_.end() || *before != value)
      line[key] = value;
  if (line.size() <= 2) return;
  truth_ = all;
  write(line);
}

void Recorder::meter(const MeterReply& reply, Instant now) {
  Json line = begin("meter", now);
  line["unit"] = reply.unit;
  line["start"] = reply.start;
  line["values"] = Json::array();
  for (const float value : reply.values)
    line["values"].push_back(number_or_word(static_cast<double>(value)));
  if (reply.unit == 1) {
    if (const auto power = reply.at(12)) line["grid_w"] = number_or_word(*power);
    if (const auto volts = reply.at(0)) line["grid_v"] = number_or_word(*volts);
  }
  write(line);
}

void Recorder::bms(const CanWords& frame, Instant now) {
  Json line = begin("bms", now);
  constexpr const char* digits = "0123456789ABCDEF";
  line["id"] =
      std::string{digits[frame.id >> 8 & 15], digits[frame.id >> 4 & 15], digits[frame.id & 15]};
  std::string data;
  for (std::size_t i = 0; i < frame.size; ++i)
    data += {digits[frame.data[i] >> 4], digits[frame.data[i] & 15]};
  line["hex"] = data;
  const auto word = [&](const char* key, std::size_t at, double unit, bool is_signed) {
    if (frame.size >= at + 2)
      line[key] =
          rounded((is_signed ? frame.s16(at) : static_cast<int>(frame.u16(at))) * unit, unit);
  };
  switch (frame.id) {
    case 0x351:
      word("cvl_v", 0, 0.1, false);
      word("ccl_a", 2, 0.1, true);
      word("dcl_a", 4, 0.1, true);
      word("dvl_v", 6, 0.1, false);
      break;
    case 0x355:
      word("soc_pct", 0, 1.0, false);
      word("soh_pct", 2, 1.0, false);
      break;
    case 0x356:
      word("v", 0, 0.01, true);
      word("a", 2, 0.1, true);
      word("temp_c", 4, 0.1, true);
      break;
    case 0x359:
      if (frame.size >= 4) {
        line["protections"] = names(protections(frame));
        line["warnings"] = names(warnings(frame));
      }
      if (frame.size >= 5) line["modules"] = frame.data[4];
      break;
    case 0x35C: {
      if (frame.size == 0) break;
      constexpr std::array keys{"full_charge", "force_charge_2", "force_charge_1",
                                "discharge_enable", "charge_enable"};
      for (std::size_t i = 0; i < keys.size(); ++i)
        line[keys[i]] = (frame.data[0] >> (3 + i) & 1u) != 0;
      break;
    }
    default:
      break;
  }
  write(line);
}

void Recorder::inverter(const InterfaceFrame& frame, Instant now) {
  Json line = begin("mk3", now);
  line["cmd"] = frame.command;
  line["hex"] = hex(frame.bytes);
  write(line);
}

void Recorder::setpoint(Watts at_ac_in, Instant now) {
  Json line = begin("setpoint", now);
  line["w"] = at_ac_in.value();
  write(line);
}

void Recorder::release(Instant now) {
  write(begin("release", now));
}

void Recorder::injection(const Injection& injection, std::size_t id, bool begins, Instant now) {
  const InjectionRow& r = row(injection.what);
  Json line = begin("inject", now);
  line["id"] = id + 1;
  line["on"] = begins;
  line["what"] = r.name;
  if (r.where != Where::house) line["bus"] = name(injection.bus);
  line["args"] = Json::object();
  if (!r.first.empty()) line["args"][std::string{r.first}] = injection.first;
  if (!r.second.empty()) line["args"][std::string{r.second}] = injection.second;
  write(line);
}

void Recorder::clock(WallTime wall, bool trusted, Instant now) {
  Json line = begin("clock", now);
  line["wall_s"] = Seconds{wall.time_since_epoch()}.count();
  line["trusted"] = trusted;
  write(line);
}

void Recorder::process(const char* what, Instant now, const std::string& part,
                       std::optional<bool> acknowledged) {
  Json line = begin("process", now);
  line["what"] = what;
  if (!part.empty()) line["part"] = part;
  if (acknowledged) line["acknowledged"] = *acknowledged;
  write(line);
}

void Recorder::history(const char* what, bool ok, Instant now) {
  Json line = begin("history", now);
  line["what"] = what;
  line["ok"] = ok;
  write(line);
}

void Recorder::disk(const char* what, std::optional<bool> ok, Instant now) {
  Json line = begin("disk", now);
  line["what"] = what;
  if (ok) line["ok"] = *ok;
  write(line);
}

void Recorder::order(const std::string& who, const Command& command, const Result<void>& answer,
                     Instant now) {
  Json line = begin("order", now);
  line["who"] = who;
  line["command"] = command_json(command);
  line["accepted"] = answer.has_value();
  line["answer"] = answer ? "" : answer.error().detail;
  write(line);
}

void Recorder::line(Bus bus, bool open, Instant now) {
  Json line = begin("line", now);
  line["bus"] = name(bus);
  line["what"] = open ? "open" : "close";
  write(line);
}

void Recorder::event(const std::string& component, const Event& event, Instant now) {
  Json line = begin("hub", now);
  line["claim"] = "event";
  line["component"] = component;
  line["name"] = event.name;
  line["detail"] = event.detail;
  write(line);
}

void Recorder::claims(const control::Tick& tick, Instant now) {
  const auto claim = [&](const char* what, const Json& said, Json& before) {
    if (said == before) return;
    before = said;
    Json line = begin("hub", now);
    line["claim"] = what;
    line.update(said);
    write(line);
  };
  const auto faults = tick.faults();
  for (const Fault fault : enum_values<Fault>) {
    if (faults.active(fault) == faults_.active(fault)) continue;
    faults_.set(fault, faults.active(fault));
    Json line = begin("hub", now);
    line["claim"] = "fault";
    line["fault"] = name(fault);
    line["on"] = faults.active(fault);
    write(line);
  }
  const Decision& d = tick.decision();
  claim("decision",
        {{"mode", name(d.setpoint.mode)},
         {"ac_w", watts(d.setpoint.ac_power)},
         {"bat_w", watts(d.battery_power)}},
        decision_);
  Json causes = Json::array();
  for (const auto& reason : d.reasons) causes.push_back(name(reason.cause));
  claim("reasons", {{"causes", causes}}, reasons_);
  if (now < next_shown_) return;
  next_shown_ = now + 1s;
  const Snapshot& s = tick.snapshot();
  const auto shown = [&](Point point, Measure measure) -> Json {
    const auto& reading = s.raw(point, measure);
    const auto value = reading ? fresh(reading, d.at, reading->max_age) : std::nullopt;
    return value ? Json(rounded(*value, 0.01)) : Json(nullptr);
  };
  claim("shown",
        {{"grid_w", shown(Point::grid, Measure::power)},
         {"solar_w", shown(Point::solar, Measure::power)},
         {"soc_pct", shown(Point::battery, Measure::soc)},
         {"bat_v", shown(Point::battery, Measure::voltage)},
         {"bat_a", shown(Point::battery, Measure::current)},
         {"inv_ac_in_w", shown(Point::inverter, Measure::power)}},
        shown_);
}

void Recorder::forget_claims() {
  faults_ = {};
  decision_ = reasons_ = shown_ = nullptr;
}

void Recorder::end(const std::string& verdict, std::uint64_t hash, std::uint64_t ticks,
                   std::uint64_t setpoints, Instant now) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  Json line = begin("end", now);
  line["verdict"] = verdict;
  line["hash"] = text;
  line["ticks"] = ticks;
  line["setpoints"] = setpoints;
  write(line);
}

}  // namespace esshub::sim::storm
