#include <fmt/format.h>
#include <fmt/ostream.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "app/bus_tools/capture.hpp"
#include "app/bus_tools/ear.hpp"
#include "app/bus_tools/port_finder.hpp"
#include "app/bus_tools/sniff_text.hpp"
#include "app/commands.hpp"
#include "json/text.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "transport/io_thread.hpp"

namespace esshub::app {
namespace {

using protocol::Bytes;

/// The signals that end it, blocked for all threads to come: wait() alone takes them.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM}) {
      std::signal(number, SIG_DFL);  // a shell starts background jobs with SIGINT ignored
      sigaddset(&set_, number);
    }
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // the capture is closed in order when the reader goes away
  }
  /// True if one came within 50 ms.
  [[nodiscard]] bool wait() const {
    constexpr timespec period{0, 50'000'000};
    return sigtimedwait(&set_, nullptr, &period) > 0;
  }

 private:
  sigset_t set_{};
};

/// Opens an SLCAN adapter's channel for listening only, so that it does not even acknowledge.
class SlcanListening {
 public:
  void on_timer(Ear& ear, Instant now) {
    if (!ear.up()) return;
    if (!started_) {
      started_ = true;
      ear.write(opening_.start(now, protocol::SlcanMode::listen_only));
    } else if (auto next = opening_.on_timer(now)) {
      // Its responses are not awaited: some adapters give none.
      ear.write(std::move(*next));
    }
  }

 private:
  protocol::SlcanOpening opening_;
  bool started_ = false;
};

class Sniffer {
 public:
  Sniffer(const SniffOptions& options, std::ostream& out, std::ostream& err)
      : options_(options), out_(out), err_(err) {}

  int run() {
    if (!options_.write.empty()) {
      file_.open(options_.write, std::ios::binary | std::ios::trunc);
      if (!file_) {
        fmt::print(err_, "{}: cannot be written\n", options_.write.string());
        return exit_failure;
      }
    }
    begin();
    while (!stop_.wait() && !over() && step()) {
    }
    if (listener_) {
      take_over(listener_->finish());
      summary();
    } else if (!failed_) {
      fmt::print(err_, "nothing was understood ({})\n", finder_->progress());
      failed_ = true;
    }
    ear_.reset();
    io_.stop();
    return failed_ ? exit_failure : exit_ok;
  }

 private:
  static Instant now() { return std::chrono::steady_clock::now(); }

  void begin() {
    started_ = now();
    // One pair of clock readings: the capture's times are as even as the steady clock.
    epoch_ = std::chrono::system_clock::now() - started_.time_since_epoch();
    if (!options_.can.empty()) {
      hear_as(SniffKind::can, make_listener(SniffKind::can));
      // All standard data frames.
      open(transport::SocketCan{.interface = options_.can, .filter_id = 0, .filter_mask = 0});
      return;
    }
    finder_.emplace(options_.kind, options_.baud, started_);
    open_port();
  }

  void open(const transport::LineSettings& settings) {
    ear_.reset();
    ear_ = std::make_unique<Ear>(io_.context(), settings);
    slcan_ = {};
  }
  void open_port() {
    const auto setting = finder_->setting();
    fmt::print(err_, "listening at {}\n", to_text(setting));
    err_.flush();
    open(transport::SerialPort{
        .path = options_.port, .baud = setting.baud, .parity = setting.parity});
  }

  [[nodiscard]] bool over() const {
    return options_.seconds && now() - started_ >= std::chrono::seconds{*options_.seconds};
  }

  /// False when there is nothing left to do.
  bool step() {
    if (options_.kind == SniffKind::slcan) slcan_.on_timer(*ear_, now());
    for (const auto& chunk : ear_->take()) {
      if (listener_) {
        take_over(listener_->on_bytes(chunk.bytes, chunk.at));
      } else {
        finder_->on_bytes(chunk.bytes, chunk.at);
      }
    }
    if (listener_) {
      take_over(listener_->on_timer(now()));
    } else {
      search();
    }
    if (const auto reason = ear_->down()) {
      fmt::print(err_, "{}\n", *reason);
      if (!may_be_skipped()) {
        failed_ = true;
        return false;
      }
      try_next();
    }
    return !failed_ && out_.good();
  }

