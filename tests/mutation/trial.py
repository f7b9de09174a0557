"""Runs the tests of a room against its mutants."""

import concurrent.futures
import dataclasses
import hashlib
import math
import os
import re
import resource
import select
import signal
import subprocess
import tempfile

from build import Failed

BATCHES = (0.05, 0.5, 5.0)  # seconds of tests that one process runs: fast ones first
# A mutant hangs when it computes longer than this, or five times as long as its tests: that a busy
# machine delays it is no fault of its own. Whole seconds, as the kernel counts them.
LEAST_CPU_SECONDS = 1
WAITING_SECONDS = 60  # what sleeps that long without computing waits for nothing
LOOK_SECONDS = 5
MOST_MEMORY = 4 << 30  # bytes: a loop without an end may allocate
BRIEF = "--gtest_brief=1"


def seconds_of(output, computed):
    """A test's own time: as gtest prints it, for the program's start would make all tests look
    alike; but what the program computed where that is less, for a busy machine lets it wait."""
    own = re.findall(r"\[       OK \] .* \((\d+) ms\)$", output, re.MULTILINE)
    return min(computed, sum(int(ms) for ms in own) / 1000) if own else computed


def asleep(pid):
    """What a process that sleeps has computed, in the kernel's ticks; None if it is to run."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(") ")[2].split()
    return None if fields[0] == "R" else fields[11:13]


def waited_for(process):
    """(status, seconds it computed) of a process; the status is None if it hangs."""
    ended = select.poll()
    handle = os.pidfd_open(process.pid)
    try:
        ended.register(handle, select.POLLIN)
        slept, before = 0, None
        # Not by process.wait(): that asks again and again, and does not tell the time.
        while not ended.poll(1000 * LOOK_SECONDS):
            now = asleep(process.pid)
            slept = slept + LOOK_SECONDS if now is not None and now == before else 0
            before = now
            if slept >= WAITING_SECONDS:
                return None, 0.0
    finally:
        os.close(handle)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    hung = process.returncode == -signal.SIGXCPU
    return None if hung else process.returncode, usage.ru_utime + usage.ru_stime


@dataclasses.dataclass
class Test:
    """One test of a gtest program, or a whole program."""

    program: str
    name: str  # "" for a whole program
    seconds: float = 0.0
    reached: bytes = b""


@dataclasses.dataclass
class Outcome:
    state: str  # "passed", "killed", "crashed", "timed out"
    by: str = ""


class Trial:
    def __init__(self, programs, left_out, jobs, scratch):
        """`programs`: {target: (path, arguments or None for gtest)}."""
        self.programs = programs
        self.left_out = left_out
        self.jobs = jobs
        self.scratch = scratch

    def start(self, target, arguments, environment, limit, path=None):
        """(status, output, seconds computed) of a program that may compute `limit` seconds; the
        status is None when they were over."""
        command = [str(path or self.programs[target][0]), *arguments]
        with tempfile.TemporaryDirectory(
            dir=self.scratch
        ) as folder, tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env={
                    **os.environ,
                    "RC_PARAMS": "noshrink=1 seed=1",
                    "TMPDIR": folder,
                    **environment,
                },
                start_new_session=True,
            )
            limits = {
                resource.RLIMIT_CPU: math.ceil(limit),
                resource.RLIMIT_AS: MOST_MEMORY,
                resource.RLIMIT_CORE: 0,
            }
            try:
                for what, most in limits.items():
                    resource.prlimit(process.pid, what, (most, resource.RLIM_INFINITY))
            except ProcessLookupError:
                pass  # it is over already
            status, seconds = waited_for(process)
            if status is None or status < 0:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
            output.seek(max(0, output.seek(0, os.SEEK_END) - 100_000))
            return status, output.read().decode("utf-8", "replace"), seconds

    # ---- without a mutant

    def list_tests(self, target):
        path, arguments = self.programs[target]
        if arguments is not None:
            return [Test(target, "")]
        status, output, _ = self.start(target, ["--gtest_list_tests"], {}, 60)
        if status != 0:
            raise Failed(f"{target} --gtest_list_tests: {output[-2000:]}")
        tests, suite = [], ""
        for line in output.splitlines():
            name = line.split("#")[0].strip()
            if line.startswith("  "):
                tests.append(Test(target, suite + name))
            elif name.endswith("."):
                suite = name
        return [t for t in tests if ".DISABLED_" not in t.name and "/DISABLED_" not in t.name]

    def measure(self, idents):
        """Runs each test by itself without a mutant: how long it takes and which places it reaches."""
        tests = [t for target in self.programs for t in self.list_tests(target)]
        unused = [p for p in self.left_out if not any(re.fullmatch(p, t.name) for t in tests)]
        if unused:
            raise Failed(f"tests/mutation/left_out.txt names no test: {', '.join(unused)}")
        tests = [t for t in tests if not any(re.fullmatch(p, t.name) for p in self.left_out)]

        def one(test):
            with tempfile.NamedTemporaryFile(dir=self.scratch) as reached:
                reached.truncate(idents + 1)
                status, output, seconds = self.start(
                    test.program,
                    [a for a in self.arguments([test]) if a != BRIEF],
                    {"ESSHUB_MUTANT_REACHED": reached.name},
                    600,
                )
                test.seconds = seconds_of(output, seconds)
                test.reached = reached.read()
            if status != 0:
                raise Failed(
                    f"{test.program} {test.name} fails without a mutant:\n{output[-3000:]}"
                )
            return test

        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            self.tests = list(pool.map(one, tests))
        self.tests.sort(key=lambda t: (t.seconds, t.program, t.name))
        return self.tests

    def arguments(self, tests):
        fixed = self.programs[tests[0].program][1]
        if fixed is not None:
            return fixed
        names = ":".join(t.name for t in tests)
        return ["--gtest_fail_fast", BRIEF, f"--gtest_filter={names}"]

    # ---- with one

    def batches(self, tests):
        """Fast tests first; one process for those that together take no longer than the next limit."""
        batches, current, spent = [], {}, 0.0
        limits = list(BATCHES)
        for test in tests:
            if spent + test.seconds > limits[0] and spent > 0:
                batches += [current[p] for p in sorted(current)]
                current, spent = {}, 0.0
                limits = limits[1:] or limits
            current.setdefault(test.program, []).append(test)
            spent += test.seconds
        return batches + [current[p] for p in sorted(current)]

    def judge(self, tests, ident, programs=None):
        """What the tests say of a mutant. Only an assertion of a test kills it."""
        worst = Outcome("passed")
        for batch in self.batches(tests):
            target = batch[0].program
            limit = max(LEAST_CPU_SECONDS, 5 * sum(t.seconds for t in batch))
            environment = {"ESSHUB_MUTANT": str(ident)} if ident else {}
            path = programs[target] if programs else None
            status, output, _ = self.start(target, self.arguments(batch), environment, limit, path)
            if status is None:
                return Outcome("timed out", batch[0].name or target)
            if status < 0:
                worst = Outcome("crashed", batch[0].name or target)
            elif status != 0:
                gtest = self.programs[target][1] is None
                failed = re.search(r"\[  FAILED  \] ([\w./]+)", output)
                if (not gtest or failed) and "std::bad_alloc" not in output:
                    return Outcome("killed", failed[1] if gtest else target)
                worst = Outcome("crashed", batch[0].name or target)
        return worst

    def tests_of(self, first):
        """The tests that reach the place of a mutant."""
        return [t for t in self.tests if t.reached[first]]


def order(key):
    """A mutant's place in the order of a run: the same every time, and like a sample whenever it ends."""
    return hashlib.sha256(key.encode()).hexdigest()
