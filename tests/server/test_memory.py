"""MEMORY: USAGE, STATS, DOCTOR, PURGE, MALLOC-STATS beside Redis, and MAP, which is Snug's own."""

import re
import time

import pytest

from conftest import CHECKED_BUILD
from resp import Client, Error, Pairs, Status, Verbatim

MB = 1 << 20
SCALE = 20 if CHECKED_BUILD else 1

figures = pytest.mark.skipif(CHECKED_BUILD, reason="figures are looked at in builds without checks")


def pairs(reply):
    """A map in either protocol."""
    if isinstance(reply, Pairs):
        return dict((name.decode(), value) for name, value in reply)
    return dict(zip((name.decode() for name in reply[::2]), reply[1::2]))


def memory(client):
    return figures_of(client.call("INFO", "memory"))


def figures_of(text):
    lines = text.decode().split("\r\n")
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    return {name: float(value) for name, value in told.items()
            if re.fullmatch(r"-?\d+(\.\d+)?", value)}


def test_refusals(both):
    both.lines("""
        MEMORY
        MEMORY FOO
        MEMORY USAGE
        MEMORY USAGE nokey
        MEMORY USAGE nokey SAMPLES
        SET x 1
        MEMORY USAGE x SAMPLES
        MEMORY USAGE x SAMPLES x
        MEMORY USAGE x SAMPLES -1
        MEMORY USAGE x FOO 1
        MEMORY USAGE x 5
        MEMORY DOCTOR x
        MEMORY PURGE
        MEMORY PURGE x
        MEMORY STATS x
        MEMORY MALLOC-STATS x
        MEMORY HELP x
        """)


# --- USAGE ----------------------------------------------------------------------------------------

def test_usage_of_one_key(client):
    for key, value in (("n", 1), ("s", "x" * 20), ("l", "x" * 5000), ("b", "x" * 100000)):
        client.call("SET", key, value)
        used = client.call("MEMORY", "USAGE", key)
        size = len(str(value)) if key != "n" else 1
        assert size < used < size * 1.05 + 50
        for samples in (0, 1, 100, 2**62):
            assert client.call("MEMORY", "USAGE", key, "SAMPLES", samples) == used
        client.call("EXPIRE", key, 1000)
        assert used <= client.call("MEMORY", "USAGE", key) <= used + 40 + size // 16
    assert client.call("MEMORY", "USAGE", "x", "SAMPLES", 1, "SAMPLES", 2) is None


def test_usage_does_not_use_the_key(client):
    client.call("SET", "x", 1)
    time.sleep(1.2)
    client.call("CONFIG", "RESETSTAT")
    client.call("MEMORY", "USAGE", "x")
    client.call("MEMORY", "USAGE", "nokey")
    stats = client.call("INFO", "stats")
    assert b"keyspace_hits:0\r\n" in stats and b"keyspace_misses:0\r\n" in stats
    assert client.call("OBJECT", "IDLETIME", "x") >= 1
    client.call("SET", "gone", 1, "PX", 10)
    time.sleep(0.05)
    assert client.call("MEMORY", "USAGE", "gone") is None


@figures
def test_usages_add_up_to_used_memory(client):
    """What keys are said to take is what the server takes for them."""
    before = memory(client)["used_memory"]
    sizes = {1: 20000, 30: 20000, 100: 20000, 1000: 5000, 20000: 300, 70000: 60}
    for size, count in sizes.items():
        client.call("DEBUG", "POPULATE", count, f"p{size}", size)
    requests = [("MEMORY", "USAGE", f"p{size}:{number}")
                for size, count in sizes.items() for number in range(count)]
    said = 0
    for first in range(0, len(requests), 1000):
        said += sum(client.pipeline(*requests[first:first + 1000]))
    taken = memory(client)["used_memory"] - before
    assert 0.98 * taken < said < 1.02 * taken


# --- STATS ----------------------------------------------------------------------------------------

def test_stats_as_redis(both):
    """Each field of Redis is there, with the same type, for as many databases."""
    for client in (both.snug, both.redis):
        client.call("SET", "x", 1)
        client.call("SELECT", 5)
        client.call("SET", "y", 1, "EX", 1000)
        client.call("SELECT", 0)
    ours, theirs = (pairs(client.call("MEMORY", "STATS")) for client in (both.snug, both.redis))
    missing = set(theirs) - set(ours)
    assert not missing
    for name, value in theirs.items():
        assert type(ours[name]) is type(value), name
    for name in ("db.0", "db.5"):
        assert set(pairs(theirs[name])) <= set(pairs(ours[name]))
    order = [name for name in ours if name in theirs]
    assert order == list(theirs)


