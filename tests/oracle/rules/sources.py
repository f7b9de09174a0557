"""F1, F2, F3, F4, F23, F6, F12, I12 (start), F29: what the battery may do by what the wires bring."""

from ban import Ban
from tolerances import LATEST_S, SOFT_STOP_S, TICK_S


class GridMeterLost(Ban):
    """F1, and F3 where no good sample follows."""

    rule = "F1"
    what = "no valid answer of the grid meter, or no five after that,"
    arrival_s = SOFT_STOP_S
    required_input = True

    def since(self, t):
        return self.world.grid.stale_since(t)

    def missing(self, t):
        return self.world.grid.too_old(t)


class GridMeterFrozen(Ban):
    """F2: bit-identical registers for 10 s, and five good samples after they changed."""

    rule = "F2"
    what = "the grid meter's registers frozen"
    arrival_s = SOFT_STOP_S

    def since(self, t):
        grid = self.world.grid
        if grid.frozen_since is not None and self.world.weather.touched(
            t, 30, "line.stuck", "meters"
        ):
            return grid.frozen_since
        return None


class BmsLost(Ban):
    """F4: a required frame is missing, or all have been complete for less than 5 s."""

    rule = "F4"
    what = "frames of the BMS missing, or complete for less than 5 s,"
    required_input = True

    def since(self, t):
        since = self.world.battery.stale_since(t)
        # A damaged line of an adapter that speaks text has no checksum: what a reader makes of it
        # is his.
        return None if since is None or self.world.battery_damaged(t) else since

    def missing(self, t):
        return self.world.battery.too_old(t) and not self.world.battery_damaged(t)


# pylontech-can.md#6, point 4, and #5; the accepted range is the hub's to tell, so only what is far
# off counts.
def impossible(o):
    """Whether a frame carries a value that no pack of this kind can tell (F23)."""
    if "soc_pct" in o and o["soc_pct"] > 105:
        return True
    if "v" in o and not 30 <= o["v"] <= 65:
        return True
    if "cvl_v" in o and (o["cvl_v"] > 65 or 0 < o["cvl_v"] < 30):
        return True
    return False


def may_be_impossible(o):
    """Whether a frame carries a value that a sound pack of this kind does not tell (F23)."""
    return (
        o.get("soc_pct", 0) > 105
        or not 42 <= o.get("v", 50) <= 58
        or not 49 <= (o.get("cvl_v") or 50) <= 55
        or max(abs(o.get("ccl_a", 0)), abs(o.get("dcl_a", 0))) > 190
    )


class BmsImplausible(Ban):
    """F23: a value that cannot be, and 5 s of believable frames after it."""

    rule = "F23"
    what = "a frame of the BMS that cannot be, or no 5 s of believable ones,"

    def __init__(self, world):
        super().__init__(world)
        self.begin = None
        self.last = None

    def on_process(self, t, o):
        if o["what"] == "started":
            self.begin = None

    def on_bms(self, t, o):
        if impossible(o):
            if self.since(t) is None:
                self.begin = t
            self.last = t

    def since(self, t):
        if self.begin is not None and t - self.last >= 5 - self.world.tick_s:
            self.begin = None
        return self.begin


class InverterSilent(Ban):
    """F6, I3: nothing is written to an inverter that does not answer."""

    rule = "F6"
    what = "no answer of the inverter"
    silent = True

    def since(self, t):
        last = self.world.mk3_last
        max_age_s = self.world.settings["inverter_max_age_s"]
        if last is not None and t - last > max_age_s:
            return last + max_age_s
        return None


class Watching(Ban):
    """F12: after the start the hub only watches until every source is fresh."""

    rule = "F12"
    what = "the hub has not heard every source"
    silent = True

    def since(self, t):
        world = self.world
        if world.running_since is None:
            return None
        heard = world.grid.last is not None and world.battery.heard() and world.mk3_last is not None
        return None if heard else world.running_since

    arrival_s = -1e3


class StartBlock(Ban):
    """I12: both directions are blocked for 10 s after a start of the program or of control."""

    rule = "I12"
    what = "the hub or its control started"
    held_s = None
    arrival_s = -1e3

    def since(self, t):
        world = self.world
        begin = world.control_since
        if world.running_since is None or begin is None or t - begin >= 10 - TICK_S:
            return None
        if begin > world.running_since and t - begin <= world.setpoint_life_s + LATEST_S:
            return None  # the word of the control before it
        return begin


class Flooded(Ban):
    """F29: what a flooded vital line brings may have waited and is not taken for current."""

    rule = "F29"
    what = "a vital line flooded and its source too old"

    def since(self, t):
        newest = None
        settings = self.world.settings
        for bus, age in (
            ("meters", "meter_max_age_s"),
            ("battery", "bms_max_age_s"),
            ("inverter", "inverter_max_age_s"),
        ):
            opened = self.world.lines_open.get(bus)
            for begin, _ in self.world.weather.args("line.flood", bus):
                if opened is None or begin < opened:
                    # Of a line that was opened since nothing has waited.
                    continue
                # Known within 1 s; the last thing that counted may have come until then.
                stale = begin + 1 + settings[age]
                if t >= stale and (newest is None or stale < newest):
                    newest = stale
        return newest

    arrival_s = SOFT_STOP_S


def bans(world):
    return [
        kind(world)
        for kind in (
            GridMeterLost,
            GridMeterFrozen,
            BmsLost,
            BmsImplausible,
            InverterSilent,
            Watching,
            StartBlock,
            Flooded,
        )
    ]
