// Bodies of the page's writes -> commands; strict, because they move real power.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "json/text.hpp"
#include "model/order_limits.hpp"
#include "publish/begin_time.hpp"
#include "publish/strict_json.hpp"
#include "publish/web/json.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;

std::string text_of(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

/// One JSON object, its keys taken one by one; the first error stays.
class Body {
 public:
  explicit Body(const std::string& text) : json_(strict_json(text)) {
    if (!json_.is_object()) complain("the body is no JSON object, or has a key twice");
  }

  /// Also when it is null.
  [[nodiscard]] bool given(const char* key) {
    known_.emplace_back(key);
    return json_.is_object() && json_.contains(key);
  }
  /// Null counts as absent.
  [[nodiscard]] bool has(const char* key) { return given(key) && !json_[key].is_null(); }
  double number(const char* key, OrderLimitId id) {
    const OrderLimit limit = order_limit(id);
    if (!has(key)) {
      complain(std::string{key} + " is missing");
      return limit.least;
    }
    const auto& value = json_[key];
    const double found = value.is_number() ? value.get<double>() : std::nan("");
    if (allows(limit, found)) return found;
    complain(std::string{key} + " is " + shown(value) + ", expected " + text_of(limit.least) +
             " to " + text_of(limit.most) + " " + std::string{limit.unit});
    return limit.least;
  }
  Soc soc(const char* key, OrderLimitId id = OrderLimitId::soc) {
    return Soc::from_percent(number(key, id)).value_or(Soc{});
  }
  Duration length(const char* key, OrderLimitId id) {
    return length_of(order_limit(id), number(key, id));
  }
  std::string word(const char* key, const char* expected) {
    if (has(key) && json_[key].is_string()) return json_[key].get<std::string>();
    complain(std::string{key} + ": expected " + expected);
    return {};
  }
  bool flag(const char* key) {
    if (has(key) && json_[key].is_boolean()) return json_[key].get<bool>();
    complain(std::string{key} + ": expected true or false");
    return false;
  }
  /// The object below a key.
  [[nodiscard]] std::string object(const char* key) {
    if (has(key) && json_[key].is_object()) return json_text(json_[key]);
    complain(std::string{key} + ": expected an object");
    return "{}";
  }
  void complain(const std::string& text) {
    if (!error_) error_ = text;
  }
  [[nodiscard]] std::optional<std::string> error() {
    if (json_.is_object())
      for (const auto& [key, value] : json_.items())
        if (std::ranges::find(known_, key) == known_.end())
          complain("the key " + shown(key) + " is not known here");
    return error_;
  }
  template <class T>
  [[nodiscard]] Result<T> finish(T value) {
    if (const auto wrong = error()) return fail(ErrorKind::invalid, *wrong);
    return value;
  }

 private:
  static std::string shown(const Json& value) {
    auto text = json_ascii(value);
    constexpr std::size_t most = 40;
    if (text.size() > most) text = text.substr(0, most) + "...";
    return text;
  }

  Json json_;
  std::vector<std::string> known_;
  std::optional<std::string> error_;
};

Result<Instruction> instruction_of(const std::string& text) {
  Body body{text};
  constexpr const char* words = "balance, charge, discharge or idle";
  const auto kind = instruction_kind(body.word("kind", words));
  if (!kind) {
    body.complain(std::string{"kind: expected "} + words);
    return fail(ErrorKind::invalid, *body.error());
  }
  Instruction instruction;
  instruction.kind = *kind;
  switch (*kind) {
    case InstructionKind::charge:
    case InstructionKind::discharge:
      instruction.power = Watts{body.number("power_w", OrderLimitId::power)};
      instruction.target = body.soc("target_percent");
      break;
    case InstructionKind::balance:
    case InstructionKind::idle:
      if (body.has("low_percent")) instruction.low = body.soc("low_percent");
      if (body.has("high_percent")) instruction.high = body.soc("high_percent");
      if (instruction.low > instruction.high) body.complain("low_percent is above high_percent");
      break;
  }
  return body.finish(instruction);
}

/// `length`: the key of how long it holds, in the unit of `id`.
template <class Start>
Result<Command> order_command(const std::string& text, const char* length, OrderLimitId id) {
  Body body{text};
  Start command;
  const auto instruction = instruction_of(body.object("instruction"));
  if (instruction)
    command.instruction = *instruction;
  else
    body.complain("instruction: " + instruction.error().detail);
  command.length = body.length(length, id);
  return body.finish(Command{command});
}

}  // namespace

Result<Command> mode_command(const std::string& text) {
  Body body{text};
  SetMode command;
  if (body.has("mode")) {
    constexpr const char* words = "balance, scheduled, smart or null for as configured";
    command.mode = mode(body.word("mode", words));
    if (!command.mode) body.complain(std::string{"mode: expected "} + words);
  } else if (!body.given("mode")) {
    body.complain("mode is missing");
  }
  return body.finish(Command{command});
}

Result<Command> reserve_command(const std::string& text) {
  Body body{text};
  SetReserve command;
  if (body.has("reserve_percent"))
    command.reserve = body.soc("reserve_percent", OrderLimitId::reserve);
  else if (!body.given("reserve_percent"))
    body.complain("reserve_percent is missing");
  return body.finish(Command{command});
}

Result<Command> override_command(const std::string& text) {
  return order_command<StartOverride>(text, "minutes", OrderLimitId::override_length);
}

Result<Command> dispatch_command(const std::string& text) {
  return order_command<StartDispatch>(text, "seconds", OrderLimitId::dispatch_length);
}

Result<Command> storm_command(const std::string& text, const std::optional<WallTime>& now) {
  Body body{text};
  StartStorm command;
  command.reserve = body.soc("reserve_percent", OrderLimitId::storm_reserve);
  command.length = body.length("hours", OrderLimitId::storm_length);
  if (body.has("from")) {
    const auto ahead = begins_in(body.word("from", "a text"), now, OrderLimitId::storm_begin);
    if (ahead)
      command.begins_in = *ahead;
    else
      body.complain("from: " + ahead.error().detail);
  }
  if (body.has("fill")) command.fill = body.flag("fill");
  return body.finish(Command{command});
}

Result<std::string> password_of(const std::string& text) {
  Body body{text};
  auto password = body.word("password", "a text");
  if (const auto wrong = body.error()) return fail(ErrorKind::invalid, *wrong);
  return password;
}

}  // namespace esshub::publish
