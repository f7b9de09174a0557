#include "transport/port_trouble.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

namespace esshub::transport {
namespace {

namespace fs = std::filesystem;

/// Calls `use(path)` for each entry; a directory that cannot be read has none.
template <class Use>
void for_each_entry(const fs::path& directory, Use use) {
  std::error_code error;
  fs::directory_iterator it{directory, error};
  while (!error && it != fs::directory_iterator{}) {
    use(it->path());
    it.increment(error);
  }
}

/// Links are read, never followed: a file on a dead network share must not hold us up.
bool has_open(const fs::path& process, const fs::path& device) {
  bool found = false;
  for_each_entry(process / "fd", [&](const fs::path& link) {
    std::error_code error;
    found = found || fs::read_symlink(link, error) == device;
  });
  return found;
}

std::string in_use(const std::string& path, const PortPlaces& places) {
  const auto holder = holder_of(path, places);
  if (!holder)
    return path + ": in use by another program; stop that one first (sudo fuser -v " + path +
           " names it)";
  if (holder->pid == ::getpid()) return path + ": in use by another bus of this program";
  const std::string name = holder->name.empty() ? "a program" : holder->name;
  return path + ": in use by " + name + " (process " + std::to_string(holder->pid) +
         "); stop it first";
}

std::string absent(const std::string& path, const PortPlaces& places) {
  std::string out = path + ": no such device; is it plugged in? ";
  const auto found = adapters(places);
  if (found.empty()) return out + "No serial adapter is.";
  out += places.by_id.string() + " has";
  for (const auto& name : found) out += (&name == &found.front() ? " " : ", ") + name;
  return out;
}

}  // namespace

std::optional<PortHolder> holder_of(const std::string& path, const PortPlaces& places) {
  std::error_code error;
  const auto device = fs::canonical(path, error);
  if (error) return std::nullopt;
  std::optional<PortHolder> found;
  for_each_entry(places.processes, [&](const fs::path& process) {
    if (found && found->pid != ::getpid()) return;
    const std::string number = process.filename();
    int pid = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != number.data() + number.size()) return;
    if (!has_open(process, device)) return;
    found = PortHolder{pid, {}};
    std::ifstream comm{process / "comm"};
    std::getline(comm, found->name);
  });
  return found;
}

std::vector<std::string> adapters(const PortPlaces& places) {
  std::vector<std::string> out;
  for_each_entry(places.by_id, [&](const fs::path& path) { out.push_back(path.filename()); });
  std::ranges::sort(out);
  return out;
}

std::string open_failure(const std::string& path, int error, const PortPlaces& places) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return absent(path, places);
    case EACCES:
      return path +
             ": permission denied; add the user to the group dialout (sudo usermod -aG dialout "
             "NAME) and log in again";
    case EPERM:
      return path + ": not permitted; a service needs DeviceAllow= for this kind of device";
    case EBUSY:
    case EWOULDBLOCK:
      return in_use(path, places);
    default:
      return path + ": " + std::generic_category().message(error);
  }
}

}  // namespace esshub::transport
