"""F5, F28, F27, I2, I8: what the BMS, the temperature and the limits allow."""

from ban import Ban, Hold
from tolerances import LIMIT_SHARE, REST_W
from world import STOPS_CHARGE, STOPS_DISCHARGE


class Stopped(Ban):
    """F5: the BMS stops a direction, and 10 s after it allows it again."""

    rule = "F5"

    def __init__(self, world, charge):
        super().__init__(world)
        self.charge = charge
        self.discharge = not charge
        self.what = (
            f"the BMS stops {'charge' if charge else 'discharge'}, or does not for less than 10 s,"
        )
        self.hold = Hold(10, world.tick_s)
        self.told = {}

    def on_process(self, t, o):
        if o["what"] == "started":
            self.hold.reset()
            self.told.clear()

    def on_bms(self, t, o):
        # Who stands still hears of what lasts by the next frame, and of the rest nothing.
        if o["id"] not in ("351", "359", "35C") or self.world.stalled is not None:
            return
        told = self.told
        told.update(o)
        limit, enable = ("ccl_a", "charge_enable") if self.charge else ("dcl_a", "discharge_enable")
        stops = STOPS_CHARGE if self.charge else STOPS_DISCHARGE
        stands = (
            told.get(limit) == 0
            or told.get(enable) is False
            or not stops.isdisjoint(told.get("protections", ()))
        )
        self.hold.tell(t, stands)

    def since(self, t):
        return self.hold.since(t)


class TooHotOrCold(Ban):
    """F28: outside the configured temperatures, until 2 K inside."""

    rule = "F28"

    def __init__(self, world, charge):
        super().__init__(world)
        self.charge = charge
        self.discharge = not charge
        name = "charge" if charge else "discharge"
        self.low = world.settings[f"{name}_temperature_min_c"]
        self.high = world.settings[f"{name}_temperature_max_c"]
        self.what = f"the pack's temperature forbids {name}"
        self.hold = Hold(0, world.tick_s)

    def on_process(self, t, o):
        if o["what"] == "started":
            self.hold.reset()

    def on_bms(self, t, o):
        c = o.get("temp_c")
        if c is None or not -40 <= c <= 100 or self.low is None or self.high is None:
            return
        if self.world.battery.temperature_jumped:
            return
        if c < self.low or c > self.high:
            self.hold.tell(t, True)
        elif self.low + 2 <= c <= self.high - 2:
            self.hold.tell(t, False)

    def since(self, t):
        return self.hold.since(t)


class CurrentExceeded(Ban):
    """F27: the battery's current by the BMS's own word beyond CCL or DCL for 2 s longer than the
    ramp needs."""

    rule = "F27"
    what = "the battery's current beyond CCL or DCL for longer than 2 s and the ramp"

    def __init__(self, world):
        super().__init__(world)
        self.reset()

    def reset(self):
        self.first = None
        self.due = None
        self.within_at = None

    def on_process(self, t, o):
        if o["what"] == "started":
            self.reset()

    def on_bms(self, t, o):
        if o["id"] != "356" or "a" not in o:
            return
        told = self.world.battery.told
        unread = self.world.stalled is not None or self.world.battery_unread(t)
        if unread or not self.world.grid_tied() or "ccl_a" not in told or "dcl_a" not in told:
            self.reset()
            return
        ccl, dcl, a = abs(told["ccl_a"]), abs(told["dcl_a"]), o["a"]
        if a > ccl + max(3, 0.15 * ccl) or -a > dcl + max(3, 0.15 * dcl):
            if self.first is None:
                self.first = t
            self.within_at = None
            if self.due is None:
                # The current of a frame is up to a second old; the next frame shows whether it goes on.
                need_s = 2 + abs(a) * told.get("v", 50) / self.world.site["ramp_w_per_s"] + 1
                if t - self.first >= need_s:
                    self.due = t
        else:
            if self.due is None:
                self.first = None
            elif self.within_at is None:
                self.within_at = t

    def since(self, t):
        if self.due is not None and self.within_at is not None and t - self.within_at >= 10 - 0.1:
            self.reset()
        return self.due


class Limits:
    """I2: no setpoint beyond CCL or DCL times the pack's voltage, rating and configured limits; I8:
    nor by an order."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict

    def allowed(self, t, charge):
        """(W, which limit) of that direction, at the battery's AC side."""
        world = self.world
        s = world.settings
        least, which = (
            (s["charge_limit_w"], "charge_limit")
            if charge
            else (s["discharge_limit_w"], "discharge_limit")
        )
        if s["inverter_rating_w"] < least:
            least, which = s["inverter_rating_w"], "rating"
        volts = world.battery.most_v()
        if volts is not None:
            amperes = world.battery.most_a(t, charge, world.arrival_s(t))
            if amperes is not None and amperes * volts < least:
                least, which = amperes * volts, "CCL" if charge else "DCL"
            if charge and s["charger_current_a"] * volts < least:
                least, which = s["charger_current_a"] * volts, "charger's current"
        return least, which

    def ordered(self, t, charge):
        """Whether an order asks for more than any limit lets it."""
        for begin, end, command in self.world.orders.values():
            if begin <= t <= end and command.get("action") == ("charge" if charge else "discharge"):
                if command.get("power_w", 0) > self.allowed(t, charge)[0]:
                    return True
        return False

    def on_setpoint(self, t, o):
        command = self.world.command
        charge = command.lo > REST_W
        if not charge and command.hi > -REST_W:
            return
        least, which = self.allowed(t, charge)
        power = command.power(charge)
        most = least * (1 + LIMIT_SHARE) + REST_W
        what = (
            f"W commanded {'to charge' if charge else 'to discharge'}, {which} allows {least:.0f} W"
        )
        self.verdict.judge("I2", t, power, most, what)
        if self.ordered(t, charge):
            self.verdict.judge("I8", t, power, most, what + " and an order asks for more")


class Contactor:
    """I2, F27: the BMS opens its contactor where its limits are ignored for 5 s."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.closed = True

    def on_truth(self, t, o):
        if "contactor" not in o or o["contactor"] == self.closed:
            return
        self.closed = o["contactor"]
        if self.closed or not self.world.grid_tied():
            return
        world = self.world
        # F27 gives 2 s, the ramp and what a frame and a decision need to an inverter that does what
        # it likes; and who cannot be heard or told cannot be obeyed.
        excused = (
            world.weather.touched(t, 20, "inverter.")
            or world.weather.touched(t, 20, "line.", "battery")
            or not world.inverter_clean(t, 20)
            or t - world.mains_since[1] < 10
            or not world.up(t, 20)
        )
        if not excused:
            self.verdict.broken(
                "I2", t, "the BMS opens its contactor: its limits were ignored for 5 s"
            )


def bans(world):
    return [
        Stopped(world, True),
        Stopped(world, False),
        TooHotOrCold(world, True),
        TooHotOrCold(world, False),
        CurrentExceeded(world),
    ]


def rules(world, verdict):
    return [Limits(world, verdict), Contactor(world, verdict)]
