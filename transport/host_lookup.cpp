#include "transport/host_lookup.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

namespace esshub::transport {
namespace {

/// The lookups under way, by name. The lock is held for a look into the map only.
struct UnderWay {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<HostLookup>> lookups;
};
/// Never destroyed: a thread that is left alone may come back while the program ends.
UnderWay& under_way() {
  static auto* const all = new UnderWay;
  return *all;
}

boost::asio::ip::address address_of(const addrinfo& info) {
  boost::asio::ip::tcp::endpoint endpoint;
  endpoint.resize(info.ai_addrlen);
  std::memcpy(endpoint.data(), info.ai_addr, info.ai_addrlen);
  return endpoint.address();
}

}  // namespace

std::shared_ptr<HostLookup> HostLookup::start(const std::string& host, Resolve resolve) {
  auto& all = under_way();
  const std::lock_guard lock(all.mutex);
  if (const auto it = all.lookups.find(host); it != all.lookups.end()) return it->second;
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return nullptr;
  auto lookup = std::make_shared<HostLookup>(event);
  try {
    std::thread([lookup, host, resolve] {
      // Not with the priority of the bus that asked.
      const sched_param normal{};
      ::pthread_setschedparam(::pthread_self(), SCHED_OTHER, &normal);
      lookup->run(host, resolve);
    }).detach();
  } catch (const std::system_error&) {
    return nullptr;
  }
  all.lookups.emplace(host, lookup);
  return lookup;
}

HostLookup::HostLookup(int event) : event_(event) {}
HostLookup::~HostLookup() {
  ::close(event_);
}

int HostLookup::descriptor() const {
  return ::fcntl(event_, F_DUPFD_CLOEXEC, 0);
}

void HostLookup::run(const std::string& host, Resolve resolve) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = resolve(host.c_str(), nullptr, &hints, &list);
  if (error == EAI_SYSTEM) {
    found_.error = std::generic_category().message(errno);
  } else if (error != 0) {
    found_.error = ::gai_strerror(error);
  } else {
    for (const auto* info = list; info != nullptr; info = info->ai_next)
      if (info->ai_family == AF_INET || info->ai_family == AF_INET6)
        found_.addresses.push_back(address_of(*info));
    ::freeaddrinfo(list);
    if (found_.addresses.empty()) found_.error = "has no address";
  }
  {
    auto& all = under_way();
    const std::lock_guard lock(all.mutex);
    all.lookups.erase(host);
  }
  done_.store(true);
  ::eventfd_write(event_, 1);
}

}  // namespace esshub::transport
