#include "actors/state_keeper.hpp"

#include <utility>

namespace esshub::actors {

StateKeeper::StateKeeper(KeeperParts parts)
    : parts_(std::move(parts)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

StateKeeper::~StateKeeper() {
  thread_.request_stop();
  thread_.join();
  if (waiting_) store(*waiting_);
}

std::optional<SavedState> StateKeeper::load(WallTime now) {
  const std::lock_guard lock(mutex_);
  auto text = read_file(parts_.file);
  if (text && !*text) return std::nullopt;
  auto state = text ? decode_state(**text) : tl::unexpected<Error>(text.error());
  if (state) return *state;
  const auto aside = quarantine(parts_.file, now);
  tell(Level::error, "state_damaged",
       "reason=\"" + state.error().detail + "\"" +
           (aside ? " kept_as=\"" + aside->string() + "\"" : ""));
  if (!aside) {
    frozen_ = true;
    tell_failed(aside.error().detail);
  }
  return std::nullopt;
}

void StateKeeper::keep(const SavedState& state) {
  {
    const std::lock_guard lock(mutex_);
    if (frozen_) return;
    waiting_ = state;
  }
  changed_.notify_all();
}

void StateKeeper::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return waiting_.has_value(); })) return;
    const SavedState state = *std::exchange(waiting_, {});
    lock.unlock();
    const bool stored = store(state);
    lock.lock();
    if (!stored && !waiting_) waiting_ = state;
    // Orders in quick succession become one write; after a failure the disk gets some rest.
    const Duration rest = stored ? Duration{200ms} : parts_.retry;
    changed_.wait_for(lock, stop, rest, [] { return false; });
  }
}

bool StateKeeper::store(const SavedState& state) {
  if (const auto written = write_atomically(parts_.file, encode(state)); !written) {
    tell_failed(written.error().detail);
    return false;
  }
  if (std::exchange(failing_, false)) {
    tell(Level::notice, "state_stored", "");
    parts_.failed(false);
  }
  return true;
}

void StateKeeper::tell_failed(const std::string& reason) {
  if (std::exchange(failing_, true)) return;
  tell(Level::warning, "state_not_stored", "reason=\"" + reason + "\"");
  parts_.failed(true);
}

void StateKeeper::tell(Level level, std::string event, std::string detail) {
  parts_.events("state", {level, std::move(event), std::move(detail)});
}

}  // namespace esshub::actors