  void search() {
    switch (finder_->on_timer(now())) {
      case PortFinder::Verdict::stay:
        return;
      case PortFinder::Verdict::move_on:
        fmt::print(err_, "listening at {} ... {}\n", to_text(finder_->setting()),
                   finder_->progress());
        return try_next();
      case PortFinder::Verdict::found: {
        const auto setting = finder_->setting();
        auto found = finder_->take();
        fmt::print(err_, "{} at {}\n", name(found.kind), to_text(setting));
        err_.flush();
        hear_as(found.kind, std::move(found.listener));
        return take_over(std::move(found.heard));
      }
    }
  }

  /// A port may refuse a speed or parity: that one setting is left out. It was gone if it worked,
  /// or if it refuses two settings in a row.
  [[nodiscard]] bool may_be_skipped() {
    if (listener_ || ear_->up() || !last_was_accepted_) return false;
    last_was_accepted_ = false;
    return true;
  }
  void try_next() {
    if (ear_->up()) last_was_accepted_ = true;
    finder_->next(now());
    open_port();
  }

  void hear_as(SniffKind kind, std::unique_ptr<Listener> listener) {
    kind_ = kind;
    listener_ = std::move(listener);
    const bool serial = kind == SniffKind::modbus || kind == SniffKind::mk3;
    if (serial) write(pcapng::header("esshub sniff", options_.port));
  }

  void take_over(Batch heard) {
    for (const auto& packet : heard.packets) write(pcapng::packet(wall(packet.at), packet.bytes));
    const std::string interface = kind_ == SniffKind::can ? options_.can : "slcan0";
    for (const auto& packet : heard.can_packets)
      write(protocol::to_bytes(candump_line(wall(packet.at), interface, packet.frame)));
    for (const auto& transaction : heard.transactions) show(transaction);
  }

  void show(const Transaction& transaction) {
    counts_.add(transaction);
    const auto at = wall(transaction.at);
    if (options_.json) {
      print(to_json(transaction, at));
    } else {
      out_ << to_line(transaction, at) << std::flush;
    }
  }

  void summary() {
    if (options_.json) return print(counts_.json(kind_, listener_->tally()));
    out_ << '\n' << counts_.table(kind_, listener_->tally()) << std::flush;
  }

  void print(const nlohmann::json& object) { out_ << json_text(object) << std::endl; }

  [[nodiscard]] WallTime wall(Instant at) const { return epoch_ + at.time_since_epoch(); }

  /// Nothing is lost that was shown, whatever ends the program.
  void write(const Bytes& bytes) {
    if (options_.write.empty() || failed_) return;
    for (const std::byte b : bytes) file_.put(static_cast<char>(b));
    file_.flush();
    if (file_) return;
    fmt::print(err_, "{}: cannot be written any more; is the disk full?\n",
               options_.write.string());
    failed_ = true;
  }

  StopSignals stop_;  // first: threads inherit what it blocks
  const SniffOptions& options_;
  std::ostream& out_;
  std::ostream& err_;
  std::ofstream file_;
  transport::IoThread io_;
  std::unique_ptr<Ear> ear_;
  SlcanListening slcan_;
  std::optional<PortFinder> finder_;  // serial ports only
  SniffKind kind_ = SniffKind::can;
  std::unique_ptr<Listener> listener_;  // as soon as the kind is known
  SniffCounts counts_;
  Instant started_{};
  WallTime epoch_{};                // of the steady clock
  bool last_was_accepted_ = false;  // of the settings tried
  bool failed_ = false;
};

}  // namespace

int sniff(const SniffOptions& options, std::ostream& out, std::ostream& err) {
  return Sniffer{options, out, err}.run();
}

}  // namespace esshub::app
