#include "actors/record_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace esshub::actors {
namespace {

constexpr Duration leave = 500ms;

}  // namespace

/// Lives as long as its thread, which may be longer than its RecordThread.
struct RecordThread::Shared {
  explicit Shared(std::shared_ptr<SmartRecord> given) : record(std::move(given)) {}

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (const auto input = std::exchange(newest, {})) {
        lock.unlock();
        record->look(*input);
        lock.lock();
      } else {
        changed.wait(lock);
      }
    }
  }

  const std::shared_ptr<SmartRecord> record;
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::optional<RecordInput> newest;
  bool stopping = false;
};

RecordThread::RecordThread(std::shared_ptr<SmartRecord> record)
    : shared_(std::make_shared<Shared>(std::move(record))) {
  thread_ =
      std::make_unique<publish::DetachableThread>("record", [shared = shared_] { shared->run(); });
}

RecordThread::~RecordThread() {
  close();
}

void RecordThread::put(const RecordInput& input) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->newest = input;
  }
  shared_->changed.notify_all();
}

void RecordThread::close() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_all();
  shared_->record->close();
  static_cast<void>(thread_->wait(leave));
}

}  // namespace esshub::actors
