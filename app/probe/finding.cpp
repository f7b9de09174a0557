#include "app/probe/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace esshub::app {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::failed:
      return "failed";
  }
  return "";
}

bool any_failed(const Findings& findings) {
  return std::ranges::count(findings, Verdict::failed, &Finding::verdict) > 0;
}

std::string to_text(const Finding& finding) {
  const auto mark = finding.verdict == Verdict::failed ? "FAILED" : name(finding.verdict);
  auto text = fmt::format("{:<8}{}: {}\n", mark, finding.what, finding.symptom);
  if (!finding.cause.empty()) text += fmt::format("        cause: {}\n", finding.cause);
  if (!finding.action.empty()) text += fmt::format("        do: {}\n", finding.action);
  return text;
}

std::string summary(const Findings& findings) {
  const auto count = [&](Verdict verdict) {
    return std::ranges::count(findings, verdict, &Finding::verdict);
  };
  const auto warnings = count(Verdict::warning);
  return fmt::format("{} ok, {} warning{}, {} failed", count(Verdict::ok), warnings,
                     warnings == 1 ? "" : "s", count(Verdict::failed));
}

nlohmann::json to_json(const Findings& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& finding : findings)
    list.push_back({{"what", finding.what},
                    {"verdict", name(finding.verdict)},
                    {"symptom", finding.symptom},
                    {"cause", finding.cause},
                    {"action", finding.action}});
  return {{"ok", !any_failed(findings)}, {"findings", std::move(list)}};
}

}  // namespace esshub::app
