#include "actors/control_proxy.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <utility>

namespace esshub::actors {

void ControlProxy::attach(caf::actor control) {
  const std::lock_guard lock(mutex_);
  control_ = std::move(control);
  if (!control_) return;
  if (settings_) caf::anon_send(control_, settings_);
  if (orders_) caf::anon_send(control_, *orders_);
  for (const auto& note : notes_) caf::anon_send(control_, note);
}

void ControlProxy::send(const Orders& orders) {
  const std::lock_guard lock(mutex_);
  orders_ = orders;
  if (control_) caf::anon_send(control_, orders);
}

void ControlProxy::send(SettingsPtr settings) {
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
  if (control_) caf::anon_send(control_, settings_);
}

void ControlProxy::send(const FaultNote& note) {
  const std::lock_guard lock(mutex_);
  const auto same = std::find_if(notes_.begin(), notes_.end(), [&](const FaultNote& other) {
    return other.by == note.by && other.fault == note.fault;
  });
  if (same == notes_.end())
    notes_.push_back(note);
  else
    *same = note;
  if (control_) caf::anon_send(control_, note);
}

void ControlProxy::stop(const caf::actor& reply_to) {
  const std::lock_guard lock(mutex_);
  if (control_) caf::anon_send(control_, StopControl{reply_to});
}

}  // namespace esshub::actors
