#include "model/utc_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace esshub {
namespace {

/// Reads a text from its beginning; once something does not fit, nothing does.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    const auto taken = left_.substr(0, count);
    const auto [end, error] = std::from_chars(taken.data(), taken.data() + taken.size(), value);
    fits_ = fits_ && taken.size() == count && error == std::errc{} && end == taken.data() + count &&
            taken.front() != '-';
    left_.remove_prefix(taken.size());
    return value;
  }
  /// One of them, which is returned; 0 where there is none.
  char one_of(std::string_view allowed, bool required = true) {
    if (left_.empty() || allowed.find(left_.front()) == std::string_view::npos) {
      fits_ = fits_ && !required;
      return 0;
    }
    const char found = left_.front();
    left_.remove_prefix(1);
    return found;
  }
  void skip_digits() {
    left_.remove_prefix(std::min(left_.find_first_not_of("0123456789"), left_.size()));
  }
  [[nodiscard]] bool ended() const { return fits_ && left_.empty(); }

 private:
  std::string_view left_;
  bool fits_ = true;
};

}  // namespace

std::optional<std::chrono::sys_seconds> read_utc(std::string_view text) {
  Reader read{text};
  const int year = read.digits(4);
  read.one_of("-");
  const int month = read.digits(2);
  read.one_of("-");
  const int day = read.digits(2);
  read.one_of("Tt ");
  const int hour = read.digits(2);
  read.one_of(":");
  const int minute = read.digits(2);
  const int second = read.one_of(":", false) ? read.digits(2) : 0;
  if (read.one_of(".", false)) {
    read.digits(1);
    read.skip_digits();
  }
  int ahead = 0;  // of UTC, min
  if (const char sign = read.one_of("Zz+-"); sign == '+' || sign == '-') {
    const int hours = read.digits(2);
    read.one_of(":");
    const int minutes = read.digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    ahead = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!read.ended() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} +
         std::chrono::minutes{minute - ahead} + std::chrono::seconds{second};
}

std::string utc_text(std::chrono::sys_seconds moment) {
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::hh_mm_ss time{moment - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "T%02d:%02d:%02dZ",
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return date_text(day) + text.data();
}

std::string date_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date{day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()});
  return text.data();
}

}  // namespace esshub
