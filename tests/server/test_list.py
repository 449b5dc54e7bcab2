"""Lists: names at the thresholds, places and ends, huge items, and beside redis-server."""

import random

import pytest
from conftest import MOVE_ALL_BUILD
from resp import Client, Error

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX = Error("ERR syntax error")
NOT_INTEGER = Error("ERR value is not an integer or out of range")
POSITIVE = Error("ERR value is out of range, must be positive")
FRAME = 7  # bytes of a listpack without items
BYTE_LIMITS = {-1: 4096, -2: 8192, -3: 16384, -4: 32768, -5: 65536}


def encoding(client, key):
    return client.call("OBJECT", "ENCODING", key).decode()


def push(client, key, items, command="RPUSH"):
    """Many with one command, as a client does that fills a list."""
    items = list(items)
    for at in range(0, len(items), 1000):
        client.call(command, key, *items[at:at + 1000])


def texts(*items):
    return [item if isinstance(item, bytes) else str(item).encode() for item in items]


def numbered(count, bytes=16):
    return [b"%0*d" % (bytes, number) for number in range(1, count + 1)]


def both_forms(client):
    """The same items in a small list, and among 3000 others in a big one, with where they begin."""
    few = [b"a", b"12", b"", b"a", b"-7", b"\0\xff", b"a", b"x" * 200]
    push(client, "small", few)
    push(client, "big", [b"front:%d" % number for number in range(1500)] + few +
         [b"behind:%d" % number for number in range(1500)])
    return [("small", 0), ("big", 1500)]


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", BYTE_LIMITS)
def test_names_by_bytes(client, options, level):
    """An item of 14 letters takes 16 bytes of a listpack; one that comes counts its 14."""
    options(list_max_listpack_size=level)
    limit = BYTE_LIMITS[level]
    fits = (limit - FRAME - 14) // 16 + 1
    for at in range(fits):
        client.call("RPUSH", "k", "x" * 14)
    assert encoding(client, "k") == "listpack"
    client.call("RPUSH", "k", "x" * 14)
    assert encoding(client, "k") == "quicklist"
    stays = (limit // 2 - FRAME) // 16
    client.call("LTRIM", "k", 0, stays)
    assert encoding(client, "k") == "quicklist"
    client.call("LPOP", "k")
    assert encoding(client, "k") == "listpack"
    assert client.call("LLEN", "k") == stays


@pytest.mark.parametrize("limit", [0, 1, 3, 128, 4000])
def test_names_by_count(client, options, limit):
    options(list_max_listpack_size=limit)
    most = max(limit, 1)
    push(client, "k", [1] * most)
    assert encoding(client, "k") == "listpack"
    client.call("LPUSH", "k", 1)
    assert encoding(client, "k") == "quicklist"
    if most > 1:
        client.call("LPOP", "k", most - most // 2)
        assert encoding(client, "k") == "quicklist"
        client.call("RPOP", "k")
        assert encoding(client, "k") == "listpack"


def test_names_by_count_are_bounded_by_bytes(client, options):
    options(list_max_listpack_size=100)
    client.call("RPUSH", "k", "x" * 8185)
    assert encoding(client, "k") == "listpack"
    client.call("RPUSH", "k", "y")
    assert encoding(client, "k") == "quicklist"


def test_one_command_counts_what_it_brings(client, options):
    """All arguments at once, as they come: digits, not integers."""
    client.call("RPUSH", "k", *["1234567"] * 1169)  # 8183 bytes of digits and the frame
    assert encoding(client, "k") == "listpack"
    client.call("RPUSH", "l", *["1234567"] * 1170)
    assert encoding(client, "l") == "quicklist"
    options(list_max_listpack_size=4)
    client.call("RPUSH", "m", 1, 2, 3, 4)
    client.call("RPUSH", "n", 1, 2, 3, 4, 5)
    assert (encoding(client, "m"), encoding(client, "n")) == ("listpack", "quicklist")


def test_each_change_names_the_list(client, options):
    options(list_max_listpack_size=4)
    for change in [["RPUSH", "k", 5], ["LPUSHX", "k", 5], ["LINSERT", "k", "BEFORE", 2, 9]]:
        client.call("DEL", "k")
        client.call("RPUSH", "k", 1, 2, 3, 4)
        client.call(*change)
        assert encoding(client, "k") == "quicklist", change
    for change in [["LPOP", "k", 3], ["RPOP", "k", 3], ["LTRIM", "k", 0, 1], ["LREM", "k", 0, 2],
                   ["LMPOP", 1, "k", "LEFT", "COUNT", 4], ["LSET", "k", 0, 1]]:
        client.call("DEL", "k")
        client.call("RPUSH", "k", 1, 2, 2, 2, 5)
        assert encoding(client, "k") == "quicklist"
        client.call(*change)
        shrunk = client.call("LLEN", "k") <= 2
        assert encoding(client, "k") == ("listpack" if shrunk else "quicklist"), change
    options(list_max_listpack_size=-1)
    client.call("DEL", "k")
    client.call("RPUSH", "k", 1, 2)
    client.call("LSET", "k", 0, "x" * 5000)
    assert encoding(client, "k") == "quicklist"
    client.call("LSET", "k", 0, "x")
    assert encoding(client, "k") == "listpack"


def test_moving_names_both_lists(client, options):
    options(list_max_listpack_size=4)
    client.call("RPUSH", "k", 1, 2, 3, 4)
    client.call("RPUSH", "l", 1, 2, 3, 4, 5)
    client.call("LMOVE", "k", "l", "LEFT", "LEFT")
    assert (encoding(client, "k"), encoding(client, "l")) == ("listpack", "quicklist")
    client.call("LMOVE", "l", "k", "LEFT", "LEFT")
    client.call("LMOVE", "l", "k", "LEFT", "LEFT")
    assert (encoding(client, "k"), encoding(client, "l")) == ("quicklist", "quicklist")
    for _ in range(2):
        client.call("RPOPLPUSH", "l", "k")
    assert (encoding(client, "k"), encoding(client, "l")) == ("quicklist", "listpack")
    client.call("LMOVE", "k", "k", "LEFT", "RIGHT")
    assert (encoding(client, "k"), encoding(client, "l")) == ("quicklist", "listpack")


def test_a_moved_number_counts_nothing(client, options):
    """Redis has it as an integer then, whose bytes it does not add."""
    client.call("RPUSH", "k", *["x" * 14] * 511, "y" * 5)  # 8190 bytes of a listpack
    assert encoding(client, "k") == "listpack"
    client.call("RPUSH", "l", 12, 123456, "word")
    for name in ["listpack", "listpack", "quicklist"]:
        client.call("LMOVE", "l", "k", "LEFT", "LEFT")
        assert encoding(client, "k") == name


def test_a_copy_keeps_its_name(client, options):
    client.call("RPUSH", "k", *range(600))
    push(client, "l", numbered(600))
    options(list_max_listpack_size=4)
    client.call("COPY", "k", "k2")
    client.call("RENAME", "l", "l2")
    options(list_max_listpack_size=-5)
    assert (encoding(client, "k2"), encoding(client, "l2")) == ("listpack", "quicklist")


def test_compress_depth_is_taken(client, options):
    for depth in [0, 1, 100]:
        options(list_compress_depth=depth)
        client.call("DEL", "k")
        push(client, "k", numbered(3000))
        assert client.call("LRANGE", "k", 0, -1) == numbered(3000)
    assert client.call("CONFIG", "SET", "list-compress-depth", -1) == Error(
        "ERR CONFIG SET failed (possibly related to argument 'list-compress-depth') - argument "
        "must be between 0 and 2147483647 inclusive")
    options(list_max_ziplist_size=77)
    assert client.call("CONFIG", "GET", "list-max-listpack-size") == [b"list-max-listpack-size",
                                                                     b"77"]


# ---- places --------------------------------------------------------------------------------------


def test_index(client):
    for key, at in both_forms(client):
        assert client.call("LINDEX", key, at) == b"a"
        assert client.call("LINDEX", key, at + 2) == b""
        assert client.call("LINDEX", key, at + 4) == b"-7"
        assert client.call("LINDEX", key, at + 7) == b"x" * 200
        count = client.call("LLEN", key)
        assert client.call("LINDEX", key, -count + at + 5) == b"\0\xff"
        for outside in [count, -count - 1, 2**63 - 1, -2**63]:
            assert client.call("LINDEX", key, outside) is None
            assert client.call("LSET", key, outside, 1) == Error("ERR index out of range")
        for wrong in ["x", "", "1.0", 2**63, " 1", "+1", "01"]:
            assert client.call("LINDEX", key, wrong) == NOT_INTEGER
            assert client.call("LSET", key, wrong, 1) == NOT_INTEGER
    assert client.call("LINDEX", "nope", "x") is None  # the key is looked at first
    assert client.call("LSET", "nope", "x", 1) == Error("ERR no such key")


def test_set(client):
    for key, at in both_forms(client):
        items = client.call("LRANGE", key, 0, -1)
        for index, item in [(at, "other"), (at + 1, "y" * 3000), (0, ""), (-1, 5),
                            (at + 1, -2**63), (at + 7, "z" * 40000), (at + 7, "z")]:
            assert client.call("LSET", key, index, item) == "OK"
            items[index] = str(item).encode()
        assert client.call("LRANGE", key, 0, -1) == items


def test_insert(client):
    for key, at in both_forms(client):
        items = client.call("LRANGE", key, 0, -1)
        count = len(items)
        for where, pivot, item in [("BEFORE", b"a", b"1"), ("after", b"a", b"2" * 3000),
                                   ("AFTER", b"x" * 200, b""), ("Before", b"12", b"n" * 70000),
                                   ("AFTER", b"-7", b"-7"), ("BEFORE", items[0], b"first"),
                                   ("AFTER", items[-1], b"last")]:
            place = items.index(pivot) + (where.lower() == "after")
            items.insert(place, item)
            count += 1
            assert client.call("LINSERT", key, where, pivot, item) == count
        assert client.call("LRANGE", key, 0, -1) == items
        assert client.call("LINSERT", key, "BEFORE", "absent", "x") == -1
        assert client.call("LINSERT", key, "BEFORE", "012", "x") == -1  # not the number 12
        assert client.call("LINSERT", key, "BESIDE", "a", "x") == SYNTAX
    assert client.call("LINSERT", "nope", "BEFORE", "a", "x") == 0
    assert client.call("LINSERT", "nope", "BESIDE", "a", "x") == SYNTAX


@pytest.mark.parametrize("count, places", [(0, [0, 3, 6]), (2, [0, 3]), (-1, [6]), (-2, [3, 6]),
                                           (100, [0, 3, 6]), (-2**63, [0, 3, 6]),
                                           (2**63 - 1, [0, 3, 6])])
def test_remove(client, count, places):
    for key, at in both_forms(client):
        items = client.call("LRANGE", key, 0, -1)
        assert client.call("LREM", key, count, "a") == len(places)
        for place in reversed(places):
            del items[at + place]
        assert client.call("LRANGE", key, 0, -1) == items
    assert client.call("LREM", "big", 0, "absent") == 0
    assert client.call("LREM", "nope", 0, "a") == 0
    assert client.call("LREM", "nope", "x", "a") == NOT_INTEGER


def test_removing_all_removes_the_key(client):
    push(client, "k", ["same"] * 5000)
    assert client.call("LREM", "k", 4999, "same") == 4999
    assert client.call("LREM", "k", -5, "same") == 1
    assert client.call("EXISTS", "k") == 0


@pytest.mark.parametrize("first, last", [(0, -1), (1, -2), (0, 0), (-1, -1), (5, 2), (-3, 100000),
                                         (100000, 100001), (-2**63, 2**63 - 1), (0, -2**63),
                                         (700, 900), (2999, 3000)])
def test_range_and_trim(client, first, last):
    for key, _ in both_forms(client):
        items = client.call("LRANGE", key, 0, -1)
        count = len(items)
        begin = max(first + count, 0) if first < 0 else first
        end = last + count if last < 0 else last
        wanted = items[begin:end + 1] if end >= 0 else []
        assert client.call("LRANGE", key, first, last) == wanted
        assert client.call("LTRIM", key, first, last) == "OK"
        assert client.call("LRANGE", key, 0, -1) == wanted
        assert client.call("EXISTS", key) == (len(wanted) > 0)


def test_position(client):
    for key, at in both_forms(client):
        def told(*options):
            return client.call("LPOS", key, "a", *options)
        assert told() == at
        assert told("RANK", 2) == at + 3
        assert told("RANK", -1) == at + 6
        assert told("RANK", -3) == at
        assert told("RANK", 4) is None
        assert told("RANK", 4, "COUNT", 0) == []
        assert told("COUNT", 0) == [at, at + 3, at + 6]
        assert told("COUNT", 2, "RANK", -1) == [at + 6, at + 3]
        assert told("COUNT", 2**63 - 1, "RANK", 2) == [at + 3, at + 6]
        assert told("MAXLEN", at + 1) == at
        assert told("COUNT", 0, "MAXLEN", at + 4) == [at, at + 3]
        assert told("COUNT", 0, "RANK", -1, "MAXLEN", at + 2) == [at + 6]
        assert told("MAXLEN", at) == (at if at == 0 else None)
        assert told("RANK", 1, "rank", 2) == at + 3
        assert client.call("LPOS", key, "absent") is None
        assert told("RANK", 0) == Error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
            "or use negative to start from the end of the list")
        assert told("RANK", -2**63) == Error("ERR value is out of range, value must between "
                                             "-9223372036854775807 and 9223372036854775807")
        assert told("COUNT", -1) == Error("ERR COUNT can't be negative")
        assert told("MAXLEN", -1) == Error("ERR MAXLEN can't be negative")
        assert told("COUNT") == SYNTAX and told("NOPE", 1) == SYNTAX
    assert client.call("LPOS", "nope", "a") is None
    assert client.call("LPOS", "nope", "a", "COUNT", 3) == []


# ---- ends ----------------------------------------------------------------------------------------


def test_push(client):
    assert client.call("LPUSH", "k", 1, 2, 3) == 3
    assert client.call("RPUSH", "k", "", "x" * 100) == 5
    assert client.call("LRANGE", "k", 0, -1) == texts(3, 2, 1, "", "x" * 100)
    assert client.call("LPUSHX", "nope", 1) == 0
    assert client.call("RPUSHX", "nope", 1) == 0
    assert client.call("EXISTS", "nope") == 0
    assert client.call("LPUSHX", "k", 4, 5) == 7
    assert client.call("RPUSHX", "k", 6) == 8
    assert client.call("LRANGE", "k", 0, 2) == texts(5, 4, 3)


@pytest.mark.parametrize("command, end", [("LPOP", 0), ("RPOP", -1)])
def test_pop(client, command, end):
    for key, _ in both_forms(client):
        items = client.call("LRANGE", key, 0, -1)
        if end == -1:
            items.reverse()
        assert client.call(command, key) == items[0]
        assert client.call(command, key, 0) == []
        assert client.call(command, key, 1) == [items[1]]
        assert client.call(command, key, 4) == items[2:6]
        for wrong in [-1, "x", 2**63, ""]:
            assert client.call(command, key, wrong) == POSITIVE
        assert client.call(command, key, 2**63 - 1) == items[6:]
        assert client.call("EXISTS", key) == 0
    arity = Error(f"ERR wrong number of arguments for '{command.lower()}' command")
    assert client.call(command, "k", 1, 1) == arity


def test_nothing_to_pop(both):
    both.lines("""
        LPOP nope
        RPOP nope 1
        LPOP nope 0
        LPOP nope -1
        LPOP nope x
        RPOPLPUSH nope other
        LMOVE nope other LEFT LEFT
        LMPOP 1 nope LEFT
        LMPOP 2 nope nope LEFT COUNT 3
        LRANGE nope 0 -1
        LLEN nope
        LTRIM nope 0 1
        LPOS nope 1
        LPOS nope 1 COUNT 1
        LINDEX nope 0
    """)


def test_replies_in_both_protocols(both):
    both.lines("""
        RPUSH k a 1 "" 2 a
        LPOP k
        LPOP k 2
        RPOP k 0
        LMPOP 2 nope k RIGHT COUNT 9
        LMPOP 1 k RIGHT
        RPUSH k 1 2 3
        LMOVE k l LEFT RIGHT
        LRANGE k 0 -1
        LRANGE k 5 9
        LPOS k 2
        LPOS k 7
        LINDEX k 7
        LMPOP 0 k LEFT
        LMPOP x k LEFT
        LMPOP -1 k LEFT
        LMPOP 2 k LEFT
        LMPOP 3 k LEFT COUNT
        LMPOP 1 k UP
        LMPOP 1 k LEFT COUNT 0
        LMPOP 1 k LEFT COUNT x
        LMPOP 1 k LEFT COUNT 1 COUNT 1
        LMPOP 1 k LEFT COUNT
        LMPOP 1 k LEFT NOPE 1
        LMPOP 9223372036854775807 k LEFT
        LMOVE k l LEFT UP
        LMOVE k l MIDDLE LEFT
        LPUSH
        LPUSH k
        LSET k 0
        LINSERT k BEFORE 1
    """)


def test_wrong_type(both):
    both.lines("""
        SET s x
        RPUSH k 1
        LPUSH s 1
        RPUSHX s 1
        LPOP s
        RPOP s 1
        LPOP s x
        LLEN s
        LINDEX s 0
        LINDEX s x
        LSET s 0 1
        LSET s x 1
        LRANGE s 0 1
        LRANGE s x 1
        LTRIM s 0 1
        LREM s 0 1
        LREM s x 1
        LINSERT s BEFORE 1 1
        LPOS s 1
        LPOS s 1 RANK 0
        LMOVE s k LEFT LEFT
        LMOVE k s LEFT LEFT
        LMOVE nope s LEFT LEFT
        RPOPLPUSH k s
        LMPOP 2 s k LEFT
        LMPOP 2 k s LEFT
        LMPOP 2 k s LEFT
        GET s
    """)


@pytest.mark.parametrize("source", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("target", ["LEFT", "RIGHT"])
def test_move(client, source, target):
    for count in [1, 2, 5, 3000]:
        for other in ["k", "l", "new"]:
            client.call("DEL", "k", "l", "new")
            items, rest = numbered(count), [b"1", b"2"]
            push(client, "k", items)
            push(client, "l", rest)
            wanted = items if other == "k" else rest if other == "l" else []
            moved = items.pop(0 if source == "LEFT" else -1)
            wanted.insert(0 if target == "LEFT" else len(wanted), moved)
            assert client.call("LMOVE", "k", other, source, target) == moved
            assert client.call("LRANGE", other, 0, -1) == wanted
            assert client.call("LRANGE", "k", 0, -1) == items
            assert client.call("EXISTS", "k") == (len(items) > 0)


def test_a_rotation_keeps_the_expiry(client):
    client.call("RPUSH", "k", "only")
    client.call("EXPIRE", "k", 1000)
    assert client.call("LMOVE", "k", "k", "LEFT", "RIGHT") == b"only"
    assert client.call("LMOVE", "k", "k", "LEFT", "LEFT") == b"only"
    assert client.call("TTL", "k") > 900
    client.call("RPUSH", "l", "other")
    client.call("LMOVE", "l", "k", "LEFT", "LEFT")
    assert client.call("TTL", "k") > 900


def test_several_keys_in_order(client):
    client.call("RPUSH", "b", 1, 2, 3)
    client.call("RPUSH", "c", 4)
    assert client.call("LMPOP", 3, "a", "b", "c", "RIGHT", "COUNT", 2) == [b"b", texts(3, 2)]
    assert client.call("LMPOP", 3, "a", "b", "c", "LEFT", "COUNT", 2) == [b"b", texts(1)]
    assert client.call("LMPOP", 3, "a", "b", "c", "LEFT") == [b"c", texts(4)]
    assert client.call("LMPOP", 3, "a", "b", "c", "LEFT") is None


# ---- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [62, 63, 64, 125, 126, 127, 128, 2040, 2048, 4095, 4096, 8100,
                                   8160, 8192, 16383, 16384, 32767, 32768, 32769, 100000])
