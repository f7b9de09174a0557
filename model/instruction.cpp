#include "model/instruction.hpp"

namespace esshub {

std::string_view name(InstructionKind kind) {
  return enum_name(kind);
}
std::string_view name(Authority authority) {
  return enum_name(authority);
}
std::string_view name(Mode mode) {
  return enum_name(mode);
}
std::optional<InstructionKind> instruction_kind(std::string_view name) {
  return enum_named<InstructionKind>(name);
}
std::optional<Mode> mode(std::string_view name) {
  return enum_named<Mode>(name);
}

}  // namespace esshub
