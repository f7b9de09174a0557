// Physical quantities as distinct types, so that watts never meet volts by accident.
#pragma once

#include <chrono>
#include <cmath>
#include <compare>
#include <optional>

namespace esshub {

/// A physical quantity of one unit over `double`. Construction and extraction are explicit; only
/// the operators that physics has exist. `.value()` belongs in codecs and publishers.
template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double value) : value_(value) {}
  [[nodiscard]] constexpr double value() const { return value_; }

  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity{a.value_ + b.value_};
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity{a.value_ - b.value_};
  }
  constexpr Quantity operator-() const { return Quantity{-value_}; }
  friend constexpr Quantity operator*(Quantity a, double k) { return Quantity{a.value_ * k}; }
  friend constexpr Quantity operator*(double k, Quantity a) { return a * k; }
  friend constexpr Quantity operator/(Quantity a, double k) { return Quantity{a.value_ / k}; }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }
  constexpr Quantity& operator+=(Quantity b) { return *this = *this + b; }
  constexpr Quantity& operator-=(Quantity b) { return *this = *this - b; }
  // Each by itself: g++ 12 makes several branches of what a <=> of doubles is asked for.
  friend constexpr bool operator==(Quantity, Quantity) = default;
  friend constexpr bool operator<(Quantity a, Quantity b) { return a.value_ < b.value_; }
  friend constexpr bool operator>(Quantity a, Quantity b) { return a.value_ > b.value_; }
  friend constexpr bool operator<=(Quantity a, Quantity b) { return a.value_ <= b.value_; }
  friend constexpr bool operator>=(Quantity a, Quantity b) { return a.value_ >= b.value_; }

 private:
  double value_ = 0.0;
};

using Watts = Quantity<struct WattsTag>;
using Volts = Quantity<struct VoltsTag>;
using Amperes = Quantity<struct AmperesTag>;
using Hertz = Quantity<struct HertzTag>;
using Celsius = Quantity<struct CelsiusTag>;
using WattHours = Quantity<struct WattHoursTag>;
using WattsPerSecond = Quantity<struct WattsPerSecondTag>;

using Seconds = std::chrono::duration<double>;
using Hours = std::chrono::duration<double, std::ratio<3600>>;

constexpr Watts operator*(Volts u, Amperes i) {
  return Watts{u.value() * i.value()};
}
constexpr Watts operator*(Amperes i, Volts u) {
  return u * i;
}
constexpr Amperes operator/(Watts p, Volts u) {
  return Amperes{p.value() / u.value()};
}
constexpr Watts operator*(WattsPerSecond r, Seconds t) {
  return Watts{r.value() * t.count()};
}
constexpr WattHours operator*(Watts p, Hours t) {
  return WattHours{p.value() * t.count()};
}

template <class Tag>
constexpr Quantity<Tag> abs(Quantity<Tag> q) {
  return q < Quantity<Tag>{} ? -q : q;
}

/// State of charge, 0 to 100 %. Can only be made by a checked factory or a checked literal.
class Soc {
 public:
  constexpr Soc() = default;
  /// nullopt outside 0..100 or not a number.
  [[nodiscard]] static constexpr std::optional<Soc> from_percent(double percent) {
    if (!(percent >= 0.0 && percent <= 100.0)) return std::nullopt;
    return Soc{percent};
  }
  [[nodiscard]] constexpr double percent() const { return percent_; }
  [[nodiscard]] constexpr double ratio() const { return percent_ / 100.0; }
  friend constexpr auto operator<=>(Soc, Soc) = default;

 private:
  constexpr explicit Soc(double percent) : percent_(percent) {}
  double percent_ = 0.0;
};

inline namespace literals {
constexpr Watts operator""_W(long double v) {
  return Watts{static_cast<double>(v)};
}
constexpr Watts operator""_kW(long double v) {
  return Watts{static_cast<double>(v) * 1000.0};
}
constexpr Volts operator""_V(long double v) {
  return Volts{static_cast<double>(v)};
}
constexpr Amperes operator""_A(long double v) {
  return Amperes{static_cast<double>(v)};
}
constexpr Hertz operator""_Hz(long double v) {
  return Hertz{static_cast<double>(v)};
}
constexpr Celsius operator""_degC(long double v) {
  return Celsius{static_cast<double>(v)};
}
constexpr WattHours operator""_Wh(long double v) {
  return WattHours{static_cast<double>(v)};
}
constexpr WattHours operator""_kWh(long double v) {
  return WattHours{static_cast<double>(v) * 1000.0};
}
/// `20.0_soc` is 20 %; out of range does not compile.
consteval Soc operator""_soc(long double v) {
  return Soc::from_percent(static_cast<double>(v)).value();
}
}  // namespace literals

}  // namespace esshub
