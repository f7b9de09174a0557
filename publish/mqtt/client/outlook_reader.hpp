// OutlookReader: asks for the outlook from a thread of its own, because the disk may hang.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "publish/mqtt/outlook.hpp"

namespace esshub::publish {

class OutlookReader {
 public:
  static constexpr Duration period = 1min;

  /// Without a source there is never an outlook.
  explicit OutlookReader(OutlookSource source);
  ~OutlookReader();
  OutlookReader(const OutlookReader&) = delete;
  OutlookReader& operator=(const OutlookReader&) = delete;

  /// Asks as of this View when it is time: once a period, and at once on another day.
  void update(const View& view);
  /// The newest answer, once. Never waits.
  [[nodiscard]] std::optional<Outlook> take();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<class DetachableThread> thread_;
  std::optional<Instant> asked_at_;
  std::string asked_for_;  ///< date
};

}  // namespace esshub::publish
