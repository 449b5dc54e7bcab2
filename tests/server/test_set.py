"""Sets: names at the thresholds, replies, errors, chance, and big sets in all that touches them."""

import pytest
from resp import Error, Set

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX = Error("ERR syntax error")
POSITIVE = Error("ERR value is out of range, must be positive")


def encoding(client, key):
    return client.call("OBJECT", "ENCODING", key).decode()


def add(client, key, members):
    """One at a time for the client, many for the server."""
    members = list(members)
    for at in range(0, len(members), 100):
        client.call("SADD", key, *members[at:at + 100])


def names(count, prefix="member"):
    return [f"{prefix}:{number:09}" for number in range(count)]


def members(client, key):
    return sorted(client.call("SMEMBERS", key))


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count, name", [(1, "intset"), (512, "intset"), (513, "hashtable")])
def test_names_of_integers(client, count, name):
    add(client, "k", range(count))
    assert encoding(client, "k") == name
    assert client.call("SCARD", "k") == count


@pytest.mark.parametrize("count, name", [(1, "listpack"), (128, "listpack"), (129, "hashtable")])
def test_names_of_strings(client, count, name):
    add(client, "k", names(count))
    assert encoding(client, "k") == name


@pytest.mark.parametrize("count, name", [(64, "listpack"), (65, "hashtable")])
def test_names_by_the_longest(client, count, name):
    client.call("SADD", "k", "a", "x" * count)
    assert encoding(client, "k") == name


@pytest.mark.parametrize("integers, name", [(127, "listpack"), (128, "hashtable")])
def test_a_string_among_integers(client, integers, name):
    add(client, "k", range(integers))
    client.call("SADD", "k", "x")
    assert encoding(client, "k") == name


def test_a_name_does_not_come_back(client):
    add(client, "k", range(513))
    add(client, "l", names(129))
    for number in range(500):
        client.call("SREM", "k", number)
    client.call("SREM", "l", *names(120))
    assert (encoding(client, "k"), encoding(client, "l")) == ("hashtable", "hashtable")
    client.call("SADD", "m", 1, "x")
    client.call("SREM", "m", "x")
    assert encoding(client, "m") == "listpack"


@pytest.mark.parametrize("first, count, name", [("1", 512, "intset"), ("1", 513, "hashtable"),
                                                ("x", 128, "listpack"), ("x", 129, "hashtable")])
def test_many_of_the_same_at_once(client, first, count, name):
    """The name goes by how many come, even when they are all the same."""
    assert client.call("SADD", "k", *[first] * count) == 1
    assert encoding(client, "k") == name


def test_options_decide_names(client, options):
    options(set_max_intset_entries=4, set_max_listpack_entries=3, set_max_listpack_value=5)
    client.call("SADD", "four", 1, 2, 3, 4)
    client.call("SADD", "five", 1, 2, 3, 4, 5)
    client.call("SADD", "three", "a", "b", "c")
    client.call("SADD", "wide", "123456x")
    client.call("SADD", "digits", 123456)
    client.call("SADD", "digits", "x")
    assert [encoding(client, key) for key in ["four", "five", "three", "wide", "digits"]] == \
        ["intset", "hashtable", "listpack", "hashtable", "hashtable"]


def test_names_of_stored_results(client):
    add(client, "ints", range(300))
    add(client, "strings", names(100))
    add(client, "many", names(200))
    add(client, "mixed", ["x"] + list(range(600)))
    assert client.call("SINTERSTORE", "k", "mixed", "ints") == 300
    assert encoding(client, "k") == "intset"
    assert client.call("SUNIONSTORE", "k", "ints", "ints") == 300
    assert encoding(client, "k") == "intset"
    assert client.call("SUNIONSTORE", "k", "strings") == 100
    assert encoding(client, "k") == "listpack"
    assert client.call("SUNIONSTORE", "k", "ints", "strings") == 400
    assert encoding(client, "k") == "hashtable"
    assert client.call("SINTERSTORE", "k", "many", "strings") == 100
    assert encoding(client, "k") == "listpack"
    assert client.call("SDIFFSTORE", "k", "many", "strings") == 100
    assert encoding(client, "k") == "listpack"


def test_a_rest_that_spop_leaves_is_named_anew(client):
    add(client, "k", names(600))
    client.call("SPOP", "k", 100)
    assert encoding(client, "k") == "hashtable"
    client.call("SPOP", "k", 450)
    assert (encoding(client, "k"), client.call("SCARD", "k")) == ("listpack", 50)


