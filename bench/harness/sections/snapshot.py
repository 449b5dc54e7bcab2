"""Snapshots and rewrites of the log while keys are rewritten at a fixed rate: memory and stalls."""

import statistics
import time

from harness.generator import Background, median_of
from harness.server import Server

KEYS = (250_000, 500_000)
VALUE_BYTES = 4096
RATE = 20_000
QUIET_S = 2
MIB = 1 << 20
WAYS = {
    "BGSAVE": ("rdb_bgsave_in_progress", "rdb_last_bgsave_status", "rdb_last_cow_size", ()),
    "BGREWRITEAOF": ("aof_rewrite_in_progress", "aof_last_bgrewrite_status", "aof_last_cow_size",
                     ("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")),
}


def wait_for_end(server, way):
    running, status, _, _ = WAYS[way]
    while server.info("persistence")[running] != "0":
        time.sleep(0.05)
    if server.info("persistence")[status] != "ok":
        raise RuntimeError(f"{server.label}: {way} failed")


def measure(context, spec, way, keys):
    """One server, one snapshot, under load; what a fork copies counts as memory too."""
    with Server(spec, *WAYS[way][3]) as server:
        context.generator.fill(server, keys, value_bytes=VALUE_BYTES)
        if way == "BGREWRITEAOF":
            server.call(way)  # a base, and an increment that holds nothing yet
            wait_for_end(server, way)
        server.settle()
        before = server.rss()
        with Background(context.generator, server, rate=RATE, keys=keys, command="set",
                        order="sequential", value_bytes=VALUE_BYTES, clients=8) as load:
            time.sleep(QUIET_S)
            quiet = load.mark()
            server.peak_reset()
            began = time.monotonic()
            with context.profile(server, way.lower()):
                server.call(way)
                wait_for_end(server, way)
            seconds = time.monotonic() - began
            during = load.mark()
            peak = server.peak() + int(server.info("persistence").get(WAYS[way][2], 0))
            load.stop()
    return {"before": before / MIB, "peak": peak / MIB, "over": (peak / before - 1) * 100,
            "seconds": seconds, "rewritten": min(during["count"] / keys, 1) * 100,
            "quiet_p999": quiet["p999_us"], "quiet_max": quiet["max_us"],
            "p99": during["p99_us"], "p999": during["p999_us"], "max": during["max_us"]}


def run(context):
    keys = context.size(*KEYS)
    rows = []
    for way in WAYS:
        runs = {spec: [] for spec in context.specs}
        for _ in range(context.rounds):
            for spec in context.specs:
                runs[spec].append(measure(context, spec, way, keys))
        for spec in context.specs:
            fields = ("before", "peak", "over", "seconds", "rewritten", "quiet_p999", "quiet_max",
                      "p99", "p999", "max")
            rows.append([way, spec.label, *[median_of(runs[spec], field) for field in fields]])
            context.figure(spec, f"snapshot.{way.lower()}.peak", median_of(runs[spec], "over"))
            stalls = [one["max"] / 1000 for one in runs[spec]]
            context.figure(spec, f"snapshot.{way.lower()}.stall", statistics.median(stalls))
    context.report.table(
        f"Snapshots of {keys:,} strings of {VALUE_BYTES:,} B while {RATE:,} SETs/s go over them in "
        f"turn; latency from when each was due, us; medians of {context.rounds}",
        ["", "server", "RSS before, MiB", "peak of memory", "over, %", "seconds", "rewritten, %",
         "p99.9 before", "longest before", "p99", "p99.9", "longest"], rows)
