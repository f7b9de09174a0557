// What the configuration says of the owner's page.
#pragma once

#include <string>
#include <vector>

namespace esshub::publish {

struct WebSettings {
  std::string address = "127.0.0.1:8750";  ///< host:port or [ipv6]:port; empty = no page
  std::string certificate{};               ///< PEM file of the chain; with `key`: TLS only
  std::string key{};                       ///< PEM file
  std::vector<std::string> host_names{};   ///< it also answers to; IP addresses, localhost and the
                                           ///< machine's own name are always its names
  friend bool operator==(const WebSettings&, const WebSettings&) = default;
};

}  // namespace esshub::publish
