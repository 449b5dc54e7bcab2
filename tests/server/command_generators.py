"""Arguments for every command, drawn at random: likely ones, edges, and nonsense.

The generators of the types are in generators/, one module each, which has

    GENERATORS  command -> function of a random.Random that returns the arguments after its name
    WEIGHTS     how often a command comes, 1 when it is not there
    EXCLUDED    command -> why it is not sent
    audit()     commands that look at all that a sequence may have left in the type's keys
    BEFORE      command -> function of a Random and of the command that returns what to send before
                it, so that a rule can tell whether two replies go together; may be missing

Each type draws its keys from a small pool of its own, and now and then from the others'.
"""

from generators import (functions, hashes, hyperloglogs, lists, places, scripts, sets, sorting,
                        streams, zsets)
from generators.payloads import DAMAGED, WHOLE
from generators.primitives import *  # noqa: F403
from known_differences import BITFIELD_SET_LEAST

TYPES = {"list": lists, "hash": hashes, "set": sets, "zset": zsets, "stream": streams,
         "hll": hyperloglogs, "geo": places, "sort": sorting,
         "script": scripts, "function": functions}


def set_arguments(r):
    options = some(r, ["NX", "XX", "GET", "KEEPTTL", expiry_options]) if r.random() < 0.5 else []
    return [key(r), value(r)] + options


def getex_arguments(r):
    return [key(r)] + some(r, ["PERSIST", expiry_options, expiry_options, "KEEPTTL"], 2)


def lcs_arguments(r):
    return [key(r), key(r)] + some(r, ["LEN", "IDX", "WITHMATCHLEN",
                                       lambda r: [word(r, "MINMATCHLEN"), small(r, 5)]])


def offset_in_bytes(r):
    return r.choice([small(r), small(r), r.randint(0, 300), 61440, 70000, 2**29, 2**40, 2**63 - 1])


def offset_in_bits(r):
    """Never so big that a server would really make half a gigabyte."""
    chance = r.random()
    if chance < 0.8:
        return r.randint(0, 400)
    return r.choice([0, 7, 8, 4095, 491520, 500000, 2**32, 2**32 + 1, 2**63 - 1, -1, b"x", b"",
                     b"1.5"])


def bit(r):
    return r.choice([0, 1, 0, 1, 0, 1, 2, -1, b"x", b""])


def bit_range(r):
    arguments = [integer(r)]
    if r.random() < 0.9:
        arguments.append(integer(r))
        if r.random() < 0.5:
            arguments.append(word(r, "BIT", "BYTE", "BITE"))
    return arguments


def bitcount_arguments(r):
    return [key(r)] + (bit_range(r) if r.random() < 0.8 else [])


def bitpos_arguments(r):
    return [key(r), bit(r)] + (bit_range(r) if r.random() < 0.8 else [])


def bitop_arguments(r):
    return [word(r, "AND", "OR", "XOR", "NOT", "NAND"), key(r)] + keys(r, r.choice([1, 1, 2, 5]))


def field_type(r):
    if r.random() < 0.9:
        return r.choice("iu") + str(r.choice([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63,
                                              64]))
    return r.choice(["u64", "i65", "u0", "i0", "x8", "u", "i", "", "I8", "u-1", "u8 ", "i08", "8"])


def field_offset(r):
    offset = offset_in_bits(r)
    return offset if r.random() < 0.7 else b"#" + str(r.choice([0, 1, 2, 5, 30, -1,
                                                                "x"])).encode()


def field_number(r):
    bits = r.choice([1, 2, 7, 8, 15, 16, 31, 32, 62, 63])
    return r.choice([integer(r), 2**bits, 2**bits - 1, -2**bits, -2**bits - 1,
                     r.randint(-300, 300)])


