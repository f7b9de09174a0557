#!/usr/bin/python3
"""Others' code finds the hub: Victron's HTML5 app (@victronenergy/mfd-modules) over WebSocket MQTT."""
import json
import os
import pathlib
import re
import subprocess
import unittest

from broker import Broker
from house import House, free_port, wait_for

PORTAL = "0242ac110002"
SCREEN = os.environ["ESSHUB_SCREEN"]
MODULES = os.environ["ESSHUB_MFD_MODULES"]
# What the app asks for and this house does not have: a part of the path, and why.
NOT_HERE = {
    "/L2/": "one phase",
    "/L3/": "one phase",
    "AcInput2": "one AC input",
    "/Settings/Gps/": "no GPS",
    "/Settings/Gui/": "no screen of Victron's",
    "/Settings/Relay/": "no relay",
    "/Settings/System/": "no screen of Victron's",
    "/Settings/VenusApp/": "no screen of Victron's",
}


def asked_for():
    """Every item of a class of ours that the app's modules name, as "system/0/..." or "vebus/288/..."."""
    text = "\n".join(
        file.read_text() for file in sorted(pathlib.Path(MODULES).rglob("*.provider.js"))
    )
    items = set(re.findall(r'portalId, "/((?:system|settings)/0/[^"]+)"', text))
    for path in re.findall(r'"/vebus/"\)\.concat\(\w+, "(/[^"]+)"', text):
        items.add("vebus/288" + path)
    return {item for item in items if not item.endswith("/")}


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.house.say("load 1000")
        cls.house.say("pv 0")
        cls.port = free_port()
        cls.broker = Broker(
            cls.house.dir, more=[f"listener {cls.port} 127.0.0.1", "protocol websockets"]
        )
        with open(cls.house.path("esshub.toml")) as f:
            config = f.read().replace("[site]", f'[site]\nportal_id = "{PORTAL}"')
        config += f'[mqtt]\naddress = "127.0.0.1:{cls.broker.port}"\nhome_assistant = false\n'
        with open(cls.house.path("mqtt.toml"), "w") as f:
            f.write(config)
        cls.house.start_hub(cls.house.path("mqtt.toml"))
        cls.client = cls.broker.client()
        cls.client.hears(f"N/{PORTAL}/keepalive", 30)
        settled = wait_for(
            lambda: abs(cls.house.state()["grid_w"]) < 50 and cls.house.setpoint() < -900,
            60,
            hold_s=2,
        )
        if settled is None:
            raise RuntimeError(cls.house.hub.text()[-3000:])

    @classmethod
    def tearDownClass(cls):
        cls.house.close()
        cls.client.close()
        cls.broker.stop()

    def test_1_the_app_finds_the_hub_and_shows_its_values(self):
        done = subprocess.run(
            ["node", SCREEN, str(self.port), "12"], capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        shown = json.loads(done.stdout[done.stdout.index('{"connected"') :])
        self.assertTrue(shown["connected"])
        self.assertEqual(shown.get("portal"), PORTAL, "found by N/+/system/0/Serial")
        self.assertEqual(shown["vebus"], 288)
        state = self.house.state()
        self.assertEqual(len(shown["batteries"]), 1)
        battery = shown["batteries"][0]
        self.assertAlmostEqual(battery["soc"], state["soc_percent"], delta=1.5)
        self.assertLess(battery["power"], -900)
        self.assertEqual(battery["state"], 2)
        self.assertIs(battery["active_battery_service"], True)
        self.assertEqual(shown["state"], 0x100, "discharging")
        self.assertEqual(shown["loads"]["phases"], 1)
        self.assertAlmostEqual(shown["loads"]["voltage"][0], 235, delta=20)
        self.assertAlmostEqual(shown["loads"]["frequency"][0], 50, delta=1)
        self.assertGreaterEqual(shown["loads"]["current"][0], 0)
        self.assertAlmostEqual(shown["input"]["power"][0], -1000, delta=100)
        self.assertAlmostEqual(shown["input"]["current"][0], -1000 / 235, delta=1)
        self.assertEqual(shown["source"]["activeInput"], 0)
        self.assertEqual(shown["source"]["settings"][0], 1, "the grid")

    def test_2_what_the_app_asks_for_is_there_or_this_house_has_it_not(self):
        self.client.forget()
        self.client.says(f"R/{PORTAL}/keepalive")
        self.assertIsNotNone(self.client.hears(f"N/{PORTAL}/full_publish_completed"))
        published = {
            topic.split("/", 2)[2] for topic in self.client.heard if topic.startswith("N/")
        }
        items = asked_for()
        self.assertGreater(len(items), 40)
        missing = {item for item in items - published if not any(part in item for part in NOT_HERE)}
        self.assertEqual(missing, set())
        for part, why in NOT_HERE.items():
            self.assertTrue(any(part in item for item in items - published), f"{part}: {why}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
