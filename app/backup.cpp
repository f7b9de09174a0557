#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <ostream>

#include "app/backup/archive.hpp"
#include "app/backup/progress.hpp"
#include "app/commands.hpp"
#include "config/config.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;

/// One of the files that are saved: the backup would replace what it is of.
bool is_source(const fs::path& file, const BackupPlaces& places) {
  const auto is = [&](const fs::path& other) {
    std::error_code unknown;
    return fs::equivalent(file, other, unknown);
  };
  if (is(places.config) || is(places.history) || is(places.history.string() + "-wal")) return true;
  for (const auto& secret : places.secrets)
    if (is(secret.file)) return true;
  for (const auto below : state_folders) {
    const auto name = std::string{below} + file.filename().string();
    if (is_kept_state(name) && is(places.state_dir / name)) return true;
  }
  return false;
}

}  // namespace

int backup(const BackupOptions& options, std::ostream& out, std::ostream& err) {
  const auto refuse = [&err](const std::string& text) {
    err << "esshub backup: " << text << '\n';
    return exit_failure;
  };
  const auto config = config::load_config(options.config);
  if (!config) {
    for (const auto& error : config.error()) err << config::describe(options.config, error) << '\n';
    return exit_config;
  }
  std::error_code unknown;
  const auto found = fs::symlink_status(options.file, unknown);
  const auto places = places_of(options.config, *config);
  if (is_source(options.file, places))
    return refuse(options.file.string() +
                  " is one of the files that are saved; nothing was written");
  if (fs::exists(found) && !options.force)
    return refuse(options.file.string() + " is there already; --force replaces it");
  if (fs::exists(found) && !fs::is_regular_file(found))
    return refuse(options.file.string() + " is no regular file");
  const auto made =
      write_backup({places, config->site_name, options.with_secrets}, fs::absolute(options.file),
                   {0600, ::geteuid(), ::getegid()}, tell_progress(err));
  if (!made) return refuse(made.error().detail + "; nothing was written");
  for (const auto& file : made->not_there)
    err << "esshub backup: " << file << " is not there: left out\n";
  const auto& manifest = made->manifest;
  out << options.file.string() << ": "
      << fmt::format("{} files, {}", manifest.files.size(),
                     manifest.history_schema
                         ? fmt::format("with the history (schema {})", *manifest.history_schema)
                         : std::string{"without a history"})
      << (options.with_secrets ? ", with the secret files" : "") << '\n';
  if (!made->no_history.empty())
    return refuse("the history is left out, all else is saved: " + made->no_history);
  return exit_ok;
}

}  // namespace esshub::app
