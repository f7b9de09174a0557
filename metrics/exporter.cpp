#include "metrics/exporter.hpp"

#include <prometheus/text_serializer.h>

#include <chrono>
#include <utility>

#include "metrics/sections.hpp"

namespace esshub::metrics {

void Exporter::update(const View& view) {
  auto newest = std::make_shared<const View>(view);
  const std::lock_guard lock(mutex_);
  view_ = std::move(newest);
}

std::string Exporter::page() const {
  const auto view = newest();
  Page page;
  page.gauge("esshub_build_info", "Always 1; the version is the label.");
  page.add({{"version", version_}}, 1.0);
  page.gauge("esshub_config_warnings",
             "Warnings of the configuration file taken last, and files that it names and that "
             "cannot be read: `esshub status` names them.");
  if (config_warnings_) page.add({}, static_cast<double>(config_warnings_()));
  if (view) {
    add_view(page, *view, std::chrono::steady_clock::now());
    if (smart_) add_smart(page, *view, smart_());
    if (feeds_) add_feeds(page, *view, feeds_());
  } else {
    add_faults(page, {});  // nothing has been raised yet, and increase() needs the start
  }
  return prometheus::TextSerializer{}.Serialize(std::move(page).finish());
}

std::shared_ptr<const View> Exporter::newest() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

}  // namespace esshub::metrics
