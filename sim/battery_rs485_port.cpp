#include "sim/battery_rs485_port.hpp"

#include <algorithm>

namespace esshub::sim {
namespace {

constexpr std::uint32_t baud = 115200;

}  // namespace

ModulePort::ModulePort(boost::asio::io_context& io, const BatteryTruth& truth)
    : io_(io),
      timer_(io),
      device_(make_fake_battery_rs485(truth, {})),
      answers_({.baud = baud}, /*seed=*/1) {}

bool ModulePort::open(const std::string& link, std::string& reason) {
  take(device_->on_start(std::chrono::steady_clock::now()), std::chrono::steady_clock::now());
  port_ = transport::Pty::open(
      io_, link,
      [this](std::span<const std::byte> bytes, Instant at) {
        take(device_->on_bytes(bytes, at), at);
        pump(at);
      },
      reason, baud);
  return port_ != nullptr;
}

void ModulePort::close() {
  timer_.cancel();
  if (port_) port_->close();
  port_.reset();
}

void ModulePort::take(const protocol::Step& step, Instant now) {
  for (const auto& bytes : step.send) answers_.push(bytes, now);
  wake_at_ = step.wake_at;
}

/// Sends what is due, and sleeps until more is.
void ModulePort::pump(Instant now) {
  if (!port_) return;
  if (wake_at_ && *wake_at_ <= now) take(device_->on_timer(now), now);
  if (const auto bytes = answers_.pop(now); !bytes.empty()) port_->write(bytes);
  auto next = answers_.next();
  if (wake_at_) next = next ? std::min(*next, *wake_at_) : wake_at_;
  if (!next) return;
  timer_.expires_at(std::max(*next, now + 1ms));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) pump(std::chrono::steady_clock::now());
  });
}

}  // namespace esshub::sim
