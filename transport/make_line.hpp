// The one place that knows which line belongs to which settings.
#pragma once

#include <memory>

#include "transport/call_mark.hpp"
#include "transport/line.hpp"

namespace boost::asio {
class io_context;
}

namespace esshub::transport {

/// `mark` says, to any thread, which system call the line is in; without one nobody looks.
[[nodiscard]] std::shared_ptr<Line> make_line(boost::asio::io_context& io,
                                              const LineSettings& settings,
                                              std::shared_ptr<CallMark> mark = {});

}  // namespace esshub::transport
