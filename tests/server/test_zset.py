"""Sorted sets: names at the thresholds, scores, ranges, algebra, and big ones in all they do."""

import itertools
import math
import random

import pytest
from raw import Raw
from resp import Client, Error

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX = Error("ERR syntax error")
NOT_INTEGER = Error("ERR value is not an integer or out of range")
NOT_FLOAT = Error("ERR value is not a valid float")
NOT_RANGE = Error("ERR min or max is not a float")
NOT_LEX_RANGE = Error("ERR min or max not valid string range item")
NUMKEYS = Error("ERR numkeys should be greater than 0")
POSITIVE = Error("ERR value is out of range, must be positive")
INF = math.inf


def encoding(client, key):
    return client.call("OBJECT", "ENCODING", key).decode()


def add(client, key, scores):
    """Many with one command; `scores` by member. How many were new."""
    flat = [part for member, score in scores.items() for part in (repr(score), member)]
    return sum(client.call("ZADD", key, *flat[at:at + 200]) for at in range(0, len(flat), 200))


def numbered(count, prefix="m"):
    return {f"{prefix}{number:09}": number for number in range(count)}


def everything(client, key):
    """(member, score) in order."""
    flat = client.call("ZRANGE", key, 0, -1, "WITHSCORES")
    return [(member, float(score)) for member, score in zip(flat[::2], flat[1::2])]


def in_order(scores):
    pairs = [(member.encode() if isinstance(member, str) else member, float(score))
             for member, score in scores.items()]
    return sorted(pairs, key=lambda pair: (pair[1], pair[0]))


# ---- names ---------------------------------------------------------------------------------------


def test_names_at_the_thresholds(client):
    add(client, "k", numbered(128))
    assert encoding(client, "k") == "listpack"
    add(client, "k", {"m000000000": 99})
    assert encoding(client, "k") == "listpack"
    add(client, "k", {"one more": 1})
    assert encoding(client, "k") == "skiplist"
    client.call("ZREM", "k", "one more")
    assert (encoding(client, "k"), client.call("ZCARD", "k")) == ("skiplist", 128)
    client.call("ZADD", "long", 1, "x" * 64)
    assert encoding(client, "long") == "listpack"
    client.call("ZINCRBY", "long", 1, "x" * 65)
    assert encoding(client, "long") == "skiplist"
    client.call("ZADD", "first", 1, "x" * 65, 2, "y")
    assert encoding(client, "first") == "skiplist"


def test_thresholds_at_runtime(client, options):
    add(client, "k", numbered(5))
    options(zset_max_listpack_entries=4)
    assert encoding(client, "k") == "listpack"  # until it gets another member
    client.call("ZADD", "k", 7, "m000000001")
    assert encoding(client, "k") == "listpack"
    client.call("ZADD", "k", 7, "new")
    assert encoding(client, "k") == "skiplist"
    options(zset_max_listpack_entries=1000, zset_max_listpack_value=1000)
    assert encoding(client, "k") == "skiplist"
    add(client, "many", numbered(1000, prefix="x" * 500))  # half a million bytes, and so named
    assert encoding(client, "many") == "listpack"
    client.call("COPY", "many", "copy")
    assert encoding(client, "copy") == "listpack"
    options(zset_max_listpack_entries=0)
    client.call("ZADD", "zero", 1, "a")
    assert encoding(client, "zero") == "skiplist"


def test_old_names_of_the_options(client, options):
    options(zset_max_ziplist_entries=3, zset_max_ziplist_value=5)
    assert client.call("CONFIG", "GET", "zset-max-listpack-*")[1::2] == [b"3", b"5"]
    client.call("ZADD", "k", 1, "123456")
    assert encoding(client, "k") == "skiplist"


def test_names_of_results(client):
    add(client, "few", numbered(100))
    add(client, "many", numbered(129))
    for command in [["ZUNIONSTORE", "d", 1, "few"], ["ZRANGESTORE", "d", "many", 0, 127],
                    ["ZINTERSTORE", "d", 2, "few", "many"], ["ZDIFFSTORE", "d", 2, "many", "few"],
                    ["ZRANGESTORE", "d", "many", "-inf", 50, "BYSCORE"]]:
        client.call(*command)
        assert encoding(client, "d") == "listpack", command
    for command in [["ZUNIONSTORE", "d", 2, "few", "many"], ["ZRANGESTORE", "d", "many", 0, -1]]:
        client.call(*command)
        assert encoding(client, "d") == "skiplist", command


# ---- ZADD ----------------------------------------------------------------------------------------


