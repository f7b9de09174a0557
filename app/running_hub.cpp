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

template <class Wanted>
std::optional<RunningHub> first_hub(const fs::path& processes, Wanted wanted) {
  std::error_code error;
  fs::directory_iterator it{processes, error};
  while (!error && it != fs::directory_iterator{}) {
    const std::string number = it->path().filename();
    int process = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), process);
    if (parsed.ec == std::errc{} && parsed.ptr == number.data() + number.size())
      if (auto hub = hub_of(process, processes); hub && wanted(*hub)) return hub;
    it.increment(error);
  }
  return std::nullopt;
}

}  // namespace

std::optional<RunningHub> hub_of(int process, const fs::path& processes) {
  const auto words = command_line(processes / std::to_string(process));
  if (words.size() < 2 || fs::path{words.front()}.filename() != "esshub") return std::nullopt;
  const auto command = std::find_if(words.begin() + 1, words.end(),
                                    [](const std::string& word) { return !word.starts_with('-'); });
  if (command == words.end() || *command != "run") return std::nullopt;
  RunningHub hub{process, usual_config};
  constexpr std::string_view option = "--config";
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == option && i + 1 < words.size()) hub.config = words[i + 1];
    if (words[i].starts_with("--config=")) hub.config = words[i].substr(option.size() + 1);
  }
  return hub;
}

std::optional<RunningHub> running_hub(const fs::path& config, const fs::path& processes) {
  return first_hub(processes, [&config](const RunningHub& hub) {
    std::error_code ignored;
    return hub.config == config || fs::equivalent(hub.config, config, ignored);
  });
}

std::optional<RunningHub> any_running_hub(const fs::path& processes) {
  return first_hub(processes, [](const RunningHub&) { return true; });
}

}  // namespace esshub::app
