"""How late the control ticks, from the histogram in /metrics."""
import re

BUCKET = re.compile(r'esshub_control_tick_lateness_seconds_bucket\{le="([^"]+)"\}')


class Lateness:
    """Of the ticks from now on."""

    def __init__(self, house):
        self.house = house
        self.before = self.now()

    def now(self):
        return {
            float(m[1]): v for k, v in self.house.scrape().items() if (m := BUCKET.fullmatch(k))
        }

    def ticks_and_quantiles(self, *quantiles):
        """How many ticks there were, and the quantiles in seconds, linear within the buckets."""
        after = self.now()
        counts = sorted((le, after[le] - self.before[le]) for le in after)
        return counts[-1][1], *(self.quantile(counts, q) for q in quantiles)

    @staticmethod
    def quantile(counts, q):
        wanted = q * counts[-1][1]
        low, below = 0.0, 0.0
        for le, count in counts:
            if count >= wanted:
                return (
                    low
                    if le == float("inf")
                    else low + (le - low) * (wanted - below) / max(count - below, 1)
                )
            low, below = le, count
        return low