def test_stats_add_up(any_client):
    any_client.call("DEBUG", "POPULATE", 100000 // SCALE, "key", 100)
    told = pairs(any_client.call("MEMORY", "STATS"))
    numbers = {name: float(value) for name, value in told.items() if not name.startswith("db.")}
    assert numbers["keys.count"] == 100000 // SCALE
    assert 100 < numbers["keys.bytes-per-key"] < 100 + 60 * SCALE
    assert numbers["total.allocated"] <= numbers["peak.allocated"]
    assert numbers["dataset.bytes"] == numbers["total.allocated"] - numbers["overhead.total"]
    assert 0 < numbers["dataset.percentage"] <= 100 and 0 < numbers["peak.percentage"] <= 100
    assert numbers["allocator.allocated"] <= numbers["allocator.active"] \
        <= numbers["allocator.resident"]
    assert numbers["allocator-fragmentation.bytes"] == \
        numbers["allocator.active"] - numbers["allocator.allocated"]
    assert numbers["heap.allocated"] <= numbers["heap.active"]
    table = pairs(told["db.0"])
    assert 0 < table["overhead.hashtable.main"] <= numbers["index.bytes"]
    info = memory(any_client)
    assert abs(info["used_memory"] - numbers["total.allocated"]) < MB


# --- what is held ---------------------------------------------------------------------------------

def resident(server):
    text = open(f"/proc/{server.process.pid}/smaps_rollup", encoding="ascii").read()
    return int(re.search(r"^Rss:\s+(\d+) kB", text, re.M).group(1)) * 1024


@figures
def test_held_memory_is_what_the_kernel_counts(start):
    """Without asking the kernel: for the heap at once, for what malloc keeps after a sample."""
    server = start("--enable-debug-command", "yes")
    client = server.client()
    for step, wait in ((("DEBUG", "POPULATE", 200000, "key", 100), 0),
                       (("SET", "big", "x" * (20 * MB)), 0.3), (("FLUSHALL",), 0.3)):
        client.call(*step)
        time.sleep(wait)
        told, real = memory(client)["held_memory"], resident(server)
        assert abs(told - real) < real * 0.02 + 2 * MB, step[0]


# --- DOCTOR ---------------------------------------------------------------------------------------

def doctor(client):
    return client.call("MEMORY", "DOCTOR").decode()


def test_doctor_of_an_empty_server(start):
    client = start().client()
    assert "Hardly any data" in doctor(client)
    client.call("HELLO", 3)
    assert isinstance(client.call("MEMORY", "DOCTOR"), Verbatim)


@figures
def test_doctor(start):
    server = start("--enable-debug-command", "yes", "--activedefrag", "no")
    client = server.client(timeout=60)
    for size in (40, 130, 200):
        client.call("DEBUG", "POPULATE", 150000, f"k{size}", size)
    assert "No memory issue found" in doctor(client)
    for size in (40, 130, 200):
        names = [f"k{size}:{number}" for number in range(150000) if number % 10 < 6]
        for first in range(0, len(names), 500):
            client.call("DEL", *names[first:first + 500])
    text = doctor(client)
    assert "Past peak" in text and "CONFIG SET activedefrag yes" in text
    client.call("CONFIG", "SET", "activedefrag", "yes", "active-defrag-cycle-min", 1,
                "active-defrag-cycle-max", 1, "active-defrag-ignore-bytes", "1gb")
    time.sleep(0.1)
    assert "lower active-defrag-ignore-bytes" in doctor(client)
    client.call("CONFIG", "SET", "active-defrag-ignore-bytes", "1mb")
    time.sleep(0.1)
    assert "raise active-defrag-cycle-max" in doctor(client)
    client.call("CONFIG", "SET", "active-defrag-cycle-min", 50, "active-defrag-cycle-max", 50)
    deadline = time.monotonic() + 60
    while "Fragmented heap" in doctor(client):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    client.call("CONFIG", "SET", "maxmemory", 2**60)
    assert "the kernel would end the process first" in doctor(client)
    hungry = [Client(server.port) for _ in range(3)]
    for other in hungry:
        other.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$9000000\r\n" + b"x" * 8000000)
    deadline = time.monotonic() + 20
    while "Big client buffers" not in doctor(client):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for other in hungry:
        other.close()


@figures
def test_doctor_of_scripts(start):
    client = start("--enable-debug-command", "yes").client(timeout=60)
    client.call("DEBUG", "POPULATE", 100000, "key", 100)
    assert "No memory issue found" in doctor(client)
    client.pipeline(*[("SCRIPT", "LOAD", f"return {number}") for number in range(1001)])
    assert "Many scripts: 1001" in doctor(client)
    client.call("SCRIPT", "FLUSH")
    assert "Many scripts" not in doctor(client)


def test_the_machine_and_the_group(client):
    told = memory(client)
    assert 0 < told["system_memory_limit"] <= told["total_system_memory"]
    share = told["used_memory_rss"] / told["system_memory_limit"]
    assert abs(told["system_memory_usage_ratio"] - share) < 0.001
    for name in ("cgroup_memory_limit", "cgroup_memory_high", "cgroup_memory_current"):
        assert 0 <= told[name] < told["total_system_memory"]


# --- PURGE and MALLOC-STATS -----------------------------------------------------------------------

@figures
def test_purge(client):
    client.call("DEBUG", "POPULATE", 300000, "key", 200)
    full = memory(client)
    client.call("FLUSHALL", "SYNC")
    assert client.call("MEMORY", "PURGE") == Status("OK")
    after = memory(client)
    assert after["heap_free_spans_bytes"] == 0
    assert after["used_memory_rss"] < full["used_memory_rss"] - 40 * MB


def test_malloc_stats(any_client):
    text = any_client.call("MEMORY", "MALLOC-STATS")
    assert isinstance(text, Verbatim) == (any_client.resp == 3)
    name = re.search(rb"mem_allocator:(\w+)", any_client.call("INFO", "memory"))[1]
    assert len(text) > 20
    assert name != b"jemalloc" or b"jemalloc statistics" in text


# --- MAP ------------------------------------------------------------------------------------------

def lanes_of(told):
    return [pairs(lane) for lane in told["lanes"]]


def test_map_of_an_empty_server(any_client):
    told = pairs(any_client.call("MEMORY", "MAP"))
    assert told["lanes"] == [] and told["allocated"] == told["runs"] == 0


def test_map(any_client):
    for size, count in ((10, 20000), (100, 10000), (3000, 300), (70000, 10)):
        any_client.call("DEBUG", "POPULATE", max(10, count // SCALE), f"p{size}", size)
    any_client.call("PEXPIRE", "p100:3", 10**8)
    any_client.call("MULTI")  # nothing moves in between
    any_client.call("MEMORY", "MAP")
    any_client.call("INFO", "memory")
    told, text = any_client.call("EXEC")
    told, info = pairs(told), figures_of(text)
    lanes = lanes_of(told)
    assert told["runs"] == 10 and told["run-bytes"] >= 700000
    live = sum(lane["live-bytes"] for lane in lanes)
    assert live + told["run-bytes"] == told["allocated"] == info["heap_allocated"]
    assert told["active"] == info["heap_active"]
    assert told["active"] + told["free-spans-bytes"] + told["tables-bytes"] == \
        told["committed-bytes"] == info["heap_committed"]
    assert told["rounding-bytes"] == info["heap_rounding_bytes"]
    assert told["reclaimable-bytes"] == sum(lane["reclaimable-bytes"] for lane in lanes)
    assert sum(lane["live-cells"] for lane in lanes) + told["runs"] == info["heap_blocks"]
    assert len({lane["kind"] for lane in lanes}) == 2
    for lane in lanes:
        assert lane["live-bytes"] == lane["live-cells"] * lane["cell-bytes"]
        assert len(lane["occupancy"]) == 16
        assert sum(lane["occupancy"]) == lane["spans"] > 0
        assert (lane["live-cells"] + lane["free-cells"]) * lane["cell-bytes"] \
            <= lane["spans"] * lane["span-bytes"]


@figures
def test_map_foretells_what_moving_gives(start):
    client = start("--enable-debug-command", "yes", "--activedefrag", "no").client(timeout=60)
    client.call("DEBUG", "POPULATE", 300000, "key", 100)
    names = [f"key:{number}" for number in range(300000) if number % 10 < 6]
    for first in range(0, len(names), 500):
        client.call("DEL", *names[first:first + 500])
    before = pairs(client.call("MEMORY", "MAP"))
    lane = max(lanes_of(before), key=lambda lane: lane["spans"])
    assert lane["occupancy"][15] == 0 and sum(lane["occupancy"][4:9]) > 0.9 * lane["spans"]
    assert before["reclaimable-bytes"] > 0.5 * before["active"] and before["move-cost-us"] > 0
    client.call("CONFIG", "SET", "activedefrag", "yes", "active-defrag-ignore-bytes", 1,
                "active-defrag-threshold-lower", 0, "active-defrag-threshold-stop", 0)
    deadline = time.monotonic() + 60
    while (after := pairs(client.call("MEMORY", "MAP")))["reclaimable-bytes"] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    returned = before["active"] - after["active"]
    assert abs(returned - before["reclaimable-bytes"]) <= before["reclaimable-bytes"] * 0.02
    moved = memory(client)["heap_moved_bytes"]
    assert 0.5 * moved < before["move-bytes"] < 2 * moved
    lane = max(lanes_of(after), key=lambda lane: lane["spans"])
    assert lane["occupancy"][15] >= lane["spans"] - 2


def test_help(any_client):
    lines = any_client.call("MEMORY", "HELP")
    assert all(isinstance(line, Status) for line in lines)
    for name in ("DOCTOR", "MALLOC-STATS", "MAP", "PURGE", "STATS",
                 "USAGE <key> [SAMPLES <count>]", "HELP"):
        assert name in lines


def test_errors_are_errors(client):
    assert isinstance(client.call("MEMORY", "NOSUCH"), Error)
