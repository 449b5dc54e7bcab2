"""Commands of newer servers that clients send: compare and set, compare and remove, MSETEX, and a
clean refusal of what is not there."""

import random

import pytest

from resp import Client, Error

# Of XXH3 with 64 bits, as its specification's authors publish them.
DIGESTS = {b"": b"2d06800538d394c2", b"a": b"e6c632b61e964e1f", b"abc": b"78af5f94892f3950"}


@pytest.fixture
def told(client):
    """What an append-only log would be told of a command."""
    def tell(*arguments):
        assert client.call("DEBUG", "EFFECTS", "ON") == "OK"
        reply = client.call(*arguments)
        effects = [effect[1:] for effect in client.call("DEBUG", "EFFECTS", "TAKE")]
        client.call("DEBUG", "EFFECTS", "OFF")
        return reply, effects
    return tell


def test_digest(client):
    for value, digest in DIGESTS.items():
        client.call("SET", "key", value)
        assert client.call("DIGEST", "key") == digest
    client.call("SET", "number", 12345)
    client.call("APPEND", "text", "12345")
    assert client.call("DIGEST", "number") == client.call("DIGEST", "text")
    client.call("SET", "big", b"x" * 300_000)
    assert len(client.call("DIGEST", "big")) == 16
    assert client.call("DIGEST", "none") is None
    client.call("RPUSH", "list", "a")
    assert client.call("DIGEST", "list").startswith("WRONGTYPE")
    assert client.call("DIGEST", "a", "b").startswith("ERR wrong number of arguments")


def test_set_compares(client):
    call = client.call
    assert call("SET", "key", "new", "IFEQ", "old") is None
    assert call("EXISTS", "key") == 0
    assert call("SET", "key", "one", "IFNE", "old") == "OK"
    assert call("SET", "key", "two", "IFNE", "one") is None
    assert call("SET", "key", "two", "IFEQ", "one", "EX", 100) == "OK"
    assert call("TTL", "key") == 100
    assert call("SET", "key", "three", "ifeq", "two", "keepttl", "get") == b"two"
    assert call("TTL", "key") == 100
    assert call("SET", "key", "four", "GET", "IFEQ", "two") == b"three"
    assert call("GET", "key") == b"three"
    assert call("SET", "none", "a", "IFEQ", "b", "GET") is None
    assert call("EXISTS", "none") == 0
    digest = call("DIGEST", "key")
    assert call("SET", "key", "a", "IFDNE", digest) is None
    assert call("SET", "key", "a", "IFDEQ", digest.upper()) == "OK"
    assert call("SET", "key", "abc", "IFDEQ", digest) is None
    assert call("SET", "key", "abc", "IFDNE", digest) == "OK"
    assert call("SET", "none", "a", "IFDEQ", digest) is None
    assert call("SET", "none", "a", "IFDNE", digest) == "OK"


def test_set_compares_forms_of_strings(client):
    big = b"y" * 200_000
    for value in (b"", b"7", b"-12", b"text", b"\x00\xff\r\n", b"z" * 5000, big):
        client.call("SET", "key", value)
        assert client.call("SET", "key", "other", "IFEQ", value + b"!") is None
        assert client.call("SET", "key", "other", "IFEQ", value) == "OK"
        client.call("SET", "key", value)
        assert client.call("DELIFEQ", "key", value + b"!") == 0
        assert client.call("DELIFEQ", "key", value) == 1


def test_set_refuses(client):
    syntax = "ERR syntax error"
    for options in (["IFEQ"], ["IFEQ", "a", "NX"], ["XX", "IFNE", "a"], ["IFEQ", "a", "IFNE", "b"],
                    ["IFEQ", "a", "IFEQ", "a"], ["IFDEQ", "0" * 16, "NX"], ["IFGT", "a"]):
        assert client.call("SET", "key", "value", *options) == syntax, options
    for digest in ("", "0" * 15, "0" * 17, "x" * 16):
        for option in ("IFDEQ", "IFDNE"):
            assert "16 hexadecimal" in client.call("SET", "key", "value", option, digest)
            assert "16 hexadecimal" in client.call("DELEX", "key", option, digest)
    client.call("RPUSH", "list", "a")
    for option, value in [("IFEQ", "a"), ("IFNE", "a"), ("IFDEQ", "0" * 16)]:
        assert client.call("SET", "list", "value", option, value).startswith("WRONGTYPE")
    assert client.call("LLEN", "list") == 1


def test_delex(client):
    call = client.call
    call("SET", "key", "abc")
    assert call("DELEX", "key", "IFEQ", "abd") == 0
    assert call("DELEX", "key", "IFNE", "abc") == 0
    assert call("DELEX", "key", "IFDNE", DIGESTS[b"abc"]) == 0
    assert call("DELEX", "key", "IFDEQ", DIGESTS[b"a"]) == 0
    assert call("EXISTS", "key") == 1
    for condition in (["IFEQ", "abc"], ["IFNE", "x"], ["IFDEQ", DIGESTS[b"abc"]],
                      ["IFDNE", DIGESTS[b"a"]], []):
        call("SET", "key", "abc")
        assert call("DELEX", "key", *condition) == 1
        assert call("DELEX", "key", *condition) == 0
    call("RPUSH", "list", *range(3000))
    assert call("DELEX", "list", "IFEQ", "a").startswith("ERR Key should be of string type")
    assert call("DELEX", "list") == 1
    call("SET", "key", "abc")
    assert call("DELEX", "key", "IF", "abc").startswith("ERR Invalid condition")
    assert call("DELEX", "key", "IFEQ").startswith("ERR wrong number of arguments")
    assert call("DELEX", "key", "IFEQ", "abc", "x").startswith("ERR wrong number of arguments")


