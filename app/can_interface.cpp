#include "app/can_interface.hpp"

#include <linux/can/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace esshub::app {
namespace {

using View = std::span<const std::byte>;

/// The payload of the attribute, empty where there is none.
View attribute(View attributes, unsigned wanted) {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr head{};
    std::memcpy(&head, attributes.data(), sizeof head);
    if (head.rta_len < sizeof head || head.rta_len > attributes.size()) return {};
    constexpr unsigned nested = 0x8000;  // NLA_F_NESTED
    if ((head.rta_type & ~nested) == wanted)
      return attributes.subspan(sizeof head, head.rta_len - sizeof head);
    attributes = attributes.subspan(
        std::min<std::size_t>(attributes.size(), RTA_ALIGN(std::size_t{head.rta_len})));
  }
  return {};
}

template <class T>
std::optional<T> value(View attributes, unsigned wanted) {
  const auto payload = attribute(attributes, wanted);
  if (payload.size() < sizeof(T)) return std::nullopt;
  T out{};
  std::memcpy(&out, payload.data(), sizeof out);
  return out;
}

std::string state_name(std::uint32_t state) {
  constexpr std::array names{"error active", "error warning", "error passive",
                             "bus off",      "stopped",       "sleeping"};
  return state < names.size() ? names.at(state) : "";
}

}  // namespace

CanInterfaceFacts can_facts(View attributes) {
  const auto data = attribute(attribute(attributes, IFLA_LINKINFO), IFLA_INFO_DATA);
  CanInterfaceFacts facts;
  if (const auto timing = value<can_bittiming>(data, IFLA_CAN_BITTIMING))
    if (timing->bitrate != 0) facts.bit_rate = timing->bitrate;
  if (const auto state = value<std::uint32_t>(data, IFLA_CAN_STATE))
    facts.state = state_name(*state);
  if (const auto mode = value<can_ctrlmode>(data, IFLA_CAN_CTRLMODE))
    facts.listen_only = (mode->flags & CAN_CTRLMODE_LISTENONLY) != 0;
  if (const auto errors = value<can_berr_counter>(data, IFLA_CAN_BERR_COUNTER)) {
    facts.transmit_errors = errors->txerr;
    facts.receive_errors = errors->rxerr;
  }
  return facts;
}

std::optional<CanInterfaceFacts> look_at_can(const std::string& interface) {
  const unsigned index = ::if_nametoindex(interface.c_str());
  if (index == 0) return std::nullopt;
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return std::nullopt;
  const timeval patience{1, 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  struct {
    nlmsghdr head;
    ifinfomsg link;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_GETLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_index = static_cast<int>(index);
  std::array<std::byte, 16384> answer{};
  ssize_t size = -1;
  if (::send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request))
    size = ::recv(fd, answer.data(), answer.size(), 0);
  ::close(fd);
  constexpr std::size_t before = NLMSG_LENGTH(sizeof(ifinfomsg));
  if (size < static_cast<ssize_t>(before)) return std::nullopt;
  nlmsghdr head{};
  std::memcpy(&head, answer.data(), sizeof head);
  if (head.nlmsg_type != RTM_NEWLINK) return std::nullopt;
  return can_facts(View{answer}.subspan(before, static_cast<std::size_t>(size) - before));
}

}  // namespace esshub::app
