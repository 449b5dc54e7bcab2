"""Arguments of the commands on hash keys."""

from generators.primitives import *  # noqa: F403

# Few, so that commands meet each other's fields; and enough for a hashtable by their number.
FIELDS = [b"f", b"g", b"1", b"-7", b"9223372036854775807", b"", b"field with spaces", b"F",
          b"l" * 63, b"m" * 64, b"n" * 65, b"o" * 300, b"bin\x00\xff\r\n", b"007", b"p" * 128,
          b"q" * 16500]


def hash_key(r):
    return key_of(r, "hash")


def field(r):
    chance = r.random()
    if chance < 0.75:
        return r.choice(FIELDS[:8]) if r.random() < 0.8 else r.choice(FIELDS)
    return str(r.randint(0, 700)).encode()


def fields(r, most=5):
    return [field(r) for _ in range(r.randint(1, most))]


def text(r):
    """Values around the thresholds of a listpack, and of a block of their own."""
    chance = r.random()
    if chance < 0.8:
        return value(r) if r.random() < 0.7 else str(r.randint(-300, 300)).encode()
    return bytes([r.randint(97, 122)]) * r.choice([63, 64, 65, 127, 128, 4000, 8192, 16383, 16384,
                                                   32768, 32769, 40000])


def pairs(r):
    if r.random() < 0.03:  # past hash-max-listpack-entries
        first = r.randint(0, 600)
        return [part for number in range(first, first + r.choice([50, 300, 520]))
                for part in (number, r.randint(0, 9))]
    return [part for _ in range(r.randint(1, 6)) for part in (field(r), text(r))]


def increment_float(r):
    return r.choice(FLOATS) if r.random() < 0.8 else integer(r)


def random_arguments(r):
    """What comes by chance is compared by its length alone (known_differences.py)."""
    arguments = [hash_key(r)]
    if r.random() < 0.8:
        arguments.append(r.choice([0, 1, 2, 5, -1, -3, -20, 1000, 2000, b"x", b"", -2**63,
                                   -2**63 + 1, 2**63 - 1 if r.random() < 0.5 else 10, b"1.5"]))
        if arguments[-1] == -2**63 + 1:  # so many repeats that nobody would answer
            return arguments + ["WITHVALUES"]
        if r.random() < 0.5:
            arguments.append(word(r, "WITHVALUES", "WITHVALUES", "VALUES"))
    return arguments


def hscan_arguments(r):
    arguments = [hash_key(r), r.choice([0, 0, 0, 0, 0, 0, b"x", b"-1", b"01"])]
    if r.random() < 0.5:
        arguments += [word(r, "MATCH"), r.choice([b"*", b"?", b"f*", b"[fg]", b"[0-9]*", b"", b"no",
                                                  b"\\*", b"*\xff*", b"-*"])]
    arguments += [word(r, "COUNT"), 100000]
    if r.random() < 0.1:
        arguments += r.choice([["MATCH"], ["COUNT", 0], ["COUNT", "x"], ["TYPE", "hash"],
                               ["COUNT", -1]])
    return arguments


GENERATORS = {
    "hdel": lambda r: [hash_key(r)] + fields(r, 12 if r.random() < 0.2 else 3),
    "hexists": lambda r: [hash_key(r), field(r)],
    "hget": lambda r: [hash_key(r), field(r)],
    "hgetall": lambda r: [hash_key(r)],
    "hincrby": lambda r: [hash_key(r), field(r), integer(r)],
    "hincrbyfloat": lambda r: [hash_key(r), field(r), increment_float(r)],
    "hkeys": lambda r: [hash_key(r)],
    "hlen": lambda r: [hash_key(r)],
    "hmget": lambda r: [hash_key(r)] + fields(r),
    "hmset": lambda r: [hash_key(r)] + pairs(r),
    "hrandfield": random_arguments,
    "hscan": hscan_arguments,
    "hset": lambda r: [hash_key(r)] + pairs(r),
    "hsetnx": lambda r: [hash_key(r), field(r), text(r)],
    "hstrlen": lambda r: [hash_key(r), field(r)],
    "hvals": lambda r: [hash_key(r)],
}
WEIGHTS = {"hset": 8, "hdel": 3, "hincrby": 3, "hincrbyfloat": 3, "hgetall": 3, "hmget": 2,
           "hget": 2, "hsetnx": 2}
EXCLUDED = {name: "redis-server 7.0 does not know it; test_hash_ttl.py"
            for name in ["hexpire", "hpexpire", "hexpireat", "hpexpireat", "httl", "hpttl",
                         "hexpiretime", "hpexpiretime", "hpersist", "hgetdel", "hgetex",
                         "hsetex"]}
BEFORE = {"hrandfield": lambda r, command: [(b"HGETALL", *command[1:2])]}


def audit():
    found = []
    for name in POOLS["hash"]:
        found += [(b"OBJECT", b"ENCODING", name), (b"HLEN", name), (b"HGETALL", name),
                  (b"PTTL", name)]
    return found
