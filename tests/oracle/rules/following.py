"""F6, F7, F7a, F27 (AC-out), I5, I6: the setpoint, from the decision to the inverter."""

from tolerances import AC_OUT_AGE_S, AC_OUT_WORD_W, REST_W, TOLD_S

# A cause is sure where it is so far beyond F7's own tolerance.
SURE = 1.3
SURE_W = 50.0


class Slew:
    """I5: away from rest no faster than the slew."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.before = None

    def on_setpoint(self, t, o):
        now, before = self.world.command, self.before
        self.before = now
        if before is None or t - before.t > 2:
            return
        # Each of the two was decided up to the time that a setpoint needs to be on the wire before
        # it arrived.
        allowed = (
            self.world.settings["slew_w_per_s"] * (t - before.t + 0.2 + self.world.tick_s) + REST_W
        )
        growth = max(now.lo - max(before.hi, 0), -now.hi - max(-before.lo, 0), 0)
        self.verdict.judge(
            "I5", t, growth, allowed, f"W more than the setpoint of {before.t:.3f} s"
        )


class Life:
    """I6: each setpoint is one that was decided within its life, or rest."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict

    def on_setpoint(self, t, o):
        command = self.world.command
        self.verdict.expect(
            "I6",
            t,
            self.world.was_decided(t, command.w) or command.away <= REST_W,
            f"a setpoint of {command.w} W that was not decided within its life",
        )


class Following:
    """F7: more than commanded, or the other way, is told after 15 s and released 15 s later for 60
    s; F7a: less never."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.unsafe_since = None
        self.maybe_at = -1e9
        self.less_at = -1e9
        self.told = False
        self.released = None

    def sample(self, t):
        world = self.world
        house = world.house
        setpoint = house.get("sp_w")
        if setpoint is None or not world.grid_tied() or not world.inverter_clean(t, 5):
            self.unsafe_since = None
            return
        asked = setpoint - house["ac_out_w"]
        does = house["bat_ac_w"]
        tolerance = max(150, 0.15 * abs(asked))
        more = does - asked if asked >= 0 else asked - does
        other = -does if asked >= 0 else does
        if more > 0.5 * tolerance or other > 0:
            self.maybe_at = t
        if -more > 0.5 * tolerance:
            self.less_at = t
        unsafe = more > SURE * tolerance + SURE_W or (
            abs(asked) > SURE_W and other > REST_W + SURE_W
        )
        if not unsafe or world.weather.touched(t, 20, "inverter.ac_out_word"):
            self.unsafe_since = None
        elif self.unsafe_since is None:
            self.unsafe_since = t
            self.told = False
        elif not self.told and t - self.unsafe_since >= 15 + 2 + TOLD_S + world.slower_s:
            self.told = True
            self.verdict.expect(
                "F7",
                t,
                "setpoint_not_followed" in world.claims or "bms_limit_exceeded" in world.claims,
                f"not told: {does} W at the battery, {asked} W are asked, since {self.unsafe_since:.3f} s",
            )

    def on_hub(self, t, o):
        if o["claim"] != "fault":
            return
        misread = self.world.weather.touched(t, 20, "line.stuck", "inverter")
        if o["fault"] == "setpoint_not_followed":
            if o["on"]:
                self.released = None
                self.verdict.expect(
                    "F7",
                    t,
                    t - self.maybe_at < 17 or misread,
                    "told as not followed though it has followed within half of the tolerance",
                )
                self.told_at = t
        if o["fault"] == "inverter_derating" and o["on"] and not misread:
            self.verdict.expect(
                "F7a",
                t,
                t - self.less_at < 17,
                "told as held back though it has done what was asked within half",
            )

    def on_setpoint(self, t, o):
        """30 s after the deviation began, and it went on, control is released for 60 s."""
        begin = self.unsafe_since
        if begin is None:
            return
        lasts = t - begin
        if 30 + 3 <= lasts < 30 + 60 - 3 and not self.world.claims.get("bms_limit_exceeded"):
            self.verdict.expect(
                "F7",
                t,
                False,
                f"a setpoint {lasts:.1f} s after it began not to follow: control is to be released",
            )


class HoldsBack:
    """F7a: once told, no more is commanded in that direction than what it does and twice the
    tolerance of F7."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.told_at = None
        self.charge = False

    def on_hub(self, t, o):
        if o["claim"] != "fault" or o["fault"] != "inverter_derating":
            return
        command = self.world.command
        self.told_at = t if o["on"] and command is not None and command.away > 0 else None
        self.charge = command is not None and command.lo > 0

    def on_process(self, t, o):
        self.told_at = None

    def on_setpoint(self, t, o):
        world = self.world
        derated = world.weather.args("inverter.derate")
        if self.told_at is None or t - self.told_at < 2 or len(derated) != 1:
            return
        begin, args = derated[0]
        if (
            begin > self.told_at - 15
            or world.weather.touched(t, 60, "inverter.gain")
            or world.weather.touched(t, 60, "inverter.ac_out_word")
            or not world.inverter_clean(t, 20)
        ):
            return
        does = args["w"]
        self.verdict.judge(
            "F7a",
            t,
            world.command.power(self.charge),
            does + 2 * max(150, 0.15 * does) + 2 * REST_W,
            f"W commanded of an inverter that does {does:.0f} W",
        )


class NotControlled:
    """F6: an inverter that does not answer is not reported as controlled."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict

    def sample(self, t):
        world = self.world
        last = world.mk3_last
        if last is None or world.decision is None or not world.up(t, 1):
            return
        told_s = world.settings["inverter_max_age_s"] + TOLD_S + world.slower_s
        if t - last > told_s and not world.weather.touched(t, 2, "control.stall"):
            self.verdict.expect(
                "F6",
                t,
                world.decision["mode"] != "follow",
                f"decides as if it controlled the inverter, silent since {last:.3f} s",
            )


class AcOutWord:
    """F27: a wrong word for AC-out moves the battery by 100 W for no longer than 3 s."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.since = None

    def sample(self, t):
        world = self.world
        house = world.house
        decision = world.decision
        setpoint = house.get("sp_w")
        if (
            setpoint is None
            or decision is None
            or decision["mode"] != "follow"
            or not world.grid_tied()
            or not world.inverter_clean(t, 5)
            or not world.weather.touched(t, 5, "inverter.ac_out_word")
            or world.weather.touched(t, 5, "inverter.gain")
            or world.weather.touched(t, 5, "inverter.derate")
        ):
            self.since = None
            return
        off = abs(setpoint - house["ac_out_w"] - decision["bat_w"])
        if off <= AC_OUT_WORD_W + REST_W:
            self.since = None
            self.verdict.armed["F27"] += 1
        elif self.since is None:
            self.since = t
        else:
            self.verdict.judge(
                "F27",
                t,
                t - self.since,
                3 + AC_OUT_AGE_S + 2 * world.slower_s,
                f"s in which the battery is {off:.0f} W beside what is decided",
            )


def rules(world, verdict):
    kinds = (Slew, Life, Following, HoldsBack, NotControlled, AcOutWord)
    return [kind(world, verdict) for kind in kinds]
