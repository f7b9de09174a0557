#!/usr/bin/python3
"""The hub is silent: as it is configured by default it makes no connection, sends nothing to anybody, looks
no name up, and listens where docs/security.md says and nowhere else. It runs in a network of its own that has
a loopback and nothing else, under strace: what it asks the kernel for is judged, not what comes of it.
"""
import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import sys
import unittest

from house import House, wait_for

# What the C library opens to find out a name's address.
RESOLVER = re.compile(
    r"/etc/(resolv\.conf|hosts|host\.conf|gai\.conf|services)|libnss_(?!files)|libresolv"
)
DOCUMENT = os.path.join(os.path.dirname(__file__), "../../docs/security.md")
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914


def alone(command):
    """Runs it in a network of its own with a loopback: this script's other end."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(f"no network of its own: {os.strerror(ctypes.get_errno())}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", 1))  # IFF_UP
    os.execvp(command[0], command)


def documented():
    """The addresses at which it listens by default, from the document's table."""
    with open(DOCUMENT) as f:
        return set(re.findall(r"^\| `(127\.0\.0\.1:\d+)` \|", f.read(), re.M))


class Trace:
    """What strace wrote of the network and of opened files."""

    def __init__(self, text):
        self.calls = len(re.findall(r"^\d+ +\w+\(", text, re.M))
        # To a socket of the machine's files nothing leaves it, but the name service's cache looks names up.
        self.connects = [
            line
            for line in re.findall(r"connect\(.*", text)
            if "AF_UNIX" not in line or "nscd" in line
        ]
        self.sent = re.findall(r"(?:sendto|sendmsg|sendmmsg)\(.*AF_INET.*", text)
        self.resolved = [line for line in re.findall(r"openat\(.*", text) if RESOLVER.search(line)]
        bound = {}
        self.listens = set()
        for line in text.splitlines():
            if m := re.search(
                r"bind\((\d+), \{sa_family=AF_INET6?, .*htons\((\d+)\).*\"([^\"]+)\"", line
            ):
                bound[m[1]] = f"{m[3]}:{m[2]}"
                self.listens.add(bound[m[1]])  # UDP: there is no more to listening
            elif m := re.search(r"listen\((\d+), ", line):
                self.listens.add(bound.get(m[1], line))


@unittest.skipIf(os.getuid() != 0, "needs root for a network of its own")
@unittest.skipUnless(shutil.which("strace"), "no strace here")
class SilentTest(unittest.TestCase):
    def trace(self, more=""):
        """The hub and the simulated house, all else by default, until it has held it for a while."""
        house = House()
        try:
            house.say("load 1000")
            with open(house.path("esshub.toml")) as f:
                config = re.sub(r"\[(metrics|web)\]\naddress = .*\n", "", f.read())
            with open(house.path("esshub.toml"), "w") as f:
                f.write(config + more)
            under = [sys.executable, os.path.abspath(__file__), "--alone"]
            under += "strace -D -f --seccomp-bpf -e trace=%network,openat -o".split()
            # The sanitizer that looks for leaks cannot work beside strace.
            sanitizer = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
            house.start_hub(under=[*under, house.path("trace")], env=sanitizer)
            held = wait_for(lambda: house.setpoint() < -900, 60, hold_s=15)
            self.assertIsNotNone(held, house.hub.text())
            self.assertEqual(house.hub.stop()[0], 0)

            def text():
                with open(house.path("trace"), errors="replace") as f:
                    return f.read()

            # strace fills a number up to five digits.
            ended = re.compile(rf"^{house.hub.p.pid} +\+\+\+ exited with 0 ", re.M)
            self.assertIsNotNone(wait_for(lambda: ended.search(text()), 20), text()[-2000:])
            return Trace(text())
        finally:
            house.close()

    def test_1_by_default(self):
        trace = self.trace()
        print(f"{trace.calls} calls, listens at {', '.join(sorted(trace.listens))}")
        self.assertGreater(trace.calls, 20)
        self.assertEqual(trace.connects, [])
        self.assertEqual(trace.sent, [])
        self.assertEqual(trace.resolved, [])
        self.assertEqual(trace.listens, documented())

    def test_2_what_it_would_do_is_seen(self):
        """The same eyes see a broker that is looked for, by address and by name."""
        by_address = self.trace('[mqtt]\naddress = "192.0.2.9:1883"\n')
        self.assertNotEqual(by_address.connects, [])
        by_name = self.trace('[mqtt]\naddress = "broker.invalid:1883"\n')
        self.assertNotEqual(by_name.resolved, [])

    def test_3_a_bound_socket_of_udp_listens(self):
        bind = 'bind(7, {sa_family=AF_INET, sin_port=htons(5353), sin_addr=inet_addr("0.0.0.0")}, 16) = 0'
        self.assertEqual(Trace(f"12 {bind}\n").listens, {"0.0.0.0:5353"})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        alone(sys.argv[2:])
    unittest.main(verbosity=2)
