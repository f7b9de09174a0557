#include "actors/feed_door.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include "model/enums.hpp"
#include "model/utc_text.hpp"
#include "publish/files/replace_file.hpp"

namespace esshub::actors {
namespace {

namespace fs = std::filesystem;
using service::Feed;
using service::unix_seconds;
using service::UnixSeconds;
using service::utc_text;

constexpr Duration keep_again = 30s;
constexpr std::size_t most_heard = 16;
constexpr auto too_many = "too many documents wait; try again in a minute";

tl::unexpected<Error> unreadable(const std::string& why) {
  return fail(ErrorKind::io, "it cannot be read: " + why);
}

tl::unexpected<Error> unreadable() {
  return unreadable(std::generic_category().message(errno));
}

/// Of a file that others own: no pipe is waited for, and nothing endless read.
Result<std::string> contents(const std::string& file) {
  const publish::Descriptor fd{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct ::stat found {};
  if (fd.get() < 0 || ::fstat(fd.get(), &found) != 0) return unreadable();
  if (!S_ISREG(found.st_mode)) return unreadable("it is no regular file");
  std::string text(service::feed_bytes + 1, '\0');  // one more than is accepted
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno != EINTR) return unreadable();
    if (got == 0) break;
    size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  text.resize(size);
  return text;
}

bool same(const ::timespec& a, const ::timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool same(const struct ::stat& a, const struct ::stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
         same(a.st_mtim, b.st_mtim) && same(a.st_ctim, b.st_ctim);
}

/// Of those issued in the same second the first has `later` 0. The names' order is theirs.
std::string kept_name(const Feed& feed, std::size_t later) {
  const auto number = later == 0 ? "" : (later < 10 ? "_0" : "_") + std::to_string(later);
  return std::string{name(feed.kind)} + '-' + std::to_string(feed.issued) + number + ".json";
}

bool is_name_of(const std::string& file, const Feed& feed) {
  for (std::size_t later = 0; later < service::FeedHistory::most; ++later)
    if (file == kept_name(feed, later)) return true;
  return false;
}

}  // namespace

FeedDoor::FeedDoor(FeedDoorDeps deps) : deps_(std::move(deps)), sinks_({}, deps_.events) {
  const std::string own = deps_.state_dir.empty() ? "" : deps_.state_dir + "/feed";
  for (const auto& folder : {own, deps_.folder}) {
    if (folder.empty()) continue;
    for (const FeedKind kind : enum_values<FeedKind>)
      files_.push_back({.file = folder + '/' + std::string{name(kind)} + ".json", .kind = kind});
  }
}

void FeedDoor::look(const View& view) {
  const auto tariff = deps_.tariff();
  if (!std::exchange(restored_, true)) restore();
  if (!read_at_ || view.now - *read_at_ >= read_period) {
    read_at_ = view.now;
    read_files(view, tariff);
  }
  {
    const std::lock_guard lock(mutex_);
    clock_trusted_ = view.local.trusted;
  }
  if (view.local.trusted) {
    hear(view, tariff);
    believe(view, tariff.currency);
  }
  keep(view.now);
}

void FeedDoor::restore() {
  if (deps_.state_dir.empty()) return;
  std::error_code error;
  std::vector<std::pair<std::string, Feed>> feeds;
  const std::string folder = deps_.state_dir + "/feed/kept";
  const auto not_restored = [this](const std::string& file, const std::string& reason) {
    log(Level::warning, "not_restored",
        "file=" + log_quoted(file) + " reason=" + log_quoted(reason));
  };
  for (fs::directory_iterator file{folder, error}, end; !error && file != end;
       file.increment(error)) {
    // Whether a price is plausible was judged when it came.
    const auto feed = contents(file->path().string()).and_then([&](const std::string& text) {
      return service::read_feed(text, {.price = 1e9});
    });
    const auto file_name = file->path().filename().string();
    if (feed && is_name_of(file_name, *feed)) {
      on_disk_[file_name] = std::hash<std::string>{}(service::feed_text(*feed));
      feeds.emplace_back(file_name, *feed);
    } else {
      not_restored(file->path().string(), feed ? "another name" : feed.error().detail);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory)
    not_restored(folder, unreadable(error.message()).value().detail);
  std::sort(feeds.begin(), feeds.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.issued, a.first) < std::tie(b.second.issued, b.first);
  });
  for (auto& feed : feeds) feeds_.restore(std::move(feed.second));
}

void FeedDoor::read_files(const View& view, const control::Tariff& tariff) {
  const bool other_tariff = std::exchange(read_by_, tariff) != tariff;
  for (auto& watched : files_) {
    struct ::stat found {};
    const bool there = ::stat(watched.file.c_str(), &found) == 0;
    const bool held = std::exchange(watched.held, false);
    if (!there) {
      if (std::exchange(watched.there, false)) answer("file " + watched.file, watched.kind, {});
      watched.refused_at.reset();
      continue;
    }
    const bool news = !watched.there || other_tariff || held || !same(found, watched.seen);
    watched.there = true;
    watched.seen = found;
    watched.held = news && !view.local.trusted;
    const bool again = watched.refused_at && view.now - *watched.refused_at >= refused_period;
    if (!(news || again) || !view.local.trusted) continue;
    const Document document{"file " + watched.file, watched.kind, contents(watched.file)};
    const bool right = judge(document, view, tariff, !news);
    watched.refused_at = right ? std::nullopt : std::optional{view.now};
  }
}

bool FeedDoor::queue(FeedKind kind, const std::string& document, const std::string& who) {
  const std::lock_guard lock(mutex_);
  std::erase_if(heard_, [&](const Document& d) { return d.kind == kind && d.from == who; });
  if (heard_.size() >= most_heard) return false;
  heard_.push_back({who, kind, document});
  return true;
}

void FeedDoor::tell(FeedKind kind, const std::string& document, const std::string& who) {
  if (queue(kind, document, who)) return;
  answer(who, kind, document.empty() ? Result<void>{} : fail(ErrorKind::refused, too_many));
}

Result<void> FeedDoor::offer(const std::vector<FeedKind>& kinds, const std::string& document,
                             const std::string& who) {
  const auto feed = service::read_told(document, deps_.tariff());
  if (!feed) return tl::unexpected<Error>(feed.error());
  if (std::ranges::find(kinds, feed->kind) == kinds.end())
    return fail(ErrorKind::invalid,
                "/kind: \"" + std::string{name(feed->kind)} + "\", which is told elsewhere");
  bool trusted = false;
  {
    const std::lock_guard lock(mutex_);
    trusted = clock_trusted_;
  }
  if (trusted)
    if (auto good = service::check_time(*feed, unix_seconds(deps_.wall())); !good) return good;
  // Several kinds are told by one teller: one that is right says nothing of another.
  if (!queue(feed->kind, document, who + ' ' + std::string{name(feed->kind)}))
    return fail(ErrorKind::refused, too_many);
  return {};
}

void FeedDoor::hear(const View& view, const control::Tariff& tariff) {
  std::vector<Document> heard;
  {
    const std::lock_guard lock(mutex_);
    std::swap(heard, heard_);
  }
  for (const auto& document : heard)
    if (document.text && document.text->empty())
      answer(document.from, document.kind, {});
    else
      judge(document, view, tariff);
}

bool FeedDoor::judge(const Document& document, const View& view, const control::Tariff& tariff,
                     bool again) {
  const auto taken = take(document, view, tariff);
  answer(document.from, document.kind, taken, again);
  return taken.has_value();
}

Result<void> FeedDoor::take(const Document& document, const View& view,
                            const control::Tariff& tariff) {
  if (!document.text) return tl::unexpected<Error>(document.text.error());
  auto feed = service::read_told(*document.text, tariff);
  if (!feed) return tl::unexpected<Error>(std::move(feed.error()));
  const std::string kind{name(feed->kind)};
  if (feed->kind != document.kind)
    return fail(ErrorKind::invalid, "/kind: \"" + kind + "\", accepted here \"" +
                                        std::string{name(document.kind)} + '"');
  auto detail = "from=" + log_quoted(document.from) + " kind=" + kind +
                " source=" + log_quoted(feed->source) + " issued=" + utc_text(feed->issued);
  const auto& slots = feed->slots;
  const auto tells = [](const service::FeedSlot& slot) { return slot.value.has_value(); };
  const auto last = std::ranges::find_if(slots.rbegin(), slots.rend(), tells);
  if (last != slots.rend()) detail += " until=" + utc_text(std::min(feed->valid_until, last->end));
  const auto nulls = slots.size() - static_cast<std::size_t>(std::ranges::count_if(slots, tells));
  if (nulls > 0) detail += " takes_back=" + std::to_string(nulls);
  const auto added = feeds_.take(*std::move(feed), unix_seconds(view.wall));
  if (!added) return tl::unexpected<Error>(added.error());
  if (*added) log(Level::notice, "taken", detail);
  return {};
}

void FeedDoor::answer(const std::string& from, FeedKind kind, const Result<void>& taken,
                      bool again) {
  {
    const std::lock_guard lock(mutex_);
    if (taken) {
      refused_.erase(from);
      return;
    }
    auto& refused = refused_[from];
    refused.kind = kind;
    if (std::exchange(refused.reason, taken.error().detail) == taken.error().detail || again)
      return;
  }
  log(Level::warning, "refused",
      "from=" + log_quoted(from) + " reason=" + log_quoted(taken.error().detail));
}

/// By a clock that is trusted, and may be wrong: what is believed, and what has ended. So nothing
/// that is kept goes by it (F26).
void FeedDoor::believe(const View& view, const std::string& currency) {
  const UnixSeconds now = unix_seconds(view.wall);
  const bool due = !believed_at_ || view.now - *believed_at_ >= believe_period;
  const bool other_currency = std::exchange(believed_currency_, currency) != currency;
  if (!due && !other_currency && believed_version_ == feeds_.version()) return;
  believed_at_ = view.now;
  believed_version_ = feeds_.version();
  std::map<FeedKind, UnixSeconds> ended;
  std::map<FeedKind, UnixSeconds> until;
  for (const FeedKind kind : enum_values<FeedKind>) {
    if (const auto end = feeds_.ended(kind, now, currency)) ended[kind] = *end;
    if (const auto end = feeds_.until(kind, now, currency)) until[kind] = *end;
  }
  auto told = feeds_.told(now, currency);
  {
    const std::lock_guard lock(mutex_);
    if (told != *told_) told_ = std::make_shared<const service::ToldSlots>(std::move(told));
    std::swap(ended_, ended);
    std::swap(until_, until);
  }
  for (const auto& [kind, end] : ended_)
    if (!ended.contains(kind))
      log(Level::warning, "ended", "kind=" + std::string{name(kind)} + " at=" + utc_text(end));
}

void FeedDoor::keep(Instant now) {
  if (deps_.state_dir.empty() || kept_version_ == feeds_.version() ||
      (keep_failed_at_ && now - *keep_failed_at_ < keep_again))
    return;
  const fs::path folder = deps_.state_dir + "/feed/kept";
  std::error_code error;
  std::string reason;
  std::map<std::string, std::string> wanted;
  for (const FeedKind kind : enum_values<FeedKind>)
    for (const auto& feed : feeds_.history(kind).issues()) {
      std::size_t later = 0;
      while (wanted.contains(kept_name(feed, later))) ++later;
      wanted[kept_name(feed, later)] = service::feed_text(feed);
    }
  if (!wanted.empty() && !fs::is_directory(folder, error) && !fs::create_directories(folder, error))
    reason = folder.string() + ": " + error.message();
  for (const auto& [file, text] : wanted) {
    const std::size_t hash = std::hash<std::string>{}(text);
    const auto known = on_disk_.find(file);
    if (!reason.empty() || (known != on_disk_.end() && known->second == hash)) continue;
    if (const auto done = publish::replace_file(folder / file, text, 0600); !done)
      reason = done.error().detail;
    else
      on_disk_[file] = hash;
  }
  for (auto file = on_disk_.begin(); file != on_disk_.end();) {
    bool goes = !wanted.contains(file->first);
    if (goes && !fs::remove(folder / file->first, error) && error) {
      if (reason.empty())
        reason = "cannot remove " + (folder / file->first).string() + ": " + error.message();
      goes = false;
    }
    file = goes ? on_disk_.erase(file) : std::next(file);
  }
  const bool failed_before = keep_failed_at_.has_value();
  const bool fails = !reason.empty();
  if (!fails) kept_version_ = feeds_.version();
  keep_failed_at_ = fails ? std::optional{now} : std::nullopt;
  if (fails == failed_before) return;
  if (fails) log(Level::warning, "not_kept", "reason=" + log_quoted(reason));
  deps_.storage_failed(fails);
}

std::shared_ptr<const service::ToldSlots> FeedDoor::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

std::vector<std::string> FeedDoor::problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> problems;
  for (const auto& [from, refused] : refused_)
    problems.push_back("feed, " + from + ": refused, " + refused.reason);
  for (const auto& [kind, end] : ended_)
    problems.push_back("feed, " + std::string{name(kind)} + ": ended at " + utc_text(end) +
                       ", and nothing is told of now" +
                       (kind == FeedKind::solar ? "" : ": the tariff's price takes its place"));
  return problems;
}

std::vector<FeedState> FeedDoor::states() const {
  const std::lock_guard lock(mutex_);
  std::vector<FeedState> states;
  for (const FeedKind kind : enum_values<FeedKind>) {
    FeedState state{.kind = kind};
    if (const auto until = until_.find(kind); until != until_.end())
      state.until = WallTime{std::chrono::seconds{until->second}};
    for (const auto& [from, refused] : refused_) state.refused += refused.kind == kind;
    if (state.until || state.refused > 0) states.push_back(state);
  }
  return states;
}

void FeedDoor::log(Level level, std::string event, std::string detail) {
  sinks_.event("feed", {level, std::move(event), std::move(detail)});
}

}  // namespace esshub::actors
