"""What was judged, how often it was near its limit, and what was broken."""

from collections import Counter

from tolerances import NEAR

# The same rule broken again within so many seconds is the same breach.
SAME_BREACH_S = 10.0


class Breach:
    """One broken promise: its rule, when it was seen first and last, what was there and what was
    allowed."""

    def __init__(self, rule, t, text):
        self.rule = rule
        self.t = t
        self.last = t
        self.text = text
        self.times = 1

    def __str__(self):
        more = f" ({self.times} times until {self.last:.3f} s)" if self.times > 1 else ""
        return f"{self.rule} at {self.t:.3f} s: {self.text}{more}"


class Verdict:
    """Collects the judgements of one episode."""

    def __init__(self):
        self.armed = Counter()
        self.near = Counter()
        self.breaches = []
        self._newest = {}

    def judge(self, rule, t, value, allowed, what):
        """`value` may not be above `allowed`; returns whether it is kept."""
        self.armed[rule] += 1
        if value <= allowed:
            if allowed > 0 and value > NEAR * allowed:
                self.near[rule] += 1
            return True
        self.broken(rule, t, f"{what}: {value:.6g}, allowed {allowed:.6g}")
        return False

    def expect(self, rule, t, kept, what):
        """A promise without a number."""
        self.armed[rule] += 1
        if not kept:
            self.broken(rule, t, what)
        return kept

    def broken(self, rule, t, text):
        """Notes a breach, once for as long as it goes on."""
        key = (rule, text.split(":")[0])
        old = self._newest.get(key)
        if old is not None and t - old.last < SAME_BREACH_S:
            old.last = t
            old.times += 1
            return
        self._newest[key] = Breach(rule, t, text)
        self.breaches.append(self._newest[key])

    def rules(self):
        """The rules of which a promise was broken."""
        return {breach.rule for breach in self.breaches}
