// hold(): a line's thread that does not come back for a while.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "transport/line.hpp"

namespace esshub::transport {

/// Holds the thread that runs `io`, as a system call that hangs does, for longer than
/// `longest_unread` after `meanwhile()`.
template <class Meanwhile>
void hold(boost::asio::io_context& io, Meanwhile meanwhile) {
  std::promise<void> held;
  std::promise<void> released;
  boost::asio::post(io, [&held, release = released.get_future()]() mutable {
    held.set_value();
    release.wait();
  });
  held.get_future().wait();
  meanwhile();
  std::this_thread::sleep_for(longest_unread + look_period);
  released.set_value();
}

}  // namespace esshub::transport
