// Ear: an open line for a tool's own thread; what the I/O thread hears waits here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/time.hpp"
#include "protocol/bytes.hpp"
#include "transport/line.hpp"

namespace boost::asio {
class io_context;
}

namespace esshub::app {

class Ear {
 public:
  struct Chunk {
    protocol::Bytes bytes;
    Instant at;
  };

  /// Opens the line.
  Ear(boost::asio::io_context& io, const transport::LineSettings& settings);
  ~Ear();  ///< closes it
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  [[nodiscard]] std::vector<Chunk> take();
  /// Why the line is gone.
  [[nodiscard]] std::optional<std::string> down() const;
  [[nodiscard]] bool up() const;
  void write(protocol::Bytes bytes);
  /// Until something is heard or the line goes up or down, at most so long.
  void wait(Duration most) const;

 private:
  struct Heard;
  std::shared_ptr<Heard> heard_;  // the line may outlive the ear
  std::shared_ptr<transport::Line> line_;
};

}  // namespace esshub::app
