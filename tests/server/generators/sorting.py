"""Arguments of the commands on sort keys.

What is sorted are the keys of lists, sets and sorted sets, and lists that SORT itself has stored.
Members are numbers and letters, so that patterns lead to keys of the other generators.
"""

from generators.primitives import *  # noqa: F403
from known_differences import without_limit

PATTERNS = [b"*", b"k*", b"nope*", b"hash*->f1", b"hash*->1", b"*->a", b"set*", b"#", b"a", b"",
            b"*->", b"k*->x", b"**", b"#x", b"nosort"]


def sorted_key(r):
    return key_of(r, r.choice(["list", "set", "zset", "sort", "set"]))


def limit(r):
    return [word(r, "LIMIT"), r.choice([0, 0, 1, 2, 5, integer(r)]),
            r.choice([0, 1, 2, 5, 100, -1, integer(r)])]


def options(r):
    found = some(r, ["ASC", "DESC", "ALPHA", "ALPHA", limit,
                     lambda r: [word(r, "GET"), r.choice(PATTERNS)],
                     lambda r: [word(r, "GET"), b"#"]], 4)
    if r.random() < 0.35:
        found += [word(r, "BY"), r.choice(PATTERNS)]
    return found


def sort_arguments(r):
    """What is stored must not be in an order that a server is free to choose."""
    found = options(r)
    if r.random() < 0.4:
        words = [str(option).lower() for option in found]
        if "alpha" not in words or "by" not in words:
            found += [word(r, "STORE"), key_of(r, "sort")]
    return [sorted_key(r)] + found


GENERATORS = {
    "sort": sort_arguments,
    "sort_ro": lambda r: [sorted_key(r)] + options(r),
}
WEIGHTS = {"sort": 4, "sort_ro": 2}
EXCLUDED = {}


def before(_, command):
    """Redis-server remembers from the last number that some command has read, when SORT has not
    read one, that it was too large: ZADD reads one that is not. A slice is compared by the
    whole."""
    whole = without_limit(command)
    return [(b"ZADD", b"missing", b"XX", b"0", b"a")] + ([whole] if whole != command else [])


BEFORE = {"sort": before, "sort_ro": before}


def audit():
    found = []
    for name in POOLS["sort"]:
        found += [(b"SORT_RO", name, b"BY", b"nosort"), (b"OBJECT", b"ENCODING", name)]
    return found