def test_conditions(client):
    call = client.call
    assert call("ZADD", "k", "NX", 1, "a", 2, "b", 3, "a") == 2
    assert call("ZADD", "k", "NX", 9, "a") == 0
    assert call("ZADD", "k", "XX", 5, "a", 5, "new") == 0
    assert call("ZADD", "k", "XX", "CH", 6, "a", 6, "new") == 1
    assert call("ZADD", "k", "CH", 6, "a", 7, "c") == 1
    assert call("ZADD", "k", "GT", 5, "a", 8, "c", 1, "d") == 1
    assert call("ZADD", "k", "GT", "CH", 7, "a", 8, "c") == 1
    assert call("ZADD", "k", "LT", "CH", 7, "a", 8.5, "c", 1, "b") == 1
    assert call("ZADD", "k", "XX", "LT", "CH", 0, "b", 0, "no") == 1
    assert everything(client, "k") == [(b"b", 0), (b"d", 1), (b"a", 7), (b"c", 8)]
    assert call("ZADD", "none", "XX", 1, "a") == 0
    assert call("EXISTS", "none") == 0


@pytest.mark.parametrize("number", [2, 3])
def test_increments(client, number):
    call = client.call
    call("HELLO", number)

    def score(value):
        return float(value) if number == 3 else b"%g" % value

    assert call("ZADD", "k", "INCR", 5, "a") == score(5)
    assert call("ZADD", "k", "INCR", "2.5", "a") == score(7.5)
    assert call("ZADD", "k", "NX", "INCR", 1, "a") is None
    assert call("ZADD", "k", "XX", "INCR", 1, "b") is None
    assert call("ZADD", "k", "GT", "INCR", -1, "a") is None
    assert call("ZADD", "k", "LT", "INCR", -1, "a") == score(6.5)
    assert call("ZADD", "none", "XX", "INCR", 1, "a") is None
    assert call("ZINCRBY", "k", "-6.5", "a") == score(0)
    assert call("ZINCRBY", "k", "inf", "a") == score(INF)
    assert call("ZINCRBY", "k", "-inf", "a") == Error(
        "ERR resulting score is not a number (NaN)")
    assert call("ZADD", "k", "INCR", "-inf", "a") == Error(
        "ERR resulting score is not a number (NaN)")
    assert call("ZSCORE", "k", "a") == score(INF)


def test_errors_change_nothing(client):
    call = client.call
    assert call("ZADD", "k", "NX", "XX", 1, "a") == Error(
        "ERR XX and NX options at the same time are not compatible")
    for conditions in (["GT", "LT"], ["GT", "NX"], ["LT", "NX"], ["GT", "LT", "NX"]):
        assert call("ZADD", "k", *conditions, 1, "a") == Error(
            "ERR GT, LT, and/or NX options at the same time are not compatible")
    assert call("ZADD", "k", "INCR", 1, "a", 2, "b") == Error(
        "ERR INCR option supports a single increment-element pair")
    for wrong in (["1"], ["NX", "CH"], ["1", "a", "2"], ["XX", "1", "a", "2"]):
        assert call("ZADD", "k", *wrong)[:4] in ("ERR ",), wrong
    for wrong in ("nan", "-nan", "", "x", "1x", " 1", "1 ", "1e400x", b"1\0", "(1", "++1"):
        assert call("ZADD", "k", 1, "a", wrong, "b") == NOT_FLOAT, wrong
        assert call("ZINCRBY", "k", wrong, "b") == NOT_FLOAT, wrong
    assert call("EXISTS", "k") == 0


def test_wrong_types(client):
    call = client.call
    call("SET", "s", "x")
    call("ZADD", "k", 1, "a")
    for command in [
            ["ZADD", "s", 1, "a"], ["ZADD", "s", "XX", 1, "a"], ["ZINCRBY", "s", 1, "a"],
            ["ZREM", "s", "a"], ["ZCARD", "s"], ["ZSCORE", "s", "a"], ["ZMSCORE", "s", "a"],
            ["ZRANK", "s", "a"], ["ZREVRANK", "s", "a", "WITHSCORE"], ["ZCOUNT", "s", 0, 1],
            ["ZLEXCOUNT", "s", "-", "+"], ["ZRANGE", "s", 0, 1], ["ZREVRANGE", "s", 0, 1],
            ["ZRANGEBYSCORE", "s", 0, 1], ["ZRANGEBYLEX", "s", "-", "+"],
            ["ZRANGESTORE", "d", "s", 0, 1], ["ZREMRANGEBYRANK", "s", 0, 1],
            ["ZREMRANGEBYSCORE", "s", 0, 1], ["ZREMRANGEBYLEX", "s", "-", "+"],
            ["ZPOPMIN", "s"], ["ZPOPMAX", "s", 0], ["ZMPOP", 2, "none", "s", "MIN"],
            ["ZRANDMEMBER", "s"], ["ZRANDMEMBER", "s", 1], ["ZSCAN", "s", 0],
            ["ZUNION", 2, "k", "s"], ["ZINTER", 2, "none", "s"], ["ZDIFF", 2, "k", "s"],
            ["ZINTERCARD", 2, "none", "s"], ["ZUNIONSTORE", "d", 1, "s"], ["GET", "k"]]:
        assert call(*command) == WRONG_TYPE, command
    assert call("ZUNIONSTORE", "s", 1, "k") == 1
    assert call("TYPE", "s") == "zset"


