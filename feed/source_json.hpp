// A source's JSON: strangers' text, bounded; what is not there or of another type is told.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "feed/wanted.hpp"

namespace esshub::feed {

/// The document's object.
[[nodiscard]] Result<nlohmann::json> source_json(std::string_view text);

/// The list at `key`, or null.
[[nodiscard]] const nlohmann::json* list_at(const nlohmann::json& object, const char* key);
/// The number at `key`.
[[nodiscard]] Result<double> number_at(const nlohmann::json& object, const char* key);
/// The text at `key`, or empty.
[[nodiscard]] std::string_view text_at(const nlohmann::json& object, const char* key);
/// The moment at `key`, with its zone.
[[nodiscard]] Result<UnixSeconds> moment_at(const nlohmann::json& object, const char* key);

/// Strangers' text, fit for a line of a log.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace esshub::feed
