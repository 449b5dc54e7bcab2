"""HyperLogLogs: the bytes and numbers of redis-server, and what is done about damaged ones."""

import pytest

from resp import Error

HEADER = b"HYLL\x01\x00\x00\x00" + b"\x00" * 7 + b"\x80"
DAMAGED = "INVALIDOBJ Corrupted HLL object detected"
INVALID = "WRONGTYPE Key is not a valid HyperLogLog string value."


def test_same_bytes_while_it_grows(both):
    """Sparse, then dense, with and without the number kept in the header."""
    for start in list(range(0, 200, 7)) + list(range(200, 6000, 500)):
        both.call("PFADD", "h", *(f"element:{n}" for n in range(start, start + 7)))
        both.call("PFADD", "big", *(f"element:{n}" for n in range(start, start + 500)))
        both.call("GET", "h")
        both.call("PFCOUNT", "h")
        both.call("GET", "h")
        both.call("PFCOUNT", "h", "big", "missing")
        both.call("GETRANGE", "big", 0, 100)
        both.call("PFDEBUG", "ENCODING", "big")
    assert both.call("PFDEBUG", "ENCODING", "big") == "dense"
    both.call("PFCOUNT", "big")
    both.call("GET", "big")


@pytest.mark.parametrize("limit", [0, 20, 100, 3000, 1000000])
def test_sparse_limit(both, limit):
    both.call("CONFIG", "SET", "hll-sparse-max-bytes", limit)
    try:
        for n in range(0, 3000, 50):
            both.call("PFADD", "h", *range(n, n + 50))
            both.call("GET", "h")
            both.call("PFMERGE", "merged", "h", "other")
            both.call("GET", "merged")
    finally:
        both.call("CONFIG", "SET", "hll-sparse-max-bytes", 3000)


def test_forms(both):
    both.lines("""
        PFADD a
        PFADD a
        GET a
        OBJECT ENCODING a
        PFCOUNT nothing
        PFCOUNT nothing nothing
        PFMERGE made
        GET made
        PFMERGE made nothing a
        PFADD a x y z
        PFDEBUG DECODE a
        EXPIRE a 100
        PFADD a q
        PERSIST a
        COPY a b
        PFDEBUG TODENSE b
        PFDEBUG TODENSE b
        PFDEBUG DECODE b
        PFDEBUG GETREG b
        PFDEBUG NOPE b
        PFDEBUG ENCODING nothing
        PFADD b x
        PFADD b w
        PFMERGE a b
        PFDEBUG ENCODING a
        SETRANGE c 10 x
        PFADD c x
        SET number 12
        PFCOUNT number
        PFADD number 1
        PFMERGE number a
        SET text HYLL
        PFMERGE new text
    """)


def test_small_one_becomes_raw(both):
    """What is looked at for its number is a string of its own from then on."""
    both.call("SET", "h", b"HYLL\x01" + b"\x00" * 10 + b"\x80\x7f\xff")
    assert both.call("OBJECT", "ENCODING", "h") == b"embstr"
    both.call("PFCOUNT", "h")
    assert both.call("OBJECT", "ENCODING", "h") == b"raw"


@pytest.mark.parametrize("runs", [b"", b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80",
                                  b"\xff" * 5000, b"\x00" * 40000])
def test_damaged(client, runs):
    content = HEADER + runs
    client.call("SET", "h", content)
    for command in [("PFCOUNT", "h"), ("PFCOUNT", "h", "x"), ("PFMERGE", "x", "h"),
                    ("PFMERGE", "h", "x"), ("PFDEBUG", "TODENSE", "h"), ("PFDEBUG", "GETREG", "h")]:
        reply = client.call(*command)
        assert isinstance(reply, Error) and str(reply) == DAMAGED, command
    client.call("PFADD", "h", *range(1000))
    client.call("PFDEBUG", "DECODE", "h")
    assert client.call("EXISTS", "x") == 0


def test_not_one(client):
    for content in [b"", b"HYLL", b"HYLL\x02" + b"\x00" * 30, b"HYLM\x01" + b"\x00" * 30,
                    b"HYLL\x00" + b"\x00" * 11, b"HYLL\x00" + b"\x00" * 12300]:
        client.call("SET", "h", content)
        for command in [("PFADD", "h", "x"), ("PFCOUNT", "h"), ("PFMERGE", "h"),
                        ("PFDEBUG", "ENCODING", "h")]:
            assert str(client.call(*command)) == INVALID
        assert client.call("GET", "h") == content


def test_selftest(client):
    assert client.call("PFSELFTEST") == "OK"
