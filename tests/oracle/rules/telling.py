"""What is told: each fault when it must be, and not without a cause in the weather, the house or on
the wires."""

from rules.sources import impossible, may_be_impossible
from tolerances import EXCUSE_S, NEVER_HEARD_S, TOLD_S
from world import BMS_REQUIRED

# An inverter for 48 V warns of a low battery by itself somewhere below.
LOW_V = 47.5

# F19: it listens before its first request, and cannot expect an answer meanwhile.
LISTENS_S = 3.0

BITS = (
    # vebus-mk3.md#8.4: the LED frame's alarm bits, on or blinking.
    ("inverter_low_battery", 0x02 | 0x20),
    ("inverter_overload", 0x04 | 0x40),
    ("inverter_temperature", 0x01 | 0x10),
    ("inverter_dc_ripple", 0x08 | 0x80),
)


class Telling:
    """One fault: `must(t)` is since when its cause is sure, `may(t)` whether anything could be its
    cause."""

    def __init__(self, rule, fault, must, due_s, may):
        self.rule = rule
        self.fault = fault
        self.must = must
        self.due_s = due_s
        self.may = may
        self.judged = None


class Tellings:
    """The table of them, sampled."""

    # Faults need not be looked at as often as powers.
    EVERY = 3

    def __init__(self, world, verdict):
        self.world = world
        self.verdict = verdict
        self.turn = 0
        self.seen = {
            "bms": -1e9,
            "protection": -1e9,
            "impossible": -1e9,
            "maybe_impossible": -1e9,
            "soc_jump": -1e9,
            "bad_disk": -1e9,
            "temp": -1e9,
        }
        self.protection_since = None
        self.temperature_since = None
        self.disk_bad_since = None
        self.soc_jump = None
        self.impossible_since = None
        self.well_formed = {}
        self.low_since = None
        self.maybe_low = -1e9
        self.reading_bad = None
        self.over_at = -1e9
        self.died_at = -1e9
        self.deaths = {}
        self.ac_out_word = None
        self.low_volts_at = -1e9
        self.table = self._table()

    # ---- causes that only the wires show

    def on_process(self, t, o):
        if o["what"] == "died":
            self.died_at = t
            self.deaths[o["part"]] = self.deaths.get(o["part"], 0) + 1
        if o["what"] == "started":
            self.protection_since = (
                self.temperature_since
            ) = self.soc_jump = self.impossible_since = None
            self.low_since = self.disk_bad_since = self.reading_bad = None
            self.well_formed.clear()

    def on_meter(self, t, o):
        self.well_formed["meters"] = t
        if o["unit"] == 1 and self.world.grid.last_bad == t:
            self.reading_bad = t
        elif self.reading_bad is not None and t - self.reading_bad > 2:
            self.reading_bad = None

    def on_mk3(self, t, o):
        self.well_formed["inverter"] = t

    def on_bms(self, t, o):
        world = self.world
        self.well_formed["battery"] = t
        if "protections" in o:
            if o["protections"]:
                self.seen["protection"] = t
                if self.protection_since is None:
                    self.protection_since = t
            else:
                self.protection_since = None
        if may_be_impossible(o):
            self.seen["maybe_impossible"] = t
        if impossible(o):
            self.seen["impossible"] = t
            if self.impossible_since is None:
                self.impossible_since = t
        elif self.impossible_since is not None and t - self.seen["impossible"] > 2:
            self.impossible_since = None
        if "soc_pct" in o and o["soc_pct"] <= 105:
            words = [w for at, w in world.battery.recent_soc if t - at <= 10]
            if words and max(words) - min(words) > 5:
                self.seen["soc_jump"] = t
                read = not world.stalled_within(t, 11) and not world.battery_unread(t)
                if self.soc_jump is None and read:
                    self.soc_jump = t
            elif self.soc_jump is not None and t - self.soc_jump > 20:
                self.soc_jump = None
            level = max(world.reserve, world.settings["soc_floor_pct"])
            if o["soc_pct"] <= max(level, world.reserve_most):
                self.maybe_low = t
            if o["soc_pct"] > level - 1 or not world.grid_tied() or t - world.mains_since[1] < 10:
                self.low_since = None
            elif self.low_since is None:
                self.low_since = t
        if "temp_c" in o:
            s = world.settings
            c = o["temp_c"]
            # None that can be believed is told too, but nobody says when.
            known = -40 <= c <= 100 and not world.battery.temperature_jumped
            outside = known and not (
                max(s["charge_temperature_min_c"], s["discharge_temperature_min_c"])
                <= c
                <= min(s["charge_temperature_max_c"], s["discharge_temperature_max_c"])
            )
            if outside:
                self.temperature_since = self.temperature_since or t
            else:
                self.temperature_since = None
            low = max(s["charge_temperature_min_c"], s["discharge_temperature_min_c"])
            high = min(s["charge_temperature_max_c"], s["discharge_temperature_max_c"])
            if not known or not low + 2 < c < high - 2:
                self.seen["temp"] = t
        if "a" in o:
            told = world.battery.told
            if not -told.get("dcl_a", 1e9) <= o["a"] <= told.get("ccl_a", 1e9):
                self.over_at = t

    def on_disk(self, t, o):
        if o.get("ok") is False:
            self.seen["bad_disk"] = t
            if self.disk_bad_since is None:
                self.disk_bad_since = t
        elif o["what"] == "write":
            self.disk_bad_since = None

    # ---- the table

    def _on(self, what, bus=None):
        weather = self.world.weather
        over = max((at for (name, _), at in weather.over.items() if name == what), default=-1e9)
        # One that was on already when another of its kind ended may have ended with it.
        return min((begin for begin, _ in weather.args(what, bus) if begin > over), default=None)

    def _touched(self, t, *kinds):
        weather = self.world.weather
        return any(weather.touched(t, EXCUSE_S, what, bus) for what, bus in kinds)

    def _hub_wide(self, t):
        """The hub itself, its machine or a part of it was disturbed."""
        world = self.world
        return (
            t - world.process_at < EXCUSE_S
            or world.weather.touched(t, EXCUSE_S, "control.stall")
            or world.weather.touched(t, EXCUSE_S, "actor.stuck")
        )

    def _dark(self, t):
        mains, since = self.world.mains_since
        return not mains or t - since < EXCUSE_S

    def _not_on(self, t):
        house = self.world.house
        return (
            house.get("switch") == "off"
            or not house.get("front_switch")
            or house.get("inv_state") == "off"
        )

    def _silent(self, bus):
        """Since when an open line has brought nothing well-formed."""
        opened = self.world.lines_open.get(bus)
        if opened is None:
            return None
        if bus == "meters":
            opened += LISTENS_S
        return max(opened, self.well_formed.get(bus, opened))

    def _silent_any(self, t):
        weather = self.world.weather
        # Who stands still hears no silence.
        if weather.touched(t, 35, "control.stall"):
            return None
        if weather.touched(t, 60, "line.other_master") or self._not_on(t):
            return None
        since = [self._silent(bus) for bus in ("meters", "battery", "inverter")]
        since = [at for at in since if at is not None]
        return min(since, default=None)

    def _alarm(self, bits):
        def must(t):
            if not self.world.inverter_clean(t, 15) or self._not_on(t):
                return None
            found = [
                begin
                for begin, args in self.world.weather.args("inverter.alarm")
                if int(args.get("alarms", 0)) & bits
            ]
            return min(found) if found else None

        return must

    def _table(self):
        world = self.world
        meters = ("line.", "meters")
        battery = ("line.", "battery")
        inverter = ("line.", "inverter")

        def caused(*kinds, dark=False, off=False):
            def may(t):
                return (
                    self._hub_wide(t)
                    or self._touched(t, *kinds)
                    or (dark and self._dark(t))
                    or (off and (self._not_on(t) or self._dark(t)))
                )

            return may

        def never(t):
            return None

        def stale_since(last, max_age_s, doubted=False):
            # The contract names no time for a control that has not heard it yet, in which the battery
            # rests anyhow.
            unheard = last is None or last < world.control_since
            since = world.control_since + NEVER_HEARD_S if unheard or doubted else -1e9
            return since if last is None else max(since, last + max_age_s)

        def grid_stale(t):
            grid = world.grid
            # Never trusted yet; and a late answer is none that can be told apart.
            doubted = not grid.proved or world.weather.touched(t, 30, "line.late", "meters")
            return stale_since(grid.last, grid.max_age_s, doubted)

        def read(since):
            """Of what the BMS tells, as far as the hub reads it; while it is lost (F4) nothing of it
            need be told."""

            def must(t):
                unread = world.battery_unread(t) or {"bms_lost", "bms_implausible"} & set(
                    world.claims
                )
                return None if unread else since()

            return must

        def frozen(t):
            # Without mains it has nothing to say, and a meter that is lost need not be called
            # frozen, too.
            if self._dark(t) or "grid_meter_lost" in world.claims:
                return None
            return world.grid.frozen_since if self._on("line.stuck", "meters") is not None else None

        def mk3_stale(t):
            return stale_since(world.mk3_last, world.settings["inverter_max_age_s"])

        def bms_stale(t):
            if world.battery_damaged(t):
                return None
            battery = world.battery
            oldest = min(battery.last[key] for key in BMS_REQUIRED) if battery.heard() else None
            return stale_since(oldest, battery.max_age_s)

        def impossible_told(t):
            return None if world.battery_unread(t) else self.impossible_since

        def island(t):
            return world.islanded_since() if world.inverter_clean(t, 15) else None

        def overrun(t):
            for begin, end in reversed(world.stalls):
                # Only as long as it cannot have cleared: 6 s.
                return end if end - begin > world.longest_gap_s + 0.1 and t - end < 5 else None
            return None

        def untrusted(t):
            # Stepped within the last minute, while the hub ran.
            if (
                not world.clock_bad
                and world.control_since < world.stepped
                and t - world.stepped < 50
            ):
                return world.stepped
            return world.clock_event if world.clock_bad else None

        def suspended(t):
            planned = world.mode == "scheduled" and world.settings["schedule"]
            return world.clock_event if world.clock_bad and planned else None

        def no_plan_or_trusted(t):
            planned = world.settings["schedule"] or world.settings["tariff"] is not None
            return bool(planned) and (
                world.clock_bad or t - world.clock_event < EXCUSE_S + 60 or self._hub_wide(t)
            )

        def clock_touched(t):
            return (
                world.clock_bad
                or self._touched(t, ("clock.", None))
                or t - world.clock_event < EXCUSE_S + 60
                or t - world.process_at < EXCUSE_S + 60
            )

        def exceeded(t):
            return (
                t - self.over_at < EXCUSE_S
                or self._hub_wide(t)
                or self._touched(t, battery, ("inverter.", None))
            )

        def low(t):
            if self._touched(t, battery, ("bms.soc", None)) or world.storms(t):
                return None
            lost = {"bms_lost", "bms_implausible"} & set(world.claims)
            if lost or not world.inverter_clean(t, 15) or self._not_on(t):
                # Whether it is grid-tied is not known then.
                return None
            return self.low_since

        def maybe_low(t):
            return (
                t - self.maybe_low < EXCUSE_S
                or "reserve_not_kept" in world.claims
                and world.battery.told.get("soc_pct", 0)
                < max(world.reserve_most, world.settings["soc_floor_pct"]) + 3
                or self._touched(t, battery, ("bms.soc", None))
                or self._hub_wide(t)
            )

        def stuck(t):
            begin = self._on("actor.stuck")
            # Nobody counts while the whole hub stands still.
            return begin and max(begin, world.stalls[-1][1] if world.stalls else begin)

        def maybe_stuck(t):
            if self._touched(t, ("actor.stuck", None)) or t - self.died_at < EXCUSE_S:
                return True
            often = any(count > 3 for count in self.deaths.values())
            return often and (world.acknowledged < self.died_at or t - world.acknowledged < TOLD_S)

        def off(t):
            since = world.inverter_since[1] if world.house.get("switch") == "off" else None
            return since if not world.mains_since[0] else None

        def dark_or_acknowledged(t):
            return self._dark(t) or self._not_on(t) or world.acknowledged > t - EXCUSE_S

        def overload(t):
            return (
                self._hub_wide(t)
                or self._touched(t, ("inverter.alarm", None))
                or self._dark(t)
                or self._heavy()
                # A checksum of 8 bits lets one of 256 damaged frames pass.
                or self._touched(t, ("line.noise", "inverter"))
                or t - self.low_volts_at < EXCUSE_S
            )

        def word_wrong(t):
            # Beyond what F27 lets pass, and seen grid-tied all the time.
            on = world.weather.args("inverter.ac_out_word")
            if not on or not world.grid_tied() or not world.inverter_clean(t, 15):
                return None
            begin, args = self.ac_out_word
            sure = abs(args["error_w"]) > 150 and begin > max(
                world.mains_since[1], world.inverter_since[1]
            )
            return begin if sure else None

        def contended(t):
            # Nobody talks on a line that is not there.
            begin = self._on("line.other_master")
            opened = world.lines_open.get("meters")
            return None if begin is None or opened is None else max(begin, opened)

        def flooded(t):
            begin = self._on("line.flood")
            # A line that is opened anew begins without one.
            opened = max(world.lines_open.values(), default=t)
            return begin if begin is not None and begin > opened else None

        rows = [
            ("F1", "grid_meter_lost", grid_stale, TOLD_S, caused(meters, dark=True)),
            ("F2", "grid_meter_frozen", frozen, 2 * TOLD_S, caused(("line.", "meters"), dark=True)),
            (
                "F3",
                "implausible_reading",
                lambda t: self.reading_bad,
                1,
                caused(meters, battery, inverter, ("meter.", None), dark=True),
            ),
            ("F4", "bms_lost", bms_stale, TOLD_S, caused(battery)),
            (
                "F5",
                "bms_protection",
                read(lambda: self.protection_since),
                TOLD_S,
                lambda t: t - self.seen["protection"] < EXCUSE_S,
            ),
            ("F6", "inverter_lost", mk3_stale, TOLD_S, caused(inverter, off=True)),
            (
                "F8",
                "islanded",
                island,
                1.2 + TOLD_S,
                lambda t: self._dark(t) or self._hub_wide(t) or self._touched(t, inverter),
            ),
            ("F9", "backup_cutoff", off, 2 * TOLD_S, dark_or_acknowledged),
            ("F9", "cutoff_near", never, 0, lambda t: self._dark(t)),
            ("F10", "control_overrun", overrun, TOLD_S, lambda t: self._hub_wide(t)),
            (
                "F11",
                "actor_stuck",
                stuck,
                6 + TOLD_S,
                maybe_stuck,
            ),
            ("F13", "clock_untrusted", untrusted, TOLD_S, clock_touched),
            ("F13", "plan_suspended", suspended, TOLD_S, no_plan_or_trusted),
            (
                "F14",
                "storage_failed",
                lambda t: self.disk_bad_since,
                TOLD_S,
                lambda t: self._touched(t, ("disk.", None)) or t - self.seen["bad_disk"] < EXCUSE_S,
            ),
            (
                "F18",
                "soc_inconsistent",
                read(lambda: self.soc_jump),
                TOLD_S,
                lambda t: self._touched(t, battery, ("bms.", None))
                or t - self.seen["soc_jump"] < EXCUSE_S
                # A gap begins the minute of agreement anew.
                or self._hub_wide(t),
            ),
            (
                "F19",
                "bus_contended",
                contended,
                3 + 2 * TOLD_S,
                caused(("line.", "meters")),
            ),
            ("F21", "grid_meter_reversed", never, 0, lambda t: self._reversed),
            (
                "F22",
                "line_silent",
                self._silent_any,
                30 + 2 * TOLD_S,
                caused(meters, battery, inverter, dark=True, off=True),
            ),
            (
                "F23",
                "bms_implausible",
                impossible_told,
                TOLD_S,
                lambda t: t - self.seen["maybe_impossible"] < EXCUSE_S or self._touched(t, battery),
            ),
            ("F24", "reserve_not_kept", low, 5, maybe_low),
            ("F27", "bms_limit_exceeded", never, 0, exceeded),
            (
                "F27",
                "ac_out_inconsistent",
                word_wrong,
                10 + 2 + TOLD_S,
                caused(inverter, ("inverter.", None), off=True),
            ),
            (
                "F28",
                "battery_temperature",
                read(lambda: self.temperature_since),
                TOLD_S,
                lambda t: t - self.seen["temp"] < EXCUSE_S
                or self._touched(t, battery, ("bms.", None))
                or self._hub_wide(t),
            ),
            ("F29", "line_flooded", flooded, 1 + TOLD_S, caused(("line.flood", None))),
        ]
        rows += [("F30", fault, self._alarm(bits), 3, overload) for fault, bits in BITS]
        return [Telling(*row) for row in rows]

    _reversed = False

    def _heavy(self):
        house = self.world.house
        drawn = max(house.get("ac_out_w", 0), abs(house.get("bat_ac_w", 0)))
        return drawn > 0.8 * self.world.settings["inverter_rating_w"]

    def on_inject(self, t, o):
        if o["what"] == "meter.reversed":
            self._reversed = True
        # Of two that overlap the later one rules, also when it has ended.
        if o["what"] == "inverter.ac_out_word" and o["on"]:
            self.ac_out_word = (t, o["args"])

    # ---- judged

    def sample(self, t):
        self.turn = (self.turn + 1) % self.EVERY
        if self.turn:
            return
        world = self.world
        if world.house["bat_v"] < LOW_V:
            self.low_volts_at = t
        if not world.up(t, 12):
            return
        # The hub stood still a moment ago: what it tells is as old.
        late = world.weather.touched(t, 2, "control.stall")
        claims = world.claims
        for row in self.table:
            since = row.must(t)
            due_s = row.due_s + world.slower_s
            if since is None or t - since < due_s:
                row.judged = None
            elif row.judged != since and t - world.control_since >= 12 + due_s and not late:
                row.judged = since
                self.verdict.expect(
                    row.rule,
                    t,
                    row.fault in claims,
                    f"{row.fault} is not told, its cause stands since {since:.3f} s",
                )
            if row.fault in claims:
                what = f"{row.fault} is told without a cause, or long after it"
                self.verdict.expect(row.rule, t, row.may(t), what)


def rules(world, verdict):
    return [Tellings(world, verdict)]
