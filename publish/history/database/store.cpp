#include "publish/history/database/store.hpp"

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include "esshub_version.hpp"
#include "publish/threads/thread_name.hpp"

namespace esshub::publish {

HistoryStore::HistoryStore(HistorySettings settings, EventSink events, FailedSink failed)
    : writer_(std::make_shared<HistoryWriter>(std::move(settings), std::move(events),
                                              std::move(failed))) {
  writer_->note("system", "started", "version=" ESSHUB_VERSION);
  std::thread([writer = writer_] {
    name_thread("history");
    writer->work();
  }).detach();
}

HistoryStore::~HistoryStore() {
  close();
}

void HistoryStore::close() {
  writer_->note("system", "stopped", "");
  writer_->end();
}

EnergyTotals HistoryStore::totals() const {
  return writer_->totals();
}
EnergyTotals HistoryStore::shown(const EnergyTotals& flowed) {
  return writer_->shown(flowed);
}
void HistoryStore::update(const View& view) {
  writer_->update(view);
}
void HistoryStore::note(std::string kind, std::string name, std::string detail) {
  writer_->note(std::move(kind), std::move(name), std::move(detail));
}
bool HistoryStore::flush() {
  return writer_->flush();
}
std::uint64_t HistoryStore::dropped() const {
  return writer_->dropped();
}

Result<std::vector<MinuteRow>> HistoryStore::minutes(WallTime from, WallTime until) {
  using Rows = std::vector<MinuteRow>;
  return writer_->ask<Rows>([&](HistoryFile& file) { return file.minutes(from, until); },
                            [&](Rows& rows, const HistoryBatch& waiting) {
                              for (const auto& row : waiting.minutes)
                                if (row.begin >= from && row.begin < until) rows.push_back(row);
                            });
}

Result<std::vector<DayRow>> HistoryStore::days(unsigned count) {
  using Rows = std::vector<DayRow>;
  return writer_->ask<Rows>([&](HistoryFile& file) { return file.days(count); },
                            [&](Rows& rows, const HistoryBatch& waiting) {
                              for (const auto& [date, more] : waiting.days) {
                                auto day = std::ranges::lower_bound(rows, date, {}, &DayRow::date);
                                if (day != rows.end() && day->date == date)
                                  add(*day, more);
                                else
                                  rows.insert(day, more);
                              }
                              if (rows.size() > count)
                                rows.erase(rows.begin(),
                                           rows.end() - static_cast<std::ptrdiff_t>(count));
                            });
}

Result<std::vector<HistoryEvent>> HistoryStore::events(WallTime from, WallTime until,
                                                       unsigned most) {
  using Rows = std::vector<HistoryEvent>;
  return writer_->ask<Rows>([&](HistoryFile& file) { return file.events(from, until, most); },
                            [&](Rows& rows, const HistoryBatch& waiting) {
                              for (const auto& event : waiting.events)
                                if (event.at >= from && event.at < until) rows.push_back(event);
                              std::ranges::stable_sort(rows, std::greater{}, &HistoryEvent::at);
                              if (rows.size() > most) rows.resize(most);
                            });
}

}  // namespace esshub::publish
