#include "sim/control_socket.hpp"

#include <filesystem>
#include <istream>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

namespace esshub::sim {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Stream = asio::local::stream_protocol;

constexpr std::size_t longest_line = 1024;

/// One client: reads a line, writes the answer, and so on until it goes.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(Stream::socket socket, ControlSocket::Answer answer)
      : socket_(std::move(socket)), input_(longest_line), answer_(std::move(answer)) {}

  void read() {
    asio::async_read_until(
        socket_, input_, '\n',
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          if (error == asio::error::not_found)
            return self->write("error the line is too long\n", false);
          if (error) return;
          std::istream stream(&self->input_);
          std::string line;
          std::getline(stream, line);
          self->write(self->answer_(line) + "\n", true);
        });
  }

 private:
  void write(std::string text, bool go_on) {
    output_ = std::move(text);
    asio::async_write(
        socket_, asio::buffer(output_),
        [self = shared_from_this(), go_on](const boost::system::error_code& error, std::size_t) {
          if (!error && go_on) self->read();
        });
  }

  Stream::socket socket_;
  asio::streambuf input_;
  std::string output_;
  ControlSocket::Answer answer_;
};

}  // namespace

std::shared_ptr<ControlSocket> ControlSocket::open(asio::io_context& io, std::string path,
                                                   Answer answer, std::string& reason) {
  Stream::endpoint endpoint;
  try {
    endpoint.path(path);
  } catch (const boost::system::system_error&) {
    reason = path + " is too long for a socket: choose a shorter directory";
    return nullptr;
  }
  std::error_code ignored;
  const auto status = fs::symlink_status(path, ignored);
  if (fs::exists(status)) {
    boost::system::error_code error;
    Stream::socket probe{io};
    probe.connect(endpoint, error);
    if (!error) {
      reason = path + " is in use: another simulator runs in this directory";
      return nullptr;
    }
    if (!fs::is_socket(status)) {
      reason = path + " exists and is not a socket: remove it first";
      return nullptr;
    }
    fs::remove(path, ignored);
  }
  auto control = std::make_shared<ControlSocket>(io, std::move(path), std::move(answer));
  boost::system::error_code error;
  control->acceptor_.open(endpoint.protocol(), error);
  if (!error) control->acceptor_.bind(endpoint, error);
  if (!error) control->acceptor_.listen(Stream::acceptor::max_listen_connections, error);
  if (error) {
    reason = "cannot listen at " + control->path_ + ": " + error.message();
    return nullptr;
  }
  control->accept();
  return control;
}

ControlSocket::ControlSocket(asio::io_context& io, std::string path, Answer answer)
    : acceptor_(io), pause_(io), path_(std::move(path)), answer_(std::move(answer)) {}

ControlSocket::~ControlSocket() {
  close();
}

void ControlSocket::accept() {
  acceptor_.async_accept(
      [self = shared_from_this()](const boost::system::error_code& error, Stream::socket socket) {
        if (!self->acceptor_.is_open()) return;
        if (!error) {
          std::make_shared<Client>(std::move(socket), self->answer_)->read();
          return self->accept();
        }
        // Out of file descriptors, most likely: trying again at once would spin.
        self->pause_.expires_after(std::chrono::milliseconds{100});
        self->pause_.async_wait([self](const boost::system::error_code& cancelled) {
          if (!cancelled && self->acceptor_.is_open()) self->accept();
        });
      });
}

void ControlSocket::close() {
  if (!acceptor_.is_open()) return;
  boost::system::error_code error;
  acceptor_.close(error);
  pause_.cancel();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace esshub::sim
