#!/usr/bin/python3
"""esshub sniff beside the simulated house: another master polls, the sniffer listens and never sends."""
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import threading
import time
import tty
import unittest

from house import HUB, House


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


class Splitter:
    """A device's line that a master and a listener share; what the listener sends is kept."""

    def __init__(self, device):
        self.device = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.device)
        self.ear, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)  # the listener opens it for itself alone
        os.set_blocking(self.ear, False)
        self.sent_by_listener = b""

    def pass_on(self, data):
        try:
            os.write(self.ear, data)
        except BlockingIOError:
            pass  # nobody has listened for long
        try:
            self.sent_by_listener += os.read(self.ear, 1000)
        except OSError:
            pass  # nothing sent, or nobody there

    def ask(self, request, length, limit_s=1.0):
        """One transaction of the master; the answer, or what came of it in time."""
        os.write(self.device, request)
        self.pass_on(request)
        answer = b""
        end = time.monotonic() + limit_s
        while len(answer) < length and time.monotonic() < end:
            if select.select([self.device], [], [], 0.05)[0]:
                part = os.read(self.device, 1000)
                self.pass_on(part)
                answer += part
        return answer

    def close(self):
        for fd in (self.device, self.ear):
            os.close(fd)


class Master(threading.Thread):
    """The old box: asks unit 1, unit 244, and unit 9, which does not exist, again and again."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            for unit, start, count in ((1, 0, 6), (1, 12, 6), (244, 12, 2), (9, 0, 2)):
                request = struct.pack(">BBHH", unit, 4, start, count)
                # Who is there may be slow on a busy machine: asked too early is answered too late.
                self.line.ask(request + crc(request), 5 + 2 * count, 0.3 if unit == 9 else 10)

    def stop(self):
        self.over.set()
        self.join()


class Sniff:
    """`esshub sniff` until it said enough, then Ctrl-C."""

    def __init__(self, *arguments):
        self.p = subprocess.Popen(
            [HUB, "sniff", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def lines(self, enough, limit_s=60):
        """All lines until enough(lines), those after Ctrl-C, stderr and the exit status."""
        timer = threading.Timer(limit_s, self.p.kill)
        timer.start()
        heard = []
        for line in self.p.stdout:
            heard.append(line.rstrip("\n"))
            if enough(heard):
                break
        self.p.send_signal(signal.SIGINT)
        out, err = self.p.communicate(timeout=limit_s)
        timer.cancel()
        return heard, out.splitlines(), err, self.p.returncode


# Whole reads: what is heard first may be the response to a request from before ("RESPONSE WITHOUT REQUEST").
WHOLE = [
    re.compile(text)
    for text in (
        r"unit 1 +read input 12\+6 .*l1_power [-\d.]+ W",
        r"unit 1 +read input 0\+6 .*l1_voltage [\d.]+ V",
        r"unit 244 +read input 12\+2 +\d+ ms +\w+ [-\d.]+ W",
        r"unit 9 +read input 0\+2 +NO RESPONSE",
    )
]


class SniffModbus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.house.say("load 1500")
        cls.line = Splitter(cls.house.path("meters"))
        cls.master = Master(cls.line)
        cls.master.start()

    @classmethod
    def tearDownClass(cls):
        cls.master.stop()
        cls.line.close()
        cls.house.close()

    def test_speed_is_found_and_values_are_shown(self):
        def missing(lines):
            text = "\n".join(lines)
            return [whole.pattern for whole in WHOLE if not whole.search(text)]

        heard, after, err, status = Sniff("--port", self.line.port).lines(
            lambda lines: not missing(lines)
        )
        self.assertEqual(status, 0, err)
        self.assertIn("modbus at 9600 8N1", err)
        self.assertEqual(missing(heard), [], "\n".join(heard))
        self.assertRegex("\n".join(after), r"unit 244 +[1-9]\d* +0 +0 +0")
        self.assertEqual(self.line.sent_by_listener, b"")

    def test_json_and_capture(self):
        capture = self.house.path("meters.pcapng")
        heard, after, err, status = Sniff(
            "--port",
            self.line.port,
            "--baud",
            "9600",
            "--kind",
            "modbus",
            "--json",
            "--write",
            capture,
        ).lines(lambda lines: len(lines) >= 12)
        self.assertEqual(status, 0, err)
        objects = [json.loads(line) for line in heard + after]
        summary = objects.pop()
        self.assertEqual((summary["kind"], summary["bus"]), ("summary", "modbus"))
        self.assertGreater(summary["counts"]["unit 1"]["ok"], 3)
        self.assertEqual(
            sum(1 for o in objects if o["who"] == "unit 1" and o["outcome"] == "ok"),
            summary["counts"]["unit 1"]["ok"],
        )
        self.assertLess(abs(objects[0]["time_s"] - time.time()), 120)
        self.wireshark_reads(capture, summary)

    def wireshark_reads(self, capture, summary):
        """Where tshark is installed, it finds the frames that we found."""
        if not shutil.which("tshark"):
            return print(
                "no tshark: the capture is checked by its blocks only (tests/app/bus_tools/capture_test.cpp)"
            )
        text = subprocess.run(
            [
                "tshark",
                "-r",
                capture,
                "-d",
                "rtacser.data,mbrtu",
                "-T",
                "fields",
                "-e",
                "frame.encap_type",
                "-e",
                "mbrtu.unit_id",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        rows = [line.split("\t") for line in text.splitlines()]
        print(f"tshark: {len(rows)} packets, {summary['frames']} frames")
        self.assertEqual({row[0] for row in rows}, {"153"})  # its number for RTAC serial
        self.assertGreaterEqual(sum(row[1] in ("1", "244", "9") for row in rows), summary["frames"])


class SniffBattery(unittest.TestCase):
    def test_slcan_is_opened_to_listen_and_kept_as_candump(self):
        house = House()
        try:
            house.say("soc 64.5")
            capture = house.path("battery.log")
            heard, after, err, status = Sniff(
                "--port",
                house.path("battery"),
                "--kind",
                "slcan",
                "--baud",
                "115200",
                "--write",
                capture,
            ).lines(
                lambda lines: {line.split()[1] for line in lines} >= {"0x351", "0x355", "0x356"}
            )
            self.assertEqual(status, 0, err)
            self.assertRegex("\n".join(heard), r"0x355 +state +soc 64 %")
            self.assertRegex("\n".join(after), r"0x351 +\d+ +0")
            with open(capture) as f:
                log = f.read()
            self.assertRegex(log, r"^\(\d{10}\.\d{6}\) slcan0 3[0-9A-F]{2}#[0-9A-F]+\n")
            decoded = subprocess.run(
                [HUB, "decode", "--kind", "can"], input=log, capture_output=True, text=True
            )
            self.assertEqual(
                {"soc_percent": 64}.items()
                <= next(
                    d for d in map(json.loads, decoded.stdout.splitlines()) if d["id"] == "0x355"
                ).items(),
                True,
            )
        finally:
            house.close()


class SniffInverter(unittest.TestCase):
    def test_questions_and_answers_of_an_mk3(self):
        house = House()
        line = Splitter(house.path("inverter"))
        try:
            sniff = Sniff("--port", line.port, "--seconds", "30")
            over = threading.Event()

            def host():
                def frame(body):
                    body = bytes([len(body)]) + body
                    return body + bytes([-sum(body) & 0xFF])

                while not over.wait(0.05):
                    line.ask(frame(b"\xffL"), 8, 0.4)
                    line.ask(frame(b"\xffV"), 9, 0.4)

            thread = threading.Thread(target=host)
            thread.start()
            heard, after, err, status = sniff.lines(
                lambda lines: any("led_request" in said and "->" in said for said in lines)
            )
            over.set()
            thread.join()
            self.assertEqual(status, 0, err)
            self.assertIn("mk3 at 2400 8N1", err)
            self.assertRegex("\n".join(after), r"led_request +[1-9]")
            self.assertEqual(line.sent_by_listener, b"")
        finally:
            line.close()
            house.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
