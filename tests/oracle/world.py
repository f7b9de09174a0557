"""What is true in the house and what the wires have brought, as far as the record has been read."""

import math
from collections import deque

from tolerances import (
    AC_OUT_AGE_S,
    AC_OUT_WORD_W,
    ARRIVAL_S,
    JUMP_K,
    JUMP_PCT,
    LATEST_S,
    NOISE_S,
    PERIOD_S,
    SAME_W,
    TICK_S,
)

BMS_REQUIRED = ("351", "355", "356", "359")

# How much of the load's history is kept: the longest time for which a stuck device may tell an old one.
AC_OUT_KEPT_S = 120.0

# pylontech-can.md#6, point 5; what has no name stops both.
BOTH = {"high_temperature", "low_temperature", "system", "internal_communication", "unknown"}
STOPS_CHARGE = BOTH | {"high_voltage", "high_charge_current"}
STOPS_DISCHARGE = BOTH | {"low_voltage", "high_discharge_current"}


class Command:
    """A setpoint that arrived: the battery power it can have meant, given every AC-out load the hub
    may go by."""

    __slots__ = ("t", "w", "lo", "hi", "away", "slack")

    def __init__(self, t, w, lo, hi, slack):
        self.t = t
        self.w = w
        self.lo = lo
        self.hi = hi
        self.slack = slack
        self.away = max(lo, -hi, 0.0)

    def power(self, charge):
        """The least battery power, W, that it commands in that direction whatever the hub knew."""
        return max(self.lo if charge else -self.hi, 0.0)


class GridMeter:
    """The answers of the grid meter since the hub started (F1, F2, F3)."""

    def __init__(self, max_age_s, fuse_a):
        self.max_age_s = max_age_s
        # F3, beyond the main fuse: by the highest voltage that a grid may have, and a fifth more.
        self.most_w = fuse_a * 253 * 1.2
        self.reset()

    def reset(self):
        self.last = None
        self.good = 0
        self.proved = False
        self.lost_since = None
        self.recent = deque()
        self.registers = {}
        self.changed = None
        self.frozen_since = None
        self.good_after_freeze = 0
        self.last_bad = -1e9

    def take(self, t, o):
        if o["unit"] != 1:
            return
        start = o["start"]
        if self.registers.get(start) != o["values"]:
            self.registers[start] = o["values"]
            self.changed = t
        w = o.get("grid_w")
        if w is None:
            return
        if isinstance(w, str) or not math.isfinite(w) or abs(w) > self.most_w:
            self.good = 0
            self.last_bad = t
            return
        if self.last is not None and t - self.last > self.max_age_s:
            if self.lost_since is None:
                self.lost_since = self.last + self.max_age_s
            self.good = 0
        self.last = t
        self.good += 1
        if self.good >= 5:
            self.lost_since = None
            self.proved = True
        self.recent.append((t, w))
        while self.recent[0][0] < t - 8:
            self.recent.popleft()
        if t - self.changed > 10:
            if self.frozen_since is None:
                self.frozen_since = self.changed + 10
            self.good_after_freeze = 0
        elif self.frozen_since is not None:
            self.good_after_freeze += 1
            if self.good_after_freeze >= 5:
                self.frozen_since = None

    def listen_anew(self):
        """The hub's part for the meters was started again, and knows no answer to compare with."""
        self.registers.clear()
        self.changed = self.frozen_since = None

    def too_old(self, t):
        return self.last is not None and t - self.last > self.max_age_s

    def stale_since(self, t):
        """Since when its last valid answer is too old, or fewer than 5 good ones have come after
        that."""
        if self.lost_since is not None:
            return self.lost_since
        return self.last + self.max_age_s if self.too_old(t) else None


