// The one place that knows which line belongs to which settings.
#pragma once

#include <memory>

#include "transport/line.hpp"

namespace boost::asio {
class io_context;
}

namespace esshub::transport {

[[nodiscard]] std::shared_ptr<Line> make_line(boost::asio::io_context& io,
                                              const LineSettings& settings);

}  // namespace esshub::transport
