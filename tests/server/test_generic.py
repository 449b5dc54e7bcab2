"""The commands for keys of any type, beside redis-server and by themselves."""

import time

import pytest

from resp import Error

NO_KEY = Error("ERR no such key")


def test_refusals(both):
    both.lines("""
        SET a 1
        DEL
        UNLINK
        EXISTS
        TOUCH
        TYPE
        TYPE a b
        KEYS
        KEYS a b
        RANDOMKEY x
        RENAME a
        RENAMENX a
        RENAME none b
        RENAMENX none b
        EXPIRE a
        EXPIRE a x
        EXPIRE a 1.5
        EXPIRE none x foo
        EXPIRE a 10 foo
        EXPIRE a 10 NX XX
        EXPIRE a 10 NX GT
        EXPIRE a 10 LT NX
        EXPIRE a 10 GT LT
        EXPIRE a 9223372036854775807
        EXPIRE a 9223372036854775
        EXPIRE a -9223372036854775808
        PEXPIRE a 9223372036854775807
        EXPIREAT a 9223372036854775807
        PEXPIREAT a x
        EXPIREAT a 10 what
        PEXPIRE a 10 xx nx
        TTL
        PTTL a b
        MOVE a 0
        MOVE a x
        MOVE a 99
        MOVE a -1
        MOVE none 0
        MOVE none 1
        COPY a
        COPY a a
        COPY a b DB x
        COPY a b DB 99
        COPY a b DB
        COPY a b FOO
        COPY none b
        SCAN
        SCAN x
        SCAN 1x
        SCAN 18446744073709551616
        SCAN 0 COUNT
        SCAN 0 COUNT 0
        SCAN 0 COUNT -5
        SCAN 0 COUNT x
        SCAN 0 FOO
        SCAN 0 FOO bar
        SCAN 0 MATCH
        SCAN 0 MATCH a COUNT 100000000000000000000
        OBJECT
        OBJECT FOO
        OBJECT ENCODING
        OBJECT HELP x
        OBJECT ENCODING none
        OBJECT FREQ none
        OBJECT IDLETIME none
        OBJECT REFCOUNT none
        OBJECT FREQ a
        OBJECT FREQ a b
        WAIT
        WAIT x 0
        WAIT 0 x
        WAIT 0 -1
        WAIT 0 0
        """)


def test_keys_and_their_expiry(both):
    both.lines("""
        SET a 1
        SET b 2 EX 1000
        EXISTS a b c a
        TOUCH a b c a
        TYPE a
        TYPE c
        TTL a
        TTL c
        EXPIRE a 100
        TTL a
        EXPIRE a 200 NX
        EXPIRE a 200 XX
        EXPIRE a 100 GT
        EXPIRE a 100 LT
        EXPIRE a 300 GT XX
        TTL a
        PERSIST a
        PERSIST a
        PERSIST none
        EXPIRE a 10 GT
        EXPIRE a 10 XX
        EXPIRE a 10 LT
        EXPIREAT a 33177117420
        EXPIRETIME a
        PEXPIRETIME a
        PEXPIREAT a 33177117420123
        PEXPIRETIME a
        EXPIRETIME a
        EXPIRETIME none
        PEXPIRETIME none
        PERSIST a
        PEXPIRETIME a
        EXPIRE a 0
        EXISTS a
        EXPIRE b -1 XX
        EXISTS b
        SET a 1
        PEXPIREAT a 1
        EXISTS a
        """)


def test_names_and_places(both):
    both.lines("""
        SET a 1 EX 1000
        SET b 2
        RENAMENX a b
        RENAME a b
        GET b
        TTL b
        EXISTS a
        RENAME b b
        RENAMENX b b
        RENAMENX b c
        KEYS *
        COPY c d
        COPY c d
        TTL d
        SET c text
        COPY c d REPLACE
        GET d
        TTL d
        COPY c c DB 3
        COPY c d DB 3 REPLACE
        MOVE c 3
        MOVE c 4
        SELECT 3
        GET c
        GET d
        MOVE d 0
        DEL c d e
        UNLINK c d e
        SELECT 0
        SELECT 4
        GET c
        DEL c
        """)


def test_encodings(both):
    for value in ("1", "-9223372036854775808", "9223372036854775808", "01", "", "x" * 44, "x" * 45,
                  "1.5", "x" * 100000):
        both.call("SET", "key", value)
        both.call("OBJECT", "ENCODING", "key")
    both.call("APPEND", "key", "x")
    both.call("OBJECT", "ENCODING", "key")


def test_patterns(both):
    for name in ("one", "two", "three", "four", "f*ur", "a?b", "[x]", "h\xe9", ""):
        both.call("SET", name, 1)
    for pattern in ("*", "t*", "*o*", "?n?", "[ot]*", "[^t]*", "[a-f]*", "f\\*ur", "a\\?b",
                    "\\[x\\]", "", "**", "[", "x[", "*e", "h*", "t[a-"):
        both.call("KEYS", pattern, sort=True)


def test_keys_skips_the_expired(client):
    client.call("SET", "short", 1, "PX", 20)
    client.call("SET", "long", 1)
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    time.sleep(0.05)
    assert client.call("KEYS", "*") == [b"long"]
    assert client.call("SCAN", 0) == [b"0", [b"long"]]
    assert client.call("RANDOMKEY") == b"long"
    assert client.call("EXISTS", "short") == 0
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def scan_all(client, *options):
    cursor, found = b"0", []
    for _ in range(100000):
        cursor, keys = client.call("SCAN", cursor, *options)
        found += keys
        if cursor == b"0":
            return found
    pytest.fail("SCAN does not end")


def fill(client, names):
    client.pipeline(*[("SET", name, 1) for name in names])


