#!/usr/bin/python3
"""The simulated house for tests in another language: a command a line on stdin, its answer as a line of JSON.

The house is closed when stdin is.
"""
import json
import subprocess
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import invented_history
from house import HUB, House, wait_for


def plan():
    """Prices and a weekly plan with something in every day, but nothing for the next hours; and a slip:
    no price is that cheap."""

    def clock(hours):
        return (datetime.now(ZoneInfo("Europe/London")) + timedelta(hours=hours)).strftime("%H:00")

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
    house.add_config(plan())
    house.start_hub()
    if wait_for(house.scrape, 20) is None:
        raise RuntimeError(house.hub.text())
    house.hub.stop()
    invented_history.fill(house.path("state/history.db"))
    house.start_hub(trusted_clock=True)
    return house


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