def test_items_of_every_size(client, count):
    item = random.Random(count).randbytes(count)
    for items in [[item], [item, b"a", item], [b"%d" % number for number in range(900)] + [item]]:
        client.call("DEL", "k")
        push(client, "k", items)
        push(client, "k", [item, b"1"], "LPUSH")
        wanted = [b"1", item] + items
        assert client.call("LRANGE", "k", 0, -1) == wanted
        assert client.call("LINDEX", "k", 1) == item
        assert client.call("LPOS", "k", item) == 1
        assert client.call("LREM", "k", -1, item) == 1
        assert client.call("LRANGE", "k", -1, -1) == [(items[:-1] or [item])[-1]]
        assert client.call("LPOP", "k", 2) == [b"1", item]


def test_huge_items(client):
    huge = random.Random(1).randbytes(1 << 20) * 24
    before = int(client.call("DBSIZE"))
    assert client.call("RPUSH", "k", "a", huge, "b", huge) == 4
    assert client.call("LINDEX", "k", 1) == huge
    assert client.call("LMOVE", "k", "l", "RIGHT", "LEFT") == huge
    assert client.call("LSET", "k", 1, "small") == "OK"
    assert client.call("LINSERT", "k", "AFTER", "a", huge) == 4
    assert client.call("LPOS", "k", huge) == 1
    assert client.call("LREM", "k", 0, huge) == 1
    assert client.call("LRANGE", "k", 0, -1) == texts("a", "small", "b")
    assert client.call("MEMORY", "USAGE", "k") < 1000
    assert client.call("MEMORY", "USAGE", "l") > len(huge)
    assert client.call("RPOP", "l") == huge
    assert client.call("DBSIZE") == before + 1


