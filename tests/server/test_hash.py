"""Hashes: what the comparison with redis-server does not show by itself."""

import collections

import pytest

from resp import Error


def encoding(client, key):
    return client.call("OBJECT", "ENCODING", key)


def fill(client, key, count, value=b"v", first=0):
    for start in range(first, first + count, 500):
        pairs = [part for n in range(start, min(start + 500, first + count))
                 for part in (f"f{n}", value)]
        client.call("HSET", key, *pairs)


def everything(client, key):
    found = client.call("HGETALL", key)
    return dict(zip(found[::2], found[1::2]))


def test_order_of_a_small_hash(both):
    both.lines("""
        HSET h b 1 a 2 c 3
        HGETALL h
        HSET h a 22222 d 4
        HKEYS h
        HVALS h
        HDEL h b
        HSET h b 5
        HGETALL h
        HMGET h a nope b
        HGETALL nope
        HKEYS nope
        HMGET nope a b
        HSTRLEN h a
        HRANDFIELD nope
        HRANDFIELD nope 5
        HRANDFIELD h 0
    """)


def test_encodings_at_the_limits(both, client):
    both.call("HSET", "h", "f", "x" * 64)
    assert both.call("OBJECT", "ENCODING", "h") == b"listpack"
    both.call("HSET", "h", "f", "x" * 65)
    assert both.call("OBJECT", "ENCODING", "h") == b"hashtable"
    both.call("HSET", "i", "f" * 64, "1")
    assert both.call("OBJECT", "ENCODING", "i") == b"listpack"
    both.call("HSETNX", "i", "f" * 65, "1")
    assert both.call("OBJECT", "ENCODING", "i") == b"hashtable"
    for n in range(512):
        both.call("HSET", "n", n, "v")
    assert both.call("OBJECT", "ENCODING", "n") == b"listpack"
    both.call("HSET", "n", "one more", "v")
    assert both.call("OBJECT", "ENCODING", "n") == b"hashtable"
    both.call("HDEL", "n", *range(500))
    assert both.call("OBJECT", "ENCODING", "n") == b"hashtable"


def test_limits_are_options(client):
    try:
        client.call("CONFIG", "SET", "hash-max-listpack-entries", 3)
        client.call("HSET", "h", "a", 1, "b", 2, "c", 3)
        assert encoding(client, "h") == b"listpack"
        client.call("HSET", "h", "d", 4)
        assert encoding(client, "h") == b"hashtable"
    finally:
        client.call("CONFIG", "SET", "hash-max-listpack-entries", 512)


def test_long_fields_and_values(client):
    """Past 32 KiB a string has a block of its own."""
    strings = [b"s" * size for size in (1, 4000, 8192, 32768, 32769, 70_000, 1_000_000)]
    for number, value in enumerate(strings):
        client.call("HSET", "h", value, str(number))
        client.call("HSET", "h", f"n{number}", value)
    for number, value in enumerate(strings):
        assert client.call("HGET", "h", value) == str(number).encode()
        assert client.call("HGET", "h", f"n{number}") == value
        assert client.call("HSTRLEN", "h", f"n{number}") == len(value)
    client.call("COPY", "h", "i")
    assert client.call("DEBUG", "DIGEST-VALUE", "h") == client.call("DEBUG", "DIGEST-VALUE", "i")
    for number, value in enumerate(reversed(strings)):
        client.call("HSET", "h", f"n{number}", value)
        assert client.call("HGET", "h", f"n{number}") == value
        assert client.call("HDEL", "h", value) == 1
    client.call("DEBUG", "VERIFY")
    client.call("DEL", "h", "i")
    client.call("DEBUG", "VERIFY")


