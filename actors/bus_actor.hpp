// BusActor: the one shell of every bus - a thread of its own with line, driver and session on it.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <memory>
#include <utility>  // Boost 1.74 needs it before Asio in C++20

#include <boost/asio/io_context.hpp>

#include "actors/bus_channel.hpp"
#include "model/event.hpp"
#include "protocol/driver.hpp"
#include "transport/line.hpp"

namespace esshub::actors {

/// What a bus is made of. The makers are called anew: the line for every opening, the driver for
/// every start of the actor. The line lives on the given io_context, which only this bus has.
struct BusDeps {
  std::shared_ptr<BusChannel> channel;
  std::function<std::shared_ptr<transport::Line>(boost::asio::io_context& io,
                                                 std::shared_ptr<transport::CallMark> call)>
      make_line;
  std::function<std::unique_ptr<protocol::Driver>()> make_driver;
  bool realtime = false;  ///< real-time priority, as far as permitted: the battery depends on it
  EventSink events;       ///< gets component "bus.<name>"
};

/// A detached actor that does what service::BusSession says. A system call that hangs holds this
/// thread alone. Beats ten times a second, and then looks into its mailbox: it takes an exit.
/// Ends on an exception, with an event.
[[nodiscard]] caf::actor spawn_bus(caf::actor_system& system, const BusDeps& deps);

}  // namespace esshub::actors
