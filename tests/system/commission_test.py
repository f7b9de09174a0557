#!/usr/bin/python3
"""`esshub commission` in the simulated house: names a right wiring and a reversed grid clamp, stops at a key
and at Ctrl-C, refuses where the battery may not move, and changes nothing. With an invented hub: whatever
ends it, the order is ended."""
import glob
import http.server
import json
import os
import pty
import re
import signal
import subprocess
import tempfile
import termios
import threading
import time
import unittest

from house import HUB, House, wait_for
from orders import PASSWORD, Orders, set_password


def begun(command):
    """Runs, with the password given on its input."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(PASSWORD + "\n")
    process.stdin.flush()
    return process


class CommissionTest(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        set_password(self.house)
        self.house.say("load 700")
        self.house.say("pv 0")
        self.house.say("soc 60")

    def start_hub(self, *lines):
        if lines:
            self.house.add_config("\n".join(["", *lines, ""]))
        self.house.start_hub()
        self.wait(lambda: abs(self.house.setpoint()) > 50, 60, "it never took control")

    def wait(self, what, limit_s, why):
        self.assertIsNotNone(wait_for(what, limit_s), f"{why}:\n{self.house.hub.text()}")

    def arguments(self, *more):
        return [HUB, "commission", "--address", self.house.web, "--report", self.house.dir, *more]

    def commission(self, *more, answer=""):
        return subprocess.run(
            self.arguments(*more),
            input=PASSWORD + "\n" + answer,
            text=True,
            timeout=90,
            capture_output=True,
        )

    def row(self, said, channel):
        """What it is, sign, factor."""
        found = re.search(rf"^{channel} +(\S.*?\S)  +(\S+)  +(\S+)", said.stdout, re.M)
        self.assertIsNotNone(found, said.stdout + said.stderr)
        return found.groups()

    def test_names_a_right_wiring_within_a_minute_and_takes_consent(self):
        self.start_hub()
        refused = self.commission(answer="no\n")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("the answer was not yes", refused.stderr)
        begin = time.monotonic()
        said = self.commission("--no-export-limit", answer="yes\n")
        took = time.monotonic() - begin
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertLess(took, 60)
        self.assertEqual(self.row(said, "grid"), ("grid", "right", "1"), said.stdout)
        self.assertEqual(self.row(said, "battery_meter"), ("battery line", "right", "1"))
        self.assertEqual(self.row(said, "solar")[0], "no current")
        self.assertEqual(self.row(said, "circuit1")[0], "no current")
        self.assertIn(
            "solar at night, a circuit that draws nothing and a dead clamp look alike", said.stdout
        )
        self.assertIn("Nothing to change was found.", said.stdout)
        self.assertNotIn("CHANGE", said.stdout)
        (report,) = glob.glob(self.house.path("esshub-commission-*.html"))
        with open(report) as f:
            html = f.read()
        self.assertIn("<svg", html)
        self.assertNotIn("http", html)
        # The house is served again as before.
        self.wait(lambda: self.house.setpoint() < -400, 10, "self-consumption does not go on")

    def test_names_a_reversed_grid_clamp_and_turns_nothing_over(self):
        self.start_hub("[battery]", "charge_limit_w = 0", "discharge_limit_w = 450")
        self.house.say("ct reversed")
        self.wait(lambda: self.house.setpoint() == 0, 20, "it does not believe the clamp")
        with open(self.house.path("esshub.toml")) as f:
            config = f.read()
        said = self.commission("--yes", "--no-export-limit")
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertEqual(self.row(said, "grid"), ("grid", "REVERSED", "1"), said.stdout)
        self.assertEqual(self.row(said, "battery_meter"), ("battery line", "right", "1"))
        self.assertIn("CHANGE: turn its `invert` over", said.stdout)
        with open(self.house.path("esshub.toml")) as f:
            self.assertEqual(f.read(), config)

    def test_a_key_stops_it(self):
        self.start_hub()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(HUB, self.arguments("--yes"))
        self.addCleanup(os.close, terminal)
        said = b""

        def read_until(text, limit_s=30):
            nonlocal said
            end = time.monotonic() + limit_s
            while text not in said and time.monotonic() < end:
                try:
                    said += os.read(terminal, 4096)
                except OSError:  # it has ended
                    break
            self.assertIn(text, said)

        read_until(b"Password of the page:")
        os.write(terminal, PASSWORD.encode() + b"\n")
        read_until(b" s  discharge 450 W")
        os.write(terminal, b"x")
        pressed = time.monotonic()
        read_until(b"it was stopped: the battery rests, and the order has ended")
        self.assertLess(time.monotonic() - pressed, 3)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 1)
        self.was_ended()

    def test_ctrl_c_stops_it(self):
        self.start_hub()
        process = begun(self.arguments("--yes"))
        while " s  discharge 450 W" not in process.stdout.readline():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 1)
        self.assertIn("it was stopped", err)
        self.was_ended()

    def was_ended(self):
        """Of orders that are alike the log tells the first; an order of 5 s would still be in force."""
        self.assertIn("command=end_dispatch", self.house.hub.text())
        self.wait(lambda: self.house.setpoint() < -600, 4, "self-consumption does not go on")

    def test_refuses_where_the_battery_may_not_move_and_names_why(self):
        self.start_hub()
        orders = Orders(self.house.web)
        orders.sign_in()
        orders.post("override", '{"instruction": {"kind": "idle"}, "minutes": 5}')
        self.wait(lambda: self.house.setpoint() == 0, 20, "the override has no effect")
        self.assertIn("an override is in force", self.refused())
        orders.post("override", "", "DELETE")
        self.house.say("soc 15")
        self.wait(lambda: self.is_active("reserve_not_kept"), 20, "its charge is not missed")
        said = self.refused()
        self.assertIn("the fault reserve_not_kept is active", said)
        self.assertRegex(said, "the state of charge is 1. %, what is kept is 20 %")
        self.house.say("grid off")
        self.wait(lambda: self.is_active("islanded"), 20, "it is not islanded")
        self.assertIn("the fault islanded is active", self.refused())

    def is_active(self, fault):
        return self.house.scrape().get(f'esshub_fault_active{{fault="{fault}",severity="warning"}}')

    def refused(self):
        said = self.commission("--yes")
        self.assertEqual(said.returncode, 1, said.stdout)
        self.assertNotIn(" s  discharge 450 W", said.stdout)
        return said.stderr


class InventedHub:
    """Takes every order; shows what `spoil` makes of its state once the first dispatch is in force."""

    def __init__(self):
        self.orders = []
        self.authority = "balance"
        self.next_authority = None  # once the state was asked for
        self.spoil = None  # of the state, in place; returns the HTTP status
        self.ordered = threading.Event()
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, body, status=200):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                what = self.path.rsplit("/", 1)[1]
                if what != "state":
                    self.answer(
                        {
                            "site": {"name": "Home", "version": "1"},
                            "limits": {"limits": {"discharge_power_w": {"most": 3000}}},
                            "readings": {"monotonic_s": time.monotonic(), "readings": []},
                        }[what]
                    )
                    return
                state = hub.state()
                hub.authority = hub.next_authority or hub.authority
                spoilt = hub.spoil if hub.ordered.is_set() else None
                self.answer(state, spoilt(state) if spoilt else 200)

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/api/v1/dispatch":
                    hub.orders.append(json.loads(body)["instruction"] if body else "end")
                    hub.ordered.set()
                self.answer({"accepted": True, "csrf": "c"})

            do_POST = take
            do_DELETE = take

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()
        self.address = f"127.0.0.1:{self.http.server_port}"

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def state(self):
        last = self.orders[-1] if self.orders else {}
        power = -last.get("power_w", 0) if isinstance(last, dict) else 0
        return {
            "at": 1.8e9,
            "control": {"current": True},
            "faults": [],
            "decision": {
                "setpoint_w": 0,
                "battery_command_w": power,
                "reasons": [],
                "policy": {
                    "authority": "dispatch" if self.orders else self.authority,
                    "reserve_percent": 20,
                    "floor_percent": 10,
                },
            },
            "battery": {
                "soc_percent": {"value": 60},
                "discharge_current_limit_a": {"value": 50},
                "voltage_v": {"value": 50},
            },
            "inverter": {"power_w": {"value": 0}},
        }


class EndTest(unittest.TestCase):
    def setUp(self):
        self.hub = InventedHub()
        self.addCleanup(self.hub.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.report = os.path.join(self.folder, "esshub-commission-20270115-080000.html")
        self.command = [HUB, "commission", "--yes", "--address", self.hub.address]
        self.command += ["--report", self.folder]

    def run_it(self):
        return subprocess.run(
            self.command, input=PASSWORD + "\n", text=True, timeout=30, capture_output=True
        )

    def rests_and_ends(self):
        rest = {"kind": "idle", "low_percent": 0, "high_percent": 100}
        self.assertIsNotNone(wait_for(lambda: self.hub.orders[-1:] == ["end"], 10), self.hub.orders)
        self.assertEqual(self.hub.orders[-2], rest)
        self.assertGreaterEqual(len(self.hub.orders), 3)  # the first, the one that stops, the end

    def at_a_terminal(self):
        """Its process and terminal, once the first order is given."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(HUB, self.command)
        said = b""
        while b"Password of the page:" not in said:
            said += os.read(terminal, 4096)
        wait_for(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, 10)
        os.write(terminal, PASSWORD.encode() + b"\n")
        self.assertTrue(self.hub.ordered.wait(20), said)
        return pid, terminal

    def test_every_key_that_could_kill_or_halt_it_stops_it(self):
        for key in (b"\x1c", b"\x03", b"\x1a", b"\x13"):  # Ctrl-\, Ctrl-C, Ctrl-Z, Ctrl-S
            with self.subTest(key=key):
                self.hub.orders.clear()
                self.hub.ordered.clear()
                pid, terminal = self.at_a_terminal()
                os.write(terminal, key)
                self.rests_and_ends()
                said = b""
                while b"it was stopped: the battery rests" not in said:
                    said += os.read(terminal, 4096)
                self.assertIsNotNone(
                    wait_for(lambda: termios.tcgetattr(terminal)[3] & termios.ECHO, 10)
                )
                self.assertTrue(termios.tcgetattr(terminal)[3] & termios.ISIG)
                self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 1)
                os.close(terminal)

    def test_a_terminal_that_is_closed_stops_it(self):
        pid, terminal = self.at_a_terminal()
        os.close(terminal)
        self.rests_and_ends()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 1)

    def test_a_signal_stops_it(self):
        for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP):
            with self.subTest(signal=number):
                self.hub.orders.clear()
                self.hub.ordered.clear()
                process = begun(self.command)
                self.assertTrue(self.hub.ordered.wait(20))
                process.send_signal(number)
                self.rests_and_ends()
                process.communicate(timeout=10)
                self.assertEqual(process.returncode, 1)

    def test_ends_when_nobody_reads_what_it_says_and_writes_its_report(self):
        process = begun(self.command)
        self.assertTrue(self.hub.ordered.wait(20))
        process.stdout.close()
        self.rests_and_ends()
        process.stdin.close()
        self.assertIn("cannot be written any more", process.stderr.read())
        process.stderr.close()
        process.wait(10)
        self.assertTrue(os.path.isfile(self.report))

    def test_ends_when_the_hub_does_not_show_its_state(self):
        self.hub.spoil = lambda state: 503
        said = self.run_it()
        self.rests_and_ends()
        self.assertEqual(said.returncode, 1)
        self.assertIn("it ended early: the hub does not show /api/v1/state", said.stderr)
        self.assertTrue(os.path.isfile(self.report))

    def test_ends_when_the_hubs_answer_is_not_understood(self):
        self.hub.spoil = lambda state: state.update(faults=[5]) or 200
        said = self.run_it()
        self.rests_and_ends()
        self.assertEqual(said.returncode, 1)
        self.assertIn("it ended early: an answer of the hub is not understood", said.stderr)
        self.assertTrue(os.path.isfile(self.report))

    def test_a_dispatch_of_another_program_is_left_alone(self):
        self.hub.authority = "dispatch"
        said = self.run_it()
        self.assertEqual(said.returncode, 1)
        self.assertIn("a dispatch of another program is in force", said.stderr)
        self.assertEqual(self.hub.orders, [])

    def test_a_dispatch_that_came_before_the_consent_is_left_alone(self):
        self.hub.next_authority = "dispatch"
        self.command.remove("--yes")
        said = subprocess.run(
            self.command, input=PASSWORD + "\nyes\n", text=True, timeout=30, capture_output=True
        )
        self.assertIn("Type yes to begin", said.stdout)
        self.assertIn("a dispatch of another program is in force", said.stderr)
        self.assertEqual(self.hub.orders, [])

    def test_the_report_follows_no_link(self):
        kept = os.path.join(self.folder, "kept")
        with open(kept, "w") as f:
            f.write("as it was")
        os.symlink(kept, self.report)
        os.symlink(kept, self.report + ".new")
        self.hub.spoil = lambda state: 503
        said = self.run_it()
        self.assertIn(f"Report: {self.report}", said.stdout)
        with open(kept) as f:
            self.assertEqual(f.read(), "as it was")
        self.assertFalse(os.path.islink(self.report))
        with open(self.report) as f:
            self.assertIn("Ended early", f.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
