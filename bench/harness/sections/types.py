"""Collections, small and big: bytes an element, and server CPU an operation."""

from dataclasses import dataclass, field
import statistics

from harness.goals import BY_NAME
from harness.sections import memory, throughput
from harness.sections.memory import Row

SMALL, BIG = (200_000, 1_000_000), (1_000_000, 5_000_000)

# Small collections: keys of 16 B; fields f0 to f4; members of 16 B, scores counted as 8 B. Of
# streams the fields and values count, not the ids.
MEMORY = [
    Row("memory.hash.small", "hashes of 5 fields x 16 B, a key", SMALL, 16 + 5 * 18,
        {"command": "hset-key", "value_bytes": 16}),
    Row("memory.set.small", "sets of 10 integers, bytes a key in all", SMALL, 0,
        {"command": "sadd-key"}),
    Row("memory.zset.small", "sorted sets of 10 members, a key", SMALL, 16 + 10 * 24,
        {"command": "zadd-key"}),
    Row(None, "lists of 10 items of 16 B, a key", SMALL, 16 + 10 * 16,
        {"command": "rpush-key", "value_bytes": 16}),
    Row("memory.zset.big", "a sorted set, members of 16 B, a member", BIG, 24,
        {"command": "zadd", "prefix": "big"}),
    Row("memory.hash.big", "a hash, 16 B + 16 B, a field", BIG, 32,
        {"command": "hset", "prefix": "big", "value_bytes": 16}),
    Row("memory.set.big", "a set, members of 16 B, a member", BIG, 16,
        {"command": "sadd", "prefix": "big"}),
    Row("memory.list.big", "a list, items of 16 B, an item", BIG, 16,
        {"command": "rpush", "prefix": "big", "value_bytes": 16}),
    Row(None, "a stream, entries of 2 B + 16 B, an entry", BIG, 18,
        {"command": "xadd", "prefix": "big", "value_bytes": 16}),
]


@dataclass(frozen=True)
class Work:
    """An operation, and the fill that makes what it works on; rows of one fill share it."""
    goal: str         # speed.GOAL.PIPELINE
    what: str
    command: str
    fill: str
    keys: tuple       # usual and full; of one big collection its elements
    more: dict = field(default_factory=dict)


def big(goal, what, command, fill):
    return Work(goal, what, command, fill, (1_000_000, 1_000_000), {"prefix": "big"})


def small(what, command, fill):
    return Work("", what, command, fill, (100_000, 1_000_000))


# What reads comes before what changes the length.
WORK = [
    small("HSET, hashes of 5", "hset-one", "hset-key"),
    small("SADD, sets of 10 integers", "sadd-one", "sadd-key"),
    small("ZRANGE of all, sorted sets of 10", "zrange-key", "zadd-key"),
    small("ZADD, sorted sets of 10", "zadd-one", "zadd-key"),
    small("LRANGE of all, lists of 10", "lrange-key", "rpush-key"),
    small("LPUSH, lists of 10", "lpush-one", "rpush-key"),
    small("XADD, many streams", "xadd-one", "xadd-one"),
    big("hset", "HSET, one hash", "hset", "hset"),
    big("sadd", "SADD, one set", "sadd", "sadd"),
    big("zrange", "ZRANGE of the first 100, one sorted set", "zrange", "zadd"),
    big("zrange-at", "ZRANGE of 10 anywhere, one sorted set", "zrange-at", "zadd"),
    big("zadd", "ZADD, one sorted set", "zadd", "zadd"),
    big("lrange", "LRANGE of the first 100, one list", "lrange", "rpush"),
    big("lrange-at", "LRANGE of 10 anywhere, one list", "lrange-at", "rpush"),
    big("lpush", "LPUSH, one list", "lpush", "rpush"),
    big("xadd", "XADD, one stream", "xadd", "xadd"),
]
PIPELINES = (1, 16, 100)


def limit_of(name):
    goal = BY_NAME.get(name)
    return None if goal is None else goal.limit


def heads(context, unit):
    """A column for each server, and one for the ratio to each peer."""
    return [f"{spec.label}, {unit}" for spec in context.specs] + [
        f"ratio to {spec.label}" for spec in context.peers]


def ratio_of(ours, theirs):
    known = isinstance(ours, float) and isinstance(theirs, float) and theirs > 0
    return ours / theirs if known else None


# ---- bytes ---------------------------------------------------------------------------------------


def memory_line(context, row):
    figures = [memory.measure(context, spec, row) for spec in context.specs]
    overheads = [overhead for overhead, _, _ in figures]
    if row.goal and not isinstance(overheads[0], str):
        context.figure(context.subject, row.goal, overheads[0])
    return [row.what, f"{context.size(*row.items):,}", limit_of(row.goal), *overheads,
            *[ratio_of(overheads[0], theirs) for theirs in overheads[1:]], figures[0][1]]


def run_memory(context):
    head = ["what", "items", "goal, B", *heads(context, "B"),
            f"{context.subject.label}: peak over end, %"]
    context.report.table("Collections: bytes beyond the payload, by RSS", head,
                         [memory_line(context, row) for row in MEMORY])


# ---- CPU -----------------------------------------------------------------------------------------


def able(context, servers, work):
    """Those that know the command, emptied and filled anew."""
    known = [server for server in servers if context.generator.knows(server, work.fill)[0]
             and context.generator.knows(server, work.command)[0]]
    for server in servers:
        if server not in known:
            context.report.note(f"{server.label} does not know {work.command}: skipped.")
    for server in known:
        context.generator.fill(server, context.size(*work.keys), command=work.fill, value_bytes=64,
                               **work.more)
    return known


def cpu_line(context, servers, runs, work, pipeline):
    name = f"speed.{work.goal}.{pipeline}"
    medians = [statistics.median(run["cpu_us"] for run in runs[server]) if server in runs else None
               for server in servers]
    ratios = [throughput.ratio(runs, servers[0], peer) if {servers[0], peer} <= runs.keys() else
              None for peer in servers[1:]]
    if ratios and ratios[0] is not None:
        throughput.figure_if_goal(context, name, ratios[0])
    return [f"{work.what}, {pipeline}", limit_of(name), *medians, *ratios]


def run_cpu(context):
    rows, filled, known = [], None, []
    with context.all_servers() as servers:
        for work in WORK:
            if filled != work.fill:
                known, filled = able(context, servers, work), work.fill
            for pipeline in PIPELINES if known else ():
                runs = throughput.measure_row(context, known, work.command, work.more, pipeline,
                                              context.size(*work.keys))
                rows.append(cpu_line(context, servers, runs, work, pipeline))
    context.report.table(
        f"Collections: server CPU an operation; {throughput.CLIENTS} clients, values of 64 B, "
        f"{context.size(*WORK[0].keys):,} small keys or one of {context.size(*WORK[-1].keys):,} "
        f"elements; medians of {context.rounds} turns of {context.seconds:g} s",
        ["command, pipeline", "goal", *heads(context, "us")], rows)