def field_step(r):
    chance = r.random()
    if chance < 0.3:
        return [word(r, "GET"), field_type(r), field_offset(r)]
    if chance < 0.55:
        return [word(r, "SET"), field_type(r), field_offset(r), field_number(r)]
    if chance < 0.8:
        return [word(r, "INCRBY"), field_type(r), field_offset(r), field_number(r)]
    return [word(r, "OVERFLOW"), word(r, "WRAP", "SAT", "FAIL", "WRAP", "SAT", "FAIL", "SATURATE")]


def bitfield_arguments(r):
    return [key(r)] + [part for _ in range(r.randint(0, 4)) for part in field_step(r)]


def bitfield_ro_arguments(r):
    if r.random() < 0.1:
        return bitfield_arguments(r)
    return [key(r)] + [part for _ in range(r.randint(0, 4))
                       for part in (word(r, "GET"), field_type(r), field_offset(r))]


def expire_options(r):
    return some(r, ["NX", "XX", "GT", "LT"], 2) if r.random() < 0.5 else []


def pattern(r):
    return r.choice([b"*", b"*", b"?", b"k*", b"[abc]", b"[^a]", b"[a-c]", b"*x*", b"\\*", b"",
                     b"no", b"k[1-2]", b"{tag}*", b"*\xff*", b"p\\*t*", b"[", b"a\\"])


def scan_arguments(r):
    """One round over everything, as a set: the count is larger than any keyspace here."""
    arguments = [0]
    if r.random() < 0.5:
        arguments += [word(r, "MATCH"), pattern(r)]
    arguments += [word(r, "COUNT"), 100000]
    if r.random() < 0.4:
        arguments += [word(r, "TYPE"), word(r, "string", "list", "zset", "nonsense")]
    if r.random() < 0.1:
        arguments += r.choice([["MATCH"], ["COUNT", 0], ["COUNT", "x"], ["NOVALUES"],
                               ["COUNT", -1]])
    return arguments


def database(r):
    return r.choice([0, 1, 2, 15, 0, 1, 16, -1, b"x", 2**32, b""])


def copy_arguments(r):
    return [key(r), key(r)] + some(r, ["REPLACE", lambda r: [word(r, "DB"), database(r)]], 2)


def object_arguments(r):
    return [word(r, "ENCODING", "ENCODING", "ENCODING", "REFCOUNT", "IDLETIME", "FREQ", "HELP",
                 "NOPE"), key(r)]


def restore_arguments(r):
    """Mostly a value that is one, for a key where it is at home."""
    kind = r.choice(sorted(WHOLE, key=str))
    ttl = r.choice([0, 0, 0, 0, -1, b"x", milliseconds(r)])
    payload = r.choice(WHOLE[kind]) if r.random() < 0.9 else r.choice(DAMAGED)
    options = some(r, ["REPLACE", "REPLACE", "REPLACE", "NOPE",
                       lambda r: [word(r, "IDLETIME"), r.choice([0, -1, b"x"])],
                       lambda r: [word(r, "FREQ"), r.choice([0, 255, 256, -1, b"x"])]])
    if r.random() < 0.1:
        ttl = at_milliseconds(r)
        options.append(word(r, "ABSTTL"))
    if ttl == 2**63 - 1:
        ttl = 0  # from now, that is past for redis-server, which counts beyond 64 bits
    return [key(r) if kind is None else key_of(r, kind), ttl, payload] + options


def pairs(r):
    return [part for _ in range(r.randint(1, 4)) for part in (key(r), value(r))]


# Options that say how far a value is compact, with what they are at first and what they become.
# set-max-listpack-* came with 7.2: redis-server 7.0 does not know them. After a change of
# stream-node-max-bytes it may end at an assertion when it reads the stream.
THRESHOLDS = {
    "hash-max-listpack-entries": (512, [0, 1, 5, 20, 128, 512]),
    "hash-max-listpack-value": (64, [0, 1, 8, 64, 200]),
    "list-max-listpack-size": (-2, [-5, -4, -3, -2, -1, 1, 2, 5, 20, 128]),
    "list-compress-depth": (0, [0, 1, 2]),
    "set-max-intset-entries": (512, [0, 1, 5, 20, 128, 512]),
    "zset-max-listpack-entries": (128, [0, 1, 5, 20, 128, 512]),
    "zset-max-listpack-value": (64, [0, 1, 8, 64, 200]),
    "hll-sparse-max-bytes": (3000, [0, 20, 100, 3000, 15999]),
    "stream-node-max-entries": (100, [0, 1, 2, 10, 100]),
}


