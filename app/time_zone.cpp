#include "app/time_zone.hpp"

#include <stdexcept>

namespace esshub::app {

const date::time_zone* find_time_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {  // the library's way to say no
    return nullptr;
  }
}

}  // namespace esshub::app
