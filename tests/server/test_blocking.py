"""Commands that wait: who is served, with what, in which order; and how waiting ends otherwise.

Most tests run on Snug and on redis-server, so that what they expect is what Redis does. Where 7.2,
which runs a command again when its key changes, parts from 7.0, `redis` says what 7.0 answers.
"""

import select
import time

import pytest
from conftest import CHECKED_BUILD
from raw import Raw
from resp import Client, Error, encode

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
UNBLOCKED = Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
NO_GROUP = Error("NOGROUP No such key 'k' or consumer group 'g' in XREADGROUP with GROUP option")
SOON = 0.05  # seconds in which a reply that is due has come


class House:
    """A server, somebody who works at it, and those who wait."""

    def __init__(self, server, is_redis):
        self.server, self.is_redis = server, is_redis
        self.clients = []
        self.admin = self.client()
        self.call = self.admin.call
        self.call("FLUSHALL")

    def client(self, resp=2, db=0):
        client = Client(self.server.port)
        self.clients.append(client)
        if resp == 3:
            client.call("HELLO", 3)
        if db:
            client.call("SELECT", db)
        return client

    def waiting(self):
        text = self.call("INFO", "clients").decode()
        return int(text.split("blocked_clients:")[1].split()[0])

    def until(self, count):
        """Until so many wait."""
        deadline = time.monotonic() + 10
        while self.waiting() != count:
            assert time.monotonic() < deadline, f"{self.waiting()} wait, not {count}"
            time.sleep(0.002)

    def wait(self, *command, client=None, **how):
        """A client that waits by the command."""
        client = client or self.client(**how)
        before = self.waiting()
        client.send(*command)
        self.until(before + 1)
        return client

    def both(self, ours, theirs):
        return theirs if self.is_redis else ours

    def end(self):
        for client in self.clients:
            client.close()
        with Client(self.server.port) as self.admin:
            self.call = self.admin.call
            self.until(0)


@pytest.fixture(params=["snug", "redis"])
def house(request):
    is_redis = request.param == "redis"
    house = House(request.getfixturevalue("oracle" if is_redis else "server"), is_redis)
    yield house
    house.end()


@pytest.fixture
def snug(server):
    house = House(server, False)
    yield house
    house.end()


def silent(*clients):
    return not select.select([client.socket for client in clients], [], [], SOON)[0]


def texts(*items):
    return [str(item).encode() for item in items]


