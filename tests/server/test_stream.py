"""Streams: ids made of the time, waiting, groups, times, and what a stream costs."""

import time

import pytest
from resp import Error, Status

NO_GROUP = "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


def add(client, number, key="s", first=1):
    client.pipeline(*[("XADD", key, f"{ms}-0", "f", ms) for ms in range(first, first + number)])


def entries(*numbers):
    return [[f"{ms}-0".encode(), [b"f", str(ms).encode()]] for ms in numbers]


def ids(reply):
    return [entry[0].decode() for entry in reply]


def waiting(server, seconds=10):
    """Returns when somebody waits."""
    client = server.client()
    deadline = time.monotonic() + seconds
    while b"blocked_clients:0\r" in client.call("INFO", "clients"):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def field_of(reply, name):
    """Of a map, or of an array that stands for one."""
    if reply and isinstance(reply[0], tuple):
        return reply[name]
    return dict(zip(reply[::2], reply[1::2]))[name.encode()]


# ---- adding and ids ------------------------------------------------------------------------------


def test_ids_are_made_of_the_time(client):
    before = int(time.time() * 1000)
    made = [client.call("XADD", "s", "*", "f", "v").decode() for _ in range(200)]
    after = int(time.time() * 1000)
    numbers = [tuple(map(int, text.split("-"))) for text in made]
    assert numbers == sorted(set(numbers))
    assert before - 5 <= numbers[0][0] <= numbers[-1][0] <= after + 5
    assert client.call("XLEN", "s") == 200
    assert (client.call("TYPE", "s"), client.call("OBJECT", "ENCODING", "s")) == \
        (Status("stream"), b"stream")


def test_ids_go_on_when_the_clock_is_behind(client):
    client.call("XADD", "s", "9999999999999-18446744073709551615", "f", "v")
    assert client.call("XADD", "s", "*", "f", "v") == b"10000000000000-0"
    assert client.call("XADD", "s", "10000000000000-*", "f", "v") == b"10000000000000-1"


def test_the_last_id_of_all(client):
    last = "18446744073709551615-18446744073709551615"
    assert client.call("XADD", "s", last, "f", "v") == last.encode()
    assert client.call("XADD", "s", "*", "f", "v") == \
        Error("ERR The stream has exhausted the last possible ID, unable to add more items")
    assert ids(client.call("XRANGE", "s", "-", "+")) == [last]


def test_fields_of_any_kind(client):
    """Fields that repeat and fields that do not, numbers, empty ones, and runs."""
    added = [[b"f", b"1"], [b"f", b"x"], [b"g", b"2", b"f", b"3"], [b"", b""],
             [b"f", b"b" * 50_000], [b"F" * 40_000, b"v"], [b"F" * 40_000, b"G" * 33_000],
             [b"f", b"-9223372036854775808"]]
    for number, pairs in enumerate(added * 3):
        client.call("XADD", "s", f"{number + 1}-7", *pairs)
    found = client.call("XRANGE", "s", "-", "+")
    assert [entry[1] for entry in found] == added * 3
    assert client.call("XREVRANGE", "s", "+", "-") == found[::-1]
    assert client.call("COPY", "s", "t") == 1
    assert client.call("XRANGE", "t", "-", "+") == found
    assert client.call("DEBUG", "DIGEST-VALUE", "s") == client.call("DEBUG", "DIGEST-VALUE", "t")
    assert client.call("XDEL", "s", *[entry[0] for entry in found[::2]]) == 12
    assert client.call("XRANGE", "s", "-", "+") == found[1::2]
    assert client.call("DEL", "s", "t") == 2


def test_a_stream_that_is_empty_stays(client):
    add(client, 3)
    assert client.call("XTRIM", "s", "MAXLEN", 0) == 3
    assert client.call("EXISTS", "s") == 1
    assert client.call("XADD", "s", "2-0", "f", "v") == \
        Error("ERR The ID specified in XADD is equal or smaller than the target stream top item")
    assert client.call("XADD", "s", "4-*", "f", "v") == b"4-0"