def test_growing_and_shrinking(client):
    fill(client, "h", 20_000)
    assert client.call("HLEN", "h") == 20_000
    assert len(everything(client, "h")) == 20_000
    assert client.call("HGET", "h", "f19999") == b"v"
    client.call("DEBUG", "VERIFY")
    for start in range(0, 19_990, 500):
        client.call("HDEL", "h", *[f"f{n}" for n in range(start, min(start + 500, 19_990))])
    assert sorted(everything(client, "h")) == [f"f{n}".encode() for n in range(19_990, 20_000)]
    client.call("DEBUG", "VERIFY")
    assert client.call("HDEL", "h", *[f"f{n}" for n in range(19_990, 20_000)]) == 10
    assert client.call("EXISTS", "h") == 0


def scan_all(client, key, *options):
    cursor, found = b"0", []
    while True:
        cursor, part = client.call("HSCAN", key, cursor, *options)
        found += part
        if cursor == b"0":
            return found


def test_hscan_rounds(client):
    fill(client, "h", 5000)
    flat = scan_all(client, "h", "COUNT", 7)
    assert dict(zip(flat[::2], flat[1::2])) == everything(client, "h")
    names = scan_all(client, "h", "NOVALUES")
    assert set(names) == set(flat[::2])
    assert set(scan_all(client, "h", "MATCH", "f12?", "NOVALUES")) == \
        {f"f12{n}".encode() for n in range(10)}


def test_hscan_of_a_small_hash_is_one_step(client):
    client.call("HSET", "h", "b", 1, "a", 2)
    assert client.call("HSCAN", "h", 0, "COUNT", 1) == [b"0", [b"b", b"1", b"a", b"2"]]


@pytest.mark.parametrize("count", [10, 300, 4000])
def test_hrandfield_takes_distinct_fields(client, count):
    fill(client, "h", count)
    for wanted in (1, 2, count // 20, count // 2, count - 1, count, count + 5):
        found = client.call("HRANDFIELD", "h", wanted)
        assert len(found) == len(set(found)) == min(wanted, count)
    assert len(client.call("HRANDFIELD", "h", -3 * count)) == 3 * count
    flat = client.call("HRANDFIELD", "h", 5, "WITHVALUES")
    assert len(flat) == 10 and set(flat[1::2]) == {b"v"}


@pytest.mark.parametrize("count, wanted", [(20, 5), (1000, 20)])
def test_hrandfield_is_fair(client, count, wanted):
    fill(client, "h", count)
    seen = collections.Counter()
    rounds = 40 * count // wanted
    for _ in range(rounds):
        seen.update(client.call("HRANDFIELD", "h", wanted))
    assert len(seen) > 0.99 * count
    assert max(seen.values()) < 90


def test_pairs_in_resp3(server):
    with server.client() as client:
        client.call("HELLO", 3)
        client.call("HSET", "h", "f", "v")
        assert client.call("HRANDFIELD", "h", 3, "WITHVALUES") == [[b"f", b"v"]]
        assert client.call("HGETALL", "h") == [(b"f", b"v")]


def test_memory_of_small_hashes(client):
    """Five fields of 16 bytes with values of 16: at most 40 bytes over what they hold."""
    for n in range(5):
        client.call("HSET", "key:000000000001", f"field:{n:010}", b"value-%010d" % n)
    assert client.call("MEMORY", "USAGE", "key:000000000001") <= 16 + 5 * 32 + 40


def test_memory_of_a_big_hash(client):
    for start in range(0, 40_000, 500):
        client.call("HSET", "h", *[part for n in range(start, start + 500)
                                   for part in (f"field:{n:010}", f"value-{n:010}")])
    assert client.call("MEMORY", "USAGE", "h") / 40_000 <= 32 + 8


def test_a_wrong_type_changes_nothing(client):
    client.call("SET", "s", "text")
    for command in (["HSET", "s", "f", 1], ["HGET", "s", "f"], ["HINCRBY", "s", "f", 1],
                    ["HDEL", "s", "f"], ["HSCAN", "s", 0], ["HGETALL", "s"]):
        reply = client.call(*command)
        assert isinstance(reply, Error) and str(reply).startswith("WRONGTYPE")
    assert client.call("GET", "s") == b"text"
