#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <array>
#include <boost/asio/write.hpp>

#include "publish/web/server/byte_stream.hpp"

namespace esshub::publish {
namespace {

namespace asio = boost::asio;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

  bool tls() const override { return false; }
  Executor executor() override { return socket_.get_executor(); }

  void open(Finished done) override { done({}); }
  void read_some(asio::mutable_buffer into, Moved done) override {
    socket_.async_read_some(asio::mutable_buffers_1{into}, std::move(done));
  }
  void write(asio::const_buffer bytes, Moved done) override {
    asio::async_write(socket_, asio::const_buffers_1{bytes}, std::move(done));
  }
  void shut_down(Finished done) override {
    Code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    drain(std::move(done));
  }
  void close() override {
    Code ignored;
    socket_.close(ignored);
  }

 private:
  void drain(Finished done) {
    constexpr std::size_t most = 64 * 1024;
    read_some(asio::buffer(ignored_),
              [this, done = std::move(done)](Code error, std::size_t n) mutable {
                drained_ += n;
                if (error || drained_ > most) return done(error);
                drain(std::move(done));
              });
  }

  Socket socket_;
  std::array<char, 1024> ignored_{};
  std::size_t drained_ = 0;
};

}  // namespace

std::unique_ptr<ByteStream> plain_stream(Socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace esshub::publish