def test_scan_finds_every_key(client):
    names = {f"key:{i}".encode() for i in range(3000)}
    fill(client, names)
    for count in (1, 7, 10, 1000, 100000):
        found = scan_all(client, "COUNT", count)
        assert set(found) == names
    assert set(scan_all(client, "MATCH", "key:1?")) == {b"key:1%d" % i for i in range(10)}
    assert set(scan_all(client, "MATCH", "*", "TYPE", "STRING")) == names
    assert scan_all(client, "TYPE", "list") == []
    assert scan_all(client, "TYPE", "nonsense") == []


def test_scan_keeps_its_promise_while_keys_come_and_go(client):
    stay = {f"stay:{i}".encode() for i in range(500)}
    fill(client, stay)
    cursor, found, step = b"0", set(), 0
    while True:
        cursor, keys = client.call("SCAN", cursor)
        found.update(keys)
        if cursor == b"0":
            break
        if step % 20 < 10:
            fill(client, [f"go:{step}:{i}" for i in range(100)])
        else:
            client.call("DEL", *[f"go:{step - 10}:{i}" for i in range(100)])
        step += 1
        assert step < 20000
    assert stay <= found


def test_scan_takes_any_cursor(client):
    fill(client, [f"key:{i}" for i in range(100)])
    for cursor in (1, 12345, 2**32, 2**63, 2**64 - 1, b"00", b"000001"):
        assert len(client.call("SCAN", cursor, "COUNT", 1000)) == 2


def test_many_keys_in_one_request(client):
    names = [f"key:{i}" for i in range(1000)]
    fill(client, names)
    assert client.call("EXISTS", *names) == 1000
    assert client.call("TOUCH", *names) == 1000
    assert client.call("DEL", *names, *names) == 1000
    assert client.call("DBSIZE") == 0


def test_pipeline_sees_its_own_writes(client):
    replies = client.pipeline(("SET", "a", 1), ("RENAME", "a", "b"), ("GET", "a"), ("GET", "b"),
                              ("DEL", "b"), ("EXISTS", "a", "b"), ("RENAME", "a", "b"))
    assert replies == ["OK", "OK", None, b"1", 1, 0, NO_KEY]


def test_expiry_beyond_what_an_entry_holds(client):
    client.call("SET", "a", 1)
    assert client.call("PEXPIREAT", "a", 2**63 - 1) == 1
    assert client.call("PEXPIRETIME", "a") == 2**47 - 1


def test_idle_time_and_touching(client):
    client.call("SET", "a", 1)
    time.sleep(1.3)
    idle = client.call("OBJECT", "IDLETIME", "a")
    assert 1 <= idle <= 3
    client.call("TYPE", "a")
    client.call("TTL", "a")
    client.call("EXISTS", "a")
    assert client.call("OBJECT", "IDLETIME", "a") >= 1
    client.call("CLIENT", "NO-TOUCH", "on")
    client.call("GET", "a")
    assert client.call("OBJECT", "IDLETIME", "a") >= 1
    client.call("TOUCH", "a")
    assert client.call("OBJECT", "IDLETIME", "a") == 0


def test_frequency_needs_its_policy(client):
    client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    try:
        client.call("SET", "a", 1)
        assert client.call("OBJECT", "FREQ", "a") >= 1
        idle = client.call("OBJECT", "IDLETIME", "a")
        assert idle.startswith("ERR An LFU maxmemory policy is selected, idle time not tracked.")
    finally:
        client.call("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_hits_and_misses(client):
    client.call("SET", "a", 1)
    client.call("CONFIG", "RESETSTAT")
    for request in (("EXISTS", "a", "b"), ("TTL", "a"), ("TYPE", "b"), ("TOUCH", "a"),
                    ("OBJECT", "ENCODING", "a"), ("DEL", "b"), ("RENAME", "b", "c"),
                    ("EXPIRE", "b", 1), ("PERSIST", "b")):
        client.call(*request)
    stats = client.call("INFO", "stats").decode()
    assert "keyspace_hits:4\r\n" in stats
    assert "keyspace_misses:2\r\n" in stats


def test_random_key_is_any(client):
    assert client.call("RANDOMKEY") is None
    fill(client, [f"key:{i}" for i in range(20)])
    assert len({client.call("RANDOMKEY") for _ in range(500)}) > 10


def test_wait_does_not_wait(client):
    begun = time.monotonic()
    assert client.call("WAIT", 1, 5000) == 0
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("fill, draw, more", [
    (["SADD", "k", "a", "b"], "SRANDMEMBER", None),
    (["HSET", "k", "a", "1", "b", "2"], "HRANDFIELD", "WITHVALUES"),
    (["ZADD", "k", "1", "a", "2", "b"], "ZRANDMEMBER", "WITHSCORES"),
])
def test_draws_that_would_fill_the_memory_are_refused(client, fill, draw, more):
    """The number alone says how long such a reply is, however little the key holds."""
    out_of_range = Error("ERR value is out of range")
    most = 2**27
    client.call(*fill)
    for count in (-most - 1, -2**31, -2**62, 1 - 2**63):
        assert client.call(draw, "k", count) == out_of_range
        assert client.call(draw, "nope", count) == []
    if more:
        for count in (-most // 2 - 1, -most, -2**61):
            assert client.call(draw, "k", count, more) == out_of_range
        assert len(client.call(draw, "k", -1000, more)) == 2000
        assert len(client.call(draw, "k", 2**61, more)) == 4
    assert len(client.call(draw, "k", -1000)) == 1000
    assert len(client.call(draw, "k", 2**62)) == 2
    assert client.call("MULTI") == "OK"
    client.call(draw, "k", 1 - 2**63)
    assert client.call("EXEC") == [out_of_range]
