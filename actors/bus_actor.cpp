#include "actors/bus_actor.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/actor_system.hpp>
#include <caf/after.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/others.hpp>
#include <caf/system_messages.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include "actors/realtime.hpp"
#include "publish/threads/thread_name.hpp"
#include "service/bus_session.hpp"

namespace esshub::actors {
namespace {

using boost::system::error_code;

constexpr Duration beat_period = 100ms;

Instant clock_now() {
  return std::chrono::steady_clock::now();
}

/// The session's shell: owns the line, reads the clock, passes on.
class Bus {
 public:
  Bus(caf::blocking_actor* self, const BusDeps& deps)
      : self_(self),
        deps_(deps),
        channel_(*deps.channel),
        session_(channel_.name, deps.make_driver()) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  ~Bus() {
    if (!line_) return;
    line_->close();  // takes effect once its io_context runs
    io_.restart();
    try {
      io_.poll();
    } catch (...) {  // a driver once more: the line is closed when its io_context ends
    }
  }

  /// Until told to end.
  void run() {
    listen_to_bell();
    beat_at_ = clock_now();
    beat();
    apply(session_.on_start());
    io_.run();
  }

 private:
  void apply(service::BusStep step) {
    for (const auto& sample : step.samples) channel_.samples.push(sample);
    for (const auto& event : step.events) deps_.events("bus." + channel_.name, event);
    if (step.close) {
      line_->close();
      line_.reset();
    }
    if (step.open) open();
    if (step.baud) line_->set_baud(*step.baud);
    for (auto& frame : step.send) line_->write(std::move(frame));
    if (step.setpoint_written) note_written(*step.setpoint_written);
    channel_.faults.store(session_.faults(), std::memory_order_relaxed);
    if (step.report) publish_health();
    wake_in_time();
  }

  void open() {
    line_ = deps_.make_line(io_, channel_.call);
    const auto generation = session_.generation();
    line_->open({.on_up = [this, generation] { apply(session_.on_up(generation, clock_now())); },
                 .on_chunk =
                     [this, generation](std::vector<std::byte> bytes, Instant at) {
                       apply(session_.on_bytes(generation, bytes, at, clock_now()));
                     },
                 .on_down =
                     [this, generation](const std::string& reason) {
                       apply(session_.on_down(generation, reason, clock_now()));
                     },
                 .on_flood =
                     [this, generation](bool flooded) {
                       apply(session_.on_flood(generation, flooded, clock_now()));
                     },
                 .on_discard =
                     [this, generation](Duration unread) {
                       apply(session_.on_discard(generation, unread, clock_now()));
                     }});
  }

  /// The line writes in the order of what is posted, so the frame has left when this runs; unless
  /// the port takes no bytes, which is a trouble of its own.
  void note_written(Instant based_on) {
    boost::asio::post(io_, [this, based_on] { setpoint_latency_.add(clock_now() - based_on); });
  }

  void wake_in_time() {
    const auto wake_at = session_.wake_at();
    if (std::exchange(wake_at_, wake_at) == wake_at) return;
    if (!wake_at) {
      wake_.cancel();
      return;
    }
    wake_.expires_at(*wake_at);
    wake_.async_wait([this](const error_code& error) {
      if (error) return;
      wake_at_.reset();
      apply(session_.on_timer(clock_now()));
    });
  }

  void listen_to_bell() {
    bell_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const error_code& error) {
                       if (error) return;
                       channel_.setpoints.silence();
                       if (const auto* const setpoint = channel_.setpoints.take())
                         apply(session_.on_setpoint(*setpoint, clock_now()));
                       listen_to_bell();
                     });
  }

  void beat() {
    channel_.heartbeat.beat();
    publish_health();
    look_into_mailbox();
    // Absolute, and after a pause from now on: what was missed is not made up for.
    beat_at_ = std::max(beat_at_ + beat_period, clock_now());
    beat_.expires_at(beat_at_);
    beat_.async_wait([this](const error_code& error) {
      if (!error) beat();
    });
  }

  void publish_health() {
    BusHealth health = session_.health();
    health.queue_dropped = channel_.samples.dropped();
    health.setpoint_latency = setpoint_latency_;
    channel_.ready.store(health.driver.ready, std::memory_order_relaxed);
    channel_.health.publish(health);
  }

  /// Never waits: whoever sends only pushes.
  void look_into_mailbox() {
    bool empty = false;
    while (!empty && !self_->mailbox().empty())
      self_->receive([this](const caf::exit_msg&) { io_.stop(); },
                     caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
                       return caf::sec::unexpected_message;
                     },
                     caf::after(Duration::zero()) >> [&] { empty = true; });
  }

  caf::blocking_actor* self_;
  const BusDeps& deps_;
  BusChannel& channel_;
  service::BusSession session_;
  WireHistogram setpoint_latency_;
  std::optional<Instant> wake_at_;  ///< what the timer waits for
  Instant beat_at_{};

  boost::asio::io_context io_{1};  // before all that lives on it
  boost::asio::posix::stream_descriptor bell_{io_, ::dup(channel_.setpoints.bell())};
  boost::asio::steady_timer wake_{io_};
  boost::asio::steady_timer beat_{io_};
  std::shared_ptr<transport::Line> line_;  ///< nothing between a loss and the reopening
};

/// What is shown of a bus whose actor has died: nothing of it is current.
BusHealth dead(const std::string& bus, const std::string& what) {
  BusHealth health;
  health.bus = bus;
  health.driver.trouble = "this part of the hub failed (" + what + ") and is being started again";
  return health;
}

void bus_main(caf::blocking_actor* self, const BusDeps& deps) {
  BusChannel& channel = *deps.channel;
  publish::name_thread("bus." + channel.name);
  channel.heartbeat.begin();
  if (deps.realtime) static_cast<void>(ask_for_priority(bus_priority));  // the control tells it
  std::string what = "unknown";
  try {
    return Bus(self, deps).run();
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  deps.events("bus." + channel.name,
              {Level::critical, "actor_died", "exception=" + log_quoted(what)});
  channel.ready = false;
  channel.faults = FaultFlags{};
  channel.health.publish(dead(channel.name, what));
  self->fail_state(caf::exit_reason::unhandled_exception);
}

}  // namespace

caf::actor spawn_bus(caf::actor_system& system, const BusDeps& deps) {
  return system.spawn<caf::detached>(bus_main, deps);
}

}  // namespace esshub::actors
