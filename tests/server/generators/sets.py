"""Arguments of the commands on set keys."""

from generators.primitives import *  # noqa: F403

LONG = [b"l" * 63, b"m" * 64, b"n" * 65, b"o" * 127, b"p" * 128, b"q" * 9000, b"r" * 40000]


ALL = 100_000  # more than any set here has


def set_key(r):
    return key_of(r, "set")


def member(r):
    chance = r.random()
    if chance < 0.45:
        return r.randint(-3, 30)
    if chance < 0.55:
        return number_text(r)
    if chance < 0.9:
        return r.choice([b"a", b"b", b"c", b"member:1", b"member:2", b"member:3", b"", b"01",
                         b"x y"])
    return r.choice(LONG) if chance < 0.93 else value(r)


def members(r, most=6):
    return [member(r) for _ in range(r.randint(1, most))]


def many(r):
    """Around the thresholds of intset and listpack."""
    count = r.choice([127, 128, 129, 130, 200, 511, 512, 513, 514])
    first = r.choice([0, 0, -5, 2**15 - 100, 2**31 - 100])
    numbers = [first + number for number in range(count)]
    return numbers if r.random() < 0.7 else [b"member:%d" % number for number in numbers]


def sadd_arguments(r):
    return [set_key(r)] + (many(r) if r.random() < 0.04 else members(r))


def set_keys(r, most=4):
    count = r.randint(1, most) if r.random() < 0.95 else 9
    return [set_key(r) for _ in range(count)]


def sintercard_arguments(r):
    keys_given = set_keys(r)
    count = len(keys_given) if r.random() < 0.85 else integer(r)
    options = [word(r, "LIMIT"), r.choice([0, 1, 2, 5, 100, integer(r)])]
    return [count] + keys_given + (options if r.random() < 0.5 else [])


def pop_count(r):
    """Nothing or everything: what chance takes is tested elsewhere."""
    return r.choice([0, ALL, 10**6, 2**63 - 1, -1, b"x", b"", -2**63])


def leaves_to_chance(arguments):
    """Whether two servers would keep different members after this SPOP."""
    count = str(arguments[1]) if len(arguments) > 1 else "1"
    return len(arguments) < 3 and count.isdigit() and 0 < int(count) < ALL


def random_count(r):
    return r.choice([0, 1, -1, 2, -2, 5, -20, 100, 1000, b"x", -2**63, 2**63 - 1])


def sscan_arguments(r):
    options = some(r, [lambda r: [word(r, "COUNT"), r.choice([10000, 10000, 0, -1, b"x"])],
                       lambda r: [word(r, "MATCH"), r.choice([b"*", b"mem*", b"[0-9]*", b"??"])],
                       lambda r: [r.choice([b"TYPE", b"NOVALUES", b"x"])]], 2)
    if b"0" == (cursor := r.choice([b"0"] * 12 + [b"x", b"-1", b"00"])) and not options:
        options = ["COUNT", 10000]
    return [set_key(r), cursor] + options


GENERATORS = {
    "sadd": sadd_arguments,
    "srem": lambda r: [set_key(r)] + (many(r) if r.random() < 0.03 else members(r)),
    "sismember": lambda r: [set_key(r), member(r)],
    "smismember": lambda r: [set_key(r)] + members(r),
    "scard": lambda r: [set_key(r)],
    "smembers": lambda r: [set_key(r)],
    "smove": lambda r: [set_key(r), set_key(r), member(r)],
    "spop": lambda r: [set_key(r), pop_count(r)],
    "srandmember": lambda r: [set_key(r)] + ([random_count(r)] if r.random() < 0.8 else []),
    "sinter": set_keys,
    "sinterstore": lambda r: [set_key(r)] + set_keys(r),
    "sintercard": sintercard_arguments,
    "sunion": set_keys,
    "sunionstore": lambda r: [set_key(r)] + set_keys(r),
    "sdiff": set_keys,
    "sdiffstore": lambda r: [set_key(r)] + set_keys(r),
    "sscan": sscan_arguments,
}
WEIGHTS = {"sadd": 14, "srem": 4, "smove": 3, "sunionstore": 2, "sinterstore": 1.5,
           "sdiffstore": 1.5, "spop": 0.4, "sismember": 2}
EXCLUDED = {}
BEFORE = {"srandmember": lambda r, command: [(b"SMEMBERS", *command[1:2])]}


def audit():
    found = []
    for name in POOLS["set"]:
        found += [(b"SCARD", name), (b"SMEMBERS", name), (b"OBJECT", b"ENCODING", name)]
    return found
