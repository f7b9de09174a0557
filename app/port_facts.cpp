#include "app/port_facts.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "transport/port_trouble.hpp"

namespace esshub::app {

PortFacts look_at_port(const std::string& path) {
  PortFacts port{.path = path, .adapters = transport::adapters()};
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return port;
  port.exists = true;
  port.character_device = S_ISCHR(status.st_mode);
  port.mode = status.st_mode & 0777u;
  port.uid = status.st_uid;
  port.gid = status.st_gid;
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  if (!error && target != path) port.target = target;
  const auto* group = ::getgrgid(status.st_gid);
  port.group = group != nullptr ? group->gr_name : std::to_string(status.st_gid);
  if (const auto holder = transport::holder_of(path); holder && holder->pid != ::getpid()) {
    port.holder = holder->pid;
    port.holder_name = holder->name;
  }
  return port;
}

std::optional<UserFacts> look_up_user(const std::string& name) {
  const auto* user = ::getpwnam(name.c_str());
  if (user == nullptr) return std::nullopt;
  UserFacts facts{name, user->pw_uid, {}};
  int count = 64;
  std::vector<gid_t> gids(static_cast<std::size_t>(count));
  if (::getgrouplist(name.c_str(), user->pw_gid, gids.data(), &count) < 0) {
    gids.resize(static_cast<std::size_t>(count));
    (void)::getgrouplist(name.c_str(), user->pw_gid, gids.data(), &count);
  }
  gids.resize(static_cast<std::size_t>(count));
  facts.gids.assign(gids.begin(), gids.end());
  return facts;
}

}  // namespace esshub::app
