"""I10 as far as `shown` goes, F17 by the reasons that the hub names, F22 by the lines that it opens."""

from tolerances import TOLD_S

# It publishes once a second.
PUBLISHED_S = 1.0 + 0.2
# docs/safety.md, F13: a clock that was set is distrusted for a minute.
CLOCK_PROOF_S = 65.0
# What outranks plans and dispatches besides the owner's override (docs/safety.md, F24; the BMS).
OUTRANK = {"storm_fill", "full_charge", "force_charge", "reserve_recharge", "export_charge"}


class Shown:
    """I10: no value older than its maximum age is shown as current."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.newest = {}
        self.shown = {}

    def on_process(self, t, o):
        if o["what"] in ("started", "killed", "power_cut", "stopped"):
            self.newest.clear()
            self.shown.clear()

    def on_meter(self, t, o):
        if o["unit"] == 1 and self.world.grid.last == t:
            self.newest["grid_w"] = t

    def on_bms(self, t, o):
        for field, shown in (("soc_pct", "soc_pct"), ("v", "bat_v"), ("a", "bat_a")):
            if field in o:
                self.newest[shown] = t

    def on_mk3(self, t, o):
        if o["cmd"] != "V":
            self.newest["inv_ac_in_w"] = self.newest["inverter"] = t

    def on_hub(self, t, o):
        if o["claim"] == "shown":
            self.shown.update(o)

    def sample(self, t):
        settings = self.world.settings
        shown = self.shown
        if (
            not shown
            or not self.world.up(t, 3)
            or self.world.weather.touched(t, 3, "control.stall")
        ):
            return
        newest = self.newest
        for field, max_age_s in (
            ("grid_w", settings["meter_max_age_s"]),
            ("soc_pct", settings["bms_max_age_s"]),
            ("inv_ac_in_w", settings["inverter_max_age_s"]),
        ):
            if shown.get(field) is not None:
                age_s = t - newest.get(field, -1e9)
                self.verdict.judge(
                    "I10",
                    t,
                    age_s,
                    max_age_s + PUBLISHED_S + self.world.slower_s,
                    f"s is the age of {field}, shown as current",
                )
        for field in ("bat_v", "bat_a"):
            if shown.get(field) is not None:
                # The inverter measures both too.
                age_s = t - max(newest.get(field, -1e9), newest.get("inverter", -1e9))
                most = max(settings["bms_max_age_s"], settings["inverter_max_age_s"])
                most += PUBLISHED_S + self.world.slower_s
                self.verdict.judge(
                    "I10", t, age_s, most, f"s is the age of {field}, shown as current"
                )


class Expiry:
    """F17: what has ended is no longer named as a reason, with that tick; nothing is held for ever."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.causes = ()
        # Since when the ends are known for certain; None: they are not.
        self.sure_at = 0.0
        self.lost = False

    def on_process(self, t, o):
        if o["what"] == "power_cut":
            # How long the machine was off is told by a clock that may be wrong.
            self.sure_at = None
        if o["what"] == "started" and self.world.state_doubted:
            self.lost = True
        if o["what"] in ("started", "killed", "power_cut", "stopped"):
            self.causes = ()

    def on_clock(self, t, o):
        # Set by a time server; a clock that was stepped by hand dates nothing.
        if self.sure_at is None and o["trusted"] and self.world.stepped < 0:
            self.sure_at = t + CLOCK_PROOF_S

    def on_hub(self, t, o):
        if o["claim"] == "reasons":
            self.causes = o["causes"]

    def sample(self, t):
        world = self.world
        if self.lost or self.sure_at is None or t < self.sure_at:
            return
        if not world.up(t, 2) or world.weather.touched(t, 2, "control.stall"):
            return
        # A tick, and the sample that looked before it.
        late_s = world.tick_s + 0.2
        held = {name for name, (_, end, _) in world.orders.items() if t < end + late_s}
        ended = set(world.orders) - held
        for name in ended:
            self.verdict.expect(
                "F17",
                t,
                f"{name}_overruled" not in self.causes,
                f"{name} is overruled though it has ended",
            )

        for name, above in (("dispatch", {"override"}), ("schedule", {"override", "dispatch"})):
            if f"{name}_overruled" in self.causes and not OUTRANK.intersection(self.causes):
                self.verdict.expect(
                    "F17",
                    t,
                    bool(above & held),
                    f"{name} is overruled though what outranked it has ended",
                )
        plain = world.mode == "balance" or not world.settings["schedule"]
        if ended and not held and plain and world.settings["tariff"] is None:
            for word in ("charge", "discharge"):
                self.verdict.expect(
                    "F17",
                    t,
                    word not in self.causes,
                    f"{word} is a reason though no instruction holds",
                )


class Reopened:
    """F22: a line that says nothing valid for 30 s is closed and opened anew."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.since = {}
        # Lines that brought something well-formed since they were opened.
        self.heard = set()

    def on_line(self, t, o):
        self.heard.discard(o["bus"])
        if o["what"] == "open":
            self.since[o["bus"]] = t
        else:
            self.since.pop(o["bus"], None)

    def on_process(self, t, o):
        if o["what"] in ("killed", "power_cut", "stopped"):
            self.since.clear()
            self.heard.clear()

    def _hear(self, bus, t):
        self.since[bus] = t
        self.heard.add(bus)

    def on_meter(self, t, o):
        self._hear("meters", t)

    def on_bms(self, t, o):
        self._hear("battery", t)

    def on_mk3(self, t, o):
        self._hear("inverter", t)

    def sample(self, t):
        world = self.world
        if not world.up(t, 2):
            return
        for bus, since in self.since.items():
            if t - since <= 30:
                continue
            weather = world.weather
            if (
                weather.touched(t, 60, "line.other_master")
                or weather.touched(t, 60, "actor.stuck")
                or weather.touched(t, 60, "control.stall")
            ):
                continue
            # 30 s at first, then every 60 s; what a damaged line brings may look like a frame.
            damaged = weather.touched(t, 60, "line.noise", bus) or weather.touched(
                t, 60, "line.drop", bus
            )
            self.verdict.judge(
                "F22",
                t,
                t - since,
                (30 if bus in self.heard and not damaged else 60) + 2 * TOLD_S,
                f"s nothing well-formed on the open line of {bus}",
            )


def rules(world, verdict):
    return [kind(world, verdict) for kind in (Shown, Expiry, Reopened)]
