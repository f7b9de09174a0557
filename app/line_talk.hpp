// Runs a conversation on a real line.
#pragma once

#include <optional>
#include <string>

#include "app/probe/conversation.hpp"
#include "transport/io_thread.hpp"
#include "transport/line.hpp"

namespace esshub::app {

/// Opens the line, lets the conversation go on until it is over, and closes the line. Nothing if it
/// came to its end; else why not, for a person: the line could not be opened or was lost, or it
/// took longer than `limit`.
[[nodiscard]] std::optional<std::string> talk(transport::IoThread& io,
                                              const transport::LineSettings& line,
                                              Conversation& conversation, Duration limit);

}  // namespace esshub::app
