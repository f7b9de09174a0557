// What `esshub sniff --write` keeps: serial bytes as pcapng, CAN frames as a candump log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/bytes.hpp"
#include "protocol/pylontech/can_frame.hpp"

namespace esshub::app {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

namespace pcapng {

/// LINKTYPE_RTAC_SERIAL, the registered link type for bytes of a serial line: Wireshark has a
/// dissector for it, and its Decode As hands the bytes on to Modbus RTU. A DLT_USER type would need
/// a table entry on each machine that opens the file, and means something else elsewhere.
/// (tcpdump.org link-layer header types; Wireshark packet-rtacser.c)
constexpr std::uint16_t link_type = 250;

/// Section header and the description of one interface; time stamps in nanoseconds.
[[nodiscard]] protocol::Bytes header(std::string_view program, std::string_view interface);
/// Bytes heard on the line as one packet: 12 bytes of RTAC header (time, event DATA_RX_START,
/// no control lines known), then the bytes.
[[nodiscard]] protocol::Bytes packet(WallTime at, protocol::ByteView bytes);

}  // namespace pcapng

/// `(1700000000.123456) can0 351#1402F401` and a line end.
[[nodiscard]] std::string candump_line(WallTime at, std::string_view interface,
                                       const protocol::CanFrame& frame);

}  // namespace esshub::app
