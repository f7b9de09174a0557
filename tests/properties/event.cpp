#include "tests/properties/event.hpp"

#include <ostream>

namespace esshub::properties {
namespace {

struct Says {
  std::ostream& out;

  void soc(const char* what, Soc soc) const { out << ' ' << what << ' ' << soc.percent() << " %"; }
  void seconds(Duration length) const { out << ' ' << Seconds{length}.count() << " s"; }
  void instruction(const Instruction& i) const {
    out << ' ' << name(i.kind);
    if (i.kind == InstructionKind::charge || i.kind == InstructionKind::discharge) {
      out << ' ' << i.power.value() << " W";
      soc("to", i.target);
    } else {
      soc("from", i.low);
      soc("to", i.high);
    }
  }
  void bits(const char* what, std::uint32_t bits, auto name_of) const {
    out << what;
    for (unsigned i = 0; i < 32; ++i)
      if ((bits >> i & 1u) != 0) {
        const auto known = name_of(1u << i);
        out << ' ' << (known.empty() ? "bit" + std::to_string(i) : std::string{known});
      }
    if (bits == 0) out << " none";
  }

  // Commands
  void operator()(const SetMode& c) const {
    out << "mode " << (c.mode ? name(*c.mode) : "as configured");
  }
  void operator()(const SetReserve& c) const {
    out << "reserve";
    c.reserve ? soc("", *c.reserve) : void(out << " as configured");
  }
  void operator()(const StartOverride& c) const {
    out << "override";
    instruction(c.instruction);
    seconds(c.length);
  }
  void operator()(const EndOverride&) const { out << "end override"; }
  void operator()(const StartDispatch& c) const {
    out << "dispatch";
    instruction(c.instruction);
    seconds(c.length);
  }
  void operator()(const EndDispatch&) const { out << "end dispatch"; }
  void operator()(const StartStorm& c) const {
    out << "storm";
    soc("reserve", c.reserve);
    seconds(c.length);
    out << ", begins in";
    seconds(c.begins_in);
    if (!c.fill) out << ", not filled";
  }
  void operator()(const EndStorm&) const { out << "end storm"; }
  void operator()(const Acknowledge&) const { out << "acknowledge"; }

