"""The system calls of a running hub's control thread, by strace."""
import collections
import os
import re
import subprocess


def control_thread(pid):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as f:
            if f.read().rstrip("\n") == "control":
                return tid
    raise RuntimeError("the hub has no thread named control")


class Calls:
    """What strace saw of one thread: every call, and those between a deadline slept on and the wake-up of
    the inverter's bus, a write of 8 bytes."""

    def __init__(self, text):
        self.all, self.before = collections.Counter(), collections.Counter()
        self.handed_over = 0
        since = None
        for call, rest in re.findall(r"^\d+\.\d+ (\w+)\((.*)$", text, re.M):
            self.all[call] += 1
            if call == "clock_nanosleep":
                since = collections.Counter()
            elif since is not None and call == "write" and re.search(r", 8\)", rest):
                self.handed_over += 1
                self.before += since
                since = None
            elif since is not None:
                since[call] += 1


class Strace:
    """Looks at the control thread from now on; done() tells what it saw."""

    def __init__(self, pid, file):
        self.file = file
        # -yy is not asked for: looking descriptors up costs calls of its own.
        self.process = subprocess.Popen(
            ["strace", "-q", "-ttt", "-o", file, "-p", control_thread(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )

    def refused(self):
        """Why it has ended by itself, or nothing."""
        return None if self.process.poll() is None else self.process.stderr.read().strip()

    def done(self):
        self.process.terminate()
        self.process.communicate()
        with open(self.file, errors="replace") as f:
            return Calls(f.read())
