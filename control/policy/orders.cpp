#include "control/policy/orders.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

/// Of the steps from `in`, which is taken, to `out` the last one that is taken, by bisection.
template <class Takes>
int last_taken(int in, int out, Takes takes) {
  if (takes(out)) return out;
  while (std::abs(out - in) > 1) {
    const int middle = in + (out - in) / 2;
    (takes(middle) ? in : out) = middle;
  }
  return in;
}

/// The limit from the first to the last of its steps that `takes` accepts. What it accepts is an
/// interval, and `inside` lies in it unless it is empty. An empty range has its least above its
/// most.
template <class Takes>
OrderLimit narrowed(OrderLimit limit, double inside, Takes takes) {
  const double least = limit.least;
  const auto last = static_cast<int>((limit.most - least) / limit.step);
  const auto at = [&](int i) { return least + i * limit.step; };
  const auto takes_step = [&](int i) { return takes(at(i)); };
  const double steps = (inside - least) / limit.step;
  const int below = std::clamp(static_cast<int>(std::floor(steps)), 0, last);
  const int above = std::clamp(static_cast<int>(std::ceil(steps)), 0, last);
  const bool takes_below = takes_step(below);
  if (!takes_below && !takes_step(above)) {
    std::swap(limit.least, limit.most);
    return limit;
  }
  const int taken = takes_below ? below : above;
  limit.least = at(last_taken(taken, 0, takes_step));
  limit.most = at(last_taken(taken, last, takes_step));
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
  const auto powered = [&](InstructionKind kind, double watts, Soc target) {
    return takes(StartOverride{{.kind = kind, .power = Watts{watts}, .target = target}, 1h});
  };
  const auto charges = [&](double watts) {
    return powered(InstructionKind::charge, watts, settings.soc_floor);
  };
  const auto discharges = [&](double watts) {
    return powered(InstructionKind::discharge, watts, settings.soc_floor);
  };
  const double least_power = order_limit(OrderLimitId::power).least;
  std::vector<OrderLimit> list;
  for (const OrderLimit& limit : order_limits) switch (limit.id) {
      case OrderLimitId::reserve:
        list.push_back(narrowed(limit, std::max(settings.reserve, settings.soc_floor).percent(),
                                [&](double v) { return takes(SetReserve{soc(v)}); }));
        break;
      case OrderLimitId::storm_reserve:
        list.push_back(
            narrowed(limit, orders.reserve.value_or(settings.reserve).percent(),
                     [&](double v) { return takes(StartStorm{.reserve = soc(v), .length = 1h}); }));
        break;
      case OrderLimitId::soc:
        list.push_back(narrowed(limit, settings.soc_floor.percent(), [&](double v) {
          return powered(InstructionKind::charge, least_power, soc(v)) ||
                 powered(InstructionKind::discharge, least_power, soc(v));
        }));
        break;
      case OrderLimitId::power: {
        list.push_back(
            narrowed(limit, least_power, [&](double v) { return charges(v) || discharges(v); }));
        auto named = limit;
        named.name = "charge_power_w";
        list.push_back(narrowed(named, least_power, charges));
        named.name = "discharge_power_w";
        list.push_back(narrowed(named, least_power, discharges));
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
