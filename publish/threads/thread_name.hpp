// The name of the calling thread, as `ps -L` and `top -H` show it.
#pragma once

#include <pthread.h>

#include <string>

namespace esshub::publish {

/// The system keeps 15 characters.
inline void name_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace esshub::publish
