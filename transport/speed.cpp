#include "transport/speed.hpp"

#include <algorithm>
#include <array>

namespace esshub::transport {
namespace {

struct Row {
  std::uint32_t baud;
  speed_t speed;
};
constexpr std::array<Row, 13> table{{{1200, B1200},
                                     {2400, B2400},
                                     {4800, B4800},
                                     {9600, B9600},
                                     {19200, B19200},
                                     {38400, B38400},
                                     {57600, B57600},
                                     {115200, B115200},
                                     {230400, B230400},
                                     {460800, B460800},
                                     {500000, B500000},
                                     {921600, B921600},
                                     {1000000, B1000000}}};

}  // namespace

std::optional<speed_t> speed_of(std::uint32_t baud) {
  const auto* const row = std::ranges::find(table, baud, &Row::baud);
  return row == table.end() ? std::nullopt : std::optional{row->speed};
}

std::optional<std::uint32_t> baud_of(speed_t speed) {
  const auto* const row = std::ranges::find(table, speed, &Row::speed);
  return row == table.end() ? std::nullopt : std::optional{row->baud};
}

}  // namespace esshub::transport
