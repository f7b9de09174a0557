#include "app/bus_tools/port_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>

#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::app {
namespace {

/// In the order in which they are found in homes.
constexpr std::array<std::uint32_t, 7> modbus_speeds{9600, 2400, 19200, 38400, 4800, 1200, 115200};
/// A USB adapter takes any.
constexpr std::array<std::uint32_t, 6> slcan_speeds{115200, 1000000, 921600, 500000, 57600, 9600};
/// A master may ask every few seconds only, and a quiet line tells nothing about its speed.
constexpr Duration patience_with_noise = 2s;
constexpr Duration patience_with_silence = 10s;
constexpr Duration patience_with_hope = 30s;
constexpr std::uint64_t noise = 16;  // bytes: two short frames
constexpr std::uint64_t enough_frames = 3;

bool may_have_parity(std::optional<SniffKind> kind) {
  return !kind || *kind == SniffKind::modbus;
}

/// Which kinds a port so set may carry. Only Modbus knows parity; the MK3 knows one speed.
bool may_be(SniffKind kind, PortSetting setting, bool baud_given) {
  switch (kind) {
    case SniffKind::modbus:
      return true;
    case SniffKind::slcan:
      return setting.parity == 'N';
    case SniffKind::mk3:
      return setting.parity == 'N' && (baud_given || setting.baud == protocol::mk3::baud);
    case SniffKind::can:
      return false;
  }
  return false;
}

std::vector<std::uint32_t> speeds(std::optional<SniffKind> kind,
                                  std::optional<std::uint32_t> baud) {
  if (baud) return {*baud};
  if (kind == SniffKind::mk3) return {protocol::mk3::baud};
  if (kind == SniffKind::slcan) return {slcan_speeds.begin(), slcan_speeds.end()};
  return {modbus_speeds.begin(), modbus_speeds.end()};
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void append(Batch& to, Batch&& from) {
  append(to.transactions, std::move(from.transactions));
  append(to.packets, std::move(from.packets));
  append(to.can_packets, std::move(from.can_packets));
}

}  // namespace

std::string to_text(PortSetting setting) {
  return fmt::format("{} 8{}1", setting.baud, setting.parity);
}

PortFinder::PortFinder(std::optional<SniffKind> kind, std::optional<std::uint32_t> baud,
                       Instant now)
    : baud_given_(baud.has_value()) {
  for (const auto speed : speeds(kind, baud)) {
    settings_.push_back({speed, 'N'});
    if (may_have_parity(kind)) settings_.push_back({speed, 'E'});
  }
  for (const auto each : {SniffKind::modbus, SniffKind::mk3, SniffKind::slcan})
    if (!kind || *kind == each) trials_.push_back({each, nullptr, {}});
  begin(now);
}

void PortFinder::begin(Instant now) {
  since_ = now;
  bytes_ = 0;
  for (auto& trial : trials_) {
    const bool listens = may_be(trial.kind, setting(), baud_given_);
    trial = {trial.kind, listens ? make_listener(trial.kind) : nullptr, {}};
  }
}

void PortFinder::on_bytes(protocol::ByteView bytes, Instant at) {
  bytes_ += bytes.size();
  for (auto& trial : trials_)
    if (trial.listener) append(trial.heard, trial.listener->on_bytes(bytes, at));
}

PortFinder::Verdict PortFinder::on_timer(Instant now) {
  for (auto& trial : trials_)
    if (trial.listener) append(trial.heard, trial.listener->on_timer(now));
  if (proven(best())) return Verdict::found;
  if (settings_.size() == 1) return Verdict::stay;
  const bool hopeful = best().listener->tally().frames > 0;
  const auto patience = hopeful           ? patience_with_hope
                        : bytes_ >= noise ? patience_with_noise
                                          : patience_with_silence;
  return now - since_ >= patience ? Verdict::move_on : Verdict::stay;
}

void PortFinder::next(Instant now) {
  current_ = (current_ + 1) % settings_.size();
  begin(now);
}

/// A CRC of 16 bits proves itself, and so does SLCAN's strict text; a sum of 8 bits must explain
/// most of what is heard as well. Where there is no choice nothing needs a proof.
bool PortFinder::proven(const Trial& trial) const {
  if (trials_.size() == 1 && settings_.size() == 1) return true;
  const auto& tally = trial.listener->tally();
  if (tally.frames < enough_frames) return false;
  return trial.kind != SniffKind::mk3 || 2 * tally.frame_bytes > bytes_;
}

/// The one proven, or with most frames; some kind listens at every setting.
const PortFinder::Trial& PortFinder::best() const {
  const auto worth = [this](const Trial& trial) {
    const auto frames = trial.listener ? trial.listener->tally().frames : 0;
    return std::tuple{trial.listener != nullptr, trial.listener && proven(trial), frames};
  };
  return *std::ranges::max_element(trials_, {}, worth);
}

std::string PortFinder::progress() const {
  if (bytes_ == 0) return "nothing heard";
  const auto frames = best().listener->tally().frames;
  if (frames == 0) return fmt::format("nothing valid, {} bytes", bytes_);
  return fmt::format("{} valid {} frame{}, {} bytes", frames, name(best().kind),
                     frames == 1 ? "" : "s", bytes_);
}

PortFinder::Found PortFinder::take() {
  const auto index = static_cast<std::size_t>(&best() - trials_.data());
  auto& trial = trials_[index];
  return {trial.kind, std::move(trial.listener), std::move(trial.heard)};
}

}  // namespace esshub::app
