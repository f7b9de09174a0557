"""Judges records of storm episodes by the safety contract: docs/storm-record.md, docs/safety.md.

    tests/oracle/judge FILE...

Prints a line for each episode, then how often each rule was judged and how often it was near its
limit. Exit status 1 where a promise was broken or a record is not whole.
"""

import json
import sys
from collections import Counter

from ban import Bans
from rules import following, grid, hub, island, limits, shown, soc, sources, telling
from tolerances import SAMPLE_S
from verdict import Verdict
from world import World

RULES = (
    [f"F{n}" for n in range(1, 8)]
    + ["F7a"]
    + [f"F{n}" for n in range(8, 31)]
    + [f"I{n}" for n in range(1, 13)]
)

NOT_JUDGED = {
    "F15": "clients are there as text only, judged by the storm",
    "F16": "no configuration file takes part",
    "F25": "no rule of it yet",
    "F26": "the history is not in the record",
    "I7": "the inside of the control",
    "I9": "what each rule did is not in the record",
    "I11": "the inside of the control",
}

# What of a rule is not judged, for the record does not show it or the contract has no number for it.
IN_PART = {
    "F3": "which values cannot be is the hub's to say: no number, or beyond the main fuse",
    "F11": "not the watchdog, nor the name of the call",
    "F12": "the inverter's time-out is the simulator's",
    "F13": "that it is told; not that the plan stands aside",
    "F14": "that it is told; not what happens to the file",
    "F17": "by the reasons that the hub names",
    "F18": "not where the word contradicts the pack's voltage",
    "F19": "that it is told; what the hub asks is not in the record",
    "F21": "where nothing but self-consumption moves the battery",
    "F23": "only values that are far off",
    "F24": "that it is bought back only where no cheap hour is to be waited for",
    "F27": "not a load beyond 1.5 times the transfer switch",
    "F30": "by the LED frame's alarms",
    "I1": "what a storm adds only in the run that was told of it, and from its begin",
    "I10": "by `shown` alone",
    "I12": "not the owner's ten minutes",
}


class Episode:
    """Feeds one record, line by line, to the world and then to the rules."""

    def __init__(self, header):
        self.header = header
        self.verdict = Verdict()
        self.world = World(header)
        world, verdict = self.world, self.verdict
        bans = []
        for module in (sources, limits, soc, island, hub, grid):
            bans += module.bans(world)
        rules = [Bans(world, verdict, bans)]
        for module in (limits, soc, island, hub, following, grid, telling, shown):
            rules += module.rules(world, verdict)
        self._samplers = [rule.sample for rule in rules if hasattr(rule, "sample")]
        self._takers = {}
        for kind in (
            "truth",
            "meter",
            "bms",
            "mk3",
            "setpoint",
            "release",
            "inject",
            "process",
            "order",
            "clock",
            "disk",
            "line",
            "hub",
        ):
            takers = [
                getattr(each, f"on_{kind}") for each in bans + rules if hasattr(each, f"on_{kind}")
            ]
            self._takers[kind] = takers
        self._next = 0.0
        self.ended = False

    def take(self, o):
        t = o["t"] * 1e-6
        if t >= self._next:
            self._sample(t)
        kind = o["k"]
        if kind == "end":
            self.ended = True
            return
        if kind == "setpoint" and self.world.made_by_noise(t, o["w"]):
            return
        self.world.take(t, kind, o)
        if kind == "truth" and "contactor" not in o and "switch" not in o:
            # Most lines by far; no rule waits for another field of it.
            return
        for taker in self._takers.get(kind, ()):
            taker(t, o)

    def _sample(self, t):
        """At the state before the line of `t`, which held until now."""
        while t >= self._next:
            if self.world.house:
                for sample in self._samplers:
                    sample(self._next)
            self._next += SAMPLE_S


def judge(lines):
    """The judged episode of the record's lines; None where the first is no header."""
    lines = iter(lines)
    header = json.loads(next(lines, "{}"))
    if header.get("k") != "header" or header.get("format") != 1:
        return None
    episode = Episode(header)
    take = episode.take
    # Without json.loads's search for blanks: a third of the time.
    scan = json.JSONDecoder().scan_once
    for line in lines:
        take(scan(line, 0)[0])
    return episode


def summary(armed, near):
    """The rows of the table of rules."""
    yield f"{'rule':5} {'judged':>9} {'near':>7}"
    for rule in RULES:
        if rule in NOT_JUDGED:
            yield f"{rule:5} {'-':>9} {'-':>7}  not judged: {NOT_JUDGED[rule]}"
            continue
        notes = [] if armed[rule] else ["never judged"]
        if rule in IN_PART:
            notes.append(f"in part: {IN_PART[rule]}")
        yield f"{rule:5} {armed[rule]:9} {near[rule]:7}  {'; '.join(notes)}".rstrip()


def main(files):
    if not files:
        print(__doc__.strip())
        return 2
    armed, near = Counter(), Counter()
    bad = 0
    for name in files:
        with open(name, encoding="utf-8") as lines:
            episode = judge(lines)
        if episode is None:
            print(f"{name}: no record of format 1")
            bad += 1
            continue
        armed.update(episode.verdict.armed)
        near.update(episode.verdict.near)
        seed = episode.header["seed"]
        if not episode.ended:
            print(f"{name}: seed {seed}: the record has no end")
        if episode.verdict.breaches:
            print(f"{name}: seed {seed}: {len(episode.verdict.breaches)} broken")
            for breach in episode.verdict.breaches:
                print(f"  {breach}")
        elif episode.ended:
            print(f"{name}: seed {seed}: ok")
        bad += bool(episode.verdict.breaches) or not episode.ended
    print("\n".join(summary(armed, near)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
