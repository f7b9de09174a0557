#!/usr/bin/python3
"""D-Bus end to end: the real hub on a private bus, busctl and python3-dbus as clients.

The bus is a daemon of its own with the rules of a system bus and the policy that is deployed.
"""
import json
import os
import re
import signal
import subprocess
import threading
import unittest

import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib

from house import House, Process, wait_for

ITEM = "com.victronenergy.BusItem"
POLICY = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../deploy/com.victronenergy.esshub.conf"
)
NAMES = {
    "grid": "com.victronenergy.grid.sdm630_l1",
    "pvinverter": "com.victronenergy.pvinverter.sdm630_l2",
    "acload": "com.victronenergy.acload.sdm120_battery",
    "vebus": "com.victronenergy.vebus.mk3",
    "battery": "com.victronenergy.battery.pylontech_can",
    "system": "com.victronenergy.system",
}
SETPOINT = "/Hub4/L1/AcPowerSetpoint"


REFERENCE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../docs/reference/venus-dbus-mqtt.md"
)


def types_of(service):
    """{path: D-Bus types} of the reference's tables of that class (docs/reference/venus-dbus-mqtt.md, 3)."""
    with open(REFERENCE) as f:
        text = f.read()
    sections = re.split(r"^### 3\.\d+ ", text, flags=re.M)
    table = next((s for s in sections if s.startswith(f"`com.victronenergy.{service}")), "")
    found = {}
    for line in table.split("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if not line.startswith("| ") or len(cells) < 2:
            continue
        types = set(re.findall(r"\b([dis])\b", cells[1]))
        last = ""
        for name in " ".join(re.findall(r"`([^`]+)`", cells[0])).split():
            path = name if name.startswith("/") else last.rsplit("/", 1)[0] + "/" + name
            if types and re.fullmatch(r"(/\w+)+", path):
                found[path] = types
                last = path
    return found


class PrivateBus:
    """dbus-daemon with a system bus's default rules: nothing is allowed but what the policy allows."""

    def __init__(self, directory):
        self.address = f"unix:path={directory}/bus"
        config = os.path.join(directory, "bus.conf")
        with open(config, "w") as f:
            f.write(
                f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>{self.address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus"/></policy>
<include>{POLICY}</include></busconfig>"""
            )
        self.config = config
        self.log = os.path.join(directory, "bus.log")
        self.process = None
        self.start()

    def start(self):
        path = self.address.split("=")[1]
        if os.path.exists(path):
            os.unlink(path)
        self.process = Process(
            ["dbus-daemon", "--nofork", "--nopidfile", "--config-file", self.config], self.log
        )
        if wait_for(lambda: os.path.exists(path), 10) is None:
            raise RuntimeError("dbus-daemon did not start:\n" + self.process.text())

    def stall(self):
        os.kill(self.process.p.pid, signal.SIGSTOP)

    def resume(self):
        if self.process.alive():
            os.kill(self.process.p.pid, signal.SIGCONT)

    def stop(self):
        self.resume()
        self.process.stop()

    def busctl(self, *arguments, user=None, group=None):
        """What busctl prints; an AssertionError with its complaint when it fails."""
        command = ["busctl", f"--address={self.address}", *arguments]
        if user:
            groups = [f"--groups={group}"] if group else ["--clear-groups"]
            command = ["setpriv", f"--reuid={user}", *groups, *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        if done.returncode != 0:
            raise AssertionError(done.stderr.strip())
        return done.stdout.strip()


class DbusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.house.say("load 1000")
        cls.house.say("pv 0")
        cls.bus = PrivateBus(cls.house.dir)
        os.chmod(cls.house.dir, 0o755)
        with open(cls.house.path("esshub.toml")) as f:
            config = f.read().replace("[site]", '[site]\nportal_id = "0242ac110002"')
        config += f'[dbus]\nbus = "{cls.bus.address}"\nwrites = true\nservices = {json.dumps(list(NAMES))}\n'
        with open(cls.house.path("dbus.toml"), "w") as f:
            f.write(config)
        cls.house.start_hub(cls.house.path("dbus.toml"))

    @classmethod
    def tearDownClass(cls):
        cls.bus.resume()
        cls.house.close()
        cls.bus.stop()

    def call(self, service, path, method, *arguments):
        return self.bus.busctl("--", "call", NAMES[service], path, ITEM, method, *arguments)

    def names(self):
        return self.bus.busctl("list", "--acquired", "--no-legend")

    def owned(self, limit_s=20):
        def all_there():
            listed = self.names()
            return all(name in listed for name in NAMES.values())

        self.assertIsNotNone(wait_for(all_there, limit_s), self.house.hub.text()[-3000:])

    def holds_the_grid(self):
        return abs(self.house.state()["grid_w"]) < 50 and self.house.setpoint() < -900

    def settle(self):
        self.owned()
        self.assertIsNotNone(
            wait_for(self.holds_the_grid, 60, hold_s=1), self.house.hub.text()[-3000:]
        )

    def value(self, service, path):
        return json.loads(
            self.bus.busctl("--json=short", "call", NAMES[service], path, ITEM, "GetValue")
        )["data"][0]

    def is_value(self, service, path, want, by, limit_s=10):
        def near():
            data = self.value(service, path)["data"]
            return not isinstance(data, list) and abs(data - want) <= by

        self.assertIsNotNone(
            wait_for(near, limit_s), f"{service}{path} is {self.value(service, path)}"
        )

    def log_has(self, pattern, limit_s=10):
        self.assertIsNotNone(
            wait_for(lambda: re.search(pattern, self.house.hub.text()), limit_s),
            f"{pattern!r} is not in the log:\n" + self.house.hub.text()[-3000:],
        )

    def test_1_every_service_has_its_name_and_mandatory_paths(self):
        self.settle()
        for service in NAMES:
            self.assertEqual(self.call(service, "/Mgmt/ProcessName", "GetValue"), 'v s "esshub"')
            self.assertRegex(self.call(service, "/DeviceInstance", "GetValue"), r"v i \d+")
            self.assertEqual(self.call(service, "/Connected", "GetValue"), "v i 1")
        self.assertEqual(self.call("system", "/Serial", "GetValue"), 'v s "0242ac110002"')
        self.assertIn("/Hub4/L1/AcPowerSetpoint", self.bus.busctl("tree", "--list", NAMES["vebus"]))

    def test_2_values_are_what_the_hub_measures(self):
        self.settle()
        self.is_value("battery", "/Soc", self.house.state()["soc_percent"], 1.5)
        self.is_value("vebus", "/Ac/ActiveIn/L1/P", -1000, 100)
        self.is_value("grid", "/Ac/L1/Power", 0, 100)
        self.is_value("system", "/Ac/Consumption/L1/Power", 1000, 100)
        self.assertRegex(self.call("grid", "/Ac/L1/Voltage", "GetText"), r's "2\d\d\.\dV"')

    def test_2b_the_firmware_of_the_inverter_is_venus_integer(self):
        self.settle()
        self.assertEqual(self.call("vebus", "/FirmwareVersion", "GetValue"), f"v i {0x556}")

    def test_2c_every_value_is_of_the_type_that_venus_has(self):
        self.settle()
        checked = 0
        for service in NAMES:
            expected = types_of(service)
            for path, item in self.items(service).items():
                kind = item["Value"]["type"]
                if kind == "ai" or path not in expected:
                    continue
                self.assertIn(kind, expected[path], f"{service}{path}")
                checked += 1
        self.assertGreater(checked, 120)

    def test_2d_the_system_names_grid_meter_and_battery(self):
        self.settle()
        for path, value in (
            ("/Ac/In/0/ServiceName", f's "{NAMES["grid"]}"'),
            ("/Ac/In/0/ServiceType", 's "grid"'),
            ("/Ac/In/0/DeviceInstance", "i 30"),
            ("/ActiveBatteryService", 's "com.victronenergy.battery/512"'),
        ):
            self.assertEqual(self.call("system", path, "GetValue"), "v " + value)
        batteries = self.value("system", "/Batteries")
        self.assertEqual(batteries["type"], "aa{sv}")
        battery = {key: item["data"] for key, item in batteries["data"][0].items()}
        self.assertEqual(battery["id"], NAMES["battery"])
        self.assertAlmostEqual(battery["soc"], self.house.state()["soc_percent"], delta=1.5)
        self.assertIs(battery["active_battery_service"], True)
        self.is_value("system", "/SystemState/State", 0x100, 0)
        for path, want, by in (("I", -1000 / 235, 1), ("V", 235, 20), ("F", 50, 1)):
            self.is_value("vebus", f"/Ac/ActiveIn/L1/{path}", want, by)
        for path, want, by in (("I", 0, 1), ("V", 235, 20), ("F", 50, 1)):
            self.is_value("vebus", f"/Ac/Out/L1/{path}", want, by)

    def items(self, service):
        """Every item of a service, by GetItems."""
        return json.loads(
            self.bus.busctl("--json=short", "call", NAMES[service], "/", ITEM, "GetItems")
        )["data"][0]

    def test_3_invalid_is_an_empty_array(self):
        self.owned()
        self.assertEqual(self.call("grid", "/HardwareVersion", "GetValue"), "v ai 0")
        self.assertEqual(self.call("grid", "/HardwareVersion", "GetText"), 's "---"')

    def test_4_a_branch_is_a_dictionary_of_what_is_below(self):
        self.owned()
        energy = self.value("grid", "/Ac/Energy")
        self.assertEqual(energy["type"], "a{sv}")
        self.assertEqual(set(energy["data"]), {"Forward", "Reverse"})
        self.assertIn("Ac/L1/Power", self.value("grid", "/")["data"])
        self.assertIn("L1/Power", self.value("grid", "/Ac")["data"])
        with self.assertRaises(AssertionError):
            self.call("grid", "/Nothing", "GetValue")

    def test_5_python_dbus_reads_all_and_hears_one_signal_a_period(self):
        self.settle()
        loop = GLib.MainLoop()
        connection = dbus.bus.BusConnection(
            self.bus.address, mainloop=dbus.mainloop.glib.DBusGMainLoop()
        )
        items = dbus.Interface(connection.get_object(NAMES["grid"], "/"), ITEM).GetItems()
        self.assertEqual(set(items["/Ac/L1/Power"]), {"Value", "Text"})
        self.assertIsInstance(items["/Ac/L1/Power"]["Value"], dbus.Double)
        self.assertEqual(items["/HardwareVersion"]["Value"], dbus.Array([], signature="i"))
        changes = []
        # Two seconds of a moving load: every View has something new to say.
        connection.add_signal_receiver(
            lambda change: changes.append(change), "ItemsChanged", ITEM, NAMES["grid"], "/"
        )
        mover = threading.Timer(0.2, lambda: self.house.say("load 1400"))
        mover.start()
        GLib.timeout_add(4000, loop.quit)
        loop.run()
        mover.join()
        self.house.say("load 1000")
        connection.close()
        self.assertGreaterEqual(len(changes), 2)
        self.assertLessEqual(len(changes), 6, "one a period of 1 s")
        self.assertTrue(all(change for change in changes), "never an empty one")
        self.assertFalse(
            any("/DeviceInstance" in change for change in changes), "only what changed"
        )
        self.assertTrue(any("/Ac/L1/Power" in change for change in changes))

    def test_6_the_setpoint_is_a_dispatch_with_its_author(self):
        self.settle()
        self.assertEqual(self.call("vebus", SETPOINT, "SetValue", "v", "i", "-500"), "i 0")
        self.log_has(
            r'command accepted who="dbus :\d+\.\d+" command=start_dispatch action=discharge'
        )
        self.assertIsNotNone(
            wait_for(lambda: abs(self.house.setpoint() + 500) < 20, 15), self.house.state()
        )
        self.assertEqual(self.call("vebus", SETPOINT, "SetValue", "v", "d", "-400.5"), "i 0")
        self.assertEqual(
            self.call("vebus", "/Hub4/DisableCharge", "SetValue", "v", "b", "true"), "i 0"
        )
        self.assertEqual(
            self.call("vebus", "/Hub4/DisableCharge", "SetValue", "v", "y", "0"), "i 0"
        )
        self.assertEqual(self.call("vebus", SETPOINT, "SetValue", "v", "ai", "0"), "i 0")
        self.log_has(r'command accepted who="dbus :\d+\.\d+" command=end_dispatch')
        self.settle()

    def test_6b_a_setpoint_beyond_the_limits_is_bounded_and_the_limits_say_so(self):
        self.settle()
        for asked, sign in ((-5000, -1), (32000, 1)):
            self.assertEqual(self.call("vebus", SETPOINT, "SetValue", "v", "i", str(asked)), "i 0")
            # 2400 W at most, of inverter and owner; charging also what the charger can do.
            self.assertIsNotNone(
                wait_for(lambda: 1500 < sign * self.house.setpoint() <= 2410, 15, hold_s=0.5),
                self.house.state(),
            )
            self.assertIsNotNone(
                wait_for(lambda: asked in self.house.bounded().values(), 5), self.house.bounded()
            )
        self.assertEqual(self.call("vebus", SETPOINT, "SetValue", "v", "ai", "0"), "i 0")
        self.settle()

    def test_7_wrong_writes_are_refused(self):
        self.owned()
        for service, path, *value, answer in [
            ("vebus", SETPOINT, "i", "99999", 2),
            ("vebus", SETPOINT, "d", "nan", 2),
            ("vebus", SETPOINT, "s", "full", 1),
            ("vebus", SETPOINT, "ai", "1", "5", 1),
            ("vebus", "/Hub4/DisableCharge", "d", "0.5", 2),
            ("vebus", "/Mode", "i", "4", 1),
            ("battery", "/Soc", "d", "50", 1),
            ("grid", "/CustomName", "s", "mine", 1),
        ]:
            self.assertEqual(
                self.call(service, path, "SetValue", "v", *value), f"i {answer}", (path, value)
            )

    def test_7b_what_charge_control_writes_is_not_offered(self):
        self.owned()
        before = self.house.hub.text().count("write_refused")
        for path in (
            "/BatteryOperationalLimits/MaxChargeVoltage",
            "/BatteryOperationalLimits/MaxChargeCurrent",
            "/BatteryOperationalLimits/MaxDischargeCurrent",
            "/BatteryOperationalLimits/BatteryLowVoltage",
            "/Dc/0/MaxChargeCurrent",
        ):
            with self.assertRaisesRegex(AssertionError, "Unknown object"):
                self.call("vebus", path, "SetValue", "v", "d", "25")
        self.assertEqual(self.house.hub.text().count("write_refused"), before)

    def test_8_the_policy_lets_others_read_but_not_write(self):
        self.owned()
        read = self.bus.busctl(
            "call", NAMES["battery"], "/Mgmt/ProcessName", ITEM, "GetValue", user="nobody"
        )
        self.assertEqual(read, 'v s "esshub"')
        with self.assertRaisesRegex(AssertionError, "[Aa]ccess|rejected|denied"):
            self.bus.busctl(
                "call", NAMES["vebus"], SETPOINT, ITEM, "SetValue", "v", "i", "0", user="nobody"
            )
        with self.assertRaisesRegex(AssertionError, "[Aa]ccess|rejected|denied|not allowed"):
            self.bus.busctl(
                "call",
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus",
                "RequestName",
                "su",
                "com.victronenergy.grid.other",
                "0",
                user="nobody",
            )
        # As the service runs: in the group of the serial ports.
        self.assertEqual(
            self.bus.busctl(
                "call",
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus",
                "RequestName",
                "su",
                "com.victronenergy.grid.other",
                "0",
                user="nobody",
                group="dialout",
            ),
            "u 1",
        )

    def test_9_a_bus_that_hangs_or_dies_costs_control_nothing(self):
        self.settle()
        self.bus.stall()
        self.assertIsNone(wait_for(lambda: not self.holds_the_grid(), 3), "the grid is not held")
        self.bus.resume()
        self.is_value("system", "/Ac/Consumption/L1/Power", 1000, 100)
        self.bus.stop()
        self.log_has("dbus service_down")
        self.assertTrue(self.holds_the_grid())
        self.bus.start()
        self.owned(30)

    def test_z_names_are_given_back_and_a_hung_bus_does_not_hold_up_the_stop(self):
        self.settle()
        self.bus.stall()
        code, seconds = self.house.hub.stop()
        self.bus.resume()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 5)
        self.assertIsNotNone(
            wait_for(lambda: "victronenergy" not in self.names(), 10), self.names()
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
