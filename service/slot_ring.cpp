#include "service/slot_ring.hpp"

#include <algorithm>
#include <cmath>

namespace esshub::service {
namespace {

constexpr int slot_minutes = SlotRing::slot_s / 60;
constexpr int enough_minutes = 8;

}  // namespace

void SlotRing::add(const PastMinute& minute, Watts charge, Watts discharge) {
  double load = minute.load.value();
  double solar = minute.solar.value();
  if (!std::isfinite(load) || !std::isfinite(solar) || !std::isfinite(minute.taken.value())) return;
  if (load < 0.0) {
    solar -= load;
    load = 0.0;
  }
  const double sun = solar + minute.taken.value();
  solar = std::min(solar, load + charge.value());
  load = std::min(load, solar + discharge.value());

  const auto begin = minute.begin - minute.begin % slot_s;
  while (!slots_.empty() && slots_.back().begin > begin) slots_.pop_back();
  if (slots_.empty() || slots_.back().begin < begin) {
    slots_.push_back({.begin = begin});
  } else if (minute.begin <= slots_.back().newest) {
    return;
  }
  while (slots_.front().begin <= begin - days * 86400) slots_.pop_front();
  Slot& slot = slots_.back();
  constexpr double hours = 1.0 / 60.0;
  slot.newest = minute.begin;
  ++slot.minutes;
  slot.load += load * hours;
  slot.solar += solar * hours;
  slot.deficit += std::max(load - solar, 0.0) * hours;
  slot.surplus += std::max(solar - load, 0.0) * hours;
  slot.beyond += (sun - solar) * hours;
  slot.curtailed = slot.curtailed || minute.curtailed;
}

std::vector<control::PastSlot> SlotRing::slots() const {
  std::vector<control::PastSlot> all;
  all.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    if (slot.minutes < enough_minutes) continue;
    const double whole = static_cast<double>(slot_minutes) / slot.minutes;
    all.push_back({slot.begin, slot.begin + slot_s, WattHours{slot.load * whole},
                   WattHours{slot.solar * whole},
                   WattHours{std::min(slot.deficit, slot.surplus) * whole},
                   WattHours{slot.beyond * whole}, slot.curtailed});
  }
  return all;
}

}  // namespace esshub::service
