#include "publish/threads/detachable_thread.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "model/units.hpp"
#include "publish/threads/thread_name.hpp"

namespace esshub::publish {

DetachableThread::DetachableThread(const std::string& name, std::function<void()> work) {
  constexpr int nicer = 10;
  std::packaged_task<void()> task{[name, work = std::move(work)] {
    name_thread(name);
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nicer);
    work();
  }};
  ended_ = task.get_future();
  std::thread{std::move(task)}.detach();
}

Duration Backoff::next() {
  thread_local std::minstd_rand dice{std::random_device{}()};
  const double by_chance = std::uniform_real_distribution{0.8, 1.2}(dice);
  const auto pause = as_duration(Seconds(next_) * by_chance);
  next_ = std::min(2 * next_, longest);
  return pause;
}

}  // namespace esshub::publish
