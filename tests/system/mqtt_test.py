#!/usr/bin/python3
"""MQTT end to end: the real hub in the simulated house, a real mosquitto, paho as the other client."""
import json
import os
import re
import shutil
import signal
import tempfile
import time
import unittest
import urllib.request

import paho.mqtt.client as mqtt

from broker import Broker
from discovery_rules import complaints
from house import HUB, House, Process, wait_for
from lateness import Lateness
from old_broker import Gate, TakenOver

PORTAL = "0242ac110002"
SETPOINT = f"W/{PORTAL}/vebus/288/Hub4/L1/AcPowerSetpoint"


def block(port, *lines, host="127.0.0.1"):
    return "\n".join(
        ["[mqtt]", f'address = "{host}:{port}"', 'home_assistant_period = "1 s"', *lines, ""]
    )


def with_portal(text):
    return re.sub(r"\[site\]", f'[site]\nportal_id = "{PORTAL}"', text)


class Plain(unittest.TestCase):
    """Writes on, no TLS, one hub for all."""

    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.house.say("load 1000")
        cls.house.say("pv 0")
        cls.broker = Broker(cls.house.dir)
        cls.client = cls.broker.client()
        with open(cls.house.path("esshub.toml")) as f:
            config = with_portal(f.read()) + block(cls.broker.port, "writes = true")
        with open(cls.house.path("mqtt.toml"), "w") as f:
            f.write(config)
        cls.start_hub()

    @classmethod
    def start_hub(cls):
        cls.house.start_hub(cls.house.path("mqtt.toml"))

    @classmethod
    def tearDownClass(cls):
        cls.broker.resume()
        cls.house.close()
        cls.client.close()
        cls.broker.stop()

    def heard(self, topic, accept=lambda payload: True, limit_s=15):
        payload = self.client.hears(topic, limit_s, accept)
        self.assertIsNotNone(
            payload,
            f"{topic}: heard {self.client.heard.get(topic)!r}; the hub's log:\n"
            + self.house.hub.text()[-3000:],
        )
        return payload

    def holds_the_grid(self):
        state = self.house.state()
        return abs(state["grid_w"]) < 50 and self.house.setpoint() < -900

    def settle(self):
        self.assertIsNotNone(wait_for(self.holds_the_grid, 60, hold_s=1), self.house.hub.text())

    def ticks(self):
        return self.house.scrape().get("esshub_control_ticks_total", 0)

    def log_has(self, text, limit_s=10):
        found = wait_for(lambda: text in self.house.hub.text(), limit_s)
        self.assertIsNotNone(
            found, f"{text!r} is not in the log:\n" + self.house.hub.text()[-3000:]
        )

    def test_1_home_assistant_finds_one_device(self):
        config = json.loads(self.heard(f"homeassistant/device/esshub_{PORTAL}/config"))
        self.assertEqual(config["device"]["name"], "simulated house")
        self.assertIn("command_topic", config["components"]["reserve"])
        self.heard(f"esshub/{PORTAL}/availability", lambda p: p == "online")
        late = self.broker.client()  # what is retained reaches who comes later
        self.assertIsNotNone(late.hears(f"homeassistant/device/esshub_{PORTAL}/config"))
        self.assertEqual(late.hears(f"esshub/{PORTAL}/availability"), "online")
        self.assertLessEqual({t for t in late.retained if "/state/" in t}, set())
        late.close()

    def test_1b_the_device_and_its_states_keep_home_assistants_rules(self):
        self.settle()
        topic = f"homeassistant/device/esshub_{PORTAL}/config"
        config = json.loads(self.heard(topic))
        self.heard(f"esshub/{PORTAL}/state/override", lambda p: p == "off")
        self.heard(f"esshub/{PORTAL}/state/battery_soc")
        self.assertEqual(complaints(topic, config, dict(self.client.heard)), [])
        offered = {key for key, parts in config["components"].items() if len(parts) > 1}
        # Neither prices nor a plan, and a battery on CAN tells no cells.
        self.assertFalse(
            offered
            & {"import_price", "import_cost_today", "next_action", "battery_cell_voltage_min"}
        )
        self.assertLess({"grid_import_today", "storm_reached", "order_refused"}, offered)

    def test_2_what_is_published_is_what_the_hub_measures(self):
        self.settle()
        self.client.forget()
        self.client.says(f"R/{PORTAL}/keepalive")
        self.heard(f"N/{PORTAL}/full_publish_completed")
        soc = self.house.state()["soc_percent"]

        def near(want, by):
            return lambda p: abs((json.loads(p)["value"] or 1e9) - want) <= by

        self.heard(f"N/{PORTAL}/battery/512/Soc", near(soc, 1.5))
        self.heard(f"N/{PORTAL}/vebus/288/Ac/ActiveIn/L1/P", near(-1000, 100))
        self.heard(f"N/{PORTAL}/system/0/Ac/Consumption/L1/Power", near(1000, 100))
        self.heard(f"N/{PORTAL}/grid/30/Ac/L1/Voltage", near(235, 20))
        self.heard(f"esshub/{PORTAL}/state/house_power", lambda p: abs(float(p) - 1000) <= 100)
        self.heard(f"esshub/{PORTAL}/state/battery_power", lambda p: abs(float(p) + 1000) <= 150)
        self.heard(f"esshub/{PORTAL}/state/battery_discharge_energy", lambda p: 0 < float(p) < 1)
        self.heard(f"N/{PORTAL}/heartbeat")
        # Without retain, so a client that comes later must ask; by the serial it knows whom.
        late = self.broker.client()
        self.assertEqual(
            json.loads(late.hears(f"N/{PORTAL}/system/0/Serial") or "null"), {"value": PORTAL}
        )
        self.assertEqual(
            {t for t in late.retained if t.startswith("N/")}, {f"N/{PORTAL}/system/0/Serial"}
        )
        late.close()

    def test_3_a_read_is_answered(self):
        self.client.forget()
        self.client.says(f"R/{PORTAL}/vebus/288/Dc")
        self.heard(f"N/{PORTAL}/vebus/288/Dc/0/Voltage", lambda p: 40 < json.loads(p)["value"] < 60)

    def test_4_a_write_reaches_the_desk_with_its_author(self):
        self.client.says(f"esshub/{PORTAL}/set/reserve", "35")
        self.log_has("command accepted")
        self.assertRegex(self.house.hub.text(), r'command accepted .*who="?mqtt 127\.0\.0\.1')
        self.heard(f"esshub/{PORTAL}/state/reserve", lambda p: p == "35")
        self.client.says(SETPOINT, '{"value": -500}')
        self.assertIsNotNone(
            wait_for(lambda: abs(self.house.setpoint() + 500) < 20, 15),
            self.house.hub.text()[-3000:],
        )
        self.heard(f"esshub/{PORTAL}/state/authority", lambda p: p == "dispatch")
        self.client.says(f"esshub/{PORTAL}/set/override", "idle")
        self.assertIsNotNone(
            wait_for(lambda: abs(self.house.setpoint()) < 20, 15), self.house.state()
        )
        self.heard(f"esshub/{PORTAL}/state/override", lambda p: p == "idle")
        self.client.says(f"esshub/{PORTAL}/set/override", "off")

    def test_4b_a_setpoint_beyond_the_limits_is_bounded_and_the_limits_say_so(self):
        self.client.says(SETPOINT, '{"value": -5000}')
        self.assertIsNotNone(
            wait_for(lambda: -2410 <= self.house.setpoint() < -2300, 15, hold_s=0.5),
            self.house.state(),
        )
        self.assertIsNotNone(
            wait_for(lambda: -5000 in self.house.bounded().values(), 5), self.house.bounded()
        )
        self.client.says(SETPOINT, '{"value": null}')

    def test_5_retained_and_impossible_writes_are_refused(self):
        self.client.says(f"esshub/{PORTAL}/set/reserve", "40", retain=True)
        self.log_has("retained: it would be obeyed again")
        self.client.says(f"esshub/{PORTAL}/set/reserve", "", retain=True)
        self.client.says(f"esshub/{PORTAL}/set/reserve", "400")
        self.log_has("expected 0 to 100 %")
        refused = f"esshub/{PORTAL}/state/order_refused"
        self.heard(refused, lambda p: p == "Reserve 400: expected 0 to 100 %")
        self.client.says(SETPOINT, '{"value": 100, "seconds": 60}')
        self.log_has("the key seconds is not known here")
        self.client.says(f"esshub/{PORTAL}/set/reserve", "20")
        self.heard(refused, lambda p: p == "no")
        self.client.says(SETPOINT, '{"value": 99999}')
        self.log_has("expected -32767 to 32767 W")
        self.client.says(f"W/{PORTAL}/vebus/288/Mode", '{"value": 4}')
        self.log_has("the path cannot be written")
        self.assertEqual(self.house.state()["setpoint_w"] is None, False)

    def as_punctual_as_in_quiet(self, lateness, what):
        """Printed; the median, which the machine's other work moves least, is held against the quiet one."""
        ticks, p50, p99 = lateness.ticks_and_quantiles(0.5, 0.99)
        print(
            f"{what}: {ticks:.0f} ticks, late p50 {p50 * 1e6:.0f} us, p99 {p99 * 1e6:.0f} us",
            flush=True,
        )
        type(self).quiet = getattr(type(self), "quiet", p50)
        self.assertLess(
            p50, max(10 * self.quiet, 0.01), f"{what}: the control waits; quiet: {self.quiet} s"
        )

    def test_5b_a_quiet_broker_to_compare_with(self):
        self.settle_after_commands()
        quiet = Lateness(self.house)
        self.assertIsNotNone(wait_for(lambda: quiet.ticks_and_quantiles()[0] >= 50, 15))
        self.as_punctual_as_in_quiet(quiet, "quiet")

    def test_6_a_flood_of_writes_is_cut_and_control_goes_on(self):
        self.settle_after_commands()
        before = self.ticks()
        lateness = Lateness(self.house)
        log_before = len(self.house.hub.text().splitlines())
        accepted_before = self.house.hub.text().count("command accepted")
        sent = 0

        def flood():
            nonlocal sent
            for _ in range(500):
                self.client.client.publish(f"esshub/{PORTAL}/set/reserve", "20")
                self.client.client.publish(SETPOINT, "{" * 500)
                sent += 2
            return sent >= 20000

        took = wait_for(flood, 20, step_s=0.05)
        self.assertIsNotNone(took)
        after = self.ticks()
        self.as_punctual_as_in_quiet(lateness, "flooded")
        self.assertGreater(after - before, 0.5 * 10 * took, "the control stood still")
        self.assertTrue(self.holds_the_grid(), self.house.state())
        self.assertLess(
            self.house.hub.text().count("command accepted") - accepted_before, 5 * took + 30
        )
        self.assertLess(len(self.house.hub.text().splitlines()) - log_before, 1500)

    def settle_after_commands(self):
        self.client.says(SETPOINT, '{"value": null}')
        self.settle()

    def test_7_a_stalled_broker_costs_control_nothing(self):
        self.settle()
        before = self.ticks()
        lateness = Lateness(self.house)
        self.broker.stall()
        self.assertIsNone(wait_for(lambda: not self.holds_the_grid(), 4), "the grid is not held")
        self.as_punctual_as_in_quiet(lateness, "stalled")
        self.assertGreater(self.ticks() - before, 20)
        self.client.forget()
        self.broker.resume()
        self.heard(f"esshub/{PORTAL}/state/house_power", lambda p: abs(float(p) - 1000) <= 100)

    def test_8_a_broker_that_comes_back_is_found_again(self):
        self.settle()
        lateness = Lateness(self.house)
        self.broker.process.stop()
        self.log_has("mqtt disconnected")
        self.assertIsNone(wait_for(lambda: not self.holds_the_grid(), 3), "the grid is not held")
        self.as_punctual_as_in_quiet(lateness, "stopped")
        self.client.forget()
        self.broker.start()
        self.heard(f"esshub/{PORTAL}/availability", lambda p: p == "online", limit_s=30)
        self.heard(f"homeassistant/device/esshub_{PORTAL}/config")

    def test_y_the_will_speaks_when_the_hub_is_killed_and_the_hub_when_it_stops(self):
        self.client.forget()
        self.house.hub.p.send_signal(signal.SIGKILL)
        self.heard(f"esshub/{PORTAL}/availability", lambda p: p == "offline")
        self.house.hub.stop()
        self.start_hub()
        self.heard(f"esshub/{PORTAL}/availability", lambda p: p == "online")
        self.client.forget()
        code, seconds = self.house.hub.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 5)
        self.assertEqual(self.client.hears(f"esshub/{PORTAL}/availability", 5), "offline")

    def test_z_a_stalled_broker_does_not_hold_up_the_stop(self):
        self.start_hub()
        self.heard(f"esshub/{PORTAL}/availability", lambda p: p == "online")
        self.settle()
        self.broker.stall()
        code, seconds = self.house.hub.stop()
        self.broker.resume()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 5)


