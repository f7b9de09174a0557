#include "publish/web/server/connection.hpp"

namespace esshub::publish {

std::shared_ptr<Client> tls_client(boost::asio::ip::tcp::socket socket,
                                   boost::asio::ssl::context& context, std::string peer,
                                   std::shared_ptr<const ConnectionHost> host) {
  return std::make_shared<Connection<TlsStream>>(TlsStream{std::move(socket), context},
                                                 std::move(peer), std::move(host));
}

}  // namespace esshub::publish
