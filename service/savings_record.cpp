#include "service/savings_record.hpp"

#include <algorithm>
#include <utility>

#include "control/plan/cost_comparison.hpp"
#include "model/mean.hpp"
#include "service/forecast.hpp"
#include "service/planner.hpp"

namespace esshub::service {
namespace {

using std::chrono::local_days;

constexpr auto slot = std::chrono::minutes{15};

std::vector<MeasuredSlot> slots_of(const std::vector<Minute>& minutes, WallTime begin,
                                   WallTime end) {
  std::vector<MeasuredSlot> slots;
  auto minute = minutes.begin();
  for (WallTime at = begin; at < end; at += slot) {
    Mean soc, battery, grid;
    for (; minute != minutes.end() && minute->begin < at + slot; ++minute) {
      soc.add(minute->soc);
      battery.add(minute->battery_w);
      grid.add(minute->grid_w);
    }
    slots.push_back({at, soc.value(), battery.value(), grid.value()});
  }
  return slots;
}

}  // namespace

std::optional<double> paid(const KeptDay& day) {
  if (!day.import_cost && !day.export_income) return std::nullopt;
  if (day.import_unpriced_j > (1.0 - whole_share) * day.import_j) return std::nullopt;
  return day.import_cost.value_or(0.0) - day.export_income.value_or(0.0);
}

bool SavingsRecord::note(const Input& input) {
  const View& view = input.view;
  if (!view.local.trusted) {
    forget_today();
    looked_at_.reset();
    return false;
  }
  const auto today = std::chrono::floor<std::chrono::days>(clock_.local(view.wall));
  const bool other_day = std::exchange(shown_on_, today) != today;
  const auto& tariff = input.settings.tariff;
  if (std::exchange(tariff_, tariff) != tariff || other_day) seen_.clear();
  if (other_day) {
    forget_today();
    show(today);
  }
  if (looked_at_ && !other_day && view.now - *looked_at_ < (looked_at_all_ ? look_period : again))
    return false;
  looked_at_ = view.now;
  looked_at_all_ = false;
  return true;
}

Result<bool> SavingsRecord::look(const Input& input, PastReader& past) {
  const auto battery = battery_of(input.view, input.settings);
  if (!battery) return false;
  const auto today = *shown_on_;
  Now now{input, today, *battery};
  const auto days = past.days(days_back + 2);
  if (!days) return tl::unexpected(days.error());
  for (const auto& day : *days)
    if (const auto money = paid(day)) now.paid[day.date] = *money;
  // A clock that was ahead took today for a day that is over. Were it far behind now, what is later
  // than it could have taken is not its to forget.
  days_.erase(days_.lower_bound(date_text(today)),
              days_.lower_bound(date_text(today + std::chrono::days{days_back + 1})));
  for (int back = days_back; back >= 0; --back)
    if (const auto done = reckon_day(now, back, past); !done) return tl::unexpected(done.error());
  show(today);
  looked_at_all_ = true;
  return true;
}

Result<void> SavingsRecord::reckon_day(const Now& now, int back, PastReader& past) {
  const local_days date = now.today - std::chrono::days{back};
  const auto text = date_text(date);
  const auto before = days_.find(text);
  const bool whole = before != days_.end() && before->second.whole();
  const bool kept = back > 0 && (whole || seen_.contains(text));
  Day day{
      .begin = day_begin(zone_, date),
      .until = std::min<WallTime>(day_begin(zone_, date + std::chrono::days{1}),
                                  std::chrono::floor<std::chrono::minutes>(now.input.view.wall))};
  const bool happened = back == 1 && !yesterday_;
  if (kept && !happened) return {};
  auto minutes = past.minutes(day.begin, day.until);
  if (!minutes) return tl::unexpected(minutes.error());
  day.minutes = *std::move(minutes);
  if (happened)
    yesterday_ = PastDay{day.begin, day.until, {}, slots_of(day.minutes, day.begin, day.until)};
  if (kept) return {};
  const auto savings = savings_of(now, date, day);
  if (back == 0) {
    today_ = savings;
    return {};
  }
  seen_.insert(text);
  if (savings.minutes > (before == days_.end() ? 0 : before->second.minutes)) {
    days_[text] = savings;
    changed_ = true;
  }
  return {};
}

DaySavings SavingsRecord::savings_of(const Now& now, local_days day, const Day& read) const {
  const auto& settings = now.input.settings;
  const auto prices =
      forecast(settings, Mode::balance, clock_, read.begin, read.until, true, {}, now.input.told);
  const auto known = measured(read.minutes, prices, settings.solar_metered, now.battery.capacity);
  const Soc reserve =
      std::max(settings.soc_floor, now.input.orders.reserve.value_or(settings.reserve));
  std::optional<control::ModelledCharge> before;
  if (const auto found = days_.find(date_text(day - std::chrono::days{1})); found != days_.end())
    before = found->second.end;
  const auto costs =
      control::compare_costs(known, now.battery, now.battery.capacity * reserve.ratio(), before);
  const auto money = now.paid.find(date_text(day));
  auto savings =
      day_savings(costs, static_cast<int>((read.until - read.begin) / std::chrono::minutes{1}),
                  money == now.paid.end() ? std::nullopt : std::optional{money->second},
                  now.battery.charge_efficiency, serves_all(settings));
  savings.currency = settings.tariff.currency;
  return savings;
}

void SavingsRecord::forget_today() {
  today_.reset();
  savings_.today.reset();
  yesterday_.reset();
}

void SavingsRecord::show(local_days today) {
  DaysSavings all = days_;
  if (today_) all[date_text(today)] = *today_;
  const std::chrono::year_month_day date{today};
  const auto since = [&](std::chrono::month month, std::chrono::day day) {
    return sum_of(all, local_days{date.year() / month / day}, today, tariff_.currency);
  };
  if (today_) savings_.today = since(date.month(), date.day());
  savings_.month = since(date.month(), std::chrono::day{1});
  savings_.year = since(std::chrono::January, std::chrono::day{1});
}

}  // namespace esshub::service
