"""Commands on strings: replies, errors, and what stays of expiry and encoding."""

import time

import pytest
from resp import Error, Status

WRONG_INTEGER = "ERR value is not an integer or out of range"
SYNTAX = "ERR syntax error"
OVERFLOW = "ERR increment or decrement would overflow"
TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
MAX, MIN = 2**63 - 1, -2**63
BIG = 61440  # the longest string that stands in its entry


def now_ms():
    return int(time.time() * 1000)


def encoding(client, key):
    return client.call("OBJECT", "ENCODING", key).decode()


# ---- SET and its options -------------------------------------------------------------------------


@pytest.mark.parametrize("value, expected", [
    (b"", "embstr"), (b"hello", "embstr"), (b"x" * 44, "embstr"), (b"x" * 45, "raw"),
    (b"0", "int"), (b"-1", "int"), (b"%d" % MAX, "int"), (b"%d" % MIN, "int"),
    (b"%d" % (MAX + 1), "embstr"), (b"-0", "embstr"), (b"01", "embstr"), (b"+1", "embstr"),
    (b" 1", "embstr"), (b"1 ", "embstr"), (b"1.0", "embstr"), (b"\x00\xff\r\n", "embstr"),
    (b"y" * BIG, "raw"), (b"y" * (BIG + 1), "raw"), (b"z" * 5_000_000, "raw")])
def test_set_and_get_any_bytes(client, value, expected):
    assert client.call("SET", "k", value) == Status("OK")
    assert client.call("GET", "k") == value
    assert client.call("STRLEN", "k") == len(value)
    assert encoding(client, "k") == expected
    assert client.call("GETRANGE", "k", 0, -1) == value


def test_get_of_nothing(client):
    assert client.call("GET", "nope") is None
    assert client.call("STRLEN", "nope") == 0
    assert client.call("GETRANGE", "nope", 0, -1) == b""


def test_set_replaces_every_encoding(client):
    values = [b"12", b"short", b"x" * 1000, b"y" * 100_000, b"-7", b"z" * 61441, b""]
    for first in values:
        for second in values:
            client.call("SET", "k", first)
            client.call("SET", "k", second)
            assert client.call("GET", "k") == second


def test_set_conditions(client):
    assert client.call("SET", "k", "1", "XX") is None
    assert client.call("EXISTS", "k") == 0
    assert client.call("SET", "k", "1", "NX") == Status("OK")
    assert client.call("SET", "k", "2", "nx") is None
    assert client.call("SET", "k", "3", "xx") == Status("OK")
    assert client.call("GET", "k") == b"3"


def test_set_with_get(client):
    assert client.call("SET", "k", "1", "GET") is None
    assert client.call("SET", "k", "word", "GET") == b"1"
    assert client.call("SET", "k", "x", "NX", "GET") == b"word"
    assert client.call("GET", "k") == b"word"
    assert client.call("SET", "new", "x", "GET", "NX") is None
    assert client.call("GET", "new") == b"x"
    assert client.call("SET", "none", "x", "XX", "GET") is None
    assert client.call("EXISTS", "none") == 0
    client.call("SET", "big", b"b" * 200_000)
    assert client.call("SET", "big", "small", "GET") == b"b" * 200_000


