// StateWriter: the thread that writes the state file, in virtual time (as actors/state_keeper).
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "service/state_file.hpp"

namespace esshub::sim::storm {

class StateWriter {
 public:
  explicit StateWriter(service::StateFile& file) : file_(file) {}

  void keep(const service::SavedState& state, Instant now) {
    if (!waiting_) begins_at_ = std::max(rests_until_, now);
    waiting_ = state;
  }
  [[nodiscard]] std::optional<Instant> due() const {
    return waiting_ ? std::optional{begins_at_ + slowness_} : std::nullopt;
  }
  /// True: it was written or failed; `stored` says which.
  [[nodiscard]] std::optional<bool> work(Instant now) {
    if (!waiting_ || now < *due()) return std::nullopt;
    const bool stored = file_.store(*waiting_);
    rests_until_ = now + (stored ? Duration{200ms} : Duration{30s});
    if (stored)
      waiting_.reset();
    else
      begins_at_ = rests_until_;
    return stored;
  }
  /// At an orderly stop: what waits is written, once.
  void close() {
    if (const auto state = std::exchange(waiting_, {})) static_cast<void>(file_.store(*state));
  }
  void set_slowness(Duration each) { slowness_ = each; }

 private:
  service::StateFile& file_;
  std::optional<service::SavedState> waiting_;
  Instant begins_at_{};
  Instant rests_until_{};
  Duration slowness_{};
};

}  // namespace esshub::sim::storm
