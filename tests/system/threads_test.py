#!/usr/bin/python3
"""Who runs on which thread, and before whom: docs/architecture.md, Threads."""
import os
import unittest

from house import House, wait_for
from small_meter import SmallMeter
from threads import table, threads

VITAL = ("bus.meters", "bus.battery", "bus.inverter")


def realtime_is_permitted():
    """Asked by a child, which it does not harm."""
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(80))
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


class ThreadsTest(unittest.TestCase):
    def test_control_before_vital_buses_before_all_others(self):
        house, garage = House(), None
        try:
            garage = SmallMeter(house.path("garage"))
            house.add_config(garage.config("garage", "circuit2"))
            house.start_hub()
            self.assertIsNotNone(
                wait_for(lambda: house.scrape().get("esshub_control_ticks_total", 0) > 0, 20)
            )
            print("\n" + table(house.hub.p.pid))
            rows = threads(house.hub.p.pid)
            names = [name for name, _, _ in rows]
            for name in ("control", "publisher", "bus.garage", *VITAL):
                self.assertEqual(names.count(name), 1, name)
            denied = "realtime_denied" in house.hub.text()
            self.assertEqual(denied, not realtime_is_permitted())
            for name, policy, priority in rows:
                wanted = ("normal", 0)
                if not denied and name == "control":
                    wanted = ("FIFO", 80)
                if not denied and name in VITAL:
                    wanted = ("FIFO", 45)
                self.assertEqual((policy, priority), wanted, name)
        finally:
            house.close()
            if garage:
                garage.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
