// PortFinder: finds out at which speed, and in which language, a serial line talks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/bus_tools/listener.hpp"
#include "model/time.hpp"

namespace esshub::app {

/// How the port is set while it is tried: 8 data bits, one stop bit.
struct PortSetting {
  std::uint32_t baud = 9600;
  char parity = 'N';
  friend bool operator==(PortSetting, PortSetting) = default;
};
/// "9600 8N1".
[[nodiscard]] std::string to_text(PortSetting setting);

/// Tries one setting after the other, again and again, until frames with right checksums prove one.
/// Pure: its owner sets the port and hands in what is heard.
class PortFinder {
 public:
  /// What is known already is not tried.
  PortFinder(std::optional<SniffKind> kind, std::optional<std::uint32_t> baud, Instant now);

  /// What is being tried.
  [[nodiscard]] PortSetting setting() const { return settings_[current_]; }
  void on_bytes(protocol::ByteView bytes, Instant at);

  enum class Verdict : std::uint8_t {
    stay,
    move_on,  ///< nothing here: call next()
    found,    ///< call take()
  };
  [[nodiscard]] Verdict on_timer(Instant now);
  void next(Instant now);

  /// "nothing valid, 12 bytes", "nothing heard", "2 valid modbus frames, 40 bytes".
  [[nodiscard]] std::string progress() const;

  struct Found {
    SniffKind kind;
    std::unique_ptr<Listener> listener;  ///< has heard what is in `heard`: go on with it
    Batch heard;
  };
  /// After `found`: the best of those listening. The finder is worth nothing afterwards.
  [[nodiscard]] Found take();

 private:
  struct Trial {
    SniffKind kind;
    std::unique_ptr<Listener> listener;
    Batch heard;
  };
  void begin(Instant now);
  [[nodiscard]] bool proven(const Trial& trial) const;
  [[nodiscard]] const Trial& best() const;

  bool baud_given_;
  std::vector<PortSetting> settings_;
  std::size_t current_ = 0;
  std::vector<Trial> trials_;
  Instant since_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace esshub::app
