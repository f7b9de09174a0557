"""I1, F18, F24: what the state of charge allows."""

from ban import Ban
from tolerances import TICK_S, TOLD_TWICE_S


# Of what the transfer switch carries (F27): with more on AC-out it leaves nothing to be sure of.
SWITCH_SHARE = 0.8


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
            self.until = t - TOLD_TWICE_S + 60 - TICK_S
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

    def level(self, t):
        world = self.world
        storm = world.in_force("storm", t) or {}
        return max(world.reserve, world.settings["soc_floor_pct"], storm.get("reserve_pct", 0))

    def on_bms(self, t, o):
        if o["id"] != "355" or "soc_pct" not in o or o["soc_pct"] > 105:
            return
        self.soc.take(t, self.world.battery.soc, self.world.battery.recent_soc)
        if not self.world.grid_tied():
            # A power cut releases the reserve; where the hysteresis stands after it nobody says.
            self.reset()
            return
        word = self.soc.at(t)
        level = self.level(t)
        if word <= level:
            if self.begin is None:
                self.begin = t
            self.at_level = level
        elif self.begin is not None:
            self.at_level = min(self.at_level, level)
            if word >= self.at_level + self.world.settings["soc_hysteresis_pct"]:
                self.reset()

    def since(self, t):
        # A storm that is over keeps nothing; what the reserve below it says shows the next frame.
        if self.begin is None or self.level(t) < self.at_level:
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
        if lower <= below.level(t) < below.soc.word:
            return below.since(t)
        return None


class Bought:
    """F24: what is missing of the reserve is bought back where no hour is to be waited for."""

    # Slew, the hub's own proofs of what it hears, and the end of what stood in the way.
    PATIENCE_S = 30.0

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.since = None
        settings = world.settings
        how = settings["reserve_recharge"]
        self.at_any_time = how == "at_once" or (how == "cheap" and settings["tariff"] is None)

    def _may_be_bought(self, t):
        world = self.world
        settings = world.settings
        told = world.battery.told
        missing = max(world.reserve_least, settings["soc_floor_pct"]) - 1
        return (
            world.up(t, self.PATIENCE_S)
            and world.grid_tied()
            and told.get("soc_pct", 100) <= missing
            and not told.get("protections")
            and told.get("charge_enable", True)
            and abs(told.get("ccl_a", 0)) > 2
            and settings["charge_temperature_min_c"] + 2
            < told.get("temp_c", -99)
            < settings["charge_temperature_max_c"] - 2
            and world.house["ac_out_w"] < SWITCH_SHARE * settings["transfer_switch_a"] * 230
            # What the cap leaves, the owner's word, and an hour's doubt come first.
            and settings["import_cap_w"] is None
            and not {"override", "dispatch"} & set(world.orders)
        )

    def sample(self, t):
        world = self.world
        if not self.at_any_time or not self._may_be_bought(t):
            self.since = None
            return
        if self.since is None:
            self.since = t
        if t - self.since < self.PATIENCE_S:
            return
        disturbed = (
            not world.inverter_clean(t, self.PATIENCE_S)
            or world.weather.touched(t, self.PATIENCE_S, "line.")
            or world.weather.touched(t, self.PATIENCE_S, "bms.")
            or world.weather.touched(t, self.PATIENCE_S, "meter.")
            or world.weather.touched(t, self.PATIENCE_S, "inverter.")
            or set(world.claims) & self.IN_THE_WAY
        )
        if not disturbed and world.command is not None:
            self.verdict.expect(
                "F24",
                t,
                world.command.hi > 0,
                f"not bought back at {world.battery.soc} %, though it may be since {self.since:.1f} s",
            )

    # Told, and each by right a reason to rest.
    IN_THE_WAY = {
        "actor_stuck",
        "bms_limit_exceeded",
        "control_overrun",
        "export_lockout",
        "grid_meter_lost",
        "grid_meter_reversed",
        "inverter_lost",
        "setpoint_not_followed",
        "soc_inconsistent",
    }


def bans(world):
    below = NotBelowReserve(world)
    return [below, SocJump(world, below)]


def rules(world, verdict):
    return [Bought(world, verdict)]