# ---- one set -------------------------------------------------------------------------------------


def test_add_and_remove(client):
    assert client.call("SADD", "k", "a", "b", "a", "") == 3
    assert client.call("SADD", "k", "a") == 0
    assert client.call("SREM", "k", "a", "x", "a") == 1
    assert members(client, "k") == [b"", b"b"]
    assert client.call("SREM", "k", "b", "", "y") == 2
    assert client.call("EXISTS", "k") == 0
    assert client.call("SREM", "k", "b") == 0


def test_integers_come_in_order(client):
    client.call("SADD", "k", 5, -7, 2**40, 0, 300, -2**63, 2**63 - 1, 70000)
    assert [int(member) for member in client.call("SMEMBERS", "k")] == \
        [-2**63, -7, 0, 5, 300, 70000, 2**40, 2**63 - 1]
    assert client.call("SMISMEMBER", "k", -7, "-07", 300, "+300", 2**40) == [1, 0, 1, 0, 1]


def test_what_only_looks_like_an_integer(client):
    client.call("SADD", "k", 1)
    client.call("SADD", "k", "01", "1.0", "-0", "9223372036854775808")
    assert client.call("SCARD", "k") == 5
    assert encoding(client, "k") == "listpack"


def test_long_members(client):
    texts = [b"x" * count for count in (127, 128, 8191, 8192, 16384, 32768, 32769, 200_000)]
    assert client.call("SADD", "k", *texts) == len(texts)
    assert members(client, "k") == sorted(texts)
    assert client.call("SMISMEMBER", "k", *texts) == [1] * len(texts)
    assert client.call("COPY", "k", "copy") == 1
    assert client.call("SREM", "k", *texts[:-1]) == len(texts) - 1
    assert client.call("SMEMBERS", "k") == [texts[-1]]
    assert members(client, "copy") == sorted(texts)


def test_wrong_types(client):
    client.call("SET", "s", "x")
    client.call("SADD", "k", "x")
    for command in [["SADD", "s", "x"], ["SREM", "s", "x"], ["SCARD", "s"], ["SISMEMBER", "s", "x"],
                    ["SMISMEMBER", "s", "x"], ["SMEMBERS", "s"], ["SPOP", "s"], ["SPOP", "s", 1],
                    ["SRANDMEMBER", "s"], ["SRANDMEMBER", "s", 1], ["SSCAN", "s", 0],
                    ["SINTER", "k", "s"], ["SINTER", "nope", "s"], ["SUNION", "k", "s"],
                    ["SDIFF", "k", "s"], ["SINTERCARD", 2, "k", "s"], ["SMOVE", "s", "k", "x"],
                    ["SMOVE", "k", "s", "x"], ["SUNIONSTORE", "d", "s"], ["GET", "k"]]:
        assert client.call(*command) == WRONG_TYPE, command
    assert client.call("SUNIONSTORE", "s", "k") == 1
    assert client.call("TYPE", "s") == "set"


def test_move(client):
    client.call("SADD", "k", 1, "a")
    assert client.call("SMOVE", "k", "l", "a") == 1
    assert client.call("SMOVE", "k", "l", "a") == 0
    assert client.call("SMOVE", "k", "k", 1) == 1
    assert client.call("SMOVE", "k", "k", 2) == 0
    assert client.call("SMOVE", "k", "l", 1) == 1
    assert client.call("EXISTS", "k") == 0
    assert members(client, "l") == [b"1", b"a"]
    assert client.call("SMOVE", "nope", "l", 1) == 0


# ---- chance --------------------------------------------------------------------------------------


def every_form(client):
    add(client, "ints", range(40))
    add(client, "packed", names(40))
    add(client, "flat", ["x" * 70] + names(39))
    add(client, "big", names(2000))
    return [("ints", 40), ("packed", 40), ("flat", 40), ("big", 2000)]


