#include "control/policy/orders.hpp"

#include <algorithm>
#include <utility>

#include "control/text.hpp"

namespace esshub::control {
namespace {

std::string percent(Soc soc) {
  return percent_text(soc.percent());
}

std::string length_text(Duration length) {
  const double seconds = Seconds{length}.count();
  if (seconds >= 172800) return number_text(seconds / 86400) + " days";
  if (seconds >= 60) return number_text(seconds / 60) + " min";
  return number_text(seconds) + " s";
}

tl::unexpected<Error> refuse(std::string text) {
  return fail(ErrorKind::invalid, std::move(text));
}

std::optional<std::string> wrong_length(Duration length, OrderLimitId id) {
  if (length >= shortest(id) && length <= longest(id)) return std::nullopt;
  return "the length is " + length_text(length) + ", expected " + length_text(shortest(id)) +
         " to " + length_text(longest(id));
}

/// Of an instruction that has a power; up to the configured limit it was checked before.
std::optional<std::string> wrong_power(const Instruction& i) {
  const OrderLimit limit = order_limit(OrderLimitId::power);
  const bool powered = i.kind == InstructionKind::charge || i.kind == InstructionKind::discharge;
  if (!powered || allows(limit, i.power.value())) return std::nullopt;
  return "the rate is " + number_text(i.power.value()) + " W, expected " +
         number_text(limit.least) + " to " + number_text(limit.most) + " W";
}

class Applier {
 public:
  Applier(const Orders& orders, const Settings& settings, Instant now)
      : orders_(orders), settings_(settings), now_(now) {}

  Result<Orders> operator()(const SetMode& c) {
    orders_.mode = c.mode;
    return orders_;
  }

  Result<Orders> operator()(const SetReserve& c) {
    if (c.reserve) {
      if (*c.reserve < settings_.soc_floor || *c.reserve >= settings_.soc_ceiling)
        return refuse("the reserve is " + percent(*c.reserve) +
                      ", expected at or above the SOC floor (" + percent(settings_.soc_floor) +
                      ") and below the SOC ceiling (" + percent(settings_.soc_ceiling) + ")");
      Settings changed = settings_;
      changed.reserve = *c.reserve;
      if (const auto errors = validate(changed); !errors.empty())
        return refuse(errors.front().text);
    }
    orders_.reserve = c.reserve;
    return orders_;
  }

  Result<Orders> operator()(const StartOverride& c) {
    if (auto wrong = validate(c.instruction, settings_)) return refuse(*wrong);
    if (auto wrong = wrong_power(c.instruction)) return refuse(*wrong);
    if (auto wrong = wrong_length(c.length, OrderLimitId::override_length)) return refuse(*wrong);
    orders_.manual = Order{c.instruction, now_ + c.length};
    return orders_;
  }
  Result<Orders> operator()(const EndOverride&) {
    orders_.manual.reset();
    return orders_;
  }

  Result<Orders> operator()(const StartDispatch& c) {
    if (auto wrong = validate_dispatch(c.instruction, settings_)) return refuse(*wrong);
    if (auto wrong = wrong_length(c.length, OrderLimitId::dispatch_length)) return refuse(*wrong);
    orders_.dispatch = Order{c.instruction, now_ + c.length};
    return orders_;
  }
  Result<Orders> operator()(const EndDispatch&) {
    orders_.dispatch.reset();
    return orders_;
  }

  Result<Orders> operator()(const StartStorm& c) {
    const Soc least = orders_.reserve.value_or(settings_.reserve);
    if (c.reserve < least || c.reserve >= settings_.soc_ceiling)
      return refuse("the storm reserve is " + percent(c.reserve) +
                    ", expected at or above the reserve (" + percent(least) +
                    ") and below the SOC ceiling (" + percent(settings_.soc_ceiling) + ")");
    if (auto wrong = wrong_length(c.length, OrderLimitId::storm_length)) return refuse(*wrong);
    if (c.begins_in < Duration{} || c.begins_in > longest(OrderLimitId::storm_begin))
      return refuse("it begins in " + length_text(c.begins_in) + ", expected now to " +
                    length_text(longest(OrderLimitId::storm_begin)) + " ahead");
    const Instant from = now_ + c.begins_in;
    orders_.storm = Storm{c.reserve, from + c.length, from, c.fill};
    return orders_;
  }
  Result<Orders> operator()(const EndStorm&) {
    orders_.storm.reset();
    return orders_;
  }

