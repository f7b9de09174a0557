// HostLookup: finds the addresses of a host name without ever holding up who asks.
#pragma once

#include <netdb.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace esshub::transport {

/// getaddrinfo() takes as long as the name servers let it and cannot be cancelled, and an
/// io_context waits in its destructor for the resolver of Asio. So it runs on a thread of its own
/// that is left alone when nobody waits any longer. Whoever asks for a name that is being looked
/// up already joins that lookup: there is at most one thread a name.
class HostLookup {
 public:
  /// getaddrinfo(), or what a test has instead.
  using Resolve = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

  /// Begins to look `host` up, or joins. nullptr where no thread or descriptor is to be had.
  [[nodiscard]] static std::shared_ptr<HostLookup> start(const std::string& host,
                                                         Resolve resolve = ::getaddrinfo);
  explicit HostLookup(int event);
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  /// A descriptor of the caller's own that is readable as soon as the lookup is done; -1 if none
  /// is to be had.
  [[nodiscard]] int descriptor() const;

  struct Found {
    std::vector<boost::asio::ip::address> addresses;
    std::string error;  ///< for a person; empty if there are addresses
  };
  /// Nothing (nullptr) while the lookup runs.
  [[nodiscard]] const Found* found() const { return done_.load() ? &found_ : nullptr; }

 private:
  void run(const std::string& host, Resolve resolve);

  int event_;
  Found found_;  ///< written once, before done_
  std::atomic<bool> done_{false};
};

}  // namespace esshub::transport
