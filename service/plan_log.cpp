#include "service/plan_log.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "json/parse.hpp"
#include "json/text.hpp"
#include "service/kept_json.hpp"

namespace esshub::service {
namespace {

using nlohmann::json;

json to_json(const ForecastSlot& slot) {
  const Instruction& i = slot.instruction;
  return json::array({unix_seconds(slot.begin), unix_seconds(slot.end), unix_seconds(slot.made),
                      slot.import_price, slot.export_price, name(i.kind), i.power.value(),
                      i.target.percent(), i.low.percent(), i.high.percent(),
                      slot.charge_low.percent(), slot.charge.percent(),
                      slot.charge_high.percent()});
}

ForecastSlot to_slot(const json& j) {
  return {.begin = kept_time(j.at(0)),
          .end = kept_time(j.at(1)),
          .made = kept_time(j.at(2)),
          .import_price = j.at(3).get<double>(),
          .export_price = j.at(4).get<double>(),
          .instruction = {kept_kind(j.at(5)), Watts{j.at(6).get<double>()}, kept_soc(j.at(7)),
                          kept_soc(j.at(8)), kept_soc(j.at(9))},
          .charge_low = kept_soc(j.at(10)),
          .charge = kept_soc(j.at(11)),
          .charge_high = kept_soc(j.at(12))};
}

json to_json(const std::vector<ForecastSlot>& slots) {
  json list = json::array();
  for (const auto& slot : slots) list.push_back(to_json(slot));
  return list;
}

std::vector<ForecastSlot> to_slots(const json& list) {
  std::vector<ForecastSlot> slots;
  for (const auto& j : list) {
    const auto slot = to_slot(j);
    if (slot.end <= slot.begin || (!slots.empty() && slots.back().end > slot.begin))
      throw std::out_of_range("slots out of their order");
    slots.push_back(slot);
  }
  return slots;
}

}  // namespace

void PlanLog::take(const SmartPlan& plan) {
  if (plan.slots.empty()) return;
  const WallTime begin = plan.slots.front().begin;
  end(begin);
  std::vector<ForecastSlot> held;
  for (const auto& slot : plan.slots)
    if (slot.end <= begin + reach)
      held.push_back({.begin = slot.begin,
                      .end = slot.end,
                      .made = plan.made,
                      .import_price = slot.import_price,
                      .export_price = slot.export_price,
                      .instruction = slot.instruction,
                      .charge_low = slot.charge_low,
                      .charge = slot.charge,
                      .charge_high = slot.charge_high});
  slots_.insert(first_from(begin), held.begin(), held.end());
  while (slots_.size() > most) {
    const bool oldest = begin - slots_.front().begin > slots_.back().begin - begin;
    slots_.erase(oldest ? slots_.begin() : std::prev(slots_.end()));
  }
}

bool PlanLog::end(WallTime at) {
  at = std::chrono::floor<std::chrono::seconds>(at);  // as the file tells it
  const auto first = first_from(at);
  const auto last = first_from(at + reach);
  bool news = first != last;
  const auto next = slots_.erase(first, last);
  if (next != slots_.begin() && std::prev(next)->end > at) {
    std::prev(next)->end = at;
    news = true;
  }
  return news;
}

std::vector<ForecastSlot>::iterator PlanLog::first_from(WallTime at) {
  return std::ranges::lower_bound(slots_, at, {}, &ForecastSlot::begin);
}

std::vector<ForecastSlot> PlanLog::within(WallTime from, WallTime until) const {
  std::vector<ForecastSlot> found;
  std::ranges::copy_if(slots_, std::back_inserter(found),
                       [&](const auto& slot) { return slot.begin >= from && slot.begin < until; });
  return found;
}

std::string PlanLog::encode() const {
  return json_text(json{{"slots", to_json(slots_)}}) + "\n";
}

Result<PlanLog> PlanLog::decode(const std::string& text) {
  try {
    const json all = parse_json(text);
    PlanLog log;
    log.slots_ = to_slots(all.at("slots"));
    return log;
  } catch (const std::exception& e) {  // the library's way to say no
    return fail(ErrorKind::invalid, e.what());
  }
}

}  // namespace esshub::service
