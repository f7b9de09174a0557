// Finding: what a probe of the installation found of one thing, for a person and as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace esshub::app {

enum class Verdict : std::uint8_t {
  ok,
  warning,  ///< the hub works with it, and somebody should see to it
  failed,
};
[[nodiscard]] std::string_view name(Verdict verdict);

struct Finding {
  std::string what;  ///< "meters: main (sdm630, unit 1)"
  Verdict verdict = Verdict::ok;
  std::string symptom;   ///< what was seen
  std::string cause{};   ///< why it is so, most likely; empty if ok
  std::string action{};  ///< what to do; empty if ok
  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

[[nodiscard]] inline Finding ok(std::string what, std::string symptom) {
  return {std::move(what), Verdict::ok, std::move(symptom)};
}

[[nodiscard]] bool any_failed(const Findings& findings);

/// One line if ok, else three: `FAILED  what: symptom`, `cause: ...`, `do: ...`; with line ends.
[[nodiscard]] std::string to_text(const Finding& finding);
/// "6 ok, 1 warning, 2 failed".
[[nodiscard]] std::string summary(const Findings& findings);
/// {"ok": no failure, "findings": [{"what", "verdict", "symptom", "cause", "action"}]}
[[nodiscard]] nlohmann::json to_json(const Findings& findings);

}  // namespace esshub::app
