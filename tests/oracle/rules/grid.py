"""I4, F27 (fuse and transfer switch), F21: the connection to the grid."""

from ban import Ban
from tolerances import CAP_W, HELD_S, LAG_S, REST_W, SOFT_STOP_S


class Cap:
    """The battery lifts no power beyond a cap for longer than meter, setpoint and ramp need."""

    def __init__(self, world, verdict, rule, what, cap_w, sign, field="grid_w"):
        self.world = world
        self.verdict = verdict
        self.rule = rule
        self.what = what
        self.cap_w = cap_w
        self.sign = sign
        self.field = field
        self.begin = None
        self.seen = None

    def sample(self, t):
        world = self.world
        house = world.house
        if not world.grid_tied():
            self.begin = None
            return
        over = self.sign * house[self.field] - self.cap_w
        by_battery = self.sign * house["bat_ac_w"]
        if over <= 0 or by_battery <= REST_W:
            self.begin = None
            if by_battery > REST_W and over > -max(0.3 * self.cap_w, 500):
                self.verdict.armed[self.rule] += 1
                self.verdict.near[self.rule] += over > -CAP_W
            return
        if over <= CAP_W or by_battery <= 2 * REST_W:
            return
        if self.begin is None:
            self.begin = t
            self.seen = None
        if self.seen is None:
            # From when the wire has told it; a meter that says nothing is F1's.
            for at, w in world.grid.recent:
                if at >= self.begin and self.sign * w - self.cap_w > CAP_W / 2:
                    self.seen = (at, by_battery)
                    break
            return
        at, power = self.seen
        weather = world.weather
        if (
            not world.inverter_clean(t, 10)
            # From before the hub's start: the inverter's time-out ends it (F12).
            or world.command is None
            or world.command.t < world.running_since
            or weather.touched(t, 5, "line.", "meters")
            or weather.touched(t, 5, "meter.")
            or weather.touched(t, 5, "inverter.")
            or not world.up(t, 10)
        ):
            self.begin = None
            return
        self.verdict.judge(
            self.rule,
            t,
            t - at,
            HELD_S + world.slower_s + power / world.site["ramp_w_per_s"] + LAG_S,
            f"s of {self.what} {over:.0f} W beyond {self.cap_w:.0f} W by the battery's doing",
        )


class Reversed:
    """F21: a grid meter with its clamp the wrong way round drives the battery the wrong way for
    seconds only."""

    # "Within seconds" of the run-away move; the second mirrored move makes it certain.
    SECONDS = 30.0

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.since = None

    def sample(self, t):
        world = self.world
        house = world.house
        settings = world.settings
        plain = (
            settings["tariff"] is None and settings["mode"] == "balance" and not world.orders_ever
        )
        soc = world.battery.told.get("soc_pct", 0)
        plain = plain and soc > world.reserve + 2 and not settings["full_charge_days"]
        if (
            not world.weather.args("meter.reversed")
            or not plain
            or not world.grid_tied()
            or not world.up(t, 20)
        ):
            self.since = None
            return
        without = house["grid_w"] - house["bat_ac_w"] - settings["grid_setpoint_w"]
        worse = abs(house["grid_w"] - settings["grid_setpoint_w"]) - abs(without)
        if worse < 500:
            self.since = None
            self.verdict.armed["F21"] += 1
            return
        if self.since is None:
            self.since = t
        self.verdict.judge(
            "F21",
            t,
            t - self.since,
            self.SECONDS,
            "s in which the battery makes it worse with a reversed grid meter",
        )


class ReversedRest(Ban):
    """F21: once told, the battery rests for 15 min or until cleared or acknowledged; I12: also after
    a restart."""

    rule = "F21"
    what = "a reversed grid meter is told"
    # The contract: as F1.
    arrival_s = SOFT_STOP_S

    def __init__(self, world):
        super().__init__(world)
        self.begin = None
        # It is told: a restart tells it again, and begins no new rest.
        self.told = False

    def on_process(self, t, o):
        if o["what"] == "started":
            self.rule = "I12"
            if self.world.state_doubted:
                self.begin = None

    def on_hub(self, t, o):
        if o["claim"] != "fault" or o["fault"] != "grid_meter_reversed":
            return
        again = self.told and t - self.world.running_since < 1
        self.told = o["on"]
        if not again:
            self.rule = "F21"
            self.begin = t if o["on"] else None

    def since(self, t):
        if self.begin is not None and (
            t - self.begin >= 15 * 60 - 1 or self.world.acknowledged > self.begin
        ):
            self.begin = None
        return self.begin


def bans(world):
    return [ReversedRest(world)]


def rules(world, verdict):
    settings = world.settings
    made = [Reversed(world, verdict)]
    if settings["import_cap_w"] is not None:
        made.append(Cap(world, verdict, "I4", "import", settings["import_cap_w"], 1))
    if settings["export_cap_w"] is not None:
        made.append(Cap(world, verdict, "I4", "export", settings["export_cap_w"], -1))
    # 253 V: the highest voltage that a grid may have.
    made.append(
        Cap(world, verdict, "F27", "the main fuse's current", settings["main_fuse_a"] * 253, 1)
    )
    made.append(
        Cap(
            world,
            verdict,
            "F27",
            "the transfer switch's current",
            settings["transfer_switch_a"] * 253,
            1,
            "drawn_w",
        )
    )
    return made