def test_removing(client):
    client.call("ZADD", "k", 1, "a", 2, "b", 3, "")
    assert client.call("ZREM", "k", "x", "a", "a", "") == 2
    assert client.call("ZREM", "k", "b", "b") == 1
    assert client.call("EXISTS", "k") == 0
    assert client.call("ZREM", "k", "b") == 0


# ---- scores as text ------------------------------------------------------------------------------

# As Redis 7.2 prints them: the shortest digits that read back; whole numbers up to 2^62 in full,
# and beyond with up to seven zeros behind the digits.
SCORES = {
    "0": b"0", "0.0": b"0", "-1": b"-1", "1e3": b"1000", "0x10": b"16", "+5": b"5",
    ".5": b"0.5", "5.": b"5", "0.1": b"0.1", "3.14": b"3.14", "-2.5": b"-2.5",
    "0.30000000000000004": b"0.30000000000000004", "1e-5": b"0.00001", "1.5e-7": b"1.5e-7",
    "0.000001": b"0.000001", "1e-7": b"1e-7", "123456.789": b"123456.789",
    "9007199254740993": b"9007199254740992", "1e17": b"100000000000000000",
    "4611686018427387904": b"4611686018427387904", "1e19": b"1e+19", "1.5e300": b"1.5e+300",
    "12345678901234567890123": b"12345678901234568000000", "5e-324": b"5e-324",
    "1.7976931348623157e308": b"1.7976931348623157e+308", "2.2250738585072014e-308":
    b"2.2250738585072014e-308", "inf": b"inf", "+inf": b"inf", "-inf": b"-inf",
    "Infinity": b"inf", "-INFINITY": b"-inf",
}


@pytest.mark.parametrize("number", [2, 3])
def test_scores_as_redis_prints_them(server, number):
    client = Raw(server.port)
    client.call("HELLO", str(number))
    head = b"," if number == 3 else None
    for given, shown in SCORES.items():
        client.call("DEL", "k")
        assert client.call("ZADD", "k", given, "a") == b":1\r\n"
        wanted = b",%b\r\n" % shown if head else b"$%d\r\n%b\r\n" % (len(shown), shown)
        for command in (["ZSCORE", "k", "a"], ["ZMSCORE", "k", "a"], ["ZPOPMAX", "k"]):
            assert client.call(*command).endswith(wanted), (given, command)
    client.close()


def test_every_double_reads_back(client):
    draw = random.Random(72)
    values = [draw.choice([-1, 1]) * draw.random() * 10.0 ** draw.randint(-320, 308)
              for _ in range(3000)] + [float(draw.getrandbits(64)) for _ in range(500)]
    add(client, "k", {str(number): value for number, value in enumerate(values)})
    for number, score in enumerate(client.call("ZMSCORE", "k", *range(len(values)))):
        text = score.decode()
        assert float(text) == values[number]
        digits = len(text.split("e")[0].lstrip("-").replace(".", "").strip("0"))
        shortest = len(repr(values[number]).split("e")[0].lstrip("-").replace(".", "").strip("0"))
        assert digits <= shortest or values[number].is_integer()


def test_zero_and_its_negative(client):
    assert client.call("ZADD", "k", "-0", "a", 0, "b") == 2
    assert client.call("ZADD", "k", "CH", 0, "a", "-0", "b") == 0  # the same score
    assert client.call("ZMSCORE", "k", "a", "b") == [b"0", b"0"]  # a listpack has whole numbers
    assert client.call("ZCOUNT", "k", "-0", "(0") == 0
    assert client.call("ZRANGEBYSCORE", "k", 0, "-0") == [b"a", b"b"]
    assert client.call("ZADD", "k", "-0", "m" * 65) == 1
    assert client.call("OBJECT", "ENCODING", "k") == b"skiplist"
    assert client.call("ZMSCORE", "k", "a", "m" * 65) == [b"0", b"-0"]


# ---- reading -------------------------------------------------------------------------------------


