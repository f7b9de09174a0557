#!/usr/bin/python3
"""Between its deadline and the setpoint handed over the control waits for nobody: safety contract I11.

The running hub in the simulated house, whose load steps while orders arrive: no lock is taken, free or
not, nothing is allocated or freed, and no system call is made but the one that wakes the inverter's bus.
"""
import shutil
import time
import unittest

from control_calls import Strace
from house import House, wait_for
from lock_probe import LockProbe
from orders import Orders, set_password

HANDED_OVER, ORDERS = 500, 40  # looked at
CLOCK = {"clock_gettime"}  # a system call only where the machine's clock cannot be read without one


class HandOverTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.addClassCleanup(cls.house.close)
        set_password(cls.house)
        cls.probe = LockProbe(cls.house.path("lock_probe"))
        cls.addClassCleanup(cls.probe.close)
        cls.house.say("pv 0")
        cls.house.say("load 600")
        cls.house.start_hub(**cls.probe.hub)
        cls.orders = Orders(cls.house.web)

        def covered():
            return abs(cls.house.state()["grid_w"]) < 50 and cls.house.setpoint() < -100

        if wait_for(covered, 90, 0.1, hold_s=2) is None:
            raise RuntimeError(cls.house.hub.text())
        cls.orders.sign_in()

    def work(self):
        """Load steps and orders until enough setpoints were handed over."""
        first, given, end = self.probe.handed_over(), 0, time.monotonic() + 120
        while self.probe.handed_over() < first + HANDED_OVER or given < ORDERS:
            self.assertLess(time.monotonic(), end, self.house.hub.text())
            if given % 10 == 0:
                self.house.say(f"load {1600 if given % 20 else 600}")
            self.orders.give()
            given += 1
            time.sleep(0.1)

    def test_takes_no_lock_and_no_memory(self):
        self.work()
        calls = self.probe.calls()
        for function, (before, others) in calls.items():
            print(f"{function:24} {before:6} before the hand-over {others:10} others")
        for function in ("pthread_mutex_lock", "malloc", "free"):
            self.assertGreater(calls[function][1], 0, f"the probe sees no {function}")
        self.assertEqual({f: before for f, (before, _) in calls.items() if before}, {})

    def test_makes_no_system_call_but_the_wake_up(self):
        if not shutil.which("strace"):
            self.skipTest("no strace here")
        strace = Strace(self.house.hub.p.pid, self.house.path("strace"))
        time.sleep(0.5)
        if (refused := strace.refused()) is not None:
            self.skipTest(f"strace may not look at processes here: {refused}")
        self.work()
        calls = strace.done()
        print("\nall calls of the thread:", dict(calls.all))
        self.assertGreater(calls.handed_over, HANDED_OVER / 2)
        self.assertEqual({c: n for c, n in calls.before.items() if c not in CLOCK}, {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