def test_set_expiry_forms(client):
    far = now_ms() + 1_000_000
    for options, low, high in [(["EX", 1000], 999_000, 1_000_000),
                               (["PX", 1_000_000], 999_000, 1_000_000),
                               (["EXAT", far // 1000], 998_000, 1_000_000),
                               (["PXAT", far], 999_000, 1_000_000)]:
        assert client.call("SET", "k", "v", *options) == Status("OK")
        assert low <= client.call("PTTL", "k") <= high, options
    assert client.call("SET", "k", "v", "KEEPTTL") == Status("OK")
    assert client.call("PTTL", "k") > 900_000
    assert client.call("SET", "k", "v") == Status("OK")
    assert client.call("PTTL", "k") == -1


@pytest.mark.parametrize("options", [["PXAT", 1], ["EXAT", 1]])
def test_set_in_the_past_removes(client, options):
    client.call("SET", "k", "old")
    assert client.call("SET", "k", "v", *options) == Status("OK")
    assert client.call("GET", "k") is None
    assert client.call("SET", "k", "v", *options) == Status("OK")
    assert client.call("EXISTS", "k") == 0


@pytest.mark.parametrize("options, error", [
    (["NX", "XX"], SYNTAX), (["XX", "NX"], SYNTAX), (["EX"], SYNTAX), (["EX", 1, "PX", 1], SYNTAX),
    (["EX", 1, "KEEPTTL"], SYNTAX), (["KEEPTTL", "PXAT", 1], SYNTAX), (["PERSIST"], SYNTAX),
    (["FOO"], SYNTAX),
    (["EX", "x"], WRONG_INTEGER), (["EX", "1.5"], WRONG_INTEGER), (["PX", ""], WRONG_INTEGER),
    (["EX", 0], "ERR invalid expire time in 'set' command"),
    (["PX", -1], "ERR invalid expire time in 'set' command"),
    (["EX", MAX], "ERR invalid expire time in 'set' command"),
    (["EX", MAX // 1000], "ERR invalid expire time in 'set' command"),
    (["PX", MAX], "ERR invalid expire time in 'set' command"),
    (["EXAT", MAX], "ERR invalid expire time in 'set' command")])
def test_set_refuses(client, options, error):
    assert client.call("SET", "k", "v", *options) == Error(error)
    assert client.call("EXISTS", "k") == 0


def test_set_takes_the_last_of_the_same_option(client):
    assert client.call("SET", "k", "v", "EX", 100, "EX", 1000, "NX", "NX") == Status("OK")
    assert 900 < client.call("TTL", "k") <= 1000


def test_setnx_setex_psetex_getset(client):
    assert client.call("SETNX", "k", "1") == 1
    assert client.call("SETNX", "k", "2") == 0
    assert client.call("GET", "k") == b"1"
    assert client.call("SETEX", "k", 1000, "v") == Status("OK")
    assert 990 < client.call("TTL", "k") <= 1000
    assert client.call("PSETEX", "k", 500_000, "w") == Status("OK")
    assert 490_000 < client.call("PTTL", "k") <= 500_000
    assert client.call("GETSET", "k", "new") == b"w"
    assert client.call("PTTL", "k") == -1
    assert client.call("GETSET", "other", "x") is None
    assert client.call("SETEX", "k", 0, "v") == Error("ERR invalid expire time in 'setex' command")
    assert client.call("PSETEX", "k", -5,
                       "v") == Error("ERR invalid expire time in 'psetex' command")
    assert client.call("SETEX", "k", "x", "v") == Error(WRONG_INTEGER)
    assert client.call("GET", "k") == b"new"


# ---- reading -------------------------------------------------------------------------------------


def test_getex(client):
    client.call("SET", "k", "v")
    assert client.call("GETEX", "k", "EX", 1000) == b"v"
    assert 990 < client.call("TTL", "k") <= 1000
    assert client.call("GETEX", "k") == b"v"
    assert client.call("TTL", "k") > 900
    assert client.call("GETEX", "k", "PERSIST") == b"v"
    assert client.call("TTL", "k") == -1
    assert client.call("GETEX", "k", "PXAT", now_ms() + 100_000) == b"v"
    assert 90 < client.call("TTL", "k") <= 100
    assert client.call("GETEX", "nope", "EX", 10) is None
    for options, error in [(["EX"], SYNTAX), (["KEEPTTL"], SYNTAX), (["PERSIST", "EX", 1], SYNTAX),
                           (["NX"], SYNTAX),
                           (["EX", "x"], WRONG_INTEGER),
                           (["PX", 0], "ERR invalid expire time in 'getex' command")]:
        assert client.call("GETEX", "k", *options) == Error(error)
    assert client.call("GETEX", "k", "EXAT", 1) == b"v"
    assert client.call("EXISTS", "k") == 0


def test_getdel(client):
    for value in [b"12", b"word", b"x" * 100_000]:
        client.call("SET", "k", value)
        assert client.call("GETDEL", "k") == value
        assert client.call("GETDEL", "k") is None


def test_mget(client):
    client.call("MSET", *[part for i in range(100) for part in (f"k{i}", f"v{i}")])
    assert client.call("MGET", *[f"k{i}" for i in range(100)]) == [b"v%d" % i for i in range(100)]
    assert client.call("MGET", "k1", "nope", "k1", "k99") == [b"v1", None, b"v1", b"v99"]
    many = client.call("MGET", *[f"k{i % 150}" for i in range(2000)])
    assert many == [b"v%d" % (i % 150) if i % 150 < 100 else None for i in range(2000)]


def test_mset_and_msetnx(client):
    assert client.call("MSET", "a", "1", "b", "2", "a", "3") == Status("OK")
    assert client.call("MGET", "a", "b") == [b"3", b"2"]
    assert client.call("MSETNX", "c", "1", "a", "x") == 0
    assert client.call("EXISTS", "c") == 0
    assert client.call("MSETNX", "c", "1", "d", "2", "c", "3") == 1
    assert client.call("MGET", "c", "d") == [b"3", b"2"]
    assert client.call("MSET", "a") == Error("ERR wrong number of arguments for 'mset' command")
    assert client.call("MSET", "a", "1",
                       "b") == Error("ERR wrong number of arguments for 'mset' command")
    assert client.call("MSETNX", "a", "1",
                       "b") == Error("ERR wrong number of arguments for 'msetnx' command")


@pytest.mark.parametrize("start, end, expected", [
    (0, 4, b"This "), (-3, -1, b"ing"), (0, -1, b"This is a string"), (10, 100, b"string"),
    (5, 3, b""),
    (100, 200, b""), (-100, 3, b"This"), (0, -100, b"T"), (-1, -5, b""), (-100, -50, b"T"),
    (-5, -100, b""), (MIN, MAX, b"This is a string"), (MAX, MAX, b""), (3, 3, b"s")])
@pytest.mark.parametrize("name", ["GETRANGE", "SUBSTR"])
def test_getrange(client, name, start, end, expected):
    client.call("SET", "k", "This is a string")
    assert client.call(name, "k", start, end) == expected


def test_getrange_of_an_integer(client):
    client.call("SET", "k", -12345)
    assert client.call("GETRANGE", "k", 0, 2) == b"-12"
    assert client.call("STRLEN", "k") == 6
    assert client.call("GETRANGE", "k", "x", 2) == Error(WRONG_INTEGER)
    assert encoding(client, "k") == "int"


# ---- APPEND and SETRANGE -------------------------------------------------------------------------


def test_append(client):
    assert client.call("APPEND", "k", "12") == 2
    assert encoding(client, "k") == "int"
    assert client.call("APPEND", "k", "") == 2
    assert encoding(client, "k") == "raw"
    assert client.call("APPEND", "k", "abc") == 5
    assert client.call("GET", "k") == b"12abc"
    assert client.call("APPEND", "empty", "") == 0
    assert client.call("GET", "empty") == b""


def test_append_across_every_length(client):
    content = b""
    client.call("SET", "k", "", "EX", 1000)
    for count in [1, 40, 5, 200, 9, 1, 1000, 30_000, 30_184, 0, 1, 7, 70_000, 300_000, 1]:
        piece = bytes([65 + count % 26]) * count
        content += piece
        assert client.call("APPEND", "k", piece) == len(content)
        assert client.call("GET", "k") == content
    assert client.call("TTL", "k") > 900


def test_setrange(client):
    assert client.call("SETRANGE", "k", 5, "") == 0
    assert client.call("EXISTS", "k") == 0
    assert client.call("SETRANGE", "k", 3, "abc") == 6
    assert client.call("GET", "k") == b"\0\0\0abc"
    assert client.call("SETRANGE", "k", 0, "xy") == 6
    assert client.call("SETRANGE", "k", 6, "tail") == 10
    assert client.call("GET", "k") == b"xy\0abctail"
    assert client.call("SETRANGE", "k", 100, "") == 10
    assert client.call("SET", "n", 123, "EX", 1000) == Status("OK")
    assert client.call("SETRANGE", "n", 1, "9") == 3
    assert client.call("GET", "n") == b"193"
    assert encoding(client, "n") == "raw"
    assert client.call("TTL", "n") > 900
    assert client.call("INCR", "n") == 194
    assert encoding(client, "n") == "int"


@pytest.mark.parametrize("before", [b"", b"12", b"x" * 300, b"y" * 61_440, b"z" * 100_000])
@pytest.mark.parametrize("offset", [0, 1, 299, 61_438, 61_440, 99_999, 1_000_000])
def test_setrange_grows(client, before, offset):
    client.call("SET", "k", before)
    expected = before.ljust(offset, b"\0")
    expected = expected[:offset] + b"new" + expected[offset + 3:]
    assert client.call("SETRANGE", "k", offset, "new") == len(expected)
    assert client.call("GET", "k") == expected


def test_lengths_over_the_limit(client):
    limit = 512 * 1024 * 1024
    assert client.call("SETRANGE", "k", limit, "x") == Error(TOO_LONG)
    assert client.call("SETRANGE", "k", limit - 1, "xy") == Error(TOO_LONG)
    assert client.call("SETRANGE", "k", MAX, "x") == Error(TOO_LONG)
    assert client.call("EXISTS", "k") == 0
    assert client.call("SETRANGE", "k", -1, "x") == Error("ERR offset is out of range")
    assert client.call("SETRANGE", "k", "a", "x") == Error(WRONG_INTEGER)


@pytest.mark.slow
def test_hundreds_of_megabytes(client):
    limit = 512 * 1024 * 1024
    assert client.call("SETRANGE", "k", limit - 3, "end") == limit
    assert client.call("APPEND", "k", "x") == Error(TOO_LONG)
    assert client.call("GETRANGE", "k", -5, -1) == b"\0\0end"
    assert client.call("STRLEN", "k") == limit
    assert client.call("BITCOUNT", "k") == 12
    assert client.call("SETBIT", "k", limit * 8 - 1, 1) == 0
    assert client.call("GETRANGE", "k", -1, -1) == b"e"
    assert client.call("BITPOS", "k", 1) == (limit - 3) * 8 + 1
    assert client.call("DEL", "k") == 1


# ---- numbers -------------------------------------------------------------------------------------


def test_increments(client):
    assert client.call("INCR", "k") == 1
    assert client.call("INCRBY", "k", 41) == 42
    assert client.call("DECR", "k") == 41
    assert client.call("DECRBY", "k", 50) == -9
    assert client.call("GET", "k") == b"-9"
    assert encoding(client, "k") == "int"
    client.call("EXPIRE", "k", 1000)
    assert client.call("INCRBY", "k", 10**15) == 10**15 - 9
    assert client.call("TTL", "k") > 900


def test_increments_overflow(client):
    client.call("SET", "k", MAX)
    assert client.call("INCR", "k") == Error(OVERFLOW)
    assert client.call("INCRBY", "k", MIN) == -1
    assert client.call("DECRBY", "k", MIN) == Error("ERR decrement would overflow")
    client.call("SET", "k", MIN)
    assert client.call("DECR", "k") == Error(OVERFLOW)
    assert client.call("INCRBY", "k", -1) == Error(OVERFLOW)
    assert client.call("GET", "k") == b"%d" % MIN


@pytest.mark.parametrize("value",
                         ["", "1.0", " 1", "1 ", "abc", "01", "-0", "9223372036854775808",
                          "1" * 45])
def test_increments_of_no_integer(client, value):
    client.call("SET", "k", value)
    assert client.call("INCR", "k") == Error(WRONG_INTEGER)
    assert client.call("INCRBY", "n", value) == Error(WRONG_INTEGER)
    assert client.call("GET", "k") == value.encode()
    assert client.call("EXISTS", "n") == 0


@pytest.mark.parametrize("before, by, after", [
    ("10.50", "0.1", b"10.6"), ("5.0e3", "2.0e2", b"5200"), (None, "0.5", b"0.5"),
    ("3", "-3", b"0"),
    ("1", "0", b"1"), ("0.1", "0.2", b"0.3"), ("0", "-0.0", b"0"),
    ("1e17", "1", b"100000000000000001"),
    ("0x10", "0", b"16"), ("-1.5", "-1.5", b"-3"), ("0", "1e-17", b"0.00000000000000001"),
    ("1", "1e-18", b"1")])
def test_incrbyfloat(client, before, by, after):
    if before is not None:
        client.call("SET", "k", before)
    assert client.call("INCRBYFLOAT", "k", by) == after
    assert client.call("GET", "k") == after
    assert encoding(client, "k") == "embstr"


def test_incrbyfloat_refuses(client):
    client.call("SET", "k", "10", "EX", 1000)
    for by in ["abc", "", " 1", "1 ", "nan"]:
        assert client.call("INCRBYFLOAT", "k", by) == Error("ERR value is not a valid float")
    for by in ["inf", "-inf", "+inf"]:
        assert client.call("INCRBYFLOAT", "k",
                           by) == Error("ERR increment would produce NaN or Infinity")
    assert client.call("INCRBYFLOAT", "k", "1.5") == b"11.5"
    assert client.call("TTL", "k") > 900
    client.call("SET", "w", "word")
    assert client.call("INCRBYFLOAT", "w", "1") == Error("ERR value is not a valid float")


# ---- LCS -----------------------------------------------------------------------------------------


def test_lcs(client):
    client.call("MSET", "a", "ohmytext", "b", "mynewtext")
    assert client.call("LCS", "a", "b") == b"mytext"
    assert client.call("LCS", "a", "b", "LEN") == 6
    matches = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
    assert client.call("LCS", "a", "b", "IDX") == [b"matches", matches, b"len", 6]
    with_lengths = [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]]
    assert client.call("LCS", "a", "b", "IDX", "WITHMATCHLEN") == [b"matches", with_lengths,
                                                                   b"len", 6]
    assert client.call("LCS", "a", "b", "IDX", "MINMATCHLEN", 4) == [b"matches", matches[:1],
                                                                     b"len", 6]
    assert client.call("LCS", "a", "b", "IDX", "MINMATCHLEN", -4) == [b"matches", matches, b"len",
                                                                      6]
    assert client.call("LCS", "a", "nope") == b""
    assert client.call("LCS", "nope", "nope", "IDX") == [b"matches", [], b"len", 0]
    assert client.call("LCS", "a", "a") == b"ohmytext"


def test_lcs_refuses(client):
    assert client.call("LCS", "a", "b", "IDX", "LEN") == \
        Error("ERR If you want both the length and indexes, please just use IDX.")
    assert client.call("LCS", "a", "b", "FOO") == Error(SYNTAX)
    assert client.call("LCS", "a", "b", "MINMATCHLEN") == Error(SYNTAX)
    assert client.call("LCS", "a", "b", "MINMATCHLEN", "x") == Error(WRONG_INTEGER)
    client.call("MSET", "a", "x" * 100_000, "b", "y" * 100_000)
    assert client.call("LCS", "a", "b", "LEN") == \
        Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")


# ---- arity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [
    "GET", "GET a b", "SET a", "SETNX a", "SETEX a 1", "PSETEX a 1", "GETSET a", "GETEX", "GETDEL",
    "GETDEL a b",
    "MGET", "MSET", "MSETNX", "APPEND a", "STRLEN", "SETRANGE a 1", "GETRANGE a 1", "SUBSTR a 1",
    "INCR", "INCR a b",
    "DECR", "INCRBY a", "DECRBY a", "INCRBYFLOAT a", "LCS a"])
def test_wrong_arity(client, command):
    words = command.split()
    name = words[0].lower()
    assert client.call(*words) == Error(f"ERR wrong number of arguments for '{name}' command")
