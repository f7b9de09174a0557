#include "app/bus_tools/listener.hpp"

namespace esshub::app {

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::crc:
      return "crc";
    case Outcome::exception:
      return "exception";
    case Outcome::unanswered:
      return "unanswered";
    case Outcome::unasked:
      return "unasked";
    case Outcome::error:
      return "error";
  }
  return "";
}

std::unique_ptr<Listener> make_listener(SniffKind kind) {
  switch (kind) {
    case SniffKind::modbus:
      return make_modbus_listener();
    case SniffKind::slcan:
      return make_slcan_listener();
    case SniffKind::mk3:
      return make_mk3_listener();
    case SniffKind::can:
      return make_can_listener();
  }
  return nullptr;
}

}  // namespace esshub::app
