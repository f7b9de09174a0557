#include "sim/plant_runner.hpp"

#include <algorithm>

#include "model/event.hpp"
#include "sim/command.hpp"

namespace esshub::sim {
namespace {

constexpr std::uint32_t mk3_baud = 2400;

}  // namespace

PlantRunner::PlantRunner(boost::asio::io_context& io, Plant& plant, std::string dir, LogSink log)
    : io_(io),
      plant_(plant),
      dir_(std::move(dir)),
      log_(std::move(log)),
      timer_(io),
      cells_(io, plant.house().battery_truth()) {}

bool PlantRunner::start(std::string& reason) {
  // First the socket: it tells whether another simulator owns the directory.
  control_ = ControlSocket::open(
      io_, dir_ + "/control", [this](std::string_view line) { return command(line); }, reason);
  if (!control_) return false;
  running_ = true;
  for (const Bus bus : enum_values<Bus>)
    if (!plug(bus, reason)) {
      stop();
      return false;
    }
  if (!cells_.open(dir_ + "/cells", reason)) {
    stop();
    return false;
  }
  pump();
  return true;
}

void PlantRunner::stop() {
  running_ = false;
  timer_.cancel();
  if (control_) control_->close();
  for (auto& port : ports_) {
    if (port) port->close();
    port.reset();
  }
  cells_.close();
}

bool PlantRunner::plug(Bus bus, std::string& reason) {
  auto& port = ports_[static_cast<std::size_t>(bus)];
  port = transport::Pty::open(
      io_, dir_ + "/" + std::string(name(bus)),
      [this, bus](std::span<const std::byte> bytes, Instant at) { hear(bus, bytes, at); }, reason,
      mk3_baud);
  return port != nullptr;
}

void PlantRunner::hear(Bus bus, std::span<const std::byte> bytes, Instant at) {
  tune(bus);
  plant_.to_device(bus, bytes, at);
  pump();
}

/// Only the MK3 changes its speed, and finds garbage at another. The CAN adapter's port has none,
/// and whoever asks the meters may do so at any: they are for foreign tools as well.
void PlantRunner::tune(Bus bus) {
  const auto& port = ports_[static_cast<std::size_t>(bus)];
  if (port && bus == Bus::inverter) plant_.set_baud(bus, port->baud());
}

std::string PlantRunner::command(std::string_view line) {
  if (!running_) return "error the simulator is stopping";
  plant_.advance_to(std::chrono::steady_clock::now());
  auto said = answer(plant_, line);
  const bool asks = said.size() > 3 && said.starts_with("ok ");  // it changed nothing
  if (!asks) log_("INFO", "command line=" + log_quoted(line) + " answer=" + log_quoted(said));
  pump();
  return said;
}

void PlantRunner::pump() {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [bus, name] : bus_names) {
    auto& port = ports_[static_cast<std::size_t>(bus)];
    tune(bus);
    const auto bytes = plant_.from_device(bus, now);
    const bool unplugged = plant_.fault(bus).kind == FaultKind::unplug;
    std::string reason;
    if (unplugged && port) {
      port->close();
      port.reset();
      log_("INFO", "unplugged bus=" + std::string(name));
    } else if (!unplugged && !port) {
      if (plug(bus, reason)) {
        log_("INFO", "plugged bus=" + std::string(name));
      } else {
        log_("ERROR", "plug_failed bus=" + std::string(name) + " reason=" + log_quoted(reason));
      }
    }
    if (port && !bytes.empty()) port->write(bytes);
  }
  // A millisecond at least: nothing on a wire is faster, and a loop never spins.
  timer_.expires_at(std::max(plant_.next_event(), now + 1ms));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && running_) pump();
  });
}

}  // namespace esshub::sim
