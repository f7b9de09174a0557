#!/usr/bin/python3
"""The simulated house for tests in another language: a command a line on stdin, its answer as a line of JSON.

The house is closed when stdin is.
"""
import json
import subprocess
import sys
import urllib.request
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import invented_history
from house import HUB, House, wait_for


def noon():
    """A time zone where the hour of noon has begun: what is shown is the same at every time of day, and no
    midnight comes while it is looked at."""
    ahead = 12 - datetime.now(timezone.utc).hour
    return f"Etc/GMT{-ahead:+}" if ahead else "Etc/GMT"  # with the sign of POSIX


def plan(zone):
    """Prices and a weekly plan with something in every day, but nothing for the next hours; and a slip:
    no price is that cheap."""

    def clock(hours):
        return (datetime.now(ZoneInfo(zone)) + timedelta(hours=hours)).strftime("%H:00")

    return f"""
[policy]
mode = "scheduled"
[[schedule]]
from = "{clock(8)}"
to = "{clock(11)}"
action = "charge"
target = 80
[[schedule]]
from = "{clock(16)}"
to = "{clock(19)}"
action = "discharge"
target = 40
[tariff]
currency = "EUR"
import = 0.28
export = 0.15
cheap_below = 0.01
[[tariff.band]]
from = "{clock(8)}"
to = "{clock(11)}"
import = 0.09
"""


def change_config(house, old, new):
    with open(house.path("esshub.toml")) as f:
        text = f.read()
    assert text.count(old) == 1, text
    with open(house.path("esshub.toml"), "w") as f:
        f.write(text.replace(old, new))


def house_with_history():
    """The simulated house with a plan, and a hub in it that looks back on a month."""
    house = House()
    change_config(house, 'measures = "circuit1"', 'measures = "circuit1", name = "garage"')
    zone = noon()
    change_config(house, 'time_zone = "Europe/London"', f'time_zone = "{zone}"')
    house.add_config(plan(zone))
    house.start_hub()
    wait_for_web(house)
    house.hub.stop()
    invented_history.fill(house.path("state/history.db"), ZoneInfo(zone))
    house.start_hub(trusted_clock=True)
    wait_for_web(house)
    return house


def wait_for_web(house):
    def answers():
        try:
            with urllib.request.urlopen(f"http://{house.web}/api/v1/state", timeout=60):
                return True
        except OSError:  # not there yet, or it has only just begun: 503
            return False

    if wait_for(answers, 120) is None:
        raise RuntimeError(house.hub.text())


def main():
    house = house_with_history()
    commands = {
        "web": lambda _: f"http://{house.web}",
        "say": house.say,
        "state": lambda _: house.state(),
        "start_hub": lambda _: house.start_hub(trusted_clock=True),
        "stop_hub": lambda _: house.hub.stop(),
        "rename": lambda name: change_config(house, 'name = "simulated house"', f'name = "{name}"'),
        "hub_log": lambda _: house.hub.text(),
        "set_password": lambda password: subprocess.run(
            [HUB, "password", "--config", house.path("esshub.toml")],
            input=password + "\n",
            text=True,
            check=True,
            timeout=20,
            stdout=subprocess.DEVNULL,
        ),
    }
    try:
        for line in sys.stdin:
            name, _, argument = line.rstrip("\n").partition(" ")
            try:
                answer = {"answer": commands[name](argument)}
            except Exception as e:  # noqa: BLE001 - whatever it is, the one who asked is told
                answer = {"error": str(e)}
            print(json.dumps(answer, default=lambda _: None), flush=True)
    finally:
        house.close()


if __name__ == "__main__":
    main()
