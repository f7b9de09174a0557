#!/usr/bin/python3
"""Mode smart of the real hub: from the history to a plan, from the plan to the battery (docs/smart.md)."""
import json
import os
import resource
import sqlite3
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from house import HUB, House, wait_for
from orders import Orders, set_password

DAY = 86400


def clock(seconds):
    return time.strftime("%H:%M", time.gmtime(seconds))


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def seed(file, now):
    """15 days of minutes of a house that draws 600 W by day and by night, without sun."""
    begin = int(now) // 60 * 60 - 15 * DAY
    rows = [(at, 600, 0, 600, 0, 500) for at in range(begin, int(now) // 60 * 60, 60)]
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT OR REPLACE INTO minutes (begin, grid_w, solar_w, house_w, battery_w, soc_tenths)"
            " VALUES (?,?,?,?,?,?)",
            rows,
        )
    db.close()


class SmartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        set_password(cls.house)
        cls.file = cls.house.path("history.db")
        with open(cls.house.path("esshub.toml")) as f:
            cls.text = f.read().replace("Europe/London", "Etc/UTC")
        cls.house.say("load 600")
        cls.house.say("soc 50")
        cls.price(cheap=True)

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    @classmethod
    def price(cls, cheap, also=""):
        """From an hour ago until in half an hour, in which it cannot be filled, 0.07, else 0.30; or the
        other way round."""
        now = time.time()
        inside, outside = (0.07, 0.30) if cheap else (0.30, 0.07)
        with open(cls.house.path("esshub.toml"), "w") as f:
            f.write(
                cls.text
                + f'\n[history]\nfile = "{cls.file}"\nbatch = "10 s"\n'
                + '[policy]\nmode = "smart"\n'
                + f"[tariff]\nimport = {outside}\n[[tariff.band]]\n"
                + f'from = "{clock(now - 3600)}"\nto = "{clock(now + 1800)}"\n'
                + f"import = {inside}\n{also}"
            )

    def tearDown(self):
        if self.house.hub:
            self.house.hub.stop()

    def start(self, trusted_clock=True):
        # A write beyond the limit fails instead of killing it.
        self.house.start_hub(trusted_clock=trusted_clock, under=("env", "--ignore-signal=XFSZ"))
        self.wait(lambda: self.policy(), 30, "it does not answer")

    def policy(self):
        try:
            with urllib.request.urlopen(f"http://{self.house.web}/api/v1/state", timeout=5) as r:
                return json.load(r)["decision"]["policy"]
        except (OSError, KeyError, TypeError):
            return None

    def rules(self, authority):
        policy = self.policy()
        return policy is not None and policy["authority"] == authority

    def fault(self, name):
        found = [v for k, v in self.house.scrape().items() if f'fault="{name}"' in k]
        return bool(found) and found[0] == 1

    def wait(self, what, limit_s, why):
        self.assertIsNotNone(
            wait_for(what, limit_s, 0.2, 1.0), f"{why}: {self.policy()}\n{self.house.hub.text()}"
        )

    def told(self):
        """Exit code and text of `esshub plan`."""
        run = subprocess.run(
            [HUB, "plan", "--address", self.house.web], capture_output=True, text=True, timeout=20
        )
        return run.returncode, run.stdout

    def planned(self):
        return self.house.hub.text().count("planner planned ")

    def buys(self):
        return self.rules("smart") and self.house.setpoint() > 1000

    def serves(self):
        return self.rules("smart") and -750 < self.house.setpoint() < -450

    def test_1_without_days_there_is_no_plan(self):
        self.start()
        self.wait(lambda: "too_few_days" in self.house.hub.text(), 100, "it does not say why")
        self.wait(lambda: self.house.setpoint() < -450, 30, "nothing serves the house")
        self.assertFalse(self.rules("smart"))
        self.assertFalse(self.fault("plan_missing"), "not before two hours")
        code, text = self.told()
        self.assertEqual(code, 1)
        self.assertRegex(text, r"^No new plan: too_few_days\.\n(\nSaved today|$)")

    def test_2_the_battery_follows_the_plan_even_from_a_dead_disk(self):
        seed(self.file, time.time())
        self.start()
        self.wait(self.buys, 120, "nothing is bought in the cheap hours")
        self.assertEqual(self.planned(), 1)
        status, text = self.told()
        self.assertEqual(status, 0)
        self.assertRegex(text, "charge .* a kWh is bought for 0.070")
        self.wait(
            lambda: "Saved this year" in self.told()[1], 90, "nobody says what the days seeded cost"
        )
        nobody = resource.RLIMIT_FSIZE
        hard = resource.prlimit(self.house.hub.p.pid, nobody)[1]
        resource.prlimit(self.house.hub.p.pid, nobody, (0, hard))
        self.wait(lambda: self.fault("storage_failed"), 60, "the disk is not dead")
        orders = Orders(self.house.web)
        orders.sign_in()
        orders.post("override", '{"minutes": 1, "instruction": {"kind": "idle", "low_percent": 0}}')
        self.wait(
            lambda: self.rules("manual") and abs(self.house.setpoint()) < 50, 30, "no override"
        )
        self.wait(self.buys, 90, "the plan ended with the disk")
        resource.prlimit(self.house.hub.p.pid, nobody, (hard, hard))

    def test_3_and_serves_the_house_while_it_is_dear(self):
        self.price(cheap=False)
        self.start()
        self.wait(self.serves, 120, "the house is not served in the dear hours")

    def test_4_a_schedule_entry_overrules_the_plan(self):
        entry = '[[schedule]]\ndays = "daily"\nfrom = "00:00"\nto = "00:00"\n'
        self.price(cheap=True, also=entry + 'action = "charge"\npower_w = 500\ntarget = 90\n')
        self.start()
        self.wait(
            lambda: self.rules("schedule") and 450 < self.house.setpoint() < 550, 60, "no schedule"
        )
        self.wait(
            lambda: any("smart_overruled" in k for k in self.house.scrape()),
            120,
            "no plan below it",
        )

    def document(self, price, currency="GBP"):
        """From now until in three hours."""
        now = time.time()
        return json.dumps(
            {
                "kind": "import_price",
                "unit": f"{currency}/kWh",
                "issued": utc(now),
                "slots": [[utc(now - 60), utc(now + 3 * 3600), price]],
            }
        )

    def tell(self, price, **more):
        """In a file of the state directory."""
        text = self.document(price, **more)
        folder = self.house.path("state/feed")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/new", "w") as f:
            f.write(text)
        os.replace(f"{folder}/new", f"{folder}/import_price.json")

    def warnings(self):
        with urllib.request.urlopen(f"http://{self.house.web}/api/v1/state", timeout=5) as r:
            return [w["text"] for w in json.load(r)["configuration_warnings"]]

    def told_price(self):
        policy = self.policy()
        return policy and policy["import_price"]

    def test_5_a_price_that_is_told_is_the_price_everywhere(self):
        seed(self.file, time.time())
        self.price(cheap=False)
        with open(self.house.path("esshub.toml")) as f:
            text = f.read().replace("[tariff]", '[tariff]\ncurrency = "GBP"')
        with open(self.house.path("esshub.toml"), "w") as f:
            f.write(text)
        self.start()
        self.wait(self.serves, 120, "the house is not served in the dear hours")
        self.assertEqual(self.told_price(), 0.30)
        self.tell(0.20, currency="EUR")
        self.wait(lambda: any("refused" in w for w in self.warnings()), 20, "nobody says so")
        self.assertEqual(self.told_price(), 0.30)
        self.tell(-0.05)
        self.wait(lambda: self.told_price() == -0.05, 20, "it is not believed")
        self.assertEqual(self.warnings(), [])
        self.wait(self.buys, 60, "nothing is bought at a negative price")
        self.assertRegex(self.told()[1], "charge .* a kWh is bought for -0.050")
        scraped = self.house.scrape()
        price = [v for k, v in scraped.items() if "energy_price" in k and "import" in k]
        self.assertEqual(price, [-0.05])
        orders = Orders(self.house.web)
        orders.sign_in()
        orders.post("mode", '{"mode": "balance"}')
        self.wait(
            lambda: self.rules("tariff") and abs(self.house.setpoint()) < 50,
            30,
            "discharged while one is paid to draw",
        )
        cheap = [v for k, v in self.house.scrape().items() if 'reason="cheap"' in k]
        self.assertIn(1, cheap)
        orders.post("mode", '{"mode": null}')
        time_is_up = self.document(0.25).replace(
            '"slots"', '"valid_until": "2026-01-01T00:00:00Z", "slots"'
        )
        with self.assertRaises(urllib.error.HTTPError) as refused:
            orders.post("feed/prices", time_is_up, method="PUT")
        self.assertEqual(refused.exception.code, 400)
        self.assertIn("/valid_until", refused.exception.read().decode())
        orders.post("feed/prices", self.document(-0.06), method="PUT")
        self.wait(lambda: self.told_price() == -0.06, 20, "what is told over REST is not believed")
        self.house.hub.stop()
        os.remove(self.house.path("state/feed/import_price.json"))
        self.start()
        self.wait(lambda: self.told_price() == -0.06, 60, "the restart has forgotten it")

    def test_6_without_a_clock_there_is_no_plan(self):
        self.price(cheap=True)
        self.start(trusted_clock=False)
        self.wait(lambda: self.house.setpoint() < -450, 60, "nothing serves the house")
        self.assertEqual(self.planned(), 0)
        self.assertTrue(self.fault("plan_suspended"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