class Battery:
    """The frames of the BMS since the hub started."""

    def __init__(self, max_age_s, tick_s):
        self.max_age_s = max_age_s
        self.tick_s = tick_s
        self.reset()

    def reset(self):
        self.last = {}
        self.told = {}
        self.lost_since = None
        self.complete_at = None
        self.recent_soc = deque()
        self.soc = None
        self.doubted_soc = None
        # Of the newest frame; it counts when the next one says the same.
        self.temperature_jumped = False
        self.limits = deque()
        self.volts = deque()

    def take(self, t, o):
        key = o["id"]
        before = self.last.get(key)
        if before is not None and t - before > self.max_age_s and self.required(key):
            since = before + self.max_age_s
            self.lost_since = since if self.lost_since is None else min(since, self.lost_since)
            self.complete_at = t
        self.last[key] = t
        if "temp_c" in o and "temp_c" in self.told:
            self.temperature_jumped = abs(o["temp_c"] - self.told["temp_c"]) > JUMP_K
        self.told.update(o)
        if key == "351":
            self.limits.append((t, abs(self.told.get("ccl_a", 0)), abs(self.told.get("dcl_a", 0))))
            while len(self.limits) > 1 and self.limits[1][0] < t - 4:
                self.limits.popleft()
        elif key == "355" and "soc_pct" in o:
            if o["soc_pct"] <= 105:
                # F23: 101 to 105 % count as 100; beyond that it is no word.
                self._take_soc(min(o["soc_pct"], 100))
                self.recent_soc.append((t, self.soc))
            while self.recent_soc and self.recent_soc[0][0] < t - 12:
                self.recent_soc.popleft()
        elif key == "356" and "v" in o:
            self.volts.append((t, o["v"]))
            while self.volts[0][0] < t - 5:
                self.volts.popleft()

    def _take_soc(self, word):
        """A rise counts when it is told twice."""
        if self.soc is None or word <= self.soc + JUMP_PCT:
            self.soc, self.doubted_soc = word, None
        elif self.doubted_soc is not None and abs(word - self.doubted_soc) <= JUMP_PCT:
            self.soc, self.doubted_soc = word, None
        else:
            self.doubted_soc = word

    def required(self, key):
        return key in BMS_REQUIRED or (key == "35C" and "35C" in self.last)

    def heard(self):
        """Every required frame has come at least once."""
        return all(key in self.last for key in BMS_REQUIRED)

    def too_old(self, t):
        return any(t - at > self.max_age_s and self.required(key) for key, at in self.last.items())

    def stale_since(self, t, complete_s=5.0):
        """Since when a required frame is missing, or the frames have been complete for less than
        `complete_s`."""
        since = self.lost_since
        stale = False
        for key, at in self.last.items():
            if t - at > self.max_age_s and self.required(key):
                stale = True
                if since is None or at + self.max_age_s < since:
                    since = at + self.max_age_s
        if stale:
            return since
        if since is not None and t - self.complete_at < complete_s - self.tick_s:
            return since
        self.lost_since = None
        return None

    def most_a(self, t, charge, within_s):
        """The highest CCL or DCL, A, that was in force in the last `within_s`; None before the first."""
        most = None
        for i, limit in enumerate(self.limits):
            over = self.limits[i + 1][0] if i + 1 < len(self.limits) else t
            if over >= t - within_s:
                value = limit[1] if charge else limit[2]
                most = value if most is None else max(most, value)
        return most

    def most_v(self):
        return max((v for _, v in self.volts), default=None)


class Weather:
    """The injected faults that are on, and when those of a kind were over."""

    def __init__(self):
        self.on = {}
        self.over = {}

    def take(self, t, o):
        key = (o["what"], o.get("bus"))
        if o["on"]:
            self.on.setdefault(key, {})[o["id"]] = (t, o.get("args") or {})
        else:
            self.on.get(key, {}).pop(o["id"], None)
            if not self.on.get(key):
                self.on.pop(key, None)
            self.over[key] = t

    def touched(self, t, within_s, what="", bus=None):
        """Whether a fault whose name begins with `what` (of `bus`, if given) is on or was within
        `within_s`."""
        for (name, at), _ in self.on.items():
            if name.startswith(what) and (bus is None or at == bus):
                return True
        for (name, at), over in self.over.items():
            if t - over < within_s and name.startswith(what) and (bus is None or at == bus):
                return True
        return False

    def args(self, what, bus=None):
        """(since, args) of the faults of that name that are on."""
        found = []
        for (name, at), each in self.on.items():
            if name == what and (bus is None or at == bus):
                found.extend(each.values())
        return found