@pytest.mark.slow
def test_a_million(client):
    items = numbered(10**6)
    push(client, "k", items)
    assert client.call("LRANGE", "k", 0, -1) == items
    assert client.call("LRANGE", "k", 500000, 500999) == items[500000:501000]
    assert client.call("LINDEX", "k", 765432) == items[765432]
    assert client.call("LPOS", "k", items[-1]) == 10**6 - 1
    assert client.call("LTRIM", "k", 1000, -1001) == "OK"
    assert client.call("LPOP", "k", 2) == items[1000:1002]
    assert client.call("RPOP", "k", 2) == items[-1001:-1003:-1]
    assert client.call("LPOP", "k", 10**6) == items[1002:-1002]
    assert client.call("EXISTS", "k") == 0


# ---- beside redis-server -------------------------------------------------------------------------


def draw_change(r, keys):
    item = r.choice([b"a", b"b", b"%d" % r.randint(-300, 300), r.randbytes(r.randint(0, 40)),
                     b"z" * r.choice([1, 70, 127, 128, 2000, 9000])])
    end, other, key = r.choice(["LEFT", "RIGHT"]), r.choice(keys), r.choice(keys)
    index = r.randint(-400, 400)
    return r.choice([
        ["RPUSH", key, *[item] * r.choice([1, 3, 40])], ["LPUSH", key, item, b"%d" % index],
        ["LINSERT", key, r.choice(["BEFORE", "AFTER"]), b"a", item], ["LSET", key, index, item],
        ["LREM", key, r.choice([0, 1, -1, 3]), item], ["LPOP", key, r.randint(0, 9)],
        ["RPOP", key], ["LMOVE", key, other, end, r.choice(["LEFT", "RIGHT"])],
        ["LTRIM", key, r.randint(0, 3), r.choice([-1, -2, 300])],
        ["LMPOP", 2, key, other, end, "COUNT", r.randint(1, 20)],
        ["LPOS", key, item, "COUNT", 0], ["LRANGE", key, index, index + r.randint(0, 100)],
        ["LINDEX", key, index]])