def test_beside_redis(both):
    both.lines("""
        ZADD k 1 a 2 b 2 c 3 d -inf low inf high
        ZRANGE k 0 -1 WITHSCORES
        ZRANGE k -3 -2 REV WITHSCORES
        ZRANGE k (1 3 BYSCORE LIMIT 1 2 WITHSCORES
        ZRANGE k 3 (1 BYSCORE REV LIMIT 0 -1
        ZRANGE k 3 1 BYSCORE
        ZRANGE k 0 -1 LIMIT 0 1
        ZRANGE k - + BYLEX WITHSCORES
        ZRANGE k 0 -1 BYSCORE REV BYLEX
        ZRANGEBYSCORE k -inf +inf LIMIT 1 -1
        ZRANGEBYSCORE k -inf +inf LIMIT -1 1
        ZRANGEBYSCORE k 1 2 LIMIT 0
        ZREVRANGEBYSCORE k +inf (2 WITHSCORES LIMIT 1 1
        ZREVRANGE k 0 1 WITHSCORES
        ZCOUNT k (-inf (inf
        ZCOUNT k -inf inf
        ZCOUNT k 2 1
        ZCOUNT k nan 1
        ZCOUNT k x 1
        ZRANGE k x 1
        ZRANK k c
        ZREVRANK k c
        ZRANK k none
        ZMSCORE k a none b
        ZMSCORE none a b
        ZSCORE none a
        ZADD l 0 a 0 b 0 c 0 dd 0 de
        ZRANGEBYLEX l - (c
        ZRANGEBYLEX l [b (dd LIMIT 1 5
        ZREVRANGEBYLEX l + [b LIMIT 1 2
        ZRANGE l (d [b BYLEX REV
        ZRANGE l + - BYLEX REV LIMIT 0 2
        ZLEXCOUNT l [b +
        ZLEXCOUNT l + -
        ZLEXCOUNT l b c
        ZLEXCOUNT l - -x
        ZRANGESTORE d k (1 inf BYSCORE LIMIT 1 2
        ZRANGE d 0 -1 WITHSCORES
        ZRANGESTORE d k 0 1 REV
        ZRANGE d 0 -1 WITHSCORES
        ZRANGESTORE d l [c [b BYLEX REV
        ZRANGE d 0 -1
        ZRANGESTORE d k 0 1 WITHSCORES
        ZRANGESTORE d k 5 1
        EXISTS d
        ZRANGESTORE k k 1 3
        ZRANGE k 0 -1 WITHSCORES
        ZREMRANGEBYRANK k 0 -3
        ZREMRANGEBYSCORE l (0 5
        ZREMRANGEBYLEX l (b [dd
        ZRANGE l 0 -1
        ZREMRANGEBYLEX l - +
        EXISTS l
    """)


def test_algebra_beside_redis(both):
    both.lines("""
        ZADD a 1 x 2 y 3 z inf up
        ZADD b 10 y 20 z 30 w -inf up
        SADD s x w q
        ZUNION 2 a b WITHSCORES
        ZUNION 3 a b s WITHSCORES
        ZUNION 2 a s WEIGHTS 2 0.5 WITHSCORES
        ZUNION 2 a b WEIGHTS 0 0 WITHSCORES
        ZUNION 2 a b AGGREGATE MIN WITHSCORES
        ZUNION 2 a b AGGREGATE MAX WEIGHTS 1 -1 WITHSCORES
        ZINTER 2 a b WITHSCORES
        ZINTER 3 a b a WITHSCORES
        ZINTER 2 a s AGGREGATE MAX WITHSCORES
        ZINTER 2 a none
        ZDIFF 2 a s WITHSCORES
        ZDIFF 3 a b a
        ZDIFF 2 none a
        ZINTERCARD 2 a b
        ZINTERCARD 2 a b LIMIT 2
        ZINTERCARD 2 a b LIMIT 0
        ZINTERCARD 2 a b LIMIT -1
        ZINTERCARD 0 a
        ZINTERCARD 3 a b
        ZUNIONSTORE d 2 a b
        ZRANGE d 0 -1 WITHSCORES
        ZINTERSTORE d 2 a b WEIGHTS 1 2 AGGREGATE MIN
        ZRANGE d 0 -1 WITHSCORES
        ZDIFFSTORE a 2 a b
        ZRANGE a 0 -1 WITHSCORES
        ZINTERSTORE d 2 a none
        EXISTS d
        ZUNION 2 a b WEIGHTS 1
        ZUNION 2 a b WEIGHTS 1 x
        ZUNION 2 a b WEIGHTS 1 nan
        ZUNION 2 a b AGGREGATE AVG
        ZUNION 0 a
        ZUNION x a
        ZUNION 5 a b
        ZUNIONSTORE d 2 a b WITHSCORES
        ZDIFF 2 a b WEIGHTS 1 2
        ZUNIONSTORE s 1 a
        TYPE s
    """)


def test_what_infinities_add_up_to(client):
    client.call("ZADD", "a", "inf", "x")
    client.call("ZADD", "b", "-inf", "x")
    assert client.call("ZUNION", 2, "a", "b", "WITHSCORES") == [b"x", b"0"]
    assert client.call("ZINTER", 2, "a", "b", "WITHSCORES") == [b"x", b"0"]
    assert client.call("ZINTER", 1, "a", "WEIGHTS", 0, "WITHSCORES") == [b"x", b"0"]
    assert client.call("ZUNION", 1, "a", "WEIGHTS", "-inf", "WITHSCORES") == [b"x", b"-inf"]


