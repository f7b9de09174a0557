// What the registers of one meter mean: samples in the hub's signs, and whether to believe them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/driver.hpp"
#include "protocol/frame_result.hpp"
#include "protocol/modbus/driver.hpp"
#include "protocol/modbus/meter_models.hpp"

namespace esshub::protocol {

/// The way from a meter's registers to samples, the same however they were obtained. No sample
/// leaves before a line voltage has proved the word order and, where phases 2 or 3 are used, the
/// system type is known to be 3P4W: by asking for it or, where the hub only listens, by a line
/// voltage on one of them, for in any other type they read zero (reference: eastron-modbus#2.1).
class MeterDecoder {
 public:
  MeterDecoder(MeterConfig config, ModbusMode mode);

  [[nodiscard]] const MeterConfig& config() const { return config_; }

  /// Takes the input registers of `block` as they arrived at `at`; adds samples and events to
  /// `step` and counts what cannot be true in `frames`. Returns how long the meter is to be left
  /// alone because its values are not believed; zero = go on.
  [[nodiscard]] Duration take(const modbus::Block& block, ByteView registers, Instant at,
                              Step& step, FrameCounters& frames);
  /// The same for the block of the model's system type.
  [[nodiscard]] Duration take_system_type(ByteView registers, Step& step, FrameCounters& frames);
  /// The meter has no register for its system type: it is believed without.
  void assume_system_type() { type_known_ = true; }

  /// Everything must be proved again.
  void reset_validation();
  /// The meter is lost: it may come back as another one, so everything must be proved again.
  void lose();

  [[nodiscard]] bool order_known() const { return order_known_; }
  [[nodiscard]] bool type_known() const { return type_known_; }
  /// Power has been read since all proofs.
  [[nodiscard]] bool flows() const { return flows_; }
  /// Power and voltage of the grid have not changed by one bit for 10 s; nothing is emitted.
  [[nodiscard]] bool frozen() const { return watch_.frozen; }
  /// Why its values are not believed; empty when they are.
  [[nodiscard]] const std::string& rejection_reason() const { return rejection_reason_; }

  /// The first phase whose power was not emitted at or after `since`; nothing = none.
  [[nodiscard]] std::optional<unsigned> phase_without_power(Instant since) const;

  /// "meter 'main' (unit 1)"
  [[nodiscard]] std::string label() const;
  /// An event about this meter; `more` is appended to its detail.
  [[nodiscard]] Event event(Level level, std::string name, const std::string& more = {}) const;

 private:
  struct Channel {
    MeterChannel config;
    bool believed = true;  // its last line voltage was possible
    std::optional<Instant> power_at{};
  };
  struct Counter {
    std::optional<Reading<double>> believed{};
    std::optional<Reading<double>> doubted{};  ///< the newest that does not fit it
    unsigned alike = 0;                        ///< of those that fit one another, in a row
  };
  enum class Fits : std::uint8_t { yes, no, not_yet };
  /// Registers that cannot stay bit-identical on a living grid meter.
  struct FreezeWatch {
    std::array<std::uint32_t, 2> raw{};  // power, voltage
    std::optional<Instant> changed;
    bool frozen = false;
  };

  Duration reject(std::string why, Duration pause, FrameCounters& frames);
  std::optional<Duration> check_word_order(const modbus::Block& block, ByteView registers,
                                           Step& step, FrameCounters& frames);
  std::optional<Duration> check_phases(const modbus::Block& block, ByteView registers, Step& step,
                                       FrameCounters& frames);
  void watch_for_freezing(const modbus::Block& block, ByteView registers, Instant at);
  void report_recovered(Step& step);
  void sample(Channel& channel, const modbus::Block& block, ByteView registers, Instant at,
              Step& step, FrameCounters& frames);
  Fits energy_fits(const modbus::Register& reg, double value, Instant at);

  MeterConfig config_;
  ModbusMode mode_;
  std::vector<Channel> channels_;
  std::map<std::uint16_t, Counter> counters_;
  FreezeWatch watch_;
  bool needs_type_;  // phases 2 and 3 read zero in any other system type than 3P4W
  bool order_known_ = false;
  bool type_known_ = false;
  bool flows_ = false;
  bool lost_ = false;
  std::string rejection_reason_;
  std::uint64_t rejections_ = 0;
};

}  // namespace esshub::protocol
