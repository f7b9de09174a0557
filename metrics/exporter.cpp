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
  page.add({{"version", deps_.version}}, 1.0);
  page.gauge("esshub_site_info",
             "Always 1; the labels are the site's name, its portal id in MQTT and on D-Bus, and "
             "the version.");
  page.add({{"site", deps_.site}, {"portal_id", deps_.portal_id}, {"version", deps_.version}}, 1.0);
  page.gauge("esshub_config_warnings",
             "Warnings of the configuration file taken last, and files that it names and that "
             "cannot be read: `esshub status` names them.");
  if (deps_.config_warnings) page.add({}, static_cast<double>(deps_.config_warnings()));
  page.gauge("esshub_certificate_expiry_timestamp_seconds",
             "Until when the certificate is valid that the page serves, in seconds since 1970. "
             "Absent where it serves none.");
  if (const auto end = deps_.certificate_end ? deps_.certificate_end() : std::nullopt)
    page.add({}, unix_seconds(*end));
  if (view) {
    add_view(page, *view, std::chrono::steady_clock::now());
    if (deps_.smart) add_smart(page, *view, deps_.smart());
    if (deps_.feeds) add_feeds(page, *view, deps_.feeds());
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
