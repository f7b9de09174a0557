// Breaks the doors table on purpose: tests/layering.cmake must refuse each of these lines.
#include <caf/actor.hpp>
#include <thread>
#include <unistd.h>

#include "actors/hub.hpp"
const auto now = std::chrono::steady_clock::now();
