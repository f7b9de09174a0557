// Lookings: how often a history was looked through.
#pragma once

#include <sqlite3.h>

#include <string_view>

namespace esshub::publish {

/// Counts the checks of all databases that are opened while it lives.
class Lookings {
 public:
  Lookings() {
    looked = 0;
    sqlite3_auto_extension(entry());
  }
  Lookings(const Lookings&) = delete;
  Lookings& operator=(const Lookings&) = delete;
  ~Lookings() { sqlite3_cancel_auto_extension(entry()); }
  [[nodiscard]] int count() const { return looked; }

 private:
  static int opened(sqlite3* db, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, said, nullptr);
  }
  static int said(unsigned, void*, void*, void* sql) {
    looked += std::string_view{static_cast<const char*>(sql)}.find("integrity_check") !=
              std::string_view::npos;
    return 0;
  }
  static void (*entry())() { return reinterpret_cast<void (*)()>(opened); }
  inline static int looked = 0;
};

}  // namespace esshub::publish
