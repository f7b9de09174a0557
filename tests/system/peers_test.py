#!/usr/bin/python3
"""Independent peers: what others wrote reads our simulated devices, and our hub reads theirs."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from house import House, Process, wait_for


class MbpollReadsOurMeters(unittest.TestCase):
    def test_sdm630_and_sdm120_values(self):
        house = House()
        try:
            house.say("load 1234")
            house.say("pv 400")
            time.sleep(3)  # the meters' own filter

            def read(unit, reference, count):
                text = subprocess.run(
                    ["mbpoll", "-m", "rtu", "-a", str(unit), "-t", "3:float", "-B", "-r", str(reference), "-c",
                     str(count), "-1", "-b", "9600", "-P", "none", house.path("meters")],
                    capture_output=True, text=True, timeout=20).stdout
                return [float(v) for v in re.findall(r"^\[\d+\]:\s+(\S+)", text, re.M)]

            volts = read(1, 1, 3)
            self.assertEqual(len(volts), 3, volts)
            self.assertAlmostEqual(volts[0], 230, delta=12)
            grid, solar, spare = read(1, 13, 3)
            truth = house.state()
            self.assertAlmostEqual(grid, truth["grid_w"], delta=30)
            self.assertAlmostEqual(solar, 400, delta=10)
            self.assertAlmostEqual(spare, 0, delta=5)
            self.assertEqual(len(read(244, 13, 1)), 1)
        finally:
            house.close()


class PythonCanReadsOurBattery(unittest.TestCase):
    def test_all_frames_of_a_stack(self):
        import can
        house = House()
        try:
            house.say("soc 64.5")
            seen = {}
            with can.Bus(interface="slcan", channel=house.path("battery"), bitrate=500000) as bus:
                end = time.monotonic() + 15
                while time.monotonic() < end and not {0x351, 0x355, 0x356, 0x359, 0x35C, 0x35E} <= set(seen):
                    frame = bus.recv(1)
                    if frame:
                        seen[frame.arbitration_id] = bytes(frame.data)
            self.assertEqual(struct.unpack("<H", seen[0x355][:2])[0], 64)
            cvl, ccl, dcl = struct.unpack("<Hhh", seen[0x351][:6])
            self.assertEqual((cvl, ccl, dcl), (532, 500, 500))
            self.assertAlmostEqual(struct.unpack("<h", seen[0x356][:2])[0] / 100, 50, delta=4)
            self.assertEqual(seen[0x359][4:7], b"\x02PN")
            self.assertEqual(seen[0x35C][0], 0xC0)
            self.assertEqual(seen[0x35E], b"PYLON   ")
        finally:
            house.close()


class OurMasterReadsPymodbus(unittest.TestCase):
    """Debian's pymodbus is the slave for both units; the hub polls it over a socat line."""

    def test_grid_and_battery_meter_power(self):
        house = House()
        line = tempfile.mkdtemp(prefix="esshub-line.")
        a, b = os.path.join(line, "a"), os.path.join(line, "b")
        socat = Process(["socat", f"pty,raw,echo=0,link={a}", f"pty,raw,echo=0,link={b}"],
                        os.path.join(line, "socat.log"))
        slave = None
        try:
            self.assertIsNotNone(wait_for(lambda: os.path.exists(a) and os.path.exists(b), 10))
            slave = Process([sys.executable, os.path.join(os.path.dirname(__file__), "pymodbus_slave.py"), a],
                            os.path.join(line, "slave.log"))
            with open(house.path("esshub.toml")) as f:
                config = f.read().replace(house.path("meters"), b)
            with open(house.path("peer.toml"), "w") as f:
                f.write(config)
            house.start_hub(house.path("peer.toml"))
            grid = 'esshub_power_watts{channel="grid"}'
            meter = 'esshub_power_watts{channel="battery_meter"}'
            took = wait_for(lambda: {grid, meter} <= set(house.scrape()), 30, 0.2)
            self.assertIsNotNone(took, slave.text() + house.hub.text())
            metrics = house.scrape()
            self.assertAlmostEqual(metrics[grid], 321.5, delta=0.1)
            self.assertAlmostEqual(metrics['esshub_power_watts{channel="solar"}'], 987.25, delta=0.1)
            self.assertAlmostEqual(metrics[meter], -456.75, delta=0.1)
            self.assertAlmostEqual(metrics['esshub_voltage_volts{channel="grid"}'], 231.5, delta=0.1)
            time.sleep(10)
            metrics = house.scrape()
            frames = {k: v for k, v in metrics.items()
                      if k.startswith('esshub_bus_frames_total{bus="meters"')}
            print("frames with pymodbus:", {k: v for k, v in frames.items() if v})
            ok = sum(v for k, v in frames.items() if 'result="ok"' in k)
            bad = sum(v for k, v in frames.items() if 'result="ok"' not in k)
            self.assertGreater(ok, 20)
            self.assertLessEqual(bad, ok * 0.02)
        finally:
            house.close()
            for process in (slave, socat):
                if process:
                    process.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
