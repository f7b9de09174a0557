#!/usr/bin/python3
"""Debian's own Prometheus and Alertmanager beside the hub, with the deployed rules, routes and boards.

Only the times are shortened and the e-mails replaced by a webhook of this test; what fires, who is
told and what the boards ask is as deployed.
"""
import collections
import glob
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import invented_history
import yaml
from house import House, Process, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.join(HERE, "..", "..", "deploy")
sys.path.insert(0, os.path.join(HERE, "..", "metrics"))
import boards  # noqa: E402

Message = collections.namedtuple("Message", "receiver status alert severity summary")

# The modules' own port, for the voltages and temperatures of the cells.
CELLS = """
[[bus]]
name = "cells"
kind = "pylontech-rs485"
port = "{port}"
modules = 2
sweep_period = "1 s"
"""

# What this house shows only for a while, and how it is brought to.
TROUBLE = (
    "bms alarm high_temperature",
    "bms warning cell_imbalance",
    "inverter alarm temperature_warning",
)


def shortened(text):
    """A rule file or configuration with every waiting time of its own cut to a second."""
    return re.sub(
        r"^(\s*)((?:scrape_|evaluation_|group_|repeat_)?interval|for|group_wait): \S+$",
        r"\1\2: 1s",
        text,
        flags=re.M,
    )


class Webhook(http.server.ThreadingHTTPServer):
    """Keeps every alert that is sent to http://127.0.0.1:PORT/RECEIVER."""

    def __init__(self):
        self.messages = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for alert in body["alerts"]:
                labels = alert["labels"]
                self.server.messages.append(
                    Message(
                        self.path.strip("/"),
                        alert["status"],
                        labels["alertname"],
                        labels["severity"],
                        alert["annotations"]["summary"],
                    )
                )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    def got(self, **wanted):
        return any(all(getattr(m, k) == v for k, v in wanted.items()) for m in list(self.messages))


