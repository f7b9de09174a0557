#include "model/sample.hpp"

namespace esshub {

// A point added behind module1 would share the value of a module.
static_assert(count_enumerators<Point>() == index(Point::circuit1) + 1);
static_assert(!is_enumerator<circuit(1)>() && !is_enumerator<battery_module(1)>());

std::string_view name(Point point) {
  constexpr std::array<std::string_view, max_circuits> circuits{
      "circuit1", "circuit2", "circuit3", "circuit4", "circuit5",
      "circuit6", "circuit7", "circuit8", "circuit9", "circuit10"};
  constexpr std::array<std::string_view, max_modules> modules{
      "module1", "module2", "module3", "module4", "module5", "module6", "module7", "module8"};
  if (point < Point::circuit1) return enum_name(point);
  if (point < Point::module1) return circuits.at(index(point) - index(Point::circuit1));
  return index(point) < enum_count<Point> ? modules.at(index(point) - index(Point::module1)) : "?";
}

std::string_view name(Measure measure) {
  return enum_name(measure);
}

std::string_view name(InverterStatus status) {
  return enum_name(status);
}

}  // namespace esshub
