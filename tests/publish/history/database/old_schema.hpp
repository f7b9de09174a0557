// A history as the hub of schema 3 made it, by its own statements.
#pragma once

namespace esshub::publish::old_schema {

constexpr auto made_by_version_3 =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304;"
    "BEGIN IMMEDIATE; PRAGMA application_id=1163088712;"
    "CREATE TABLE minutes(begin INTEGER PRIMARY KEY, grid_w INTEGER, solar_w INTEGER,"
    " house_w INTEGER, battery_w INTEGER, soc_tenths INTEGER);"
    "CREATE TABLE days(date TEXT PRIMARY KEY, grid_import REAL NOT NULL, grid_export REAL NOT NULL,"
    " solar REAL NOT NULL, house REAL NOT NULL, battery_charge REAL NOT NULL,"
    " battery_discharge REAL NOT NULL, import_cost REAL, export_income REAL,"
    " import_unpriced REAL NOT NULL, export_unpriced REAL NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE totals(flow TEXT PRIMARY KEY, joules REAL NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE events(at INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
    " detail TEXT NOT NULL);"
    "CREATE INDEX events_at ON events(at);"
    "ALTER TABLE totals ADD COLUMN mark REAL NOT NULL DEFAULT 0; UPDATE totals SET mark=joules;"
    "CREATE TABLE misdated_minutes AS SELECT * FROM minutes WHERE 0;"
    "CREATE TABLE misdated_days AS SELECT * FROM days WHERE 0;"
    "CREATE TABLE misdated_events AS SELECT * FROM events WHERE 0;"
    "PRAGMA user_version=3; COMMIT;"
    "INSERT INTO minutes VALUES(1768474680,-12,1500,300,1188,555);"
    "INSERT INTO minutes VALUES(1768474740,10,NULL,NULL,NULL,560);"
    "INSERT INTO misdated_minutes VALUES(1868474680,1,2,3,4,5);"
    "INSERT INTO days VALUES('2026-01-15',3600000.0,0.0,0.0,0.0,0.0,0.0,0.25,NULL,0.0,0.0);"
    "INSERT INTO totals VALUES('grid_import',7200000.0,7560000.0),('grid_export',0.0,0.0),"
    "('solar',0.0,0.0),('house',0.0,0.0),('battery_charge',0.0,0.0),('battery_discharge',0.0,0.0);"
    "INSERT INTO events VALUES(1768474680000,'system','started','');";

/// A minute, as it wrote them.
constexpr auto writes_of_version_3 =
    "INSERT INTO minutes VALUES(1768474800,7,NULL,NULL,NULL,NULL) ON CONFLICT(begin) DO UPDATE SET"
    " grid_w=coalesce(grid_w, excluded.grid_w),"
    " solar_w=coalesce(solar_w, excluded.solar_w),"
    " house_w=coalesce(house_w, excluded.house_w),"
    " battery_w=coalesce(battery_w, excluded.battery_w),"
    " soc_tenths=coalesce(soc_tenths, excluded.soc_tenths)";

}  // namespace esshub::publish::old_schema