  // Changes
  void operator()(const Residual& c) const { out << "residual " << c.watts << " W"; }
  void operator()(const Solar& c) const { out << "solar " << c.watts << " W"; }
  void operator()(const AcOut& c) const { out << "ac_out " << c.watts << " W"; }
  void operator()(const AcOutError& c) const {
    out << "the word for ac_out wrong by " << c.watts << " W";
  }
  void operator()(const Circuit& c) const { out << name(c.wire) << ' ' << c.watts << " W"; }
  void operator()(const PackVoltage& c) const {
    out << "pack voltage at " << enum_name(c.mark) << " + " << c.plus << " V";
  }
  void operator()(const PackCurrent& c) const { out << "pack current " << c.amperes << " A"; }
  void operator()(const Limit& c) const { out << name(c.wire) << " = " << c.value; }
  void operator()(const Protections& c) const {
    bits("protections", c.bits, [](std::uint32_t b) { return name(static_cast<BmsFlag>(b)); });
  }
  void operator()(const Requests& c) const {
    bits("requests", c.bits, [](std::uint32_t b) { return name(static_cast<BmsRequest>(b)); });
  }
  void operator()(const Missing& c) const { out << name(c.wire) << " missing"; }
  void operator()(const Silent& c) const { out << "bus " << enum_name(c.bus) << " silent"; }
  void operator()(const Garbage& c) const { out << name(c.wire) << " = garbage " << c.value; }
  void operator()(const NoNumber& c) const { out << name(c.wire) << " = NaN past the filter"; }
  void operator()(const Status& c) const { out << "inverter status " << c.value; }
  void operator()(const PowerCut& c) const {
    out << "power cut, mains " << c.mains_v << (c.empty ? " V, pack empty and its BMS off" : " V");
  }
  void operator()(const Mains& c) const { out << "mains " << c.volts << " V"; }
  void operator()(const Responds& c) const { out << "inverter " << enum_name(c.how); }
  void operator()(const MeterReversed&) const { out << "grid meter reversed"; }
  void operator()(const MeterFrozen& c) const {
    out << "grid meter " << (c.told ? "frozen" : "stands still");
  }
  void operator()(const ClampOff&) const { out << "grid meter's clamp off"; }
  void operator()(const Contended& c) const { out << "bus " << enum_name(c.bus) << " contended"; }
  void operator()(const Overrun& c) const {
    out << c.missed << " periods missed before each tick, late";
    seconds(c.late);
  }
  void operator()(const ComponentsFail& c) const {
    out << (c.hold_safe ? "components fail" : "component stuck");
  }
  void operator()(const Raised& c) const { out << "fault " << name(c.fault); }
  void operator()(const ClockUntrusted&) const { out << "clock untrusted"; }
  void operator()(const LocalStep& c) const {
    out << "clocks " << c.minutes << " min" << (c.second_pass ? ", second pass" : "");
  }
  void operator()(const Wild& c) const {
    out << "unchecked orders:";
    const auto order = [&](const char* who, const std::optional<Order>& given) {
      if (!given) return;
      out << ' ' << who;
      instruction(given->instruction);
      seconds(given->until.time_since_epoch());
    };
    if (c.orders.mode) out << " mode " << name(*c.orders.mode);
    if (c.orders.reserve) soc("reserve", *c.orders.reserve);
    order("manual", c.orders.manual);
    order("dispatch", c.orders.dispatch);
    if (c.orders.storm) soc("storm", c.orders.storm->reserve);
  }
  void operator()(const Told& c) const {
    out << "told prices of " << c.count << " entries";
    for (const auto& [begin, end, prices] : c.entries) {
      out << ';';
      seconds(begin.time_since_epoch());
      out << " to";
      seconds(end.time_since_epoch());
      if (prices.import_price) out << " import " << *prices.import_price;
      if (prices.export_price) out << " export " << *prices.export_price;
    }
  }
  void operator()(const Plans& c) const {
    out << "a plan of " << c.count << " entries, made before";
    seconds(c.age);
    for (const auto& [begin, end, marks] : c.entries) {
      out << ';';
      seconds(begin.time_since_epoch());
      out << " to";
      seconds(end.time_since_epoch());
      soc("buy", marks.buy);
      out << " with " << marks.buy_power.value() << " W";
      soc("store", marks.store);
      soc("serve", marks.serve);
      soc("sell", marks.sell);
      out << " with " << marks.sell_power.value() << " W";
    }
  }
  void operator()(const SocTo& c) const {
    out << (c.jump ? "soc jumps to " : "soc moves to ") << enum_name(c.mark) << " + " << c.plus
        << " %";
  }
  void operator()(const SocMoves& c) const { out << "soc moves by " << c.points << " %"; }
  void operator()(const Pause& c) const {
    out << "nothing runs for";
    seconds(c.length);
  }
  void operator()(const WallStep& c) const { out << "wall clock steps " << c.by.count() << " s"; }
  void operator()(const Ask& c) const { std::visit(*this, c.command); }
  void operator()(const ControlRestarts&) const { out << "control restarts"; }
  void operator()(const ProgramRestarts& c) const {
    out << (c.told ? "program stopped" : "program killed")
        << (c.told && !c.heard ? ", not heard," : "") << (c.reboot ? ", reboot," : ",") << " off";
    seconds(c.off);
  }
};

}  // namespace

std::string_view name(Wire wire) {
  return enum_name(wire);
}

std::ostream& operator<<(std::ostream& out, const Event& event) {
  out << "\n  after " << event.after << " ticks: ";
  std::visit(Says{out}, event.change);
  return event.lasts > 0 ? out << " (" << event.lasts << " ticks)" : out;
}

}  // namespace esshub::properties
