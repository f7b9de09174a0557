# Writes a C++ file that holds the page's files.
# Usage: cmake -DSOURCE=<publish/web/page> -DOUTPUT=<file.cpp> -P publish/web/embed.cmake
cmake_minimum_required(VERSION 3.25)

set(types "html=text/html\\; charset=utf-8" "css=text/css\\; charset=utf-8" "json=application/json"
  "js=text/javascript\\; charset=utf-8" "svg=image/svg+xml" "webmanifest=application/manifest+json")
file(GLOB files RELATIVE ${SOURCE} ${SOURCE}/*)
set(arrays "")
set(rows "")
set(count 0)
foreach(file ${files})
  string(REGEX MATCH "[^.]+$" ending ${file})
  set(type "")
  foreach(row IN LISTS types)
    if(row MATCHES "^${ending}=(.*)$")
      set(type "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(type STREQUAL "")
    message(FATAL_ERROR "${file}: no content type is known for .${ending}")
  endif()
  set(path "/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  elseif(file STREQUAL "kiosk.html")
    set(path "/kiosk")
  elseif(file STREQUAL "openapi.json")
    set(path "/api/v1/openapi.json")
  endif()
  file(READ ${SOURCE}/${file} hex HEX)
  string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(SIZE ${SOURCE}/${file} size)
  file(SHA256 ${SOURCE}/${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  string(APPEND arrays "constexpr unsigned char file${count}[] = {\n${bytes}};\n")
  string(APPEND rows "    {\"${path}\", \"${type}\", \"\\\"${hash}\\\"\", text(file${count}, ${size})},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Written by publish/web/embed.cmake.
#include \"publish/web/files.hpp\"

#include <array>

namespace esshub::publish {
namespace {

${arrays}
std::string_view text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::span<const WebFile> web_files() {
  static const std::array<WebFile, ${count}> files{{
${rows}  }};
  return files;
}

}  // namespace esshub::publish
")
