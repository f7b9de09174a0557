#include "protocol/vebus/handshake.hpp"

#include <utility>

namespace esshub::protocol::vebus {
namespace {

/// The last three are for people: what the AC frames tell besides.
constexpr std::array<std::uint8_t, 10> needed_scales{
    ram::mains_voltage,    ram::battery_voltage, ram::battery_current, ram::mains_period,
    ram::battery_power,    ram::mains_power,     ram::output_power,    ram::mains_current,
    ram::inverter_voltage, ram::inverter_current};
constexpr unsigned oldest_interface = 131;  // version modulo 1000 (reference: vebus-mk3#3.1)

}  // namespace

// ---- scales -------------------------------------------------------------------------------------

Winmon Scales::request(Letter letter) {
  partial_.reset();
  return ram_info(letter, needed_scales[next_]);
}

Scales::Walk Scales::on_reply(const Winmon& reply) {
  Winmon whole = reply;
  if (reply.code == Code::ram_offset_is && partial_) {
    whole = *std::exchange(partial_, std::nullopt);
    whole.data.resize(2);
    put_u8(whole.data, static_cast<unsigned>(reply.code));
    whole.data.insert(whole.data.end(), reply.data.begin(), reply.data.end());
  }
  const auto info = decode_ram_info(whole);
  if (!info && info.error().kind == DecodeErrorKind::length && whole.data.size() >= 2 &&
      reply.code == Code::ram_info_is) {
    partial_ = whole;
    return Walk::half;
  }
  const auto id = needed_scales[next_];
  const auto scale = info ? scale_of(*info) : std::nullopt;
  if (scale) {
    scales_[id] = *scale;
  } else {
    scales_.erase(id);
  }
  return ++next_ == needed_scales.size() ? Walk::done : Walk::next;
}

std::optional<Scale> Scales::of(std::uint8_t id) const {
  const auto it = scales_.find(id);
  return it == scales_.end() ? std::nullopt : std::optional{it->second};
}

std::optional<double> Scales::value(std::uint8_t id, std::uint16_t raw) const {
  const auto scale = of(id);
  return scale ? std::optional{scale->value(raw)} : std::nullopt;
}

// ---- the record of ESS --------------------------------------------------------------------------

Winmon EssRecord::walk_request(Letter letter) const {
  return read_ram(letter, {static_cast<std::uint8_t>(next_), 0});
}

bool EssRecord::on_walk(const Winmon& reply) {
  const auto found = words(reply);
  const std::uint16_t word = found && !found->empty() ? found->front() : std::uint16_t{0};
  reads_many_ = found && found->size() >= 2;
  const auto header = record_header(word);
  if (header.assistant == RecordHeader::ess && header.size >= 1 && next_ < 255) {
    id_ = static_cast<std::uint8_t>(next_);
    header_ = word;
    return true;
  }
  next_ += 1 + header.size;
  return word == 0 || next_ > 255;
}

std::uint8_t EssRecord::setpoint_id() const {
  return static_cast<std::uint8_t>(id_.value() + 1);
}

Winmon EssRecord::check_request(Letter letter) const {
  const std::uint8_t id = id_.value();
  if (!reads_many_) return read_ram(letter, {id, 0});
  Winmon request = read_ram(letter, {id});
  for (const auto value : check_ids) put_u8(request.data, value);
  return request;
}

EssRecord::Check EssRecord::on_check(const Winmon& reply, std::vector<std::uint16_t>& raw) {
  const auto found = words(reply);
  if (reads_many_ && (!found || found->size() <= check_ids.size())) {
    reads_many_ = false;
    return Check::again;
  }
  if (!found || found->empty() || found->front() != header_) return Check::moved;
  if (reads_many_) raw.insert(raw.end(), found->begin() + 1, found->end());
  return Check::there;
}

// ---- company ------------------------------------------------------------------------------------

std::optional<std::string> more_than_one_unit(const AcInfo& info) {
  if (info.phase() != 1)
    return "a unit on phase L" + std::to_string(info.phase()) +
           " answers; only a single unit is supported";
  if (info.phases().value_or(1) > 1)
    return "the system has " + std::to_string(*info.phases()) +
           " phases; only a single unit is supported";
  if (info.mains_factor > 1 || info.inverter_factor > 1)
    return "units work in parallel; only a single unit is supported";
  return std::nullopt;
}

// ---- the whole ----------------------------------------------------------------------------------

void Handshake::start_over() {
  stage_ = Task::find_interface;
  scales_ = {};
  ess_ = {};
}

void Handshake::repeat() {
  stage_ = Task::scales;
  scales_.begin_walk();
}

bool Handshake::on_version(const Version& version) {
  if (stage_ == Task::find_interface) advance();
  return std::exchange(interface_version_, version.version) != version.version;
}

void Handshake::on_firmware(const Winmon& reply) {
  const auto part = decode_firmware(reply);
  if (part && stage_ == Task::firmware_low) firmware_ = part->value;
  if (part && stage_ == Task::firmware_high) firmware_ |= part->value << 16;
  advance();
  if (part && part->whole) stage_ = Task::scales;
}

bool Handshake::on_scale(const Winmon& reply) {
  const auto walk = scales_.on_reply(reply);
  if (walk == Scales::Walk::done) advance();
  return walk == Scales::Walk::half;
}

void Handshake::on_units(const AcInfo& info) {
  other_units_ = more_than_one_unit(info);
  ess_ = {};
  advance();
}

void Handshake::on_record(const Winmon& reply) {
  if (ess_.on_walk(reply)) advance();
}

std::optional<std::string> Handshake::rejection_reason() const {
  if (interface_version_ && *interface_version_ % 1000 < oldest_interface)
    return "the interface's firmware is too old";
  if (other_units_) return other_units_;
  for (const auto id : {ram::battery_power, ram::mains_power, ram::output_power})
    if (!scales_.of(id))
      return "the inverter does not measure power (RAM " + std::to_string(id) + ")";
  if (!ess_.found()) return "the inverter has no ESS assistant: install it with VEConfigure";
  return std::nullopt;
}

}  // namespace esshub::protocol::vebus
