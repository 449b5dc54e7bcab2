"""SORT and SORT_RO: order, weights, patterns, what is stored, and errors."""

import pytest
from resp import Error

NOT_A_NUMBER = Error("ERR One or more scores can't be converted into double")
SYNTAX = Error("ERR syntax error")


@pytest.fixture
def numbers(client):
    """A set, so that there is no order but SORT's."""
    client.call("SADD", "k", 10, 9, -3, 2, 100)
    return client


def test_numbers(numbers):
    assert numbers.call("SORT", "k") == [b"-3", b"2", b"9", b"10", b"100"]
    assert numbers.call("SORT", "k", "DESC") == [b"100", b"10", b"9", b"2", b"-3"]
    assert numbers.call("SORT_RO", "k", "desc", "asc") == [b"-3", b"2", b"9", b"10", b"100"]


def test_texts(numbers):
    assert numbers.call("SORT", "k", "ALPHA") == [b"-3", b"10", b"100", b"2", b"9"]
    numbers.call("SADD", "k", "x", "")
    assert numbers.call("SORT", "k") == NOT_A_NUMBER
    assert numbers.call("SORT", "k", "ALPHA", "DESC") == \
        [b"x", b"9", b"2", b"100", b"10", b"-3", b""]


@pytest.mark.parametrize("limit, wanted", [
    ((0, 2), [b"-3", b"2"]), ((3, 10), [b"10", b"100"]), ((5, 1), []), ((-5, 1), [b"-3"]),
    ((1, -1), [b"2", b"9", b"10", b"100"]), ((0, 0), []), ((2**63 - 1, 2**63 - 1), []),
    ((1, 2**63 - 1), [b"2", b"9", b"10", b"100"])])
def test_limit(numbers, limit, wanted):
    assert numbers.call("SORT", "k", "LIMIT", *limit) == wanted


@pytest.mark.parametrize("text, taken", [
    ("1.5", True), (" 7", True), ("0x10", True), ("inf", True), ("-inf", True), ("1e300", True),
    ("nan", False), ("1e400", False), ("7 ", False), ("x", False), ("1-", False)])
def test_what_is_a_number(client, text, taken):
    client.call("SADD", "k", text, 1)
    found = client.call("SORT", "k")
    assert (len(found) == 2) if taken else (found == NOT_A_NUMBER)


def test_equal_weights_go_by_bytes(client):
    client.call("SADD", "k", "1.0", "1.00", "1", "01")
    assert client.call("SORT", "k") == [b"01", b"1", b"1.0", b"1.00"]
    assert client.call("SORT", "k", "DESC") == [b"1.00", b"1.0", b"1", b"01"]


def test_equal_texts_of_by_go_by_bytes(client):
    client.call("RPUSH", "k", "c", "b", "a", "d", "b")
    client.call("MSET", "weight_a", "same", "weight_b", "same", "weight_d", "other")
    assert client.call("SORT", "k", "BY", "weight_*", "ALPHA") == [b"c", b"d", b"a", b"b", b"b"]
    assert client.call("SORT", "k", "BY", "weight_*", "ALPHA", "DESC") == \
        [b"b", b"b", b"a", b"d", b"c"]


def test_by_and_get(client):
    client.call("SADD", "k", 1, 2, 3)
    client.call("MSET", "weight_1", 30, "weight_2", 5, "weight_3", 10)
    client.call("MSET", "name_1", "one", "name_3", "3")
    assert client.call("SORT", "k", "BY", "weight_*") == [b"2", b"3", b"1"]
    assert client.call("SORT", "k", "BY", "weight_*", "GET", "name_*") == [None, b"3", b"one"]
    assert client.call("SORT", "k", "BY", "weight_*", "GET", "#", "GET", "name_*", "LIMIT", 1, 2) \
        == [b"3", b"3", b"1", b"one"]
    assert client.call("SORT", "k", "BY", "weight_*", "ALPHA") == [b"3", b"1", b"2"]
    assert client.call("SORT", "k", "DESC", "GET", "no asterisk") == [None] * 3
    client.call("SET", "weight_2", "heavy")
    assert client.call("SORT", "k", "BY", "weight_*") == NOT_A_NUMBER
    client.call("DEL", "weight_2")
    assert client.call("SORT", "k", "BY", "weight_*") == [b"2", b"3", b"1"]  # none weighs nothing


def test_fields_of_hashes(client):
    client.call("RPUSH", "k", 1, 2, 3)
    client.call("HSET", "user_1", "age", 30, "name", "one", "empty", "")
    client.call("HSET", "user_2", "age", 5, "name", "x" * 40_000, *range(2000))
    client.call("HSET", "user_3", "age", "10.5")
    assert client.call("SORT", "k", "BY", "user_*->age") == [b"2", b"3", b"1"]
    assert client.call("SORT", "k", "BY", "user_*->name", "ALPHA") == [b"3", b"1", b"2"]
    assert client.call("SORT", "k", "GET", "user_*->name", "GET", "user_*->empty") == \
        [b"one", b"", b"x" * 40_000, None, None, None]
    assert client.call("SORT", "k", "GET", "user_*->1998", "GET", "user_*") == \
        [None, None, b"1999", None, None, None]
    assert client.call("SORT", "k", "BY", "user_*->age", "GET", "user_*->age", "STORE", "got") == 3
    assert client.call("LRANGE", "got", 0, -1) == [b"5", b"10.5", b"30"]


