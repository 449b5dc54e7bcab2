"""What commands tell that they did, as commands: each that goes by chance, time or what is there
tells something else than itself; and whatever is done to one server, its effects make the same of
another."""

import os
import random
import time

import command_generators
import pytest
from conftest import MOVE_ALL_BUILD
from resp import Client, Error, as_bytes

NOW = 1_700_000_000_000
SEED = int(os.environ.get("SNUG_SEED", random.SystemRandom().getrandbits(32)))
COMMANDS = int(os.environ.get("SNUG_EFFECTS", "2000" if MOVE_ALL_BUILD else "20000"))


@pytest.fixture
def told(server):
    """Calls commands at a clock that stands still; told.effects() are those since the last time."""
    with Client(server.port) as client:
        assert client.call("DEBUG", "EFFECTS", "CLOCK", NOW) == "OK"
        assert client.call("DEBUG", "EFFECTS", "ON") == "OK"

        def effects():
            return [[effect[0]] + [word.decode() for word in effect[1:]]
                    for effect in client.call("DEBUG", "EFFECTS", "TAKE")]

        def of(*command):
            """The only effect, without its database."""
            client.call("DEBUG", "EFFECTS", "TAKE")
            reply = client.call(*command)
            assert not isinstance(reply, Error), reply
            found = [" ".join(effect[1:]) for effect in effects()]
            return found[0] if len(found) == 1 else found

        client.effects, client.of = effects, of
        yield client
        client.call("DEBUG", "EFFECTS", "OFF")
        client.call("DEBUG", "EFFECTS", "CLOCK", "FREE")


def at(client, ms):
    assert client.call("DEBUG", "EFFECTS", "CLOCK", NOW + ms) == "OK"


def test_what_changed_nothing_tells_nothing(told):
    assert told.of("SET", "k", "v") == "SET k v"
    for command in [("GET", "k"), ("SET", "k", "w", "NX"), ("DEL", "no"), ("EXPIRE", "no", 5),
                    ("HDEL", "no", "f"), ("SADD", "s"), ("PERSIST", "k"), ("SPOP", "no"),
                    ("LPOP", "no"), ("EXISTS", "k"), ("DEBUG", "POPULATE", 3)]:
        told.call("DEBUG", "EFFECTS", "TAKE")
        told.call(*command)
        assert told.effects() == [], command


def test_databases_are_told(told):
    told.call("SELECT", 3)
    told.call("SET", "k", "v")
    told.call("COPY", "k", "k", "DB", 5)
    told.call("FLUSHDB")
    told.call("SWAPDB", 3, 5)
    assert told.effects() == [[3, "SET", "k", "v"], [3, "COPY", "k", "k", "DB", "5"],
                              [3, "FLUSHDB"], [3, "SWAPDB", "3", "5"]]
    assert told.of("MOVE", "k", 0) == "MOVE k 0"
    told.call("SET", "k", "v")
    assert told.of("RENAME", "k", "l") == "RENAME k l"
    assert told.of("FLUSHALL") == "FLUSHALL"


