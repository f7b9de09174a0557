# Fails when a room includes what its row of the doors table forbids.
# Usage: cmake -DSOURCE=<repository> -P tests/layering.cmake
cmake_minimum_required(VERSION 3.25)

# door(room OURS rooms... [THIRD prefixes...] [PURE] [EXCEPT file prefixes...] [SHELLS files...])
#   OURS   rooms whose headers it may include
#   THIRD  what the names of allowed third-party headers begin with
#   PURE   no operating system, threads, files or clocks
#   EXCEPT in this one file, these prefixes are allowed as well
#   APART  a folder in it that is a room of its own
#   SHELLS the files (without .hpp, .cpp) of a pure room that are not: they own a thread or a socket
function(door room)
  cmake_parse_arguments(ARG "PURE" "APART" "OURS;THIRD;EXCEPT;SHELLS" ${ARGN})
  file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/${room}/*.hpp ${SOURCE}/${room}/*.cpp)
  list(FILTER files EXCLUDE REGEX "^(${ARG_APART})/")
  foreach(file ${files})
    set(third ${ARG_THIRD})
    set(pure ${ARG_PURE})
    string(REGEX REPLACE "\\.[hc]pp$" "" stem ${file})
    if(stem IN_LIST ARG_SHELLS)
      set(pure FALSE)
    endif()
    list(GET ARG_EXCEPT 0 except_file)
    if(file STREQUAL except_file)
      list(APPEND third ${ARG_EXCEPT})
    endif()
    file(STRINGS ${SOURCE}/${file} lines REGEX "^ *#include ")
    foreach(line ${lines})
      check_include(${file} "${line}" "${ARG_OURS}" "${third}" "${pure}")
    endforeach()
    if(pure)
      file(STRINGS ${SOURCE}/${file} lines REGEX "_clock::now\\(|clock_gettime|gettimeofday|[^a-z_]time\\((NULL|nullptr)\\)")
      foreach(line ${lines})
        complain(${file} "reads a clock: ${line}")
      endforeach()
    endif()
  endforeach()
endfunction()

function(check_include file line ours third pure)
  if(line MATCHES "#include \"esshub_version.hpp\"")
    return()
  endif()
  if(line MATCHES "#include \"(.*)/[^/]*\"")
    set(folder ${CMAKE_MATCH_1})
    set(is_ours FALSE)
    foreach(room ${ours})  # with its inner modules
      if(folder STREQUAL room OR (folder MATCHES "^${room}/[a-z_]+$" AND NOT folder STREQUAL "sim/plant"))
        set(is_ours TRUE)
      endif()
    endforeach()
    if(NOT is_ours)
      complain(${file} "may not include the room ${folder}: ${line}")
    endif()
  elseif(line MATCHES "#include <([^>]*)>")
    set(header ${CMAKE_MATCH_1})
    foreach(prefix ${third})
      string(FIND ${header} ${prefix} at)
      if(at EQUAL 0)
        return()
      endif()
    endforeach()
    set(shells thread mutex shared_mutex condition_variable future semaphore stop_token fstream
      filesystem iostream)
    if(header MATCHES "^[a-z0-9_]+$")  # C++ standard library
      if(pure AND header IN_LIST shells)
        complain(${file} "is pure and may not include <${header}>")
      endif()
    elseif(header MATCHES "\\.h$" AND NOT header MATCHES "^(caf|boost|prometheus|toml|CLI|date|spdlog)/")
      if(pure)
        complain(${file} "is pure and may not include <${header}>")
      endif()
    else()
      complain(${file} "may not include <${header}>")
    endif()
  else()
    complain(${file} "includes outside the rooms: ${line}")
  endif()
endfunction()

function(complain file text)
  message(SEND_ERROR "${file} ${text}")
endfunction()

door(model OURS model THIRD tl/ PURE)
door(protocol OURS model protocol THIRD tl/ PURE)
door(control OURS model control PURE)
door(transport OURS transport THIRD boost/)
door(civil_time OURS model civil_time THIRD date/ PURE)
door(service OURS model protocol control civil_time service THIRD nlohmann/ tl/ PURE)
door(config OURS model civil_time protocol control transport publish config THIRD tl/ toml++/ fmt/ date/)
door(metrics OURS model metrics THIRD prometheus/)
door(publish OURS model publish THIRD nlohmann/ tl/ boost/ PURE
  SHELLS publish/closable_sinks publish/detachable_thread publish/latest_view publish/history/file
  publish/history/store publish/mqtt/mqtt publish/venus/dbus publish/venus/dbus_service
  publish/venus/portal_id publish/web/web publish/web/api publish/web/auth publish/web/client
  publish/web/client_plain publish/web/client_tls publish/web/connection)
door(sim/plant OURS model protocol transport sim/plant PURE)
door(sim APART sim/plant OURS model civil_time protocol transport control service config sim/plant sim THIRD tl/ boost/ toml++/ nlohmann/ date/
  EXCEPT sim/main.cpp CLI/)
door(actors OURS model civil_time protocol control service transport config metrics publish actors
  THIRD tl/ caf/ boost/ concurrentqueue.h systemd/ date/ nlohmann/)
door(app OURS model protocol control transport config metrics publish actors app
  THIRD tl/ nlohmann/ spdlog/ fmt/ date/ curl/ EXCEPT app/main.cpp CLI/)
