#include <poll.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <cstdio>

#include "actors/bus_actor.hpp"
#include "actors/messages.hpp"
#include "protocol/modbus/driver.hpp"
#include "tests/bench/bus_parts/bus_bench.hpp"
#include "transport/serial_line.hpp"

namespace esshub::bench {
namespace {

/// As the control does: whatever comes is taken away. Apart, or g++ 12 sees through to the empty
/// queue's null blocks and warns of them.
[[gnu::noinline]] void drain(actors::SampleQueue& queue) {
  Sample sample;
  while (queue.pop(sample)) {
  }
}

}  // namespace

int master(const std::string& port, std::uint32_t baud) {
  caf::actor_system_config config;
  config.add_message_types<caf::id_block::esshub>();
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", 2u);
  caf::actor_system system{config};
  const auto channel = std::make_shared<actors::BusChannel>("meters");
  protocol::ModbusConfig modbus{
      .meters = {{.name = "meter", .unit = 1, .channels = {{.point = Point::grid}}}},
      .baud = baud,
      .gap = Duration::zero(),  // 3.5 characters all the same
      .other_master_wait = Duration::zero()};
  const auto bus = actors::spawn_bus(
      system, {.channel = channel,
               .make_line =
                   [&](auto& io, auto call) {
                     return transport::make_serial_line(io, {.path = port, .baud = baud},
                                                        std::move(call));
                   },
               .make_driver = [&] { return protocol::make_modbus_driver(modbus); },
               .events =
                   [](const std::string&, const Event& event) {
                     std::fprintf(stderr, "%s %s\n", event.name.c_str(), event.detail.c_str());
                   }});
  constexpr int period_ms = 100;
  for (pollfd end{0, POLLIN, 0}; poll(&end, 1, period_ms) == 0;) drain(channel->samples);
  caf::anon_send_exit(bus, caf::exit_reason::user_shutdown);
  return 0;
}

}  // namespace esshub::bench
