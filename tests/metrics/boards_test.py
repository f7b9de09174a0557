#!/usr/bin/python3
"""The Grafana boards and their provisioning, judged without Grafana and without a hub.

That every query is answered by a Prometheus that scraped a hub is shown by
tests/system/monitoring_test.py; that the boards are of Grafana's own types by .ci/stages
(needs npm).
"""
import json
import os
import re
import tempfile
import unittest

import boards
import rules_test


class Grafana(unittest.TestCase):
    def test_provisioning_points_at_the_boards_and_their_data_source(self):
        (source,) = rules_test.load("grafana", "provisioning", "datasources", "esshub.yml")[
            "datasources"
        ]
        self.assertEqual((source["type"], source["uid"]), ("prometheus", boards.DATA_SOURCE))
        scrape = rules_test.load("prometheus", "prometheus.yml")["global"]["scrape_interval"]
        self.assertEqual(source["jsonData"]["timeInterval"], scrape)
        (provider,) = rules_test.load("grafana", "provisioning", "dashboards", "esshub.yml")[
            "providers"
        ]
        self.assertTrue(provider["options"]["path"].endswith("/esshub"))

    def test_boards_and_panels_are_told_apart(self):
        all_boards = boards.load_all()
        self.assertEqual({b["title"] for b in all_boards.values()}, {"Home", "Operations", "Fleet"})
        self.assertEqual(len({b["uid"] for b in all_boards.values()}), len(all_boards))
        for board in all_boards.values():
            ids = [panel["id"] for panel in boards.panels(board)]
            self.assertEqual(len(ids), len(set(ids)), board["title"])
            self.assertTrue(all(panel["title"] for panel in boards.panels(board)))

    def test_panels_fill_rows_of_24_columns_without_overlap(self):
        for board in boards.load_all().values():
            taken = {}
            for panel in boards.panels(board):
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                for x in range(place["x"], place["x"] + place["w"]):
                    for y in range(place["y"], place["y"] + place["h"]):
                        self.assertNotIn(
                            (x, y), taken, f'{panel["title"]} covers {taken.get((x, y))}'
                        )
                        taken[x, y] = panel["title"]
            rows = {y for _, y in taken}
            self.assertEqual(rows, set(range(max(rows) + 1)), f'{board["title"]}: an empty row')
            for y in rows:
                self.assertEqual(
                    {x for x, row in taken if row == y}, set(range(24)), f'{board["title"]} row {y}'
                )

    def test_the_sites_can_be_chosen_one_several_or_all(self):
        for board in boards.load_all().values():
            (site,) = [v for v in board["templating"]["list"] if v["name"] == "site"]
            self.assertTrue(site["multi"] and site["includeAll"], board["title"])
            self.assertEqual(site["query"]["query"], 'label_values(up{job="esshub"}, site)')

    def test_the_fleet_has_the_worst_site_first(self):
        (sites,) = [
            panel for panel in boards.load_all()["fleet.json"]["panels"] if panel["type"] == "table"
        ]
        (sort,) = [t["options"]["sort"] for t in sites["transformations"] if t["id"] == "sortBy"]
        self.assertEqual(sort, [{"field": "Value #A", "desc": True}])
        expr = boards.plain(sites["targets"][0]["expr"], site=".*")
        up = 'up{job="esshub", instance="%s", site="%s"}'
        fault = (
            'esshub_fault_active{job="esshub", instance="%s", site="%s", fault="%s", severity="%s"}'
        )
        test = {
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [
                        {"series": series, "values": f"{value}x5"}
                        for series, value in (
                            (up % ("1", "away"), 0),
                            (up % ("2", "bad"), 1),
                            (up % ("3", "well"), 1),
                            (fault % ("2", "bad", "bms_lost", "critical"), 1),
                            (fault % ("2", "bad", "islanded", "warning"), 1),
                            (fault % ("2", "bad", "clock_untrusted", "info"), 1),
                            (fault % ("3", "well", "bms_lost", "critical"), 0),
                        )
                    ],
                    "promql_expr_test": [
                        {
                            "expr": expr,
                            "eval_time": "1m",
                            "exp_samples": [
                                {"labels": '{site="away"}', "value": 1000},
                                {"labels": '{site="bad"}', "value": 111},
                                {"labels": '{site="well"}', "value": 0},
                            ],
                        }
                    ],
                }
            ],
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            json.dump(test, f)
            f.flush()
            status, text = rules_test.run("promtool", "test", "rules", f.name)
        self.assertEqual(status, 0, text)

    def test_every_query_names_its_data_source_and_its_site(self):
        for board in boards.load_all().values():
            for panel in boards.panels(board):
                if panel["type"] == "row":
                    continue
                self.assertEqual(
                    panel["datasource"],
                    {"type": "prometheus", "uid": "${datasource}"},
                    panel["title"],
                )
                self.assertTrue(panel["targets"], panel["title"])
                letters = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(letters), len(set(letters)), panel["title"])
                for target in panel["targets"]:
                    self.assertIn('site=~"$site"', target["expr"])
                defaults = panel["fieldConfig"]["defaults"]
                self.assertIn("unit", defaults, panel["title"])

    def test_promtool_parses_every_query(self):
        group = {
            "name": "boards",
            "rules": [
                {"record": f"query:{i}", "expr": boards.plain(expr)}
                for i, (_, expr) in enumerate(boards.queries())
            ],
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            json.dump({"groups": [group]}, f)
            f.flush()
            status, text = rules_test.run("promtool", "check", "rules", f.name)
        self.assertEqual(status, 0, text)

    def test_every_metric_asked_for_is_one_of_ours(self):
        ours = {rule["record"] for rule in rules_test.rules("records.yml")} | {"up", "ALERTS"}
        folder = os.path.join(rules_test.TOP, "metrics")
        for name in os.listdir(folder):
            if name.endswith(".cpp"):
                with open(os.path.join(folder, name)) as f:
                    for metric in re.findall(r'"(esshub_\w+)"', f.read()):
                        ours |= {metric, metric + "_bucket", metric + "_sum", metric + "_count"}
        for title, expr in boards.queries() + [
            (r.get("alert") or r["record"], r["expr"])
            for file in ("alerts.yml", "records.yml")
            for r in rules_test.rules(file)
        ]:
            self.assertLessEqual(boards.metrics(expr), ours, title)

    def test_the_boards_show_every_fault_reason_and_flow_there_is(self):
        # They list what is active, whatever its name; a name in a query would have to be kept up by hand.
        for title, expr in boards.queries():
            self.assertNotRegex(expr, r'(fault|reason|instruction)="', title)


if __name__ == "__main__":
    unittest.main(verbosity=2)
