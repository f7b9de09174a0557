// Enumerations that count 0, 1, 2, ...: how many enumerators, their names, a table with a row each.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace esshub {

template <class E>
[[nodiscard]] constexpr std::size_t index(E value) {
  return static_cast<std::size_t>(value);
}

/// The enumerator as it is written in its enumeration, without the scope; digits where the value
/// has none. Read from how the compiler prints the template's argument (g++ 12 and 14, clang 14):
/// "[with auto value = esshub::Measure::power]", "[value = (esshub::Measure)99]".
template <auto value>
consteval auto spelling() {
  std::string_view text{__PRETTY_FUNCTION__};
  text.remove_suffix(1);
  text.remove_prefix(text.find_last_of(":)") + 1);
  return text;
}

/// True if the enumeration has an enumerator of this value.
template <auto value>
consteval bool is_enumerator() {
  return spelling<value>().front() > '9';
}

template <class E, std::size_t n = 0>
consteval std::size_t count_enumerators() {
  if constexpr (is_enumerator<static_cast<E>(n)>()) {
    return count_enumerators<E, n + 1>();
  } else {
    return n;
  }
}

/// How many enumerators follow one another from 0.
template <class E>
inline constexpr std::size_t enum_count = count_enumerators<E>();

/// Every enumerator, for loops.
template <class E>
inline constexpr auto enum_values = [] {
  std::array<E, enum_count<E>> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<E>(i);
  return values;
}();

/// The enumerators' spellings. Name it in a .cpp only: each costs the compiler one instantiation.
template <class E>
inline constexpr auto enum_names = []<std::size_t... i>(std::index_sequence<i...>) {
  return std::array{spelling<static_cast<E>(i)>()...};
}
(std::make_index_sequence<count_enumerators<E>()>{});

/// The spelling of `value`, "?" where it has none. In a .cpp only.
template <class E>
[[nodiscard]] constexpr std::string_view enum_name(E value) {
  return index(value) < enum_names<E>.size() ? enum_names<E>[index(value)] : "?";
}

/// The enumerator whose name(), the outward one, is `text`.
template <class E>
[[nodiscard]] std::optional<E> enum_named(std::string_view text) {
  for (const E value : enum_values<E>)
    if (name(value) == text) return value;
  return std::nullopt;
}

/// One T for each enumerator of E.
template <class E, class T>
struct EnumArray {
  std::array<T, enum_count<E>> items{};

  [[nodiscard]] constexpr T& operator[](E id) { return items.at(index(id)); }
  [[nodiscard]] constexpr const T& operator[](E id) const { return items.at(index(id)); }
  [[nodiscard]] constexpr auto begin() { return items.begin(); }
  [[nodiscard]] constexpr auto begin() const { return items.begin(); }
  [[nodiscard]] constexpr auto end() { return items.end(); }
  [[nodiscard]] constexpr auto end() const { return items.end(); }
  friend constexpr bool operator==(const EnumArray&, const EnumArray&) = default;
};

/// A table with one row for each enumerator, in the enumerators' order. Row's member `id` says
/// whose row it is. A missing, doubled or misplaced row does not compile.
template <class Row>
class EnumTable {
 public:
  using Id = decltype(Row::id);

  template <std::size_t n>
  consteval explicit EnumTable(const Row (&rows)[n]) : rows_{} {
    static_assert(n == enum_count<Id>, "the table has one row for each enumerator");
    for (std::size_t i = 0; i < n; ++i) {
      if (index(rows[i].id) != i) throw "the rows stand in the order of the enumerators";
      rows_[i] = rows[i];
    }
  }
  [[nodiscard]] constexpr const Row& operator[](Id id) const { return rows_.at(index(id)); }
  [[nodiscard]] constexpr auto begin() const { return rows_.begin(); }
  [[nodiscard]] constexpr auto end() const { return rows_.end(); }

 private:
  std::array<Row, enum_count<Id>> rows_;
};

}  // namespace esshub
