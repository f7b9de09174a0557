// An object of JSON from its members: nlohmann's own braces are compiled anew for every length of a
// string in them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace esshub {

/// What is no text, number, bool or null is a nlohmann::json, also what stands in braces of its
/// own: a list.
struct JsonMember {
  JsonMember(const char* k, nlohmann::json v) : key(k), value(std::move(v)) {}
  template <class T>
  requires std::is_array_v<T> || std::same_as<T, const char*> || std::same_as<T, std::string> ||
      std::same_as<T, std::string_view>
      JsonMember(const char* k, const T& v) : key(k), value(of(std::string_view{v})) {}
  template <class T>
  requires std::is_arithmetic_v<T> || std::same_as<T, std::nullptr_t> JsonMember(const char* k, T v)
      : key(k), value(of(widest(v))) {}

  const char* key;
  mutable nlohmann::json value;  ///< a list's members are const: json_object() moves it out

 private:
  template <class T>
  static auto widest(T v) {
    if constexpr (std::same_as<T, bool> || std::same_as<T, std::nullptr_t>)
      return v;
    else if constexpr (std::floating_point<T>)
      return static_cast<double>(v);
    else if constexpr (std::signed_integral<T>)
      return std::int64_t{v};
    else
      return std::uint64_t{v};
  }
  static nlohmann::json of(std::string_view v);
  static nlohmann::json of(std::nullptr_t);
  static nlohmann::json of(bool v);
  static nlohmann::json of(double v);
  static nlohmann::json of(std::int64_t v);
  static nlohmann::json of(std::uint64_t v);
};

/// Of two members with one key the first is kept.
[[nodiscard]] nlohmann::json json_object(std::initializer_list<JsonMember> members);

}  // namespace esshub
