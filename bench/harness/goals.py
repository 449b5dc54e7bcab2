"""The goals: one row a figure. `limit` is the most the figure may be.

Times and latencies are judged on a quiet machine only: a neighbour makes them miss, or, by spoiling
what they are compared with, makes them pass. A figure is recorded under the row's name by the
section that measures it. Ratios are to the first peer of the same run (redis-server), the only peer
for whose version the limits were set.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    name: str
    text: str
    limit: float
    unit: str
    needs_quiet: bool = False  # a neighbour on the machine decides it, either way


GOALS = [
    Goal("memory.string.8", "strings of 8 B: overhead a key", 18, "B"),
    Goal("memory.string.32", "strings of 32 B: overhead a key", 20, "B"),
    Goal("memory.string.64", "strings of 64 B: overhead a key", 20, "B"),
    Goal("memory.string.100", "strings of 100 B: overhead a key", 22, "B"),
    Goal("memory.string.1024", "strings of 1,024 B: overhead a key", 45, "B"),
    Goal("memory.ttl.32", "strings of 32 B with a TTL: overhead a key", 26, "B"),
    Goal("memory.hash.small", "hashes of 5 fields x 16 B: overhead a key", 40, "B"),
    Goal("memory.set.small", "sets of 10 integers of 9 digits: bytes a key in all", 85, "B"),
    Goal("memory.zset.small", "sorted sets of 10 members: overhead a key", 40, "B"),
    Goal("memory.zset.big", "a big sorted set, members of 16 B: overhead a member", 28, "B"),
    Goal("memory.hash.big", "a big hash, 16 B + 16 B: overhead a field", 8, "B"),
    Goal("memory.set.big", "a big set, members of 16 B: overhead a member", 6, "B"),
    Goal("memory.list.big", "a big list, items of 16 B: overhead an item", 2.3, "B"),
    Goal("load.peak", "peak of RSS over its end while loading", 2, "%"),
    Goal("load.deleted", "RSS over empty when all keys are deleted", 8, "MiB"),
    Goal("load.flushed", "RSS over empty after FLUSHALL", 8, "MiB"),
    Goal("load.client", "an idle client", 2, "KB"),
    Goal("load.empty", "RSS of an empty server", 6, "MB"),
    Goal("f1.flat", "F1: RSS flat after", 3, "s", needs_quiet=True),
    Goal("f1.cpu", "F1: CPU spent by defragmentation", 1, "s", needs_quiet=True),
    Goal("f2.flat", "F2: RSS flat after", 1.5, "s", needs_quiet=True),
    Goal("f2.cpu", "F2: CPU spent by defragmentation", 0.35, "s", needs_quiet=True),
    Goal("f2.rss", "F2: RSS at the end over live payload", 1.18, "x"),
    Goal("f2.p99", "F2: p99 of a client, during less before", 0.15, "ms", needs_quiet=True),
    Goal("f2.p999", "F2: p99.9 of a client, during less before", 0.5, "ms", needs_quiet=True),
    *[Goal(f"f3.w{n}", f"F3 W{n}: peak of RSS over live payload + 20 B an object", 1.08, "x")
      for n in range(1, 9)],
    Goal("ttl.late", "TTL: a key outlives its time by", 1, "s", needs_quiet=True),
    Goal("ttl.flat", "TTL: most RSS over least, at a steady load", 1.15, "x", needs_quiet=True),
    Goal("snapshot.bgsave.peak", "BGSAVE, keys rewritten: peak of memory over RSS before", 5, "%"),
    Goal("snapshot.bgsave.stall", "BGSAVE: longest stall", 1, "ms", needs_quiet=True),
    Goal("snapshot.bgrewriteaof.peak", "BGREWRITEAOF, the same: peak of memory over RSS before", 5,
         "%"),
    Goal("snapshot.bgrewriteaof.stall", "BGREWRITEAOF: longest stall", 1, "ms", needs_quiet=True),
    Goal("speed.get.100", "GET, pipeline 100: CPU an operation", 0.22, "of peer"),
    Goal("speed.set.100", "SET, pipeline 100: CPU an operation", 0.22, "of peer"),
    Goal("speed.get.16", "GET, pipeline 16: CPU an operation", 0.36, "of peer"),
    Goal("speed.set.16", "SET, pipeline 16: CPU an operation", 0.36, "of peer"),
    Goal("speed.get.1", "GET, no pipeline: CPU an operation", 0.85, "of peer"),
    Goal("speed.mget.16", "MGET of 10, pipeline 16: CPU an operation", 0.16, "of peer"),
    Goal("speed.zadd.16", "ZADD to one sorted set, pipeline 16: CPU an operation", 0.33,
         "of peer"),
    Goal("speed.hset.100", "HSET, pipeline 100: CPU an operation", 0.35, "of peer"),
    Goal("speed.lpush.100", "LPUSH, pipeline 100: CPU an operation", 0.35, "of peer"),
    Goal("speed.incr.100", "INCR, pipeline 100: CPU an operation", 0.28, "of peer"),
]

BY_NAME = {goal.name: goal for goal in GOALS}
