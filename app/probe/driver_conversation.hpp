// Runs a driver that only reads until it is ready, for buses that the probe has no questions for.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "app/probe/conversation.hpp"
#include "protocol/driver.hpp"

namespace esshub::app {

class DriverConversation final : public Conversation {
 public:
  /// `patience`: from the start; then it is over even if not ready.
  DriverConversation(std::unique_ptr<protocol::Driver> driver, Duration patience)
      : driver_(std::move(driver)), patience_(patience) {}

  std::vector<protocol::Bytes> on_start(Instant now) override {
    end_ = now + patience_;
    return take(driver_->on_start(now));
  }
  std::vector<protocol::Bytes> on_bytes(protocol::ByteView bytes, Instant at) override {
    return take(driver_->on_bytes(bytes, at));
  }
  std::vector<protocol::Bytes> on_timer(Instant now) override {
    late_ = now >= end_;
    if (!wake_at_ || now < *wake_at_) return {};
    wake_at_.reset();
    return take(driver_->on_timer(now));
  }
  [[nodiscard]] bool over() const override { return late_ || ready(); }

  [[nodiscard]] bool ready() const { return driver_->health().ready; }
  /// Why it is not ready.
  [[nodiscard]] const std::string& trouble() const { return driver_->health().trouble; }

 private:
  std::vector<protocol::Bytes> take(protocol::Step step) {
    if (step.wake_at) wake_at_ = step.wake_at;
    return std::move(step.send);
  }

  std::unique_ptr<protocol::Driver> driver_;
  Duration patience_;
  Instant end_{};
  std::optional<Instant> wake_at_;
  bool late_ = false;
};

}  // namespace esshub::app
