#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "protocol/modbus/rtu.hpp"
#include "sim/plant/device.hpp"
#include "tests/bench/bus_parts/bus_bench.hpp"
#include "tests/bench/bus_parts/percentile.hpp"

namespace esshub::bench {
namespace {

using Clock = std::chrono::steady_clock;
namespace modbus = protocol::modbus;

constexpr Duration turnaround = 2ms;  // of a fast device: the master's own time shows the more
constexpr double bits_per_character = 10.0;

Duration seconds(double s) {
  return as_duration(Seconds{s});
}

void sleep_until(Instant when) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch());
  const timespec at{since.count() / 1'000'000'000, since.count() % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

class Slave {
 public:
  explicit Slave(std::uint32_t baud)
      : character_(seconds(bits_per_character / baud)),
        silence_(baud > 19200 ? Duration{1750us} : seconds(3.5 * bits_per_character / baud)) {
    std::array<char, 64> name{};
    int other = -1;
    if (openpty(&fd_, &other, name.data(), nullptr, nullptr) != 0)
      throw std::runtime_error("no pseudo-terminal");
    termios raw{};
    cfmakeraw(&raw);
    tcsetattr(other, TCSANOW, &raw);  // `other` stays open, so that the port outlives its masters
    truth_.phases[0].power = Watts{321.5};
    device_ = sim::make_fake_meters({{.unit = 1,
                                      .model = protocol::MeterModel::sdm630,
                                      .truth = &truth_,
                                      .turnaround = turnaround}});
    device_->on_start(Clock::now());
    std::printf("{\"port\": \"%s\"}\n", name.data());
    std::fflush(stdout);
  }
  Slave(const Slave&) = delete;
  Slave& operator=(const Slave&) = delete;
  ~Slave() { close(fd_); }

  void serve() {
    std::array<pollfd, 2> waits{pollfd{fd_, POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0}};
    while (poll(waits.data(), waits.size(), -1) >= 0) {
      if ((waits[1].revents & (POLLIN | POLLHUP)) != 0) {
        std::array<char, 64> line{};
        if (read(STDIN_FILENO, line.data(), line.size()) <= 0) return;
        report();
      }
      if ((waits[0].revents & POLLIN) != 0) hear();
    }
  }

 private:
  void hear() {
    std::array<std::byte, 256> bytes{};
    const ssize_t got = read(fd_, bytes.data(), bytes.size());
    const Instant now = Clock::now();
    if (got <= 0) return;
    if (request_.empty()) request_at_ = now;
    request_.insert(request_.end(), bytes.begin(), bytes.begin() + got);
    if (request_.size() < modbus::request_size) return;
    answer(std::exchange(request_, {}));
  }

  /// The pseudo-terminal hands a request over at once; a wire needs its time for it.
  void answer(const protocol::Bytes& request) {
    if (!modbus::decode_request(request)) return;                     // a master that starts up
    truth_.phases[0].voltage = Volts{231.5 + 0.001 * (turn_++ % 7)};  // a frozen one is a fault
    const Instant heard = request_at_ + character_ * request.size();
    const auto wake = device_->on_bytes(request, heard).wake_at;
    if (!wake) return;
    for (const auto& bytes : device_->on_timer(*wake).send) {
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        sleep_until(*wake + character_ * (i + 1));
        if (write(fd_, &bytes[i], 1) != 1) return;
      }
      count(Clock::now(), character_ * (request.size() + bytes.size()) + turnaround);
    }
  }

  void count(Instant end, Duration on_wire) {
    if (polls_ == 0) {
      // The window begins with the end of an answer.
      begin_ = end;
    } else {
      ideal_ += on_wire + silence_;
      pauses_.push_back(Seconds{request_at_ - last_end_}.count() * 1e6);
    }
    ++polls_;
    last_end_ = end;
  }

  void report() {
    const double elapsed = Seconds{last_end_ - begin_}.count();
    const auto polls = static_cast<double>(polls_ > 0 ? polls_ - 1 : 0);
    std::printf(
        "{\"polls\": %.0f, \"polls_per_s\": %.2f, \"possible_per_s\": %.2f, \"silence_us\": %.0f, "
        "\"pause_p50_us\": %.0f, \"pause_p99_us\": %.0f}\n",
        polls, elapsed > 0 ? polls / elapsed : 0.0,
        polls > 0 ? polls / Seconds{ideal_}.count() : 0.0, Seconds{silence_}.count() * 1e6,
        percentile(pauses_, 0.5), percentile(pauses_, 0.99));
    std::fflush(stdout);
    polls_ = 0;
    ideal_ = {};
    pauses_.clear();
  }

  Duration character_;
  Duration silence_;  ///< between frames: 3.5 characters, above 19200 baud 1.75 ms
  int fd_ = -1;
  sim::MeterTruth truth_;
  std::unique_ptr<sim::Device> device_;
  protocol::Bytes request_;
  Instant request_at_{};
  unsigned turn_ = 0;

  // since the last report
  std::size_t polls_ = 0;
  Instant begin_{};
  Instant last_end_{};
  Duration ideal_{};
  std::vector<double> pauses_;  ///< us from an answer's last byte to the next request
};

}  // namespace

int slave(std::uint32_t baud) {
  // The wire must not be late where it can be helped.
  const sched_param first{.sched_priority = 20};
  if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
    std::fputs("bus_bench: no real-time priority, the wire may be late\n", stderr);
  Slave(baud).serve();
  return 0;
}

}  // namespace esshub::bench
