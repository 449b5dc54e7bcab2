"""DUMP and RESTORE: values go from one server to the other, and back; what is damaged does not."""

import random
import time

import pytest

from conftest import CHECKED_BUILD
from generators.payloads import DAMAGED, as_dump
from resp import Client, Error

WAIT = 120 if CHECKED_BUILD else 60
WRONG = "ERR DUMP payload version or checksum are wrong"
BAD = "ERR Bad data format"
TEXTS = [b"", b"a", b"12", b"-129", b"40000", b"-9223372036854775808", b"007", b"some text",
         b"\0\xff\r\n", b"x" * 63, b"y" * 65, b"ab" * 100, bytes(range(256)) * 20]


def fill(call, count):
    """Keys of every type."""
    for i, text in enumerate(TEXTS):
        call("SET", f"string{i}", text)
    call("SETRANGE", "long", 300_000, "end")
    for i in range(count):
        text = TEXTS[i] if i < len(TEXTS) - 1 else b"element %d" % (i * 7919)
        call("RPUSH", "list", text)
        call("SADD", "set", text)
        call("SADD", "integers", i * 70001)
        call("HSET", "hash", text, TEXTS[i % len(TEXTS)])
        call("ZADD", "zset", random.Random(i).choice([i, i / 7, -1e300, "inf", "-inf"]), text)
        call("XADD", "stream", f"{i + 1}-1", "f", i, "g", text)
    call("XDEL", "stream", "2-1")
    call("XGROUP", "CREATE", "stream", "group", 0)
    call("XREADGROUP", "GROUP", "group", "me", "COUNT", 5, "STREAMS", "stream", ">")
    call("XGROUP", "CREATE", "empty", "group", "$", "MKSTREAM")


def looks(call, name):
    """What can be told of a key in the same words by both servers."""
    if call("TYPE", name) == "stream":
        return [call("XRANGE", name, "-", "+"), call("XPENDING", name, "group"),
                call("XINFO", "GROUPS", name)]
    return [call("TYPE", name), call("DEBUG", "DIGEST-VALUE", name)]


@pytest.mark.parametrize("count", [10, 1500])
@pytest.mark.parametrize("compression", ["yes", "no"])
def test_values_go_to_redis_and_come_back(client, oracle, options, count, compression):
    options(rdb_version=10, rdbcompression=compression)
    fill(client.call, count)
    with Client(oracle.port) as redis:
        redis.call("FLUSHALL")
        for name in client.call("KEYS", "*"):
            theirs = redis.call("RESTORE", name, 0, client.call("DUMP", name))
            assert theirs == "OK", (name, theirs)
            assert looks(redis.call, name) == looks(client.call, name), name
            before = client.call("OBJECT", "ENCODING", name)
            assert client.call("RESTORE", b"back:" + name, 0, redis.call("DUMP", name)) == "OK"
            assert looks(client.call, b"back:" + name) == looks(client.call, name), name
            digests = client.call("DEBUG", "DIGEST-VALUE", name, b"back:" + name)
            assert digests[0] == digests[1], name
            assert client.call("OBJECT", "ENCODING", b"back:" + name) == before, name
            own = client.call("DUMP", name)
            assert client.call("RESTORE", b"back:" + name, 0, own, "REPLACE") == "OK"
            assert client.call("DUMP", b"back:" + name) == own or count > 10, name
        redis.call("FLUSHALL")
    assert client.call("DEBUG", "VERIFY") == "OK"


def test_a_key_that_is_not_there(any_client):
    assert any_client.call("DUMP", "no") is None


def test_versions(client, options):
    """What older servers can read is written for them; expiries of fields need the newest."""
    def version():
        return client.call("DUMP", "h")[-10:-8]
    client.call("HSET", "h", "f", 1, "g", 2)
    for number in (10, 11, 12):
        options(rdb_version=number)
        assert version() == bytes([number, 0])
    options(rdb_version=10)
    assert client.call("HPEXPIRE", "h", 10**8, "FIELDS", 1, "f") == [1]
    assert version() == b"\x0c\0"
    times = client.call("HPEXPIRETIME", "h", "FIELDS", 2, "f", "g")
    assert client.call("RESTORE", "other", 0, client.call("DUMP", "h")) == "OK"
    assert client.call("HPEXPIRETIME", "other", "FIELDS", 2, "f", "g") == times
    assert client.call("HGETALL", "other") == client.call("HGETALL", "h")


