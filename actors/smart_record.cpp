#include "actors/smart_record.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "control/plan/arms.hpp"
#include "service/forecast.hpp"
#include "service/planner.hpp"

namespace esshub::actors {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::minutes;

constexpr auto slot = minutes{15};
constexpr double hardly_anything = 0.05 * 3.6e6;  // J

/// Paid less earned; nothing where some was imported at no known price, or no price was known.
std::optional<double> paid(const publish::DayRow& day) {
  if (!day.import_cost && !day.export_income) return std::nullopt;
  if (day.import_unpriced_j > hardly_anything) return std::nullopt;
  return day.import_cost.value_or(0.0) - day.export_income.value_or(0.0);
}

class Mean {
 public:
  void add(std::optional<double> value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  [[nodiscard]] std::optional<double> value() const {
    return count_ == 0 ? std::nullopt : std::optional{sum_ / count_};
  }

 private:
  double sum_ = 0.0;
  int count_ = 0;
};

std::vector<HappenedSlot> slots_of(const std::vector<publish::MinuteRow>& rows, WallTime begin,
                                   WallTime end) {
  std::vector<HappenedSlot> slots;
  auto row = rows.begin();
  for (WallTime at = begin; at < end; at += slot) {
    Mean soc, battery, grid;
    for (; row != rows.end() && row->begin < at + slot; ++row) {
      soc.add(row->soc);
      battery.add(row->battery_w);
      grid.add(row->grid_w);
    }
    slots.push_back({at, soc.value(), battery.value(), grid.value()});
  }
  return slots;
}

}  // namespace

SmartRecord::SmartRecord(SmartRecordDeps deps)
    : deps_(std::move(deps)), sinks_({}, deps_.events), clock_(deps_.zone) {
  if (deps_.state_dir.empty()) return;
  savings_file_.disk.emplace(deps_.state_dir + "/savings.json");
  plans_file_.disk.emplace(deps_.state_dir + "/smart_plan.json");
}

void SmartRecord::restore(WallTime now) {
  if (std::exchange(restored_, true)) return;
  const auto read = [&](Kept& kept, auto decode) {
    std::optional<typename decltype(decode(""))::value_type> value;
    const Result<std::optional<std::string>> text = kept.disk ? kept.disk->read() : std::nullopt;
    if (text && !*text) return value;
    if (!text && text.error().kind == ErrorKind::refused) {
      // Another user's: it may be whole, so it stays, and this run keeps nothing on the disk.
      log(Level::warning, "not_restored", "reason=" + log_quoted(text.error().detail));
      kept.disk.reset();
      return value;
    }
    auto found = text ? decode(**text) : tl::unexpected<Error>(text.error());
    if (found) return std::optional{*std::move(found)};
    const auto moved_to = kept.disk->quarantine(now);
    log(Level::warning, "not_restored",
        "reason=" + log_quoted(found.error().detail) +
            (moved_to ? " kept_as=" + log_quoted(*moved_to) : ""));
    return value;
  };
  days_ = read(savings_file_, &service::decode_savings).value_or(days_);
  auto plans = read(plans_file_, &service::PlanLog::decode).value_or(service::PlanLog{});
  const std::lock_guard lock(mutex_);
  plans_ = std::move(plans);
}

void SmartRecord::look(const RecordInput& input) {
  try {
    keep(input);
  } catch (const std::exception& e) {
    log(Level::warning, "failed", "exception=" + log_quoted(e.what()));
  }
}

void SmartRecord::hold(const RecordInput& input) {
  const auto made = input.plan ? std::optional{input.plan->made} : std::nullopt;
  const bool taken = std::exchange(held_, made) == made;
  const std::lock_guard lock(mutex_);
  if (!made) {
    if (plans_.end(input.view.wall)) plans_file_.waits = true;
  } else if (!taken) {
    plans_.take(*input.plan);
    plans_file_.waits = true;
  }
}

void SmartRecord::keep(const RecordInput& input) {
  const View& view = input.view;
  if (!view.local.trusted) {
    forget_today();
    looked_at_.reset();
    return;
  }
  restore(view.wall);
  hold(input);
  const Now now{view, input.in_force, *input.told,
                std::chrono::floor<days>(clock_.local(view.wall))};
  const auto& tariff = input.in_force.settings.tariff;
  const bool other_day = std::exchange(shown_on_, now.today) != now.today;
  if (std::exchange(tariff_, tariff) != tariff || other_day) seen_.clear();
  if (other_day) {
    forget_today();
    show(now.today);
  }
  if (!looked_at_ || now.today != looked_on_ ||
      view.now - *looked_at_ >= (read_all_ ? look_period : again)) {
    looked_at_ = view.now;
    looked_on_ = now.today;
    read_all_ = reckon(now);
  }
  write(savings_file_, view.now, [&] { return encode(days_); });
  write(plans_file_, view.now, [&] { return plans_.encode(); });
}

/// Whether it is known as far as it can be.
bool SmartRecord::reckon(const Now& known) {
  Now now = known;
  const auto battery = service::battery_of(now.view, now.in_force.settings);
  if (!deps_.history || !battery) return false;
  now.battery = *battery;
  const auto rows = deps_.history->days(days_back + 2);
  if (!rows) {
    not_read(rows.error());
    return false;
  }
  for (const auto& row : *rows)
    if (const auto money = paid(row)) now.paid[row.date] = *money;
  // A clock that was ahead took today for a day that is over. Were it far behind now, what is later
  // than it could have taken is not its to forget.
  days_.erase(days_.lower_bound(service::date_text(now.today)),
              days_.lower_bound(service::date_text(now.today + days{days_back + 1})));
  const local_days yesterday = now.today - days{1};
  for (int back = days_back; back >= 0; --back) {
    const local_days day = now.today - days{back};
    const auto date = service::date_text(day);
    const auto before = days_.find(date);
    const bool whole = before != days_.end() && before->second.whole();
    const bool kept = back > 0 && (whole || seen_.contains(date));
    const auto begin = service::day_begin(deps_.zone, day);
    const bool happened = day == yesterday && !(past_ && past_->begin == begin);
    if (kept && !happened) continue;
    const auto day_read = read(now, day);
    if (!day_read) return false;
    if (happened) {
      const std::lock_guard lock(mutex_);
      past_ =
          PastDay{begin, day_read->until, {}, slots_of(day_read->minutes, begin, day_read->until)};
    }
    if (kept) continue;
    const auto savings = savings_of(now, day, *day_read);
    if (back == 0) {
      today_ = savings;
      continue;
    }
    seen_.insert(date);
    if (savings.minutes > (before == days_.end() ? 0 : before->second.minutes)) {
      days_[date] = savings;
      savings_file_.waits = true;
    }
  }
  told_unread_ = false;
  show(now.today);
  return true;
}

std::optional<SmartRecord::Day> SmartRecord::read(const Now& now, local_days day) {
  Day result{.begin = service::day_begin(deps_.zone, day),
             .until = std::min<WallTime>(service::day_begin(deps_.zone, day + days{1}),
                                         std::chrono::floor<minutes>(now.view.wall))};
  auto rows = deps_.history->minutes(result.begin, result.until);
  if (!rows) {
    not_read(rows.error());
    return std::nullopt;
  }
  result.minutes = *std::move(rows);
  return result;
}

service::DaySavings SmartRecord::savings_of(const Now& now, local_days day, const Day& read) const {
  const auto& settings = now.in_force.settings;
  const auto prices = service::forecast(settings, Mode::balance, civil_time::LocalClock{deps_.zone},
                                        read.begin, read.until, true, {}, now.told);
  std::vector<service::KeptMinute> kept;
  kept.reserve(read.minutes.size());
  for (const auto& row : read.minutes)
    kept.push_back({row.begin, row.house_w, row.solar_w, row.battery_w, row.soc});
  const auto measured =
      service::measured(kept, prices, settings.solar_metered, now.battery.capacity);
  const Soc reserve =
      std::max(settings.soc_floor, now.in_force.orders.reserve.value_or(settings.reserve));
  std::optional<control::ArmsEnd> before;
  if (const auto found = days_.find(service::date_text(day - days{1})); found != days_.end())
    before = found->second.end;
  const auto arms =
      control::compare_arms(measured, now.battery, now.battery.capacity * reserve.ratio(), before);
  const auto money = now.paid.find(service::date_text(day));
  auto savings =
      service::day_savings(arms, static_cast<int>((read.until - read.begin) / minutes{1}),
                           money == now.paid.end() ? std::nullopt : std::optional{money->second},
                           now.battery.charge_efficiency, service::serves_all(settings));
  savings.currency = settings.tariff.currency;
  return savings;
}

/// What is known of today and yesterday is of other days now, or nobody knows.
void SmartRecord::forget_today() {
  today_.reset();
  const std::lock_guard lock(mutex_);
  savings_.today.reset();
  past_.reset();
}

void SmartRecord::show(local_days today) {
  service::DaysSavings all = days_;
  if (today_) all[service::date_text(today)] = *today_;
  const std::chrono::year_month_day date{today};
  const auto since = [&](std::chrono::month month, std::chrono::day day) {
    return service::sum_of(all, local_days{date.year() / month / day}, today, tariff_.currency);
  };
  const std::lock_guard lock(mutex_);
  if (today_) savings_.today = since(date.month(), date.day());
  savings_.month = since(date.month(), std::chrono::day{1});
  savings_.year = since(std::chrono::January, std::chrono::day{1});
}

void SmartRecord::write(Kept& kept, Instant now, const std::function<std::string()>& text) {
  if (!kept.waits || !kept.disk || (kept.failed_at && now - *kept.failed_at < again)) return;
  const auto done = kept.disk->replace(text());
  kept.waits = !done;
  const bool failed_before = kept.failed_at.has_value();
  kept.failed_at = done ? std::nullopt : std::optional{now};
  if (!done && !failed_before)
    log(Level::warning, "not_kept", "reason=" + log_quoted(done.error().detail));
  if (done.has_value() == failed_before)
    deps_.storage_failed(savings_file_.failed_at || plans_file_.failed_at);
}

void SmartRecord::not_read(const Error& error) {
  if (!std::exchange(told_unread_, true))
    log(Level::warning, "history_not_read", "reason=" + log_quoted(error.detail));
}

SavingsState SmartRecord::savings() const {
  const std::lock_guard lock(mutex_);
  return savings_;
}

std::optional<PastDay> SmartRecord::yesterday() const {
  const std::lock_guard lock(mutex_);
  auto day = past_;
  if (day) day->planned = plans_.within(day->begin, day->end);
  return day;
}

void SmartRecord::log(Level level, std::string event, std::string detail) {
  sinks_.event("smart_record", {level, std::move(event), std::move(detail)});
}

}  // namespace esshub::actors
