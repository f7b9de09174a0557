#include "actors/state_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace esshub::actors {
namespace {

using nlohmann::json;

tl::unexpected<Error> refuse(const std::filesystem::path& file, const char* what, int number) {
  return fail(ErrorKind::io, std::string{what} + " " + file.string() + ": " +
                                 std::generic_category().message(number));
}

std::int64_t seconds(WallTime t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

// What no clock ever showed is damage, and would overflow.
WallTime wall_time(const json& value) {
  constexpr std::int64_t year_2200 = 7258118400;
  const auto s = value.get<std::int64_t>();
  if (s < 0 || s > year_2200) throw std::out_of_range("a time that cannot be");
  return WallTime{std::chrono::seconds{s}};
}

Soc soc(const json& value) {
  const auto soc = Soc::from_percent(value.get<double>());
  if (!soc) throw std::out_of_range("a state of charge beyond 0 to 100 %");
  return *soc;
}

json to_json(const Instruction& i) {
  return {{"do", name(i.kind)},
          {"power_w", i.power.value()},
          {"target", i.target.percent()},
          {"low", i.low.percent()},
          {"high", i.high.percent()}};
}

Instruction to_instruction(const json& j) {
  const auto kind = instruction_kind(j.at("do").get<std::string>());
  if (!kind) throw std::out_of_range("an unknown instruction");
  return {*kind, Watts{j.at("power_w").get<double>()}, soc(j.at("target")), soc(j.at("low")),
          soc(j.at("high"))};
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::string encode(const SavedState& state) {
  json j{{"saved_at", seconds(state.saved_at)}};
  if (state.mode) j["mode"] = name(*state.mode);
  if (state.reserve) j["reserve"] = state.reserve->percent();
  if (state.manual) {
    j["override"] = to_json(state.manual->instruction);
    j["override"]["until"] = seconds(state.manual->until);
  }
  if (state.storm)
    j["storm"] = {{"reserve", state.storm->reserve.percent()},
                  {"until", seconds(state.storm->until)}};
  if (state.last_full) j["last_full"] = seconds(*state.last_full);
  return j.dump(2) + "\n";
}

Result<SavedState> decode_state(const std::string& text) {
  try {
    const json j = json::parse(text);
    SavedState state;
    state.saved_at = wall_time(j.at("saved_at"));
    if (j.contains("mode")) {
      state.mode = mode(j["mode"].get<std::string>());
      if (!state.mode) throw std::out_of_range("an unknown mode");
    }
    if (j.contains("reserve")) state.reserve = soc(j["reserve"]);
    if (j.contains("override"))
      state.manual = {to_instruction(j["override"]), wall_time(j["override"].at("until"))};
    if (j.contains("storm"))
      state.storm = {soc(j["storm"].at("reserve")), wall_time(j["storm"].at("until"))};
    if (j.contains("last_full")) state.last_full = wall_time(j["last_full"]);
    return state;
  } catch (const std::exception& e) {  // the library's way to say no
    return fail(ErrorKind::invalid, e.what());
  }
}

Result<std::optional<std::string>> read_file(const std::filesystem::path& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in{std::fopen(file.c_str(), "rbe"),
                                                           &std::fclose};
  if (!in && errno == ENOENT) return std::nullopt;
  if (!in) return refuse(file, "cannot read", errno);
  std::string text;
  std::array<char, 4096> block{};
  while (const auto n = std::fread(block.data(), 1, block.size(), in.get()))
    text.append(block.data(), n);
  if (std::ferror(in.get()) != 0) return refuse(file, "cannot read", errno);
  return text;
}

Result<void> write_atomically(const std::filesystem::path& file, const std::string& text) {
  std::error_code ignored;  // the open below says it better
  std::filesystem::create_directories(file.parent_path(), ignored);
  auto fresh = file;
  fresh += ".new";
  {
    const Descriptor out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
    if (out.get() < 0) return refuse(fresh, "cannot create", errno);
    if (!write_all(out.get(), text) || ::fsync(out.get()) != 0)
      return refuse(fresh, "cannot write", errno);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) return refuse(file, "cannot replace", errno);
  const Descriptor folder{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.get() < 0 || ::fsync(folder.get()) != 0)
    return refuse(file.parent_path(), "cannot sync", errno);
  return {};
}

Result<std::filesystem::path> quarantine(const std::filesystem::path& file, WallTime now) {
  auto aside = file;
  aside += ".damaged-" + std::to_string(seconds(now));
  if (::rename(file.c_str(), aside.c_str()) != 0) return refuse(file, "cannot set aside", errno);
  return aside;
}

}  // namespace esshub::actors
