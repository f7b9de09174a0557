#include "app/backup/progress.hpp"

#include <chrono>
#include <ostream>

namespace esshub::app {

publish::CopyProgress tell_progress(std::ostream& err, Duration every) {
  using std::chrono::steady_clock;
  return [&err, every, told = steady_clock::now()](std::uint64_t done, std::uint64_t all) mutable {
    if (all == 0 || steady_clock::now() - told < every) return;
    told = steady_clock::now();
    err << "history: " << done * 100 / all << " %\n" << std::flush;
  };
}

}  // namespace esshub::app
