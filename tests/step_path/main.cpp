// step_path [bench]: the tick from queue to setpoint allocates nothing, takes no lock and makes no
// system call beyond clock and futex; with "bench": how long one takes.
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "actors/sample_queue.hpp"
#include "actors/system_clock.hpp"
#include "config/time_zone.hpp"
#include "control/tick.hpp"
#include "tests/step_path/watch.hpp"

namespace esshub::step_path {
namespace {

/// One bus as the tick drains it.
struct Source {
  std::shared_ptr<actors::SampleQueue> queue;
  bool pop(Sample& sample) { return queue->pop(sample); }
};

/// The three buses of a house whose loads, sun and limits move, and now and then a source is
/// silent: the rare branches too.
class Feed {
 public:
  std::array<Source, 3>& sources() { return sources_; }

  void push(Instant now, const Decision& last) {
    ++n_;
    const double phase = static_cast<double>(n_ % 3000) / 3000.0;
    const double load = 400.0 + 2000.0 * (phase < 0.5 ? phase : 1.0 - phase);
    const double drawn = last.setpoint.ac_power.value();
    const auto put = [&](auto& queue, Point point, Measure measure, double value) {
      queue->push({{point, measure}, value, now});
    };
    if (n_ % 5000 > 100) {
      put(meters_, Point::grid, Measure::power, load + drawn);
      put(meters_, Point::grid, Measure::voltage, n_ % 7001 == 0 ? 1e9 : 230.0);
      put(meters_, Point::solar, Measure::power, 1500.0 * phase);
    }
    if (n_ % 10 == 0 && n_ % 9000 > 200) {
      put(battery_, Point::battery, Measure::soc, 15.0 + 80.0 * phase);
      put(battery_, Point::battery, Measure::voltage, 47.0 + 6.0 * phase);
      put(battery_, Point::battery, Measure::current, 20.0 * (phase - 0.5));
      put(battery_, Point::battery, Measure::cvl, 53.2);
      put(battery_, Point::battery, Measure::ccl, n_ % 4000 < 100 ? 0.0 : 50.0);
      put(battery_, Point::battery, Measure::dcl, 50.0);
      put(battery_, Point::battery, Measure::protections, n_ % 6000 < 50 ? 8.0 : 0.0);
      put(battery_, Point::battery, Measure::requests, 3.0);
      put(battery_, Point::battery, Measure::modules, 2.0);
    }
    if (n_ % 2 == 0 && n_ % 11000 > 200) {
      const bool islanded = n_ % 13000 < 400;
      put(inverter_, Point::inverter, Measure::controllable, 1.0);
      put(inverter_, Point::inverter, Measure::power, drawn);
      put(inverter_, Point::inverter, Measure::dc_power, drawn);
      put(inverter_, Point::inverter, Measure::status, islanded ? 2.0 : 1.0);
      put(inverter_, Point::inverter, Measure::voltage, islanded ? 0.0 : 230.0);
      put(inverter_, Point::inverter, Measure::setpoint, drawn);
      put(inverter_, Point::ac_out, Measure::power, 120.0);
    }
  }

 private:
  std::shared_ptr<actors::SampleQueue> meters_ = std::make_shared<actors::SampleQueue>();
  std::shared_ptr<actors::SampleQueue> battery_ = std::make_shared<actors::SampleQueue>();
  std::shared_ptr<actors::SampleQueue> inverter_ = std::make_shared<actors::SampleQueue>();
  std::array<Source, 3> sources_{Source{meters_}, Source{battery_}, Source{inverter_}};
  unsigned n_ = 0;
};

control::Settings settings_with_every_rule() {
  control::Settings settings;
  settings.import_cap = Watts{6000};
  settings.export_cap = Watts{3680};
  settings.witness = true;
  return settings;
}

struct Rig {
  Feed feed;
  control::Tick control{settings_with_every_rule(), 3, &control::step};
  civil_time::LocalClock clock{config::load_time_zone("Europe/London").value()};
  const actors::Rtc rtc;
  Instant now{1000s};
  Decision last;
  View view;

  void tick() {
    now += 100ms;
    feed.push(now, last);
    last = control.run(
        feed.sources(),
        {now, actors::read_local_time(clock, civil_time::ClockSource::rtc, rtc), 50us, 0});
    control.record(60us, 70us);
    view = control.view(WallTime{now.time_since_epoch()});
  }
};

constexpr int warm_up = 100;
constexpr int ticks = 60'000;

/// What the watch itself would see if something were done; proves that it looks.
int check_the_watch() {
  const Counts before = counts();
  void* volatile kept = std::malloc(100);  // else the compiler leaves both out
  std::free(kept);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  const Counts after = counts();
  if (after.allocations == before.allocations || after.locks == before.locks) {
    std::puts("FAILED: the watch sees neither malloc nor a mutex");
    return EXIT_FAILURE;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    if (!allow_only_clock_and_futex()) ::_exit(3);
    ::syscall(SYS_getppid);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return EXIT_SUCCESS;
  std::puts("FAILED: the filter lets a system call through");
  return EXIT_FAILURE;
}

int check_the_tick() {
  Rig rig;
  for (int i = 0; i < warm_up; ++i) rig.tick();
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!allow_only_clock_and_futex()) ::_exit(3);
    const Counts before = counts();
    bool commanded = false;
    for (int i = 0; i < ticks; ++i) {
      rig.tick();
      commanded |= rig.last.battery_power != Watts{};
    }
    const Counts after = counts();
    ::_exit(!commanded                                ? 4
            : after.allocations != before.allocations ? 5
            : after.locks != before.locks             ? 6
                                                      : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    std::printf("FAILED: ended by signal %d: a system call beyond clock and futex\n",
                WTERMSIG(status));
    return EXIT_FAILURE;
  }
  switch (WEXITSTATUS(status)) {
    case 0:
      std::printf("%d ticks: no allocation, no lock, no system call beyond clock and futex\n",
                  ticks);
      return EXIT_SUCCESS;
    case 4:
      std::puts("FAILED: nothing was ever commanded");
      break;
    case 5:
      std::puts("FAILED: the tick allocates");
      break;
    case 6:
      std::puts("FAILED: the tick locks");
      break;
    default:
      std::puts("FAILED: no seccomp here");
      break;
  }
  return EXIT_FAILURE;
}

int bench() {
  Rig rig;
  for (int i = 0; i < warm_up; ++i) rig.tick();
  std::vector<double> microseconds;
  microseconds.reserve(ticks);
  for (int i = 0; i < ticks; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    rig.tick();
    const auto end = std::chrono::steady_clock::now();
    microseconds.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
  }
  std::sort(microseconds.begin(), microseconds.end());
  const auto at = [&](double share) {
    return microseconds[static_cast<std::size_t>(share * (ticks - 1))];
  };
  std::printf("one tick (drain, local time, step) of %d: p50 %.2f us, p99 %.2f us\n", ticks,
              at(0.5), at(0.99));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace esshub::step_path

int main(int argc, char** argv) {
  using namespace esshub::step_path;
  if (argc > 1 && std::strcmp(argv[1], "bench") == 0) return bench();
  return check_the_watch() == EXIT_SUCCESS ? check_the_tick() : EXIT_FAILURE;
}
