#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/impl/src.hpp>  // its functions too: nobody else calls them
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <ctime>

#include "publish/web/server/byte_stream.hpp"

namespace esshub::publish {
namespace {

namespace asio = boost::asio;
using asio::ssl::context;

class TlsStream final : public ByteStream {
 public:
  using Side = asio::ssl::stream_base::handshake_type;

  TlsStream(Socket socket, std::shared_ptr<context> context, Side side)
      : context_(std::move(context)), stream_(std::move(socket), *context_), side_(side) {}

  /// The name that the client asks for (RFC 6066, server_name).
  [[nodiscard]] bool ask_for(const std::string& host) {
    return ::SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                      TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str())) == 1;
  }

  bool tls() const override { return true; }
  Executor executor() override { return stream_.get_executor(); }

  void open(Finished done) override { stream_.async_handshake(side_, std::move(done)); }
  void read_some(asio::mutable_buffer into, Moved done) override {
    stream_.async_read_some(asio::mutable_buffers_1{into}, std::move(done));
  }
  void write(asio::const_buffer bytes, Moved done) override {
    asio::async_write(stream_, asio::const_buffers_1{bytes}, std::move(done));
  }
  void shut_down(Finished done) override { stream_.async_shutdown(std::move(done)); }
  void close() override {
    Code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  std::shared_ptr<context> context_;
  asio::ssl::stream<Socket> stream_;
  Side side_;
};

}  // namespace

Result<StreamMaker> tls_streams(const std::string& certificate, const std::string& key) {
  const auto tls = std::make_shared<context>(context::tls_server);
  ByteStream::Code error;
  tls->set_options(context::default_workarounds | context::no_sslv2 | context::no_sslv3 |
                       context::no_tlsv1 | context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE,
                   error);
  // Whoever gets the key later shall not read what was recorded. TLS 1.3 knows nothing else.
  if (!error && ::SSL_CTX_set_cipher_list(tls->native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return fail(ErrorKind::io, "the TLS library knows no cipher with forward secrecy");
  if (!error) tls->use_certificate_chain_file(certificate, error);
  if (error)
    return fail(ErrorKind::io,
                "cannot use the certificate " + certificate + ": " + error.message());
  tls->use_private_key_file(key, context::pem, error);
  if (!error && ::SSL_CTX_check_private_key(tls->native_handle()) != 1)
    return fail(ErrorKind::io,
                "the key " + key + " does not belong to the certificate " + certificate);
  if (error) return fail(ErrorKind::io, "cannot use the key " + key + ": " + error.message());
  return StreamMaker{[tls](Socket socket) {
    return std::make_unique<TlsStream>(std::move(socket), tls, TlsStream::Side::server);
  }};
}

std::optional<WallTime> certificate_end(const std::string& certificate) {
  const std::unique_ptr<BIO, decltype(&::BIO_free)> file{::BIO_new_file(certificate.c_str(), "r"),
                                                         &::BIO_free};
  if (!file) return std::nullopt;
  const std::unique_ptr<X509, decltype(&::X509_free)> paper{
      ::PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr), &::X509_free};
  std::tm end{};
  if (!paper || ::ASN1_TIME_to_tm(::X509_get0_notAfter(paper.get()), &end) != 1)
    return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&end));
}

Result<std::unique_ptr<ByteStream>> tls_client_stream(Socket socket, const std::string& host,
                                                      const std::string& authority) {
  const auto tls = std::make_shared<context>(context::tls_client);
  ByteStream::Code error;
  tls->set_options(context::default_workarounds | context::no_sslv2 | context::no_sslv3 |
                       context::no_tlsv1 | context::no_tlsv1_1,
                   error);
  if (!error) tls->set_verify_mode(asio::ssl::verify_peer, error);
  if (!error) tls->set_verify_callback(asio::ssl::host_name_verification{host}, error);
  if (!error && authority.empty()) tls->set_default_verify_paths(error);
  if (!error && !authority.empty()) tls->load_verify_file(authority, error);
  if (error)
    return fail(ErrorKind::io, "cannot use the certificate " + authority + ": " + error.message());
  auto stream = std::make_unique<TlsStream>(std::move(socket), tls, TlsStream::Side::client);
  asio::ip::make_address(host, error);
  if (error && !stream->ask_for(host)) return fail(ErrorKind::io, host + " is no name for TLS");
  return stream;
}

}  // namespace esshub::publish
