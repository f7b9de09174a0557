// HistoryPart: the history of one run of the hub, in virtual time (as actors/hub.cpp wires it).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "model/event.hpp"
#include "model/view.hpp"
#include "publish/energy_integrator.hpp"
#include "publish/history/database/writer.hpp"
#include "sim/storm/history_files.hpp"

namespace esshub::sim::storm {

class HistoryPart {
 public:
  /// What the writer's thread has done.
  struct Did {
    bool began;  ///< it has opened what there is; otherwise it has written
    bool ok;
  };

  HistoryPart(const publish::HistorySettings& settings, HistoryFiles& files, EventSink events,
              std::function<void(bool)> failed, Instant now)
      : files_(files),
        writer_(settings, std::move(events), std::move(failed), files),
        asked_at_(now) {
    writer_.note("system", "started", "");
  }

  /// A second has passed; afterwards view.energies is what has flowed in this run.
  void update(View& view) {
    energies_.update(view);
    flowed_ = view.energies;
    writer_.update(view);
    if (!asked_at_ && writer_.due()) asked_at_ = view.now;
  }
  void note(const Event& event) { writer_.note("command", event.name, event.detail); }

  [[nodiscard]] std::optional<Instant> due() const {
    return asked_at_ ? std::optional{*asked_at_ + slowness_} : std::nullopt;
  }
  /// What the thread has done by now, if anything.
  [[nodiscard]] std::optional<Did> work(Instant now) {
    if (!asked_at_ || now < *due()) return std::nullopt;
    asked_at_.reset();
    return work();
  }
  /// An orderly end. False: something is not written.
  [[nodiscard]] bool close() {
    writer_.note("system", "stopped", "");
    if (!began_) static_cast<void>(work());
    return writer_.finish();
  }
  /// The program dies within what is written now, after so many bytes. What was done before that.
  [[nodiscard]] Did die_writing(std::size_t bytes) {
    files_.die_after(bytes);
    return work();
  }
  void set_slowness(Duration each) { slowness_ = each; }

  /// In this run, J.
  [[nodiscard]] const EnergyTotals& flowed() const { return flowed_; }
  /// What may be published of it (HistoryStore::shown).
  [[nodiscard]] EnergyTotals shown() { return writer_.shown(flowed_); }

 private:
  Did work() {
    if (!std::exchange(began_, true)) {
      writer_.begin();
      writer_.check();
      return {.began = true, .ok = true};
    }
    return {.began = false, .ok = writer_.write(/*last=*/false)};
  }

  HistoryFiles& files_;
  publish::HistoryWriter writer_;
  publish::EnergyIntegrator energies_;
  EnergyTotals flowed_;
  std::optional<Instant> asked_at_;  ///< of the thread
  Duration slowness_{};
  bool began_ = false;
};

}  // namespace esshub::sim::storm