def test_trimming_by_nodes(client):
    add(client, 1000)
    assert client.call("XTRIM", "s", "MAXLEN", "~", 250) == 700  # whole nodes of 100
    assert client.call("XTRIM", "s", "MAXLEN", "~", 0, "LIMIT", 150) == 100
    assert client.call("XTRIM", "s", "MINID", "~", "950") == 100
    assert client.call("XTRIM", "s", "MINID", "950") == 49
    assert client.call("XLEN", "s") == 51
    client.call("CONFIG", "SET", "stream-node-max-entries", 10)
    add(client, 100, key="t")
    assert client.call("XTRIM", "t", "MAXLEN", "~", 5) == 90
    client.call("CONFIG", "SET", "stream-node-max-entries", 100)


def test_a_node_may_stay_without_entries(both):
    """MINID takes all that are left, after XDEL has taken later ones of the same node: the node
    stays, the next entries go there, and "~" looks at it."""
    both.lines("""
        XADD s 1-0 f v
        XADD s 2-0 f v
        XADD s 3-0 g v
        XDEL s 3-0
        XTRIM s MINID 3-0
        XINFO STREAM s
        XRANGE s - +
        XREVRANGE s + -
        XREAD STREAMS s 0
        COPY s t
        XADD s 4-0 f v
        XADD t 4-0 f v
        XINFO STREAM t FULL
        XREVRANGE t + -
        XDEL s 4-0
        XINFO STREAM s
        XADD s 5-0 f v
        XINFO STREAM s
        CONFIG SET stream-node-max-entries 2
        XADD s 6-0 f v
        XADD s 7-0 f v
        XDEL s 6-0
        XTRIM s MINID 6-0
        XADD s 8-0 f v
        XADD s 9-0 f v
        XTRIM s MAXLEN ~ 1
        XRANGE s - +
        XINFO STREAM s
        CONFIG SET stream-node-max-entries 100
        XTRIM s MAXLEN 0
        XINFO STREAM s FULL
    """)


def test_counts_past_what_a_reply_holds(both):
    both.lines("""
        XADD s 1-0 f v
        XGROUP CREATE s g 1-0
        XGROUP CREATE s h 0 ENTRIESREAD 9223372036854775807
        XSETID s 1-0 ENTRIESADDED 9223372036854775807
        XADD s 2-0 f v
        XINFO STREAM s
        XINFO GROUPS s
        XREADGROUP GROUP h c STREAMS s >
        XREADGROUP GROUP g c STREAMS s >
        XADD s 3-0 f v
        XADD s 4-0 f v
        XGROUP CREATE s i 1-0
        XINFO GROUPS s
    """)


# ---- waiting -------------------------------------------------------------------------------------


def test_wait_for_what_is_new(server, any_client):
    add(any_client, 2)
    with_name = {2: [[b"s", entries(3)]], 3: [(b"s", entries(3))]}[any_client.resp]
    any_client.send("XREAD", "BLOCK", 0, "STREAMS", "other", "s", "$", "$")
    waiting(server)
    server.client().call("XADD", "s", "3-0", "f", 3)
    assert any_client.read() == with_name
    any_client.send("XREAD", "BLOCK", 0, "STREAMS", "none", "0")
    waiting(server)
    server.client().call("XADD", "none", "1-1", "f", "v")
    assert ids(any_client.read()[0][1]) == ["1-1"]


def test_nobody_waits_for_what_is_there(client):
    add(client, 3)
    assert client.call("XREAD", "BLOCK", 0, "COUNT", 1, "STREAMS", "s", "1") == [[b"s", entries(2)]]
    assert client.call("XREAD", "BLOCK", 20, "STREAMS", "s", "3") is None
    assert client.call("XREAD", "BLOCK", 20, "STREAMS", "s", "$") is None
    assert client.call("XREAD", "BLOCK", -1, "STREAMS", "s", "$") == \
        Error("ERR timeout is negative")


def test_the_last_entry(client):
    assert client.call("XREAD", "STREAMS", "s", "+") is None
    add(client, 3)
    assert client.call("XREAD", "STREAMS", "s", "+") == [[b"s", entries(3)]]
    client.call("XDEL", "s", "3-0")
    assert client.call("XREAD", "STREAMS", "s", "+") == [[b"s", entries(2)]]


