#include "publish/history/database/schema.hpp"

#include <cstddef>

namespace esshub::publish::schema {
namespace {

constexpr std::int64_t with_circuits = 4;  // version

}  // namespace

std::string select_minutes(std::int64_t of_version) {
  std::string sql = "SELECT begin";
  const auto add = [&](const char* column, bool there) {
    sql += there ? std::string{", "} + column : ", NULL";
  };
  for (std::size_t i = 0; i < measured.size(); ++i)
    add(measured.at(i), i < circuits_from || of_version >= with_circuits);
  for (const char* flag : flags) add(flag, of_version >= with_circuits);
  return sql + " FROM minutes WHERE begin >= ? AND begin < ? ORDER BY begin";
}

std::string insert_minute() {
  std::string values = "?";
  std::string update;
  for (const char* column : measured) {
    values += ",?";
    update += std::string{column} + "=coalesce(" + column + ", excluded." + column + "), ";
  }
  for (const char* flag : flags) {
    values += ",?";
    update += std::string{flag} + "=max(coalesce(" + flag + ", 0), excluded." + flag + "), ";
  }
  update.resize(update.size() - 2);
  return "INSERT INTO minutes VALUES(" + values + ") ON CONFLICT(begin) DO UPDATE SET " + update;
}

}  // namespace esshub::publish::schema
