#include "actors/smart_record.hpp"

#include <exception>
#include <utility>

namespace esshub::actors {
namespace {

/// The history as the savings take it.
class Past final : public service::PastReader {
 public:
  explicit Past(publish::HistoryReader& history) : history_(history) {}
  Result<std::vector<Minute>> minutes(WallTime from, WallTime until) override {
    return history_.minutes(from, until);
  }
  Result<std::vector<service::KeptDay>> days(unsigned count) override {
    const auto rows = history_.days(count);
    if (!rows) return tl::unexpected(rows.error());
    std::vector<service::KeptDay> days;
    for (const auto& row : *rows)
      days.push_back({row.date, row.import_cost, row.export_income, row.energies[Flow::grid_import],
                      row.import_unpriced_j});
    return days;
  }

 private:
  publish::HistoryReader& history_;
};

}  // namespace

SmartRecord::SmartRecord(SmartRecordDeps deps)
    : deps_(std::move(deps)), sinks_({}, deps_.events), record_(deps_.zone) {
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
  record_.restore(read(savings_file_, &service::decode_savings).value_or(service::DaysSavings{}));
  auto plans = read(plans_file_, &service::PlanLog::decode).value_or(service::PlanLog{});
  const std::lock_guard lock(mutex_);
  plans_ = std::move(plans);
}

/// What lasts is told once.
void SmartRecord::look(const RecordInput& input) {
  try {
    keep(input);
    failure_.clear();
  } catch (const std::exception& e) {
    const std::string what = e.what();
    if (std::exchange(failure_, what) != what)
      log(Level::warning, "failed", "exception=" + log_quoted(what));
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
  if (view.local.trusted) {
    restore(view.wall);
    hold(input);
  }
  const service::SavingsRecord::Input about{view, input.in_force.settings, input.in_force.orders,
                                            *input.told};
  const bool due = record_.note(about);
  show();
  if (due && deps_.history) look_back(about);
  if (record_.changed()) savings_file_.waits = true;
  if (!view.local.trusted) return;
  write(savings_file_, view.now, [&] { return encode(record_.days()); });
  write(plans_file_, view.now, [&] { return plans_.encode(); });
}

void SmartRecord::look_back(const service::SavingsRecord::Input& about) {
  Past past{*deps_.history};
  const auto looked = record_.look(about, past);
  show();
  if (!looked)
    not_read(looked.error());
  else if (*looked)
    told_unread_ = false;
}

void SmartRecord::show() {
  const std::lock_guard lock(mutex_);
  savings_ = record_.savings();
  past_ = record_.yesterday();
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
