"""Arguments of the commands on stream keys.

No id is made of the time ("*"), and nobody waits (BLOCK): replies would not compare. Idle times are
so far apart that the moment of a command does not matter.
"""

from generators.primitives import *  # noqa: F403

GROUPS = [b"g1", b"g2", b"a group of more than sixteen", b"a group of more than sixteen 2", b""]
CONSUMERS = [b"alice", b"bob", b"carol", b"a consumer of more than sixteen", b""]
ODD_IDS = [b"0-0", b"0", b"0-1", b"-", b"+", b"(1-1", b"(-", b"(+", b"(0-0", b"(", b"*", b"1-*",
           b"0-*",
           b"18446744073709551615", b"18446744073709551615-18446744073709551615",
           b"(18446744073709551615-18446744073709551615",
           b"18446744073709551615-18446744073709551614", b"18446744073709551615-*",
           b"18446744073709551616-0", b"1-18446744073709551616", b"-1", b"-1-1", b"1--1", b"1-",
           b"-1-", b"1-1-1", b"", b"$", b">", b"abc", b"1.5", b" 1-1", b"+1- 2", b"01-02", b"1-+5",
           b"9223372036854775807-9223372036854775807", b"9223372036854775808-1", b"1\x002-3",
           b"1" * 130]


def stream(r):
    """Mostly one, so that a sequence of commands makes something of it."""
    return b"stream1" if r.random() < 0.6 else key_of(r, "stream")


def near_id(r):
    """Ids that meet each other."""
    if r.random() < 0.8:
        return f"{r.choice([100, 200, 300, 400, 400, 400])}-{r.randint(0, 14)}".encode()
    ms = r.randint(0, 400) if r.random() < 0.9 else r.choice([2**16, 2**32])
    return f"{ms}-{r.randint(0, 3)}".encode() if r.random() < 0.8 else str(ms).encode()


def some_id(r):
    return near_id(r) if r.random() < 0.93 else r.choice(ODD_IDS)


def new_id(r):
    """Mostly one that goes on from whatever is there. Past 400 hardly anything goes on."""
    chance = r.random()
    if chance < 0.85:
        return r.choice([b"100-*", b"200-*", b"300-*", b"400-*", b"400-*", b"400-*", b"400-*"])
    if chance < 0.97:
        return f"{r.randint(0, 400)}-{r.randint(0, 20)}".encode()
    odd = r.choice(ODD_IDS)
    return b"400-*" if odd == b"*" or r.random() < 0.7 else odd


def start(r):
    chance = r.random()
    if chance < 0.6:
        return b"-"
    return b"(" + near_id(r) if chance < 0.7 else some_id(r)


def end(r):
    chance = r.random()
    if chance < 0.6:
        return b"+"
    return b"(" + near_id(r) if chance < 0.7 else some_id(r)


def field(r):
    return r.choice([b"f", b"g", b"field", b"1", b"", b"temperature"]) if r.random() < 0.97 else \
        value(r)


def pairs(r):
    """Often the same fields again, as streams have them."""
    chance = r.random()
    if chance < 0.06:
        return [b"f", b"v" * r.choice([1000, 1500, 4000])]
    if chance < 0.5:
        return [b"f", value(r)]
    if chance < 0.75:
        return [b"f", r.randint(0, 1000), b"g", r.randint(0, 1000)]
    return [part for _ in range(r.randint(1, 4)) for part in (field(r), value(r))]


def limit(r):
    return [word(r, "LIMIT"), r.choice([0, 1, 10, 100, 1000, -1, b"x", 2**63 - 1])]


def trimming(r):
    strategy = word(r, "MAXLEN", "MAXLEN", "MINID")
    operator = r.choice([[], [b"="], [b"~"], [b"~"]])
    if strategy.upper() == "MAXLEN":
        threshold = r.choice([r.randint(0, 40), r.randint(10, 30)]) if r.random() < 0.95 \
            else integer(r)
    else:
        threshold = some_id(r)
    limited = r.random() < (0.3 if operator == [b"~"] else 0.04)
    return [strategy] + operator + [threshold] + (limit(r) if limited else [])