def test_random_members(client):
    for key, count in every_form(client):
        everyone = set(client.call("SMEMBERS", key))
        for wanted in [1, 5, count - 1, count, count + 1]:
            found = client.call("SRANDMEMBER", key, wanted)
            assert len(found) == len(set(found)) == min(wanted, count)
            assert set(found) <= everyone
        found = client.call("SRANDMEMBER", key, -3 * count)
        assert len(found) == 3 * count and len(set(found)) < len(found)
        assert client.call("SRANDMEMBER", key) in everyone
        assert client.call("SRANDMEMBER", key, 0) == []
    assert client.call("SRANDMEMBER", "nope") is None
    assert client.call("SRANDMEMBER", "nope", 3) == []
    assert client.call("SRANDMEMBER", "ints", 1, 2) == SYNTAX
    assert client.call("SRANDMEMBER", "ints", -2**63) == Error(
        "ERR value is out of range, value must between -9223372036854775807 and "
        "9223372036854775807")


def test_each_member_has_its_chance(client):
    for key, _ in every_form(client)[:3]:
        for draws in [[client.call("SRANDMEMBER", key, -4000)],
                      [client.call("SRANDMEMBER", key, 10) for _ in range(400)]]:
            seen = {}
            for member in sum(draws, []):
                seen[member] = seen.get(member, 0) + 1
            assert len(seen) == 40
            assert 40 < min(seen.values()) and max(seen.values()) < 180  # 100 each, by six sigma


def test_pop(client):
    for key, count in every_form(client):
        everyone = set(client.call("SMEMBERS", key))
        one = client.call("SPOP", key)
        some = client.call("SPOP", key, 7)
        most = client.call("SPOP", key, count - 18)
        assert client.call("SCARD", key) == 10
        rest = client.call("SPOP", key, 100)
        assert len(some) == 7 and len(most) == count - 18 and len(rest) == 10
        assert {one} | set(some) | set(most) | set(rest) == everyone
        assert client.call("EXISTS", key) == 0
    assert client.call("SPOP", "nope") is None
    assert client.call("SPOP", "nope", 3) == []
    assert client.call("SPOP", "nope", -1) == POSITIVE
    assert client.call("SPOP", "nope", "x") == POSITIVE
    assert client.call("SPOP", "nope", 1, 2) == SYNTAX


# ---- several sets --------------------------------------------------------------------------------


def test_algebra_in_every_form(client):
    every_form(client)
    client.call("SADD", "odd", *range(1, 60, 2))
    client.call("SADD", "some", "member:000000003", 4, "else")
    model = {key: set(client.call("SMEMBERS", key))
             for key in ["ints", "packed", "flat", "big", "odd", "some"]} | {"nope": set()}
    for first in model:
        for second in model:
            for third in ["some", "big", "nope"]:
                keys = [first, second, third]
                a, b, c = (model[key] for key in keys)
                for name, wanted in [("INTER", a & b & c), ("UNION", a | b | c),
                                     ("DIFF", a - b - c)]:
                    found = client.call("S" + name, *keys)
                    assert set(found) == wanted and len(found) == len(wanted), (name, keys)
                    assert client.call(f"S{name}STORE", "result", *keys) == len(wanted)
                    assert client.call("SCARD", "result") == len(wanted)
                    assert set(client.call("SMEMBERS", "result")) == wanted
                assert client.call("SINTERCARD", 3, *keys) == len(a & b & c)


def test_union_of_many(client):
    for number in range(12):
        client.call("SADD", f"k{number}", *range(number * 10, number * 10 + 15))
    found = client.call("SUNION", *[f"k{number}" for number in range(12)])
    assert sorted(map(int, found)) == list(range(125))


def test_a_result_over_its_source(client):
    add(client, "k", range(1000))
    client.call("SADD", "l", 1, 2, 3, "x")
    client.call("EXPIRE", "k", 1000)
    assert client.call("SDIFFSTORE", "k", "k", "l") == 997
    assert client.call("TTL", "k") == -1
    assert client.call("SINTERSTORE", "k", "k", "l") == 0
    assert client.call("EXISTS", "k") == 0
    assert client.call("SINTERSTORE", "k", "k", "l") == 0


def test_intercard(client):
    client.call("SADD", "k", *range(20))
    client.call("SADD", "l", *range(10, 40))
    assert client.call("SINTERCARD", 2, "k", "l") == 10
    assert client.call("SINTERCARD", 2, "k", "l", "LIMIT", 3) == 3
    assert client.call("SINTERCARD", 2, "k", "l", "LIMIT", 0) == 10
    assert client.call("SINTERCARD", 0, "k") == Error("ERR numkeys should be greater than 0")
    assert client.call("SINTERCARD", "x", "k") == Error("ERR numkeys should be greater than 0")
    assert client.call("SINTERCARD", 2, "k") == Error(
        "ERR Number of keys can't be greater than number of args")
    assert client.call("SINTERCARD", 1, "k", "LIMIT", -1) == Error("ERR LIMIT can't be negative")
    assert client.call("SINTERCARD", 1, "k", "l") == SYNTAX