def test_rank_with_score(client):
    client.call("ZADD", "k", 1, "a", 2.5, "b")
    assert client.call("ZRANK", "k", "b", "WITHSCORE") == [1, b"2.5"]
    assert client.call("ZREVRANK", "k", "b", "withscore") == [0, b"2.5"]
    assert client.call("ZRANK", "k", "b", "WITHSCORES") == SYNTAX
    assert client.call("ZRANK", "k", "none", "WITHSCORE") is None
    client.call("HELLO", 3)
    assert client.call("ZREVRANK", "k", "a", "WITHSCORE") == [1, 1.0]


def test_resp3_pairs(client):
    client.call("HELLO", 3)
    client.call("ZADD", "k", 1, "a", 2.5, "b")
    pairs = [[b"a", 1.0], [b"b", 2.5]]
    assert client.call("ZRANGE", "k", 0, -1, "WITHSCORES") == pairs
    assert client.call("ZRANGEBYSCORE", "k", 0, 5, "WITHSCORES") == pairs
    assert client.call("ZUNION", 1, "k", "WITHSCORES") == pairs
    assert client.call("ZRANDMEMBER", "k", 5, "WITHSCORES") == pairs
    assert client.call("ZMPOP", 1, "k", "MIN", "COUNT", 1) == [b"k", [[b"a", 1.0]]]
    assert client.call("ZPOPMIN", "k") == [b"b", 2.5]
    client.call("ZADD", "k", 1, "a", 2.5, "b")
    assert client.call("ZPOPMIN", "k", 9) == pairs
    client.call("ZADD", "k", 1.5, "a")
    assert client.call("ZSCAN", "k", 0) == [b"0", [b"a", b"1.5"]]


# ---- chance, popping -----------------------------------------------------------------------------


