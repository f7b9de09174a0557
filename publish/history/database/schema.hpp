// The schema of the history's database, and how an older one is brought up to date.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "model/sample.hpp"

namespace esshub::publish::schema {

/// Step n brings version n to n + 1. A step that has been released is never changed.
inline constexpr std::array migrations{
    // Whole watts and tenths of a per cent: SQLite keeps small numbers in one to three bytes.
    "CREATE TABLE minutes(begin INTEGER PRIMARY KEY, grid_w INTEGER, solar_w INTEGER,"
    " house_w INTEGER, battery_w INTEGER, soc_tenths INTEGER);"
    "CREATE TABLE days(date TEXT PRIMARY KEY, grid_import REAL NOT NULL, grid_export REAL NOT NULL,"
    " solar REAL NOT NULL, house REAL NOT NULL, battery_charge REAL NOT NULL,"
    " battery_discharge REAL NOT NULL, import_cost REAL, export_income REAL,"
    " import_unpriced REAL NOT NULL, export_unpriced REAL NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE totals(flow TEXT PRIMARY KEY, joules REAL NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE events(at INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
    " detail TEXT NOT NULL);"
    "CREATE INDEX events_at ON events(at);",
    "ALTER TABLE totals ADD COLUMN mark REAL NOT NULL DEFAULT 0; UPDATE totals SET mark=joules;",
    "CREATE TABLE misdated_minutes AS SELECT * FROM minutes WHERE 0;"
    "CREATE TABLE misdated_days AS SELECT * FROM days WHERE 0;"
    "CREATE TABLE misdated_events AS SELECT * FROM events WHERE 0;",
    // NULL in all rows of before: it was not noted.
    "ALTER TABLE minutes ADD COLUMN circuit1_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit2_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit3_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit4_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit5_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit6_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit7_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit8_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit9_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN circuit10_w INTEGER;"
    "ALTER TABLE minutes ADD COLUMN curtailed INTEGER;"
    "ALTER TABLE minutes ADD COLUMN islanded INTEGER;"
    "ALTER TABLE minutes ADD COLUMN partial INTEGER;"
    "ALTER TABLE misdated_minutes RENAME TO misdated_before;"
    "CREATE TABLE misdated_minutes AS SELECT * FROM minutes WHERE 0;"
    "INSERT INTO misdated_minutes(begin, grid_w, solar_w, house_w, battery_w, soc_tenths)"
    " SELECT begin, grid_w, solar_w, house_w, battery_w, soc_tenths FROM misdated_before;"
    "DROP TABLE misdated_before;",
};
inline constexpr auto version = static_cast<std::int64_t>(migrations.size());

/// Of a minute: what was measured, then flags; in the order of its columns after `begin`.
inline constexpr std::array measured{"grid_w",     "solar_w",    "house_w",    "battery_w",
                                     "soc_tenths", "circuit1_w", "circuit2_w", "circuit3_w",
                                     "circuit4_w", "circuit5_w", "circuit6_w", "circuit7_w",
                                     "circuit8_w", "circuit9_w", "circuit10_w"};
inline constexpr std::size_t circuits_from = 5;  ///< in `measured`
static_assert(measured.size() == circuits_from + max_circuits);
inline constexpr std::array flags{"curtailed", "islanded", "partial"};

/// Minutes of a file of that version: `begin` and all of the above; NULL for what it does not have.
[[nodiscard]] std::string select_minutes(std::int64_t of_version);
/// What is there stands, and is completed: a restart within a minute leaves two halves, and a clock
/// that is set back comes to the same minutes once more. What one half says of itself is said of
/// the minute.
[[nodiscard]] std::string insert_minute();

}  // namespace esshub::publish::schema
