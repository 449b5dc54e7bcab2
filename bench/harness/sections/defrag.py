"""Fragmentation F1 and F2: how long repair takes, what it costs, what a client sees of it."""

import statistics
import time

from harness.generator import Background, redis_benchmark
from harness.server import Sampler, Server, flat_time

RATE = 10_000
POLL_S = 0.25
QUIET_S = 1.5  # without moving and without RSS falling: it is over
SAMPLE_KEYS = 20_000
FIELDS = ("p99_us", "p999_us", "max_us", "send_lag_p99_us")


class Window:
    """A stretch with the client's load: its length and the server's CPU in it."""

    def __init__(self, server):
        self.server = server
        self.start, self.cpu = time.monotonic(), server.cpu_s()

    def close(self):
        self.seconds = time.monotonic() - self.start
        self.cpu = self.server.cpu_s() - self.cpu
        return self


def calm(server, seconds):
    """A closed window in which nothing is asked of the server but what heal() asks too."""
    window = Window(server)
    poll_for(server, seconds)
    return window.close()


def cpu_beyond(storm, calms):
    """The storm's CPU less what calm windows before and after it took for the same load."""
    rate = sum(window.cpu for window in calms) / sum(window.seconds for window in calms)
    return storm.cpu - rate * storm.seconds


def watch_until_quiet(server, most_s, background):
    """Polls until nothing moves any more. The client's segment while something did."""
    start = quiet_since = time.monotonic()
    lowest = server.rss_quick()
    seen, during = False, None
    while time.monotonic() - start < most_s:
        time.sleep(POLL_S)
        now, rss, running = time.monotonic(), server.rss_quick(), server.defrag_running() > 0
        seen = seen or running
        if running or rss < lowest * 0.998:
            lowest, quiet_since = min(lowest, rss), now
        elif during is None and seen:
            during = background.mark()
        if now - quiet_since >= QUIET_S:
            break
    return during or background.mark()


def poll_for(server, seconds):
    """The same questions as watch_until_quiet's, so that they cancel out."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(POLL_S)
        server.defrag_running()


def worst_p99(segment):
    return max((row[3] for row in segment["series"] if row[1] > 0), default=0.0)


def moves(server):
    return float(server.info("stats").get("active_defrag_hits", 0))


def number_of(fields, name):
    """A field of INFO that not every server has."""
    return float(fields[name]) if name in fields else None


def quotient(fields, above, below):
    """Of two such fields; None when there is nothing to divide by."""
    if not number_of(fields, below):
        return None
    return number_of(fields, above) / number_of(fields, below)


def own_seconds(fields):
    """What the server says its slices took, by the wall: more than CPU where it was preempted."""
    microseconds = number_of(fields, "active_defrag_cpu_us")
    return None if microseconds is None else microseconds / 1e6


def heal(context, server, keys, name):
    """Turns defragmentation on under a client's load and measures until it is over."""
    most_s, calm_s = (150, 5) if context.full else (60, 3)
    fragmented, held = server.rss(), moves(server)
    if held > 0:
        raise RuntimeError(f"{server.label} moved {held:.0f} blocks while activedefrag was no")
    sampler = Sampler(server)  # before the calm, so that it weighs on both stretches alike
    with Background(context.generator, server, rate=RATE, keys=keys) as background:
        poll_for(server, 1)
        background.mark()
        calms = [calm(server, calm_s)]
        before = background.mark()
        with context.profile(server, name):
            storm = Window(server)
            able = server.set_defrag("yes")
            during = watch_until_quiet(server, most_s, background)
            storm.close()
        samples = sampler.stop()
        calms.append(calm(server, calm_s))
        background.stop()
    spent, flat_s = cpu_beyond(storm, calms), flat_time(samples, storm.start)
    server.settle(most_s=5)
    own = {**server.info("memory"), **server.info("stats")}
    return {
        "able": able, "fragmented": fragmented / 1e6, "flat_s": flat_s if able else None,
        "cpu_s": spent if able else None, "own_cpu_s": own_seconds(own),
        "rss": server.rss() / 1e6, "moved": moves(server),
        "moved_per_returned": quotient(own, "heap_moved_bytes", "heap_returned_bytes"),
        "slice_max": number_of(own, "active_defrag_slice_max_us"),
        **{"before_" + field: before[field] for field in FIELDS},
        **{"during_" + field: during[field] for field in FIELDS}, "worst_p99": worst_p99(during),
    }


def median_of_all(runs):
    """One of many runs, field by field."""
    return {name: None if runs[0][name] is None else statistics.median(run[name] for run in runs)
            for name in runs[0]}


