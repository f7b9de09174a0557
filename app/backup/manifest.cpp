#include "app/backup/manifest.hpp"

#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "model/utc_text.hpp"

namespace esshub::app {

using nlohmann::json;

std::string encode(const Manifest& manifest) {
  json j{{"esshub_backup", Manifest::form},
         {"version", manifest.version},
         {"made_at", utc_text(manifest.made_at)},
         {"site", manifest.site},
         {"config", manifest.config},
         {"state_dir", manifest.state_dir},
         {"history", manifest.history},
         {"files", json::array()}};
  if (manifest.history_schema) j["history_schema"] = *manifest.history_schema;
  for (const auto& file : manifest.files)
    j["files"].push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
  // A path need not be UTF-8; it is for a person.
  return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Manifest> decode_manifest(const std::string& text) {
  try {
    const json j = json::parse(text);
    const auto form = j.at("esshub_backup").get<int>();
    if (form > Manifest::form)
      return fail(ErrorKind::refused, "made by a newer version of esshub, " +
                                          j.value("version", std::string{"?"}) + " (form " +
                                          std::to_string(form) + ", this one reads " +
                                          std::to_string(Manifest::form) + ")");
    const auto made_at = read_utc(j.at("made_at").get<std::string>());
    if (form < 1 || !made_at) throw std::out_of_range("no form or time that can be");
    Manifest manifest{.version = j.at("version").get<std::string>(),
                      .made_at = *made_at,
                      .site = j.at("site").get<std::string>(),
                      .config = j.at("config").get<std::string>(),
                      .state_dir = j.at("state_dir").get<std::string>(),
                      .history = j.at("history").get<std::string>()};
    if (j.contains("history_schema"))
      manifest.history_schema = j["history_schema"].get<std::int64_t>();
    for (const auto& file : j.at("files"))
      manifest.files.push_back({file.at("name").get<std::string>(),
                                file.at("size").get<std::uint64_t>(),
                                file.at("sha256").get<std::string>()});
    return manifest;
  } catch (const std::exception& e) {  // the library's way to say no
    return fail(ErrorKind::invalid, e.what());
  }
}

}  // namespace esshub::app
