#!/usr/bin/python3
"""A meter line that has a master already: mbpoll polls the simulated meters, the hub is on the same wires."""
import json
import re
import unittest

from cable import Cable
from house import HUB, House, Process, wait_for

CONTENDED = 'esshub_fault_active{fault="bus_contended",severity="critical"}'


class MbpollIsTheMaster(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.house.say("load 1500")
        self.house.say("pv 400")
        self.cable = Cable("mbpoll", "hub", "ear", meters=self.house.path("meters"))
        # stdbuf: every value at once, though nobody looks at a terminal.
        self.mbpoll = Process(
            [
                "stdbuf",
                "-oL",
                "mbpoll",
                "-m",
                "rtu",
                "-a",
                "1,244",
                "-t",
                "3:float",
                "-B",
                "-r",
                "1",
                "-c",
                "9",
                "-l",
                "100",
                "-b",
                "9600",
                "-P",
                "none",
                self.cable.port["mbpoll"],
            ],
            self.house.path("mbpoll.log"),
        )

    def tearDown(self):
        self.mbpoll.stop()
        self.house.close()
        self.cable.close()

    def polled(self):
        """{unit: {reference: value}} as mbpoll showed it last."""
        values, unit = {}, None
        for line in self.mbpoll.text().splitlines():
            if m := re.match(r"-- Polling slave (\d+)", line):
                unit = int(m[1])
            elif (m := re.match(r"\[(\d+)\]:\s+(\S+)", line)) and unit:
                values.setdefault(unit, {})[int(m[1])] = float(m[2])
        return values

    def test_sniffing_hub_controls_by_what_mbpoll_reads(self):
        house, cable = self.house, self.cable
        house.start_hub_on("meters", cable.port["hub"], "baud = 9600", 'mode = "sniff"')
        powers = {
            "grid": (1, 13),
            "solar": (1, 15),
            "circuit1": (1, 17),
            "battery_meter": (244, 13),
        }

        def apart():
            metrics, polled = house.scrape(), self.polled()
            try:
                return {
                    channel: abs(
                        metrics[f'esshub_power_watts{{channel="{channel}"}}']
                        - polled[unit][reference]
                    )
                    for channel, (unit, reference) in powers.items()
                }
            except KeyError as missing:
                return {str(missing): float("inf")}

        # The load is covered, so nothing moves any more, and both masters know the same.
        took = wait_for(
            lambda: max(apart().values()) < 15
            and house.setpoint() < -900
            and abs(house.state()["grid_w"]) < 50,
            60,
            0.2,
            hold_s=2,
        )
        self.assertIsNotNone(took, (apart(), self.polled(), house.state(), house.hub.text()))
        print(f"sniffed within {took:.1f} s: {house.frames('meters')}")
        self.assertEqual(house.scrape()[CONTENDED], 0)
        self.assertEqual(cable.sent["hub"], 0)

    def test_polling_hub_keeps_silent_until_mbpoll_stops(self):
        house, cable = self.house, self.cable
        ear = Process(
            [
                HUB,
                "sniff",
                "--port",
                cable.port["ear"],
                "--baud",
                "9600",
                "--kind",
                "modbus",
                "--json",
            ],
            house.path("ear.log"),
        )
        try:
            house.start_hub_on("meters", cable.port["hub"], "baud = 9600")
            self.assertIsNotNone(
                wait_for(lambda: house.scrape().get(CONTENDED) == 1, 60), house.hub.text()
            )
            # Longer than it listens: it stays so.
            self.assertIsNone(
                wait_for(lambda: cable.sent["hub"] or house.scrape().get(CONTENDED) == 0, 5)
            )
            self.assertNotIn('esshub_power_watts{channel="grid"}', house.scrape())
            self.assertTrue(self.mbpoll.alive())
            self.mbpoll.stop()
            took = wait_for(lambda: cable.sent["hub"] > 0, 20)
            print(f"mbpoll gone to the hub's first request: {took} s")
            self.assertIsNotNone(took)
            self.assertGreater(took, 2)
            self.assertIsNotNone(
                wait_for(lambda: 'esshub_power_watts{channel="grid"}' in house.scrape(), 20)
            )
            self.assertEqual(house.scrape()[CONTENDED], 0)
            self.assertEqual(ear.stop()[0], 0)
            # Never two at once: whoever asked, the third on the line understood every word, but for the frame
            # in which it may have begun to listen.
            counts = json.loads(ear.text().splitlines()[-1])["counts"]
            print("heard by the third:", counts)
            self.assertLessEqual(sum(unit["crc"] for unit in counts.values()), 1)
            for unit in ("unit 1", "unit 244"):
                self.assertGreater(counts[unit]["ok"], 10)
        finally:
            ear.stop()
        self.assertEqual(cable.sent["ear"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
