# Adds an enumerator without its row to a copy of HEADER and compiles UNIT with it; the compiler's words are for ctest
# to judge. Fails as well if UNIT compiles.
# Usage: cmake -DSOURCE=<repository> -DHEADER=model/fault.hpp -DBEHIND=<enumerator> -DUNIT=model/fault.cpp
#   -DWORK=<scratch folder> -DCXX=<compiler> -DOPTIONS=<the rooms' options> -P tests/missing_row.cmake
cmake_minimum_required(VERSION 3.25)

file(READ ${SOURCE}/${HEADER} text)
string(REGEX REPLACE "\n  ${BEHIND},( [^\n]*)?\n" "\n  ${BEHIND},\n  added_without_row,\n" added "${text}")
if(added STREQUAL text)
  message(FATAL_ERROR "no enumerator ${BEHIND} in ${HEADER}")
endif()
file(WRITE ${WORK}/${HEADER} "${added}")
execute_process(COMMAND ${CXX} -std=c++20 ${OPTIONS} -fsyntax-only -I${WORK} -I${SOURCE} ${SOURCE}/${UNIT}
  RESULT_VARIABLE failed ERROR_VARIABLE words)
file(REMOVE_RECURSE ${WORK})
if(NOT failed)
  message(FATAL_ERROR "${UNIT} compiles although ${BEHIND} is followed by an enumerator without a row")
endif()
message("${words}")
