#include "actors/command_door.hpp"

#include <filesystem>
#include <utility>

namespace esshub::actors {

CommandDoor::CommandDoor(const CommandDoorDeps& deps) : now_(deps.now) {
  std::optional<service::SavedState> saved;
  if (!deps.state_dir.empty()) {
    keeper_ = std::make_unique<StateKeeper>(
        KeeperDeps{.file = std::filesystem::path{deps.state_dir} / "state.json",
                   .events = deps.events,
                   .failed = deps.storage_failed});
    saved = keeper_->load(now_().wall);
  }
  service_.emplace(service::CommandService::Deps{.settings = deps.settings,
                                                 .events = deps.events,
                                                 .boot_id = deps.boot_id,
                                                 .send = deps.send,
                                                 .store =
                                                     [this](const service::SavedState& state) {
                                                       if (keeper_) keeper_->keep(state);
                                                     },
                                                 .acknowledged = deps.acknowledged},
                   saved, now_());
}

Result<void> CommandDoor::order(const Command& command, const std::string& who) {
  const std::lock_guard lock(mutex_);
  return service_->order(command, who, now_());
}

void CommandDoor::close() {
  const std::lock_guard lock(mutex_);
  service_->close(now_());
  keeper_.reset();
}

void CommandDoor::set_settings(const control::Settings& settings) {
  const std::lock_guard lock(mutex_);
  service_->set_settings(settings, now_());
}

void CommandDoor::note_full(Instant at) {
  const std::lock_guard lock(mutex_);
  service_->note_full(at, now_());
}

void CommandDoor::note_time(bool clock_trusted) {
  const std::lock_guard lock(mutex_);
  service_->note_time(clock_trusted, now_());
}

service::CommandService::InForce CommandDoor::in_force() {
  const std::lock_guard lock(mutex_);
  return service_->in_force();
}

std::vector<OrderLimit> CommandDoor::limits() {
  const std::lock_guard lock(mutex_);
  return service_->limits(now_());
}

void CommandDoor::note_safety(const SafetyMemory& safety) {
  const std::lock_guard lock(mutex_);
  service_->note_safety(safety, now_());
}

void CommandDoor::note_supervision(const service::SupervisionMemory& supervision) {
  const std::lock_guard lock(mutex_);
  service_->note_supervision(supervision, now_());
}

service::SafetyMemories CommandDoor::memories() {
  const std::lock_guard lock(mutex_);
  return service_->memories();
}

}  // namespace esshub::actors