def test_an_entry_that_goes_at_once_wakes_nobody(server, client):
    client.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    waiting(server)
    other = server.client()
    other.call("XADD", "s", "MAXLEN", 0, "1-0", "f", "v")
    other.call("DEL", "s")
    other.call("XADD", "s", "2-0", "f", 2)
    assert client.read() == [[b"s", entries(2)]]


def test_each_entry_goes_to_one_consumer(server, client):
    client.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    consumers = [server.client() for _ in range(3)]
    for number, consumer in enumerate(consumers):
        consumer.send("XREADGROUP", "GROUP", "g", f"c{number}", "BLOCK", 0, "COUNT", 1, "STREAMS",
                      "s", ">")
        while f"blocked_clients:{number + 1}\r".encode() not in client.call("INFO", "clients"):
            time.sleep(0.005)
    add(client, 3)
    assert [consumer.read() for consumer in consumers] == [[[b"s", entries(n)]] for n in (1, 2, 3)]
    assert [row[1] for row in client.call("XPENDING", "s", "g", "-", "+", 10)] == \
        [b"c0", b"c1", b"c2"]


@pytest.mark.parametrize("command, answer", [
    (("XGROUP", "DESTROY", "s", "g"), NO_GROUP),
    (("DEL", "s"), NO_GROUP),
    (("FLUSHALL",), NO_GROUP),
    (("SET", "s", "x"), WRONG_TYPE),
    (("RENAME", "s", "t"), NO_GROUP),
])
def test_the_group_goes_while_somebody_waits(server, client, command, answer):
    client.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    client.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
    waiting(server)
    server.client().call(*command)
    assert client.read() == Error(answer)


def test_who_waited_and_left_gets_nothing(server, client):
    """One is killed and one hangs up: what comes then is the third's alone."""
    client.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    waiters = [server.client() for _ in range(3)]
    numbers = [waiter.call("CLIENT", "ID") for waiter in waiters]
    for number, waiter in enumerate(waiters):
        waiter.send("XREADGROUP", "GROUP", "g", f"c{number}", "BLOCK", 0, "STREAMS", "s", "s",
                    ">", ">")
    deadline = time.monotonic() + 10
    while b"blocked_clients:3\r" not in client.call("INFO", "clients"):
        assert time.monotonic() < deadline
    assert client.call("CLIENT", "KILL", "ID", numbers[0]) == 1
    waiters[1].close()
    while b"blocked_clients:1\r" not in client.call("INFO", "clients"):
        assert time.monotonic() < deadline
    add(client, 1)
    assert waiters[2].read()[0] == [b"s", entries(1)]
    assert [row[1] for row in client.call("XPENDING", "s", "g", "-", "+", 10)] == [b"c2"]


def test_history_does_not_wait(client):
    client.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    assert client.call("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", "0") == \
        [[b"s", []]]
    assert client.call("XREADGROUP", "GROUP", "g", "c", "BLOCK", 10, "STREAMS", "s", ">") is None


# ---- groups --------------------------------------------------------------------------------------