def test_delifeq(client):
    client.call("SET", "key", "a")
    assert client.call("DELIFEQ", "key", "b") == 0
    assert client.call("DELIFEQ", "key", "a") == 1
    assert client.call("DELIFEQ", "key", "a") == 0
    client.call("SADD", "set", "a")
    assert client.call("DELIFEQ", "set", "a").startswith("WRONGTYPE")


def test_msetex(client):
    call = client.call
    assert call("MSETEX", 2, "a", 1, "b", 2, "EX", 100) == 1
    assert call("MGET", "a", "b") == [b"1", b"2"]
    assert (call("TTL", "a"), call("TTL", "b")) == (100, 100)
    assert call("MSETEX", 2, "a", 3, "c", 3, "NX") == 0
    assert call("MSETEX", 2, "a", 3, "c", 3, "XX") == 0
    assert call("EXISTS", "c") == 0
    assert call("MSETEX", 2, "a", 3, "b", 4, "KEEPTTL", "XX") == 1
    assert call("TTL", "a") == 100
    assert call("MSETEX", 1, "a", 5) == 1
    assert call("TTL", "a") == -1
    assert call("MSETEX", 2, "x", 1, "x", 2, "NX", "PX", 50000) == 1
    assert call("GET", "x") == b"2"
    assert call("MSETEX", 2, "a", 1, "y", 1, "EXAT", 1) == 1
    assert call("EXISTS", "a", "y") == 0
    pairs = [str(i) for i in range(4000)]
    assert call("MSETEX", 2000, *pairs) == 1
    assert call("GET", "1998") == b"1999"


def test_msetex_refuses(client):
    call = client.call
    assert call("MSETEX", 1, "a").startswith("ERR wrong number of arguments")
    for count in ("0", "-1", "x", "2147483648", "9223372036854775808", "1.0"):
        assert call("MSETEX", count, "a", 1) == "ERR invalid numkeys value"
    assert call("MSETEX", 2, "a", 1, "b") == "ERR wrong number of key-value pairs"
    assert call("MSETEX", 2147483647, "a", 1) == "ERR wrong number of key-value pairs"
    for options in (["NX", "XX"], ["EX", 1, "PX", 1], ["EX"], ["GET"], ["IFEQ", "a"], ["b", 2]):
        assert call("MSETEX", 1, "a", 1, *options) == "ERR syntax error", options
    assert call("MSETEX", 1, "a", 1, "EX", 0) == "ERR invalid expire time in 'msetex' command"
    assert call("DBSIZE") == 0


def test_what_a_log_is_told(client, told):
    """What no version that reads a log may lack: SET and DEL."""
    client.call("SET", "key", "a")
    assert told("SET", "key", "b", "IFEQ", "a") == ("OK", [[b"SET", b"key", b"b"]])
    assert told("SET", "key", "c", "IFEQ", "a") == (None, [])
    assert told("SET", "key", "c", "IFEQ", "b", "KEEPTTL") == (
        "OK", [[b"SET", b"key", b"c", b"KEEPTTL"]])
    reply, effects = told("SET", "key", "d", "IFEQ", "c", "EX", 100)
    assert reply == "OK"
    assert effects[0][:4] == [b"SET", b"key", b"d", b"PXAT"]
    assert told("DELEX", "key", "IFEQ", "d") == (1, [[b"DEL", b"key"]])
    client.call("SET", "key", "a")
    assert told("DELIFEQ", "key", "a") == (1, [[b"DEL", b"key"]])
    client.call("HSET", "hash", "a", "b")
    assert told("DELEX", "hash") == (1, [[b"DEL", b"hash"]])
    reply, effects = told("MSETEX", 2, "a", 1, "b", 2)
    flat = [effect for effect in effects if effect[0] == b"SET"]
    assert (reply, flat) == (1, [[b"SET", b"a", b"1"], [b"SET", b"b", b"2"]])
    reply, effects = told("MSETEX", 2, "a", 1, "b", 2, "EX", 100)
    flat = [effect for effect in effects if effect[0] == b"SET"]
    assert [effect[:4] for effect in flat] == [[b"SET", b"a", b"1", b"PXAT"],
                                               [b"SET", b"b", b"2", b"PXAT"]]


def test_keys_are_those_declared(client):
    call = client.call
    assert call("COMMAND", "GETKEYS", "MSETEX", 2, "a", 1, "b", 2, "EX", 3) == [b"a", b"b"]
    assert call("COMMAND", "GETKEYS", "DELEX", "a", "IFEQ", "b") == [b"a"]
    (key, flags), = call("COMMAND", "GETKEYSANDFLAGS", "SET", "a", "b", "IFEQ", "c")
    assert (key, flags) == (b"a", ["RW", "access", "update"])


def test_a_counter_of_many_clients(server):
    """Compare and set, from several connections in turn: no increment is lost."""
    chance = random.Random(5)
    clients = [Client(server.port) for _ in range(4)]
    clients[0].call("SET", "n", 0)
    done = 0
    seen = [0] * 4
    for _ in range(2000):
        who = chance.randrange(4)
        if chance.random() < 0.5:
            seen[who] = int(clients[who].call("GET", "n"))
        elif clients[who].call("SET", "n", seen[who] + 1, "IFEQ", seen[who]) == "OK":
            done += 1
    assert int(clients[0].call("GET", "n")) == done > 100
    for client in clients:
        client.close()


def test_maintenance_notifications_are_refused_cleanly(any_client):
    for arguments in (["ON", "moving-endpoint-type", "internal-ip"], ["OFF"], []):
        reply = any_client.call("CLIENT", "MAINT_NOTIFICATIONS", *arguments)
        assert isinstance(reply, Error)
        assert reply.lower().startswith("err unknown subcommand 'maint_notifications'")
    assert any_client.call("PING") == "PONG"
