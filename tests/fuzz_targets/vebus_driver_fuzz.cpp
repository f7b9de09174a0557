// The MultiPlus behind its MK3: the bus that commands.
#include "protocol/vebus/driver.hpp"

#include <algorithm>

#include "protocol/vebus/messages.hpp"
#include "sim/plant/device.hpp"
#include "tests/fuzz_targets/driver_script.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

std::unique_ptr<Driver> make_driver(std::uint8_t) {
  return make_vebus_driver({});
}

std::unique_ptr<Driver> make_device(std::uint8_t variant) {
  static const sim::InverterTruth truth;
  static sim::InverterCommand command;
  command = {};
  return sim::make_fake_multiplus(truth, command,
                                  {.long_dialect = (variant & 1) != 0,
                                   .ess_layout = (variant >> 1) % 3,
                                   .chatter = (variant & 8) == 0,
                                   .seed = variant});
}

template <class T>
std::optional<T> message(ByteView bytes) {
  const auto frame = mk3::decode(bytes);
  if (!frame) return std::nullopt;
  const auto decoded = vebus::decode(*frame);
  const auto* found = decoded ? std::get_if<T>(&*decoded) : nullptr;
  return found != nullptr ? std::optional<T>(*found) : std::nullopt;
}

/// Even first byte: a reply with the letter of the last request; odd: a frame of any type.
Bytes seal(std::uint8_t, ByteView asked, ByteView content) {
  if (content.empty()) return {};
  const ByteView rest = content.subspan(1, std::min<std::size_t>(content.size() - 1, 30));
  const unsigned choice = u8(content[0]);
  if (const auto request = message<vebus::Winmon>(asked); request && choice % 2 == 0) {
    const auto code = static_cast<vebus::Code>(0x80 | choice >> 1);
    return vebus::encode(
        vebus::Winmon{.letter = request->letter, .code = code, .data = {rest.begin(), rest.end()}});
  }
  constexpr std::uint8_t types[] = {0xFF, 0xFF, 0x20, 0x41, 0x40, 0x21, 0x38, 0x3F};
  return mk3::encode({.type = types[(choice >> 1) % std::size(types)],
                      .payload = {rest.begin(), rest.end()},
                      .leds = choice >= 0x80 ? std::optional(mk3::LedBytes{1, 2}) : std::nullopt});
}

/// docs/safety.md I6: a command past its time is never sent, and only the newest is. Nothing is
/// ever written to the inverter's EEPROM, and the interface never repeats what the hub no longer
/// says.
void check_sent(std::uint8_t, ByteView frame, const std::optional<Setpoint>& newest, Instant now) {
  if (const auto winmon = message<vebus::Winmon>(frame);
      winmon && winmon->code == vebus::Code::write_by_id) {
    promise(newest && newest->mode == InverterMode::follow, "a setpoint only when told to follow");
    promise(now < newest->valid_until, "no setpoint past its time");
    promise(winmon->data.size() == 4 && u8(winmon->data[0]) == 2, "a setpoint goes to RAM only");
    promise(read_s16_le(winmon->data, 2) == vebus::setpoint_word(newest->ac_power),
            "the newest setpoint");
  }
  if (const auto state = message<vebus::StateSet>(frame)) {
    promise((state->flags & vebus::StateSet::auto_resend) == 0, "no automatic repetition");
    promise(state->limit >= vebus::StateSet::keep_limit, "the input limit is left alone");
    promise(state->eeprom.value_or(0) == 0, "the EEPROM is left alone");
  }
  promise(!message<vebus::HighSpeed>(frame), "never 115200 baud");
}

}  // namespace

const Target target{make_driver, make_device, seal, nullptr, check_sent};

}  // namespace esshub::fuzz