@pytest.mark.parametrize("seed", range(4))
def test_many_changes(both, seed):
    r = random.Random(seed)
    for turn in range(1500):
        both.call(*draw_change(r, ["k", "l", "m"]))
        if turn % 100 == 0:
            for key in ["k", "l", "m"]:
                both.call("LRANGE", key, 0, -1)
                both.call("DEBUG", "DIGEST-VALUE", key)


@pytest.mark.parametrize("name", ["lpush", "rpush", "lpushx", "linsert", "blmove", "lpos"])
def test_keys_of_a_command(client, oracle, name):
    calls = {"lpush": ["k", 1], "rpush": ["k", 1], "lpushx": ["k", 1],
             "linsert": ["k", "BEFORE", 1, 2], "blmove": ["k", "l", "LEFT", "LEFT", 0],
             "lpos": ["k", 1]}
    with Client(oracle.port) as redis:
        for command in [["COMMAND", "GETKEYS", name], ["COMMAND", "GETKEYSANDFLAGS", name]]:
            assert client.call(*command, *calls[name]) == redis.call(*command, *calls[name])


# ---- big lists and the rest of the server --------------------------------------------------------


def test_big_lists_are_values_like_others(client):
    push(client, "k", numbered(20000))
    client.call("EXPIRE", "k", 1000)
    assert client.call("COPY", "k", "copy") == 1
    assert client.call("RENAME", "k", "renamed") == "OK"
    client.call("LTRIM", "renamed", 10, -1)
    assert client.call("LLEN", "copy") == 20000
    assert client.call("LLEN", "renamed") == 19990
    assert client.call("TTL", "renamed") > 900
    usage = client.call("MEMORY", "USAGE", "copy")
    assert MOVE_ALL_BUILD or 16 * 20000 < usage < 19 * 20000  # there leaves are tiny
    client.call("PERSIST", "copy")
    digest = client.call("DEBUG", "DIGEST-VALUE", "copy")
    push(client, "again", reversed(numbered(20000)), "LPUSH")
    assert client.call("DEBUG", "DIGEST-VALUE", "again") == digest
    assert client.call("TYPE", "again") == "list"
    assert client.call("DEL", "copy", "again", "renamed") == 3


