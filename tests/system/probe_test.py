#!/usr/bin/python3
"""esshub check --probe in the simulated house: all well, and each thing that installers get wrong."""
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import tty
import unittest

from house import HUB, House, wait_for
from small_meter import crc


class Meters:
    """Both meters of the house on a port of their own. They answer only at their speed, and the SDM630 is
    set to `system_type`."""

    def __init__(self, link, speed=termios.B9600, system_type=3.0):
        self.speed, self.system_type = speed, system_type
        self.functions = set()
        self.line, slave = pty.openpty()
        tty.setraw(slave)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.ttyname(slave), link)
        self.slave = os.ttyname(slave)
        os.close(slave)  # whoever asks opens it for himself alone
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        heard, opened = b"", False
        while not self.over.is_set():
            try:
                if not select.select([self.line], [], [], 0.1)[0]:
                    continue
                heard = (heard + os.read(self.line, 1000))[-1000:]
                opened = True
            except OSError:  # nobody has it open
                if opened:  # a real port forgets then that it was somebody's alone
                    slave = os.open(self.slave, os.O_RDWR | os.O_NOCTTY)
                    fcntl.ioctl(slave, termios.TIOCNXCL)
                    os.close(slave)
                opened = False
                self.over.wait(0.02)
                continue
            while len(heard) >= 8:
                unit, function, start, count = struct.unpack(">BBHH", heard[:6])
                if unit not in (1, 244) or crc(heard[:6]) != heard[6:8]:
                    heard = heard[1:]
                    continue
                heard = heard[8:]
                # The master's end of a pseudo-terminal sees what the other end has set.
                if termios.tcgetattr(self.line)[5] == self.speed:
                    os.write(self.line, self.answer(unit, function, start, count))

    def answer(self, unit, function, start, count):
        self.functions.add(function)
        values = (
            {0: 230.0, 2: 230.0, 4: 230.0, 70: 50.0} if function == 4 else {10: self.system_type}
        )
        body = b"".join(
            struct.pack(">f", values.get(address, 0.0))
            for address in range(start, start + count, 2)
        )
        response = bytes([unit, function, len(body)]) + body
        return response + crc(response)

    def close(self):
        self.over.set()
        self.thread.join()
        os.close(self.line)