def test_strings(told):
    later = NOW + 5000
    assert told.of("SET", "k", "v", "EX", 5) == f"SET k v PXAT {later}"
    assert told.of("SET", "k", "v", "PX", 5000, "GET") == f"SET k v PXAT {later}"
    assert told.of("SET", "k", "v", "EXAT", later // 1000, "XX") == f"SET k v PXAT {later}"
    assert told.of("SET", "k", "v", "KEEPTTL", "GET") == "SET k v KEEPTTL"
    assert told.of("SET", "k", "v", "XX", "GET") == "SET k v"
    assert told.of("SET", "k", "v", "PXAT", 5) == "DEL k"
    assert told.of("SET", "k", "v", "PXAT", 5) == []
    assert told.of("SETEX", "k", 5, "v") == f"SET k v PXAT {later}"
    assert told.of("PSETEX", "k", 5000, "v") == f"SET k v PXAT {later}"
    assert told.of("GETEX", "k") == []
    assert told.of("GETEX", "k", "EX", 5) == f"PEXPIREAT k {later}"
    assert told.of("GETEX", "k", "PERSIST") == "PERSIST k"
    assert told.of("GETEX", "k", "PXAT", 5) == "DEL k"
    assert told.of("SETNX", "k", "1") == "SETNX k 1"
    assert told.of("GETSET", "k", "1") == "SET k 1"
    assert told.of("INCRBYFLOAT", "k", "0.5") == "SET k 1.5 KEEPTTL"
    assert told.of("GETDEL", "k") == "DEL k"
    assert told.of("INCR", "k") == "INCR k"


def test_times(told):
    told.call("SET", "k", "v")
    for command, time_ in [("EXPIRE", 5), ("PEXPIRE", 5000), ("EXPIREAT", NOW // 1000 + 5),
                           ("PEXPIREAT", NOW + 5000)]:
        assert told.of(command, "k", time_) == f"PEXPIREAT k {NOW + 5000}"
    assert told.of("EXPIRE", "k", 9, "NX") == []
    assert told.of("EXPIRE", "k", 9, "GT") == f"PEXPIREAT k {NOW + 9000}"
    assert told.of("PERSIST", "k") == "PERSIST k"
    assert told.of("EXPIRE", "k", -1) == "DEL k"


def test_keys_that_expire_are_told_before_the_command(told):
    told.call("SET", "k", "v", "PX", 10)
    at(told, 20)
    assert told.of("APPEND", "k", "w") in (["DEL k", "APPEND k w"], "APPEND k w")
    told.call("SET", "read", "v", "PX", 10)
    at(told, 40)
    told.call("GET", "read")
    assert told.effects()[-1:] == [[0, "DEL", "read"]]
    told.call("SET", "sweep", "v", "PX", 10)
    at(told, 60)
    deadline = time.monotonic() + 10
    effects = []
    while [0, "DEL", "sweep"] not in effects:
        assert time.monotonic() < deadline
        effects = told.effects()


def test_lists_popped(told):
    told.call("RPUSH", "l", *range(10))
    assert told.of("LPOP", "l") == "LPOP l"
    assert told.of("LMPOP", 2, "no", "l", "RIGHT", "COUNT", 2) == "RPOP l 2"
    assert told.of("BLPOP", "no", "l", 0) == "LPOP l"
    assert told.of("BRPOP", "no", "l", 0) == "RPOP l"
    assert told.of("BLMPOP", 0, 2, "no", "l", "LEFT") == "LPOP l"
    assert told.of("BLMOVE", "l", "m", "LEFT", "RIGHT", 0) == "LMOVE l m LEFT RIGHT"
    assert told.of("BRPOPLPUSH", "l", "m", 0) == "LMOVE l m RIGHT LEFT"
    assert told.of("RPOPLPUSH", "l", "m") == "RPOPLPUSH l m"
    assert told.of("LMPOP", 1, "l", "LEFT", "COUNT", 9) == "LPOP l"


def test_sorted_sets_popped(told):
    told.call("ZADD", "z", *[n for score in range(9) for n in (score, score)])
    assert told.of("ZPOPMIN", "z") == "ZPOPMIN z"
    assert told.of("ZMPOP", 2, "no", "z", "MAX", "COUNT", 2) == "ZPOPMAX z 2"
    assert told.of("BZPOPMIN", "no", "z", 0) == "ZPOPMIN z 1"
    assert told.of("BZPOPMAX", "no", "z", 0) == "ZPOPMAX z 1"
    assert told.of("BZMPOP", 0, 1, "z", "MIN", "COUNT", 99) == "ZPOPMIN z 4"


@pytest.mark.parametrize("command, other, effects", [
    (("BLPOP", "w", 0), ("RPUSH", "w", "a"), ["RPUSH w a", "LPOP w"]),
    (("BLMOVE", "w", "v", "LEFT", "LEFT", 0), ("RPUSH", "w", "a"),
     ["RPUSH w a", "LMOVE w v LEFT LEFT"]),
    (("BZPOPMIN", "w", 0), ("ZADD", "w", 1, "a"), ["ZADD w 1 a", "ZPOPMIN w 1"]),
    (("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "x", ">"),
     ("XADD", "x", "5-5", "f", 1),
     ["XGROUP CREATECONSUMER x g c", "XADD x 5-5 f 1", "MULTI",
      f"XCLAIM x g c 0 5-5 TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID 5-5",
      "XGROUP SETID x g 5-5 ENTRIESREAD 1", "EXEC"])])
def test_who_waited_is_told_after_what_it_waited_for(told, server, command, other, effects):
    told.call("XGROUP", "CREATE", "x", "g", "$", "MKSTREAM")
    told.effects()
    with Client(server.port) as waiter:
        waiter.send(*command)
        deadline = time.monotonic() + 10
        while b"blocked_clients:1\r" not in told.call("INFO", "clients"):
            assert time.monotonic() < deadline
        told.call(*other)
        assert not isinstance(waiter.read(), Error)
    assert [" ".join(effect[1:]) for effect in told.effects()] == effects


@pytest.mark.parametrize("count", [10, 5000])
def test_spop_tells_which(told, count):
    told.call("SADD", "s", *[f"member{number}" for number in range(count)])
    one = told.call("SPOP", "s").decode()
    assert told.effects()[1:] == [[0, "SREM", "s", one]]
    some = [member.decode() for member in told.call("SPOP", "s", count // 2)]
    told_of = [member for effect in told.effects() if effect[1] == "SREM" for member in effect[3:]]
    assert sorted(told_of) == sorted(some)
    assert told.of("SPOP", "s", count) == "DEL s"


def test_hashes(told):
    later = NOW + 5000
    told.call("HSET", "h", "f", 1, "g", 2, "i", 3, "j", 4, "k", 5)
    assert told.of("HINCRBYFLOAT", "h", "f", "0.5") == "HSET h f 1.5"
    assert told.of("HPEXPIRE", "h", 5000, "FIELDS", 3, "f", "no", "g") == \
        f"HPEXPIREAT h {later} FIELDS 2 f g"
    assert told.of("HEXPIRE", "h", 9, "NX", "FIELDS", 1, "f") == []
    assert told.of("HEXPIREAT", "h", later // 1000, "FIELDS", 1, "g") == \
        f"HPEXPIREAT h {later} FIELDS 1 g"
    assert told.of("HINCRBYFLOAT", "h", "f", "1") == "HSETEX h KEEPTTL FIELDS 1 f 2.5"
    assert told.of("HPERSIST", "h", "FIELDS", 1, "g") == "HPERSIST h FIELDS 1 g"
    assert told.of("HGETEX", "h", "EX", 5, "FIELDS", 1, "g") == f"HPEXPIREAT h {later} FIELDS 1 g"
    assert told.of("HGETEX", "h", "PERSIST", "FIELDS", 1, "g") == "HPERSIST h FIELDS 1 g"
    assert told.of("HGETEX", "h", "FIELDS", 1, "g") == []
    assert told.of("HGETEX", "h", "PXAT", 1, "FIELDS", 1, "g") == "HDEL h g"
    assert told.of("HEXPIRE", "h", 0, "FIELDS", 1, "i") == "HDEL h i"
    assert told.of("HGETDEL", "h", "FIELDS", 2, "j", "no") == "HDEL h j no"
    assert told.of("HSETEX", "h", "FNX", "EX", 5, "FIELDS", 1, "l", 1) == \
        f"HSETEX h PXAT {later} FIELDS 1 l 1"
    assert told.of("HSETEX", "h", "PXAT", 1, "FIELDS", 1, "l", 1) == "HDEL h l"
    assert told.of("HSETEX", "h", "FIELDS", 1, "l", 1) == "HSETEX h FIELDS 1 l 1"


@pytest.mark.parametrize("others", [1, 900])
def test_fields_that_expire_are_told(told, others):
    told.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    told.call("HSET", "h", *[word for n in range(others) for word in (f"o{n}", n)])
    told.call("HSETEX", "h", "PX", 10, "FIELDS", 3, "f", 1, "g", 2, "i", 3)
    at(told, 20)
    assert told.of("HINCRBY", "h", "f", 5) == ["HDEL h f", "HINCRBY h f 5"]
    assert told.of("HSETNX", "h", "g", 5) == ["HDEL h g", "HSETNX h g 5"]
    told.call("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    deadline = time.monotonic() + 10
    effects = []
    while [0, "HDEL", "h", "i"] not in effects:
        assert time.monotonic() < deadline
        effects = told.effects()
    told.call("HSETEX", "only", "PX", 10, "FIELDS", 1, "f", 1)
    at(told, 60)
    while [0, "HDEL", "only", "f"] not in effects:
        assert time.monotonic() < deadline
        effects = told.effects()
    assert told.call("EXISTS", "only") == 0 and told.effects() == []


def test_streams(told):
    told.call("CONFIG", "SET", "stream-node-max-entries", 5)
    assert told.of("XADD", "x", "*", "f", "v") == f"XADD x {NOW}-0 f v"
    assert told.of("XADD", "x", "NOMKSTREAM", f"{NOW}-*", "f", "v") == f"XADD x {NOW}-1 f v"
    for _ in range(10):
        told.call("XADD", "x", "*", "f", "v")
    assert told.of("XADD", "x", "MAXLEN", "~", 1, "*", "f", "v") == \
        f"XADD x MAXLEN = 3 {NOW}-12 f v"
    assert told.of("XADD", "x", "MAXLEN", 3, "*", "f", "v") == f"XADD x MAXLEN = 3 {NOW}-13 f v"
    assert told.of("XADD", "x", "MINID", f"{NOW}-12", "*", "f", "v") == \
        f"XADD x MINID = {NOW}-12 {NOW}-14 f v"
    assert told.of("XADD", "x", "MAXLEN", "~", 1000, "*", "f", "v") == f"XADD x {NOW}-15 f v"
    assert told.of("XTRIM", "x", "MINID", f"{NOW}-14") == f"XTRIM x MINID = {NOW}-14"
    assert told.of("XTRIM", "x", "MAXLEN", 1) == "XTRIM x MAXLEN = 1"
    assert told.of("XTRIM", "x", "MAXLEN", 1) == []
    told.call("CONFIG", "SET", "stream-node-max-entries", 100)


def test_groups(told):
    for number in range(1, 6):
        told.call("XADD", "x", f"{number}-0", "f", "v")
    assert told.of("XGROUP", "CREATE", "x", "g", 0) == "XGROUP CREATE x g 0"
    assert told.of("XGROUP", "CREATECONSUMER", "x", "g", "c") == "XGROUP CREATECONSUMER x g c"
    assert told.of("XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "x", ">") == [
        "MULTI", f"XCLAIM x g c 0 1-0 2-0 TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID 2-0",
        "XGROUP SETID x g 2-0 ENTRIESREAD 2", "EXEC"]
    assert told.of("XREADGROUP", "GROUP", "g", "n", "COUNT", 1, "NOACK", "STREAMS", "x", ">") == [
        "MULTI", "XGROUP CREATECONSUMER x g n", "XGROUP SETID x g 3-0 ENTRIESREAD 3", "EXEC"]
    at(told, 7)
    assert told.of("XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "x", 0) == \
        f"XCLAIM x g c 0 1-0 TIME {NOW + 7} RETRYCOUNT 2 FORCE JUSTID LASTID 3-0"
    assert told.of("XCLAIM", "x", "g", "n", 0, "1-0", "IDLE", 5) == \
        f"XCLAIM x g n 0 1-0 TIME {NOW + 2} RETRYCOUNT 3 FORCE JUSTID LASTID 3-0"
    told.call("XDEL", "x", "2-0")
    assert told.of("XAUTOCLAIM", "x", "g", "d", 0, 0) == [
        "MULTI", "XGROUP CREATECONSUMER x g d",
        f"XCLAIM x g d 0 1-0 TIME {NOW + 7} RETRYCOUNT 4 FORCE JUSTID LASTID 3-0",
        "XACK x g 2-0", "EXEC"]
    assert told.of("XACK", "x", "g", "1-0") == "XACK x g 1-0"
    assert told.of("XCLAIM", "x", "g", "d", 0, "9-9", "LASTID", "4-0") == \
        "XGROUP SETID x g 4-0 ENTRIESREAD 3"
    assert told.of("XREADGROUP", "GROUP", "g", "d", "STREAMS", "x", 0) == []


# ---- whatever is done: the effects make the same -------------------------------------------------

SPANS = [1, 5, 20, 50, 200, 1000]


def brief(r, now):
    """A time that is over soon, in some form of EX, PX, EXAT, PXAT."""
    form = r.choice(["PX", "PXAT", "PX", "PXAT", "EX", "EXAT"])
    span = r.choice(SPANS) if r.random() < 0.93 else -5
    return [form, {"PX": span, "PXAT": now + span, "EX": 1, "EXAT": now // 1000 + 1}[form]]


def key(r, kind=None):
    kinds = sorted(command_generators.POOLS)
    return r.choice(command_generators.POOLS[kind or r.choice(kinds)][:3])


def timed(r, now):
    """Commands that go by the clock or by chance, of which the types' generators have few."""
    stream, group = key(r, "stream"), r.choice(["g1", "g2"])
    consumer = r.choice(["alice", "bob", "carol"])
    fields = [r.choice("fghij") for _ in range(r.randint(1, 3))]
    few = ["FIELDS", len(fields), *fields]
    pairs = ["FIELDS", len(fields),
             *[part for field in fields for part in (field, r.randint(0, 9))]]
    trim = r.choice([[], ["MAXLEN", "~", r.randint(0, 20)], ["MAXLEN", r.randint(5, 20)],
                     ["MINID", "~", now - r.randint(0, 200)], ["MINID", now - r.randint(0, 200)]])
    name, condition = key(r), r.choice([[], [], ["NX"], ["XX"], ["GT"], ["LT"]])
    return r.choice([
        ["SET", key(r), r.randint(0, 99), *brief(r, now), *r.choice([[], ["GET"], ["NX"], ["XX"]])],
        ["SET", key(r), r.randint(0, 9), r.choice(["IFEQ", "IFNE"]), r.randint(0, 9),
         *r.choice([[], ["GET"], ["KEEPTTL"], brief(r, now)])],
        ["DELEX", key(r), *r.choice([[], ["IFEQ", r.randint(0, 9)], ["IFNE", 1]])],
        ["DELIFEQ", key(r), r.randint(0, 9)],
        ["MSETEX", 2, key(r), 1, key(r), r.randint(0, 9),
         *r.choice([[], ["KEEPTTL"], brief(r, now), ["NX"], ["XX"]])],
        ["GETEX", name, *brief(r, now)], ["PSETEX", name, r.choice(SPANS), "v"],
        ["PEXPIRE", name, r.choice(SPANS), *condition], ["PERSIST", name],
        ["EXPIRE", name, r.randint(-1, 2), *condition], ["PEXPIREAT", name, now + r.choice(SPANS)],
        ["APPEND", name, "x"], ["EXISTS", name], ["RENAMENX", name, key(r)],
        ["RENAME", name, key(r)],
        ["COPY", name, key(r), *r.choice([[], ["REPLACE"]])], ["INCRBYFLOAT", name, "1.5"],
        ["HSETEX", key(r, "hash"), *r.choice([[], ["FNX"], ["FXX"]]),
         *r.choice([[], ["KEEPTTL"], brief(r, now), brief(r, now)]), *pairs],
        ["HPEXPIRE", key(r, "hash"), r.choice([0, *SPANS]), *condition, *few],
        ["HGETEX", key(r, "hash"), *r.choice([[], ["PERSIST"], brief(r, now)]), *few],
        ["HPERSIST", key(r, "hash"), *few], ["HGETDEL", key(r, "hash"), *few],
        ["HDEL", key(r, "hash"), *fields], ["HSETNX", key(r, "hash"), fields[0], 7],
        ["HINCRBY", key(r, "hash"), fields[0], 3],
        ["HINCRBYFLOAT", key(r, "hash"), fields[0], "0.5"],
        ["HSET", key(r, "hash"), fields[0], 3], ["HLEN", key(r, "hash")],
        ["SPOP", key(r, "set"), r.randint(1, 4)], ["SADD", key(r, "set"), r.randint(0, 50)],
        ["XADD", stream, *trim, "*", "f", r.randint(0, 9)],
        ["XTRIM", stream, *(trim or ["MAXLEN", "~", 3])],
        ["XGROUP", "CREATE", stream, group, r.choice(["$", "0"]), "MKSTREAM"],
        ["XREADGROUP", "GROUP", group, consumer, "COUNT", r.randint(1, 9),
         *r.choice([[], [], ["NOACK"]]), "STREAMS", stream, r.choice([">", ">", ">", "0"])],
        ["XAUTOCLAIM", stream, group, consumer, r.choice([0, 10, 50]), "-", "COUNT",
         r.randint(1, 9), *r.choice([[], ["JUSTID"]])],
        ["XGROUP", "DELCONSUMER", stream, group, consumer]])


class Twins:
    """A server that is worked on, and one that runs what the first tells."""

    def __init__(self, first, second, sweeps):
        self.first, self.second, self.sweeps = first, second, sweeps
        self.now, self.db = NOW, None
        for client in (first, second):
            assert client.call("CONFIG", "SET", "stream-node-max-entries", 5) == "OK"
        assert first.call("DEBUG", "EFFECTS", "ON") == "OK"
        assert second.call("DEBUG", "EFFECTS", "CLOCK", "LONG-AGO") == "OK"
        first.call("DEBUG", "SET-ACTIVE-EXPIRE", int(sweeps))

    def clock(self, step):
        self.now += step
        return ["DEBUG", "EFFECTS", "CLOCK", self.now]

    def replay(self):
        effects = self.first.call("DEBUG", "EFFECTS", "TAKE")
        assert isinstance(effects, list), effects
        commands = []
        for db, *command in effects:
            if command[0] in (b"MULTI", b"EXEC"):
                continue
            if db != self.db:
                commands.append(["SELECT", db])
                self.db = db
            commands.append(command)
        for command, reply in zip(commands, self.second.pipeline(*commands)):
            assert not isinstance(reply, Error), (command, reply)
        return effects

    def settle(self):
        """Whatever is due in the first goes, and the second hears of it."""
        self.replay()
        for db in range(16):
            self.second.call("SELECT", db)
            keys = self.second.call("KEYS", "*")
            if keys:
                self.first.pipeline(["SELECT", db], ["EXISTS", *keys])
        self.first.call("SELECT", 0)
        self.db = None
        self.replay()

    def compare(self):
        self.first.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        self.settle()
        found = self.first_difference()
        self.first.call("DEBUG", "SET-ACTIVE-EXPIRE", int(self.sweeps))
        return found

    def first_difference(self):
        if self.first.call("DEBUG", "DIGEST") != self.second.call("DEBUG", "DIGEST"):
            return self.difference()
        for db in range(16):
            for client in (self.first, self.second):
                client.call("SELECT", db)
            keys = sorted(self.first.call("KEYS", "*"))
            if keys != sorted(self.second.call("KEYS", "*")):
                return db, keys
            for name in keys:
                found = [self.look(client, name) for client in (self.first, self.second)]
                if found[0] != found[1]:
                    return db, name, *found
        self.db = None
        for client in (self.first, self.second):
            client.call("SELECT", 0)
        return None

    def difference(self):
        found = []
        for db in range(16):
            names = set()
            for client in (self.first, self.second):
                client.call("SELECT", db)
                names |= set(client.call("KEYS", "*"))
            for name in sorted(names):
                looks = [(client.call("TYPE", name), client.call("DEBUG", "DIGEST-VALUE", name),
                          client.call("PEXPIRETIME", name)) for client in (self.first, self.second)]
                if looks[0] != looks[1]:
                    found.append((db, name, *looks))
        return found or "the digests differ"

    def look(self, client, name):
        kind = client.call("TYPE", name)
        expiry = client.call("PEXPIRETIME", name)
        if kind == "hash":
            fields = client.call("HKEYS", name)
            times = client.call("HPEXPIRETIME", name, "FIELDS", len(fields), *fields) if fields \
                else []
            live = {field: ms for field, ms in zip(fields, times)
                    if ms == -1 or (client is self.first or ms >= self.now)}
            return expiry, live, client.call("HLEN", name)
        if kind == "stream":
            return expiry, steady(client.call("XINFO", "STREAM", name, "FULL", "COUNT", 0))
        return expiry, client.call("DEBUG", "DIGEST-VALUE", name)


def steady(reply):
    """Without when consumers were seen, and how a tree has grown."""
    if not isinstance(reply, list):
        return reply
    words = [b"seen-time", b"active-time", b"radix-tree-keys", b"radix-tree-nodes"]
    return [steady(item) for at, item in enumerate(reply)
            if not (at % 2 == 1 and reply[at - 1] in words)]


def writers(client):
    """Generators of what changes something, and now and then of what only looks."""
    exist = {info[0].decode(): info[2] for info in client.call("COMMAND") if info}
    return [name for name in command_generators.GENERATORS if name in exist
            for _ in range(6 if "write" in map(str, exist[name]) else 1)]


@pytest.mark.parametrize("sweeps", [True, False])
def test_effects_make_the_same(start, sweeps):
    print(f"SNUG_SEED={SEED}")
    first, second = [start("--enable-debug-command", "yes").client() for _ in range(2)]
    twins, names = Twins(first, second, sweeps), writers(first)
    batch = 100
    for number in range(COMMANDS // 2 // batch):
        r = command_generators.Source(f"{SEED} {sweeps} {number}", keys_used=3)
        commands = []
        while len(commands) < batch:
            if r.random() < 0.3:
                commands.append(twins.clock(r.choice([0, 1, 2, 10, 60])))
            if r.random() < 0.5:
                commands.append(timed(r, twins.now))
            else:
                commands += command_generators.commands(r, r.choice(names))
        commands = [command for command in commands if fits(command)]
        first.pipeline(*commands)
        found = twins.compare()
        assert found is None, (number, found)
    for client in (first, second):
        assert client.call("DEBUG", "VERIFY") == "OK"


def fits(command):
    """Nothing that takes the usual state of the connection or the configuration away."""
    return as_bytes(command[0]).lower() not in (b"hello", b"reset", b"quit", b"config")
