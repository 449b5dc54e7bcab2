"""Arguments of the commands on list keys."""

from generators.primitives import *  # noqa: F403

LONG = [b"l" * 62, b"m" * 63, b"n" * 64, b"o" * 126, b"p" * 127, b"q" * 128, b"r" * 2040,
        b"s" * 4095, b"t" * 4096, b"u" * 8190, b"v" * 16383, b"w" * 32768, b"x" * 32769]


def list_key(r):
    return key_of(r, "list")


def item(r):
    """Few different ones, so that equal ones meet."""
    chance = r.random()
    if chance < 0.4:
        return r.randint(-3, 12)
    if chance < 0.5:
        return number_text(r)
    if chance < 0.9:
        return r.choice([b"a", b"b", b"c", b"", b"item:1", b"item:2", b"01", b"x y"])
    return r.choice(LONG) if chance < 0.94 else value(r)


def items(r):
    if r.random() < 0.05:
        return [r.choice([b"%d" % number, b"item:%011d" % number])
                for number in range(r.choice([60, 128, 200, 454, 455, 600]))]
    return [item(r) for _ in range(r.randint(1, 8))]


def push_arguments(r):
    return [list_key(r)] + items(r)


def index(r):
    chance = r.random()
    if chance < 0.8:
        return r.randint(-8, 8)
    return r.choice([100, -100, 453, 454, 1000, -1000, integer(r)])


def pop_arguments(r):
    arguments = [list_key(r)]
    if r.random() < 0.5:
        arguments.append(r.choice([0, 1, 2, 3, 10, 300, 2**40, integer(r)]))
    return arguments + (["x"] if r.random() < 0.02 else [])


def lrem_arguments(r):
    return [list_key(r), r.choice([0, 1, -1, 2, -2, 10, -10, integer(r)]), item(r)]


def linsert_arguments(r):
    return [list_key(r), word(r, "BEFORE", "AFTER", "BEFORE", "AFTER", "BEHIND"), item(r), item(r)]


def lpos_arguments(r):
    return [list_key(r), item(r)] + some(r, [
        lambda r: [word(r, "RANK"), r.choice([1, -1, 2, -2, 3, 0, integer(r)])],
        lambda r: [word(r, "COUNT"), r.choice([0, 1, 2, 10, integer(r)])],
        lambda r: [word(r, "MAXLEN"), r.choice([0, 1, 5, 100, integer(r)])],
        "NOPE"], r.choice([0, 1, 2, 3]))


def end(r):
    return word(r, "LEFT", "RIGHT", "LEFT", "RIGHT", "LEFT", "RIGHT", "UP")


def lmove_arguments(r):
    return [list_key(r), list_key(r), end(r), end(r)]


def list_keys(r, most=4):
    return [list_key(r) for _ in range(r.randint(1, most))]


def lmpop_arguments(r):
    keys_given = list_keys(r)
    count = len(keys_given) if r.random() < 0.9 else integer(r)
    options = [word(r, "COUNT"), r.choice([1, 2, 10, 1000, 0, integer(r)])]
    return [count] + keys_given + [end(r)] + (options if r.random() < 0.5 else [])


def timeout(r):
    """Short: the connection waits. Never for ever, and nothing that 7.2 reads otherwise."""
    return r.choice([0.001, 0.002, b"0.001", b"1e-3", -1, b"x", b"", b"nan", b" 1"])


GENERATORS = {
    "lpush": push_arguments,
    "rpush": push_arguments,
    "lpushx": push_arguments,
    "rpushx": push_arguments,
    "lpop": pop_arguments,
    "rpop": pop_arguments,
    "llen": lambda r: [list_key(r)],
    "lindex": lambda r: [list_key(r), index(r)],
    "lset": lambda r: [list_key(r), index(r), item(r)],
    "lrange": lambda r: [list_key(r), index(r), index(r)],
    "ltrim": lambda r: [list_key(r), r.choice([0, 0, 1, 2, index(r)]),
                        r.choice([-1, -1, -2, -3, 300, index(r)])],
    "lrem": lrem_arguments,
    "linsert": linsert_arguments,
    "lpos": lpos_arguments,
    "lmove": lmove_arguments,
    "rpoplpush": lambda r: [list_key(r), list_key(r)],
    "lmpop": lmpop_arguments,
    "blpop": lambda r: list_keys(r) + [timeout(r)],
    "brpop": lambda r: list_keys(r) + [timeout(r)],
    "blmove": lambda r: lmove_arguments(r) + [timeout(r)],
    "brpoplpush": lambda r: [list_key(r), list_key(r), timeout(r)],
    "blmpop": lambda r: [timeout(r)] + lmpop_arguments(r),
}

WEIGHTS = {"lpush": 2, "rpush": 3, "lrange": 2, "linsert": 2, "lset": 2, "blpop": 0.3, "brpop": 0.3,
           "blmove": 0.3, "brpoplpush": 0.3, "blmpop": 0.3, "ltrim": 0.7, "lrem": 1.5, "lpos": 2}

EXCLUDED = {}


def audit():
    found = []
    for name in POOLS["list"]:
        found += [(b"LRANGE", name, b"0", b"-1"), (b"LLEN", name), (b"LINDEX", name, b"-1")]
    return found
