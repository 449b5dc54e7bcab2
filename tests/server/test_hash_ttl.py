"""Fields of hashes that expire: what redis-server 7.0 does not know, beside a model of it."""

import random
import time

import pytest
from conftest import MOVE_ALL_BUILD
from resp import Error

ABSENT, LASTING, REFUSED, CHANGED, REMOVED = -2, -1, 0, 1, 2
YEAR_MS = 365 * 24 * 3600 * 1000
LATEST = 2**46 - 1
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
MISPLACED = "ERR Mandatory argument FIELDS is missing or not at the right position"
MISMATCH = "ERR The `numfields` parameter must match the number of arguments"
NO_COUNT = "ERR Number of fields must be a positive integer"
ONE_EXPIRY = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"


def fields(*names):
    return ["FIELDS", len(names), *names]


def fill(client, key, count):
    """Enough fields make the hash a big one."""
    client.pipeline(*[("HSET", key, f"f{n}", f"v{n}") for n in range(count)])


def until_gone(ask, wanted, seconds=10):
    deadline = time.monotonic() + seconds
    while ask() != wanted:
        assert time.monotonic() < deadline, (ask(), wanted)
        time.sleep(0.005)


def now_ms(client):
    seconds, micros = client.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def subexpiry(client):
    text = client.call("INFO", "keyspace").decode()
    return int(text.split("subexpiry=")[1].split()[0]) if "subexpiry" in text else 0


def stat(client, name):
    text = client.call("INFO", "stats").decode()
    return int(text.split(name + ":")[1].split()[0])


@pytest.fixture(params=[3, 900], ids=["small", "big"])
def others(request):
    """How many fields stand beside those that a test is about."""
    return request.param


# ---- replies -------------------------------------------------------------------------------------


