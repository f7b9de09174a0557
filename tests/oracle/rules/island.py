"""F8, F9 and the latch of I12: a power cut."""

from ban import Ban
from tolerances import HANDSHAKE_S, SAMPLE_S

# F9 says when; the inverter's next sample and its switch's command on the wire come after that.
CUTOFF_S = 3.0
# F9: the owner's acknowledge holds the cut-off SOC back.
ACKNOWLEDGED_S = 600.0


class Islanded(Ban):
    """F8: no setpoint without mains; known with the inverter's next sample, 1.2 s at worst (F30)."""

    rule = "F8"
    what = "the mains are gone"
    silent = True
    arrival_s = 1.2

    def since(self, t):
        world = self.world
        since = world.islanded_since()
        # One that answers with what was tells of mains.
        stuck = world.weather.touched(t, 2, "line.stuck", "inverter")
        if since is None or world.running_since is None or stuck:
            return None
        if not world.inverter_clean(t, t - since + 5):
            # What it did not hear it cannot know: as F6.
            return since + world.settings["inverter_max_age_s"]
        return since


class Cutoff:
    """F9: off when it must be, not without cause, and latched (I12 across a restart) until mains or
    the owner."""

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.switch = None
        self.off_since = None
        self.restarted = False
        self.soc_since = None
        self.volts_since = None
        self.newest_soc = []
        self.judged = None
        # Since when the newest power cut is one: the command to switch off ends the state that shows it.
        self.island = None
        self.announced = False

    def on_hub(self, t, o):
        if o["claim"] == "fault" and o["fault"] == "cutoff_near" and o["on"]:
            self.announced = True

    def on_process(self, t, o):
        if o["what"] in ("started", "restarted"):
            self.restarted = True
            self.soc_since = self.volts_since = None

    def on_bms(self, t, o):
        settings = self.world.settings
        if "soc_pct" in o:
            self.newest_soc = [(at, w) for at, w in self.newest_soc if at > t - 75] + [
                (t, o["soc_pct"])
            ]
            if o["soc_pct"] > settings["cutoff_soc_pct"]:
                self.soc_since = None
            elif self.soc_since is None:
                self.soc_since = t
        if "v" in o:
            if o["v"] > settings["cutoff_voltage_v"]:
                self.volts_since = None
            elif self.volts_since is None:
                self.volts_since = t

    def on_truth(self, t, o):
        if "switch" not in o or o["switch"] == self.switch:
            return
        before, self.switch = self.switch, o["switch"]
        if before is None:
            return
        if self.switch == "off":
            self.off_since = t
            self.restarted = False
            self._judge_cause(t)
        elif before == "off" and self.off_since is not None:
            kept = self.world.mains_since[0] or self.world.acknowledged >= self.off_since
            if kept or not self.world.state_doubted or not self.restarted:
                rule = "I12" if self.restarted else "F9"
                self.verdict.expect(
                    rule,
                    t,
                    kept,
                    f"switched {self.switch} without mains or acknowledge, off since {self.off_since:.3f} s",
                )
            self.off_since = None

    def _judge_cause(self, t):
        world = self.world
        settings = world.settings
        since = self.island
        # What it draws has to be measured before anything can be announced; a minute is enough for that.
        if since is not None and t - since > 60 and world.up(t, 60):
            calm = not world.weather.touched(t, 90, "line.", "battery")
            calm = calm and not world.weather.touched(t, 90, "bms.") and world.inverter_clean(t, 90)
            if calm:
                self.verdict.expect(
                    "F9", t, self.announced, "switched off and not announced before"
                )
        socs = [w for at, w in self.newest_soc]
        soc = min(socs, default=None)
        volts = min([v for _, v in world.battery.volts] + [world.house["bat_v"]])
        # F18, a word that contradicts the pack's voltage: a pack near its end may rule, whatever it
        # tells.
        cause = (
            soc is None
            or soc <= settings["cutoff_soc_pct"]
            or volts <= settings["cutoff_voltage_v"] + 0.5
        )
        self.verdict.expect(
            "F9",
            t,
            cause,
            f"switched off at {soc} % and {volts} V: cut-off is {settings['cutoff_soc_pct']} % and "
            f"{settings['cutoff_voltage_v']} V",
        )
        lasted_s = 0 if since is None else t - since
        self.verdict.expect(
            "F9",
            t,
            lasted_s >= 10 - SAMPLE_S,
            f"switched off {lasted_s:.2f} s into a power cut, 10 s are promised",
        )

    def sample(self, t):
        world = self.world
        since = world.islanded_since()
        if since is not None or world.mains_since[0]:
            if since is None:
                self.announced = False
            self.island = since
        if (
            since is None
            or world.house.get("switch") == "off"
            or not world.house.get("front_switch")
        ):
            self.judged = None
            return
        if (
            self.judged == since
            or not world.up(t, 25)
            or not world.inverter_clean(t, HANDSHAKE_S + 10)
        ):
            return
        if world.battery.stale_since(t) is not None or world.weather.touched(
            t, 10, "line.", "battery"
        ):
            return
        settings = world.settings
        begins = []
        if self.soc_since is not None and t - world.acknowledged > ACKNOWLEDGED_S + 5:
            begins.append(("state of charge at its cut-off", max(since + 10, self.soc_since)))
        if self.volts_since is not None:
            begins.append((f"{settings['cutoff_voltage_v']} V", max(since, self.volts_since) + 10))
        for what, due in begins:
            if t >= due + CUTOFF_S:
                self.judged = since
                self.verdict.expect(
                    "F9", t, False, f"not switched off: {what}, due since {due:.3f} s"
                )
        # What came in time is counted as judged where it happens.


class Acknowledged:
    """I12: an acknowledge that is accepted has an effect: of a cut-off, the inverter is switched on;
    and where there is nothing to acknowledge it is refused."""

    CAUSES = {"backup_cutoff", "grid_meter_reversed", "actor_stuck"}

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.off_at = None
        self.anything = False

    def on_hub(self, t, o):
        if o["claim"] == "fault" and o["fault"] in self.CAUSES:
            self.anything = True

    def on_process(self, t, o):
        # What a part's death leaves to acknowledge, and what the disk remembers.
        if o["what"] == "died" or self.world.state_doubted:
            self.anything = True
        self.off_at = None

    def on_order(self, t, o):
        if o["command"]["name"] != "acknowledge" or not o["accepted"]:
            return
        self.verdict.expect(
            "I12",
            t,
            self.anything,
            "an acknowledge is accepted, and there is nothing to acknowledge",
        )
        if self.world.house.get("switch") == "off":
            self.off_at = t

    def on_truth(self, t, o):
        if "switch" in o and o["switch"] != "off":
            self.off_at = None

    def sample(self, t):
        world = self.world
        volts = min([v for _, v in world.battery.volts] + [world.house.get("bat_v", 0)])
        # F9: the voltage is never held back; and who has no battery, or cannot be told, stays off.
        if volts <= world.settings["cutoff_voltage_v"] + 0.5 or not world.house.get("contactor"):
            self.off_at = None
        if self.off_at is None or t - self.off_at < HANDSHAKE_S:
            return
        clean_s = HANDSHAKE_S + 10
        heard = world.mk3_last is not None and t - world.mk3_last < 2
        if heard and world.inverter_clean(t, clean_s) and world.up(t, clean_s):
            self.verdict.expect("I12", t, False, f"still off, acknowledged at {self.off_at:.3f} s")
            self.off_at = None


def bans(world):
    return [Islanded(world)]


def rules(world, verdict):
    return [Cutoff(world, verdict), Acknowledged(world, verdict)]
