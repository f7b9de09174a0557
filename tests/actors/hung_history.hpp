// A history that answers nothing before it is told to, then that it cannot.
#pragma once

#include <future>
#include <vector>

#include "publish/history/history.hpp"

namespace esshub::actors {

class HungHistory final : public publish::HistoryReader {
 public:
  Result<std::vector<publish::MinuteRow>> minutes(WallTime, WallTime) override { return {}; }
  Result<std::vector<publish::DayRow>> days(unsigned) override {
    hangs.set_value();
    let_go.get_future().wait();
    return fail(ErrorKind::io, "no disk");
  }
  Result<std::vector<publish::HistoryEvent>> events(WallTime, WallTime, unsigned) override {
    return {};
  }
  std::promise<void> hangs;
  std::promise<void> let_go;
};

}  // namespace esshub::actors