class Priced(unittest.TestCase):
    """A house with a clock, a plan and prices."""

    def test_today_and_the_plan_are_sensors(self):
        house = House()
        self.addCleanup(house.close)
        house.say("load 1000")
        house.say("pv 0")
        broker = Broker(house.dir)
        self.addCleanup(broker.stop)
        client = broker.client()
        self.addCleanup(client.close)
        with open(house.path("esshub.toml")) as f:
            config = with_portal(f.read()) + block(broker.port)
        # The plan changes at each full hour.
        config += '[tariff]\ncurrency = "GBP"\nimport = 0.28\n'
        config += "".join(
            f'[[schedule]]\nfrom = "{hour:02}:00"\nto = "{hour + 1:02}:00"\naction = "idle"\n'
            for hour in range(0, 23, 2)
        )
        with open(house.path("priced.toml"), "w") as f:
            f.write(config)
        house.start_hub(house.path("priced.toml"), trusted_clock=True)
        topic = f"homeassistant/device/esshub_{PORTAL}/config"
        device = json.loads(client.hears(topic) or "{}")
        parts = device.get("components", {})
        self.assertEqual(parts.get("import_price", {}).get("unit_of_measurement"), "GBP/kWh")
        self.assertEqual(parts["import_cost_today"]["unit_of_measurement"], "GBP")
        self.assertEqual(parts["export_income_today"], {"platform": "sensor"}, "no price for it")
        state = f"esshub/{PORTAL}/state/"
        action = client.hears(state + "next_action", 90)
        self.assertIn(action, ("idle", "balance"), house.hub.text()[-3000:])
        self.assertRegex(client.heard[state + "next_action_at"], r":00:00\+00:00$")
        self.assertIsNotNone(client.hears(state + "grid_import_today", 30))
        self.assertIsNotNone(client.hears(state + "import_price", 30, lambda p: p == "0.2800"))
        self.assertEqual(complaints(topic, device, dict(client.heard)), [])