def threshold(r):
    name = r.choice(sorted(THRESHOLDS))
    value = r.choice(THRESHOLDS[name][1]) if r.random() < 0.95 else r.choice([-1, b"x", b""])
    return ["SET", name, value] if r.random() < 0.9 else ["GET", name]


def as_at_first():
    """The command that sets every threshold back."""
    return ["CONFIG", "SET"] + [part for name, (value, _) in THRESHOLDS.items()
                                for part in (name, value)]


def hello_arguments(r):
    return r.choice([[], [2], [3], [3], [4], [1], [b"x"], [3, "SETNAME", "me"],
                     [2, "AUTH", "default"],
                     [3, "SETNAME", "a b"], [3, "AUTH", "u", "p"], [2, "BAD"]])


def client_arguments(r):
    return r.choice([["GETNAME"], ["SETNAME", "name"], ["SETNAME", ""], ["SETNAME", "a b"], ["ID"],
                     ["NOPE"],
                     ["NO-EVICT", "ON"], ["NO-EVICT", "OFF"], ["NO-EVICT", "MAYBE"], ["INFO"],
                     ["INFO", "x"], ["KILL", "1.2.3.4:5"], ["KILL", "ID", "x"], ["KILL", "ID", 0],
                     ["KILL", "BAD", "x"],
                     ["KILL", "TYPE", "nope"], ["LIST", "TYPE", "nope"], ["LIST", "ID", "x"],
                     ["UNPAUSE"], ["REPLY", "NOPE"], ["REPLY"], ["HELP"]])


