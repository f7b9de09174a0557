#!/usr/bin/python3
"""The stop ends in time, whoever of those outside does not read any more: docs/safety.md, F20."""
import fcntl
import os
import signal
import subprocess
import time
import unittest

from house import HUB, House, wait_for

LIMIT_S = 6.0  # 5 s by the contract, and one for a full machine


def full_pipe():
    """Both ends of a pipe that takes nothing more."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, b"." * 4096)
    except BlockingIOError:
        pass
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    return reader, writer


class StopTest(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)

    def stop(self, *options, **streams):
        """A hub in control, told to stop: its exit status and the seconds it took."""
        command = [HUB, "run", "--config", self.house.path("esshub.toml"), *options]
        hub = subprocess.Popen(command, **streams)
        self.addCleanup(hub.kill)
        self.house.say("load 1500")
        self.assertIsNotNone(
            wait_for(lambda: abs(self.house.setpoint()) > 300, 60), "it never took control"
        )
        begin = time.monotonic()
        hub.send_signal(signal.SIGTERM)
        try:
            hub.wait(4 * LIMIT_S)
        except subprocess.TimeoutExpired:
            self.fail("it did not end")
        return hub.returncode, time.monotonic() - begin

    def check(self, *options, **streams):
        status, took = self.stop(*options, **streams)
        self.assertEqual(status, 0, "0 W was acknowledged")
        self.assertLess(took, LIMIT_S)
        self.assertEqual(self.house.setpoint(), 0.0)

    def test_a_reader_of_the_log_that_hangs(self):
        _, writer = full_pipe()
        self.check(stdout=subprocess.DEVNULL, stderr=writer)

    def test_a_reader_of_the_live_table_that_hangs(self):
        _, writer = full_pipe()
        self.check("--live", stdout=writer, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    unittest.main(verbosity=2)
