// The program's exit codes, as in sysexits.h.
#pragma once

namespace esshub::sim {

constexpr int exit_ok = 0;
constexpr int exit_usage = 64;
constexpr int exit_cannot_create = 73;
constexpr int exit_config = 78;  ///< a file that was given is missing or wrong

}  // namespace esshub::sim
