// The command language of the simulator: one line of text changes the plant or asks it for truth.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "sim/plant/plant.hpp"

namespace esshub::sim {

/// Does it and returns what to say after "ok" (may be empty).
using PlantCommand = std::function<std::string(Plant&)>;

/// The error says what was expected. Nothing happens until the PlantCommand is called.
[[nodiscard]] tl::expected<PlantCommand, std::string> parse_command(std::string_view line);

/// Parses and runs; "ok", "ok ..." or "error ...".
[[nodiscard]] std::string answer(Plant& plant, std::string_view line);

/// The truth at this moment: powers in W with our signs, keys end in their unit.
[[nodiscard]] nlohmann::json state(const Plant& plant);

/// All commands, one a line, for --help.
[[nodiscard]] std::string command_help();

}  // namespace esshub::sim