class World:
    """The state after each line; rules read it and change nothing."""

    def __init__(self, header):
        self.header = header
        self.settings = header["settings"]
        self.site = header["site"]
        s = self.settings
        # What the answer to a word comes later than with the period of the tolerances.
        self.slower_s = max(0.0, 1e-6 * header["period_us"] - PERIOD_S)
        self.tick_s = TICK_S + self.slower_s
        self.house = {}
        self.weather = Weather()
        self.grid = GridMeter(s["meter_max_age_s"], s["main_fuse_a"])
        self.battery = Battery(s["bms_max_age_s"], self.tick_s)
        self.mk3_last = None
        self.running_since = None
        self.control_since = None
        # Parts of the hub that died and are not started again yet.
        self.dead = set()
        self.process_at = -1e9
        self.stopping = None
        self.stalled = None
        self.stalls = deque()
        self.command = None
        # Setpoints and how long each was decided anew: [begin, end or None, W]; of the last seconds.
        self.decided = deque()
        self.decided_again = -1e9
        # docs/safety.md, F10: the gap that is a stall; a setpoint lives no longer.
        self.longest_gap_s = max(0.3, 3e-6 * header["period_us"])
        self.setpoint_life_s = min(s["setpoint_life_s"], self.longest_gap_s)
        self.ac_out = deque()
        self.mains_since = (True, 0.0)
        self.inverter_since = ("", 0.0)
        self.lines_open = {}
        self.claims = {}
        self.decision = None
        self.orders = {}
        self.orders_ever = False
        self.acknowledged = -1e9
        self.reserve = s["reserve_pct"]
        # All that it may be where the disk has lost an order.
        self.reserve_least = self.reserve_most = s["reserve_pct"]
        self.mode = s["mode"]
        self.clock_bad = not header["clock_trusted"]
        self.clock_event = 0.0 if self.clock_bad else -1e9
        self.stepped = -1e9
        self.clean_since = 0.0
        self.state_doubted = False
        self._wire_faults = 0
        self._take = {
            "truth": self._truth,
            "meter": self._meter,
            "bms": self._bms,
            "mk3": self._mk3,
            "setpoint": self._setpoint,
            "inject": self._inject,
            "process": self._process,
            "order": self._order,
            "clock": self._clock,
            "line": self._line,
            "disk": self._disk,
            "hub": self._hub,
        }

    def take(self, t, kind, o):
        taker = self._take.get(kind)
        if taker is not None:
            taker(t, o)

    # ---- the house

    def _truth(self, t, o):
        house = self.house
        if "ac_out_w" in o:
            self.ac_out.append((t, o["ac_out_w"]))
        if "mains" in o and o["mains"] != house.get("mains"):
            self.mains_since = (o["mains"], t if house else -1e9)
        if "inv_state" in o and o["inv_state"] != house.get("inv_state"):
            self.inverter_since = (o["inv_state"], t if house else -1e9)
        house.update(o)

    def grid_tied(self):
        return self.house.get("mains") and self.house.get("inv_state") in ("passthru", "charge")

    def islanded_since(self):
        """Since when the mains are gone and the inverter carries the house; None otherwise."""
        if self.mains_since[0] or self.inverter_since[0] != "invert_full":
            return None
        return max(self.mains_since[1], self.inverter_since[1])

    # ---- the wires

    def _meter(self, t, o):
        self.grid.take(t, o)

    def _bms(self, t, o):
        self.battery.take(t, o)

    def _mk3(self, t, o):
        if o["cmd"] != "V":
            self.mk3_last = t

    def _setpoint(self, t, o):
        ac_out = self.ac_out
        # A word waits for the next decision, and what was decided before stands until then.
        age_s = AC_OUT_AGE_S + 2 * self.slower_s
        keep_s = age_s
        if not self.inverter_clean(t, 5):
            keep_s = self.settings["inverter_max_age_s"] + age_s
        begin = t - keep_s
        if self.stalls and t - self.stalls[-1][1] < 1 + age_s:
            begin = min(begin, self.stalls[-1][0] - keep_s)
        for stuck, _ in self.weather.args("line.stuck", "inverter"):
            # It answers with the load of that moment; no row of the contract is about that.
            begin = min(begin, stuck - keep_s)
        stuck_over = self.weather.over.get(("line.stuck", "inverter"), -1e9)
        if t - stuck_over < keep_s:
            begin = t - AC_OUT_KEPT_S
        lo = hi = self.house.get("ac_out_w", 0)
        i = len(ac_out) - 1
        while i >= 0:
            at, w = ac_out[i]
            lo = min(lo, w)
            hi = max(hi, w)
            if at < begin:
                break
            i -= 1
        while len(ac_out) > 1 and ac_out[1][0] < t - AC_OUT_KEPT_S:
            ac_out.popleft()
        slack = 0.0
        if self.weather.touched(t, 10, "inverter.ac_out_word"):
            slack = AC_OUT_WORD_W
        self.command = Command(t, o["w"], o["w"] - hi - slack, o["w"] - lo + slack, slack)

    def was_decided(self, t, w):
        """Whether a setpoint that arrives now is one that was decided within its life (I6)."""
        begin = t - self.setpoint_life_s - LATEST_S
        return any(
            abs(decided - w) <= SAME_W and (end is None or end >= begin)
            for _, end, decided in self.decided
        )

    def made_by_noise(self, t, w):
        """Whether a setpoint is the wire's word and not the hub's: one damage in 256 passes a frame's
        checksum (vebus-mk3.md#1)."""
        noise = self.weather.touched(t, NOISE_S, "line.noise", "inverter")
        return noise and not self.was_decided(t, w)

    def _end_decision(self, t):
        """Nobody decides the newest setpoint anew."""
        if self.decided and self.decided[-1][1] is None:
            self.decided[-1][1] = t
        while self.decided and self.decided[0][1] is not None and self.decided[0][1] < t - 5:
            self.decided.popleft()

    def _decide_again(self, t):
        """The control goes on, and a decision that stays the same is not recorded again."""
        self._end_decision(t)
        if self.decision is not None and self.decision["mode"] == "follow":
            self.decided.append([t, None, self.decision["ac_w"]])
            self.decided_again = t

    def _decide(self, t, o):
        # The first tick after it was another one: nothing was decided again.
        if t - self.decided_again <= self.tick_s and self.decided:
            self.decided.pop()
            self.decided_again = -1e9
        self._end_decision(t)
        self.decision = o
        if o["mode"] == "follow":
            self.decided.append([t, None, o["ac_w"]])

    def inverter_clean(self, t, seconds):
        """The hub has run and its way to the inverter was without a fault for so long."""
        return (
            self._wire_faults == 0
            and not self.dead & {"control", "bus.inverter"}
            and self.running_since is not None
            and t - max(self.clean_since, self.running_since) >= seconds
        )

    def arrival_s(self, t):
        """How long after a decision its setpoint may arrive: on a bad wire as long as it lives (I6)."""
        if self.inverter_clean(t, 5):
            return ARRIVAL_S + self.slower_s
        return ARRIVAL_S + self.slower_s + self.setpoint_life_s

    def stalled_within(self, t, seconds):
        """Whether the hub stands still or did a moment ago."""
        return self.stalled is not None or (bool(self.stalls) and t - self.stalls[-1][1] < seconds)

    def battery_unread(self, t):
        """What arrives on the battery's line may not be what the hub goes by: damaged, late, from
        before a flood is over (F29), or read by nobody."""
        weather = self.weather
        return (
            "bus.battery" in self.dead
            or weather.touched(t, 12, "line.", "battery")
            or weather.touched(t, 12, "actor.", "battery")
        )

    def battery_damaged(self, t):
        """Bytes of the battery's line are or were lost or replaced, so late that its ages still hang
        on it."""
        weather = self.weather
        return weather.touched(t, 10, "line.noise", "battery") or weather.touched(
            t, 10, "line.drop", "battery"
        )

    # ---- what was done to it

    def _inject(self, t, o):
        self.weather.take(t, o)
        what = o["what"]
        if what == "control.stall":
            if o["on"]:
                # One that begins while no hub runs stops nothing, nor the hub that starts meanwhile.
                if self.stalled is None and self.running_since is not None:
                    self.stalled = t
                    self._end_decision(t)
            elif self.stalled is not None and not self.weather.args("control.stall"):
                self.stalls.append((self.stalled, t))
                self.stalled = None
                self._decide_again(t)
                while self.stalls[0][1] < t - 20:
                    self.stalls.popleft()
        to_inverter = o.get("bus") == "inverter" and (
            what.startswith("line.") or what == "actor.stuck"
        )
        if to_inverter or what in ("control.stall", "actor.stuck"):
            self._wire_faults += 1 if o["on"] else -1
            self.clean_since = t
        if what.startswith("disk."):
            self.state_doubted = True
        # What a time server's slewing never does.
        if what == "clock.step" and o["on"] and abs(o["args"]["by_s"]) >= 60:
            self.stepped = t

    def _process(self, t, o):
        what = o["what"]
        self.process_at = t
        if what == "died":
            self.dead.add(o["part"])
        elif what == "restarted":
            self.dead.discard(o["part"])
        if what == "started":
            self.running_since = self.control_since = t
            self.dead.clear()
            self.stopping = None
            self.stalled = None
            self._forget()
            self._end_orders_of_doubt()
        elif what == "stopping":
            self.stopping = t
        elif what in ("killed", "power_cut", "stopped"):
            self.running_since = None
            self.claims.clear()
            self._end_decision(t)
            self.decision = None
        elif what in ("died", "restarted") and o.get("part") == "control":
            self.control_since = t
            if what == "died":
                self._end_decision(t)
            elif self.stalled is None:
                self._decide_again(t)
        elif what == "restarted" and o.get("part") == "bus.meters":
            self.grid.listen_anew()
        if what in ("died", "restarted") and o.get("part") in ("control", "bus.inverter"):
            self.clean_since = t

    def _forget(self):
        self.grid.reset()
        self.battery.reset()
        self.mk3_last = None
        self.stalls.clear()

    def _end_orders_of_doubt(self):
        if self.state_doubted:
            self.reserve = self.reserve_least = min(
                self.reserve_least, self.settings["reserve_pct"]
            )

    def _order(self, t, o):
        if not o["accepted"]:
            return
        command = o["command"]
        name = command["name"]
        self.orders_ever = True
        if name == "acknowledge":
            self.acknowledged = t
        elif name == "reserve":
            self.reserve = command["reserve_pct"]
            if self.reserve is None:
                # Back to the configured one.
                self.reserve = self.settings["reserve_pct"]
            self.reserve_least = min(self.reserve_least, self.reserve)
            self.reserve_most = max(self.reserve_most, self.reserve)
        elif name == "mode":
            self.mode = command["mode"] or self.settings["mode"]
        elif name in ("override", "dispatch", "storm"):
            self.orders[name] = (
                t,
                t + command.get("length_s", 1e9) + command.get("begins_in_s", 0),
                command,
            )
        elif name.startswith("end_"):
            if name[4:] in self.orders:
                begin, end, ended = self.orders[name[4:]]
                self.orders[name[4:]] = (begin, min(end, t), ended)

    def in_force(self, name, t):
        """The command of such an order that holds now, by the run of the hub that was told of it."""
        begin, end, command = self.orders.get(name, (0, 0, None))
        begins = begin + (command or {}).get("begins_in_s", 0)
        known = self.running_since is not None and begin >= self.running_since
        return command if known and begins <= t < end else None

    def storms(self, t):
        """Whether a storm is or was ordered a moment ago: it raises the reserve as it sees fit."""
        return "storm" in self.orders and t < self.orders["storm"][1] + 5

    def _clock(self, t, o):
        self.clock_bad = not o["trusted"]
        self.clock_event = t

    def _line(self, t, o):
        if o["what"] == "open":
            self.lines_open[o["bus"]] = t
        else:
            self.lines_open.pop(o["bus"], None)

    def _disk(self, t, o):
        if o["what"] in ("lost", "torn") or o.get("ok") is False:
            self.state_doubted = True

    # ---- what the hub says

    def _hub(self, t, o):
        if o["claim"] == "fault":
            if o["on"]:
                self.claims.setdefault(o["fault"], t)
            else:
                self.claims.pop(o["fault"], None)
        elif o["claim"] == "decision":
            self._decide(t, o)

    def up(self, t, seconds):
        """The hub and its control have run for so long, and it is not told to stop."""
        return (
            self.running_since is not None
            and self.stopping is None
            and t - self.control_since >= seconds
            and self.stalled is None
            and "control" not in self.dead
        )
