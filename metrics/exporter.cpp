#include "metrics/exporter.hpp"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

/// Renders the newest View at the moment of the scrape: ages go on growing between Views, and what
/// is too old by then is left out.
class Collector final : public prometheus::Collectable {
 public:
  explicit Collector(std::string version) : version_(std::move(version)) {}

  void update(const View& view) {
    auto newest = std::make_shared<const View>(view);
    const std::lock_guard lock(mutex_);
    view_ = std::move(newest);
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    const auto view = newest();
    Page page;
    page.gauge("esshub_build_info", "Always 1; the version is the label.");
    page.add({{"version", version_}}, 1.0);
    if (view) {
      add_view(page, *view, std::chrono::steady_clock::now());
    } else {
      add_faults(page, {});  // nothing has been raised yet, and increase() needs the start
    }
    return std::move(page).finish();
  }

 private:
  [[nodiscard]] std::shared_ptr<const View> newest() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

  std::string version_;
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;
};

class HttpExporter final : public Exporter {
 public:
  HttpExporter(const std::string& address, std::string version)
      : collector_(std::make_shared<Collector>(std::move(version))),
        exposer_(std::in_place, address) {
    exposer_->RegisterCollectable(collector_);
  }
  void update(const View& view) override { collector_->update(view); }
  void close() override { exposer_.reset(); }

 private:
  std::shared_ptr<Collector> collector_;
  std::optional<prometheus::Exposer> exposer_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> Exporter::listen(const std::string& address,
                                                   const std::string& version) {
  try {
    return std::make_unique<HttpExporter>(address, version);
  } catch (const std::exception& e) {
    return fail(ErrorKind::io, "metrics: cannot listen on " + address +
                                   " (taken by another program?): " + e.what());
  }
}

}  // namespace esshub::metrics
