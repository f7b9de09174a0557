#include "publish/web/files.hpp"

#include <algorithm>

namespace esshub::publish {

const WebFile* web_file(std::string_view path) {
  const auto files = web_files();
  const auto found = std::ranges::find(files, path, &WebFile::path);
  return found == files.end() ? nullptr : &*found;
}

}  // namespace esshub::publish
