#include "app/bus_tools/ear.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "transport/make_line.hpp"

namespace esshub::app {

struct Ear::Heard {
  std::mutex mutex;
  std::condition_variable news;
  std::vector<Chunk> chunks;
  std::optional<std::string> down;
  bool up = false;
  bool told = false;  ///< something since the last wait

  template <class F>
  void set(F change) {
    const std::lock_guard lock{mutex};
    change(*this);
    told = true;
    news.notify_one();
  }
};

Ear::Ear(boost::asio::io_context& io, const transport::LineSettings& settings)
    : heard_(std::make_shared<Heard>()), line_(transport::make_line(io, settings)) {
  line_->open({.on_up = [heard = heard_] { heard->set([](Heard& h) { h.up = true; }); },
               .on_chunk =
                   [heard = heard_](protocol::Bytes bytes, Instant at) {
                     heard->set([&](Heard& h) { h.chunks.push_back({std::move(bytes), at}); });
                   },
               .on_down =
                   [heard = heard_](std::string reason) {
                     heard->set([&](Heard& h) { h.down = std::move(reason); });
                   }});
}

Ear::~Ear() {
  line_->close();
}

std::vector<Ear::Chunk> Ear::take() {
  const std::lock_guard lock{heard_->mutex};
  return std::exchange(heard_->chunks, {});
}

std::optional<std::string> Ear::down() const {
  const std::lock_guard lock{heard_->mutex};
  return heard_->down;
}

bool Ear::up() const {
  const std::lock_guard lock{heard_->mutex};
  return heard_->up;
}

void Ear::write(protocol::Bytes bytes) {
  line_->write(std::move(bytes));
}

void Ear::wait(Duration most) const {
  std::unique_lock lock{heard_->mutex};
  heard_->news.wait_for(lock, most, [this] { return heard_->told; });
  heard_->told = false;
}

}  // namespace esshub::app
