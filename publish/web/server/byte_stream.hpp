// The bytes of one connection, plain or under TLS: what lies above is compiled once for both.
#pragma once

#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/plan.hpp"
#include "model/result.hpp"

namespace esshub::publish {

/// The server runs on one io_context; a type of executor that is known compiles faster than any.
using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// One read and one write may be under way at a time. Their handlers are called later, never from
/// within the call, and keep the stream alive; close() ends what is under way with an error.
class ByteStream {
 public:
  using Code = boost::system::error_code;
  using Finished = std::function<void(Code)>;
  using Moved = std::function<void(Code, std::size_t)>;

  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  [[nodiscard]] virtual bool tls() const = 0;
  [[nodiscard]] virtual Executor executor() = 0;
  /// What has to be done before the first byte: the TLS handshake.
  virtual void open(Finished done) = 0;
  /// One byte or more.
  virtual void read_some(boost::asio::mutable_buffer into, Moved done) = 0;
  /// All of them.
  virtual void write(boost::asio::const_buffer bytes, Moved done) = 0;
  /// Says goodbye and lets the client take what was written: a socket closed over unread bytes
  /// would take the answer back.
  virtual void shut_down(Finished done) = 0;
  virtual void close() = 0;

 protected:
  ByteStream() = default;
};

/// Makes the stream of a connection just accepted.
using StreamMaker = std::function<std::unique_ptr<ByteStream>(Socket)>;

[[nodiscard]] std::unique_ptr<ByteStream> plain_stream(Socket socket);
/// TLS 1.2 and 1.3, with forward secrecy, from two PEM files. Fails when they cannot be read or do
/// not belong together.
[[nodiscard]] Result<StreamMaker> tls_streams(const std::string& certificate,
                                              const std::string& key);
/// Until when the first certificate of the PEM file is valid; nothing where there is none.
[[nodiscard]] std::optional<WallTime> certificate_end(const std::string& certificate);
/// A client's end, of a socket that is connected to `host`: a name or an address, which the
/// server's certificate has to prove. `authority`: PEM of who signed it, or empty for those whom
/// the machine trusts. Fails when the file cannot be read.
[[nodiscard]] Result<std::unique_ptr<ByteStream>> tls_client_stream(Socket socket,
                                                                    const std::string& host,
                                                                    const std::string& authority);

}  // namespace esshub::publish
