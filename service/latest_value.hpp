// LatestValue: the newest value from one thread to another; nobody waits, nothing queues.
#pragma once

#include <atomic>

namespace esshub::service {

/// One writer, one reader, on whatever threads; both wait-free. A triple buffer: the writer owns a
/// cell, the reader owns a cell, the third changes hands. A successor may write only after its
/// predecessor has ended, and so with readers.
///
/// Copying T must not throw halfway into something unusable; it allocates only if T does.
template <class T>
class LatestValue {
 public:
  /// Replaces what the reader has not taken yet.
  void publish(const T& value) {
    cells_[written_] = value;
    written_ = middle_.exchange(written_ | fresh, std::memory_order_acq_rel) & cell;
  }

  /// The newest value, valid until the next take(); nullptr: none since the last one.
  [[nodiscard]] const T* take() {
    if ((middle_.load(std::memory_order_relaxed) & fresh) == 0) return nullptr;
    read_ = middle_.exchange(read_, std::memory_order_acq_rel) & cell;
    return &cells_[read_];
  }

 private:
  static constexpr unsigned cell = 3;
  static constexpr unsigned fresh = 4;  ///< the middle cell has not been read

  T cells_[3]{};
  unsigned written_ = 0;  ///< the writer's
  std::atomic<unsigned> middle_{1};
  unsigned read_ = 2;  ///< the reader's
};

}  // namespace esshub::service
