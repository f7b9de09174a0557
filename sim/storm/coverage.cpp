#include "sim/storm/coverage.hpp"

#include <iomanip>

namespace esshub::sim::storm {

Doing doing(const House& house) {
  constexpr Watts rest{30.0};
  const auto& inverter = house.inverter_truth();
  switch (inverter.state) {
    case VebusState::passthru:
      return Doing::passthru;
    case VebusState::charge:
      if (abs(inverter.battery_ac) < rest) return Doing::rests;
      return inverter.battery_ac > Watts{} ? Doing::charges : Doing::discharges;
    case VebusState::invert_full:
    case VebusState::invert_half:
    case VebusState::invert_search:
    case VebusState::power_assist:
      return Doing::islanded;
    case VebusState::down:
    case VebusState::startup:
    case VebusState::off:
    case VebusState::slave:
      return Doing::off;
  }
  return Doing::off;
}

Coverage& Coverage::operator+=(const Coverage& other) {
  for (const auto fault : enum_values<Fault>) {
    raised[fault] += other.raised[fault];
    cleared[fault] += other.cleared[fault];
  }
  for (const auto what : enum_values<Injected>)
    for (const auto state : enum_values<Doing>)
      injected[what][state] += other.injected[what][state];
  orders_accepted += other.orders_accepted;
  orders_refused += other.orders_refused;
  prices_taken += other.prices_taken;
  prices_refused += other.prices_refused;
  negative_s += other.negative_s;
  starts += other.starts;
  quarantined += other.quarantined;
  history_writes += other.history_writes;
  histories_aside += other.histories_aside;
  contactor += other.contactor;
  published += other.published;
  setpoints += other.setpoints;
  return *this;
}

namespace {

/// Why a fault cannot be raised, or not be cleared, in any episode; nothing: it can.
std::string_view never_raised(Fault fault) {
  if (fault == Fault::server_unavailable) return " (nothing listens)";
  return fault == Fault::config_rejected ? " (no configuration is loaded again)" : "";
}
std::string_view never_cleared(Fault fault) {
  return fault == Fault::export_lockout ? " (it lasts 4 hours: --days)" : never_raised(fault);
}

void print_missing(std::ostream& out, const Coverage& coverage) {
  for (const auto fault : enum_values<Fault>) {
    if (coverage.raised[fault] == 0)
      out << "not raised: " << name(fault) << never_raised(fault) << '\n';
    else if (coverage.cleared[fault] == 0)
      out << "not cleared: " << name(fault) << never_cleared(fault) << '\n';
  }
  for (const auto what : enum_values<Injected>)
    for (const auto state : enum_values<Doing>)
      if (coverage.injected[what][state] == 0)
        out << "not met: " << row(what).name << " while "
            << enum_names<Doing>[static_cast<std::size_t>(state)] << '\n';
}

}  // namespace

void print(std::ostream& out, const Coverage& coverage) {
  out << std::left << std::setw(24) << "fault" << std::right << std::setw(10) << "raised"
      << std::setw(10) << "cleared" << '\n';
  for (const auto fault : enum_values<Fault>)
    out << std::left << std::setw(24) << name(fault) << std::right << std::setw(10)
        << coverage.raised[fault] << std::setw(10) << coverage.cleared[fault] << '\n';
  out << '\n' << std::left << std::setw(24) << "injected" << std::right;
  for (const auto state : enum_names<Doing>) out << std::setw(11) << state;
  out << '\n';
  for (const auto what : enum_values<Injected>) {
    out << std::left << std::setw(24) << row(what).name << std::right;
    for (const auto state : enum_values<Doing>)
      out << std::setw(11) << coverage.injected[what][state];
    out << '\n';
  }
  out << '\n';
  print_missing(out, coverage);
  out << "orders accepted " << coverage.orders_accepted << ", refused " << coverage.orders_refused
      << "; prices told taken " << coverage.prices_taken << ", refused " << coverage.prices_refused
      << ", " << coverage.negative_s << " s of negative ones; starts of the hub " << coverage.starts
      << "; state files set aside " << coverage.quarantined << "; writes of the history "
      << coverage.history_writes << ", set aside " << coverage.histories_aside
      << "; contactor opened " << coverage.contactor << "; setpoints on the wire "
      << coverage.setpoints << "; messages to the broker " << coverage.published << '\n';
}

}  // namespace esshub::sim::storm
