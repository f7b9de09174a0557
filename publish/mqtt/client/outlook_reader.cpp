#include "publish/mqtt/client/outlook_reader.hpp"

#include <exception>
#include <mutex>
#include <utility>

#include "publish/history/collector.hpp"
#include "publish/threads/detachable_thread.hpp"
#include "publish/threads/latest_view.hpp"

namespace esshub::publish {

/// Lives as long as its thread, which may be longer than its OutlookReader.
struct OutlookReader::Shared {
  explicit Shared(OutlookSource asked) : source(std::move(asked)) {}

  void run() {
    constexpr Duration longest_wait = 1min;
    while (!slot.stopping()) {
      slot.wait(longest_wait);
      const auto view = slot.take();
      if (!view) continue;
      try {
        auto outlook = source(*view);
        const std::lock_guard lock(mutex);
        answer = std::move(outlook);
      } catch (const std::exception&) {
        continue;  // what was known grows old; it is asked again in a minute
      }
    }
  }

  const OutlookSource source;
  LatestView slot;
  std::mutex mutex;  // guards answer
  std::optional<Outlook> answer;
};

OutlookReader::OutlookReader(OutlookSource source)
    : shared_(std::make_shared<Shared>(std::move(source))) {
  if (shared_->source)
    thread_ = std::make_unique<DetachableThread>("outlook", [shared = shared_] { shared->run(); });
}

OutlookReader::~OutlookReader() {
  shared_->slot.stop();
}

void OutlookReader::update(const View& view) {
  if (!thread_) return;
  // The clock that becomes trusted is another day as well.
  const auto date = view.local.trusted ? local_date(view) : std::string{};
  if (asked_at_ && view.now - *asked_at_ < period && date == asked_for_) return;
  asked_at_ = view.now;
  asked_for_ = date;
  shared_->slot.put(view);
}

std::optional<Outlook> OutlookReader::take() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->answer, std::nullopt);
}

}  // namespace esshub::publish
