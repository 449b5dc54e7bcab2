"""Patterns made to take for ever take a bounded time, wherever a client may give one."""

import time

import pytest

from conftest import CHECKED_BUILD
from resp import Client, Error

# Without a bound each of these would take from minutes to the end of days.
TEXT = "a" * 100_000
HOSTILE = {
    "stars": "*a" * 50_000 + "b",
    "stars and marks": "*?" * 30_000 + "b",
    "classes": "*[ab]" * 20_000 + "c",
    "one long class": "*[" + "b" * 100_000 + "]",
    "long tail": "*" + "a" * 60_000 + "b",
    "many starts": "*" + "a" * 50_000 + "*" + "a" * 49_000 + "b*",
    "negated": "*[^b]" * 20_000 + "b",
    "escapes": "*\\a" * 30_000 + "\\b",
    "never closed": "*[" * 40_000,
}
SECONDS = 20 if CHECKED_BUILD else 4  # of which most is for other work on the machine

patterns = pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE.keys())


class Bounded:
    def __enter__(self):
        self.began = time.monotonic()

    def __exit__(self, kind, *_):
        if kind is None:
            assert time.monotonic() - self.began < SECONDS


@patterns
def test_keys_and_scan(client, pattern):
    for number in range(5):
        client.call("SET", TEXT + str(number), "x")
    with Bounded():
        assert client.call("KEYS", pattern) in ([], None) or pattern.startswith("*[*")
        assert not isinstance(client.call("SCAN", 0, "MATCH", pattern, "COUNT", 10), Error)


@patterns
def test_elements(client, pattern):
    client.call("HSET", "hash", TEXT, 1)
    client.call("SADD", "set", TEXT)
    client.call("ZADD", "zset", 1, TEXT)
    with Bounded():
        for name, command in [("hash", "HSCAN"), ("set", "SSCAN"), ("zset", "ZSCAN")]:
            assert client.call(command, name, 0, "MATCH", pattern)[0] == b"0"


@patterns
def test_names_of_the_server(client, pattern):
    with Bounded():
        client.call("CONFIG", "GET", pattern)
        client.call("CONFIG", "GET", *[pattern] * 5)
        client.call("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern)
        client.call("DEBUG", "STRINGMATCH-LEN", len(TEXT), pattern)
    assert client.call("PING") == "PONG"


@patterns
def test_channels(server, client, pattern):
    with Client(server.port) as listener:
        for _ in range(3):
            listener.call("PSUBSCRIBE", pattern + "x" * _)
        with Bounded():
            client.call("PUBLISH", TEXT, "message")
        listener.call("SUBSCRIBE", TEXT)
        with Bounded():
            client.call("PUBSUB", "CHANNELS", pattern)
            client.call("PUBLISH", TEXT, "message")


@patterns
def test_rights(client, pattern):
    assert client.call("ACL", "SETUSER", "hostile", "on", "nopass", "+@all", "~" + pattern,
                       "&" + pattern) == "OK"
    with Bounded():
        client.call("ACL", "DRYRUN", "hostile", "GET", TEXT)
        client.call("ACL", "DRYRUN", "hostile", "MGET", *[TEXT] * 5)
        client.call("ACL", "DRYRUN", "hostile", "PUBLISH", TEXT, "x")
    client.call("ACL", "DELUSER", "hostile")


def test_a_simple_pattern_reaches_the_end_of_a_long_text(client):
    """The bound is for what is made to be slow; length alone is nothing of the kind."""
    client.call("SADD", "set", "a" * 3_000_000 + "b")
    for pattern in ("*b", "a*b", "*a*b", "*[b]", "a*a?"):
        assert len(client.call("SSCAN", "set", 0, "MATCH", pattern)[1]) == 1
    assert client.call("SSCAN", "set", 0, "MATCH", "*c")[1] == []
