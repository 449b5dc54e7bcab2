"""Keyspace notifications: which events are told, to which channels, and that they are those of
redis-server for every command that both have."""

import os

import pytest

from command_generators import FOCI, sequence
from differential import AS_AT_FIRST, shown
from events import CLASSES, Watched
from generators.primitives import Source
from raw import Raw, parse
from resp import Client

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 15
SEED = int(os.environ.get("SNUG_SEED", "1"))
SEQUENCE = 300


@pytest.fixture
def listener(client, server):
    with Client(server.port) as listener:
        listener.call("PSUBSCRIBE", "__key*")
        yield listener
    client.call("CONFIG", "SET", "notify-keyspace-events", "")


def events(client, listener):
    client.call("PUBLISH", "__keymark", "")
    found = []
    while (message := listener.read())[2] != b"__keymark":
        found.append((message[2].decode(), message[3].decode()))
    return found


def wants(client, letters):
    assert client.call("CONFIG", "SET", "notify-keyspace-events", letters) == "OK"


def test_off_by_default(client, listener):
    client.call("SET", "a", 1)
    wants(client, "K")
    client.call("SET", "a", 1)
    wants(client, "A")
    client.call("SET", "a", 1)
    assert events(client, listener) == []


def test_places(client, listener):
    wants(client, "K$")
    client.call("SET", "a", 1)
    client.call("DEL", "a")
    assert events(client, listener) == [("__keyspace@0__:a", "set")]
    wants(client, "Eg")
    client.call("SELECT", 3)
    client.call("SET", "a", 1)
    client.call("DEL", "a")
    assert events(client, listener) == [("__keyevent@3__:del", "a")]
    wants(client, "KEA")
    client.call("SET", "a", 1, "PX", 100000)
    assert events(client, listener) == [
        ("__keyspace@3__:a", "set"), ("__keyevent@3__:set", "a"),
        ("__keyspace@3__:a", "expire"), ("__keyevent@3__:expire", "a")]


OF_EACH_CLASS = {
    "g": (["PERSIST", "lasting"], "persist"), "$": (["APPEND", "string", "x"], "append"),
    "l": (["RPUSH", "list", "x"], "rpush"), "s": (["SADD", "set", "y"], "sadd"),
    "h": (["HSET", "hash", "f", "w"], "hset"), "z": (["ZADD", "zset", 2, "x"], "zadd"),
    "t": (["XADD", "stream", "*", "f", "v"], "xadd"), "m": (["GET", "none"], "keymiss"),
    "n": (["PFADD", "fresh", "x"], "new"),
}


@pytest.mark.parametrize("letter", OF_EACH_CLASS)
def test_classes(client, listener, letter):
    for command in (["SET", "string", "x"], ["RPUSH", "list", "x"], ["SADD", "set", "x"],
                    ["HSET", "hash", "f", "v"], ["ZADD", "zset", 1, "x"],
                    ["XADD", "stream", "*", "f", "v"], ["SET", "lasting", "x", "EX", 1000]):
        client.call(*command)
    wants(client, "E" + letter)
    for other, (command, _) in OF_EACH_CLASS.items():
        if other != "n" or letter == "n":  # it is of two classes
            client.call(*command)
    command, event = OF_EACH_CLASS[letter]
    assert events(client, listener) == [(f"__keyevent@0__:{event}", command[1])]


def test_expired(client, listener):
    wants(client, "Ex")
    client.call("SET", "a", 1, "PX", 1)
    message = listener.read()
    assert message[2:] == [b"__keyevent@0__:expired", b"a"]


def test_ones_own_events_come_behind_the_reply(client, listener):
    wants(client, "KEA")
    client.call("HELLO", 3)
    client.call("PSUBSCRIBE", "__keyspace*")
    assert client.call("RPUSH", "a", 1, 2) == 2
    assert client.read() == [b"pmessage", b"__keyspace*", b"__keyspace@0__:a", b"rpush"]


def test_a_field_of_zero_in_a_string_that_grows(client, listener):
    wants(client, "K$")
    for field, grows in (("#0", True), ("#0", False), ("#20", True), ("#20", False)):
        client.call("BITFIELD", "a", "SET", "u3", field, 0)
        assert events(client, listener) == [("__keyspace@0__:a", "setbit")] * grows
    client.call("BITFIELD", "a", "OVERFLOW", "FAIL", "INCRBY", "u3", "#90", 9)
    assert events(client, listener) == []


# --- as redis-server ------------------------------------------------------------------------------

# They change what is set up here, or go by chance.
NOT_HERE = {b"config", b"randomkey", b"scan", b"client", b"hello", b"reset", b"auth", b"swapdb"}


def usable(command):
    by_chance = b"rand" in command[0].lower() and any(len(a) > 4 for a in command[2:])
    return command[0].lower() not in NOT_HERE and not by_chance


def known(command, ours, theirs):
    """Differences of Redis 7.2 from 7.0, and orders that nobody relies on."""
    name = command[0].lower()
    if name in (b"sort", b"sort_ro", b"smove"):  # in which order keys are looked at
        return sorted(ours) == sorted(theirs)
    words = {word for channel, word in ours + theirs if b"space@" in channel}
    if name in (b"xclaim", b"xautoclaim", b"xreadgroup", b"xgroup"):  # consumers are made always
        return words <= {b"xgroup-createconsumer", b"xgroup-delconsumer", b"keymiss"}
    if name == b"set":  # of a time that is over: the key is not made at all
        return any(option in map(bytes.lower, command) for option in (b"exat", b"pxat"))
    return False


def ends_here(command):
    """What follows may differ, since what is there does."""
    return command[0].lower() == b"set" and \
        any(option in map(bytes.lower, command) for option in (b"exat", b"pxat"))


@pytest.fixture(scope="module")
def watched(shared_server, oracle):
    both = Watched(shared_server.port), Watched(oracle.port)
    yield both
    for one in both:
        one.connection.call(*AS_AT_FIRST)
        one.close()


@pytest.mark.parametrize("focus", FOCI)
def test_same_events(watched, shared_server, focus):
    listed = parse(Raw(shared_server.port).call("COMMAND", "LIST"))[1]
    exist = {item[1].decode() for item in listed if b"|" not in item[1]}
    for number in range(max(1, COMMANDS // len(FOCI) // SEQUENCE)):
        r = Source(f"events {SEED} {focus} {number}", keys_used=(1, 2, 5, 2)[number % 4])
        commands = [each for each in sequence(r, focus, exist, SEQUENCE) if usable(each)]
        for one in watched:
            one.connection.call("RESET")
            one.run([(b"FLUSHALL",), (b"SELECT", b"0"), AS_AT_FIRST,
                     (b"CONFIG", b"SET", b"notify-keyspace-events", CLASSES.encode())])
        (replies, ours), (their_replies, theirs) = (one.run(commands) for one in watched)
        for at, command in enumerate(commands):
            if parse(replies[at])[0] != parse(their_replies[at])[0] or ends_here(command):
                break
            assert ours[at] == theirs[at] or known(command, ours[at], theirs[at]), \
                f"SNUG_SEED={SEED} {focus} {number} {at}: {shown(command)}"