def test_errors(both):
    both.call("SET", "k", "v")
    good = as_dump(b"\x00\x01v")
    for arguments in [("k", 0, good), ("k", "x", b"bad"), ("k", 0, b"bad", "REPLACE"),
                      ("n", -1, b"bad"), ("n", "x", good), ("n", 0, b"bad"), ("n", 0, b""),
                      ("n", 0, good, "NONSENSE"), ("k", 0, b"bad", "NONSENSE"),
                      ("n", 0, good, "IDLETIME"), ("n", 0, good, "FREQ"),
                      ("n", 0, good, "IDLETIME", -1), ("n", 0, good, "IDLETIME", "x"),
                      ("n", 0, good, "FREQ", -1), ("n", 0, good, "FREQ", 256),
                      ("n", 0, good, "FREQ", "x"), ("n", 0, good, "FREQ", 1, "IDLETIME", 1),
                      ("n", 0, good, "IDLETIME", 1, "FREQ", 1), ("n", 0), ("n",)]:
        assert isinstance(both.call("RESTORE", *arguments), Error), arguments
        both.call("EXISTS", "n")
    both.call("DUMP")
    both.call("DUMP", "k", "k")
    both.call("GET", "k")


def test_options(both):
    good = as_dump(b"\x00\x01v")
    both.call("RESTORE", "k", 0, good)
    both.call("RESTORE", "k", 0, as_dump(b"\x01\x02\x01a\x01b"), "replace")
    both.call("LRANGE", "k", 0, -1)
    both.call("RESTORE", "far", 4_000_000_000_123, good, "ABSTTL")
    both.call("PEXPIRETIME", "far")
    both.call("RESTORE", "far", 0, good, "REPLACE", "ABSTTL")
    both.call("PTTL", "far")
    both.call("RESTORE", "idle", 0, good, "IDLETIME", 5000, "IDLETIME", 100_000)
    both.call("RESTORE", "often", 0, good, "FREQ", 5, "FREQ", 200)
    assert both.snug.call("OBJECT", "IDLETIME", "idle") - 100_000 in (0, 1, 2)


def test_times(client):
    good = as_dump(b"\x00\x01v")
    client.call("RESTORE", "k", 100_000, good)
    assert 90_000 < client.call("PTTL", "k") <= 100_000
    client.call("RESTORE", "soon", 20, good)
    time.sleep(0.05)
    assert client.call("EXISTS", "soon") == 0
    assert client.call("RESTORE", "k", 2**63 - 1, good, "REPLACE") == "OK"
    assert client.call("PEXPIRETIME", "k") == 2**47 - 1
    assert client.call("RESTORE", "k", 5, good, "REPLACE", "ABSTTL") == "OK"
    assert client.call("EXISTS", "k") == 0


def test_frequency(client, options):
    options(maxmemory_policy="allkeys-lfu", lfu_decay_time=0)
    assert client.call("RESTORE", "k", 0, as_dump(b"\x00\x01v"), "FREQ", 200) == "OK"
    assert client.call("OBJECT", "FREQ", "k") == 200


def test_what_is_no_value(both):
    for dump in DAMAGED:
        reply = both.call("RESTORE", "k", 0, dump)
        assert reply in (BAD, WRONG), dump
    both.call("SET", "k", "v")
    for dump in DAMAGED:
        both.call("RESTORE", "k", 0, dump, "REPLACE")
    both.call("GET", "k")


@pytest.mark.parametrize("value", [b"\x00\x05abc", b"\x00\x01ab", b"\x03\x01\x01a\x01x"])
def test_what_only_redis_takes(client, value):
    """It reads on into version and checksum, stops before them, and takes any text for a score."""
    assert client.call("RESTORE", "k", 0, as_dump(value)) == BAD


def test_a_newer_version_is_refused(client):
    assert client.call("RESTORE", "k", 0, as_dump(b"\x00\x01v", 12)) == "OK"
    assert client.call("RESTORE", "l", 0, as_dump(b"\x00\x01v", 13)) == WRONG


@pytest.mark.parametrize("count", [10, 300])
def test_damaged_payloads(client, options, count):
    """Any byte may be another one, with a checksum that fits: an error or a value, never more."""
    options(rdb_version=10)
    fill(client.call, count)
    dice = random.Random(count)
    names = sorted(client.call("KEYS", "*"))
    taken = refused = 0
    for name in names:
        whole = client.call("DUMP", name)
        assert client.call("RESTORE", "new", 0, whole[:-1] + bytes([whole[-1] ^ 1]),
                           "REPLACE") == WRONG
        if len(whole) > 20_000:
            continue
        for _ in range(12):
            damaged = bytearray(whole[:-10])
            damaged[dice.randrange(len(damaged))] = dice.choice([0, 1, 255, dice.randrange(256)])
            if dice.random() < 0.2:
                damaged = damaged[:dice.randrange(1, len(damaged) + 1)]
            reply = client.call("RESTORE", "new", 0, as_dump(bytes(damaged)), "REPLACE")
            assert reply in ("OK", BAD), damaged.hex()
            taken += reply == "OK"
            refused += reply == BAD
    assert taken > 10 and refused > 10
    assert client.call("DEBUG", "VERIFY") == "OK"