class Told(unittest.TestCase):
    """A house whose prices come over MQTT (docs/feeds.md)."""

    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        self.broker = Broker(self.house.dir)
        self.addCleanup(self.broker.stop)
        self.client = self.broker.client()
        self.addCleanup(self.client.close)
        self.topic = f"esshub/{PORTAL}/feed/import_price"
        with open(self.house.path("esshub.toml")) as f:
            config = with_portal(f.read()) + block(self.broker.port, "writes = true")
        with open(self.house.path("told.toml"), "w") as f:
            f.write(config + '[tariff]\ncurrency = "GBP"\nimport = 0.28\n')

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.house.web}/api/v1/{path}", timeout=5) as r:
                return json.load(r)
        except OSError:
            return None

    def price(self):
        """Of now, as the plan says."""
        plan = self.get("plan")
        return plan and plan["spans"][0]["import_price"]

    def warnings(self):
        state = self.get("state")
        return state and [w["text"] for w in state["configuration_warnings"]]

    def tell(self, price, unit="GBP/kWh"):
        def utc(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

        now = time.time()
        document = {
            "kind": "import_price",
            "unit": unit,
            "issued": utc(now),
            "slots": [[utc(now - 3600), utc(now + 7200), price]],
        }
        self.client.says(self.topic, json.dumps(document), retain=True)

    def wait(self, what, limit_s, why):
        self.assertIsNotNone(
            wait_for(what, limit_s, 0.2),
            f"{why}: {self.price()}, {self.warnings()}\n{self.house.hub.text()[-3000:]}",
        )

    def test_a_retained_price_is_taken_a_wrong_one_told_and_the_topic_emptied(self):
        self.tell(0.11)
        self.house.start_hub(self.house.path("told.toml"), trusted_clock=True)
        self.wait(lambda: self.price() == 0.11, 60, "what was retained is not taken")
        self.assertEqual(self.warnings(), [])
        (feed,) = self.get("plan")["feeds"]
        self.assertEqual((feed["kind"], feed["refused"]), ("import_price", 0))
        self.assertAlmostEqual(feed["until"], time.time() + 7200, delta=120)
        until = 'esshub_feed_until_timestamp_seconds{kind="import_price"}'
        self.assertEqual(self.house.scrape()[until], feed["until"])

        self.tell(0.22, unit="EUR/kWh")
        self.wait(self.warnings, 20, "nobody says that it is refused")
        (warning,) = self.warnings()
        self.assertIn(self.topic, warning)
        self.assertIn('refused, /unit: "EUR/kWh", accepted "GBP/kWh"', warning)
        self.assertEqual(self.get("plan")["feeds"][0]["refused"], 1)
        self.assertEqual(self.price(), 0.11, "what was believed goes on")

        self.client.says(self.topic, "", retain=True)
        self.wait(lambda: self.warnings() == [], 20, "the refusal stays though nothing is there")
        self.assertEqual(self.price(), 0.11, "what was taken stays")

        self.tell(None)
        self.wait(lambda: self.price() == 0.28, 20, "a price that was taken back holds")
        self.wait(self.warnings, 20, "nobody says that the tariff's price holds")
        self.assertIn("import_price: ended at", self.warnings()[0])


class Lone(unittest.TestCase):
    """No house: what is proved is the connection."""

    tls = False

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="esshub-test.")
        cls.broker = Broker(cls.dir, tls=cls.tls)

    @classmethod
    def tearDownClass(cls):
        cls.broker.stop()
        shutil.rmtree(cls.dir, ignore_errors=True)

    @classmethod
    def file(cls, name):
        return os.path.join(cls.dir, name)

    def hub_says(self, text, *lines, host="localhost", wait_s=15, port=None, meanwhile=None):
        """True once the log of a hub with these lines in [mqtt] has the text; its log. Once it is
        connected, `meanwhile` is done."""
        buses = "".join(
            f'[[bus]]\nname = "{n}"\nkind = "{k}"\nport = "{self.file(n)}"\n{more}\n'
            for n, k, more in [
                (
                    "meters",
                    "modbus",
                    '[[bus.meter]]\nmodel = "sdm630"\nunit = 1\n'
                    'channels = [ { phase = 1, measures = "grid" } ]',
                ),
                ("battery", "pylontech", ""),
                ("inverter", "vebus", ""),
            ]
        )
        with open(self.file("hub.toml"), "w") as f:
            f.write(
                f'[site]\nportal_id = "{PORTAL}"\nstate_dir = "{self.file("state")}"\n'
                '[metrics]\naddress = ""\n[web]\naddress = ""\n'
                + buses
                + block(port or self.broker.port, *lines, host=host)
            )
        hub = Process([HUB, "run", "--config", self.file("hub.toml")], self.file("hub.log"))
        try:
            if meanwhile and wait_for(lambda: "mqtt connected" in hub.text(), wait_s):
                meanwhile()
            found = wait_for(lambda: text in hub.text() or not hub.alive(), wait_s)
            return found is not None and text in hub.text(), hub.text()
        finally:
            hub.p.kill()  # it commands nothing
            hub.stop()

    def check(self, text, *lines, **how):
        found, log = self.hub_says(text, *lines, **how)
        self.assertTrue(found, f"{text!r} is not in the log:\n{log}")
        return log


