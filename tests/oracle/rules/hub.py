"""F10, F11, F20: the hub itself stands still, hangs, dies or is told to stop."""

from ban import Ban
from tolerances import HANDSHAKE_S, HELD_S, REST_W, TICK_S


class Overrun(Ban):
    """F10: after a stall the safe setpoint until 6 s are without gaps."""

    rule = "F10"
    what = "the hub stood still"
    held_s = None

    def since(self, t):
        world = self.world
        if world.running_since is None:
            return None
        period_s = world.header["period_us"] * 1e-6
        too_long_s = world.longest_gap_s + 2 * period_s
        recent = [(begin, end) for begin, end in world.stalls if t - end < 6 - TICK_S]
        even = all(end - begin <= 0.1 + 2 * period_s for begin, end in recent)
        # Cleared: 2 % of 6 s.
        if even and self._lost(t, period_s) < 0.12:
            return None
        for begin, end in reversed(recent):
            too_long = end - begin > too_long_s
            if too_long or self._lost(end, period_s) > 0.6:
                # The tick that comes too late is safe itself, and no setpoint outlives such a gap; one
                # of before a shorter gap may be under way.
                self.arrival_s = -1e3 if too_long else 0.0
                return end
        return None

    def _lost(self, now, period_s):
        """Of the 6 s before then, at least: a stall begins anywhere in a period, and the tick that is
        late is made at its end."""
        return sum(
            max(0, int((end - max(begin, now - 6)) / period_s + 1e-3) - 1) * period_s
            for begin, end in self.world.stalls
            if end <= now
        )


# docs/safety.md, F10: after a longer stall the load on AC-out is not known, and the safe setpoint is
# none; the inverter's time-out ends the old one.
LONGEST_S = 10.0


class RestAfterStall:
    """F10: after a stall the inverter is not left with the setpoint from before it."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.judged = None

    def sample(self, t):
        world = self.world
        if not world.stalls or world.stalled is not None:
            return
        begin, end = world.stalls[-1]
        if self.judged == end or t - end < HELD_S + world.slower_s:
            return
        if end - begin <= world.longest_gap_s + 0.1:
            return
        if end - begin > LONGEST_S:
            return
        self.judged = end
        weather = world.weather
        before_s = t - begin + HANDSHAKE_S
        if (
            world.running_since is None
            or world.stopping is not None
            or t - max(world.running_since, world.process_at) < before_s
            or weather.touched(t, before_s, "line.", "inverter")
            or weather.touched(t, before_s, "actor.stuck", "inverter")
            or world.house.get("sp_w") is None
            or not world.grid_tied()
            or t - world.mains_since[1] < before_s
        ):
            return
        self.verdict.judge(
            "F10",
            t,
            world.command.away,
            REST_W,
            f"W at the battery still held, the hub stood still until {end:.3f} s",
        )


# F11 counts a silence of 5 s, in heartbeats; a second more until it is looked at.
STUCK_S = 5 + 1


class Stuck(Ban):
    """F11: a vital bus hangs in a system call."""

    rule = "F11"
    what = "a vital bus hangs in a system call"

    def since(self, t):
        begins = [begin for begin, _ in self.world.weather.args("actor.stuck")]
        begins = [
            begin
            for begin in begins
            if self.world.running_since is not None and begin > self.world.running_since
        ]
        if not begins:
            return None
        # Nobody counts while the whole hub stands still; F10 then holds the battery.
        return max([min(begins)] + [end for _, end in self.world.stalls]) + STUCK_S


class Deaths(Ban):
    """F11: more than 3 deaths of a vital part within an hour hold the battery until an hour is clean."""

    rule = "F11"
    what = "a vital part died more than 3 times"

    def __init__(self, world):
        super().__init__(world)
        self.deaths = {}
        self.begin = None
        self.last = None

    def on_process(self, t, o):
        part = o.get("part", "")
        if o["what"] == "started" and self.world.state_doubted:
            # What the disk has lost is F14's.
            self.begin = None
            self.deaths.clear()
        if o["what"] != "died" or not part.startswith("bus."):
            return
        died = [at for at in self.deaths.get(part, []) if t - at < 3600] + [t]
        self.deaths[part] = died
        if len(died) > 3:
            if self.begin is None:
                self.begin = t
            self.last = t

    def since(self, t):
        if self.begin is None:
            return None
        world = self.world
        if world.acknowledged > self.begin or t - self.last >= 3600:
            self.begin = None
            self.deaths.clear()
        return self.begin


class Stop:
    """F20: 0 W at the battery on the wire, and the end within 5 s."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.begin = None

    def on_process(self, t, o):
        what = o["what"]
        if what == "stopping":
            self.begin = t
        elif what == "stopped" and self.begin is not None:
            self.verdict.judge("F20", t, t - self.begin, 5 + TICK_S, "s until the hub has stopped")
            held = self.world.house.get("sp_w")
            command = self.world.command
            if o.get("acknowledged") and held is not None and command is not None:
                self.verdict.judge(
                    "F20",
                    t,
                    command.away,
                    REST_W,
                    "W at the battery held after an acknowledged stop",
                )
            self.begin = None
        elif what in ("killed", "power_cut", "started"):
            self.begin = None

    def sample(self, t):
        if self.begin is not None and t - self.begin > 5 + 0.2 and self.world.stalled is None:
            self.verdict.judge("F20", t, t - self.begin, 5 + TICK_S, "s since it was told to stop")
            self.begin = None


def bans(world):
    return [Overrun(world), Stuck(world), Deaths(world)]


def rules(world, verdict):
    return [Stop(world, verdict), RestAfterStall(world, verdict)]