GENERATORS = {
    # string
    "append": lambda r: [key(r), value(r)],
    "decr": lambda r: [key(r)],
    "decrby": lambda r: [key(r), integer(r)],
    "get": lambda r: [key(r)],
    "getdel": lambda r: [key(r)],
    "getex": getex_arguments,
    "getrange": lambda r: [key(r), integer(r), integer(r)],
    "getset": lambda r: [key(r), value(r)],
    "incr": lambda r: [key(r)],
    "incrby": lambda r: [key(r), integer(r)],
    "incrbyfloat": lambda r: [key(r), r.choice(FLOATS) if r.random() < 0.8 else integer(r)],
    "lcs": lcs_arguments,
    "mget": keys,
    "mset": pairs,
    "msetnx": pairs,
    "psetex": lambda r: [key(r), milliseconds(r), value(r)],
    "set": set_arguments,
    "setex": lambda r: [key(r), seconds(r), value(r)],
    "setnx": lambda r: [key(r), value(r)],
    "setrange": lambda r: [key(r), offset_in_bytes(r), value(r)],
    "strlen": lambda r: [key(r)],
    "substr": lambda r: [key(r), integer(r), integer(r)],
    # bitmap
    "bitcount": bitcount_arguments,
    "bitfield": bitfield_arguments,
    "bitfield_ro": bitfield_ro_arguments,
    "bitop": bitop_arguments,
    "bitpos": bitpos_arguments,
    "getbit": lambda r: [key(r), offset_in_bits(r)],
    "setbit": lambda r: [key(r), offset_in_bits(r), bit(r)],
    # generic
    "copy": copy_arguments,
    "del": keys,
    "dump": lambda r: [key(r)],
    "exists": keys,
    "expire": lambda r: [key(r), seconds(r)] + expire_options(r),
    "expireat": lambda r: [key(r), at_seconds(r)] + expire_options(r),
    "expiretime": lambda r: [key(r)],
    "keys": lambda r: [pattern(r)],
    "move": lambda r: [key(r), database(r)],
    "object": object_arguments,
    "persist": lambda r: [key(r)],
    "pexpire": lambda r: [key(r), milliseconds(r)] + expire_options(r),
    "pexpireat": lambda r: [key(r), at_milliseconds(r)] + expire_options(r),
    "pexpiretime": lambda r: [key(r)],
    "pttl": lambda r: [key(r)],
    "randomkey": lambda r: [],
    "rename": lambda r: [key(r), key(r)],
    "renamenx": lambda r: [key(r), key(r)],
    "restore": restore_arguments,
    "restore-asking": restore_arguments,
    "scan": scan_arguments,
    "touch": keys,
    "ttl": lambda r: [key(r)],
    "type": lambda r: [key(r)],
    "unlink": keys,
    "wait": lambda r: [r.choice([0, b"x", -1]), r.choice([1, b"x", -1])],
    # connection
    "auth": lambda r: r.choice([["secret"], ["default", "secret"], ["who", "secret"], [""]]),
    "client": client_arguments,
    "echo": lambda r: [value(r)],
    "hello": hello_arguments,
    "ping": lambda r: [value(r)] if r.random() < 0.5 else [],
    "reset": lambda r: [],
    "select": lambda r: [database(r)],
    # publish/subscribe: nobody listens here
    "publish": lambda r: [key(r), value(r)],
    "pubsub": lambda r: r.choice([["CHANNELS"], ["CHANNELS", pattern(r)], ["CHANNELS", "a", "b"],
                                  ["NUMPAT"], ["NUMPAT", 1], ["NUMSUB"], ["NUMSUB", key(r)],
                                  ["SHARDCHANNELS"], ["SHARDNUMSUB", key(r), key(r)], ["NOPE"]]),
    "spublish": lambda r: [key(r), value(r)],
    # server
    "module": lambda r: [r.choice(["LIST", "list", "NOPE"])] + r.choice([[], [], ["x"]]),
    "command": lambda r: r.choice([["GETKEYS", "mset", "a", 1, "b", 2], ["GETKEYS", "get", "a"],
                                   ["NOPE"],
                                   ["GETKEYS", "nope"], ["GETKEYS", "ping"], ["INFO", "nope"],
                                   ["GETKEYS"], ["GETKEYSANDFLAGS", "set", "a", 1],
                                   ["GETKEYS", "eval", "", r.choice([0, 1, 9, -1, "x"]), "a"],
                                   ["GETKEYSANDFLAGS", "fcall", "", 0],
                                   ["GETKEYS", "bitop", "and", "a", "b"],
                                   ["GETKEYSANDFLAGS", "set", "a", 1, "get"],
                                   ["GETKEYSANDFLAGS", "bitfield", "a", "get", "u8", 0],
                                   ["LIST", "FILTERBY", "NOPE", "x"], ["LIST", "x"]]),
    "dbsize": lambda r: [],
    "flushall": lambda r: r.choice([[], [], ["ASYNC"], ["SYNC"], ["NOW"]]),
    "flushdb": lambda r: r.choice([[], [], ["async"], ["sync"], ["NOW"]]),
    "swapdb": lambda r: [database(r), database(r)],
    "time": lambda r: [],
    "lastsave": lambda r: [],
    "role": lambda r: [],
    "memory": lambda r: r.choice([["USAGE", key(r)], ["USAGE", key(r), "SAMPLES", integer(r)],
                                  ["NOPE"], ["USAGE"], ["USAGE", key(r), "BAD"]]),
    "config": lambda r: r.choice([["GET", "maxmemory-policy"], ["SET", "no-such-option", 1],
                                  ["GET"], ["SET"],
                                  ["SET", "maxmemory-policy", "nope"], ["SET", "hz"], ["NOPE"],
                                  ["SET", "maxmemory-samples", "x"], ["GET", "hz", "databases"]])
    if r.random() < 0.3 else threshold(r),
}

