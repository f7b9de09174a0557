"""A time in which the battery may not be moved, and how that is judged on the wire and in the house."""

from tolerances import HANDSHAKE_S, HELD_S, LAG_S, REST_W


class Ban:
    """While `since(t)` is a time: no charge, no discharge, or (`silent`) no setpoint at all."""

    rule = ""
    what = ""
    charge = True
    discharge = True
    silent = False
    # Beyond the time that a decision needs to be on the wire.
    arrival_s = 0.0
    # None: that a setpoint still holds is not judged, but only what arrives.
    held_s = HELD_S
    # A required input is missing: I3 forbids the same.
    required_input = False

    def __init__(self, world):
        self.world = world
        self.judged_since = None

    def since(self, t):
        raise NotImplementedError

    def missing(self, t):
        """For I3: the input is too old now, not only doubted."""
        return self.required_input


def away(ban, command):
    """By how many watts the command moves the battery in a direction that the ban forbids."""
    most = 0.0
    if ban.charge:
        most = command.lo
    if ban.discharge:
        most = max(most, -command.hi)
    return max(most, 0.0)


class Hold:
    """Since when a condition has stood, counted until it has been away for `clear_s`."""

    __slots__ = ("clear_s", "tick_s", "begin", "clear_at")

    def __init__(self, clear_s, tick_s):
        self.clear_s = clear_s
        self.tick_s = tick_s
        self.reset()

    def reset(self):
        self.begin = None
        self.clear_at = None

    def tell(self, t, stands):
        if stands:
            if self.since(t) is None:
                self.begin = t
            self.clear_at = None
        elif self.begin is not None and self.clear_at is None:
            self.clear_at = t

    def since(self, t):
        if (
            self.begin is not None
            and self.clear_at is not None
            and t >= self.clear_at + self.clear_s - self.tick_s
        ):
            self.reset()
        return self.begin


class Bans:
    """Judges all bans: each setpoint that arrives, the one that is held, and the battery's true
    power (I3)."""

    def __init__(self, world, verdict, bans):
        self.world = world
        self.verdict = verdict
        self.bans = bans
        self.power_since = None

    def on_setpoint(self, t, o):
        world = self.world
        if world.stopping is not None:
            return
        command = world.command
        arrival_s = world.arrival_s(t)
        for ban in self.bans:
            since = ban.since(t)
            if since is None or t - since < arrival_s + ban.arrival_s:
                continue
            if ban.silent:
                if world.stalled_within(t, 1) and command.away <= REST_W:
                    # F10: the first word after a stall is the setpoint of rest.
                    continue
                self.verdict.expect(
                    ban.rule,
                    t,
                    False,
                    f"a setpoint of {command.w} W arrives, {ban.what} since {since:.3f} s",
                )
            else:
                what = f"W at the battery commanded, {ban.what} since {since:.3f} s"
                if ban.missing(t):
                    self.verdict.judge("I3", t, away(ban, command), REST_W, what)
                self.verdict.judge(ban.rule, t, away(ban, command), REST_W, what)

    def sample(self, t):
        rest_since = None
        for ban in self.bans:
            since = ban.since(t)
            if since is None:
                ban.judged_since = None
                continue
            if ban.silent:
                if ban.judged_since != since and t - since > 1:
                    ban.judged_since = since
                    self.verdict.armed[ban.rule] += 1
                continue
            due_s = None
            if ban.held_s is not None:
                due_s = ban.held_s + ban.arrival_s + self.world.slower_s
            if due_s is not None and ban.required_input:
                if rest_since is None or since + due_s < rest_since:
                    rest_since = since + due_s
            if due_s is None or ban.judged_since == since or t - since < due_s:
                continue
            ban.judged_since = since
            self._judge_held(t, ban, since, due_s)
        self._judge_power(t, rest_since)

    def _judge_held(self, t, ban, since, due_s):
        """By now the setpoint that the inverter holds has to keep the ban, if the wire was good all
        the time."""
        world = self.world
        command = world.command
        if command is None or world.house.get("sp_w") is None or not world.grid_tied():
            return
        clean_s = max(due_s + HELD_S, HANDSHAKE_S)
        if not world.inverter_clean(t, clean_s) or world.stopping is not None:
            return
        if world.decision is None or world.decision["mode"] != "follow":
            # Released by right (F7, F27): it ends with the inverter's time-out.
            return
        what = f"W at the battery still held, {ban.what} since {since:.3f} s"
        self.verdict.judge(ban.rule, t, away(ban, command), REST_W, what)

    def _judge_power(self, t, rest_since):
        """I3 in the house itself: the battery's power is 0 once setpoint, ramp and the inverter's
        time-out allow."""
        world = self.world
        house = world.house
        if rest_since is None or not world.grid_tied():
            self.power_since = None
            return
        weather = world.weather
        if (
            weather.touched(t, 10, "inverter.")
            or weather.touched(t, 10, "line.stuck", "inverter")
            or world.stopping is not None
            or world.running_since is None
        ):
            self.power_since = None
            return
        power = abs(house.get("bat_ac_w", 0))
        due = rest_since + power / world.site["ramp_w_per_s"] + LAG_S
        if not world.inverter_clean(t, max(t - rest_since + HELD_S, HANDSHAKE_S)):
            # What is held follows a load on AC-out that moves; the inverter's time-out ends it.
            last = max(rest_since, world.command.t) if world.command else rest_since
            due += last - rest_since + world.site["setpoint_timeout_s"] + HELD_S
        if t < due:
            return
        # A step of AC-out is the battery's until the next setpoint (docs/safety.md), 1.2 s; and the
        # ramp after it.
        if power <= 2 * REST_W:
            self.power_since = None
            self.verdict.armed["I3"] += 1
            return
        if self.power_since is None:
            self.power_since = t
        what = f"W is the battery's true power, to be at rest since {rest_since:.3f} s"
        if t - self.power_since > 1.2 + world.slower_s + LAG_S + power / world.site["ramp_w_per_s"]:
            self.verdict.judge("I3", t, power, 2 * REST_W, what)
