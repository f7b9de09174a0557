#include "civil_time/zone_rule.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <system_error>
#include <utility>

namespace esshub::civil_time {

using namespace std::chrono_literals;
using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Takes the text apart from the left; what does not fit is nothing.
class ZoneRule::Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return text_.empty(); }
  bool skip(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// "BST" or "<+0330>"
  bool name() {
    if (skip('<')) {
      const auto end = text_.find('>');
      text_.remove_prefix(std::min(end, text_.size()));
      return skip('>');
    }
    const auto letters = std::ranges::find_if_not(
        text_, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
    const auto n = static_cast<std::size_t>(letters - text_.begin());
    text_.remove_prefix(n);
    return n > 0;
  }
  /// Decimal digits, a number of [least, most].
  std::optional<unsigned> number(unsigned least, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{} || value < least || value > most) return std::nullopt;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }
  /// "[+-]hh[:mm[:ss]]"
  std::optional<seconds> time() {
    const bool negative = skip('-');
    if (!negative) skip('+');
    const auto hours = number(0, 167);
    if (!hours) return std::nullopt;
    seconds time = std::chrono::hours{*hours};
    for (const seconds unit : {seconds{60}, seconds{1}}) {
      if (!skip(':')) break;
      const auto part = number(0, 59);
      if (!part) return std::nullopt;
      time += *part * unit;
    }
    return negative ? -time : time;
  }
  /// ",M10.5.0/3"
  std::optional<Change> change() {
    if (!skip(',') || !skip('M')) return std::nullopt;
    const auto month = number(1, 12);
    const auto week = skip('.') ? number(1, 5) : std::nullopt;
    const auto weekday = skip('.') ? number(0, 6) : std::nullopt;
    if (!month || !week || !weekday) return std::nullopt;
    const auto time = skip('/') ? this->time() : std::optional<seconds>{2h};
    if (!time) return std::nullopt;
    return Change{std::chrono::month{*month}, *week, std::chrono::weekday{*weekday}, *time};
  }

 private:
  std::string_view text_;
};

sys_seconds ZoneRule::Change::in(std::chrono::year year, seconds offset) const {
  const auto day = week == 5 ? std::chrono::sys_days{year / month / weekday[std::chrono::last]}
                             : std::chrono::sys_days{year / month / weekday[week]};
  return day + time - offset;
}

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
  Reader in{text};
  ZoneRule rule;
  if (!in.name()) return std::nullopt;
  const auto west = in.time();  // POSIX counts the other way round
  if (!west) return std::nullopt;
  rule.standard_ = -*west;
  if (in.at_end()) return rule;
  if (!in.name()) return std::nullopt;
  const auto summer_west = in.time();
  rule.summer_ = summer_west ? -*summer_west : rule.standard_ + 1h;
  const auto to_summer = in.change();
  const auto to_standard = in.change();
  if (!to_summer || !to_standard || !in.at_end()) return std::nullopt;
  rule.changes_ = Changes{*to_summer, *to_standard};
  return rule;
}

OffsetPeriod ZoneRule::period(sys_seconds at) const {
  if (!changes_) return {standard_, sys_seconds::min(), sys_seconds::max()};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(at)};
  std::array<std::pair<sys_seconds, seconds>, 6> changes;  // when, and the offset from then on
  std::size_t n = 0;
  for (const int years : {-1, 0, 1}) {
    const auto year = day.year() + std::chrono::years{years};
    changes.at(n++) = {changes_->to_summer.in(year, standard_), summer_};
    changes.at(n++) = {changes_->to_standard.in(year, summer_), standard_};
  }
  std::ranges::sort(changes);
  const auto next = std::ranges::find_if(changes, [&](const auto& c) { return c.first > at; });
  return {std::prev(next)->second, std::prev(next)->first, next->first};
}

}  // namespace esshub::civil_time
