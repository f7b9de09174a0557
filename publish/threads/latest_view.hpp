// Latest: hands the newest value to a thread that may be slow; the giver never waits for it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "model/view.hpp"

namespace esshub::publish {

/// Wakes a thread that waits for it, or that polls its descriptor.
class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  void ring() const;
  /// Lets fd() rest.
  void answer() const;
  /// Readable after a ring.
  [[nodiscard]] int fd() const { return fd_; }
  /// Waits for one, at most so long.
  void wait(Duration limit) const;

 private:
  int fd_;
};

template <class T>
class Latest {
 public:
  /// Takes the place of a value that nobody has fetched.
  void put(const T& value) {
    auto copy = std::make_shared<const T>(value);
    {
      const std::lock_guard lock{mutex_};
      value_.swap(copy);
    }
    bell_.ring();
  }
  /// Asks the thread to end.
  void stop() {
    stopping_ = true;
    bell_.ring();
  }

  /// The newest value, once; null when there is no new one. Lets fd() rest.
  [[nodiscard]] std::shared_ptr<const T> take() {
    bell_.answer();
    const std::lock_guard lock{mutex_};
    return std::exchange(value_, nullptr);
  }
  [[nodiscard]] bool stopping() const { return stopping_; }
  /// Readable when there is a value or an end: for poll().
  [[nodiscard]] int fd() const { return bell_.fd(); }
  /// Waits for either, at most so long.
  void wait(Duration limit) const { bell_.wait(limit); }

 private:
  Doorbell bell_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards value_
  std::shared_ptr<const T> value_;
};

using LatestView = Latest<View>;

}  // namespace esshub::publish
