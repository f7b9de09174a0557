"""I1, F18, F24: what the state of charge allows."""

from ban import Ban
from tolerances import TICK_S


class RulingSoc:
    """The BMS's word for the state of charge; after a rise by more than 5 points in 10 s the lower
    one for 60 s."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.word = None
        self.lower = None
        self.until = None
        self.jumped_at = -1e9

    def take(self, t, soc, recent):
        soc = min(soc, 100)
        words = [w for at, w in recent if t - at <= 10]
        if soc - min(words) > 5 and self.lower is None:
            self.lower = min(words)
            self.until = t + 60 - TICK_S
        if max(words) - min(words) > 5:
            self.jumped_at = t
        self.word = soc
        if self.lower is not None and soc - self.lower <= 5:
            self.lower = None

    def at(self, t):
        if self.lower is not None and t < self.until and self.word is not None:
            return min(self.lower, self.word)
        self.lower = None
        return self.word


class NotBelowReserve(Ban):
    """I1: nothing is discharged at or below reserve or floor, and then not before the hysteresis
    above it."""

    rule = "I1"
    what = "state of charge at or below reserve or floor, or within the hysteresis above it,"
    charge = False

    def __init__(self, world):
        super().__init__(world)
        self.soc = RulingSoc()
        self.reset()

    def reset(self):
        self.begin = None
        self.at_level = None

    def on_process(self, t, o):
        if o["what"] == "started" or o["what"] == "restarted":
            self.reset()
            if o["what"] == "started":
                self.soc.reset()

    def on_order(self, t, o):
        self.reset()

    def level(self):
        return max(self.world.reserve, self.world.settings["soc_floor_pct"])

    def on_bms(self, t, o):
        if o["id"] != "355" or "soc_pct" not in o or o["soc_pct"] > 105:
            return
        self.soc.take(t, o["soc_pct"], self.world.battery.recent_soc)
        if not self.world.grid_tied():
            # A power cut releases the reserve; where the hysteresis stands after it nobody says.
            self.reset()
            return
        word = self.soc.at(t)
        level = self.level()
        if word <= level:
            if self.begin is None:
                self.begin = t
            self.at_level = level
        elif self.begin is not None:
            if word >= self.at_level + self.world.settings["soc_hysteresis_pct"]:
                self.reset()

    def since(self, t):
        if self.begin is None:
            return None
        # After the mains are back the inverter's next sample tells it.
        return max(self.begin, self.world.mains_since[1] + 1, self.world.inverter_since[1] + 1)


class SocJump(Ban):
    """F18: after a rise the lower word rules for a minute; counted where that word alone forbids to
    discharge."""

    rule = "F18"
    what = "the lower of two words for the state of charge forbids to discharge"
    charge = False

    def __init__(self, world, below):
        super().__init__(world)
        self.below = below

    def since(self, t):
        below = self.below
        lower = below.soc.lower
        if below.begin is None or lower is None or t >= below.soc.until:
            return None
        if lower <= below.level() < below.soc.word:
            return below.since(t)
        return None


def bans(world):
    below = NotBelowReserve(world)
    return [below, SocJump(world, below)]
