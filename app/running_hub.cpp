#include "app/running_hub.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "app/commands.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;

/// Empty where there is no such process, or it has none.
std::vector<std::string> command_line(const fs::path& process) {
  std::ifstream file{process / "cmdline", std::ios::binary};
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

}  // namespace

std::optional<RunningHub> hub_of(int process, const fs::path& processes) {
  const auto words = command_line(processes / std::to_string(process));
  if (words.size() < 2 || fs::path{words.front()}.filename() != "esshub") return std::nullopt;
  if (std::ranges::find(words, "run") == words.end()) return std::nullopt;
  RunningHub hub{process, usual_config};
  constexpr std::string_view option = "--config";
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == option && i + 1 < words.size()) hub.config = words[i + 1];
    if (words[i].starts_with("--config=")) hub.config = words[i].substr(option.size() + 1);
  }
  return hub;
}

std::optional<RunningHub> running_hub(const fs::path& config, const fs::path& processes) {
  std::error_code error;
  fs::directory_iterator it{processes, error};
  while (!error && it != fs::directory_iterator{}) {
    const std::string number = it->path().filename();
    int process = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), process);
    if (parsed.ec == std::errc{} && parsed.ptr == number.data() + number.size()) {
      std::error_code ignored;
      auto hub = hub_of(process, processes);
      if (hub && (hub->config == config || fs::equivalent(hub->config, config, ignored)))
        return hub;
    }
    it.increment(error);
  }
  return std::nullopt;
}

}  // namespace esshub::app
