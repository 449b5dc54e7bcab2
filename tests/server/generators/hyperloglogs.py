"""Arguments of the commands on hyperloglog keys."""

from generators.primitives import *  # noqa: F403

DAMAGED_HEADER = b"HYLL\x01\x00\x00\x00" + b"\x00" * 7 + b"\x80"

# Runs of registers that leave some out, run over the end, are cut off, or say in many words what
# fits in one.
RUNS = [b"\x7f\xff", b"\x7f\xfe\x00", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x80",
        b"\x7f\xfe\x84", b"\x7f\xfe\x85", b"\x7f", b"", b"\x40\x00" * 9 + b"\x7f\xf6",
        b"\x84\x84\x85\x84\x7f\xfa", b"\x3f" * 256, b"\x3f" * 257, b"\xff" * 4096]

# One key alone holds damaged strings: what an error leaves behind is not compared.
DAMAGED = b"hll-damaged"


def element(r):
    chance = r.random()
    if chance < 0.5:
        return str(r.randint(0, 3000)).encode()
    return value(r) if chance < 0.6 else r.getrandbits(64).to_bytes(8, "little")


def elements(r):
    chance = r.random()
    if chance < 0.85:
        return [element(r) for _ in range(r.randint(0, 12))]
    return [element(r) for _ in range(r.choice([50, 200, 700]))]


def hll(r):
    """Of others only keys that hold no strings, as commands on strings damage what is added."""
    if r.random() < 0.96:
        return r.choice(POOLS["hll"][:r.keys_used])
    return key_of(r, r.choice(["list", "hash", "set", "zset", "stream"]))


def read_keys(r):
    """Damaged ones too: reading is where every byte of them is looked at."""
    return [hll(r) if r.random() < 0.95 else DAMAGED for _ in range(r.choice([1, 1, 1, 2, 3, 5]))]


def damage(r, _):
    """A damaged string for those who read."""
    if r.random() < 0.9:
        return []
    header = DAMAGED_HEADER if r.random() < 0.9 else r.choice(
        [b"HYLL\x00" + b"\x00" * 11, b"HYLL\x02" + b"\x00" * 11, b"HYLM" + b"\x00" * 12, b"HYLL"])
    return [(b"SET", DAMAGED, header + r.choice(RUNS))]


GENERATORS = {
    "pfadd": lambda r: [hll(r), *elements(r)],
    "pfcount": read_keys,
    "pfmerge": lambda r: [hll(r), *(read_keys(r) if r.random() < 0.95 else [])],
    "pfdebug": lambda r: [word(r, "DECODE", "DECODE", "ENCODING", "ENCODING", "TODENSE",
                               "NOPE", *(["GETREG"] if r.random() < 0.2 else [])), hll(r)],
}
WEIGHTS = {"pfadd": 3, "pfcount": 2, "pfdebug": 0.5}
EXCLUDED = {"pfselftest": "takes redis-server half a second"}
BEFORE = {"pfcount": damage, "pfmerge": damage}


def audit():
    return [command for name in POOLS["hll"] for command in [(b"PFCOUNT", name), (b"GET", name)]]