def test_random_members(client):
    for key, count in [("few", 30), ("many", 3000)]:
        add(client, key, numbered(count))
        model = dict(everything(client, key))
        for wanted in (1, 5, count // 20, count // 2, count - 1, count, count + 7):
            found = client.call("ZRANDMEMBER", key, wanted)
            assert len(found) == len(set(found)) == min(wanted, count)
            assert set(found) <= set(model)
        found = client.call("ZRANDMEMBER", key, -2 * count, "WITHSCORES")
        assert len(found) == 4 * count and len(set(found[::2])) < count
        assert all(model[m] == float(s) for m, s in zip(found[::2], found[1::2]))
        assert client.call("ZRANDMEMBER", key) in model
    call = client.call
    assert call("ZRANDMEMBER", "few", 0) == []
    assert call("ZRANDMEMBER", "none") is None
    assert call("ZRANDMEMBER", "none", -3) == []
    assert call("ZRANDMEMBER", "few", "x") == NOT_INTEGER
    assert call("ZRANDMEMBER", "few", 1, "x") == SYNTAX
    assert call("ZRANDMEMBER", "few", 1, "WITHSCORES", 1) == SYNTAX
    assert call("ZRANDMEMBER", "few", 2**63 - 1, "WITHSCORES") == Error(
        "ERR value is out of range")
    assert len(call("ZRANDMEMBER", "few", 2**63 - 1)) == 30


def test_each_member_has_its_chance(client):
    for count, asked in [(40, -4000), (40, 10), (1000, 30)]:
        client.call("DEL", "k")
        add(client, "k", numbered(count))
        seen = dict.fromkeys(numbered(count), 0)
        turns = 1 if asked < 0 else 100 * count // asked
        for _ in range(turns):
            for member in client.call("ZRANDMEMBER", "k", asked):
                seen[member.decode()] += 1
        assert 40 < min(seen.values()) and max(seen.values()) < 180  # 100 each, by six sigma


def test_pop(client):
    call = client.call
    call("ZADD", "k", 1, "a", 2, "b", 3, "c", 4, "d")
    assert call("ZPOPMIN", "k") == [b"a", b"1"]
    assert call("ZPOPMAX", "k", 2) == [b"d", b"4", b"c", b"3"]
    assert call("ZPOPMIN", "k", 0) == []
    assert call("ZPOPMIN", "k", -1) == POSITIVE
    assert call("ZPOPMIN", "k", "x") == POSITIVE
    assert call("ZPOPMIN", "k", 1, 2)[:4] == "ERR "
    assert call("ZPOPMIN", "k", 2**62) == [b"b", b"2"]
    assert call("EXISTS", "k") == 0
    assert call("ZPOPMAX", "k") == [] == call("ZPOPMAX", "k", 5)


def test_many_popped(client):
    call = client.call
    call("ZADD", "k", 1, "a", 2, "b", 3, "c")
    assert call("ZMPOP", 2, "none", "k", "MAX") == [b"k", [[b"c", b"3"]]]
    assert call("ZMPOP", 1, "k", "min", "count", 10) == [b"k", [[b"a", b"1"], [b"b", b"2"]]]
    assert call("ZMPOP", 1, "k", "MIN") is None
    assert call("ZMPOP", 0, "k", "MIN") == NUMKEYS
    assert call("ZMPOP", "x", "k", "MIN") == NUMKEYS
    assert call("ZMPOP", 1, "k", "MID") == SYNTAX
    assert call("ZMPOP", 2, "k", "MIN") == SYNTAX
    assert call("ZMPOP", 1, "k", "MIN", "COUNT") == SYNTAX
    assert call("ZMPOP", 1, "k", "MIN", "COUNT", 0) == Error(
        "ERR count should be greater than 0")
    assert call("ZMPOP", 1, "k", "MIN", "COUNT", 1, "COUNT", 1) == SYNTAX


def waiting(server, *command):
    """A client that waits; it is known to, when another has seen it."""
    client = server.client()
    client.send(*command)
    with Client(server.port) as other:
        while b"blocked_clients:0" in other.call("INFO", "clients"):
            pass
    return client


def test_waiting_for_a_member(server, client):
    assert client.call("BZPOPMIN", "k", "0.01") is None
    assert client.call("BZPOPMIN", "k", -1) == Error("ERR timeout is negative")
    assert client.call("BZPOPMIN", "k", "x") == Error(
        "ERR timeout is not a float or out of range")
    waiter = waiting(server, "BZPOPMIN", "other", "k", 0)
    client.call("ZADD", "k", 3, "c", 1, "a", 2, "b")
    assert waiter.read() == [b"k", b"a", b"1"]
    assert waiter.call("BZPOPMAX", "k", 0) == [b"k", b"c", b"3"]
    assert client.call("BZMPOP", 1, 2, "none", "k", "MAX", "COUNT", 7) == [b"k", [[b"b", b"2"]]]
    waiter = waiting(server, "BZMPOP", 0, 1, "k", "MIN", "COUNT", 2)
    client.call("ZUNIONSTORE", "k", 1, "none")
    client.call("SADD", "s", "x", "y", "z")
    client.call("ZUNIONSTORE", "k", 1, "s")
    assert waiter.read() == [b"k", [[b"x", b"1"], [b"y", b"1"]]]
    waiter = waiting(server, "BZPOPMAX", "late", 0)
    client.call("RENAME", "k", "late")
    assert waiter.read() == [b"late", b"z", b"1"]
    assert client.call("EXISTS", "k", "late") == 0


# ---- ZSCAN ---------------------------------------------------------------------------------------


def scan(client, key, *options):
    cursor, found = b"0", []
    while True:
        cursor, part = client.call("ZSCAN", key, cursor, *options)
        found += zip(part[::2], part[1::2])
        if cursor == b"0":
            return found


def test_scan(client):
    for key, count in [("few", 20), ("many", 4000)]:
        add(client, key, numbered(count))
        found = scan(client, key)
        assert len(found) == count  # nothing changes: each comes once
        assert sorted((m, float(s)) for m, s in found) == sorted(everything(client, key))
        assert len(scan(client, key, "MATCH", "*0000000[01]?", "COUNT", 7)) == 20
    assert client.call("ZSCAN", "none", 0) == [b"0", []]
    assert client.call("ZSCAN", "many", "x") == Error("ERR invalid cursor")
    assert client.call("ZSCAN", "many", 0, "COUNT", 0) == SYNTAX
    assert client.call("ZSCAN", "many", 0, "COUNT", "x") == NOT_INTEGER
    cursor, part = client.call("ZSCAN", "many", 0, "COUNT", 100)
    assert cursor != b"0" and 100 <= len(part) // 2 < 400
    assert client.call("ZSCAN", "many", 2**64 - 1)[0] is not None


def test_scan_sees_what_stays(client):
    """Whatever grows and shrinks between two calls, and however scores change."""
    for shrinks in (True, False):
        client.call("DEL", "k")
        staying = numbered(300, "stay")
        add(client, "k", staying)
        crowd = list(numbered(4000, "crowd"))
        if shrinks:
            add(client, "k", dict.fromkeys(crowd, 5))
        seen, cursor = set(), b"0"
        while True:
            cursor, part = client.call("ZSCAN", "k", cursor, "COUNT", 20)
            seen.update(member.decode() for member in part[::2])
            if cursor == b"0":
                break
            some, crowd = crowd[:60], crowd[60:]
            if some and shrinks:
                client.call("ZREM", "k", *some)
            elif some:
                add(client, "k", dict.fromkeys(some, len(crowd)))
            for member in random.Random(len(crowd)).sample(list(staying), 5):
                client.call("ZINCRBY", "k", len(crowd) - 2000, member)
        assert seen >= set(staying)


# ---- against a model -----------------------------------------------------------------------------


def key_of(pair):
    return pair[1], pair[0]


def changes(draw, model, bound):
    """A command that changes what the model changes with it."""
    members = [b"%d" % number for number in range(bound)] + [b"long" * 40 + b"%d" % bound]
    member, score = draw.choice(members), draw.choice([draw.randint(-50, 50), draw.random()])
    kind = draw.random()
    if kind < 0.7:
        model[member] = float(score)
        return ["ZADD", "k", repr(score), member]
    if kind < 0.8:
        model[member] = model.get(member, 0.0) + score
        return ["ZINCRBY", "k", repr(score), member]
    if kind < 0.97:
        model.pop(member, None)
        return ["ZREM", "k", member]
    order = sorted(model.items(), key=key_of)
    first = draw.randint(0, len(order))
    last = first + draw.randint(0, 20)
    for gone, _ in order[first:last + 1]:
        del model[gone]
    return ["ZREMRANGEBYRANK", "k", first, last]


def check_against(client, draw, model):
    order = sorted(model.items(), key=key_of)
    assert everything(client, "k") == order
    low, high = sorted((draw.randint(-60, 60), draw.randint(-60, 60)))
    between = [member for member, score in order if low < score <= high]
    offset, limit = draw.randint(0, 5), draw.randint(-1, 10)
    cut = slice(offset, None if limit < 0 else offset + limit)
    call = client.call
    assert call("ZRANGEBYSCORE", "k", f"({low}", high, "LIMIT", offset, limit) == between[cut]
    assert call("ZREVRANGEBYSCORE", "k", high, f"({low}", "LIMIT", offset, limit) == \
        between[::-1][cut]
    assert call("ZCOUNT", "k", f"({low}", high) == len(between)
    start, stop = draw.randint(0, len(order)), draw.randint(0, len(order))
    names = [member for member, _ in order]
    assert call("ZRANGE", "k", start, stop) == names[start:stop + 1]
    assert call("ZREVRANGE", "k", start, stop) == names[::-1][start:stop + 1]
    if names:
        member = draw.choice(names)
        assert call("ZRANK", "k", member) == names.index(member)
        assert call("ZREVRANK", "k", member) == len(names) - 1 - names.index(member)


@pytest.mark.parametrize("members, steps", [(20, 1500), (150, 3000), (1500, 8000)])
def test_a_model(client, members, steps):
    draw, model = random.Random(members), {}
    for step in range(0, steps, 50):
        requests = [changes(draw, model, members) for _ in range(50)]
        assert not any(isinstance(reply, Error) for reply in client.pipeline(*requests))
        if step % 250 == 0:
            check_against(client, draw, model)
    assert client.call("DEBUG", "DIGEST-VALUE", "k") is not None
    check_against(client, draw, model)


def test_algebra_against_a_model(client):
    sizes = {"few": range(0, 40), "some": range(20, 400, 2), "many": range(0, 6000, 3)}
    models = {"none": {}}
    for key, numbers in sizes.items():
        models[key] = {b"%07d" % number: number % 17 for number in numbers}
        add(client, key, models[key])
        client.call("SADD", f"set:{key}", *models[key])
        models[f"set:{key}"] = dict.fromkeys(models[key], 1)
    for one, other in itertools.product(models, models):
        a, b = models[one], models[other]
        both = {member: a[member] + b[member] for member in a if member in b}
        wanted = {"ZINTER": both, "ZUNION": a | b | both,
                  "ZDIFF": {member: a[member] for member in a if member not in b}}
        for command, scores in wanted.items():
            assert client.call(f"{command}STORE", "d", 2, one, other) == len(scores)
            assert everything(client, "d") == in_order(scores), (command, one, other)
            assert client.call(command, 2, one, other) == [m for m, _ in in_order(scores)]
        assert client.call("ZINTERCARD", 2, one, other) == len(both)
        assert client.call("ZINTERCARD", 2, one, other, "LIMIT", 5) == min(5, len(both))


# ---- big sorted sets -----------------------------------------------------------------------------


def test_long_members(client):
    texts = [bytes([97 + at]) * count
             for at, count in enumerate((127, 128, 8191, 8192, 16384, 32768, 32769, 200_000))]
    add(client, "k", {text: at for at, text in enumerate(texts)})
    assert client.call("ZRANGE", "k", 0, -1) == texts
    for at, text in enumerate(texts):  # the last becomes the first
        client.call("ZADD", "k", -at, text)
    assert client.call("ZRANGE", "k", 0, -1) == texts[::-1]
    assert client.call("ZRANK", "k", texts[7]) == 0
    assert client.call("COPY", "k", "copy") == 1
    assert client.call("ZPOPMIN", "k", 7) == \
        [part for at, text in list(enumerate(texts))[:0:-1] for part in (text, b"%d" % -at)]
    assert client.call("ZUNIONSTORE", "d", 1, "copy") == 8
    assert client.call("ZRANGE", "d", 0, -1, "REV") == texts


def test_members_of_one_score(client):
    """Keys of the tree say nothing here: members share a long beginning."""
    names = [b"the same beginning:%05d" % number for number in range(6000)]
    shuffled = random.Random(5).sample(names, len(names))
    add(client, "k", dict.fromkeys(shuffled, 0))
    assert client.call("ZRANGEBYLEX", "k", "-", "+") == names
    assert client.call("ZLEXCOUNT", "k", b"[" + names[100], b"(" + names[4100]) == 4000
    assert client.call("ZREVRANGEBYLEX", "k", b"(" + names[4100], b"[" + names[100], "LIMIT", 5,
                       2) == [names[4094], names[4093]]
    assert client.call("ZREMRANGEBYLEX", "k", b"[" + names[10], b"[" + names[5989]) == 5980
    assert client.call("ZRANGE", "k", 0, -1) == names[:10] + names[5990:]


def test_big_ones_are_values_like_others(client):
    add(client, "k", numbered(5000))
    assert client.call("COPY", "k", "copy") == 1
    assert client.call("RENAME", "k", "renamed") == "OK"
    client.call("ZREM", "renamed", *list(numbered(10)))
    assert client.call("ZCARD", "copy") == 5000
    assert client.call("ZCARD", "renamed") == 4990
    assert client.call("MEMORY", "USAGE", "copy") > 5000 * 18
    digest = client.call("DEBUG", "DIGEST-VALUE", "copy")
    add(client, "again", dict(reversed(numbered(5000).items())))
    assert client.call("DEBUG", "DIGEST-VALUE", "again") == digest
    client.call("EXPIRE", "again", 1000)
    add(client, "again", numbered(6000))
    assert client.call("TTL", "again") > 900
    assert client.call("DEL", "copy", "again", "renamed") == 3


def test_ten_members_in_few_bytes(client):
    for number in range(300):
        client.call("ZADD", f"key:{number:012}", *[part for i in range(10) for part in
                                                   (i, f"{number:08}:{i:07}")])
    assert client.call("MEMORY", "USAGE", f"key:{1:012}") <= 16 + 10 * 24 + 40


COUNT = 1_000_000


def score_of(number):
    """Far from the order of members, and each another."""
    return number * 7919 % 1_000_003


def fill_million(client, key):
    """Members m0000000 and so on."""
    for start in range(0, COUNT, 100_000):
        client.pipeline(*[["ZADD", key] + [part for number in range(at, at + 500)
                                           for part in (score_of(number), b"m%07d" % number)]
                          for at in range(start, start + 100_000, 500)])


@pytest.mark.slow
def test_a_million_members(server):
    """Nothing that is done to a million members may take more than linear time."""
    with Client(server.port, timeout=60) as client:
        call = client.call
        fill_million(client, "k")
        scores = [score_of(number) for number in range(COUNT)]
        assert call("ZCARD", "k") == COUNT
        assert int(call("ZSCORE", "k", "m0123456")) == scores[123_456]
        rank = call("ZRANK", "k", "m0123456")
        assert rank == sum(score < scores[123_456] for score in scores)
        assert call("ZREVRANK", "k", "m0123456") == COUNT - 1 - rank
        assert call("ZRANGE", "k", rank, rank) == [b"m0123456"]
        assert call("ZCOUNT", "k", "-inf", "(500000") == sum(score < 500_000 for score in scores)
        assert len(call("ZRANGE", "k", 500_000, 500_099)) == 100
        assert len(set(call("ZRANDMEMBER", "k", 10_000))) == 10_000
        call("SADD", "s", "a", "m0123456")
        assert call("ZRANGESTORE", "l", "k", COUNT // 2, -1) == COUNT // 2
        assert call("ZINTERCARD", 2, "k", "l") == COUNT // 2
        assert call("ZINTERSTORE", "d", 2, "k", "l") == COUNT // 2
        assert call("ZUNIONSTORE", "d", 3, "k", "l", "s") == COUNT + 1
        assert call("ZDIFFSTORE", "d", 3, "k", "l", "s") == COUNT // 2 - (rank < COUNT // 2)
        assert call("ZREMRANGEBYRANK", "l", 1000, -1001) == COUNT // 2 - 2000
        assert call("ZCARD", "l") == 2000
        assert call("ZREMRANGEBYSCORE", "k", 10_000, "inf") == sum(
            score >= 10_000 for score in scores)
        left = sorted((score, b"m%07d" % number) for number, score in enumerate(scores)
                      if score < 10_000)
        assert call("ZRANGE", "k", 0, -1) == [member for _, member in left]
        assert call("ZREMRANGEBYRANK", "k", 0, -1) == len(left)
        assert call("EXISTS", "k") == 0