def test_seen_and_active(client):
    """7.2: a consumer is seen when it asks, and active when it gets something."""
    client.call("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    assert client.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">") is None
    [consumer] = client.call("XINFO", "CONSUMERS", "s", "g")
    assert consumer[:4] == [b"name", b"c", b"pending", 0]
    assert field_of(consumer, "inactive") == -1
    add(client, 1)
    client.call("XREADGROUP", "GROUP", "g", "d", "NOACK", "STREAMS", "s", ">")
    assert field_of(client.call("XINFO", "CONSUMERS", "s", "g")[1], "inactive") == -1
    client.call("XGROUP", "SETID", "s", "g", "0")
    client.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    client.call("XGROUP", "DELCONSUMER", "s", "g", "d")
    time.sleep(0.05)
    client.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    [consumer] = client.call("XINFO", "CONSUMERS", "s", "g")
    assert 0 <= field_of(consumer, "idle") < 40
    assert 50 <= field_of(consumer, "inactive") < 5000
    full = client.call("XINFO", "STREAM", "s", "FULL")
    [group] = field_of(full, "groups")
    [consumer] = field_of(group, "consumers")
    assert consumer[::2] == [b"name", b"seen-time", b"active-time", b"pel-count", b"pending"]
    assert abs(field_of(consumer, "active-time") - time.time() * 1000) < 5000


def test_claiming_by_idle_time(client):
    add(client, 4)
    client.call("XGROUP", "CREATE", "s", "g", "0")
    client.call("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">")
    time.sleep(0.03)
    client.call("XCLAIM", "s", "g", "b", 0, "2-0", "JUSTID")
    assert ids(client.call("XPENDING", "s", "g", "IDLE", 30, "-", "+", 10)) == \
        ["1-0", "3-0", "4-0"]
    client.call("XDEL", "s", "3-0")
    assert client.call("XAUTOCLAIM", "s", "g", "b", 30, "0", "COUNT", 2) == \
        [b"4-0", entries(1), [b"3-0"]]
    assert client.call("XAUTOCLAIM", "s", "g", "b", 30, "4-0", "JUSTID") == \
        [b"0-0", [b"4-0"], []]
    assert [row[:2] + row[3:] for row in client.call("XPENDING", "s", "g", "-", "+", 10)] == \
        [[b"1-0", b"b", 2], [b"2-0", b"b", 1], [b"4-0", b"b", 1]]


def test_lag(both):
    both.lines("""
        XADD s 1-0 f v
        XADD s 2-0 f v
        XADD s 3-0 f v
        XGROUP CREATE s g 0
        XINFO GROUPS s
        XGROUP CREATE s h 2-0
        XINFO GROUPS s
        XGROUP SETID s h 2-0 ENTRIESREAD 2
        XINFO GROUPS s
        XDEL s 2-0
        XINFO GROUPS s
        XTRIM s MAXLEN 0
        XINFO GROUPS s
        XADD s 9-0 f v
        XINFO GROUPS s
        XINFO STREAM s
    """)


def test_large_groups(client):
    """Ten thousand pending entries over many consumers, all ways to look at them."""
    add(client, 10_000)
    client.call("XGROUP", "CREATE", "s", "g", "0")
    for number in range(100):
        client.call("XREADGROUP", "GROUP", "g", f"c{number:02}", "COUNT", 100, "STREAMS", "s", ">")
    total, first, last, consumers = client.call("XPENDING", "s", "g")
    assert (total, first, last, len(consumers)) == (10_000, b"1-0", b"10000-0", 100)
    assert consumers[7] == [b"c07", b"100"]
    assert ids(client.call("XPENDING", "s", "g", "-", "+", 5, "c42")) == \
        [f"{n}-0" for n in range(4201, 4206)]
    assert ids(client.call("XREADGROUP", "GROUP", "g", "c42", "COUNT", 2, "STREAMS", "s",
                           "4250")[0][1]) == ["4251-0", "4252-0"]
    assert client.call("XACK", "s", "g", *[f"{n}-0" for n in range(1, 10_001, 2)]) == 5000
    assert client.call("XGROUP", "DELCONSUMER", "s", "g", "c00") == 50
    assert client.call("XPENDING", "s", "g")[0] == 4950
    client.call("COPY", "s", "t")
    assert client.call("XPENDING", "t", "g") == client.call("XPENDING", "s", "g")
    assert client.call("XGROUP", "DESTROY", "s", "g") == 1
    assert client.call("XINFO", "GROUPS", "s") == []


# ---- what it costs -------------------------------------------------------------------------------


def held(client, key):
    return client.call("MEMORY", "USAGE", key)


def test_small_streams_are_small(client):
    client.call("XADD", "s", "1700000000000-0", "f", "v")
    assert held(client, "s") < 400


def test_big_streams_are_near_their_payload(client):
    """16 bytes of value, the same field: redis-server 7.0 takes some 33 bytes an entry."""
    number = 20_000
    client.pipeline(*[("XADD", "s", f"{1700000000000 + ms * 7}-0", "field", "v" * 16)
                      for ms in range(number)])
    assert held(client, "s") / number < 16 + 8
