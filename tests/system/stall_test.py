#!/usr/bin/python3
"""The whole process stands still for 5 s (SIGSTOP; a paused virtual machine is the same): safety.md F6, F10.

The inverter still follows the setpoint from before, and its session is still good: what it hears first is
0 W, then only the handshake.
"""
import random
import signal
import time
import unittest

from cable import Cable
from house import House, wait_for

STALL_S = 5.0
FIRST_S = 1.0  # for the first setpoint; then the inverter's own way
ESS_SETPOINT_ID = 131  # of the simulated inverter: docs/reference/vebus-mk3.md 7.1


class Mk3Ear:
    """What the hub tells the inverter, as frames: (monotonic s, bytes)."""

    def __init__(self, cable):
        self.frames, self.rest = [], b""
        cable.tap = self.hear

    def hear(self, name, data):
        if name != "hub":
            return
        at = time.monotonic()
        self.rest += data
        while len(self.rest) >= 2 and len(self.rest) >= self.rest[0] + 2:
            size = self.rest[0] + 2
            self.frames.append((at, self.rest[:size]))
            self.rest = self.rest[size:]

    def since(self, begin):
        return [frame for frame in list(self.frames) if frame[0] >= begin]


def setpoint_of(frame):
    """W on the wire (+ = discharge) of `len FF X 37 flags id low high checksum`; nothing: another frame."""
    if len(frame) < 9 or frame[1] != 0xFF or frame[2] not in b"XYZ" or frame[3] != 0x37:
        return None
    if frame[4] & 1 or frame[5] != ESS_SETPOINT_ID:
        return None
    return int.from_bytes(frame[6:8], "little", signed=True)


class StallTest(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.cable = Cable("hub", inverter=self.house.path("inverter"))
        self.ear = Mk3Ear(self.cable)
        self.house.say("load 1000")
        self.house.say("pv 0")
        self.house.start_hub_on("inverter", self.cable.port["hub"])

    def tearDown(self):
        self.house.close()
        self.cable.close()

    def test_the_first_word_after_a_stall_is_0_w(self):
        house, dice = self.house, random.Random(12)
        for turn in range(3):
            settled = wait_for(
                lambda: abs(house.state()["grid_w"]) < 50 and house.setpoint() < -900,
                60,
                0.1,
                hold_s=2,
            )
            self.assertIsNotNone(settled, house.hub.text())
            # A setpoint was heard as one, so that hearing none would be noticed.
            self.assertTrue(any((setpoint_of(f) or 0) > 900 for _, f in self.ear.since(0)))
            time.sleep(dice.uniform(0, 0.5))
            house.hub.p.send_signal(signal.SIGSTOP)
            time.sleep(STALL_S)
            self.assertLess(house.setpoint(), -900)  # it did not fall to passthru meanwhile
            cont = time.monotonic()
            house.hub.p.send_signal(signal.SIGCONT)
            took = wait_for(lambda: abs(house.setpoint()) < 1, 20, 0.01)
            frames = self.ear.since(cont)
            said = [f"{at - cont:.3f} s {frame.hex(' ')}" for at, frame in frames[:12]]
            print(f"stall {turn + 1}: 0 W at the inverter after {took} s; it heard first {said[0]}")
            self.assertEqual(setpoint_of(frames[0][1]), 0, "\n".join([*said, house.hub.text()]))
            self.assertLess(frames[0][0] - cont, FIRST_S)
            for at, frame in frames:
                # Until every source is fresh again; nothing is replayed.
                self.assertIn(setpoint_of(frame), (None, 0), f"{at - cont:.3f} s after the stall")
        # Who stood still together accuses nobody of it.
        self.assertNotIn(" actor_stuck ", house.hub.text())
        status, _ = house.hub.stop()
        self.assertEqual(status, 0, house.hub.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
