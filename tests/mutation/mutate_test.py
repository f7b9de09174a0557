#!/usr/bin/python3
"""tests/mutate with a small room whose mutants are known: mutate_test.py FOLDER (to build in)."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
import trial  # noqa: E402

BUILD = None


def mutate(source, *options):
    """Exit status, what it printed, and {mutant: (state, by what)}."""
    done = subprocess.run(
        [HERE.parent / "mutate", "--source", source, "--build", BUILD, "--all", *options, "room"],
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        raise AssertionError(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    mutants = {}
    for line in done.stdout.splitlines():
        found = re.match(r"([a-z ]+): room/(\S+:\d+ .*) \| (.*)$", line)
        if found:
            place, rest = found[2].split(" ", 1)
            mutants.setdefault(rest, []).append((place, found[1], found[3]))
    return done.returncode, done.stdout, mutants


class Limit(unittest.TestCase):
    """A program may compute so long; how long a busy machine lets it wait does not count."""

    def run_for_a_second(self, script):
        with tempfile.TemporaryDirectory() as scratch:
            own = trial.Trial({}, [], 1, scratch)
            return own.start("", ["-c", script], {}, 1, "/bin/sh")[0]

    def test_waiting_is_no_hanging(self):
        self.assertEqual(self.run_for_a_second("sleep 3"), 0)
        self.assertEqual(self.run_for_a_second("(sleep 3; kill -CONT $$) & kill -STOP $$"), 0)

    def test_computing_on_is(self):
        self.assertIsNone(self.run_for_a_second("while :; do :; done"))

    def test_sleeping_for_ever_is(self):
        looks = (trial.LOOK_SECONDS, trial.WAITING_SECONDS)
        trial.LOOK_SECONDS, trial.WAITING_SECONDS = 0.5, 2
        try:
            self.assertIsNone(self.run_for_a_second("sleep 1000"))
        finally:
            trial.LOOK_SECONDS, trial.WAITING_SECONDS = looks


class Mutate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.source = pathlib.Path(cls.folder.name) / "sample"
        shutil.copytree(HERE / "sample", cls.source)
        cls.git("init", "--quiet")
        cls.git("add", ".")
        cls.git("commit", "--quiet", "-m", "sample")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def git(cls, *words):
        names = {
            f"GIT_{who}_{what}": "sample"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        subprocess.run(["git", *words], cwd=cls.source, check=True, env={**os.environ, **names})

    def states(self, mutant):
        return {state for _, state, _ in self.mutants.get(mutant, [("", "not made", "")])}

    def test_a_whole_room(self):
        listed = self.source / "equivalents.txt"
        good = listed.read_text("utf-8")
        listed.write_text(
            good
            + "\nroom/sample.cpp | return a != 3; | relational | a != 3 -> a == 3\n"
            + "\n# Not true.\nroom/sample.cpp | flags &= mask; | assignment | flags &= mask -> flags = mask\n"
            + "# Was once.\nroom/sample.cpp | gone(); | dropped statement | gone() -> nothing\n",
            "utf-8",
        )
        status, output, self.mutants = mutate(self.source)
        listed.write_text(good, "utf-8")
        expected = {
            # One of each operator.
            "relational value >= span.low -> value > span.low": "killed",
            "dropped condition value >= span.low && value < span.high -> value < span.high": "killed",
            "member span.low -> span.high": "killed",
            "min/max std::max(span.low, value) -> std::min(span.low, value)": "killed",
            "condition power > 0 -> false": "killed",
            "enumerator Mode::discharge -> Mode::off": "killed",
            "arithmetic a * 2 -> a / 2": "killed",
            "sign -*given -> *given": "killed",
            "negated !place -> place": "crashed",
            "assignment flags &= mask -> flags = mask": "killed",
            "dropped statement sum += numbers[static_cast<unsigned>(i)] -> nothing": "killed",
            # A constant that stays constexpr is compiled in; another is switched; a condition's variable.
            "constant 4 -> 5": "killed",
            "constant 100 -> 101": "killed",
            "condition const auto given = most -> false": "killed",
            # What the tests do not say.
            "relational power > 0 -> power >= 0": "survived",
            "dropped statement flags &= mask -> nothing": "survived",
            "sign *place -> -(*place)": "survived",
            "relational a > b -> a >= b": "equivalent",
            # Apart: no assertion failed.
            "dropped statement number /= 2 -> nothing": "timed out",
            "condition !place -> false": "crashed",
            "arithmetic a - b -> a + b": "compile error",
            # No behaviour: memory.
            "dropped statement values.reserve(16) -> nothing": "not made",
            "constant 16 -> 17": "not made",
            "dropped statement values.push_back(value) -> nothing": "killed",
        }
        found = {mutant: self.states(mutant) for mutant in expected}
        self.assertEqual(found, {mutant: {state} for mutant, state in expected.items()})
        # Left out by left_out.txt, or it would be killed: not reached.
        self.assertEqual(
            [(s, by) for _, s, by in self.mutants["constant 3 -> 4"]],
            [("survived", "not reached by any test")],
        )
        self.assertIn("no reason above: room/sample.cpp | return a != 3;", output)
        self.assertIn("listed as equivalent but killed: room/sample.cpp | flags &= mask;", output)
        self.assertIn("matches no mutant any more: room/sample.cpp | gone();", output)
        self.assertEqual(status, 1)

        counts = {}
        for places in self.mutants.values():
            for _, state, _ in places:
                counts[state] = counts.get(state, 0) + 1
        row = re.search(r"^room +(\d+) +(\d+) +(\d+) .* ([\d.]+) % ", output, re.MULTILINE)
        self.assertEqual(int(row[1]), sum(counts.values()))
        self.assertEqual(int(row[2]), counts["killed"])
        score = 100 * counts["killed"] / (counts["killed"] + counts["survived"])
        self.assertEqual(row[4], f"{score:.1f}")

    def test_changed_lines_only(self):
        source = self.source / "room" / "sample.cpp"
        text = source.read_text("utf-8")
        try:
            source.write_text(
                text.replace("return a > b", "return b < a").replace("a != 3", "a  != 3"), "utf-8"
            )
            status, output, mutants = mutate(self.source, "--changed-since", "HEAD")
            lines = {place for places in mutants.values() for place, _, _ in places}
            self.assertEqual(len(lines), 2, mutants)
            self.assertIn("relational: b < a -> b <= a", output)
            self.assertEqual(status, 1)
            # A survivor that is owed is no news; it is kept by its line's text.
            owed = self.source / "survivors.txt"
            self.addCleanup(owed.unlink, missing_ok=True)
            owed.write_text("# Owed.\n\nroom/gone.cpp | x | y | a -> b\n", "utf-8")
            mutate(self.source, "--keep")
            self.assertIn(
                "room/sample.cpp | return b < a ? a : b; | relational | b < a -> b <= a\n",
                owed.read_text("utf-8"),
            )
            self.assertIn("# Owed.\n# Complete: room\n\nroom/gone.cpp", owed.read_text("utf-8"))
            self.assertEqual(mutate(self.source, "--changed-since", "HEAD")[0], 0)
            source.write_text(text.replace("return limit;", "return  limit;"), "utf-8")
            self.assertEqual(mutate(self.source, "--changed-since", "HEAD")[0], 0)
        finally:
            source.write_text(text, "utf-8")

    def test_a_sample_is_of_the_commit(self):
        def sample():
            _, _, mutants = mutate(self.source, "--changed-since", "HEAD", "--sample", "5")
            return sorted((m, place) for m, places in mutants.items() for place, _, _ in places)

        first = sample()
        self.assertEqual(len(first), 5)
        self.assertEqual(sample(), first)
        self.git("commit", "--quiet", "--allow-empty", "-m", "another")
        self.assertNotEqual(sample(), first)

    def test_a_samples_survivor_fails_where_the_list_is_complete(self):
        owed = self.source / "survivors.txt"
        self.addCleanup(owed.unlink, missing_ok=True)
        sampled = ("--changed-since", "HEAD", "--sample", "1000")
        owed.write_text("# Owed.\n\n", "utf-8")
        self.assertEqual(mutate(self.source, *sampled)[0], 0)
        for some in (("--seconds", "0"), sampled):
            mutate(self.source, "--keep", *some)
            self.assertNotIn("Complete", owed.read_text("utf-8"))
        owed.write_text("# Owed.\n\n", "utf-8")
        mutate(self.source, "--keep")
        self.assertTrue(owed.read_text("utf-8").startswith("# Owed.\n# Complete: room\n\nroom/"))
        self.assertEqual(mutate(self.source, *sampled)[0], 0)
        kept = owed.read_text("utf-8").splitlines(keepends=True)
        self.assertTrue(any("-> power >= 0" in line for line in kept))
        owed.write_text("".join(k for k in kept if "-> power >= 0" not in k), "utf-8")
        self.assertEqual(mutate(self.source, *sampled)[0], 1)

    def test_the_time_is_over(self):
        status, output, mutants = mutate(self.source, "--seconds", "0")
        states = {state for places in mutants.values() for _, state, _ in places}
        self.assertLessEqual(states, {"not run", "compile error"})
        self.assertIn("not run", states)
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    try:
        import clang.cindex  # noqa: F401
    except ImportError:
        print("needs python3-clang")
        sys.exit(77)
    unittest.main()