def test_resp3_has_sets(client):
    client.call("HELLO", 3)
    client.call("SADD", "k", 1, 2)
    for command in [["SMEMBERS", "k"], ["SINTER", "k"], ["SUNION", "k"], ["SDIFF", "k"],
                    ["SPOP", "k", 5], ["SMEMBERS", "nope"], ["SPOP", "nope", 1],
                    ["SINTER", "nope"]]:
        assert isinstance(client.call(*command), Set), command
    client.call("SADD", "k", 1, 2)
    assert not isinstance(client.call("SRANDMEMBER", "k", 2), Set)


# ---- SSCAN ---------------------------------------------------------------------------------------


def scan(client, key, *options):
    cursor, found = b"0", []
    while True:
        cursor, part = client.call("SSCAN", key, cursor, *options)
        found += part
        if cursor == b"0":
            return found


def test_scan(client):
    for key, count in every_form(client):
        found = scan(client, key)
        assert sorted(found) == members(client, key) and len(found) == count
    assert scan(client, "big", "MATCH", "*:00000000?") == \
        [member for member in scan(client, "big") if member.startswith(b"member:00000000")]
    assert client.call("SSCAN", "nope", 0, "BAD") == [b"0", []]
    assert client.call("SSCAN", "big", "x") == Error("ERR invalid cursor")
    assert client.call("SSCAN", "big", 0, "COUNT", 0) == SYNTAX
    assert client.call("SSCAN", "big", 0, "COUNT", "x") == Error(
        "ERR value is not an integer or out of range")


def test_scan_sees_what_stays(client):
    """Members that are there all the time are seen, however the table grows and shrinks."""
    staying = names(500, "stay")
    add(client, "k", staying + names(3000))
    cursor, found, turn = b"0", set(), 0
    while True:
        cursor, part = client.call("SSCAN", "k", cursor, "COUNT", 50)
        found |= set(part)
        if cursor == b"0":
            break
        turn += 1
        if turn % 2:
            client.call("SREM", "k", *names(3000)[turn * 100:turn * 100 + 100])
        else:
            add(client, "k", names(200, f"new{turn}"))
    assert found >= {name.encode() for name in staying}


# ---- big sets and the rest of the server ---------------------------------------------------------


def test_big_sets_are_values_like_others(client):
    add(client, "k", names(5000))
    assert client.call("COPY", "k", "copy") == 1
    assert client.call("RENAME", "k", "renamed") == "OK"
    client.call("SREM", "renamed", *names(10))
    assert client.call("SCARD", "copy") == 5000
    assert client.call("SCARD", "renamed") == 4990
    assert client.call("MEMORY", "USAGE", "copy") > 5000 * 17
    client.call("SADD", "copy", "one more")
    client.call("SREM", "copy", "one more")
    digest = client.call("DEBUG", "DIGEST-VALUE", "copy")
    add(client, "again", reversed(names(5000)))
    assert client.call("DEBUG", "DIGEST-VALUE", "again") == digest
    assert client.call("DEL", "copy", "again", "renamed") == 3


def test_object_on_sets(client, options):
    client.call("SADD", "k", 1)
    assert client.call("OBJECT", "REFCOUNT", "k") == 1
    assert client.call("OBJECT", "IDLETIME", "k") == 0
    options(maxmemory_policy="allkeys-lfu")
    client.call("SMEMBERS", "k")
    assert client.call("OBJECT", "FREQ", "k") > 0
    assert client.call("TYPE", "k") == "set"


def test_ten_integers_in_few_bytes(client):
    """The key's share of the index included, which an index of a few keys cannot show."""
    for first in range(0, 10_000, 1000):
        client.pipeline(*(("SADD", f"key:{number:012}", *range(123456780, 123456790))
                          for number in range(first, first + 1000)))
    assert client.call("MEMORY", "USAGE", f"key:{1:012}") <= 85


def test_expiry_stays_when_members_change(client):
    client.call("SADD", "k", 1)
    client.call("EXPIRE", "k", 1000)
    add(client, "k", names(300))
    assert client.call("TTL", "k") > 900
    client.call("SPOP", "k", 290)
    assert client.call("TTL", "k") > 900