def test_replies_of_the_family(client, others):
    fill(client, "h", others)
    assert client.call("HEXPIRE", "h", 1000, *fields("f0", "f1", "nope", "f0")) == \
        [CHANGED, CHANGED, ABSENT, CHANGED]
    assert client.call("HTTL", "h", *fields("f0", "f2", "nope")) in \
        ([1000, LASTING, ABSENT], [999, LASTING, ABSENT])
    left = client.call("HPTTL", "h", *fields("f1"))[0]
    assert 990_000 < left <= 1_000_000
    at = client.call("HPEXPIRETIME", "h", *fields("f1"))[0]
    assert client.call("HEXPIRETIME", "h", *fields("f1")) == [(at + 999) // 1000]
    assert client.call("HPERSIST", "h", *fields("f0", "f0", "f2", "nope")) == \
        [CHANGED, LASTING, LASTING, ABSENT]
    assert client.call("HTTL", "h", *fields("f0")) == [LASTING]
    assert client.call("HPEXPIREAT", "h", at + 5000, *fields("f1")) == [CHANGED]
    assert client.call("HPEXPIRETIME", "h", *fields("f1")) == [at + 5000]
    assert client.call("HEXPIREAT", "h", at // 1000 + 50, *fields("f1")) == [CHANGED]
    assert client.call("HPEXPIRETIME", "h", *fields("f1")) == [(at // 1000 + 50) * 1000]
    assert client.call("HPEXPIRE", "h", 0, *fields("f1", "f1", "f2")) == [REMOVED, ABSENT, REMOVED]
    assert client.call("HLEN", "h") == others - 2
    client.call("DEBUG", "VERIFY")


def test_conditions(client, others):
    fill(client, "h", others)
    at = now_ms(client) + YEAR_MS

    def expire(time_ms, condition, *names):
        return client.call("HPEXPIREAT", "h", time_ms, condition, *fields(*names))

    assert expire(at, "XX", "f0") == [REFUSED]
    assert expire(at, "GT", "f0") == [REFUSED]  # what does not expire lasts for ever
    assert expire(at, "nx", "f0") == [CHANGED]
    assert expire(at + 1, "NX", "f0", "f1") == [REFUSED, CHANGED]
    assert expire(at, "gt", "f0", "f1") == [REFUSED, REFUSED]
    assert expire(at + 1, "GT", "f0", "f1") == [CHANGED, REFUSED]
    assert expire(at + 1, "LT", "f0", "f1", "f2") == [REFUSED, REFUSED, CHANGED]
    assert expire(at, "lt", "f0") == [CHANGED]
    assert expire(at + 9, "xx", "f0") == [CHANGED]
    assert expire(0, "NX", "f0") == [REFUSED]  # the condition comes before the time
    assert expire(0, "LT", "f0") == [REMOVED]
    assert client.call("HPEXPIRETIME", "h", *fields("f0", "f1", "f2")) == [ABSENT, at + 1, at + 1]


def test_no_key(client):
    for name in ("HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"):
        assert client.call(name, "nope", 5, *fields("a", "b")) == [ABSENT, ABSENT]
    for name in ("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HPERSIST"):
        assert client.call(name, "nope", *fields("a")) == [ABSENT]
    assert client.call("HGETDEL", "nope", *fields("a", "b")) == [None, None]
    assert client.call("HGETEX", "nope", "EX", 5, *fields("a")) == [None]
    assert client.call("HSETEX", "nope", "FXX", *fields("a"), 1) == 0
    assert client.call("HSETEX", "nope", "PXAT", 1, *fields("a"), 1) == 1
    assert client.call("DBSIZE") == 0


def test_errors_of_hexpire(client):
    client.call("HSET", "h", "f", "v")
    client.call("SET", "s", "text")
    for name in ("HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"):
        invalid = f"ERR invalid expire time in '{name.lower()}' command"
        most = LATEST // 1000 if "P" not in name[1:3] else LATEST
        for arguments, error in [
                (["s", "x", *fields("f")], WRONG_TYPE),
                (["h", "x", *fields("f")], "ERR value is not an integer or out of range"),
                (["h", -1, *fields("f")], "ERR invalid expire time, must be >= 0"),
                (["h", 2**63 - 1, *fields("f")], invalid),
                (["h", most + 1, *fields("f")], invalid),
                (["h", 9, "FIELD", 1, "f"], MISPLACED),
                (["h", 9, "NX", "XX", "FIELDS", 1, "f"], MISPLACED),
                (["h", 9, "FIELDS", 0, "f"], "ERR Parameter `numFields` should be greater than 0"),
                (["h", 9, "FIELDS", -1, "f"], "ERR Parameter `numFields` should be greater than 0"),
                (["h", 9, "FIELDS", "x", "f"],
                 "ERR Parameter `numFields` should be greater than 0"),
                (["h", 9, "FIELDS", 2, "f"], MISMATCH),
                (["h", 9, "FIELDS", 1, "f", "g"], MISMATCH),
                (["h", 9, "FIELDS", 2**63 - 1, "f"], MISMATCH),
                (["h", 9, "NX", "FIELDS", 1], MISMATCH),
                (["h", 9, "FIELDS", 1],
                 f"ERR wrong number of arguments for '{name.lower()}' command")]:
            assert client.call(name, *arguments) == Error(error), (name, arguments)
    assert client.call("HTTL", "h", *fields("f")) == [LASTING]
    assert client.call("HPEXPIREAT", "h", LATEST, *fields("f")) == [CHANGED]
    assert client.call("HPEXPIRETIME", "h", *fields("f")) == [LATEST]


def test_errors_of_readers(client):
    client.call("HSET", "h", "f", "v")
    client.call("SET", "s", "text")
    for name in ("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HPERSIST", "HGETDEL", "HGETEX"):
        for arguments, error in [
                (["s", *fields("f")], WRONG_TYPE),
                (["h", "FIELD", 1, "f"], MISPLACED),
                (["h", "FIELDS", 0, "f"], NO_COUNT),
                (["h", "FIELDS", "x", "f"], NO_COUNT),
                (["h", "FIELDS", 2, "f"], MISMATCH),
                (["h", "FIELDS", 1, "f", "g"], MISMATCH),
                (["h", "FIELDS", 1],
                 f"ERR wrong number of arguments for '{name.lower()}' command")]:
            assert client.call(name, *arguments) == Error(error), (name, arguments)
    for arguments, error in [
            (["EX", "x", *fields("f")], "ERR value is not an integer or out of range"),
            (["EX", -1, *fields("f")], "ERR invalid expire time, must be >= 0"),
            (["PXAT", LATEST + 1, *fields("f")], "ERR invalid expire time in 'hgetex' command"),
            (["EX", 5, "PERSIST", *fields("f")], MISPLACED),
            (["KEEPTTL", *fields("f")], MISPLACED),
            (["PERSIST", "FIELDS", 1], MISMATCH)]:
        assert client.call("HGETEX", "h", *arguments) == Error(error), arguments
    assert client.call("HGETALL", "h") == [b"f", b"v"]


def test_errors_of_hsetex(client):
    client.call("SET", "s", "text")
    arity = "ERR wrong number of arguments for 'hsetex' command"
    for arguments, error in [
            (["FIELDS", 1, "f"], arity),
            (["FIELDS", 2, "f", "v"], arity),
            (["FIELDS", 1, "f", "v", "g"], arity),
            (["FIELDS", 1, "f", "v", "g", "v"], arity),
            (["EX", 5, "FNX", "FXX"], "ERR Only one of FXX or FNX arguments can be specified"),
            (["FNX", "FNX", "FIELDS", 1, "f", "v"],
             "ERR Only one of FXX or FNX arguments can be specified"),
            (["FIELDS", 0, "f", "v"], "ERR invalid number of fields"),
            (["FIELDS", "x", "f", "v"], "ERR invalid number of fields"),
            (["EX", 5, "PX", 5, "FIELDS", 1, "f", "v"], ONE_EXPIRY),
            (["EX", 5, "KEEPTTL", "FIELDS", 1, "f", "v"], ONE_EXPIRY),
            (["KEEPTTL", "EX", 5, "FIELDS", 1, "f", "v"], ONE_EXPIRY),
            (["FNX", "KEEPTTL", "PERSIST", "FIELDS", 1, "f", "v"], "ERR unknown argument: PERSIST"),
            (["FNX", "KEEPTTL", "FNX", "EX"],
             "ERR Only one of FXX or FNX arguments can be specified"),
            (["FNX", "f", "v", "EX"], "ERR unknown argument: f"),
            (["EX", "FIELDS", 1, "f", "v"], "ERR value is not an integer or out of range"),
            (["EX", -5, "FIELDS", 1, "f", "v"], "ERR invalid expire time, must be >= 0"),
            (["EX", 2**62, "FIELDS", 1, "f", "v"], "ERR invalid expire time in 'hsetex' command")]:
        assert client.call("HSETEX", "h", *arguments) == Error(error), arguments
    assert client.call("HSETEX", "s", *fields("f"), "v") == Error(WRONG_TYPE)
    assert client.call("EXISTS", "h") == 0


# ---- one step that does two things ---------------------------------------------------------------


def test_hsetex(client, others):
    fill(client, "h", others)
    at = now_ms(client) + YEAR_MS
    assert client.call("HSETEX", "h", "PXAT", at, "FIELDS", 2, "f0", "a", "new", "b") == 1
    assert client.call("HMGET", "h", "f0", "new") == [b"a", b"b"]
    assert client.call("HPEXPIRETIME", "h", *fields("f0", "new")) == [at, at]
    assert client.call("HSETEX", "h", "FNX", "FIELDS", 2, "f0", "x", "newer", "x") == 0
    assert client.call("HSETEX", "h", "FXX", "FIELDS", 2, "f0", "x", "newer", "x") == 0
    assert client.call("HMGET", "h", "f0", "newer") == [b"a", None]
    assert client.call("HSETEX", "h", "KEEPTTL", "FXX", "FIELDS", 2, "f0", "c", "f1", "d") == 1
    assert client.call("HPEXPIRETIME", "h", *fields("f0", "f1")) == [at, LASTING]
    assert client.call("HSETEX", "h", "FIELDS", 1, "f0", "e") == 1
    assert client.call("HTTL", "h", *fields("f0")) == [LASTING]
    assert client.call("HSETEX", "h", "EXAT", 1, "FIELDS", 2, "f0", "gone", "never", "there") == 1
    assert client.call("HMGET", "h", "f0", "never") == [None, None]
    assert client.call("HLEN", "h") == others
    assert client.call("HSETEX", "h", "FNX", "PX", 10_000, "FIELDS", 2, "f0", "1", "f0", "2") == 1
    assert client.call("HGET", "h", "f0") == b"2"
    client.call("DEBUG", "VERIFY")


def test_hgetex_and_hgetdel(client, others):
    fill(client, "h", others)
    at = now_ms(client) + YEAR_MS
    names = fields("f0", "nope", "f1")
    values = [b"v0", None, b"v1"]
    assert client.call("HGETEX", "h", *names) == values
    assert client.call("HGETEX", "h", "PXAT", at, *names) == values
    assert client.call("HPEXPIRETIME", "h", *names) == [at, ABSENT, at]
    assert client.call("HGETEX", "h", *names) == values
    assert client.call("HGETEX", "h", "PERSIST", *fields("f0", "f2")) == [b"v0", b"v2"]
    assert client.call("HPEXPIRETIME", "h", *names) == [LASTING, ABSENT, at]
    assert client.call("HGETEX", "h", "EXAT", 0, *fields("f0", "f0")) == [b"v0", None]
    assert client.call("HGETDEL", "h", *fields("f1", "f0", "f1")) == [b"v1", None, None]
    assert client.call("HLEN", "h") == others - 2
    client.call("DEBUG", "VERIFY")


@pytest.mark.parametrize("command", [["HGETDEL"], ["HGETEX", "PXAT", 1], ["HPEXPIRE", 0]])
def test_the_key_goes_with_the_last_field(client, others, command):
    fill(client, "h", others)
    for n in range(others):
        client.call(command[0], "h", *command[1:], *fields(f"f{n}"))
    assert client.call("EXISTS", "h") == 0
    client.call("DEBUG", "VERIFY")


def test_what_keeps_an_expiry_and_what_does_not(client, others):
    at = now_ms(client) + YEAR_MS
    fill(client, "h", others)
    client.call("HSET", "h", "n", 5)
    for command, kept in [(["HINCRBY", "h", "n", 2], True), (["HINCRBYFLOAT", "h", "n", 1.5], True),
                          (["HSETNX", "h", "n", 1], True), (["HSET", "h", "n", 6], False),
                          (["HMSET", "h", "n", 6], False),
                          (["HSETEX", "h", "KEEPTTL", "FIELDS", 1, "n", 7], True)]:
        client.call("HPEXPIREAT", "h", at, *fields("n"))
        client.call(*command)
        assert client.call("HPEXPIRETIME", "h", *fields("n")) == [at if kept else LASTING], command
    client.call("HPEXPIREAT", "h", at, *fields("n"))
    client.call("COPY", "h", "copy")
    client.call("RENAME", "h", "other")
    for key in ("copy", "other"):
        assert client.call("HPEXPIRETIME", key, *fields("n")) == [at]
    client.call("HDEL", "other", "n")
    client.call("HSET", "other", "n", 1)
    assert client.call("HTTL", "other", *fields("n")) == [LASTING]


# ---- names and figures ---------------------------------------------------------------------------


def test_encodings(client):
    client.call("HSET", "h", "a", 1, "b", 2)
    assert client.call("OBJECT", "ENCODING", "h") == b"listpack"
    client.call("HEXPIRE", "h", 100, *fields("a"))
    assert client.call("OBJECT", "ENCODING", "h") == b"listpackex"
    client.call("HPERSIST", "h", *fields("a"))
    assert client.call("OBJECT", "ENCODING", "h") == b"listpackex"
    client.call("HSET", "h", "a", "x" * 65)
    assert client.call("OBJECT", "ENCODING", "h") == b"hashtable"
    client.call("HEXPIRE", "h", 100, *fields("a"))
    assert client.call("OBJECT", "ENCODING", "h") == b"hashtable"
    client.call("HSETEX", "new", "EX", 100, *fields("a"), 1)
    assert client.call("OBJECT", "ENCODING", "new") == b"listpackex"
    fill(client, "big", 512)
    client.call("HEXPIRE", "big", 100, *fields("f1"))
    assert client.call("OBJECT", "ENCODING", "big") == b"listpackex"
    client.call("HSET", "big", "one more", 1)
    assert client.call("OBJECT", "ENCODING", "big") == b"hashtable"


def test_subexpiry_counts_hashes(client, others):
    assert subexpiry(client) == 0
    for key in ("a", "b"):
        fill(client, key, others)
    client.call("HEXPIRE", "a", 100, *fields("f0", "f1"))
    assert subexpiry(client) == 1
    client.call("HGETEX", "b", "EX", 100, *fields("f0"))
    assert subexpiry(client) == 2
    client.call("HPERSIST", "b", *fields("f0"))
    client.call("HDEL", "a", "f0")
    assert subexpiry(client) == 1
    client.call("HSET", "a", "f1", "lasting")
    assert subexpiry(client) == 0
    client.call("HSETEX", "a", "EX", 100, *fields("f1"), 1)
    client.call("HGETDEL", "a", *fields("f1"))
    assert subexpiry(client) == 0
    client.call("HEXPIRE", "a", 100, "XX", *fields("f0"))  # nothing comes of it
    assert subexpiry(client) == 0
    client.call("DEBUG", "VERIFY")


# ---- the time comes ------------------------------------------------------------------------------


def test_fields_go_by_themselves(client, others):
    fill(client, "h", others)
    client.call("HPEXPIRE", "h", 20, *fields("f0", "f2"))
    client.call("HEXPIRE", "h", 1000, *fields("f1"))
    until_gone(lambda: client.call("HLEN", "h"), others - 2)
    assert client.call("HMGET", "h", "f0", "f1", "f2") == [None, b"v1", None]
    assert stat(client, "expired_subkeys") == 2
    assert subexpiry(client) == 1
    client.call("DEBUG", "VERIFY")


def test_a_hash_goes_with_its_last_field(client, others):
    fill(client, "h", others)
    client.call("HSET", "stays", "f", 1)
    names = [f"f{n}" for n in range(others)]
    client.call("HPEXPIRE", "h", 20, *fields(*names))
    until_gone(lambda: client.call("DBSIZE"), 1)
    assert stat(client, "expired_subkeys") == others
    assert subexpiry(client) == 0
    client.call("DEBUG", "VERIFY")


def test_what_has_expired_is_not_shown(client, others):
    """Nothing removes it here: that it is not shown must not depend on that."""
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    try:
        fill(client, "h", others)
        client.call("HPEXPIRE", "h", 1, *fields("f0", "f1"))
        until_gone(lambda: client.call("HGET", "h", "f0"), None)
        until_gone(lambda: client.call("HGET", "h", "f1"), None)
        left = others - 2
        assert client.call("HEXISTS", "h", "f0") == 0
        assert client.call("HSTRLEN", "h", "f0") == 0
        assert client.call("HMGET", "h", "f0", "f1", "f2") == [None, None, b"v2"]
        for command, each in (("HKEYS", 1), ("HVALS", 1), ("HGETALL", 2)):
            assert len(client.call(command, "h")) == each * left
        assert len(client.call("HSCAN", "h", 0, "COUNT", 100_000)[1]) == 2 * left
        assert len(client.call("HRANDFIELD", "h", 10_000)) == left
        assert set(client.call("HRANDFIELD", "h", -300)) <= \
            {f"f{n}".encode() for n in range(2, others)}
        assert client.call("HTTL", "h", *fields("f0")) == [ABSENT]
        assert client.call("HPERSIST", "h", *fields("f0")) == [ABSENT]
        assert client.call("HEXPIRE", "h", 100, *fields("f0")) == [ABSENT]
        assert client.call("HGETDEL", "h", *fields("f0")) == [None]
        assert client.call("HGETEX", "h", "PERSIST", *fields("f0")) == [None]
        assert client.call("HDEL", "h", "f0") == 0
        assert client.call("HSETEX", "h", "FXX", *fields("f0"), 1) == 0
        assert client.call("HINCRBY", "h", "f0", 3) == 3
        assert client.call("HSETNX", "h", "f1", "again") == 1
        assert client.call("HTTL", "h", *fields("f0", "f1")) == [LASTING, LASTING]
        client.call("DEBUG", "VERIFY")
    finally:
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_many_fields_go(client):
    """How short the steps are is checked where they are made: tests/unit/types_hash.c."""
    count = 2000 if MOVE_ALL_BUILD else 20_000
    for start in range(0, count, 500):
        client.call("HSETEX", "h", "PX", 300, "FIELDS", 500,
                    *[part for n in range(start, start + 500) for part in (f"field{n}", n)])
    until_gone(lambda: client.call("EXISTS", "h"), 0, seconds=60)
    assert client.call("DBSIZE") == 0
    assert stat(client, "expired_subkeys") == count
    assert client.call("DEBUG", "VERIFY") == "OK"


# ---- beside a model ------------------------------------------------------------------------------


class Model:
    """Hashes whose fields have a value and a time, or None; times are so far that none comes."""

    def __init__(self):
        self.keys = {}

    def at(self, key, make=False):
        return self.keys.setdefault(key, {}) if make else self.keys.get(key, {})

    def clean(self, key):
        if key in self.keys and not self.keys[key]:
            del self.keys[key]

    def expire(self, key, when, condition, names):
        found, told = self.at(key), []
        for name in names:
            if name not in found:
                told.append(ABSENT)
                continue
            value, before = found[name]
            lasting = before is None
            met = {None: True, "NX": lasting, "XX": not lasting,
                   "GT": not lasting and when > before, "LT": lasting or when < before}[condition]
            if not met:
                told.append(REFUSED)
            elif when <= 1:
                del found[name]
                told.append(REMOVED)
            else:
                found[name] = (value, when)
                told.append(CHANGED)
        self.clean(key)
        return told

    def times(self, key, names):
        found = self.at(key)
        return [ABSENT if name not in found else
                LASTING if found[name][1] is None else found[name][1] for name in names]

    def persist(self, key, names):
        found, told = self.at(key), []
        for name in names:
            if name not in found:
                told.append(ABSENT)
            elif found[name][1] is None:
                told.append(LASTING)
            else:
                found[name] = (found[name][0], None)
                told.append(CHANGED)
        return told

    def getex(self, key, when, names):
        """`when`: None for nothing, "PERSIST", or a time."""
        found, told = self.at(key), []
        for name in names:
            told.append(found[name][0] if name in found else None)
            if name not in found or when is None:
                continue
            if when == "PERSIST":
                found[name] = (found[name][0], None)
            elif when <= 1:
                del found[name]
            else:
                found[name] = (found[name][0], when)
        self.clean(key)
        return told

    def setex(self, key, condition, when, pairs):
        """`when`: None, "KEEPTTL" or a time."""
        found = self.at(key)
        there = [name in found for name, _ in pairs]
        if (condition == "FNX" and any(there)) or (condition == "FXX" and not all(there)):
            return 0
        found = self.at(key, make=True)
        for name, value in pairs:
            if when == "KEEPTTL":
                found[name] = (value, found.get(name, (None, None))[1])
            elif when is not None and when <= 1:
                found.pop(name, None)
            else:
                found[name] = (value, when)
        self.clean(key)
        return 1


class Run:
    def __init__(self, client, seed, most):
        self.client, self.random, self.model = client, random.Random(seed), Model()
        self.base = now_ms(client) + YEAR_MS
        self.most = most  # of different fields

    def name(self):
        number = self.random.randrange(self.most)
        return str(number).encode() if number % 3 else b"field:%d" % number

    def names(self):
        return [self.name() for _ in range(self.random.choice([1, 1, 2, 5]))]

    def value(self):
        return self.random.choice([b"", b"v", b"17", b"x" * 40, b"y" * 300, b"-5",
                                   b"z" * self.random.choice([70, 4000, 40_000])
                                   if self.random.random() < 0.05 else b"w"])

    def when(self):
        return self.random.choice([1, self.base, self.base + 1000 * self.random.randrange(50)])

    def step(self, key):
        r, model, ask = self.random, self.model, self.client.call
        chance, names = r.random(), self.names()
        if chance < 0.25:
            pairs = [(name, self.value()) for name in names]
            found = model.at(key)
            new = len({name for name, _ in pairs} - set(found))
            model.at(key, make=True).update({name: (value, None) for name, value in pairs})
            return ask("HSET", key, *[part for pair in pairs for part in pair]), new
        if chance < 0.45:
            condition, when = r.choice([None, None, "NX", "XX", "GT", "LT"]), self.when()
            options = [condition] if condition else []
            return (ask("HPEXPIREAT", key, when, *options, *fields(*names)),
                    model.expire(key, when, condition, names))
        if chance < 0.6:
            condition = r.choice([None, None, "FNX", "FXX"])
            when = r.choice([None, "KEEPTTL", self.when()])
            pairs = [(name, self.value()) for name in names]
            options = [condition] if condition else []
            options += [] if when is None else [when] if when == "KEEPTTL" else ["PXAT", when]
            return (ask("HSETEX", key, *options, "FIELDS", len(pairs),
                        *[part for pair in pairs for part in pair]),
                    model.setex(key, condition, when, pairs))
        if chance < 0.7:
            when = r.choice([None, "PERSIST", self.when()])
            options = [] if when is None else [when] if when == "PERSIST" else ["PXAT", when]
            return (ask("HGETEX", key, *options, *fields(*names)), model.getex(key, when, names))
        if chance < 0.8:
            return (ask("HGETDEL", key, *fields(*names)), model.getex(key, 1, names))
        if chance < 0.9:
            return ask("HPERSIST", key, *fields(*names)), model.persist(key, names)
        return ask("HPEXPIRETIME", key, *fields(*names)), model.times(key, names)

    def check(self):
        assert self.client.call("DBSIZE") == len(self.model.keys)
        for key, found in self.model.keys.items():
            flat = self.client.call("HGETALL", key)
            assert dict(zip(flat[::2], flat[1::2])) == {n: v for n, (v, _) in found.items()}
            names = list(found)
            assert self.client.call("HPEXPIRETIME", key, *fields(*names)) == \
                self.model.times(key, names)
        expiring = sum(any(when is not None for _, when in found.values())
                       for found in self.model.keys.values())
        assert subexpiry(self.client) == expiring
        assert self.client.call("DEBUG", "VERIFY") == "OK"


@pytest.mark.parametrize("most, steps", [(6, 3000), (60, 3000), (2000, 5000)])
def test_model(client, most, steps):
    seed = random.randrange(2**32)
    print("seed", seed)  # shown when the test fails
    run = Run(client, seed, most)
    for number in range(steps):
        key = run.random.choice([b"a", b"b"])
        ours, wanted = run.step(key)
        assert ours == wanted, number
        if number % 500 == 499:
            run.check()
    run.check()


def test_model_of_short_times(client):
    """Fields with any short time: what is shown is what has time left, whenever it is asked."""
    generator = random.Random(5)
    ends = {}
    for number in range(3000):
        name, life = b"f%d" % number, generator.randrange(1, 300)
        before = now_ms(client)
        client.call("HSETEX", b"h%d" % (number % 7), "PX", life, *fields(name), number)
        ends[name] = (number % 7, before + life, now_ms(client) + life)
        if number % 100 == 0:
            before = now_ms(client)
            shown = {name for key in range(7) for name in client.call("HKEYS", b"h%d" % key)}
            after = now_ms(client)
            assert {name for name, (_, first, _) in ends.items() if first > after} <= shown
            assert shown <= {name for name, (_, _, last) in ends.items() if last >= before}
    until_gone(lambda: client.call("DBSIZE"), 0)
    assert stat(client, "expired_subkeys") <= 3000
    assert client.call("DEBUG", "VERIFY") == "OK"