def test_a_queue_stays_small(client):
    """What comes at one end and goes at the other leaves nothing behind."""
    push(client, "k", numbered(3000))
    before = client.call("MEMORY", "USAGE", "k")
    for _ in range(30):
        push(client, "k", numbered(1000))
        client.call("LPOP", "k", 1000)
    assert client.call("MEMORY", "USAGE", "k") < before * 1.3
    for _ in range(30):
        push(client, "k", numbered(1000), "LPUSH")
        client.call("RPOP", "k", 1000)
    assert client.call("MEMORY", "USAGE", "k") < before * 1.3


def test_few_items_of_a_long_list_take_few_bytes(client):
    push(client, "k", numbered(20000))
    client.call("LTRIM", "k", 7, 11)
    assert client.call("LRANGE", "k", 0, -1) == numbered(12)[7:]
    assert client.call("MEMORY", "USAGE", "k") < 1000
    push(client, "l", [b"x", b"y"] * 10000)
    client.call("LREM", "l", 9990, "x")
    client.call("LREM", "l", 9990, "y")
    assert client.call("LRANGE", "l", 0, -1) == [b"x", b"y"] * 10
    assert client.call("MEMORY", "USAGE", "l") < 1000


def test_a_long_item_in_front_stays_alone(client):
    """What is pushed in front of an item that fills a leaf gets a leaf of its own, also where the
    items that were in front of it have left a gap."""
    client.call("RPUSH", "list", *[b"short"] * 40, *[b"x" * 7500] * 2)
    client.pipeline(*[("LPOP", "list")] * 40)
    client.call("LSET", "list", 0, b"y" * 8170)
    client.call("LPUSH", "list", "z")
    assert client.call("DEBUG", "VERIFY") == "OK"
    assert client.call("LRANGE", "list", 0, -1) == [b"z", b"y" * 8170, b"x" * 7500]