class Monitoring:
    """Prometheus and Alertmanager in the house's folder."""

    def __init__(self, house, webhook):
        self.address = f"127.0.0.1:{free_port()}"
        alertmanager = f"127.0.0.1:{free_port()}"
        shutil.copytree(os.path.join(DEPLOY, "prometheus"), house.path("prometheus"))
        for name in glob.glob(house.path("prometheus/**/*.yml"), recursive=True):
            with open(name) as f:
                text = shortened(f.read())
            text = text.replace("127.0.0.1:9750", house.metrics).replace(
                "127.0.0.1:9093", alertmanager
            )
            with open(name, "w") as f:
                f.write(text)
        with open(os.path.join(DEPLOY, "alertmanager", "alertmanager.yml")) as f:
            config = yaml.safe_load(shortened(f.read()))
        for receiver in config["receivers"]:
            for kind in [key for key in receiver if key.endswith("_configs")]:
                resolved = receiver.pop(kind)[0]["send_resolved"]
                receiver["webhook_configs"] = [
                    {
                        "url": f"http://127.0.0.1:{webhook.server_port}/{receiver['name']}",
                        "send_resolved": resolved,
                    }
                ]
        with open(house.path("alertmanager.yml"), "w") as f:
            yaml.safe_dump(config, f)
        self.processes = [
            Process(
                [
                    "prometheus-alertmanager",
                    f"--config.file={house.path('alertmanager.yml')}",
                    f"--storage.path={house.path('alertmanager')}",
                    f"--web.listen-address={alertmanager}",
                    "--cluster.listen-address=",
                    "--log.level=warn",
                ],
                house.path("alertmanager.log"),
            ),
            # What fires is told again every second, not every minute: Alertmanager may not be listening yet.
            Process(
                [
                    "prometheus",
                    f"--config.file={house.path('prometheus/prometheus.yml')}",
                    f"--storage.tsdb.path={house.path('tsdb')}",
                    f"--web.listen-address={self.address}",
                    "--rules.alert.resend-delay=1s",
                    "--log.level=warn",
                ],
                house.path("prometheus.log"),
            ),
        ]

    def ask(self, path, **parameters):
        """The data of an API call; None while there is no answer. A query that is wrong raises."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as r:
                return json.load(r)["data"]
        except urllib.error.HTTPError as e:
            if e.code == 503:  # still starting
                return None
            raise RuntimeError(f"{parameters}: {e.read().decode()}") from e
        except OSError:
            return None

    def query(self, expr, seconds=15):
        """The series that the expression had within the last seconds."""
        now = time.time()
        data = self.ask("query_range", query=expr, start=now - seconds, end=now, step=1)
        return data["result"] if data else []

    def close(self):
        for process in self.processes:
            process.stop()

    def logs(self):
        return "".join(process.text() for process in self.processes)


class MonitoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as scenario:
            scenario.write("[house]\nac_out_w = 300\n")  # there is something to back up
            scenario.flush()
            cls.house = House("--scenario", scenario.name)
        cls.addClassCleanup(cls.house.close)
        history = cls.house.path("state/history.db")
        with open(cls.house.path("esshub.toml"), "a") as f:
            f.write("\n[tariff]\nimport = 0.25\nexport = 0.15\n")
            f.write("[[tariff.band]]\nimport = 0.07\n")
            for key, hours in (("from", 6), ("to", 8)):
                at = time.strftime("%H:%M", time.gmtime(time.time() + hours * 3600))
                f.write(f'{key} = "{at}"\n')
            f.write('[policy]\nmode = "smart"\n')
            f.write(CELLS.format(port=cls.house.path("cells")))
        cls.webhook = Webhook()
        cls.addClassCleanup(cls.webhook.shutdown)
        cls.house.say("load 1500")
        cls.house.say("pv 400")
        invented_history.begin(cls.house, history)
        invented_history.fill_evenly(history)
        cls.house.start_hub(trusted_clock=True)
        if wait_for(cls.house.scrape, 20) is None:
            raise RuntimeError(cls.house.hub.text())
        cls.monitoring = Monitoring(cls.house, cls.webhook)
        cls.addClassCleanup(cls.monitoring.close)
        cls.unanswered = {
            (
                title,
                boards.plain(expr, site="home", __rate_interval="10s", __range="60s"),
            )
            for title, expr in boards.queries()
        }
        cls.seen = set()  # metric names in /metrics, at any time

    def ask_the_boards(self):
        """Every query not answered yet is asked; true when none is left."""
        cls = type(self)
        cls.seen |= {re.split(r"[{ ]", key)[0] for key in self.house.scrape()}
        cls.unanswered = {
            (title, expr) for title, expr in cls.unanswered if not self.monitoring.query(expr)
        }
        return not cls.unanswered

    def settled(self):
        state = self.house.state()
        return abs(state["grid_w"]) < 50 and self.house.setpoint() < -900

    def test_1_prometheus_scrapes_the_hub_and_the_chain_is_alive(self):
        self.assertIsNotNone(wait_for(self.settled, 60, hold_s=1), self.house.hub.text())
        self.assertIsNotNone(
            wait_for(lambda: self.webhook.got(receiver="dead-man", alert="Watchdog"), 20),
            self.monitoring.logs(),
        )
        up = self.monitoring.query('up{job="esshub"} == 1', 3)
        self.assertEqual(len(up), 1, self.monitoring.logs())
        # Before the first scrape there is no hub; as deployed that may last a minute, here a second.
        paged = {m.alert for m in self.webhook.messages if m.receiver == "owner-now"}
        self.assertLessEqual(paged, {"HubDown"})

    def test_2_promtool_is_content_with_what_the_hub_exports(self):
        with urllib.request.urlopen(f"http://{self.house.metrics}/metrics", timeout=5) as r:
            checked = subprocess.run(
                ["promtool", "check", "metrics"], input=r.read(), capture_output=True
            )
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))

    def test_3_a_lost_grid_meter_is_told_to_the_owner_and_taken_back(self):
        self.ask_the_boards()
        for trouble in TROUBLE:
            self.house.say(f"{trouble} on")
        self.house.say("fault meters off")
        fired = wait_for(
            lambda: self.webhook.got(
                receiver="owner-now",
                status="firing",
                alert="GridMeterLost",
                severity="page",
                summary="Grid meter lost",
            ),
            30,
        )
        self.assertIsNotNone(fired, self.monitoring.logs())
        self.ask_the_boards()
        self.house.say("fault meters none")
        for trouble in TROUBLE:
            self.house.say(f"{trouble} off")
        resolved = wait_for(
            lambda: self.webhook.got(
                receiver="owner-now", status="resolved", alert="GridMeterLost"
            ),
            30,
        )
        print(f"meter off to alert: {fired:.1f} s; meter back to resolved: {resolved or -1:.1f} s")
        self.assertIsNotNone(resolved, self.monitoring.logs())
        self.assertFalse(self.webhook.got(receiver="nobody"))

    def test_4_every_query_of_the_boards_is_answered(self):
        self.house.say("pv 6000")  # more than the battery takes: something is earned
        answered = wait_for(self.ask_the_boards, 100, step_s=1)  # a plan is tried once a minute
        self.house.say("pv 0")
        self.assertIsNotNone(
            answered, "\n".join(f"{title}: {expr}" for title, expr in sorted(self.unanswered))
        )

    def test_5_every_metric_that_the_boards_name_is_in_our_metrics(self):
        named = {
            name
            for _, expr in boards.queries()
            for name in boards.metrics(expr)
            if name.startswith("esshub_")
        }
        self.assertEqual(named - self.seen, set())

    def test_6_after_a_kill_no_counter_of_energy_has_begun_anew(self):
        def discharged(expr):
            found = self.monitoring.query(
                expr.format('esshub_flow_energy_joules_total{flow="battery_discharge"}'), 5
            )
            return float(found[0]["values"][-1][1]) if found else 0.0

        self.assertIsNotNone(wait_for(lambda: discharged("{}") > 0, 10))
        before = discharged("{}")
        self.house.hub.p.kill()
        self.house.hub.stop()
        self.house.start_hub(trusted_clock=True)
        self.assertIsNotNone(
            wait_for(lambda: discharged("{}") > before, 30), f"{before}, then {discharged('{}')}"
        )
        self.assertEqual(discharged("resets({}[10m])"), 0)
        self.assertLess(
            discharged("{}"), before + 500_000, "a mark above it, and what has flowed since"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
