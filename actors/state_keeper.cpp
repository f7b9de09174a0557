#include "actors/state_keeper.hpp"

#include <utility>

#include "publish/threads/thread_name.hpp"

namespace esshub::actors {

StateKeeper::StateKeeper(const KeeperDeps& deps)
    : disk_(deps.file),
      file_(disk_, deps.events, deps.failed),
      retry_(deps.retry),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

StateKeeper::~StateKeeper() {
  thread_.request_stop();
  thread_.join();
  if (waiting_) static_cast<void>(file_.store(*waiting_));
}

/// What lies in the way is moved as soon as the disk allows, not only when there is news to keep.
std::optional<service::SavedState> StateKeeper::load(WallTime now) {
  auto saved = file_.load(now);
  if (file_.failing()) keep({.saved_at = now});
  return saved;
}

void StateKeeper::keep(const service::SavedState& state) {
  {
    const std::lock_guard lock(mutex_);
    waiting_ = state;
  }
  changed_.notify_all();
}

void StateKeeper::work(const std::stop_token& stop) {
  publish::name_thread("state");
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return waiting_.has_value(); })) return;
    const service::SavedState state = *std::exchange(waiting_, {});
    lock.unlock();
    const bool stored = file_.store(state);
    lock.lock();
    if (!stored && !waiting_) waiting_ = state;
    // Orders in quick succession become one write; after a failure the disk gets some rest.
    const Duration rest = stored ? Duration{200ms} : retry_;
    changed_.wait_for(lock, stop, rest, [] { return false; });
  }
}

}  // namespace esshub::actors
