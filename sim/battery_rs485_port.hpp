// ModulePort: the RS485 port of the simulated battery's master, where every cell can be asked for,
// on a pty.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sim/plant/device.hpp"
#include "sim/plant/wire.hpp"
#include "transport/pty.hpp"

namespace esshub::sim {

/// Beside the plant, not in it: nothing is controlled by what is read here.
class ModulePort {
 public:
  /// `truth` is that of a plant on the same io_context, and outlives this.
  ModulePort(boost::asio::io_context& io, const BatteryTruth& truth);
  ModulePort(const ModulePort&) = delete;
  ModulePort& operator=(const ModulePort&) = delete;
  ~ModulePort() { close(); }

  /// False on failure, with `reason` for a person.
  [[nodiscard]] bool open(const std::string& link, std::string& reason);
  void close();

 private:
  void take(const protocol::Step& step, Instant now);
  void pump(Instant now);

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<Device> device_;
  Wire answers_;
  std::optional<Instant> wake_at_;
  std::shared_ptr<transport::Pty> port_;
};

}  // namespace esshub::sim
