// SampleQueue: the bounded way of Samples from one bus to the control; the one use of moodycamel.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#ifdef ESSHUB_LOCKED_QUEUE
#include <deque>
#include <mutex>
#else
#include <concurrentqueue.h>
#endif

#include "model/sample.hpp"

namespace esshub::actors {

static_assert(std::is_trivially_copyable_v<Sample>);

/// One producer (its bus actor, on whatever thread), one consumer (the control). Neither ever waits
/// nor allocates; what finds no room is dropped and counted. Order is kept. One queue per bus: a
/// second producer on a bounded queue can starve for ever.
class SampleQueue {
 public:
  /// Takes at least `capacity` samples; the exact bound is rounded up.
  explicit SampleQueue(std::size_t capacity = 1024)
#ifdef ESSHUB_LOCKED_QUEUE
      : capacity_(capacity){}
#else
      : queue_(capacity, 1, 0), token_(queue_) {
  }
#endif

        /// False: full, the sample is dropped.
        bool push(const Sample& sample) {
    if (try_push(sample)) return true;
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  /// False: empty.
  bool pop(Sample& sample);

  /// Samples dropped so far, any thread.
  [[nodiscard]] std::uint64_t dropped() const {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  bool try_push(const Sample& sample);

  std::atomic<std::uint64_t> dropped_{0};
#ifdef ESSHUB_LOCKED_QUEUE
  // ThreadSanitizer does not model the fences of the lock-free queue; this one it can follow.
  std::size_t capacity_;
  std::mutex mutex_;
  std::deque<Sample> queue_;
#else
  moodycamel::ConcurrentQueue<Sample> queue_;
  moodycamel::ProducerToken token_;
#endif
};

#ifdef ESSHUB_LOCKED_QUEUE
inline bool SampleQueue::try_push(const Sample& sample) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= capacity_) return false;
  queue_.push_back(sample);
  return true;
}
inline bool SampleQueue::pop(Sample& sample) {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return false;
  sample = queue_.front();
  queue_.pop_front();
  return true;
}
#else
inline bool SampleQueue::try_push(const Sample& sample) {
  return queue_.try_enqueue(token_, sample);
}
inline bool SampleQueue::pop(Sample& sample) {
  return queue_.try_dequeue_from_producer(token_, sample);
}
#endif

}  // namespace esshub::actors
