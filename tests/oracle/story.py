"""Writes records by hand: a calm house whose streams a test stops and bends. Not a test itself."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import judge  # noqa: E402

SETTINGS = {
    "grid_setpoint_w": 0,
    "import_cap_w": None,
    "export_cap_w": None,
    "main_fuse_a": 63,
    "charge_limit_w": 2000,
    "discharge_limit_w": 2000,
    "soc_floor_pct": 10,
    "soc_ceiling_pct": 100,
    "reserve_pct": 20,
    "soc_hysteresis_pct": 3,
    "charge_voltage_cap_v": 52.4,
    "cutoff_soc_pct": 8,
    "cutoff_voltage_v": 46,
    "force_charge_w": 1000,
    "charge_temperature_min_c": 0,
    "charge_temperature_max_c": 50,
    "discharge_temperature_min_c": -10,
    "discharge_temperature_max_c": 50,
    "reserve_recharge": "cheap",
    "reserve_recharge_w": 500,
    "full_charge_days": 0,
    "mode": "balance",
    "schedule": [],
    "tariff": None,
    "inverter_rating_w": 2400,
    "charger_current_a": 35,
    "transfer_switch_a": 32,
    "conversion_efficiency": 0.94,
    "slew_w_per_s": 1000,
    "meter_max_age_s": 3,
    "bms_max_age_s": 3,
    "inverter_max_age_s": 3,
    "setpoint_life_s": 2,
    "witness": False,
}

SITE = {
    "mains_wait_s": 10,
    "ramp_w_per_s": 1000,
    "setpoint_timeout_s": 15,
    "meter_time_constant_s": 0.2,
    "modules": 2,
    "ac_out_share": 0.1,
    "meters_live_without_grid": True,
}


class Story:
    """A house of 500 W and 50 W on AC-out; `battery` is what the hub commands, the inverter does it
    at once."""

    def __init__(self, period_us=20000, **settings):
        self.t = 0.0
        self.lines = []
        self.settings = {**SETTINGS, **settings}
        self.streams = {"meter", "bms", "mk3", "setpoint", "truth"}
        self.battery = 0
        self.does = None
        self.load = 500
        self.house = {}
        self.frames = {
            "359": {"protections": [], "warnings": [], "modules": 2},
            "351": {"cvl_v": 53.2, "ccl_a": 50, "dcl_a": 50, "dvl_v": 45},
            "355": {"soc_pct": 60, "soh_pct": 99},
            "356": {"v": 50.0, "a": 0.0, "temp_c": 21},
            "35C": {"charge_enable": True, "discharge_enable": True},
        }
        self.injected = 0
        self.last_w = None
        self.step = 0
        self.frozen = False
        self.meter_w = None
        self.put(
            "header",
            format=1,
            seed=1,
            episode=1,
            length_us=900000000,
            period_us=period_us,
            settings=self.settings,
            site=SITE,
            steady_us=0,
            wall_s=1774746000,
            zone="Europe/London",
            clock_trusted=True,
        )
        self.truth(
            grid_w=550,
            load_w=500,
            ac_out_w=50,
            unserved_w=0,
            solar_w=0,
            sun_w=0,
            drawn_w=50,
            bat_ac_w=0,
            bat_v=50,
            bat_a=0,
            soc_pct=60,
            temp_c=21,
            mains=True,
            inv_state="passthru",
            switch="on",
            front_switch=True,
            sp_w=None,
            contactor=True,
        )
        self.put("process", what="started")
        for bus in ("meters", "battery", "inverter"):
            self.put("line", bus=bus, what="open")

    def put(self, kind, **fields):
        self.lines.append(json.dumps({"k": kind, "t": round(self.t * 1e6), **fields}))

    def truth(self, **fields):
        self.house.update(fields)
        self.put("truth", **fields)

    def inject(self, what, bus=None, **args):
        """Begins a fault; returns how to end it."""
        self.injected += 1
        line = {"id": self.injected, "what": what, "args": args}
        if bus:
            line["bus"] = bus
        self.put("inject", on=True, **line)
        return lambda: self.put("inject", on=False, **line)

    def fault(self, name, on=True):
        self.put("hub", claim="fault", fault=name, on=on)

    def order(self, name, **numbers):
        self.put("order", who="web", command={"name": name, **numbers}, accepted=True, answer="")

    def frame(self, key, **fields):
        self.frames[key].update(fields)
        self.put("bms", id=key, hex="", **self.frames[key])

    def command(self, battery, decided=True):
        """One setpoint now."""
        w = battery + self.house["ac_out_w"]
        if decided and w != self.last_w:
            self.put("hub", claim="decision", mode="follow", ac_w=w, bat_w=battery)
            self.last_w = w
        self.put("setpoint", w=w)
        does = battery if self.does is None else self.does
        grid = self.load + self.house["ac_out_w"] + does
        self.truth(
            sp_w=w,
            inv_state="charge",
            bat_ac_w=does,
            grid_w=grid,
            drawn_w=self.house["ac_out_w"] + does,
        )

    def release(self):
        self.put("hub", claim="decision", mode="release", ac_w=0, bat_w=0)
        self.last_w = None
        self.put("release")
        self.truth(
            sp_w=None, inv_state="passthru", bat_ac_w=0, grid_w=self.load + self.house["ac_out_w"]
        )

    def _tick(self):
        self.step += 1
        self.t = round(self.t + 0.1, 3)
        streams = self.streams
        if "meter" in streams and self.step % 2 == 0:
            if not self.frozen:
                self.meter_w = self.house["grid_w"] + 0.1 * (self.step % 7)
            self.put("meter", unit=1, start=12, values=[self.meter_w, 0, 0], grid_w=self.meter_w)
        if "bms" in streams and self.step % 10 == 1:
            for key in self.frames:
                self.frame(key)
        if "mk3" in streams and self.step % 3 == 0:
            self.put("mk3", cmd="X", hex="")
        if "setpoint" in streams and self.step % 5 == 0:
            self.command(self.battery)
        if "truth" in streams:
            self.truth(bat_v=50 + 0.01 * (self.step % 2))

    def run(self, seconds):
        for _ in range(round(seconds * 10)):
            self._tick()
        return self

    def start(self):
        """The first 20 s: the hub watches, is blocked, and then may act."""
        self.streams.discard("setpoint")
        self.run(5)
        self.streams.add("setpoint")
        return self.run(15)

    def ramp(self, battery, seconds=3):
        """Moves the battery there at the slew's pace."""
        begin = self.battery
        for i in range(1, 2 * seconds + 1):
            self.battery = round(begin + (battery - begin) * i / (2 * seconds))
            self.run(0.5)
        return self

    def judged(self):
        self.put("end", verdict="ok", hash="0", ticks=0, setpoints=0)
        return judge.judge(self.lines).verdict

    def broken(self):
        """The rules that were broken, in order."""
        return sorted(self.judged().rules())


def moving(battery=-1000, **settings):
    """A hub that has moved the battery to that power; `settings` as of Story."""
    return Story(**settings).start().ramp(battery)
