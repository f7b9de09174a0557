// The handshake: how far it has come, and what it has found out of the interface and the inverter.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/vebus/task.hpp"

namespace esshub::protocol::vebus {

/// How the RAM variables the driver reads become numbers; asked for one by one.
class Scales {
 public:
  /// From the first one again; those known stay until they are told anew.
  void begin_walk() { next_ = 0; }
  [[nodiscard]] Winmon request(Letter letter);
  enum class Walk : std::uint8_t { half, next, done };
  /// `half`: the compat dialect splits the reply, its other frame is on the way.
  [[nodiscard]] Walk on_reply(const Winmon& reply);
  [[nodiscard]] bool half_came() const { return partial_.has_value(); }

  /// Nothing where the variable is not supported.
  [[nodiscard]] std::optional<Scale> of(std::uint8_t id) const;
  [[nodiscard]] std::optional<double> value(std::uint8_t id, std::uint16_t raw) const;

 private:
  std::map<std::uint8_t, Scale> scales_;
  std::size_t next_ = 0;
  std::optional<Winmon> partial_;
};

/// Where the setpoint of the ESS assistant is (reference: vebus-mk3#7.1). That address is only good
/// while the record is where it was found, so its header is read again and again, together with the
/// power values where the unit can (it answered the walk with two words).
class EssRecord {
 public:
  [[nodiscard]] Winmon walk_request(Letter letter) const;
  /// True: the walk is over, and the record found or not there.
  [[nodiscard]] bool on_walk(const Winmon& reply);

  [[nodiscard]] bool found() const { return id_.has_value(); }
  /// RAM id of the setpoint; only where found.
  [[nodiscard]] std::uint8_t setpoint_id() const;
  [[nodiscard]] bool reads_many() const { return reads_many_; }

  /// Read together with the header.
  static constexpr std::array<std::uint8_t, 5> check_ids{ram::mains_power, ram::battery_power,
                                                         ram::output_power, ram::battery_voltage,
                                                         ram::battery_current};
  /// UNVERIFIED: six values in one request; where they do not come, the header is read alone.
  [[nodiscard]] Winmon check_request(Letter letter) const;
  enum class Check : std::uint8_t { there, moved, again };
  /// The values read along, in the order of check_ids, are added to `raw`.
  [[nodiscard]] Check on_check(const Winmon& reply, std::vector<std::uint16_t>& raw);

 private:
  unsigned next_ = ram::assistants;
  std::optional<std::uint8_t> id_;  // of the record's header; the setpoint is the next word
  std::uint16_t header_ = 0;
  bool reads_many_ = false;  // several RAM values in one request
};

/// Why the frame tells of more than a single unit; nothing where it does not.
[[nodiscard]] std::optional<std::string> more_than_one_unit(const AcInfo& info);

/// From the first request to the moment when the inverter may be commanded, or why it may not.
class Handshake {
 public:
  /// The interface is gone or was reset.
  void start_over();
  /// The interface stays set up, the inverter is looked at again.
  void repeat();
  /// What to ask now; while not over().
  [[nodiscard]] Task stage() const { return stage_; }
  [[nodiscard]] bool over() const { return !is_handshake(stage_); }
  /// Goes on to the next stage. The replies below do so by themselves.
  void advance() { stage_ = after(stage_); }

  /// Of every version frame while it is set up: the checksum has 8 bits, and a damaged one that
  /// passed must not count for ever. True: another interface than before.
  [[nodiscard]] bool on_version(const Version& version);
  void on_firmware(const Winmon& reply);
  /// True: the other half of the reply is on the way.
  [[nodiscard]] bool on_scale(const Winmon& reply);
  void on_units(const AcInfo& info);
  void on_record(const Winmon& reply);

  /// Why this inverter may not be commanded; nothing where it may. Only when over().
  [[nodiscard]] std::optional<std::string> rejection_reason() const;
  [[nodiscard]] std::uint32_t firmware() const { return firmware_; }
  [[nodiscard]] const Scales& scales() const { return scales_; }
  [[nodiscard]] Scales& scales() { return scales_; }
  [[nodiscard]] const EssRecord& ess() const { return ess_; }
  [[nodiscard]] EssRecord& ess() { return ess_; }

 private:
  Task stage_ = Task::find_interface;
  std::optional<std::uint32_t> interface_version_;
  std::uint32_t firmware_ = 0;
  Scales scales_;
  std::optional<std::string> other_units_;
  EssRecord ess_;
};

}  // namespace esshub::protocol::vebus
