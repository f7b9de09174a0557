// The page's files, built into the program.
#pragma once

#include <span>
#include <string_view>

namespace esshub::publish {

struct WebFile {
  std::string_view path;  ///< as asked for: "/", "/kiosk", "/page.js", ...
  std::string_view content_type;
  std::string_view etag;  ///< quoted; changes with the content
  std::string_view body;
};

/// All of publish/web/, written by publish/embed.cmake when the program is built.
[[nodiscard]] std::span<const WebFile> web_files();

/// Null when there is no such file.
[[nodiscard]] const WebFile* web_file(std::string_view path);

}  // namespace esshub::publish
