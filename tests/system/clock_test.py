#!/usr/bin/python3
"""The wall clock of a hub is set by hours while it runs: nothing that is shown stands still for it.

docs/safety.md, F26. The clock is that of the preloaded wall_clock.c.
"""
import json
import mmap
import os
import struct
import time
import unittest
import urllib.request

from house import House, wait_for

DAY = 86400
FRESH_S = 5.0
TICKS_A_SECOND = 50  # at the period of 20 ms


class ClockTest(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        path = self.house.path("wall_clock")
        with open(path, "wb") as f:
            f.write(bytes(8))
        with open(path, "r+b") as f:
            self.ahead = mmap.mmap(f.fileno(), 8)
        self.house.start_hub(
            preload=[os.environ["ESSHUB_WALL_CLOCK_LIBRARY"]], env={"ESSHUB_WALL_CLOCK": path}
        )
        self.assertIsNotNone(wait_for(self.shown, 60), self.house.hub.text())

    def step(self, seconds):
        """Sets the clock by so much; how far it is from the machine's then."""
        ahead = struct.unpack("q", self.ahead)[0] + seconds
        struct.pack_into("q", self.ahead, 0, ahead)
        return ahead

    def shown(self):
        """Ticks of the control in metrics and REST, and the time by REST; nothing: no answer."""
        ticks = self.house.scrape().get("esshub_control_ticks_total")
        try:
            with urllib.request.urlopen(f"http://{self.house.web}/api/v1/state", timeout=5) as r:
                state = json.load(r)
        except OSError:
            return None
        return (ticks, state["control"]["ticks"], state["at"]) if ticks else None

    def follows(self, before, ahead):
        """What is shown is of a second after `before`, and dated by the clock as it is set now."""
        now = self.shown()
        fresh = now and min(now[:2]) > max(before[:2]) + TICKS_A_SECOND
        return fresh and abs(now[2] - time.time() - ahead) < FRESH_S

    def test_what_is_shown_goes_on_whichever_way_it_is_set(self):
        for seconds in (40, -40, DAY, -DAY, -DAY):
            with self.subTest(seconds=seconds):
                before = self.shown()
                ahead = self.step(seconds)
                self.assertIsNotNone(
                    wait_for(lambda b=before, a=ahead: self.follows(b, a), FRESH_S),
                    f"{self.shown()} after {before}",
                )
        self.assertNotIn("actor_stuck", self.house.hub.text())
        self.step(-DAY)
        status, took = self.house.hub.stop()
        self.assertEqual(status, 0, self.house.hub.text())
        self.assertLess(took, FRESH_S)


if __name__ == "__main__":
    unittest.main()