# Each command that waits for the key k; what makes something of its type there; what it answers.
WAITING = {
    "BLPOP": (["BLPOP", "k", 0], ["RPUSH", "k", "x"], [b"k", b"x"]),
    "BRPOP": (["BRPOP", "k", 0], ["RPUSH", "k", "x"], [b"k", b"x"]),
    "BLMOVE": (["BLMOVE", "k", "l", "LEFT", "RIGHT", 0], ["RPUSH", "k", "x"], b"x"),
    "BRPOPLPUSH": (["BRPOPLPUSH", "k", "l", 0], ["RPUSH", "k", "x"], b"x"),
    "BLMPOP": (["BLMPOP", 0, 1, "k", "LEFT"], ["RPUSH", "k", "x"], [b"k", [b"x"]]),
    "BZPOPMIN": (["BZPOPMIN", "k", 0], ["ZADD", "k", 1.5, "x"], [b"k", b"x", b"1.5"]),
    "BZPOPMAX": (["BZPOPMAX", "k", 0], ["ZADD", "k", 1.5, "x"], [b"k", b"x", b"1.5"]),
    "BZMPOP": (["BZMPOP", 0, 1, "k", "MIN"], ["ZADD", "k", 1.5, "x"], [b"k", [[b"x", b"1.5"]]]),
    "XREAD": (["XREAD", "BLOCK", 0, "STREAMS", "k", "$"], ["XADD", "k", "1-1", "f", "v"],
              [[b"k", [[b"1-1", [b"f", b"v"]]]]]),
    "XREADGROUP": (["XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "k", ">"],
                   ["XADD", "k", "1-1", "f", "v"], [[b"k", [[b"1-1", [b"f", b"v"]]]]]),
}
TIMEOUT_AT = {"BLPOP": 2, "BRPOP": 2, "BLMOVE": 5, "BRPOPLPUSH": 3, "BLMPOP": 1, "BZPOPMIN": 2,
              "BZPOPMAX": 2, "BZMPOP": 1, "XREAD": 2, "XREADGROUP": 5}


def with_timeout(name, timeout):
    command = list(WAITING[name][0])
    command[TIMEOUT_AT[name]] = timeout
    return command


def make_group(house, name):
    if name == "XREADGROUP":
        house.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")


# ---- served --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAITING)
def test_served_when_something_comes(house, name):
    command, making, reply = WAITING[name]
    make_group(house, name)
    client = house.wait(*command)
    assert silent(client)
    house.call(*making)
    assert client.read() == reply
    assert house.waiting() == 0
    client.send("PING")
    assert client.read() == "PONG"


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", WAITING)
def test_the_reply_is_that_of_not_waiting(server, oracle, name, resp):
    """To the byte: served at once, served later, timed out; and as redis-server answers."""
    replies = []
    for port in [server.port, oracle.port]:
        admin, client = Raw(port), Raw(port)
        admin.call("FLUSHALL")
        client.call("HELLO", resp)
        command, making, _ = WAITING[name]
        if name == "XREADGROUP":
            admin.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
        client.send([command])
        while b"blocked_clients:1\r" not in admin.call("INFO", "clients"):
            time.sleep(0.002)
        admin.call(*making)
        later = client.read()
        admin.call("FLUSHALL")
        if name == "XREADGROUP":
            admin.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
        timed_out = client.call(*with_timeout(name, 10 if name[0] == "X" else 0.01))
        admin.call(*making)
        at_once = client.call(*[b"0" if word == "$" else word for word in command])
        assert at_once == later
        replies.append((later, timed_out))
        admin.close()
        client.close()
    assert replies[0] == replies[1]


def test_the_longest_waiting_first(house):
    clients = [house.wait("BLPOP", "k", 0) for _ in range(5)]
    house.call("RPUSH", "k", 1, 2, 3)
    assert [client.read() for client in clients[:3]] == [[b"k", item] for item in texts(1, 2, 3)]
    assert silent(*clients[3:])
    clients[1].send("BLPOP", "k", 0)
    house.until(3)
    house.call("RPUSH", "k", 4, 5, 6, 7)
    assert [clients[at].read()[1] for at in [3, 4, 1]] == texts(4, 5, 6)
    assert house.call("LRANGE", "k", 0, -1) == [b"7"]


def test_all_is_pushed_before_any_is_served(house):
    first, second = house.wait("BLPOP", "k", 0), house.wait("BLPOP", "k", 0)
    assert house.call("LPUSH", "k", 1, 2, 3) == 3
    assert (first.read(), second.read()) == ([b"k", b"3"], [b"k", b"2"])


def test_different_commands_in_one_queue(house):
    clients = [house.wait(*command) for command in [
        ["BLPOP", "k", 0], ["BRPOP", "k", 0], ["BLMOVE", "k", "l", "RIGHT", "LEFT", 0],
        ["BLMPOP", 0, 2, "nope", "k", "LEFT", "COUNT", 3], ["BRPOPLPUSH", "k", "l", 0],
        ["BLMPOP", 0, 1, "k", "RIGHT", "COUNT", 10]]]
    house.call("RPUSH", "k", *range(9))
    assert [client.read() for client in clients] == [
        [b"k", b"0"], [b"k", b"8"], b"7", [b"k", texts(1, 2, 3)], b"6", [b"k", texts(5, 4)]]
    assert house.call("LRANGE", "l", 0, -1) == texts(6, 7)


def test_keys_in_order(house):
    house.call("RPUSH", "b", 1)
    house.call("RPUSH", "c", 2)
    client = house.client()
    assert client.call("BLPOP", "a", "b", "c", 0) == [b"b", b"1"]
    assert client.call("BRPOP", "a", "b", "c", 0) == [b"c", b"2"]
    house.wait("BLPOP", "a", "b", "c", 0, client=client)
    house.call("RPUSH", "c", 3)
    assert client.read() == [b"c", b"3"]
    house.wait("BZPOPMIN", "a", "b", "c", 0, client=client)
    house.call("ZADD", "b", 1, "x")
    assert client.read() == [b"b", b"x", b"1"]
    house.call("RPUSH", "a", 1)  # nobody waits for it any more
    assert house.call("LLEN", "a") == 1


def test_keys_that_come_together_in_the_order_asked_for(snug):
    """7.0 goes by a table's order there."""
    filler = snug.client(db=9)
    filler.call("RPUSH", "a", 1)
    filler.call("RPUSH", "b", 2)
    clients = [snug.wait("BLPOP", "b", "a", 0), snug.wait("BLPOP", "b", "a", 0)]
    snug.call("SWAPDB", 0, 9)
    assert sorted(client.read() for client in clients) == [[b"a", b"1"], [b"b", b"2"]]
    snug.call("FLUSHALL")


def test_a_key_twice(house):
    client = house.wait("BLPOP", "k", "k", "j", "k", 0)
    other = house.wait("BLPOP", "k", 0)
    house.call("RPUSH", "k", 1, 2, 3)
    assert (client.read(), other.read()) == ([b"k", b"1"], [b"k", b"2"])
    assert house.call("LLEN", "k") == 1


def test_a_thousand_keys(house):
    keys = [f"key:{number}" for number in range(1000)]
    clients = [house.wait("BLPOP", *keys, 0) for _ in range(3)]
    for at, number in enumerate([999, 0, 500]):
        house.call("RPUSH", keys[number], "x")
        assert clients[at].read() == [keys[number].encode(), b"x"]


def test_only_in_its_database(house):
    there, here = house.wait("BLPOP", "k", 0, db=3), house.wait("BLPOP", "k", 0)
    house.call("RPUSH", "k", 1)
    assert here.read() == [b"k", b"1"] and silent(there)
    house.call("RPUSH", "k", 2)
    assert house.call("MOVE", "k", 3) == 1
    assert there.read() == [b"k", b"2"]


def test_who_pushes_and_deletes_at_once_has_served(house):
    client = house.wait("BLPOP", "k", 0)
    assert house.admin.pipeline(["RPUSH", "k", 1], ["DEL", "k"], ["EXISTS", "k"]) == [1, 0, 0]
    assert client.read() == [b"k", b"1"]


def test_streams_are_read_by_all(house):
    readers = [house.wait("XREAD", "BLOCK", 0, "STREAMS", "j", "k", "$", "$") for _ in range(2)]
    house.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    group = [house.wait("XREADGROUP", "GROUP", "g", f"c{number}", "BLOCK", 0, "STREAMS", "k", ">")
             for number in range(2)]
    house.call("XADD", "k", "1-1", "f", "v")
    wanted = [[b"k", [[b"1-1", [b"f", b"v"]]]]]
    assert [client.read() for client in readers + group[:1]] == [wanted] * 3
    assert silent(group[1])
    house.call("XADD", "k", "1-2", "f", "v")
    assert group[1].read() == [[b"k", [[b"1-2", [b"f", b"v"]]]]]
    assert [row[:2] for row in house.call("XPENDING", "k", "g", "-", "+", 9)] == \
        [[b"1-1", b"c0"], [b"1-2", b"c1"]]


# ---- chains --------------------------------------------------------------------------------------


def test_a_chain_of_moves(house):
    clients = [house.wait("BLMOVE", f"k{at}", f"k{at + 1}", "LEFT", "RIGHT", 0) for at in range(8)]
    last = house.wait("BLPOP", "k8", 0)
    house.call("RPUSH", "k0", "x")
    assert [client.read() for client in clients] == [b"x"] * 8
    assert last.read() == [b"k8", b"x"]
    assert house.call("KEYS", "k*") == []


def test_a_chain_that_was_built_from_its_end(house):
    last = house.wait("BLPOP", "k4", 0)
    clients = [house.wait("BRPOPLPUSH", f"k{at}", f"k{at + 1}", 0) for at in (3, 2, 1, 0)]
    house.call("RPUSH", "k0", "x")
    assert [client.read() for client in clients] == [b"x"] * 4
    assert last.read() == [b"k4", b"x"]


def test_a_circle_of_moves_ends(house):
    one = house.wait("BLMOVE", "a", "b", "LEFT", "LEFT", 0)
    two = house.wait("BLMOVE", "b", "a", "LEFT", "LEFT", 0)
    three = house.wait("BLMOVE", "a", "a", "LEFT", "RIGHT", 0)
    four = house.wait("BLMOVE", "a", "a", "LEFT", "RIGHT", 0)
    house.call("RPUSH", "a", "x")
    assert [client.read() for client in (one, two, three, four)] == [b"x"] * 4
    assert house.call("LRANGE", "a", 0, -1) == [b"x"]
    assert house.call("EXISTS", "b") == 0


def test_what_a_served_client_does_next_serves_others(house):
    first, second = house.client(), house.wait("BLPOP", "b", 0)
    first.send_raw(encode(["BLPOP", "a", 0]) + encode(["RPUSH", "b", "y"]) + encode(["PING"]))
    house.until(2)
    house.call("RPUSH", "a", "x")
    assert [first.read() for _ in range(3)] == [[b"a", b"x"], 1, "PONG"]
    assert second.read() == [b"b", b"y"]


# ---- how keys come -------------------------------------------------------------------------------


@pytest.mark.parametrize("making", [
    [["RPUSH", "other", "x"], ["RENAME", "other", "k"]],
    [["RPUSH", "other", "x"], ["RENAMENX", "other", "k"]],
    [["RPUSH", "other", "x"], ["COPY", "other", "k"]],
    [["SET", "k", "string"], ["RPUSH", "other", "x"], ["COPY", "other", "k", "REPLACE"]],
    [["SET", "k", "string"], ["RPUSH", "other", "x"], ["RENAME", "other", "k"]],
    [["SADD", "other", "x"], ["SORT", "other", "ALPHA", "STORE", "k"]],
    [["RPUSH", "other", "x"], ["LMOVE", "other", "k", "LEFT", "LEFT"]],
    [["RPUSH", "other", "x"], ["RPOPLPUSH", "other", "k"]],
    [["LPUSH", "k", "x"]],
    [["SET", "k", 1], ["DEL", "k"], ["RPUSH", "k", "x"]],
])
def test_lists_that_come(house, making):
    client = house.wait("BLPOP", "k", 0)
    for command in making[:-1]:
        house.call(*command)
    assert silent(client)
    house.call(*making[-1])
    assert client.read() == [b"k", b"x"]


@pytest.mark.parametrize("making", [
    [["ZADD", "other", 1, "x"], ["RENAME", "other", "k"]],
    [["ZADD", "other", 1, "x"], ["ZUNIONSTORE", "k", 1, "other"]],
    [["ZADD", "other", 1, "x"], ["ZINTERSTORE", "k", 1, "other"]],
    [["ZADD", "other", 1, "x"], ["ZDIFFSTORE", "k", 2, "other", "nope"]],
    [["ZADD", "other", 1, "x"], ["ZRANGESTORE", "k", "other", 0, -1]],
    [["ZINCRBY", "k", 1, "x"]],
    [["ZADD", "k", "INCR", 1, "x"]],
])
def test_sorted_sets_that_come(house, making):
    client = house.wait("BZPOPMAX", "k", 0)
    for command in making:
        house.call(*command)
    assert client.read() == [b"k", b"x", b"1"]


def test_databases_that_are_exchanged(house):
    there = house.client(db=9)
    there.call("RPUSH", "k", "x")
    there.call("ZADD", "z", 1, "y")
    clients = house.wait("BLPOP", "k", 0), house.wait("BZPOPMIN", "z", 0)
    elsewhere = house.wait("BLPOP", "k", 0, db=5)
    house.call("SWAPDB", 9, 0)
    assert [client.read() for client in clients] == [[b"k", b"x"], [b"z", b"y", b"1"]]
    assert silent(elsewhere)
    house.call("SWAPDB", 5, 0)
    house.call("RPUSH", "k", "later")
    assert silent(elsewhere)
    house.call("SWAPDB", 0, 5)
    assert elsewhere.read() == [b"k", b"later"]


# ---- other types ---------------------------------------------------------------------------------


def test_another_type_serves_nobody(house):
    """And who waits keeps the place."""
    clients = [house.wait("BLPOP", "k", 0) for _ in range(3)]
    sorted_set = house.wait("BZPOPMIN", "k", 0)
    for command in [["SET", "k", "x"], ["DEL", "k"], ["SADD", "k", "x"], ["DEL", "k"],
                    ["HSET", "k", "f", "v"], ["DEL", "k"], ["XADD", "k", "*", "f", "v"],
                    ["DEL", "k"]]:
        house.call(*command)
    assert silent(sorted_set, *clients)
    house.call("ZADD", "k", 1, "x", 2, "y")
    assert sorted_set.read() == [b"k", b"x", b"1"]
    house.call("DEL", "k")
    house.call("RPUSH", "k", 1, 2)
    assert [client.read() for client in clients[:2]] == [[b"k", b"1"], [b"k", b"2"]]
    assert silent(clients[2])


def test_a_target_of_another_type(house):
    first = house.wait("BLMOVE", "k", "l", "LEFT", "LEFT", 0)
    second = house.wait("BRPOPLPUSH", "k", "m", 0)
    house.call("SET", "l", "x")
    assert silent(first)
    house.call("RPUSH", "k", 1)
    assert first.read() == WRONG_TYPE
    assert second.read() == b"1"


def test_an_earlier_key_of_another_type(house):
    """The command runs again, and meets that key first."""
    client = house.wait("BLPOP", "a", "k", 0)
    house.call("SET", "a", "x")
    house.call("RPUSH", "k", 1)
    assert client.read() == house.both(WRONG_TYPE, [b"k", b"1"])


def test_a_wrong_type_at_once(house):
    house.call("SET", "k", "x")
    house.call("RPUSH", "l", 1)
    client = house.client()
    for name in WAITING:
        assert client.call(*WAITING[name][0]) == WRONG_TYPE
    assert client.call("BLPOP", "nope", "k", 0) == WRONG_TYPE
    assert client.call("BLMOVE", "l", "k", "LEFT", "LEFT", 0) == WRONG_TYPE
    assert client.call("BLPOP", "l", "k", 0) == [b"l", b"1"]


# ---- keys that go --------------------------------------------------------------------------------


@pytest.mark.parametrize("going", [
    ["DEL", "k"], ["UNLINK", "k"], ["FLUSHALL"], ["FLUSHDB", "ASYNC"], ["RENAME", "k", "l"],
    ["SWAPDB", 0, 9], ["MOVE", "k", 9], ["PEXPIREAT", "k", 1]])
def test_a_group_whose_stream_goes(house, going):
    house.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    clients = [house.wait("XREADGROUP", "GROUP", "g", f"c{at}", "BLOCK", 0, "STREAMS", "k", ">")
               for at in range(3)]
    reader = house.wait("XREAD", "BLOCK", 0, "STREAMS", "k", 0)
    house.call(*going)
    gone = Error("UNBLOCKED the stream key no longer exists")
    assert [client.read() for client in clients] == [house.both(NO_GROUP, gone)] * 3
    assert silent(reader)
    house.call("XADD", "k", "5-5", "f", "v")
    assert reader.read() == [[b"k", [[b"5-5", [b"f", b"v"]]]]]


def test_a_group_whose_stream_expires(house):
    house.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    client = house.wait("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "k", ">")
    house.call("PEXPIRE", "k", 30)
    assert client.read() == house.both(NO_GROUP, Error("UNBLOCKED the stream key no longer exists"))


def test_a_group_whose_stream_becomes_something_else(house):
    house.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    client = house.wait("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "k", ">")
    house.call("SET", "k", "x")
    gone = Error("UNBLOCKED the stream key no longer exists")
    assert client.read() == house.both(WRONG_TYPE, gone)


def test_a_group_that_is_destroyed(house):
    house.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    house.call("XGROUP", "CREATE", "k", "h", "$")
    client = house.wait("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "k", ">")
    other = house.wait("XREADGROUP", "GROUP", "h", "c", "BLOCK", 0, "STREAMS", "k", ">")
    house.call("XGROUP", "DESTROY", "k", "g")
    gone = Error("NOGROUP the consumer group this client was blocked on no longer exists")
    assert client.read() == house.both(NO_GROUP, gone)
    assert silent(other)
    house.call("XADD", "k", "5-5", "f", "v")
    assert other.read() == [[b"k", [[b"5-5", [b"f", b"v"]]]]]


def test_flushing_serves_nobody(house):
    clients = [house.wait(*WAITING[name][0]) for name in WAITING if name != "XREADGROUP"]
    house.call("RPUSH", "other", 1)
    house.call("FLUSHDB")
    house.call("FLUSHALL")
    assert silent(*clients)
    assert house.waiting() == len(clients)


# ---- timeouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("timeout", [-1, "-1e-1", -0.5, "nan", "-inf", "x", "", " 1", "1 ", "1e",
                                     "--1", "-1e30", "1x", "\0", "1e-400x", "1_0", "0x", "-0x1"])
def test_bad_timeouts(both, name, timeout):
    assert both.call(*with_timeout(name, timeout)).startswith("ERR timeout is ")


@pytest.mark.parametrize("name", WAITING)
def test_timeouts_past_the_end_of_time(client, name):
    """7.0 computes with what they overflow to."""
    client.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    if name != "XREADGROUP":
        client.call("DEL", "k")
    timeouts = ["inf", "infinity", "1e400", 2**63 - 1, "9223372036854775", "9223372036854776",
                "1e17", "0x7fffffffffffffff"]
    for timeout in [2**63 - 1, 2**63 - 2**30] if name[0] == "X" else timeouts:
        assert client.call(*with_timeout(name, timeout)) == Error("ERR timeout is out of range")
    if name[0] == "X":
        assert client.call(*with_timeout(name, 2**63)) == Error(
            "ERR timeout is not an integer or out of range")


@pytest.mark.parametrize("name", WAITING)
def test_good_timeouts(house, name):
    make_group(house, name)
    client = house.client()
    fractions = [0.001, "1e-3", "0.03", ".03", "3e-2", "0.0000001"]
    for timeout in [1, 30, "0030"] if name[0] == "X" else fractions:
        command = with_timeout(name, timeout)
        start = time.monotonic()
        if timeout == "0030":
            assert client.call(*command) == Error("ERR timeout is not an integer or out of range")
            continue
        assert client.call(*command) is None
        seconds = float(timeout) / (1000 if name[0] == "X" else 1)
        assert seconds - 0.002 <= time.monotonic() - start < seconds + 5


@pytest.mark.parametrize("timeout", ["0", "0.0", "-0", "-0.0001", "0e5", "1e9", "0x10"])
def test_timeouts_that_do_not_end(house, timeout):
    client = house.wait("BLPOP", "k", timeout)
    assert silent(client)
    house.call("RPUSH", "k", 1)
    assert client.read() == [b"k", b"1"]


def test_each_at_its_time(house):
    start = time.monotonic()
    clients = {timeout: house.wait("BLPOP", "k", timeout) for timeout in [0.4, 0.1, 0.3, 0.2]}
    for timeout in sorted(clients):
        assert clients[timeout].read() is None
        assert timeout - 0.002 <= time.monotonic() - start < timeout + 5
    assert house.waiting() == 0


def test_a_deadline_stays_when_others_are_served(house):
    others = [house.wait("BLPOP", "k", 0) for _ in range(4)]
    start = time.monotonic()
    client = house.wait("BLPOP", "k", 0.2)
    for number, other in enumerate(others):
        time.sleep(0.02)
        house.call("RPUSH", "k", number)
        assert other.read() == [b"k", b"%d" % number]
        house.call("SET", "k", 1)
        house.call("DEL", "k")
    assert client.read() is None
    assert 0.19 < time.monotonic() - start < 5


def test_timing_out_while_there_is_another_type(house):
    client = house.wait("BLPOP", "k", 0.1)
    house.call("SET", "k", "x")
    assert client.read() is None


# ---- leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAITING)
def test_who_has_left_is_not_served(house, name):
    command, making, reply = WAITING[name]
    make_group(house, name)
    first, second, third = (house.wait(*command) for _ in range(3))
    first.close()
    house.until(2)
    second.socket.close()
    house.until(1)
    house.call(*making)
    assert third.read() == reply


def test_who_leaves_while_others_push(house):
    """Whatever the order in which the server sees it, each item is in the list or with a client."""
    for turn in range(30):
        client = house.wait("BLPOP", "k", 0)
        if turn % 2:
            client.close()
        house.call("RPUSH", "k", turn)
        if turn % 2 == 0:
            assert client.read() == [b"k", b"%d" % turn]
            client.close()
        house.until(0)
        house.call("DEL", "k")


@pytest.mark.parametrize("name", WAITING)
def test_unblock(house, name):
    make_group(house, name)
    client = house.client()
    number = client.call("CLIENT", "ID")
    for reason, reply in [([], None), (["TIMEOUT"], None), (["timeout"], None),
                          (["ERROR"], UNBLOCKED)]:
        house.wait(*WAITING[name][0], client=client)
        assert house.call("CLIENT", "UNBLOCK", number, *reason) == 1
        assert client.read() == reply
        assert house.call("CLIENT", "UNBLOCK", number, *reason) == 0
    assert client.call("PING") == "PONG"


def test_unblock_of_nobody(house):
    number = house.call("CLIENT", "ID")
    assert house.call("CLIENT", "UNBLOCK", number) == 0
    assert house.call("CLIENT", "UNBLOCK", number + 100000) == 0
    assert house.call("CLIENT", "UNBLOCK", -1) == 0
    assert house.call("CLIENT", "UNBLOCK", 0) == 0
    integer = Error("ERR value is not an integer or out of range")
    assert house.call("CLIENT", "UNBLOCK", "x") == integer
    assert house.call("CLIENT", "UNBLOCK", "x", "NOPE") == \
        Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    client = house.wait("BLPOP", "k", 0)
    house.call("CLIENT", "UNBLOCK", number, "ERROR")
    house.call("RPUSH", "k", 1)
    assert client.read() == [b"k", b"1"]


def test_unblocking_lets_the_next_in(house):
    first, second = house.wait("BLPOP", "k", 0), house.wait("BLPOP", "k", 0)
    listed = house.call("CLIENT", "LIST").decode().splitlines()
    numbers = [line.split()[0][3:] for line in listed if "cmd=blpop" in line]
    assert len(numbers) == 2
    house.call("CLIENT", "UNBLOCK", numbers[0])
    assert first.read() is None
    house.call("RPUSH", "k", 1)
    assert second.read() == [b"k", b"1"]


def test_kill(house):
    client = house.wait("BLPOP", "k", 0)
    other = house.wait("BLPOP", "k", 0)
    address = "%s:%d" % client.socket.getsockname()
    assert house.call("CLIENT", "KILL", address) == "OK"
    assert client.closed()
    house.until(1)
    house.call("RPUSH", "k", 1)
    assert other.read() == [b"k", b"1"]


# ---- pipelines -----------------------------------------------------------------------------------


def test_commands_behind_a_waiting_one_wait_too(house):
    client = house.client()
    client.send_raw(b"".join(map(encode, [
        ["SET", "before", 1], ["BLPOP", "k", 0], ["SET", "behind", 1], ["INCR", "before"],
        ["BLPOP", "l", 0], ["GET", "before"]])))
    house.until(1)
    assert client.read() == "OK"
    assert silent(client)
    assert house.call("GET", "behind") is None
    house.call("RPUSH", "l", "y")
    assert silent(client)
    house.call("RPUSH", "k", "x")
    assert [client.read() for _ in range(5)] == [[b"k", b"x"], "OK", 2, [b"l", b"y"], b"2"]


def test_nobody_serves_himself(house):
    client = house.client()
    assert client.pipeline(["BLPOP", "k", 0.05], ["RPUSH", "k", 1], ["BLPOP", "k", 0.05],
                           ["BLPOP", "k", 0.05], ["PING"]) == [None, 1, [b"k", b"1"], None, "PONG"]


def test_commands_behind_arrive_while_waiting(house):
    client = house.wait("BLPOP", "k", 0)
    client.send("PING")
    client.send_raw(encode(["ECHO", "x" * 100])[:-20])
    assert silent(client)
    house.call("RPUSH", "k", 1)
    assert [client.read(), client.read()] == [[b"k", b"1"], "PONG"]
    client.send_raw(encode(["ECHO", "x" * 100])[-20:])
    assert client.read() == b"x" * 100


def test_many_commands_behind(house):
    client = house.client()
    count = 20000
    client.send_raw(encode(["BLPOP", "k", 0]) + encode(["INCR", "n"]) * count)
    house.until(1)
    assert house.call("EXISTS", "n") == 0
    house.call("RPUSH", "k", 1)
    assert client.read() == [b"k", b"1"]
    assert [client.read() for _ in range(count)] == list(range(1, count + 1))


@pytest.mark.parametrize("ending", ["timeout", "unblock", "error"])
def test_commands_behind_follow_however_waiting_ends(house, ending):
    client = house.client()
    number = client.call("CLIENT", "ID")
    client.send_raw(encode(["BLPOP", "k", 0.1 if ending == "timeout" else 0]) +
                    encode(["ECHO", "a"]) + encode(["BLPOP", "l", 0]) + encode(["ECHO", "b"]))
    house.until(1)
    if ending != "timeout":
        house.call("CLIENT", "UNBLOCK", number, ending if ending == "error" else "timeout")
    assert [client.read(), client.read()] == [UNBLOCKED if ending == "error" else None, b"a"]
    house.until(1)
    house.call("RPUSH", "l", 1)
    assert [client.read(), client.read()] == [[b"l", b"1"], b"b"]


def test_replies_off_while_waiting(house):
    client = house.client()
    client.send_raw(encode(["CLIENT", "REPLY", "OFF"]) + encode(["BLPOP", "k", 0]) +
                    encode(["INCR", "n"]) + encode(["CLIENT", "REPLY", "ON"]))
    house.until(1)
    house.call("RPUSH", "k", 1)
    assert client.read() == "OK"
    assert house.call("GET", "n") == b"1"
    assert house.call("EXISTS", "k") == 0


# ---- what is shown -------------------------------------------------------------------------------


def fields_of(house, number):
    line = house.call("CLIENT", "LIST", "ID", number).decode()
    return dict(part.split("=", 1) for part in line.split())


def test_client_list(house):
    client = house.client()
    number = client.call("CLIENT", "ID")
    assert fields_of(house, number)["flags"] == "N"
    house.wait("BLPOP", "k", 0, client=client)
    assert (fields_of(house, number)["flags"], fields_of(house, number)["cmd"]) == ("b", "blpop")
    house.call("RPUSH", "k", 1)
    client.read()
    assert fields_of(house, number)["flags"] == "N"


def test_info(house):
    assert house.waiting() == 0
    clients = [house.wait("BLPOP", "k", "l", 0) for _ in range(3)]
    assert house.waiting() == 3
    if not house.is_redis:  # since 7.2
        assert b"\r\ntotal_blocking_keys:2\r\n" in house.call("INFO", "clients")
    clients[0].close()
    house.until(2)
    house.call("RPUSH", "k", 1, 2, 3)
    assert house.waiting() == 0


def test_figures_count_a_call_once(house):
    house.call("CONFIG", "RESETSTAT")
    client = house.wait("BLPOP", "k", 0)
    house.call("SET", "k", 1)
    house.call("DEL", "k")
    house.call("RPUSH", "k", 1)
    client.read()
    stats = house.call("INFO", "commandstats").decode()
    assert "cmdstat_blpop:calls=1," in stats
    assert "rejected_calls=0,failed_calls=0" in stats.split("cmdstat_blpop:")[1].splitlines()[0]


def test_idle_waiters_are_not_closed(start):
    server = start("--timeout", "1")
    waiting, idle, admin = server.client(), server.client(), server.client()
    waiting.send("BLPOP", "k", 0)
    deadline = time.monotonic() + 10
    while not select.select([idle.socket], [], [], 0.05)[0]:
        assert admin.call("PING") == "PONG" and time.monotonic() < deadline
    assert idle.closed()
    assert b"blocked_clients:1\r" in admin.call("INFO", "clients")
    time.sleep(0.5)
    admin.call("RPUSH", "k", "x")
    assert waiting.read() == [b"k", b"x"]
    time.sleep(0.6)  # its idle time begins with the reply, not with the request
    assert waiting.call("PING") == "PONG"


def used_memory(client):
    return int(client.call("INFO", "memory").split(b"used_memory:")[1].split()[0])


def test_a_thousand_waiting(start):
    """They are served in order, and what they held is given back. (The first turn fills what the
    server keeps for the next replies, a bounded number of blocks.)"""
    server = start("--maxclients", "2000")
    admin = server.client()

    def turn(leave):
        clients = [server.client() for _ in range(1000)]
        for number, client in enumerate(clients):
            client.send("BLPOP", "k" * 100, f"own:{number}", 1000 if number % 2 else 0)
            if number % 100 == 99:  # so that they come in this order
                while b"blocked_clients:%d\r" % (number + 1) not in admin.call("INFO", "clients"):
                    time.sleep(0.002)
        held = used_memory(admin)
        if not leave:
            admin.call("RPUSH", "k" * 100, *range(1000))
            got = [int(client.read()[1]) for client in clients]
            assert sorted(got) == list(range(1000))
            assert all(abs(place - number) < 100 for number, place in enumerate(got))
        for client in clients:
            client.close()
        server.clients[:] = [admin]
        deadline = time.monotonic() + 10
        while b"connected_clients:1\r" not in admin.call("INFO", "clients"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert b"blocked_clients:0\r" in admin.call("INFO", "clients")
        assert b"total_blocking_keys:0\r" in admin.call("INFO", "clients")
        return held

    turn(leave=False)
    before = used_memory(admin)
    held = turn(leave=True)
    after_leaving = used_memory(admin)
    turn(leave=False)
    after_serving = used_memory(admin)
    if not CHECKED_BUILD:  # there used_memory is not all
        assert held > before + 300 * 1000
        assert max(after_leaving, after_serving) < before + 50 * 1000


def test_shutdown_with_waiters(start):
    server = start()
    clients = [server.client() for _ in range(10)]
    for client in clients:
        client.send("BLPOP", "k", "l", 100)
    while b"blocked_clients:10\r" not in server.client().call("INFO", "clients"):
        time.sleep(0.01)
    server.clients[-1].send("SHUTDOWN", "NOSAVE")
    assert all(client.closed() for client in clients)
    assert server.process.wait(10) == 0


# ---- at once -------------------------------------------------------------------------------------


def test_arguments(both):
    both.lines("""
        BLPOP
        BLPOP k
        BRPOP k
        BLMOVE k l LEFT UP 0
        BLMOVE k l UP LEFT x
        BLMOVE k l LEFT LEFT
        BRPOPLPUSH k 0
        BLMPOP 0 0 k LEFT
        BLMPOP 0 2 k LEFT
        BLMPOP x 2 k LEFT
        BLMPOP 0 1 k UP
        BLMPOP x 1 k LEFT COUNT 0
        BLMPOP x 1 k LEFT
        BLMPOP 0 1 k LEFT COUNT 1 COUNT 1
        BZPOPMIN k x
        BZPOPMIN k
        BZMPOP 0 0 k MIN
        BZMPOP 0 1 k MID
        BZMPOP 0 1 k MIN COUNT 0
        BZMPOP x 1 k MIN
        XREAD BLOCK x STREAMS k 0
        XREAD BLOCK -1 STREAMS k 0
        XREADGROUP GROUP g c BLOCK 0 STREAMS k >
        CLIENT UNBLOCK
        CLIENT UNBLOCK 1 TIMEOUT 3
    """)


def test_at_once_with_more_than_one(both):
    both.lines("""
        RPUSH k 1 2 3 4 5 6 7
        BLPOP k 0
        BRPOP nope k 0
        BLMPOP 0 2 nope k LEFT COUNT 2
        BLMOVE k k LEFT RIGHT 0
        BLMOVE k l RIGHT LEFT 0
        BRPOPLPUSH k l 0
        LRANGE k 0 -1
        LRANGE l 0 -1
        ZADD z 1 a 2.5 b 3 c 4 d
        BZPOPMIN nope z 0
        BZPOPMAX z 0
        BZMPOP 0 2 nope z MAX COUNT 5
        EXISTS z
    """)
