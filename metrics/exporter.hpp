// View -> the text of a scrape; what is in it stands in sections.hpp and its files.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "model/view.hpp"

namespace esshub::metrics {

class Exporter {
 public:
  static constexpr Duration period = 500ms;  ///< of the Views it is given

  explicit Exporter(std::string version) : version_(std::move(version)) {}

  /// Takes over the newest View; thread-safe against page().
  void update(const View& view);
  /// Prometheus's text format 0.0.4, made at this moment: ages go on growing between Views, and
  /// what is too old by then is left out.
  [[nodiscard]] std::string page() const;

 private:
  [[nodiscard]] std::shared_ptr<const View> newest() const;

  std::string version_;
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;
};

}  // namespace esshub::metrics
