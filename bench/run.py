#!/usr/bin/python3
"""Measures a server that speaks Redis's protocol beside its peers, against the goals.

usage: bench/run.py [--only memory,load,throughput,types,latency,defrag,w,ttl,snapshot,
                           eviction]
                    [--scale 0.1] [--full]
See bench/README.md.
"""

import argparse
import os
import pathlib
import platform
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
from harness import server as servers
from harness.context import Context
from harness.generator import Generator
from harness.report import Report
from harness.sections import (defrag, eviction, latency, load, memory, ramcloud, snapshot,
                              throughput, ttl, types)

# Others' share of the machine above which the report warns.
NOISE_PERCENT = 5

SECTIONS = {
    "memory": memory.run, "load": load.run, "throughput": throughput.run,
    "types-bytes": types.run_memory, "types-cpu": types.run_cpu, "latency": latency.run,
    "defrag": defrag.run, "w": ramcloud.run, "ttl": ttl.run, "snapshot": snapshot.run,
    "eviction": eviction.run,
}
GROUPS = {"types": ["types-bytes", "types-cpu"]}


def read_arguments():
    build = HERE.parent / "build"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=str(build / "snug-server"),
                        help="PATH, or LABEL=COMMAND with {port} in it")
    parser.add_argument("--peer", action="append", help="the same, repeatable; ratios are to the "
                        "first (default: redis-server, if installed)")
    parser.add_argument("--no-peer", action="store_true", help="the server alone")
    parser.add_argument("--load", default=str(build / "snug-load"), help="the load generator")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, by comma")
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes")
    parser.add_argument("--full", action="store_true", help="the goals' own sizes: an hour or so")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each measurement")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn")
    parser.add_argument("--workloads", default="1,2,3,4,5,6,7,8", help="of F3, by number")
    parser.add_argument("--cycle", default="1/25", help="of F3: active-defrag-cycle-min/max")
    parser.add_argument("--json", default=str(build / "bench.json"), help="where figures go")
    parser.add_argument("--page", help="a Markdown file to write as well (docs/benchmarks.md)")
    parser.add_argument("--profile", metavar="DIR", help="perf record of the servers, by section")
    return parser.parse_args()


def specs_of(options):
    """The subject and its peers, each with a label of its own."""
    peers = options.peer or ["redis-server"]
    specs = [servers.Spec(options.server)]
    specs += [] if options.no_peer else [servers.Spec(text) for text in peers]
    if not specs[0].exists():
        sys.exit(f"bench: {options.server}: not found; make, or --server PATH")
    for spec in specs[1:]:
        if not spec.exists():
            if options.peer:
                sys.exit(f"bench: {spec.words[0]}: not found")
            print("bench: redis-server is not installed; no peer is measured", file=sys.stderr)
    specs = [spec for spec in specs if spec.exists()]
    seen = {}
    for spec in specs:
        seen[spec.label] = seen.get(spec.label, 0) + 1
        if seen[spec.label] > 1:
            spec.label += f" ({seen[spec.label]})"
    return specs


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine():
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (f"{processor()}, {os.cpu_count()} cores, {pages / (1 << 30):.0f} GiB, "
            f"{platform.system()} {platform.release()}")


def jiffies():
    """Of all cores: all, idle, stolen by the host."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return sum(fields), fields[3] + fields[4], fields[7]


def own_seconds():
    """CPU of this process and of all it has started and seen end."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Quietness:
    """How much others used of the machine during the run; a figure without it says little."""

    def __init__(self):
        self.jiffies = jiffies()
        self.own_s = own_seconds()

    def sum_up(self):
        """Percent used by others, percent stolen by the host."""
        passed, idle, stolen = (now - then for now, then in zip(jiffies(), self.jiffies))
        own = (own_seconds() - self.own_s) * os.sysconf("SC_CLK_TCK")
        passed = max(passed, 1)
        return 100 * max(passed - idle - own, 0) / passed, 100 * stolen / passed


def build_generator(path):
    """With make when it is not there."""
    if not os.path.exists(path):
        subprocess.run(["make", "-C", str(HERE.parent), "build/snug-load"], check=True)
    return Generator(path)


def main():
    options = read_arguments()
    names = [name for word in options.only.split(",") for name in GROUPS.get(word, [word])]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        sys.exit(f"bench: no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    if os.cpu_count() < 2:
        sys.exit("bench: two cores are needed, one for the server and one for the load")
    specs = specs_of(options)
    report = Report()
    context = Context(specs[0], specs[1:], build_generator(options.load), report, options)
    about = {"machine": machine(), "command": " ".join(sys.argv),
             "servers": {spec.label: spec.version() for spec in specs}}
    report.say(f"Machine: {about['machine']}. Command: `{about['command']}`.")
    for label, version in about["servers"].items():
        report.say(f"{label}: {version}.")
    started, quietness = time.monotonic(), Quietness()
    os.sched_setaffinity(0, {servers.LOAD_CORE})
    for name in names:
        SECTIONS[name](context)
    about["seconds"] = round(time.monotonic() - started)
    about["others_percent"], about["stolen_percent"] = quietness.sum_up()
    report.say(f"\nTook {about['seconds']} s. Others used {about['others_percent']:.1f} % of the "
               f"machine meanwhile, and its host {about['stolen_percent']:.2f} %.")
    quiet = about["others_percent"] <= NOISE_PERCENT
    if not quiet:
        report.note("**This machine was not quiet.** Bytes, and ratios within a few percent, hold; "
                    "times, latencies and operations a second are the neighbours' too.")
    report.finish(options.json, about, quiet, options.page)


if __name__ == "__main__":
    main()
