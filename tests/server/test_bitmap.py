"""Commands on bitmaps: replies, errors, growth, and integers within strings beside a model."""

import random

import pytest
from resp import Error, Status

SYNTAX = "ERR syntax error"
WRONG_INTEGER = "ERR value is not an integer or out of range"
WRONG_OFFSET = "ERR bit offset is not an integer or out of range"
WRONG_TYPE = ("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not "
              "supported but i64 is.")


def encoding(client, key):
    return client.call("OBJECT", "ENCODING", key).decode()


# ---- single bits ---------------------------------------------------------------------------------


def test_setbit_and_getbit(client):
    assert client.call("SETBIT", "k", 7, 1) == 0
    assert client.call("GET", "k") == b"\x01"
    assert client.call("SETBIT", "k", 7, 0) == 1
    assert client.call("SETBIT", "k", 100, 0) == 0
    assert client.call("GET", "k") == b"\0" * 13
    assert client.call("GETBIT", "k", 100) == 0
    assert client.call("GETBIT", "k", 2**32 - 1) == 0
    assert client.call("GETBIT", "nope", 5) == 0


def test_setbit_on_an_integer(client):
    client.call("SET", "k", 1, "EX", 1000)
    assert client.call("GETBIT", "k", 7) == 1  # "1" is 0x31
    assert encoding(client, "k") == "int"
    assert client.call("SETBIT", "k", 6, 1) == 0
    assert client.call("GET", "k") == b"3"
    assert encoding(client, "k") == "raw"
    assert client.call("TTL", "k") > 900


def test_setbit_that_changes_nothing_makes_raw(client):
    client.call("MSET", "k", "abc", "n", "5")
    assert client.call("SETBIT", "k", 0, 0) == 0
    assert client.call("SETBIT", "n", 0, 0) == 0
    assert (encoding(client, "k"), encoding(client, "n")) == ("raw", "raw")
    assert client.call("MGET", "k", "n") == [b"abc", b"5"]


