#include "publish/web/files.hpp"

#include <gtest/gtest.h>

#include <string>

namespace esshub::publish {
namespace {

TEST(WebFiles, OnlyThoseOfThePageAreFound) {
  ASSERT_TRUE(web_file("/page.js"));
  EXPECT_EQ(web_file("/page.js")->path, "/page.js");
  for (const auto* path : {"", "/page", "/page.js/", "page.js", "/../etc/passwd"})
    EXPECT_EQ(web_file(path), nullptr) << path;
}

/// The page must work without internet, and its policy forbids what is inline.
TEST(WebFiles, NoFileReachesOutOrHoldsInlineScriptOrStyle) {
  for (const auto& file : web_files()) {
    if (file.path == "/api/v1/openapi.json") continue;
    std::string text{file.body};
    for (const std::string_view allowed : {"http://www.w3.org/2000/svg"})
      for (auto at = text.find(allowed); at != std::string::npos; at = text.find(allowed))
        text.erase(at, allowed.size());
    for (const auto* bad : {"http:", "https:", "url(", "@import", " style=\"", " onclick",
                            "innerHTML", "insertAdjacentHTML", "eval("})
      EXPECT_EQ(text.find(bad), std::string::npos) << file.path << " has " << bad;
    if (file.content_type.starts_with("text/html")) {
      EXPECT_EQ(text.find("<script>"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace esshub::publish