class Plainly(Lone):
    def test_a_broker_of_mqtt_3_1_1_is_spoken_to_in_its_own_and_told(self):
        for hangs_up in (False, True):
            gate = Gate(self.broker.port, hangs_up)
            self.addCleanup(gate.close)
            client = self.broker.client()
            self.addCleanup(client.close)
            log = self.check(
                "mqtt connected",
                port=gate.port,
                host="127.0.0.1",
                meanwhile=lambda: self.assertEqual(
                    client.hears(f"esshub/{PORTAL}/availability", accept=lambda p: p == "online"),
                    "online",
                ),
            )
            self.assertRegex(log, r"mqtt connected broker=\S+ protocol=3\.1\.1")
            self.assertIn("mqtt old_protocol", log)
            self.assertNotIn("connect_failed", log)
            self.assertEqual(gate.levels, [5, 4], "one fall-back, at once")

    def test_a_broker_of_mqtt_5_is_not_spoken_to_in_an_older_one(self):
        log = self.check("mqtt connected", host="127.0.0.1")
        self.assertIn("protocol=5", log)
        self.assertNotIn("old_protocol", log)

    def test_a_client_id_that_is_taken_over_is_named(self):
        twin = mqtt.Client(client_id="twin", clean_session=True)
        self.addCleanup(twin.loop_stop)

        def sign_in():
            twin.connect("127.0.0.1", self.broker.port)
            twin.loop_start()

        # mosquitto hangs up without a word.
        log = self.check(
            "does another client use this client_id?",
            'client_id = "twin"',
            host="127.0.0.1",
            meanwhile=sign_in,
        )
        self.assertRegex(log, r'mqtt disconnected .*client_id="?twin')
        broker = TakenOver()
        self.addCleanup(broker.close)
        log = self.check(
            "another client has signed in",
            'client_id = "twin"',
            host="127.0.0.1",
            port=broker.port,
        )
        self.assertRegex(log, r'mqtt disconnected .*client_id="?twin')