def probe(config, *arguments, beside=("--beside-hub",)):
    """Exit status, {what: finding}, and what was said of the progress. Beside the hubs of other tests."""
    done = subprocess.run(
        [HUB, "check", "--probe", "--json", config, *beside, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = json.loads(done.stdout)
    assert said["ok"] == (done.returncode == 0), done
    return done.returncode, {each["what"]: each for each in said["findings"]}, done.stderr


class Probe(unittest.TestCase):
    def house(self, scenario=""):
        folder = None
        arguments = []
        if scenario:
            folder = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"probe-{os.getpid()}.toml")
            with open(folder, "w") as f:
                f.write(scenario)
            arguments = ["--scenario", folder]
        house = House(*arguments)
        self.addCleanup(house.close)
        if folder:
            os.remove(folder)
        return house

    def config(self, house, *changes):
        """The house's configuration with other words; no waiting for another master."""
        with open(house.path("esshub.toml")) as f:
            text = f.read()
        for old, new in (("baud = 9600", 'baud = 9600\nother_master_wait = "0 ms"'), *changes):
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        with open(house.path("other.toml"), "w") as f:
            f.write(text)
        return house.path("other.toml")

    def other_port(self, house):
        return (f'port = "{house.path("meters")}"', f'port = "{house.path("other")}"')

    def failed(self, findings):
        return {what for what, each in findings.items() if each["verdict"] == "failed"}

    def test_a_good_house_is_told_and_nothing_is_written(self):
        house = self.house()
        house.say("soc 64.5")
        status, found, progress = probe(house.path("esshub.toml"))
        self.assertEqual(status, 0, found)
        self.assertEqual(self.failed(found), set())
        self.assertRegex(
            found["meters: main (sdm630, unit 1)"]["symptom"], r"2\d\d\.\d V / .* 50\.\d\d Hz, 3P4W"
        )
        self.assertIn("Hz", found["meters: battery (sdm120, unit 244)"]["symptom"])
        self.assertIn("2 modules, 64 %", found["battery: BMS"]["symptom"])
        self.assertIn("500 kbit/s, acknowledged", found["battery: CAN"]["symptom"])
        self.assertEqual(found["inverter: MK3"]["symptom"], "firmware 1170212")
        self.assertIn("ESS assistant, one unit", found["inverter: inverter"]["symptom"])
        self.assertIn("clock", found)
        self.assertIn("... meters: listening for another master", progress)
        self.assertIsNone(house.state()["setpoint_w"])

    def test_wrong_speed(self):
        house = self.house()
        meters = Meters(house.path("other"), speed=termios.B2400)
        self.addCleanup(meters.close)
        status, found, progress = probe(self.config(house, self.other_port(house)))
        self.assertEqual(status, 1)
        main = found["meters: main (sdm630, unit 1)"]
        self.assertEqual(main["symptom"], "unit 1 does not answer at 9600 8N1")
        self.assertIn("it answers at 2400 8N1", main["cause"])
        self.assertIn("set baud = 2400 in [[bus]] meters", main["action"])
        self.assertIn("trying 2400 8N1", progress)
        self.assertEqual(
            self.failed(found),
            {"meters: main (sdm630, unit 1)", "meters: battery (sdm120, unit 244)"},
        )

    def test_wrong_address_and_silent_battery(self):
        house = self.house()
        house.say("fault battery off")
        status, found, _ = probe(self.config(house, ("unit = 1\n", "unit = 7\n")))
        self.assertEqual(status, 1)
        self.assertEqual(self.failed(found), {"meters: main (sdm630, unit 7)", "battery: CAN"})
        main = found["meters: main (sdm630, unit 7)"]
        self.assertIn("a device answers at unit 1 ", main["cause"])
        self.assertIn("set unit = 1 of main", main["action"])
        self.assertIn("nothing comes from the CAN adapter", found["battery: CAN"]["symptom"])

    def test_no_ess_assistant_and_3p3w(self):
        house = self.house("[inverter]\ness_layout = 3\n")
        meters = Meters(house.path("other"), system_type=2.0)
        self.addCleanup(meters.close)
        status, found, _ = probe(self.config(house, self.other_port(house)))
        self.assertEqual(status, 1)
        self.assertEqual(
            self.failed(found), {"meters: main (sdm630, unit 1)", "inverter: inverter"}
        )
        self.assertIn("no ESS assistant", found["inverter: inverter"]["symptom"])
        self.assertIn("VEConfigure", found["inverter: inverter"]["action"])
        main = found["meters: main (sdm630, unit 1)"]
        self.assertEqual(main["symptom"], "its system type is 3P3W")
        self.assertIn("3P4W", main["action"])
        self.assertEqual(meters.functions, {3, 4}, "it only reads")

    def test_a_port_that_is_held_or_forbidden_or_gone(self):
        house = self.house()
        port = os.open(house.path("inverter"), os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, port)
        tty.setraw(port)
        os.chmod(os.path.realpath(house.path("battery")), 0o600)
        gone = (f'port = "{house.path("meters")}"', f'port = "{house.path("gone")}"')
        status, found, _ = probe(self.config(house, gone), "--user", "nobody")
        self.assertEqual(status, 1)
        held = found[f"inverter: {house.path('inverter')}"]
        self.assertRegex(held["symptom"], rf"held by python3\S* \(process {os.getpid()}\)")
        battery = found[f"battery: {house.path('battery')}"]
        self.assertIn("the user nobody may not open it (mode 600", battery["symptom"])
        self.assertEqual(found[f"meters: {house.path('gone')}"]["symptom"], "no such device")
        self.assertEqual(
            {each["verdict"] for what, each in found.items() if what != "clock"}, {"failed"}
        )

    def test_nothing_is_asked_while_the_hub_runs(self):
        house = self.house()
        house.start_hub()
        self.assertIsNotNone(
            wait_for(lambda: house.frames("inverter").get("ok", 0) > 0, 60), house.hub.text()
        )
        status, found, _ = probe(house.path("esshub.toml"))
        self.assertEqual(status, 1)
        self.assertEqual(set(found), {"hub"})
        self.assertIn(f"(process {house.hub.p.pid})", found["hub"]["symptom"])
        self.assertIn("systemctl stop esshub", found["hub"]["action"])
        # Another configuration on the same ports is the same hub in the way.
        self.assertEqual(set(probe(self.config(house))[1]), {"hub"})
        # On other ports it may be on TCP or CAN lines, which nobody holds.
        gone = [
            (f'port = "{house.path(bus)}"', f'port = "{house.path(bus)}-gone"')
            for bus in ("meters", "battery", "inverter")
        ]
        status, found, _ = probe(self.config(house, *gone), beside=())
        self.assertEqual((status, set(found)), (1, {"hub"}))
        self.assertIn("--beside-hub", found["hub"]["action"])
        self.assertNotIn("hub", probe(self.config(house, *gone))[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