@pytest.mark.parametrize("offset", [0, 491_519, 491_520, 600_000, 5_000_000])
def test_setbit_grows(client, offset):
    for before in [b"", b"\xaa" * 100, b"\xaa" * 61_440, b"\xaa" * 70_000]:
        client.call("SET", "k", before)
        old = before[offset // 8] >> 7 - offset % 8 & 1 if offset // 8 < len(before) else 0
        assert client.call("SETBIT", "k", offset, 1) == old
        expected = bytearray(before.ljust(offset // 8 + 1, b"\0"))
        expected[offset // 8] |= 0x80 >> offset % 8
        assert client.call("GET", "k") == bytes(expected)


@pytest.mark.parametrize("arguments, error", [
    ((-1, 1), WRONG_OFFSET), ((2**32, 1), WRONG_OFFSET), (("x", 1), WRONG_OFFSET),
    (("", 1), WRONG_OFFSET),
    (("#1", 1), WRONG_OFFSET), ((2**63, 1), WRONG_OFFSET), ((1.5, 1), WRONG_OFFSET),
    ((0, 2), "ERR bit is not an integer or out of range"),
    ((0, -1), "ERR bit is not an integer or out of range"),
    ((0, "x"), "ERR bit is not an integer or out of range")])
def test_setbit_refuses(client, arguments, error):
    assert client.call("SETBIT", "k", *arguments) == Error(error)
    if error == WRONG_OFFSET:
        assert client.call("GETBIT", "k", arguments[0]) == Error(error)
    assert client.call("EXISTS", "k") == 0


# ---- counting and finding ------------------------------------------------------------------------


def bits_of(content):
    return [byte >> 7 - i & 1 for byte in content for i in range(8)]


def resolved(start, end, total):
    start = max(start + total, 0) if start < 0 else start
    end = max(end + total, 0) if end < 0 else end
    return start, min(end, total - 1)


@pytest.mark.parametrize("seed", range(5))
def test_bitcount_and_bitpos_beside_a_model(client, seed):
    r = random.Random(seed)
    content = bytes(r.choice([0, 255, r.getrandbits(8)]) for _ in range(r.randint(1, 40)))
    client.call("SET", "k", content)
    for _ in range(300):
        unit = r.choice(["BYTE", "BIT"])
        total = len(content) * (8 if unit == "BIT" else 1)
        given = r.randint(-total - 3, total + 3), r.randint(-total - 3, total + 3)
        start, end = resolved(*given, total)
        scale = 1 if unit == "BIT" else 8
        part = bits_of(content)[start * scale:(end + 1) * scale] if start <= end else []
        crossed = given[0] < 0 and given[1] < 0 and given[0] > given[1]
        assert client.call("BITCOUNT", "k", *given, unit) == (0 if crossed else sum(part))
        for bit in (0, 1):
            found = start * scale + part.index(bit) if bit in part else -1
            assert client.call("BITPOS", "k", bit, *given, unit) == found


def test_bitcount(client):
    client.call("SET", "k", "foobar")
    assert client.call("BITCOUNT", "k") == 26
    assert client.call("BITCOUNT", "k", 0, 0) == 4
    assert client.call("BITCOUNT", "k", 1, 1, "byte") == 6
    assert client.call("BITCOUNT", "k", 5, 30, "BIT") == 17
    assert client.call("BITCOUNT", "nope") == 0
    assert client.call("BITCOUNT", "nope", 0, -1) == 0
    client.call("SET", "big", b"\xff\x01" * 100_000)
    assert client.call("BITCOUNT", "big") == 900_000
    assert client.call("BITCOUNT", "big", 1, -2) == 899_991


def test_bitpos_without_an_end(client):
    client.call("SET", "k", b"\xff\xff\xff")
    assert client.call("BITPOS", "k", 0) == 24
    assert client.call("BITPOS", "k", 0, 1) == 24
    assert client.call("BITPOS", "k", 0, 0, -1) == -1
    assert client.call("BITPOS", "k", 0, 3) == -1
    assert client.call("BITPOS", "k", 1) == 0
    client.call("SET", "k", b"\0\0")
    assert client.call("BITPOS", "k", 1) == -1
    assert client.call("BITPOS", "nope", 0) == 0
    assert client.call("BITPOS", "nope", 1) == -1
    assert client.call("SET", "k", "") == Status("OK")
    assert client.call("BITPOS", "k", 0) == -1


@pytest.mark.parametrize("arguments, error", [
    (("BITCOUNT", "k", 0), SYNTAX), (("BITCOUNT", "k", 0, 1, "BITE"), SYNTAX),
    (("BITCOUNT", "k", 0, 1, "BIT", 2), SYNTAX), (("BITCOUNT", "k", "x", 1), WRONG_INTEGER),
    (("BITCOUNT", "k", 0, "x"), WRONG_INTEGER),
    (("BITPOS", "k", 2), "ERR The bit argument must be 1 or 0."),
    (("BITPOS", "k", "x"), WRONG_INTEGER), (("BITPOS", "k", 1, "x"), WRONG_INTEGER),
    (("BITPOS", "k", 1, 0, "x"), WRONG_INTEGER), (("BITPOS", "k", 1, 0, 1, "BITE"), SYNTAX),
    (("BITPOS", "k", 1, 0, 1, "BIT", 1), SYNTAX)])
def test_ranges_refused_whether_or_not_the_key_exists(client, arguments, error):
    assert client.call(*arguments) == Error(error)
    client.call("SET", "k", "foobar")
    assert client.call(*arguments) == Error(error)


# ---- BITOP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths",
                         [(5, 5), (3, 9), (0, 4), (100, 61_440), (61_441, 40_000),
                          (200_000, 90_000)])
def test_bitop(client, lengths):
    r = random.Random(sum(lengths))
    sources = [bytes(r.getrandbits(8) for _ in range(count)) for count in lengths]
    longest = max(lengths)
    for name, source in zip("ab", sources):
        client.call("SET", name, source)
    one, other = (source.ljust(longest, b"\0") for source in sources)
    for word, fold in [("AND", lambda x, y: x & y), ("or", lambda x, y: x | y),
                       ("Xor", lambda x, y: x ^ y)]:
        client.call("SET", "d", "old", "EX", 1000)
        assert client.call("BITOP", word, "d", "a", "b") == longest
        assert client.call("GET", "d") == bytes(fold(x, y) for x, y in zip(one, other))
        assert client.call("TTL", "d") == -1
        assert encoding(client, "d") == "raw"
    assert client.call("BITOP", "NOT", "d", "a") == lengths[0]
    assert client.call("GET", "d") == (bytes(255 - x for x in sources[0]) if sources[0] else None)


def test_bitop_onto_a_source(client):
    client.call("MSET", "a", "abc", "b", 15)
    assert client.call("BITOP", "OR", "a", "a", "b", "nope") == 3
    assert client.call("GET", "a") == bytes(x | y for x, y in zip(b"abc", b"15\0"))
    assert client.call("BITOP", "AND", "a", "a", "b", "nope") == 3
    assert client.call("GET", "a") == b"\0\0\0"
    assert client.call("BITOP", "XOR", "b", "b", "b") == 2
    assert client.call("GET", "b") == b"\0\0"


def test_bitop_of_nothing_removes(client):
    client.call("SET", "d", "old")
    assert client.call("BITOP", "AND", "d", "x", "y") == 0
    assert client.call("EXISTS", "d") == 0
    assert client.call("BITOP", "NOT", "d", "x") == 0


def test_bitop_refuses(client):
    assert client.call("BITOP", "NOT", "d", "a", "b") == \
        Error("ERR BITOP NOT must be called with a single source key.")
    assert client.call("BITOP", "NAND", "d", "a") == Error(SYNTAX)


# ---- BITFIELD ------------------------------------------------------------------------------------


def test_bitfield(client):
    assert client.call("BITFIELD", "k", "INCRBY", "i5", 100, 1, "GET", "u4", 0) == [1, 0]
    assert client.call("BITFIELD", "k", "SET", "u8", "#1", 255, "GET", "i8", 8, "GET", "u8",
                       "#1") == [0, -1, 255]
    assert client.call("BITFIELD", "k") == []
    assert client.call("BITFIELD", "nope", "GET", "i64", 1000) == [0]
    assert client.call("EXISTS", "nope") == 0
    assert client.call("BITFIELD_RO", "k", "GET", "u16", 0) == [255]
    assert client.call("BITFIELD", "w", "SET", "i8", 0, -1, "INCRBY", "i8", 0, 5) == [0, 4]


def test_bitfield_overflows(client):
    steps = ["incrby", "u2", 100, 1, "OVERFLOW", "SAT", "incrby", "u2", 102, 1]
    assert [client.call("BITFIELD", "k", *steps) for _ in range(4)] == [[1, 1], [2, 2], [3, 3],
                                                                        [0, 3]]
    assert client.call("BITFIELD", "k", "OVERFLOW", "FAIL", "incrby", "u2", 102, 1) == [None]
    assert client.call("BITFIELD", "k", "overflow", "wrap", "SET", "i8", 0, 300, "GET", "i8",
                       0) == [0, 44]
    assert client.call("BITFIELD", "k", "overflow", "sat", "SET", "i8", 0, -300, "GET", "i8",
                       0) == [44, -128]
    assert client.call("BITFIELD", "k", "overflow", "fail", "SET", "u8", 0, -1, "GET", "u8",
                       0) == [None, 128]
    most = 2**63 - 1
    assert client.call("BITFIELD", "n", "SET", "i64", 0, most, "INCRBY", "i64", 0, 1) == [0, -2**63]
    assert client.call("BITFIELD", "n", "SET", "u63", 0, most, "INCRBY", "u63", 0, 1) == [2**62, 0]


def test_bitfield_that_fails_still_grows(client):
    assert client.call("BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u8", 80, 256) == [None]
    assert client.call("GET", "k") == b"\0" * 11
    client.call("SET", "s", "a")
    assert client.call("BITFIELD", "s", "OVERFLOW", "FAIL", "SET", "u8", 0, 256) == [None]
    assert encoding(client, "s") == "raw"


@pytest.mark.parametrize("steps, error", [
    (["GET"], SYNTAX), (["GET", "u8"], SYNTAX), (["SET", "u8", 0], SYNTAX),
    (["FOO", "u8", 0], SYNTAX),
    (["OVERFLOW"], SYNTAX), (["OVERFLOW", "MAYBE"], "ERR Invalid OVERFLOW type specified"),
    (["GET", "u64", 0], WRONG_TYPE), (["GET", "i65", 0], WRONG_TYPE),
    (["GET", "u0", 0], WRONG_TYPE),
    (["GET", "8", 0], WRONG_TYPE), (["GET", "U8", 0], WRONG_TYPE), (["GET", "", 0], WRONG_TYPE),
    (["GET", "u8", -1], WRONG_OFFSET), (["GET", "u8", "#-1"], WRONG_OFFSET),
    (["GET", "u8", "#"], WRONG_OFFSET),
    (["GET", "u8", 2**32], WRONG_OFFSET), (["GET", "u8", f"#{2**62}"], WRONG_OFFSET),
    (["SET", "u8", 0, "x"], WRONG_INTEGER), (["INCRBY", "u8", 0, 2**63], WRONG_INTEGER),
    (["SET", "u8", 0, 1, "GET", "u8"], SYNTAX)])
def test_bitfield_refuses_whole(client, steps, error):
    assert client.call("BITFIELD", "k", *steps) == Error(error)
    assert client.call("EXISTS", "k") == 0


def test_bitfield_ro_only_reads(client):
    for steps in (["SET", "u8", 0, 1], ["GET", "u8", 0, "INCRBY", "u8", 0, 1]):
        assert client.call("BITFIELD_RO", "k", *steps) == \
            Error("ERR BITFIELD_RO only supports the GET subcommand")


@pytest.mark.parametrize("seed", range(3))
def test_bitfield_beside_a_model(client, seed):
    r = random.Random(seed)
    bits = {}
    for _ in range(400):
        signed, width, offset = r.random() < 0.5, r.randint(1, 63), r.randint(0, 500)
        by, mode = r.choice([r.randint(-5, 5), r.randint(-2**62, 2**62)]), r.choice(["WRAP", "SAT",
                                                                                     "FAIL"])
        field = sum(bits.get(offset + i, 0) << width - 1 - i for i in range(width))
        old = field - (1 << width) if signed and field >> width - 1 else field
        low, high = (-1 << width - 1, (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
        new = old + by
        if not low <= new <= high:
            wrapped = (new - low) % (1 << width) + low
            new = {"WRAP": wrapped, "SAT": high if new > high else low, "FAIL": None}[mode]
        kind = f"{'iu'[not signed]}{width}"
        assert client.call("BITFIELD", "k", "OVERFLOW", mode, "INCRBY", kind, offset, by) == [new]
        if new is not None:
            bits.update({offset + i: new >> width - 1 - i & 1 for i in range(width)})
    content = client.call("GET", "k")
    ones = sorted(i for i, bit in bits.items() if bit)
    assert [i for i, bit in enumerate(bits_of(content)) if bit] == ones


# ---- arity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command",
                         ["SETBIT a 1", "GETBIT a", "BITCOUNT", "BITPOS a", "BITOP and d",
                          "BITFIELD",
                                     "BITFIELD_RO", "SETBIT a 1 1 1", "GETBIT a 1 1"])
def test_wrong_arity(client, command):
    words = command.split()
    name = words[0].lower()
    assert client.call(*words) == Error(f"ERR wrong number of arguments for '{name}' command")
