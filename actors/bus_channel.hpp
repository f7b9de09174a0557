// BusChannel: everything the thread of one bus shares with the other threads.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "actors/heartbeat.hpp"
#include "actors/sample_queue.hpp"
#include "model/decision.hpp"
#include "model/health.hpp"
#include "service/latest_value.hpp"
#include "transport/call_mark.hpp"

namespace esshub::actors {

/// The newest setpoint, control -> inverter's bus, and a bell that wakes the reader.
class SetpointSlot {
 public:
  SetpointSlot() : bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (bell_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~SetpointSlot() { ::close(bell_); }
  SetpointSlot(const SetpointSlot&) = delete;
  SetpointSlot& operator=(const SetpointSlot&) = delete;

  /// Never waits: one system call, which cannot block.
  void publish(const Setpoint& setpoint) {
    newest_.publish(setpoint);
    const std::uint64_t one = 1;
    static_cast<void>(!::write(bell_, &one, sizeof(one)));  // full: rung already
  }
  /// Nothing published before is written any more: the control that decided it has died (I12).
  void withdraw() { publish(Setpoint{}); }
  /// Readable since a publish(), until silence().
  [[nodiscard]] int bell() const { return bell_; }
  void silence() {
    std::uint64_t rung = 0;
    static_cast<void>(!::read(bell_, &rung, sizeof(rung)));
  }
  [[nodiscard]] const Setpoint* take() { return newest_.take(); }

 private:
  service::LatestValue<Setpoint> newest_;
  int bell_;
};

/// Outlives its threads: who is started again goes on with the same.
struct BusChannel {
  explicit BusChannel(std::string bus) : name(std::move(bus)) {}

  const std::string name;                            ///< in the configuration
  SampleQueue samples;                               ///< bus -> control
  SetpointSlot setpoints;                            ///< control -> bus, of the inverter's
  std::atomic<FaultFlags> faults{FaultFlags{}};      ///< bus -> control
  service::LatestValue<BusHealth> health;            ///< bus -> publisher; without the restarts
  std::atomic<std::uint32_t> restarts{0};            ///< supervisor -> publisher
  std::atomic<bool> ready{false};                    ///< bus -> supervisor: values flow
  Heartbeat heartbeat;                               ///< bus -> supervisor
  const std::shared_ptr<transport::CallMark> call =  ///< bus -> supervisor, publisher
      std::make_shared<transport::CallMark>();

  static_assert(std::atomic<FaultFlags>::is_always_lock_free);
};

}  // namespace esshub::actors
