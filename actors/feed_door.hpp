// FeedDoor: what others tell of prices and sun, by files and messages, kept, and told to any
// thread.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/policy/tariff.hpp"
#include "model/event.hpp"
#include "model/feed.hpp"
#include "model/view.hpp"
#include "publish/threads/closable_sinks.hpp"
#include "service/feeds.hpp"

namespace esshub::actors {

struct FeedDoorDeps {
  std::string state_dir;                     ///< empty: nothing is kept, and no file there watched
  std::string folder;                        ///< another one that is watched; empty: none
  std::function<control::Tariff()> tariff;   ///< in force
  EventSink events;                          ///< gets component "feed"
  std::function<void(bool)> storage_failed;  ///< Fault::storage_failed; any thread
  std::function<WallTime()> wall = &std::chrono::system_clock::now;
};

/// Watches KIND.json in STATE_DIR/feed and in the other folder, and keeps what was believed in
/// STATE_DIR/feed/kept, a file for each document.
class FeedDoor {
 public:
  static constexpr Duration read_period = 5s;
  static constexpr Duration refused_period = 1min;  ///< until a refused file is read again
  static constexpr Duration believe_period = 1min;

  explicit FeedDoor(FeedDoorDeps deps);

  /// A FeedSink's work: the newest of each kind and teller waits for the next look(), or for a
  /// clock that is trusted; where too many wait already, it is refused. An empty one: that
  /// teller has nothing there any more, so what it was refused for ends; what was taken stays.
  void tell(FeedKind kind, const std::string& document, const std::string& who);
  /// A FeedDesk's work: what is good waits for look() as well. While the clock is not trusted its
  /// time is judged then. ErrorKind::refused: nothing is wrong with it, but too many wait.
  [[nodiscard]] Result<void> offer(const std::vector<FeedKind>& kinds, const std::string& document,
                                   const std::string& who);
  /// For one thread of low priority, with each View: it waits for the disk.
  void look(const View& view);
  /// Tells nothing any more.
  void close() { sinks_.close(); }

  /// What is believed; never null, and another one when it has changed. For any thread.
  [[nodiscard]] std::shared_ptr<const service::ToldSlots> told() const;
  /// For people: what is refused and why, and what has ended. For any thread.
  [[nodiscard]] std::vector<std::string> problems() const;
  /// A FeedStates' work.
  [[nodiscard]] std::vector<FeedState> states() const;

 private:
  struct Watched {
    std::string file;
    FeedKind kind;
    struct ::stat seen {};
    bool there = false;
    bool held = false;                    ///< to be read again when the clock is trusted
    std::optional<Instant> refused_at{};  ///< when it was read last, while it is refused
  };
  struct Refused {
    FeedKind kind = FeedKind::import_price;
    std::string reason;
  };
  /// Where it is from, the kind that is told there, the text or why it could not be read.
  struct Document {
    std::string from;
    FeedKind kind;
    Result<std::string> text;
  };
  /// False: too many wait already.
  [[nodiscard]] bool queue(FeedKind kind, const std::string& document, const std::string& who);
  void restore();
  void read_files(const View& view, const control::Tariff& tariff);
  void hear(const View& view, const control::Tariff& tariff);
  /// Whether it is right. `again`: it was refused before, and the reason told.
  bool judge(const Document& document, const View& view, const control::Tariff& tariff,
             bool again = false);
  [[nodiscard]] Result<void> take(const Document& document, const View& view,
                                  const control::Tariff& tariff);
  void answer(const std::string& from, FeedKind kind, const Result<void>& taken,
              bool again = false);
  void believe(const View& view, const std::string& currency);
  void keep(Instant now);
  void log(Level level, std::string event, std::string detail);

  const FeedDoorDeps deps_;
  publish::ClosableSinks sinks_;
  service::Feeds feeds_;
  std::vector<Watched> files_;
  bool restored_ = false;
  std::optional<Instant> read_at_;
  std::optional<control::Tariff> read_by_;
  std::optional<Instant> believed_at_;
  std::optional<unsigned> believed_version_;
  std::string believed_currency_;
  std::map<std::string, std::size_t> on_disk_;  ///< names and hashes of what is kept
  std::optional<unsigned> kept_version_;
  std::optional<Instant> keep_failed_at_;

  mutable std::mutex mutex_;     // guards what follows
  std::vector<Document> heard_;  ///< that wait for look()
  bool clock_trusted_ = false;
  std::map<std::string, Refused> refused_;  ///< by where it is from
  std::map<FeedKind, service::UnixSeconds> ended_;
  std::map<FeedKind, service::UnixSeconds> until_;
  std::shared_ptr<const service::ToldSlots> told_ = std::make_shared<const service::ToldSlots>();
};

}  // namespace esshub::actors