# Commands that are not sent, and why.
EXCLUDED = {
    "acl": "changes who may send the rest; test_differential_users.py draws it",
    "quit": "ends the connection",
    "shutdown": "ends the server",
    "save": "writes a file; its own tests cover it",
    "bgsave": "writes a file; its own tests cover it",
    "bgrewriteaof": "writes files; its own tests cover it",
    "waitaof": "redis-server 7.0 does not have it; its own tests cover it",
    "debug": "takes the server apart; its own tests cover it",
    "info": "describes the server; its own tests cover it",
    "delex": "redis-server 7.0 does not have it; test_compare.py covers it",
    "delifeq": "redis-server 7.0 does not have it; test_compare.py covers it",
    "digest": "redis-server 7.0 does not have it; test_compare.py covers it",
    "msetex": "redis-server 7.0 does not have it; test_compare.py covers it",
    "lolwut": "says which server it is",
    "latency": "figures of time",
    "migrate": "speaks with a third server; its own tests cover it",
    "monitor": "turns replies into a stream",
    "slowlog": "figures of time",
    "commandlog": "redis-server does not have it",
    "subscribe": "messages come between the replies; test_messages.py draws it",
    "psubscribe": "likewise",
    "ssubscribe": "likewise",
    "unsubscribe": "likewise",
    "punsubscribe": "likewise",
    "sunsubscribe": "likewise",
    "save": "writes a file; its own tests cover it",
    "bgsave": "goes on behind the reply; its own tests cover it",
    "multi": "test_differential_transactions.py draws it",
    "exec": "test_differential_transactions.py draws it",
    "discard": "test_differential_transactions.py draws it",
    "watch": "test_differential_transactions.py draws it",
    "unwatch": "test_differential_transactions.py draws it",
}

# How often a command comes: those that make values for the others come more often.
WEIGHTS = {"set": 12, "append": 4, "setrange": 3, "setbit": 5, "bitfield": 6, "incrby": 3,
           "incrbyfloat": 4,
           "bitop": 4, "mset": 3, "get": 6, "object": 4, "bitcount": 4, "bitpos": 4, "lcs": 3,
           "getex": 3, "expire": 2, "pexpireat": 2, "select": 0.6, "swapdb": 0.3, "flushall": 0.1,
           "flushdb": 0.2,
           "client": 0.7, "hello": 0.7, "reset": 0.3, "command": 0.7, "config": 0.5, "auth": 0.3,
           "echo": 0.3,
           "publish": 0.3, "spublish": 0.3, "pubsub": 0.3,
           "time": 0.1, "lastsave": 0.1, "role": 0.1, "wait": 0.2, "randomkey": 0.5, "ping": 0.3}

# What goes before a command to make it comparable: redis-server counts keys that have expired until
# it comes across them, as SCAN does.
BEFORE = {"dbsize": lambda r, command: [(b"SCAN", b"0", b"COUNT", b"100000")],
          "randomkey": lambda r, command: [(b"KEYS", b"*")]}


# What a sequence is mostly made of.
FOCI = {"mixed": [], "string": sorted(GENERATORS)}

for kind, module in TYPES.items():
    if module.GENERATORS:
        FOCI[kind] = sorted(module.GENERATORS)
    GENERATORS.update(module.GENERATORS)
    WEIGHTS.update(module.WEIGHTS)
    EXCLUDED.update(module.EXCLUDED)
    BEFORE.update(getattr(module, "BEFORE", {}))


def spoil(r, arguments):
    """Now and then an argument too many or too few, or one that does not belong there."""
    arguments = list(arguments)
    chance = r.random()
    if chance < 0.3 and arguments:
        arguments.pop(r.randrange(len(arguments)))
    elif chance < 0.6:
        arguments.insert(r.randint(0, len(arguments)),
                         r.choice([value(r), b"GET", b"", b"NX", b"0"]))
    elif arguments:
        arguments[r.randrange(len(arguments))] = r.choice([value(r), integer(r), key(r)])
    return arguments


