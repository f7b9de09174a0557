// Runs a Plant in real time behind ptys and a control socket: the thin shell around the pure part.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sim/battery_rs485_port.hpp"
#include "sim/control_socket.hpp"
#include "sim/plant/plant.hpp"
#include "transport/pty.hpp"

namespace esshub::sim {

/// `level` is "INFO" or "ERROR"; `text` is the event and its `key=value` pairs.
using LogSink = std::function<void(std::string_view level, const std::string& text)>;

class PlantRunner {
 public:
  /// `plant` must have been started at (about) the steady clock's present.
  PlantRunner(boost::asio::io_context& io, Plant& plant, std::string dir, LogSink log);
  PlantRunner(const PlantRunner&) = delete;
  PlantRunner& operator=(const PlantRunner&) = delete;
  ~PlantRunner() { stop(); }

  /// Makes DIR/control, the three ports of the hub, and DIR/cells for who asks the modules. False
  /// on failure, with `reason` for a person.
  [[nodiscard]] bool start(std::string& reason);
  /// Removes them again. No callback runs afterwards that touches the plant.
  void stop();

 private:
  void hear(Bus bus, std::span<const std::byte> bytes, Instant at);
  [[nodiscard]] std::string command(std::string_view line);
  /// Moves bytes, plugs and unplugs ports, and sleeps until the next event.
  void pump();
  /// Tells the plant the speed the port is set to.
  void tune(Bus bus);
  [[nodiscard]] bool plug(Bus bus, std::string& reason);

  boost::asio::io_context& io_;
  Plant& plant_;
  std::string dir_;
  LogSink log_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<ControlSocket> control_;
  std::array<std::shared_ptr<transport::Pty>, bus_count> ports_;
  ModulePort cells_;
  bool running_ = false;
};

}  // namespace esshub::sim
