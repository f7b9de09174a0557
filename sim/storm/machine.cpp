#include "sim/storm/machine.hpp"

namespace esshub::sim::storm {

Result<std::optional<std::string>> VirtualDisk::read() {
  if (trouble.unreadable) return fail(ErrorKind::io, "cannot read state.json: Input/output error");
  return seen_;
}

Result<void> VirtualDisk::replace(const std::string& text) {
  if (trouble.full) return fail(ErrorKind::io, "cannot write state.json: No space left on device");
  seen_ = text;
  if (!trouble.lost) durable_ = text;
  return {};
}

Result<std::string> VirtualDisk::quarantine(WallTime) {
  if (trouble.full) return fail(ErrorKind::io, "cannot rename state.json: No space left on device");
  ++quarantined_;
  seen_.reset();
  durable_.reset();
  return "state.json.damaged";
}

void VirtualDisk::power_cut() {
  if (trouble.torn_after && seen_) durable_ = seen_->substr(0, *trouble.torn_after);
  seen_ = durable_;
}

}  // namespace esshub::sim::storm
