// RecordThread: keeps a SmartRecord on a thread of low priority.
#pragma once

#include <memory>

#include "actors/smart_record.hpp"
#include "publish/threads/detachable_thread.hpp"

namespace esshub::actors {

/// A disk that hangs holds this thread and nobody else; what was put last waits for it.
class RecordThread {
 public:
  explicit RecordThread(std::shared_ptr<SmartRecord> record);
  ~RecordThread();
  RecordThread(const RecordThread&) = delete;
  RecordThread& operator=(const RecordThread&) = delete;

  /// Takes the place of what nobody has looked at yet; returns at once. For any thread.
  void put(const RecordInput& input);
  /// Waits for the thread 0.5 s at most. It tells nothing any more.
  void close();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< with its thread, which may outlive us on a hung disk
  std::unique_ptr<publish::DetachableThread> thread_;
};

}  // namespace esshub::actors
