#include "publish/web/server/connection.hpp"

namespace esshub::publish {

std::shared_ptr<Client> plain_client(boost::asio::ip::tcp::socket socket, std::string peer,
                                     std::shared_ptr<const ConnectionHost> host) {
  return std::make_shared<Connection<PlainStream>>(PlainStream{std::move(socket)}, std::move(peer),
                                                   std::move(host));
}

}  // namespace esshub::publish
