// LatestView: hands the newest View to a thread that may be slow; the giver never waits for it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "model/view.hpp"

namespace esshub::publish {

class LatestView {
 public:
  LatestView();
  ~LatestView();
  LatestView(const LatestView&) = delete;
  LatestView& operator=(const LatestView&) = delete;

  /// Takes the place of a View nobody has fetched.
  void put(const View& view);
  /// Asks the thread to end.
  void stop();

  /// The newest View, once; null when there is no new one. Lets fd() rest.
  [[nodiscard]] std::shared_ptr<const View> take();
  [[nodiscard]] bool stopping() const { return stopping_; }
  /// Readable when there is a View or an end: for poll().
  [[nodiscard]] int fd() const { return fd_; }
  /// Waits for either, at most so long.
  void wait(Duration limit) const;

 private:
  void ring() const;

  int fd_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards view_
  std::shared_ptr<const View> view_;
};

}  // namespace esshub::publish
