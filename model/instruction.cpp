#include "model/instruction.hpp"

#include <array>

namespace esshub {
namespace {

constexpr std::array<std::string_view, 4> kinds{"balance", "charge", "discharge", "idle"};
constexpr std::array<std::string_view, authority_count> authorities{"balance", "tariff", "schedule",
                                                                    "dispatch", "manual"};
constexpr std::array<std::string_view, 2> modes{"balance", "scheduled"};

template <class T, std::size_t n>
std::optional<T> find(const std::array<std::string_view, n>& names, std::string_view name) {
  for (std::size_t i = 0; i < n; ++i)
    if (names[i] == name) return static_cast<T>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name(InstructionKind kind) {
  return kinds.at(static_cast<std::size_t>(kind));
}
std::string_view name(Authority authority) {
  return authorities.at(static_cast<std::size_t>(authority));
}
std::string_view name(Mode mode) {
  return modes.at(static_cast<std::size_t>(mode));
}
std::optional<InstructionKind> instruction_kind(std::string_view name) {
  return find<InstructionKind>(kinds, name);
}
std::optional<Mode> mode(std::string_view name) {
  return find<Mode>(modes, name);
}

}  // namespace esshub
