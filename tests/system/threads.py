#!/usr/bin/python3
"""The threads of a running program, with how the kernel schedules them: tests/system/threads.py PID"""
import os
import sys

POLICIES = {os.SCHED_OTHER: "normal", os.SCHED_FIFO: "FIFO", os.SCHED_RR: "RR"}


def threads(pid):
    """[(name, policy, priority)] in the order of their start."""
    rows = []
    for tid in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm") as f:
                name = f.read().rstrip("\n")
            policy = os.sched_getscheduler(tid) & ~os.SCHED_RESET_ON_FORK
            rows.append(
                (name, POLICIES.get(policy, str(policy)), os.sched_getparam(tid).sched_priority)
            )
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended since
    return rows


def table(pid):
    return "\n".join(f"{name:<16} {policy:<7} {prio:>3}" for name, policy, prio in threads(pid))


if __name__ == "__main__":
    print(table(int(sys.argv[1])))
