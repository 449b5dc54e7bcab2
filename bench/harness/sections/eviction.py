"""maxmemory: hits of LRU and LFU beside exact orders of as many keys, and how far the resident set
passes the limit where sizes of values shift. Servers run side by side, on the same accesses."""

import bisect
import collections
import itertools
import random
import time

from harness.server import Connection

KEYS = 12_000
LIMIT = 16 * 2**20
VALUE = b"v" * 2000
BATCH = 100
PATTERNS = ("zipf", "scan", "shifting")
POLICIES = ("allkeys-lru", "allkeys-lfu")
SHIFTS = [(10, 10), (100, 100), (1000, 1000), (10_000, 10_000), (100_000, 100_000), (10, 100_000),
          (10, 10), (50_000, 50_000), (30, 300)]
SHIFT_LIMIT = 32 * 2**20
SHIFT_POLICIES = ("allkeys-lru", "allkeys-random", "volatile-ttl")


def accesses(pattern, count):
    """Popular keys; with a walk over all keys between; or popular ones that change by and by."""
    rng = random.Random(11)
    sums = list(itertools.accumulate(1 / (rank + 1) ** 0.9 for rank in range(KEYS)))
    walk = itertools.cycle(range(KEYS))
    for number in range(count):
        rank = bisect.bisect(sums, rng.random() * sums[-1])
        if pattern == "scan" and number * 12 // count % 3 == 2:
            yield next(walk)
        elif pattern == "shifting":
            yield (rank + number * 6 // count * 1000) % KEYS
        else:
            yield rank


def exact_hits(policy, pattern, count, room):
    """Hits in the second half with room for so many keys."""
    held, counts, hits = collections.OrderedDict(), collections.Counter(), 0
    by_count = collections.defaultdict(collections.OrderedDict)
    for number, key in enumerate(accesses(pattern, count)):
        hit = key in held
        hits += hit and number >= count // 2
        if not hit and len(held) >= room:
            if policy == "allkeys-lru":
                held.popitem(last=False)
            else:
                least = min(uses for uses, keys in by_count.items() if keys)
                gone, _ = by_count[least].popitem(last=False)
                del held[gone]
                counts[gone] = 0
        by_count[counts[key]].pop(key, None)
        counts[key] += 1
        by_count[counts[key]][key] = held[key] = True
        held.move_to_end(key)
    return hits / (count - count // 2)


def read_through(connection, keys):
    """As an application does: what is missing is written. Returns the hits."""
    for key in keys:
        connection.send("GET", f"key:{key}")
    missing = [key for key in keys if connection.receive() is None]
    for key in missing:
        connection.send("SET", f"key:{key}", VALUE)
    for _ in missing:
        connection.receive()
    return len(keys) - len(missing)


def measure_hits(servers, policy, pattern, count, seconds):
    hits = collections.Counter()
    connections = {server: Connection(server.port) for server in servers}
    for server in servers:
        server.call("FLUSHALL")
        server.call("CONFIG", "SET", "maxmemory", LIMIT, "maxmemory-policy", policy)
    sequence, began = accesses(pattern, count), time.monotonic()
    for number in range(0, count, BATCH):
        keys = list(itertools.islice(sequence, BATCH))
        for server in servers:
            found = read_through(connections[server], keys)
            hits[server] += found if number >= count // 2 else 0
        time.sleep(max(0, began + seconds * number / count - time.monotonic()))
    rows = []
    for server in servers:
        room = server.call("DBSIZE")
        exact = exact_hits(policy, pattern, count, room)
        share = hits[server] / (count - count // 2)
        rows.append([policy, pattern, server.label, room, f"{exact:.4f}", f"{share:.4f}",
                     f"{100 * share / exact:.1f} %"])
    for connection in connections.values():
        connection.close()
    return rows


def write_shifting(server, policy):
    """Returns the peak of the resident set."""
    rng, number = random.Random(7), 0
    content = rng.randbytes(100_000)
    expiry = ["EX", 5000] if policy.startswith("volatile") else []
    connection = Connection(server.port)
    server.call("FLUSHALL")
    server.call("CONFIG", "SET", "maxmemory", SHIFT_LIMIT, "maxmemory-policy", policy)
    server.peak_reset()
    for least, most in SHIFTS:
        written = count = 0
        while written < SHIFT_LIMIT * 1.3 and count < 30_000:
            for sent in range(1, BATCH + 1):
                size = int(least * (most / least) ** rng.random())
                number += 1
                key = rng.randrange(number) if rng.random() < 0.3 else number
                connection.send("SET", f"key:{key}", content[:size], *expiry)
                written += size + 60
                if size * sent > 1_000_000:
                    break
            for _ in range(sent):
                connection.receive()
            count += sent
    connection.close()
    return server.peak()


def run(context):
    count, seconds = context.size(60_000, 240_000), max(context.seconds * 12, 3)
    with context.all_servers("--maxmemory-samples", "5") as servers:
        rows = []
        for policy in POLICIES:
            for pattern in PATTERNS:
                rows += measure_hits(servers, policy, pattern, count, seconds)
        context.report.table(
            f"Hits under maxmemory {LIMIT >> 20} MB, five samples, beside an exact order of as "
            "many keys", ["policy", "pattern", "server", "keys", "exact", "hits", "of exact"], rows)
    rows = []
    for policy in SHIFT_POLICIES:
        with context.all_servers() as servers:
            for server in servers:
                peak = write_shifting(server, policy)
                rows.append([policy, server.label, f"{peak / 2**20:.0f} MB",
                             f"{100 * peak / SHIFT_LIMIT:.0f} %"])
    context.report.table(
        f"Peak of RSS under maxmemory {SHIFT_LIMIT >> 20} MB, values from 10 bytes to 100 KB in "
        "turn", ["policy", "server", "peak", "of the limit"], rows)
