"""A month of history for a house that has none: fill(database, zone), then start the hub."""
import math
import os
import sqlite3
import time
from datetime import datetime, timedelta

from house import wait_for

KWH = 3.6e6


def sun_w(hour):
    return max(0.0, 2800 * math.sin((hour - 7) / 10 * math.pi)) if 7 < hour < 17 else 0.0


def house_w(hour):
    return 280 + 900 * math.exp(-((hour - 7.5) ** 2)) + 1600 * math.exp(-((hour - 18.5) ** 2) / 2)


def fill(database, zone):
    """Minutes from the zone's midnight, and 31 days before its today.

    The file must have its tables: a hub made it and has stopped.
    """
    now = int(time.time()) // 60 * 60
    today = datetime.fromtimestamp(now, zone).date()
    midnight = int(datetime(today.year, today.month, today.day, tzinfo=zone).timestamp())
    soc = 40.0
    rows = []
    flows = [0.0] * 6  # J: grid import and export, sun, house, battery charged and discharged
    for begin in range(midnight, now, 60):
        hour = (begin - midnight) / 3600
        sun, house = sun_w(hour), house_w(hour)
        battery = max(-2400, min(2400, sun - house))
        if (soc <= 15 and battery < 0) or (soc >= 97 and battery > 0):
            battery = 0
        soc += battery / 60 / 9600 * 100
        grid = house + battery - sun
        rows.append((begin, round(grid), round(sun), round(house), round(battery), round(soc * 10)))
        for i, watts in enumerate((grid, -grid, sun, house, battery, -battery)):
            flows[i] += max(0.0, watts) * 60
    days = [(today.isoformat(), *flows, flows[0] / KWH * 0.25, flows[1] / KWH * 0.15, 0.0, 0.0)]
    for ago in range(31, 0, -1):
        sun, house = 14 + 6 * math.sin(ago * 1.7), 11 + 3 * math.cos(ago)
        charged = min(sun * 0.6, 8.0)
        imported, exported = max(0.4, house - sun * 0.4 - charged * 0.9), max(
            0.0, sun * 0.6 - charged
        )
        days.append(
            (
                (today - timedelta(days=ago)).isoformat(),
                imported * KWH,
                exported * KWH,
                sun * KWH,
                house * KWH,
                charged * KWH,
                charged * 0.9 * KWH,
                imported * 0.25,
                exported * 0.15,
                0.0,
                0.0,
            )
        )
    with sqlite3.connect(database) as db:
        db.executemany(
            "INSERT OR REPLACE INTO minutes (begin, grid_w, solar_w, house_w, battery_w, soc_tenths)"
            " VALUES (?,?,?,?,?,?)",
            rows,
        )
        db.executemany("INSERT OR REPLACE INTO days VALUES (?,?,?,?,?,?,?,?,?,?,?)", days)
    db.close()


def begin(house, file):
    """Lets a hub make the file, and stops it."""
    house.start_hub(trusted_clock=True)

    def made():
        if not os.path.exists(file):
            return False
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name='minutes'").fetchall())

    if wait_for(made, 30) is None:
        raise RuntimeError("no history:\n" + house.hub.text())
    house.hub.stop()


def fill_evenly(file, watts=600):
    """15 days of minutes of a house that draws as much by day as by night, without sun."""
    now = int(time.time()) // 60 * 60
    rows = [(at, watts, 0, watts, 0, 500) for at in range(now - 15 * 86400, now, 60)]
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT OR REPLACE INTO minutes (begin, grid_w, solar_w, house_w, battery_w, soc_tenths)"
            " VALUES (?,?,?,?,?,?)",
            rows,
        )
    db.close()
