#include "service/plan_log.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "service/feed.hpp"

namespace esshub::service {
namespace {

using nlohmann::json;

// What no clock ever showed is damage, and would overflow.
WallTime moment(const json& value) {
  constexpr UnixSeconds year_2200 = 7258118400;
  const auto s = value.get<UnixSeconds>();
  if (s < 0 || s > year_2200) throw std::out_of_range("a time that cannot be");
  return wall_time(s);
}

Soc soc(const json& value) {
  const auto soc = Soc::from_percent(value.get<double>());
  if (!soc) throw std::out_of_range("a state of charge beyond 0 to 100 %");
  return *soc;
}

json to_json(const BelievedSlot& slot) {
  const Instruction& i = slot.instruction;
  return json::array({unix_seconds(slot.begin), unix_seconds(slot.end), unix_seconds(slot.made),
                      slot.import_price, slot.export_price, name(i.kind), i.power.value(),
                      i.target.percent(), i.low.percent(), i.high.percent(),
                      slot.charge_low.percent(), slot.charge.percent(),
                      slot.charge_high.percent()});
}

BelievedSlot to_slot(const json& j) {
  const auto kind = instruction_kind(j.at(5).get<std::string>());
  if (!kind) throw std::out_of_range("an unknown instruction");
  return {.begin = moment(j.at(0)),
          .end = moment(j.at(1)),
          .made = moment(j.at(2)),
          .import_price = j.at(3).get<double>(),
          .export_price = j.at(4).get<double>(),
          .instruction = {*kind, Watts{j.at(6).get<double>()}, soc(j.at(7)), soc(j.at(8)),
                          soc(j.at(9))},
          .charge_low = soc(j.at(10)),
          .charge = soc(j.at(11)),
          .charge_high = soc(j.at(12))};
}

}  // namespace

void PlanLog::take(const SmartPlan& plan) {
  if (plan.slots.empty()) return;
  end(plan.slots.front().begin);
  std::erase_if(slots_, [&](const auto& slot) { return slot.end + keeps <= plan.made; });
  for (const auto& slot : plan.slots)
    slots_.push_back({.begin = slot.begin,
                      .end = slot.end,
                      .made = plan.made,
                      .import_price = slot.import_price,
                      .export_price = slot.export_price,
                      .instruction = slot.instruction,
                      .charge_low = slot.charge_low,
                      .charge = slot.charge,
                      .charge_high = slot.charge_high});
}

bool PlanLog::end(WallTime at) {
  if (slots_.empty() || slots_.back().end <= at) return false;
  std::erase_if(slots_, [&](const auto& slot) { return slot.begin >= at; });
  if (!slots_.empty()) slots_.back().end = std::min(slots_.back().end, at);
  return true;
}

std::vector<BelievedSlot> PlanLog::within(WallTime from, WallTime until) const {
  std::vector<BelievedSlot> found;
  std::ranges::copy_if(slots_, std::back_inserter(found),
                       [&](const auto& slot) { return slot.begin >= from && slot.begin < until; });
  return found;
}

std::string PlanLog::encode() const {
  json list = json::array();
  for (const auto& slot : slots_) list.push_back(to_json(slot));
  return json{{"slots", std::move(list)}}.dump() + "\n";
}

Result<PlanLog> PlanLog::decode(const std::string& text) {
  try {
    const json all = json::parse(text);
    PlanLog log;
    for (const auto& slot : all.at("slots")) {
      log.slots_.push_back(to_slot(slot));
      const auto& newest = log.slots_.back();
      const bool follows = log.slots_.size() == 1 || log.slots_.end()[-2].end <= newest.begin;
      if (newest.end <= newest.begin || !follows)
        throw std::out_of_range("slots out of their order");
    }
    return log;
  } catch (const std::exception& e) {  // the library's way to say no
    return fail(ErrorKind::invalid, e.what());
  }
}

}  // namespace esshub::service
