"""The history of the real hub in the simulated house: a full disk, and what can be read while it runs."""
import csv
import http.server
import io
import json
import resource
import signal
import subprocess
import threading
import unittest

from house import HUB, House, free_port, wait_for

FAULT = 'esshub_fault_active{fault="storage_failed",severity="warning"}'
UNTRUSTED = 'esshub_fault_active{fault="clock_untrusted",severity="info"}'


def no_file_may_grow():
    """A disk without room, for a child: not a byte may be written to any file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def export(*arguments):
    run = subprocess.run([HUB, "export", *arguments], capture_output=True, text=True, timeout=20)
    return run.returncode, run.stdout, run.stderr


class HistoryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.config = cls.house.path("history.toml")
        cls.file = cls.house.path("history.db")
        with open(cls.house.path("esshub.toml")) as f:
            text = f.read()
        with open(cls.config, "w") as f:
            f.write(text + f'\n[history]\nfile = "{cls.file}"\nbatch = "10 s"\n')
        # Its log goes to a device: a file could not grow either.
        cls.hub = subprocess.Popen(
            [HUB, "run", "--config", cls.config],
            stderr=subprocess.DEVNULL,
            preexec_fn=no_file_may_grow,
        )

    @classmethod
    def tearDownClass(cls):
        cls.hub.terminate()
        cls.status = cls.hub.wait(10)
        cls.house.close()

    def test_1_on_a_full_disk_control_goes_on_and_the_owner_is_told(self):
        house = self.house
        house.say("load 2000")
        self.assertIsNotNone(
            wait_for(lambda: house.scrape().get(FAULT) == 1, 10), "no storage_failed"
        )
        self.assertIsNotNone(
            wait_for(lambda: abs(house.setpoint()) > 200, 20), "the battery is not used"
        )
        before = house.setpoint()
        house.say("load 1000")
        self.assertIsNotNone(
            wait_for(lambda: abs(house.setpoint() - before) > 500, 5), "it does not follow"
        )
        self.assertEqual(house.scrape().get(FAULT), 1)

    def test_2_once_there_is_room_the_fault_clears_and_nothing_was_lost(self):
        house = self.house
        limit = resource.prlimit(self.hub.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.hub.pid, resource.RLIMIT_FSIZE, (limit[1], limit[1]))
        self.assertIsNotNone(
            wait_for(lambda: house.scrape().get(FAULT) == 0, 20), "the fault stays"
        )
        status, text, err = export("--config", self.config, "--what", "events", "--format", "json")
        self.assertEqual((status, err), (0, ""))
        events = json.loads(text)
        if house.scrape().get(UNTRUSTED) == 1:
            self.assertEqual(events, [], "nothing is dated by a clock that cannot be trusted")
        else:
            self.assertIn("started", [e["name"] for e in events])
            self.assertIn("storage_failed", [e["name"] for e in events if e["kind"] == "fault"])

    def test_3_an_export_works_while_the_hub_runs(self):
        for what, first in (("minutes", "time"), ("days", "date"), ("events", "time")):
            status, text, err = export("--file", self.file, "--what", what)
            self.assertEqual((status, err), (0, ""))
            self.assertEqual(next(csv.reader(io.StringIO(text)))[0], first)

    def test_4_what_is_wrong_is_said(self):
        status, text, err = export("--file", "/nowhere/history.db")
        self.assertEqual((status, text), (1, ""))
        self.assertIn("/nowhere/history.db: there is no such file", err)
        status, text, err = export("--file", self.file, "--from", "today")
        self.assertEqual((status, text), (64, ""))
        self.assertIn('--from is "today"', err)
        self.assertEqual(export("--file", self.file, "--what", "weeks")[0], 64)
        self.assertEqual(export("--config", "/nowhere.toml")[0], 78)
        with open(self.house.path("text.db"), "w") as f:
            f.write("no database " * 100)
        self.assertEqual(export("--file", self.house.path("text.db"))[0], 1)

    def test_5_the_status_is_that_of_the_running_hub(self):
        run = subprocess.run(
            [HUB, "status", "--address", self.house.web], capture_output=True, text=True, timeout=20
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for title in ("grid", "SOC", "now", "why", "faults", "today", "buses"):
            self.assertRegex(run.stdout, f"(?m)^{title} ")
        self.assertRegex(run.stdout, r"R reserve \d+ %  C cut-off \d+ %")
        self.assertRegex(run.stdout, "meters +OK")


class StatusTest(unittest.TestCase):
    """Against a server that answers in the form of the hub's REST interface."""

    ANSWERS = {
        "/api/v1/site": {"name": "cottage", "time_zone": "Europe/London"},
        "/api/v1/state": {
            "at": 1768474800.0,
            "clock_trusted": True,
            "control": {"current": True},
            "grid": {"power_w": {"value": 230, "age_s": 0.2}},
            "decision": {"battery_command_w": 0, "reasons": []},
            "faults": [],
        },
        "/api/v1/buses": {"buses": []},
    }

    @classmethod
    def setUpClass(cls):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = cls.ANSWERS.get(self.path)
                body = json.dumps(answer or {"error": "unavailable"}).encode()
                self.send_response(200 if answer else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        cls.address = f"127.0.0.1:{cls.server.server_address[1]}"
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def status(self, *arguments):
        return subprocess.run(
            [HUB, "status", "--address", self.address, *arguments],
            capture_output=True,
            text=True,
            timeout=20,
        )

    def test_1_the_same_truth_without_colour_in_a_pipe(self):
        run = self.status()
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("cottage  2026-01-15 11:00:00 GMT\n", run.stdout)
        self.assertIn("230 W  imported", run.stdout)
        self.assertIn("no history is kept", run.stdout)
        self.assertNotIn("\x1b", run.stdout)

    def test_2_json_is_the_hubs_own_words(self):
        run = self.status("--json")
        hub = json.loads(run.stdout)
        self.assertEqual(hub["state"], self.ANSWERS["/api/v1/state"])
        self.assertIsNone(hub["today"])

    def test_3_watch_goes_on(self):
        watch = subprocess.Popen(
            [HUB, "status", "--address", self.address, "--watch", "--json"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for _ in range(2):
                self.assertIn("site", json.loads(watch.stdout.readline()))
        finally:
            watch.send_signal(signal.SIGINT)
            watch.communicate(timeout=5)

    def test_4_nobody_there_is_an_error(self):
        run = subprocess.run(
            [HUB, "status", "--address", f"127.0.0.1:{free_port()}"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("esshub status: http://127.0.0.1:", run.stderr)


if __name__ == "__main__":
    unittest.main()
