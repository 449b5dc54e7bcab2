"""Runs every kind of test, one after another, and sums what they report.

usage: tools/test.py JOBS

A step is a make target. It passes or fails by its exit code; how many tests that were is read from
the last line of its output that says so ("12 passed, 1 failed"). A step that fails without saying
how many counts as one failure, so that nothing is lost in the sum.

The models, the differential test and the fuzzers begin with the same seed in each run, so that a
failure is of the change at hand; SEED and SNUG_SEED in the environment take others.
"""

import os
import re
import subprocess
import sys
import time

COUNT = re.compile(r"\b(\d+) (passed|failed|errors?|skipped|xfailed)\b")

STEPS = [
    # name, make arguments, what an exit code of 0 is worth when no count is printed
    ("build", ["build"], 1),
    ("lint", ["lint"], 0),
    ("unit tests", ["test-unit"], 0),
    ("server tests", ["test-server"], 0),
    ("install", ["test-install"], 0),
    ("clients", ["test-clients"], 0),
    ("page", ["test-page"], 0),
    ("move-all", ["move-all", "SHORT=1"], 0),
    ("fuzz", ["fuzz-all", "S=5"], 0),
]


def counts_of(line):
    """Passed and failed in a summary line, or None when it is not one."""
    found = {word.rstrip("s") if word.startswith("error") else word: int(number)
             for number, word in COUNT.findall(line)}
    if "passed" not in found and "failed" not in found and "error" not in found:
        return None
    return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0)


def environment():
    return {"SEED": "1", "SNUG_SEED": "1", **os.environ}


def run_step(jobs, arguments, worth):
    """Streams the step's output; returns passed and failed, summed over its summary lines."""
    passed = failed = 0
    command = ["make", "--no-print-directory", f"JOBS={jobs}", *arguments]
    if arguments == ["build"]:
        command.append(f"-j{jobs}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env=environment()) as process:
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            summary = counts_of(line) if is_summary(line) else None
            if summary:
                passed += summary[0]
                failed += summary[1]
    if process.returncode == 0:
        return passed or worth, failed
    return passed, failed or 1


def is_summary(line):
    """Summary lines hold nothing but counts and a time; pytest puts = around them at times."""
    rest = COUNT.sub("", line)
    rest = re.sub(r"\b\d+ (warnings?|deselected|xpassed)\b", "", rest)
    rest = re.sub(r"\bin [\d.]+s( \([\d:]+\))?", "", rest)
    return not re.sub(r"[\s,=]", "", rest) and COUNT.search(line)


def main():
    jobs = sys.argv[1] if len(sys.argv) > 1 else "2"
    total_passed = total_failed = 0
    report = []
    for name, arguments, worth in STEPS:
        print(f"\n==== {name}", flush=True)
        begun = time.monotonic()
        passed, failed = run_step(jobs, arguments, worth)
        seconds = time.monotonic() - begun
        report.append(f"{name:14} {passed:6} passed {failed:4} failed {seconds:7.0f} s")
        total_passed += passed
        total_failed += failed
        if name == "build" and failed:
            break
    print("\n==== all\n" + "\n".join(report))
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed else 0


if __name__ == "__main__":
    sys.exit(main())