def events(client, *command):
    """What the command tells those who listen, without its database."""
    client.call("DEBUG", "EFFECTS", "TAKE")
    assert client.call(*command) == "OK"
    return [effect[1:] for effect in client.call("DEBUG", "EFFECTS", "TAKE")]


def test_what_it_tells(client):
    now, good = 1_700_000_000_000, as_dump(b"\x00\x01v")
    client.call("DEBUG", "EFFECTS", "CLOCK", now)
    client.call("DEBUG", "EFFECTS", "ON")
    try:
        plain = ["RESTORE", "k", 0, good]
        as_bytes = [b"RESTORE", b"k", b"0", good]
        assert events(client, *plain) == [as_bytes]
        assert events(client, *plain, "REPLACE") == [as_bytes + [b"REPLACE"]]
        assert events(client, "RESTORE", "k", 5000, good, "REPLACE", "IDLETIME", 7) == [
            [b"RESTORE", b"k", b"%d" % (now + 5000), good, b"REPLACE", b"IDLETIME", b"7",
             b"ABSTTL"]]
        assert events(client, "RESTORE", "k", now + 9, good, "ABSTTL", "REPLACE") == [
            [b"RESTORE", b"k", b"%d" % (now + 9), good, b"ABSTTL", b"REPLACE"]]
        assert events(client, "RESTORE", "k", 5, good, "ABSTTL", "REPLACE") == [[b"DEL", b"k"]]
        assert events(client, "RESTORE", "k", 5, good, "ABSTTL", "REPLACE") == []
    finally:
        client.call("DEBUG", "EFFECTS", "OFF")
        client.call("DEBUG", "EFFECTS", "CLOCK", "FREE")


def test_who_waits_for_a_list(client, server):
    with Client(server.port) as waiter:
        waiter.send("BLPOP", "l", 0)
        deadline = time.monotonic() + WAIT
        while b"blocked_clients:1\r" not in client.call("INFO", "clients"):
            assert time.monotonic() < deadline
        assert client.call("RESTORE", "l", 0, as_dump(b"\x01\x02\x01a\x01b")) == "OK"
        assert waiter.read() == [b"l", b"a"]


def test_while_a_snapshot_is_written(start):
    """DUMP tells what is there now; the snapshot what was there when it began."""
    server = start("--rdb-key-save-delay", "2000", "--enable-debug-command", "yes")
    client = server.client()
    for i in range(400):
        client.call("SET", f"k{i}", "v")
    names = ["list", "set", "hash", "zset", "stream"]
    fill(client.call, 900)
    before = {name: client.call("DEBUG", "DIGEST-VALUE", name) for name in names}
    assert client.call("BGSAVE") == "Background saving started"
    for name, command in [("list", ("LPUSH", "list", "new")), ("set", ("SADD", "set", "new")),
                          ("hash", ("HSET", "hash", "new", 1)),
                          ("zset", ("ZADD", "zset", 5, "new")),
                          ("stream", ("XADD", "stream", "9999-1", "new", 1))]:
        assert not isinstance(client.call("DUMP", name), Error)
        client.call(*command)
        assert client.call("RESTORE", f"copy:{name}", 0, client.call("DUMP", name)) == "OK"
        now = client.call("DEBUG", "DIGEST-VALUE", name)
        assert now != before[name] and client.call("DEBUG", "DIGEST-VALUE", f"copy:{name}") == now
    assert b"rdb_bgsave_in_progress:1\r" in client.call("INFO", "persistence")
    deadline = time.monotonic() + WAIT
    while b"rdb_bgsave_in_progress:0\r" not in client.call("INFO", "persistence"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert b"rdb_last_bgsave_status:ok\r" in client.call("INFO", "persistence")
    assert client.call("DEBUG", "RELOAD", "NOSAVE") == "OK"
    assert {name: client.call("DEBUG", "DIGEST-VALUE", name) for name in names} == before
    assert client.call("EXISTS", "copy:list") == 0


def test_restore_asking(both):
    """RESTORE, whatever a cluster would say of the key's place."""
    both.call("SET", "from", "value")
    dump = both.redis.call("DUMP", "from")
    both.call("RESTORE-ASKING", "to", 0, dump)
    both.call("RESTORE-ASKING", "to", 0, dump)
    both.call("RESTORE-ASKING", "to", 100000, dump, "REPLACE", "IDLETIME", 5)
    both.call("GET", "to")
    both.call("RESTORE-ASKING", "to")
    both.call("COMMAND", "GETKEYS", "RESTORE-ASKING", "to", 0, dump)