# Not sent to HyperLogLogs: what PFADD leaves behind when it comes upon damage is not compared.
WRITES_PART_OF_A_STRING = {"append", "bitfield", "bitop", "setbit", "setrange"}


def waits_long(name, arguments):
    """A command on lists or sorted sets that may wait for longer than some milliseconds."""
    if name[:2] not in ("bl", "br", "bz") or not arguments:
        return False
    timeout = arguments[0 if name in ("blmpop", "bzmpop") else -1]
    try:
        seconds = float(timeout)
    except ValueError:
        return False
    return -0.001 < seconds <= 0 or seconds > 0.01


def soon_over(name, arguments):
    """A time to live that may end before the sequence does: one server would still have the key."""
    words = [(a.decode("latin-1") if isinstance(a, bytes) else str(a)).lower() for a in arguments]
    times = [pair for pair in zip(words, words[1:]) if pair[0] in ("ex", "px")]
    if name in ("setex", "psetex", "expire", "pexpire"):
        times = [("px" if name[0] == "p" else "ex", time) for time in words[1:2]]
    return any(time.isdecimal() and 0 < int(time) < (1000 if unit == "ex" else 10**6)
               for unit, time in times)


def unusable(name, arguments):
    """Offsets that would take hundreds of megabytes, long waits, and what known_differences.py
    says."""
    if waits_long(name, arguments) or soon_over(name, arguments):
        return True
    numbers = [a for a in arguments if isinstance(a, int)]
    if name == "zadd" and any(a in zsets.SAME_SCORE for a in arguments) and \
            set(arguments[1::2]) != {0}:
        return True  # spoilt: BYLEX means nothing any more
    if name == "config" and any(b"\0" in a for a in arguments if isinstance(a, bytes)):
        return True  # there an argument ends at it, and is taken as an empty one
    if name in WRITES_PART_OF_A_STRING and any(a in POOLS["hll"] for a in arguments):
        return True
    if name == "spop" and sets.leaves_to_chance(arguments):
        return True
    if name in ("setbit", "bitfield") and any(4_000_000 < n < 2**32 for n in numbers):
        return True
    if name == "zrandmember" and any(n < -1000 for n in numbers if n > -2**63):
        return True  # so many replies
    return name == "bitfield" and any(n < BITFIELD_SET_LEAST for n in numbers) and \
        any(str(a).lower() == "set" for a in arguments)


def command(r, name):
    """The command of that name with arguments of its generator, sometimes spoilt."""
    arguments = GENERATORS[name](r)
    if r.random() < 0.05:
        arguments = spoil(r, arguments)
    if unusable(name, arguments):
        return command(r, name)
    shown = name if r.random() < 0.8 else word(r, name)
    encoded = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
    return tuple([shown.encode()] + encoded)


def commands(r, name):
    """The same, after what has to come before it."""
    drawn = command(r, name)
    return (BEFORE[name](r, drawn) if name in BEFORE else []) + [drawn]


def weighted(names):
    return list(names), [WEIGHTS.get(name, 1) for name in names]


def sequence(r, focus, exist, length):
    """About so many commands of those that `exist`, mostly of the focus, and a look at what they
    left."""
    all_of_them = weighted([name for name in GENERATORS if name in exist])
    own = weighted([name for name in FOCI[focus] if name in exist] + ["config"])
    found = []
    while len(found) < length:
        names, weights = own if FOCI[focus] and r.random() < 0.85 else all_of_them
        for name in r.choices(names, weights, k=20):
            found += commands(r, name)
    return found + audit(focus)


def audit(focus):
    """Commands that look at all that a sequence may have left behind."""
    found = [(b"SCAN", b"0", b"COUNT", b"100000"), (b"DBSIZE",)]
    for name in KEYS:
        found += [(b"GET", name), (b"OBJECT", b"ENCODING", name), (b"PTTL", name)]
    for kind, module in TYPES.items():
        if focus in ("mixed", kind):
            found += module.audit()
    return found