def xadd_arguments(r):
    arguments = [stream(r)]
    if r.random() < 0.05:
        arguments += [word(r, "NOMKSTREAM")]
    if r.random() < 0.12:
        arguments += trimming(r)
    if r.random() < 0.01:
        arguments += r.choice([trimming(r), limit(r)])
    return arguments + [new_id(r)] + pairs(r)


def xtrim_arguments(r):
    return [stream(r)] + trimming(r) + (trimming(r) if r.random() < 0.03 else [])


def ids(r, most=4):
    return [some_id(r) if r.random() < 0.03 else near_id(r) for _ in range(r.randint(1, most))]


def count(r):
    return [word(r, "COUNT"), r.choice([1, 2, 3, 10, 100]) if r.random() < 0.85 else integer(r)]


def xrange_arguments(r):
    return [stream(r), start(r), end(r)] + (count(r) if r.random() < 0.5 else [])


def xrevrange_arguments(r):
    return [stream(r), end(r), start(r)] + (count(r) if r.random() < 0.5 else [])


def xsetid_arguments(r):
    """Never less than what XDEL has removed, or is told to have, which 7.0 takes."""
    arguments = [stream(r), f"400-{r.randint(15, 40)}" if r.random() < 0.9
                 else r.choice([b"2000-0", b"-", b"+", b"*", b"x", b"9223372036854775807-1"])]
    if r.random() < 0.3:
        arguments += [word(r, "ENTRIESADDED"), r.choice([r.randint(0, 1000), integer(r)])]
    if r.random() < 0.3:
        arguments += [word(r, "MAXDELETEDID"), f"400-{r.randint(0, 15)}"]
    return arguments


def group(r):
    return b"g1" if r.random() < 0.75 else r.choice(GROUPS)


def consumer(r):
    return r.choice(CONSUMERS[:3]) if r.random() < 0.9 else r.choice(CONSUMERS)


def entries_read(r):
    return [word(r, "ENTRIESREAD"), r.choice([0, 1, 5, 100, -1, -2, b"x"])]


def xgroup_arguments(r):
    chance = r.random()
    if chance < 0.45:
        return [word(r, "CREATE"), stream(r), group(r),
                r.choice([b"0", b"0", b"0-0", b"$", some_id(r)])] + \
            (["MKSTREAM"] if r.random() < 0.8 else
             some(r, ["MKSTREAM", "MKSTREAM", entries_read, "ENTRIESREAD"], 2))
    if chance < 0.6:
        return [word(r, "SETID"), stream(r), group(r), r.choice([b"$", b"0", some_id(r)])] + \
            some(r, [entries_read, "MKSTREAM"], 1)
    if chance < 0.66:
        return [word(r, "DESTROY"), stream(r), group(r)]
    if chance < 0.88:
        return [word(r, "CREATECONSUMER"), stream(r), group(r), consumer(r)]
    if chance < 0.95:
        return [word(r, "DELCONSUMER"), stream(r), group(r), consumer(r)]
    return [word(r, "HELP", "CREATE", "SETID", "NONSENSE")] + some(r, [stream, group], 2) \
        if r.random() < 0.3 else [word(r, "HELP")]


def streams(r, last):
    """Keys, then as many ids, but for a mistake."""
    number = r.choice([1, 1, 1, 2, 3])
    keys_of = [stream(r) for _ in range(number)]
    ids_of = [last(r) for _ in range(number)]
    return [word(r, "STREAMS")] + keys_of + (ids_of if r.random() < 0.97 else ids_of[1:])


def after(r):
    """Without + which 7.0 does not know."""
    chance = r.random()
    if chance < 0.4:
        return b"0"
    found = b"$" if chance < 0.5 else some_id(r)
    return b"0-0" if found == b"+" else found


def xread_arguments(r):
    return (count(r) if r.random() < 0.5 else []) + \
        ([word(r, "NOACK", "GROUP")] if r.random() < 0.02 else []) + streams(r, after)