class Tls(Lone):
    tls = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(cls.file("right"), "w") as f:
            f.write("right\n")
        with open(cls.file("wrong"), "w") as f:
            f.write("wrong\n")

    def test_the_right_authority_and_password_connect(self):
        log = self.check(
            "mqtt connected",
            f'tls_ca = "{self.file("ca.pem")}"',
            'user = "hub"',
            f'password_file = "{self.file("right")}"',
        )
        self.assertNotIn("right", log.replace(self.file("right"), ""))

    def test_the_wrong_authority_is_refused_and_said_so(self):
        log = self.check(
            "tls_ca does not vouch for the broker's certificate",
            f'tls_ca = "{self.file("wrong-ca.pem")}"',
            'user = "hub"',
            'password = "right"',
        )
        self.assertNotIn("mqtt connected", log)

    def test_a_certificate_for_another_name_is_refused(self):
        log = self.check(
            "mqtt connect_failed",
            f'tls_ca = "{self.file("ca.pem")}"',
            'user = "hub"',
            'password = "right"',
            host="127.0.0.1",
        )
        self.assertNotIn("mqtt connected", log)

    def test_a_wrong_password_is_said_so(self):
        self.check(
            "Not authorized",
            f'tls_ca = "{self.file("ca.pem")}"',
            'user = "hub"',
            f'password_file = "{self.file("wrong")}"',
        )

    def test_without_tls_it_does_not_connect(self):
        log = self.check("mqtt connect_failed", 'user = "hub"', 'password = "right"')
        self.assertNotIn("mqtt connected", log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
