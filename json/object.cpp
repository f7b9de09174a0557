#include "json/object.hpp"

#include <utility>

namespace esshub {

nlohmann::json JsonMember::of(std::string_view v) {
  return v;
}
nlohmann::json JsonMember::of(std::nullptr_t) {
  return nullptr;
}
nlohmann::json JsonMember::of(bool v) {
  return v;
}
nlohmann::json JsonMember::of(double v) {
  return v;
}
nlohmann::json JsonMember::of(std::int64_t v) {
  return v;
}
nlohmann::json JsonMember::of(std::uint64_t v) {
  return v;
}

nlohmann::json json_object(std::initializer_list<JsonMember> members) {
  auto object = nlohmann::json::object();
  for (const auto& member : members) object.emplace(member.key, std::move(member.value));
  return object;
}

}  // namespace esshub