def test_members_that_are_no_keys_part(client):
    client.call("SADD", "k", "a", "b")
    client.call("MSET", "a->", 2, "b->", 1, "a-x", 5, "b-x", 6)
    assert client.call("SORT", "k", "BY", "*->") == [b"b", b"a"]
    assert client.call("SORT", "k", "BY", "*-x") == [b"a", b"b"]
    client.call("SADD", "nope_a", "x")
    assert client.call("SORT", "k", "BY", "*-x", "GET", "nope_*") == [None, None]


def test_store(numbers):
    numbers.call("SET", "target", "old", "EX", 1000)
    assert numbers.call("SORT", "k", "STORE", "target") == 5
    assert numbers.call("TYPE", "target") == "list"
    assert numbers.call("TTL", "target") == -1
    assert numbers.call("SORT", "target", "BY", "nosort") == [b"-3", b"2", b"9", b"10", b"100"]
    assert numbers.call("SORT", "target", "DESC", "LIMIT", 0, 2, "STORE", "target") == 2
    assert numbers.call("SORT", "target", "BY", "nosort") == [b"100", b"10"]
    assert numbers.call("SORT", "k", "LIMIT", 0, 2, "GET", "x*", "GET", "#", "STORE", "got") == 4
    assert numbers.call("SORT", "got", "BY", "nosort") == [b"", b"-3", b"", b"2"]
    assert numbers.call("SORT", "nope", "STORE", "target") == 0
    assert numbers.call("EXISTS", "target") == 0


def test_a_list_keeps_its_order(numbers):
    numbers.call("SORT", "k", "ALPHA", "STORE", "list")
    assert numbers.call("SORT", "list", "BY", "x", "DESC") == [b"9", b"2", b"100", b"10", b"-3"]
    assert numbers.call("SORT", "list", "BY", "x", "LIMIT", 1, 2) == [b"10", b"100"]
    assert numbers.call("SORT", "list", "BY", "x", "DESC", "LIMIT", 1, 2) == [b"2", b"100"]
    assert numbers.call("SORT", "list", "BY", "x", "LIMIT", 9, 2) == []


def test_a_set_is_stored_in_order(client):
    client.call("SADD", "k", "c", "a", "b", *range(300))
    client.call("SORT", "k", "BY", "nosort", "STORE", "list")
    found = client.call("SORT", "list", "BY", "nosort")
    assert found == sorted(found) and len(found) == 303


def test_big_ones(client):
    client.call("SADD", "k", *range(20000))
    assert client.call("SORT", "k", "DESC", "LIMIT", 0, 3) == [b"19999", b"19998", b"19997"]
    assert client.call("SORT", "k", "STORE", "list") == 20000
    assert client.call("SORT", "list", "BY", "x", "LIMIT", 12345, 2) == [b"12345", b"12346"]
    texts = [b"y" * count for count in (1, 200, 9000, 40000)]
    client.call("SADD", "long", *texts)
    assert client.call("SORT", "long", "ALPHA") == texts
    assert client.call("SORT", "long", "ALPHA", "STORE", "list") == 4
    assert client.call("SORT", "list", "ALPHA", "DESC") == texts[::-1]


def test_errors(numbers):
    numbers.call("SET", "s", 1)
    assert numbers.call("SORT", "s").startswith("WRONGTYPE")
    assert numbers.call("SORT", "nope") == []
    for options in [["BAD"], ["LIMIT", 1], ["BY"], ["GET"], ["STORE"], ["ASC", "x"]]:
        assert numbers.call("SORT", "k", *options) == SYNTAX
    assert numbers.call("SORT_RO", "k", "STORE", "x") == SYNTAX
    assert numbers.call("SORT", "k", "LIMIT", "x", 1) == Error(
        "ERR value is not an integer or out of range")


def test_keys_among_the_arguments(client):
    def keys(*request):
        return client.call("COMMAND", "GETKEYS", *request)
    assert keys("SORT", "k") == [b"k"]
    assert keys("SORT", "k", "STORE", "a", "BY", "STORE", "STORE", "b") == [b"k", b"b"]
    assert keys("SORT", "k", "GET", "STORE", "DESC") == [b"k"]
    assert keys("SORT_RO", "k", "BY", "w_*") == [b"k"]


def test_a_pattern_may_lead_to_the_empty_key(client):
    """Nothing has been laid out for a name then."""
    client.call("SET", "", "nameless")
    client.call("RPUSH", "k", "")
    assert client.call("SORT", "k", "BY", "*", "ALPHA", "GET", "*") == [b"nameless"]