def xreadgroup_arguments(r):
    def last(r):
        return b">" if r.random() < 0.75 else after(r)
    options = count(r) if r.random() < 0.7 else []
    if r.random() < 0.1:
        options += [word(r, "NOACK")]
    return [word(r, "GROUP"), group(r), consumer(r)] + options + streams(r, last)


def xack_arguments(r):
    return [stream(r), group(r)] + ids(r)


IDLE = [0, 0, 0, 0, 0, 0, 0, 10**6, 10**6, 10**12, -5, b"x"]


def xpending_arguments(r):
    arguments = [stream(r), group(r)]
    if r.random() < 0.25:
        return arguments
    if r.random() < 0.3:
        arguments += [word(r, "IDLE"), r.choice(IDLE)]
    arguments += [start(r), end(r), r.choice([1, 2, 10, 100]) if r.random() < 0.85 else
                  r.choice([0, -1, integer(r)])]
    return arguments + ([consumer(r)] if r.random() < 0.4 else [])


def xclaim_arguments(r):
    return [stream(r), group(r), consumer(r), r.choice(IDLE)] + ids(r, 6) + some(
        r, ["FORCE", "FORCE", "JUSTID", "NONSENSE" if r.random() < 0.05 else "FORCE",
            lambda r: [word(r, "IDLE"), r.choice([0, 10**9, -1, 2**63 - 1, b"x"])],
            lambda r: [word(r, "TIME"), r.choice([0, 1, 10**9, -1, 2**62, b"x"])],
            lambda r: [word(r, "RETRYCOUNT"), r.choice([0, 1, 7, -1, 2**63 - 1, b"x"])],
            lambda r: [word(r, "LASTID"), some_id(r)]], 3)


def xautoclaim_arguments(r):
    return [stream(r), group(r), consumer(r), r.choice(IDLE), start(r)] + some(
        r, ["JUSTID", lambda r: [word(r, "COUNT"), r.choice([1, 2, 2, 3, 5, 10] if r.random() < 0.85
                                                           else [0, -1, 2**59, b"x"])]], 2)


def xinfo_arguments(r):
    chance = r.random()
    if chance < 0.3:
        return [word(r, "STREAM"), stream(r)]
    if chance < 0.6:
        full = [word(r, "FULL")] + (count(r) if r.random() < 0.5 else [])
        return [word(r, "STREAM"), stream(r)] + (full if r.random() < 0.95 else full[1:])
    if chance < 0.8:
        return [word(r, "GROUPS"), stream(r)]
    if chance < 0.97:
        return [word(r, "CONSUMERS"), stream(r), group(r)]
    return [word(r, "HELP", "NONSENSE")]


GENERATORS = {
    "xadd": xadd_arguments,
    "xtrim": xtrim_arguments,
    "xdel": lambda r: [stream(r)] + ids(r, 8),
    "xlen": lambda r: [stream(r)],
    "xrange": xrange_arguments,
    "xrevrange": xrevrange_arguments,
    "xsetid": xsetid_arguments,
    "xread": xread_arguments,
    "xreadgroup": xreadgroup_arguments,
    "xgroup": xgroup_arguments,
    "xack": xack_arguments,
    "xpending": xpending_arguments,
    "xclaim": xclaim_arguments,
    "xautoclaim": xautoclaim_arguments,
    "xinfo": xinfo_arguments,
}
WEIGHTS = {"xadd": 4, "xlen": 0.4, "xsetid": 0.15, "xtrim": 0.5, "xgroup": 1.5, "xreadgroup": 1.5,
           "xrevrange": 0.7}
EXCLUDED = {}


def audit():
    found = []
    for name in POOLS["stream"]:
        found += [(b"XRANGE", name, b"-", b"+"), (b"XINFO", b"STREAM", name),
                  (b"XINFO", b"STREAM", name, b"FULL", b"COUNT", b"0"), (b"TYPE", name),
                  (b"OBJECT", b"ENCODING", name)]
        found += [(b"XPENDING", name, each, b"-", b"+", b"1000") for each in GROUPS]
    return found
