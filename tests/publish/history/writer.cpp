// Writes a history in invented time, for the tests that kill it and the bench that counts its
// bytes.
//   history_writer FILE                  for ever; a line "J" after each batch that is on disk,
//                                        lines "shown J" now and then, and "failed" where the
//                                        disk keeps up no longer with the invented time: what is
//                                        shown then is not promised
//   history_writer FILE DAYS BATCH_S FLIPS   then one line: bytes written by the process, size of
//                                        the file. FLIPS: decisions change every second
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "publish/history/database/store.hpp"
#include "publish/history/monotonic_totals.hpp"
#include "tests/publish/history/house.hpp"

namespace {

using namespace esshub;
using namespace esshub::publish;

/// Bytes this process has handed to write(2) and its like: log, checkpoints and all.
long long bytes_written() {
  std::ifstream io("/proc/self/io");
  for (std::string key; io >> key;) {
    long long value = 0;
    io >> value;
    if (key == "wchar:") return value;
  }
  return 0;
}

void say_failed() {
  std::printf("failed\n");
  std::fflush(stdout);
}

int write_for_ever(HistoryStore& store, const HistorySettings& settings) {
  constexpr double grid_w = 1000.0;
  constexpr auto step = 5s;
  // The energies tell how far an earlier run came: time goes on from there.
  const double before = store.totals()[Flow::grid_import];
  const double gone_s = before / grid_w;
  HistoryHouse house(noon + static_cast<std::int64_t>(gone_s) / 60 * 60 + 60);
  house.view.energies = {};
  store.update(house.view);
  for (;;) {
    for (Duration gone{}; gone < settings.batch; gone += step) {
      house.pass(step, grid_w);
      store.update(house.view);
      const double shown = store.shown(house.view.energies)[Flow::grid_import];
      if (gone % 30s != 0s) continue;
      std::printf("shown %.0f\n", shown);
      std::fflush(stdout);
    }
    if (!store.flush()) return EXIT_FAILURE;
    std::printf("%.0f\n", before + house.view.energies[Flow::grid_import]);
    std::fflush(stdout);
  }
}

int write_days(HistoryStore& store, const HistorySettings& settings, int days, bool flips) {
  HistoryHouse house(noon);
  MonotonicTotals
      shown;  // as the store's: which early batches a clock that is not in a rush would bring
  const auto before = bytes_written();
  const auto steps = days * 24h / 1s;
  for (long long i = 0; i < steps; ++i) {
    const double hour = static_cast<double>(i % 86400) / 3600.0;
    house.read(Point::solar, Measure::power, std::max(0.0, 2500.0 * std::sin((hour - 6) / 4)));
    house.read(Point::inverter, Measure::dc_power, 900.0 * std::sin(hour * 5));
    house.view.decision.house = Watts{300.0 + static_cast<double>(i * 7919 % 2500)};
    if (i % (flips ? 1 : 300) == 0)
      house.decide(i % 2 == 0
                       ? std::initializer_list<Cause>{Cause::self_consumption}
                       : std::initializer_list<Cause>{Cause::self_consumption, Cause::reserve});
    house.pass(1s, static_cast<double>(i * 104729 % 3000) - 1000.0);
    store.update(house.view);
    if (i % (settings.batch / 1s) != 0 && !shown.near(house.view.energies)) continue;
    if (!store.flush()) return EXIT_FAILURE;
    shown.written(shown.marks_for(house.view.energies, false));
  }
  store.close();
  std::printf("%lld %ju\n", bytes_written() - before, std::filesystem::file_size(settings.file));
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 5) return 64;
  HistorySettings settings;
  settings.file = argv[1];
  if (argc == 5) settings.batch = std::chrono::seconds(std::atoi(argv[3]));
  HistoryStore store(
      settings, [](const std::string&, const Event&) {},
      [](bool failed) {
        if (failed) say_failed();
      });
  if (argc == 2) return write_for_ever(store, settings);
  return write_days(store, settings, std::atoi(argv[2]), std::atoi(argv[4]) != 0);
}
