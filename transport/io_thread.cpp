#include "transport/io_thread.hpp"

#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

namespace esshub::transport {

struct IoThread::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work =
      boost::asio::make_work_guard(context);
  std::thread thread{[this] { context.run(); }};
};

IoThread::IoThread() : impl_(std::make_unique<Impl>()) {}
IoThread::~IoThread() {
  stop();
}

boost::asio::io_context& IoThread::context() {
  return impl_->context;
}

void IoThread::stop() {
  if (!impl_->thread.joinable()) return;
  // Posted last, so everything posted before it has run.
  boost::asio::post(impl_->context, [impl = impl_.get()] { impl->context.stop(); });
  impl_->thread.join();
}

}  // namespace esshub::transport
