#!/usr/bin/python3
"""The alert and recording rules and the routes of the alerts, judged without a hub.

promtool and amtool judge the files; the rest is that nothing is left out. What only a running hub
can show is in tests/system/monitoring_test.py.
"""
import os
import re
import subprocess
import unittest

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
DEPLOY = os.path.join(TOP, "deploy")


def load(*path):
    with open(os.path.join(DEPLOY, *path)) as f:
        return yaml.safe_load(f)


def run(*command):
    """Exit status and what was printed; warnings of a success are left out."""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def rules(file):
    return [
        rule for group in load("prometheus", "rules", file)["groups"] for rule in group["rules"]
    ]


class Prometheus(unittest.TestCase):
    def test_promtool_accepts_configuration_and_rules(self):
        status, text = run(
            "promtool", "check", "config", os.path.join(DEPLOY, "prometheus", "prometheus.yml")
        )
        self.assertEqual(status, 0, text)
        self.assertIn("2 rule files found", text)

    def test_every_rule_test_passes(self):
        status, text = run(
            "promtool",
            "test",
            "rules",
            *(os.path.join(HERE, name) for name in ("alerts.yml", "fleet.yml", "records.yml")),
        )
        self.assertEqual(status, 0, text)

    def test_every_alert_is_tested_firing_and_not_firing(self):
        tests = []
        for name in ("alerts.yml", "fleet.yml"):
            with open(os.path.join(HERE, name)) as f:
                tests += yaml.safe_load(f)["tests"]
        for alert in (rule["alert"] for rule in rules("alerts.yml")):
            fires, rests = False, alert == "Watchdog"  # which never rests
            for test in tests:
                seen = [alert in str(e["exp_samples"]) for e in test["promql_expr_test"]]
                fires |= any(seen)
                rests |= any(seen) and not all(seen)
            self.assertTrue(fires, f"{alert} is never tested firing")
            self.assertTrue(rests, f"{alert} is never tested before or after it fires")

    def test_every_recording_is_tested(self):
        with open(os.path.join(HERE, "records.yml")) as f:
            text = f.read()
        for record in (rule["record"] for rule in rules("records.yml")):
            if not record.endswith((":last", ":day_start")):  # steps towards :today
                self.assertIn(f"{record}{{", text)

    def test_every_fault_of_the_hub_is_heard_of(self):
        with open(os.path.join(TOP, "model", "fault.cpp")) as f:
            faults = set(re.findall(r"\{Fault::(\w+), Severity", f.read()))
        self.assertGreater(len(faults), 10)
        heard = {
            fault
            for rule in rules("alerts.yml")
            for names in re.findall(r'fault=~?"([\w|]+)"', rule["expr"].split("unless")[0])
            for fault in names.split("|")
        }
        self.assertEqual(faults - heard, set())

    def test_every_alert_says_how_urgent_and_what_to_do(self):
        for rule in rules("alerts.yml"):
            self.assertIn(rule["labels"]["severity"], ("page", "ticket", "info"), rule["alert"])
            self.assertTrue(
                rule["annotations"]["summary"] and rule["annotations"]["description"], rule["alert"]
            )


class Alertmanager(unittest.TestCase):
    FILE = os.path.join(DEPLOY, "alertmanager", "alertmanager.yml")

    def test_amtool_accepts_the_example(self):
        status, text = run("amtool", "check-config", self.FILE)
        self.assertEqual(status, 0, text)

    def test_each_severity_takes_its_route(self):
        for labels, receiver in (
            (["severity=page", "alertname=GridMeterLost"], "owner-now"),
            (["severity=ticket", "alertname=StaleSamples"], "owner"),
            (["severity=info", "alertname=ReserveReached"], "nobody"),
            (["severity=info", "alertname=Watchdog"], "dead-man"),
        ):
            status, text = run(
                "amtool", "config", "routes", "test", f"--config.file={self.FILE}", *labels
            )
            self.assertEqual((status, text.strip()), (0, receiver), labels)

    def test_silenced_alerts_exist(self):
        alerts = {rule["alert"] for rule in rules("alerts.yml")}
        for inhibition in load("alertmanager", "alertmanager.yml")["inhibit_rules"]:
            for matcher in inhibition["source_matchers"] + inhibition["target_matchers"]:
                self.assertLessEqual(set(re.findall(r"[A-Z]\w+", matcher)), alerts, matcher)


if __name__ == "__main__":
    unittest.main(verbosity=2)