  Result<Orders> operator()(const Acknowledge&) {
    ++orders_.acknowledgements;
    return orders_;
  }

 private:
  Orders orders_;
  const Settings& settings_;
  Instant now_;
};

/// The limit from the first to the last of its steps that `takes` accepts.
template <class Takes>
OrderLimit narrowed(OrderLimit limit, Takes takes) {
  const double least = limit.least;
  const auto last = static_cast<int>((limit.most - least) / limit.step);
  const auto at = [&](int i) { return least + i * limit.step; };
  int low = 0;
  while (low <= last && !takes(at(low))) ++low;
  if (low > last) return limit;
  int high = last;
  while (!takes(at(high))) --high;
  limit.least = at(low);
  limit.most = at(high);
  limit.initial = std::clamp(limit.initial, limit.least, limit.most);
  return limit;
}

}  // namespace

Result<Orders> apply(const Orders& orders, const Command& command, const Settings& settings,
                     Instant now) {
  return std::visit(Applier{expire(orders, now), settings, now}, command);
}

std::vector<OrderLimit> accepted_limits(const Orders& orders, const Settings& settings,
                                        Instant now) {
  const auto soc = [](double percent) { return Soc::from_percent(percent).value_or(Soc{}); };
  const auto takes = [&](const Command& command) {
    return apply(orders, command, settings, now).has_value();
  };
  const auto powered = [&](InstructionKind kind) {
    return [&, kind](double watts) {
      const Soc target = std::max(settings.soc_floor, Soc{});
      return takes(StartOverride{{.kind = kind, .power = Watts{watts}, .target = target}, 1h});
    };
  };
  const auto charges = powered(InstructionKind::charge);
  const auto discharges = powered(InstructionKind::discharge);
  std::vector<OrderLimit> list;
  for (const OrderLimit& limit : order_limits) switch (limit.id) {
      case OrderLimitId::reserve:
        list.push_back(narrowed(limit, [&](double v) { return takes(SetReserve{soc(v)}); }));
        break;
      case OrderLimitId::storm_reserve:
        list.push_back(narrowed(
            limit, [&](double v) { return takes(StartStorm{.reserve = soc(v), .length = 1h}); }));
        break;
      case OrderLimitId::soc:
        list.push_back(narrowed(limit, [&](double v) {
          return takes(StartOverride{{.kind = InstructionKind::charge,
                                      .power = Watts{order_limit(OrderLimitId::power).least},
                                      .target = soc(v)},
                                     1h});
        }));
        break;
      case OrderLimitId::power: {
        list.push_back(narrowed(limit, [&](double v) { return charges(v) || discharges(v); }));
        auto named = limit;
        named.name = "charge_power_w";
        list.push_back(narrowed(named, charges));
        named.name = "discharge_power_w";
        list.push_back(narrowed(named, discharges));
        break;
      }
      case OrderLimitId::override_length:
      case OrderLimitId::storm_length:
      case OrderLimitId::storm_begin:
      case OrderLimitId::dispatch_length:
        list.push_back(limit);
        break;
    }
  return list;
}

Orders expire(Orders orders, Instant now) {
  if (orders.manual && now >= orders.manual->until) orders.manual.reset();
  if (orders.dispatch && now >= orders.dispatch->until) orders.dispatch.reset();
  if (orders.storm && now >= orders.storm->until) orders.storm.reset();
  return orders;
}

}  // namespace esshub::control
