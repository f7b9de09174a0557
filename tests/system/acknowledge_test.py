#!/usr/bin/python3
"""`esshub acknowledge` in a house that a cut-off has left dark: docs/safety.md, F9 and I12."""
import json
import signal
import subprocess
import unittest

from house import HUB, House, wait_for
from orders import PASSWORD, set_password

CUTOFF = 'esshub_fault_active{fault="backup_cutoff",severity="critical"}'


class AcknowledgeTest(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        set_password(self.house)
        self.house.start_hub()

    def acknowledge(self):
        return subprocess.run(
            [HUB, "acknowledge", "--address", self.house.web],
            input=PASSWORD + "\n",
            text=True,
            timeout=30,
            capture_output=True,
        )

    def inverter(self):
        return self.house.state()["inverter_state"]

    def wait(self, what, limit_s, why):
        self.assertIsNotNone(wait_for(what, limit_s), f"{why}:\n{self.house.hub.text()}")

    def cut_off(self):
        """A power cut that empties the battery."""
        self.wait(lambda: abs(self.house.setpoint()) > 100, 60, "it never took control")
        self.assertEqual(self.acknowledge().returncode, 1, "there is nothing to acknowledge")
        self.house.say("grid off")
        self.house.say("fault meters off")
        self.house.say("soc 4")
        self.wait(lambda: self.inverter() == "off", 30, "it was not switched off")
        # Half a second later the latch is where it can be acknowledged, and on the disk.
        self.wait(self.is_kept, 10, "the latch was not kept")

    def kill(self):
        self.house.hub.p.send_signal(signal.SIGKILL)
        self.house.hub.stop()

    def is_kept(self):
        try:
            with open(self.house.path("state/state.json")) as f:
                return json.load(f).get("safety", {}).get("cutoff", False)
        except FileNotFoundError:
            return False

    def light(self):
        answer = self.acknowledge()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.wait(lambda: self.inverter() not in ("off", "down"), 20, "the house stays dark")
        self.wait(lambda: self.house.scrape().get(CUTOFF) == 0, 5, "the fault stays")

    def test_lights_a_dark_house(self):
        self.house.say("load 600")
        self.cut_off()
        self.light()

    def test_lights_it_after_the_hub_was_killed_and_started_without_its_grid_meter(self):
        self.house.say("load 600")
        self.cut_off()
        self.kill()
        self.house.start_hub()
        self.wait(lambda: self.house.scrape().get(CUTOFF) == 1, 30, "the latch was forgotten")
        self.light()

    def test_lights_it_before_the_inverter_was_heard(self):
        self.house.say("load 600")
        self.cut_off()
        self.kill()
        self.house.say("fault inverter off")
        self.house.start_hub()
        self.wait(lambda: self.house.scrape().get(CUTOFF) == 1, 30, "the latch was forgotten")
        self.assertEqual(self.acknowledge().returncode, 0)
        self.house.say("fault inverter none")
        self.wait(lambda: self.inverter() not in ("off", "down"), 30, "the house stays dark")


if __name__ == "__main__":
    unittest.main(verbosity=2)
