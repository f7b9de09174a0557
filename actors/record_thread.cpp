#include "actors/record_thread.hpp"

#include <utility>

#include "publish/threads/latest_view.hpp"

namespace esshub::actors {
namespace {

constexpr Duration longest_wait = 10s;
constexpr Duration leave = 500ms;

}  // namespace

/// Lives as long as its thread, which may be longer than its RecordThread.
struct RecordThread::Shared {
  explicit Shared(std::shared_ptr<SmartRecord> given) : record(std::move(given)) {}

  void run() {
    while (!inputs.stopping()) {
      inputs.wait(longest_wait);
      if (const auto input = inputs.take()) record->look(*input);
    }
  }

  const std::shared_ptr<SmartRecord> record;
  publish::Latest<RecordInput> inputs;
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
  shared_->inputs.put(input);
}

void RecordThread::close() {
  shared_->inputs.stop();
  shared_->record->close();
  static_cast<void>(thread_->wait(leave));
}

}  // namespace esshub::actors