def row_of(spec, healed, live):
    return [spec.label + ("" if healed["able"] else " (cannot)"),
            healed["fragmented"], healed["flat_s"], healed["cpu_s"], healed["own_cpu_s"],
            healed["rss"], healed["rss"] * 1e6 / live, healed["moved"],
            healed["moved_per_returned"], healed["slice_max"],
            healed["before_p99_us"], healed["during_p99_us"],
            healed["before_p999_us"], healed["during_p999_us"],
            healed["during_max_us"], healed["worst_p99"], healed["during_send_lag_p99_us"]]


HEAD = ["server", "RSS before, MB", "flat after, s", "CPU, s", "slices by its own account, s",
        "RSS after, MB", "over live", "moves", "bytes moved a byte returned", "longest slice, us",
        "p99 before, us", "p99 during", "p99.9 before", "p99.9 during", "max during",
        "p99 of the worst half second", "p99 of the generator's own lag"]

# ---- F1: the recipe of redis pull request 13814 --------------------------------------------------

STEPS = [(10_000_000, 3), (9_000_000, 11), (8_000_000, 19), (7_000_000, 27)]


def sample(server, keys):
    """Values of keys spread over the range, to be compared after."""
    step = max(keys // SAMPLE_KEYS, 1)
    names = [f"key:{number:012d}" for number in range(0, keys, step)]
    values = []
    for start in range(0, len(names), 1000):
        values += server.call("MGET", *names[start:start + 1000])
    return values


def f1(context, spec):
    factor = context.size(100, 1000) / 1000
    with Server(spec) as server:
        server.set_defrag("no")
        server.defrag_config(25, 75)
        for requests, size in STEPS:
            redis_benchmark(server, "-t", "set", "-P", "100", "-n", str(int(10_000_000 * factor)),
                            "-r", str(int(requests * factor)), "-d", str(size))
        server.settle(most_s=4)
        values = sample(server, int(STEPS[0][0] * factor))
        live = sum(16 + len(value) for value in values if value is not None)
        live *= int(STEPS[0][0] * factor) / max(len(values), 1)
        healed = heal(context, server, int(STEPS[3][0] * factor), "f1")
        if sample(server, int(STEPS[0][0] * factor)) != values:
            raise RuntimeError(f"{server.label}: values changed while they were moved")
        if healed["able"]:
            context.figure(spec, "f1.flat", healed["flat_s"])
            context.figure(spec, "f1.cpu", healed["cpu_s"])
        return row_of(spec, healed, live)


# ---- F2: strings of 150 B, a random 75 % deleted -------------------------------------------------

F2_KEYS = (1_000_000, 5_000_000)
F2_BYTES = 150
F2_DELETED = 0.75


def f2_once(context, spec, keys):
    """What healing took, and the live payload."""
    with Server(spec) as server:
        empty = server.rss()
        server.set_defrag("no")
        server.defrag_config(1, 25)
        context.generator.fill(server, keys, value_bytes=F2_BYTES)
        gone = context.generator.run("delete", server, keys=keys, fraction=F2_DELETED, clients=4,
                                     pipeline=64)
        server.settle(most_s=4)
        healed = heal(context, server, keys, "f2")
        context.generator.run("verify", server, keys=keys, value_bytes=F2_BYTES, clients=4,
                              pipeline=64, fraction=F2_DELETED)
        live = (keys - gone["ops"]) * (16 + F2_BYTES)
        healed["over_live"] = (healed["rss"] * 1e6 - context.base(empty)) / live
        return healed, live


def f2(context, spec):
    keys = context.size(*F2_KEYS)
    runs = [f2_once(context, spec, keys) for _ in range(context.rounds)]
    live = runs[0][1]
    healed = median_of_all([run[0] for run in runs])
    if healed["able"]:
        context.figure(spec, "f2.flat", healed["flat_s"])
        context.figure(spec, "f2.cpu", healed["cpu_s"])
        context.figure(spec, "f2.rss", healed["over_live"])
        for name in ("p99", "p999"):
            more = healed[f"during_{name}_us"] - healed[f"before_{name}_us"]
            context.figure(spec, "f2." + name, more / 1000)
    return row_of(spec, healed, live)


def run(context):
    size = context.size(100, 1000) / 1000
    context.report.table(f"F1: redis-benchmark's SETs of 3, 11, 19 and 27 B, {size:g} of the full "
                         "size; cycle 25/75", HEAD, [f1(context, spec) for spec in context.specs])
    context.report.table(f"F2: {context.size(*F2_KEYS):,} strings of 150 B, a random 75 % deleted; "
                         f"cycle 1/25; every value checked after; medians of {context.rounds}",
                         HEAD,
                         [f2(context, spec) for spec in context.specs])
