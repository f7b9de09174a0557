#!/usr/bin/python3
"""esshub init on the simulated house: what is there is found, the file is written, passes and runs."""
import os
import pty
import select
import subprocess
import termios
import threading
import tty
import unittest

from house import HUB, House, wait_for
from small_meter import crc


def init(file, *arguments, answers=""):
    """Beside the hubs of other tests."""
    return subprocess.run(
        [HUB, "init", file, "--beside-hub", *arguments],
        input=answers,
        capture_output=True,
        text=True,
        timeout=600,
    )


class Stranger:
    """A port on which another talks: `says(speed)` every 0.2 s, `answers(bytes)` what is sent to it."""

    def __init__(self, says=lambda speed: b"", answers=lambda asked: b""):
        self.says, self.answers, self.sent = says, answers, []
        self.line, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.over.is_set():
            try:
                said = self.says(termios.tcgetattr(self.line)[5])
                if select.select([self.line], [], [], 0.2)[0]:
                    self.sent.append(os.read(self.line, 1000))
                    said = self.answers(self.sent[-1])
                os.write(self.line, said)
            except OSError:  # nobody has it open
                self.over.wait(0.02)

    def close(self):
        self.over.set()
        self.thread.join()
        os.close(self.line)


class Strangers(unittest.TestCase):
    def look(self, **stranger):
        there = Stranger(**stranger)
        self.addCleanup(there.close)
        file = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"stranger-{os.getpid()}.toml")
        self.addCleanup(lambda: os.path.exists(file) and os.remove(file))
        done = init(file, "--force", f"--port={there.port}", "--yes")
        self.assertEqual(done.returncode, 1)
        with open(file) as f:
            return there, done.stdout, f.read()

    def test_beside_a_master_at_another_speed_nothing_is_sent(self):
        request = bytes([1, 4, 0, 0, 0, 2])
        request += crc(request)
        there, said, _ = self.look(
            says=lambda speed: request if speed == termios.B19200 else b"\x80\xf8\x3c"
        )
        self.assertEqual(there.sent, [])
        self.assertIn("somebody talks here", said)

    def test_a_modem_is_no_battery_for_certain(self):
        there, said, text = self.look(answers=lambda asked: asked + b"\r\nERROR\r\n")
        self.assertIn("something answers", said)
        self.assertIn(f"whether {there.port} is the battery's CAN adapter is not known", said)
        self.assertNotRegex(text, r"(?m)^\[\[bus")
        self.assertIn(f'# port = "{there.port}"', text)
        self.assertTrue(any(b"\x01\x04" in each for each in there.sent), "meters are looked for")


class Init(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.house.say("load 1200")
        cls.house.say("pv 300")
        cls.house.say("soc 64.5")
        cls.file = cls.house.path("mine.toml")
        # Of each phase what it measures, then the house's questions; the reserve by default.
        cls.done = init(
            cls.file,
            *(f"--port={cls.house.path(bus)}" for bus in ("meters", "battery", "inverter")),
            answers="grid\nsun\nsolar\n\nbattery_meter\n"
            "Old Mill\nEurope/London\nGBP\n0.28\nmuch\n0.15\n\n3680\n2400\n",
        )

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    def test_what_is_there_is_named_with_speed_and_address(self):
        said = self.done.stdout
        self.assertEqual(self.done.returncode, 0, said + self.done.stderr)
        self.assertRegex(said, r"meters: unit 1 at 9600 8N1, sdm630: L1 2\d\d\.\d V \d+ W")
        self.assertRegex(said, r"meters: unit 244 at 9600 8N1, sdm120: L1 2\d\d\.\d V")
        self.assertIn("battery: CAN adapter (SLCAN); a battery, 2 modules, 64 %", said)
        self.assertIn("inverter: MK3, firmware 1170212", said)
        self.assertIn("expected grid, solar", said, "sun is no answer")
        self.assertIn("expected a number", said, "much is none")
        self.assertIn("esshub check --probe", said)
        self.assertIn("Signs and clamps nobody has proved", said)

    def test_the_file_is_commented_and_says_what_was_answered(self):
        with open(self.file) as f:
            text = f.read()
        for line in (
            'name = "Old Mill"',
            'time_zone = "Europe/London"',
            'currency = "GBP"',
            "import = 0.28",
            "export = 0.15",
            "reserve = 20",
            "export_cap_w = 3680",
            "charge_limit_w = 2400",
        ):
            self.assertRegex(text, rf"(?m)^{line} +#", line)
        self.assertRegex(text, r"(?m)^# soc_floor = 10 +# 0 to 95 %")
        self.assertIn('{ phase = 1, measures = "grid" },', text)
        self.assertIn('{ phase = 2, measures = "solar" },', text)
        self.assertIn('#   { phase = 3, measures = "..." },', text)
        self.assertEqual(text.count("invert = "), 1, "no sign is guessed: a comment alone")
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o640)

    def test_it_passes_the_check_and_controls(self):
        checked = subprocess.run([HUB, "check", self.file], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        probed = subprocess.run(
            [HUB, "check", "--probe", "--beside-hub", self.file],
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.assertEqual(probed.returncode, 0, probed.stdout + probed.stderr)
        # The test's own addresses and state folder; they have their usual values as comments.
        with open(self.file) as f:
            text = f.read()
        for old, new in (
            ('# state_dir = "/var/lib/esshub"', f'state_dir = "{self.house.path("state")}"'),
            ('# address = "127.0.0.1:9750"', f'address = "{self.house.metrics}"'),
            ('# address = "127.0.0.1:8750"', f'address = "{self.house.web}"'),
        ):
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        run = self.house.path("run.toml")
        with open(run, "w") as f:
            f.write(text)
        self.house.start_hub(run)
        held = wait_for(lambda: abs(self.house.state()["grid_w"]) < 80, 90, hold_s=3)
        self.assertIsNotNone(held, self.house.hub.text())
        self.assertLess(self.house.setpoint(), -500)
        refused = init(run, "--force", f"--port={self.house.path('meters')}", "--yes")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("systemctl stop esshub", refused.stderr)
        self.house.hub.stop()
        self.house.hub = None

    def test_a_file_that_is_there_is_kept(self):
        with open(self.file) as f:
            before = f.read()
        done = init(self.file, f"--port={self.house.path('meters')}", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is there already", done.stderr)
        with open(self.file) as f:
            self.assertEqual(f.read(), before)

    def test_what_nobody_says_stays_open(self):
        file = self.house.path("open.toml")
        done = init(file, f"--port={self.house.path('meters')}", "--yes")
        self.assertEqual(done.returncode, 1)
        for sentence in ("measures the grid is not known", "no battery was found", "no inverter"):
            self.assertIn("still open: ", done.stdout)
            self.assertIn(sentence, done.stdout)
        with open(file) as f:
            text = f.read()
        self.assertNotRegex(text, r"(?m)^\[\[bus")
        self.assertIn('#   { phase = 1, measures = "..." }', text)
        self.assertRegex(text, r"(?m)^charge_limit_w = 0 ")
        named = init(
            file,
            "--force",
            f"--port={self.house.path('meters')}",
            "--yes",
            "--measures=1.1=grid",
            "--measures=244=battery_meter",
        )
        self.assertNotIn("measures the grid is not known", named.stdout)
        with open(file) as f:
            self.assertIn('{ phase = 1, measures = "battery_meter" },', f.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
