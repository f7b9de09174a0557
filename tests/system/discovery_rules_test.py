#!/usr/bin/python3
"""The rules of discovery_rules.py notice each thing that is wrong."""
import copy
import unittest

from discovery_rules import complaints

TOPIC = "homeassistant/device/hub_1/config"
GOOD = {
    "device": {
        "identifiers": ["hub_1"],
        "name": "hub",
        "configuration_url": "http://hub.local:8750/",
    },
    "origin": {"name": "hub"},
    "components": {
        "power": {
            "platform": "sensor",
            "unique_id": "hub_1_power",
            "name": "Power",
            "state_topic": "hub/power",
            "device_class": "power",
            "unit_of_measurement": "W",
            "state_class": "measurement",
            "expire_after": 15,
            "availability": [{"topic": "hub/availability"}],
            "availability_mode": "all",
        },
        "kind": {
            "platform": "sensor",
            "unique_id": "hub_1_kind",
            "name": "Kind",
            "state_topic": "hub/kind",
            "device_class": "enum",
            "options": ["a", "b"],
        },
        "cost": {
            "platform": "sensor",
            "unique_id": "hub_1_cost",
            "name": "Cost",
            "state_topic": "hub/cost",
            "device_class": "monetary",
            "unit_of_measurement": "GBP",
        },
        "at": {
            "platform": "sensor",
            "unique_id": "hub_1_at",
            "name": "At",
            "state_topic": "hub/at",
            "device_class": "timestamp",
        },
        "link": {
            "platform": "binary_sensor",
            "unique_id": "hub_1_link",
            "name": "Link",
            "state_topic": "hub/link",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
        },
        "reserve": {
            "platform": "number",
            "unique_id": "hub_1_reserve",
            "name": "Reserve",
            "state_topic": "hub/reserve",
            "command_topic": "hub/set/reserve",
            "min": 0,
            "max": 100,
            "step": 1,
        },
        "mode": {
            "platform": "select",
            "unique_id": "hub_1_mode",
            "name": "Mode",
            "state_topic": "hub/mode",
            "command_topic": "hub/set/mode",
            "options": ["off", "on"],
        },
        "gone": {"platform": "sensor"},
    },
}
STATES = {
    "hub/power": "-12",
    "hub/kind": "a",
    "hub/cost": "1.20",
    "hub/at": "2026-11-29T06:00:00+00:00",
    "hub/link": "ON",
    "hub/reserve": "20",
    "hub/mode": "off",
}
# What is changed (None: taken away), and a part of the complaint.
BROKEN = [
    ("device identifiers", None, "neither identifiers"),
    ("device configuration_url", "hub.local", "is no URL"),
    ("origin name", None, "the origin has no name"),
    ("components power unique_id", None, "unique_id is missing"),
    ("components power unique_id", "hub_1_kind", "unique_id as of"),
    ("components power name", "Kind", "name as of"),
    ("components power state_topic", None, "state_topic is missing"),
    ("components power command_topic", "x", "has no command_topic"),
    ("components power unit_of_measurement", "kWh", "a power in 'kWh'"),
    ("components power unit_of_measurement", None, "a power in None"),
    ("components power state_class", "total", "with the state class total"),
    ("components power state_class", "sum", "state_class 'sum'"),
    ("components power device_class", "watts", "is not known"),
    ("components power expire_after", 0, "expire_after 0"),
    ("components power availability", [{}], "without a topic"),
    ("components power availability_mode", "some", "availability_mode"),
    ("components power entity_category", "config", "cannot be of the category config"),
    ("components power options", ["a"], "without the device class enum"),
    ("components kind options", None, "an enum without options"),
    ("components kind unit_of_measurement", "W", "has no unit"),
    ("components cost unit_of_measurement", "pounds", "a monetary in"),
    ("components cost state_class", "measurement", "with the state class measurement"),
    ("components link device_class", "linked", "is not known"),
    ("components reserve min", 100, "is not below max"),
    ("components mode options", ["none", "off"], "shown as unknown"),
    ("components mode options", ["off", "off"], "an option twice"),
    ("components mode platform", "selection", "platform 'selection'"),
    ("components gone name", "Gone", "unique_id is missing"),
    ("states hub/power", "much", "no number"),
    ("states hub/power", "1" * 256, "longer than"),
    ("states hub/kind", "c", "none of the options"),
    ("states hub/at", "tomorrow", "no moment"),
    ("states hub/at", "2026-11-29T06:00:00", "without its time zone"),
    ("states hub/link", "on", "neither ON nor OFF"),
    ("states hub/reserve", "101", "out of its range"),
    ("states hub/mode", "none", "none of the options"),
]


class Rules(unittest.TestCase):
    def test_a_good_device_has_no_complaint(self):
        self.assertEqual(complaints(TOPIC, GOOD, STATES), [])
        self.assertEqual(complaints(TOPIC, GOOD, {topic: "None" for topic in STATES}), [])
        self.assertIn("not <prefix>", complaints("homeassistant/hub/config", GOOD, {})[0])

    def test_whatever_is_wrong_is_named(self):
        for path, value, expected in BROKEN:
            whole = copy.deepcopy({**GOOD, "states": STATES})
            *way, last = path.split()
            place = whole
            for key in way:
                place = place[key]
            if value is None:
                del place[last]
            else:
                place[last] = value
            states = whole.pop("states")
            found = complaints(TOPIC, whole, states)
            self.assertTrue(any(expected in text for text in found), f"{path} {value}: {found}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
