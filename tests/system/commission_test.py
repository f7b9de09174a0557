#!/usr/bin/python3
"""`esshub commission` in the simulated house: names a right wiring and a reversed grid clamp, stops at a key
and at Ctrl-C, refuses where the battery may not move, and changes nothing."""
import glob
import os
import pty
import re
import signal
import subprocess
import time
import unittest

from house import HUB, House, wait_for
from orders import PASSWORD, Orders, set_password


class CommissionTest(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        set_password(self.house)
        self.house.say("load 700")
        self.house.say("pv 0")
        self.house.say("soc 60")

    def start_hub(self, *lines):
        if lines:
            self.house.add_config("\n".join(["", *lines, ""]))
        self.house.start_hub()
        self.wait(lambda: abs(self.house.setpoint()) > 50, 60, "it never took control")

    def wait(self, what, limit_s, why):
        self.assertIsNotNone(wait_for(what, limit_s), f"{why}:\n{self.house.hub.text()}")

    def arguments(self, *more):
        return [HUB, "commission", "--address", self.house.web, "--report", self.house.dir, *more]

    def commission(self, *more, answer=""):
        return subprocess.run(
            self.arguments(*more),
            input=PASSWORD + "\n" + answer,
            text=True,
            timeout=90,
            capture_output=True,
        )

    def row(self, said, channel):
        """What it is, sign, factor."""
        found = re.search(rf"^{channel} +(\S.*?\S)  +(\S+)  +(\S+)", said.stdout, re.M)
        self.assertIsNotNone(found, said.stdout + said.stderr)
        return found.groups()

    def test_names_a_right_wiring_within_a_minute_and_takes_consent(self):
        self.start_hub()
        refused = self.commission(answer="no\n")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("the answer was not yes", refused.stderr)
        begin = time.monotonic()
        said = self.commission(answer="yes\n")
        took = time.monotonic() - begin
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertLess(took, 60)
        self.assertEqual(self.row(said, "grid"), ("grid", "right", "1"), said.stdout)
        self.assertEqual(self.row(said, "battery_meter"), ("battery line", "right", "1"))
        self.assertEqual(self.row(said, "solar")[0], "no current")
        self.assertEqual(self.row(said, "circuit1")[0], "no current")
        self.assertIn(
            "solar at night, a circuit that draws nothing and a dead clamp look alike", said.stdout
        )
        self.assertIn("Nothing to change was found.", said.stdout)
        self.assertNotIn("CHANGE", said.stdout)
        (report,) = glob.glob(self.house.path("esshub-commission-*.html"))
        with open(report) as f:
            html = f.read()
        self.assertIn("<svg", html)
        self.assertNotIn("http", html)
        # The house is served again as before.
        self.wait(lambda: self.house.setpoint() < -400, 10, "self-consumption does not go on")

    def test_names_a_reversed_grid_clamp_and_turns_nothing_over(self):
        self.start_hub("[battery]", "charge_limit_w = 0", "discharge_limit_w = 450")
        self.house.say("ct reversed")
        self.wait(lambda: self.house.setpoint() == 0, 20, "it does not believe the clamp")
        with open(self.house.path("esshub.toml")) as f:
            config = f.read()
        said = self.commission("--yes")
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertEqual(self.row(said, "grid"), ("grid", "REVERSED", "1"), said.stdout)
        self.assertEqual(self.row(said, "battery_meter"), ("battery line", "right", "1"))
        self.assertIn("CHANGE: turn its `invert` over", said.stdout)
        with open(self.house.path("esshub.toml")) as f:
            self.assertEqual(f.read(), config)

    def test_a_key_stops_it(self):
        self.start_hub()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(HUB, self.arguments("--yes"))
        self.addCleanup(os.close, terminal)
        said = b""

        def read_until(text, limit_s=30):
            nonlocal said
            end = time.monotonic() + limit_s
            while text not in said and time.monotonic() < end:
                try:
                    said += os.read(terminal, 4096)
                except OSError:  # it has ended
                    break
            self.assertIn(text, said)

        read_until(b"Password of the page:")
        os.write(terminal, PASSWORD.encode() + b"\n")
        read_until(b" s  discharge 450 W")
        os.write(terminal, b"x")
        pressed = time.monotonic()
        read_until(b"it was stopped: the battery rests, and the order has ended")
        self.assertLess(time.monotonic() - pressed, 3)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 1)
        self.was_ended()

    def test_ctrl_c_stops_it(self):
        self.start_hub()
        process = subprocess.Popen(
            self.arguments("--yes"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(PASSWORD + "\n")
        process.stdin.flush()
        while " s  discharge 450 W" not in process.stdout.readline():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 1)
        self.assertIn("it was stopped", err)
        self.was_ended()

    def was_ended(self):
        """Of orders that are alike the log tells the first; an order of 5 s would still be in force."""
        self.assertIn("command=end_dispatch", self.house.hub.text())
        self.wait(lambda: self.house.setpoint() < -600, 4, "self-consumption does not go on")

    def test_refuses_where_the_battery_may_not_move_and_names_why(self):
        self.start_hub()
        orders = Orders(self.house.web)
        orders.sign_in()
        orders.post("override", '{"instruction": {"kind": "idle"}, "minutes": 5}')
        self.wait(lambda: self.house.setpoint() == 0, 20, "the override has no effect")
        self.assertIn("an override is in force", self.refused())
        orders.post("override", "", "DELETE")
        self.house.say("soc 15")
        self.wait(lambda: self.is_active("reserve_not_kept"), 20, "its charge is not missed")
        said = self.refused()
        self.assertIn("the fault reserve_not_kept is active", said)
        self.assertRegex(said, "the state of charge is 1. %, what is kept is 20 %")
        self.house.say("grid off")
        self.wait(lambda: self.is_active("islanded"), 20, "it is not islanded")
        self.assertIn("the fault islanded is active", self.refused())

    def is_active(self, fault):
        return self.house.scrape().get(f'esshub_fault_active{{fault="{fault}",severity="warning"}}')

    def refused(self):
        said = self.commission("--yes")
        self.assertEqual(said.returncode, 1, said.stdout)
        self.assertNotIn(" s  discharge 450 W", said.stdout)
        return said.stderr


if __name__ == "__main__":
    unittest.main(verbosity=2)
