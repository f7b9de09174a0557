// IoThread: a thread with an io_context, for tools and tests whose lines share one.
#pragma once

#include <memory>

namespace boost::asio {
class io_context;
}

namespace esshub::transport {

class IoThread {
 public:
  IoThread();
  ~IoThread();  ///< stops
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  [[nodiscard]] boost::asio::io_context& context();

  /// Runs what is already posted (closing of lines), then ends the thread. Handlers that still wait
  /// for the outside world are abandoned. Idempotent; not to be called on the thread itself.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace esshub::transport
