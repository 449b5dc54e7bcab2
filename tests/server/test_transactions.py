"""MULTI, EXEC, DISCARD, WATCH and UNWATCH. What they answer is compared with redis-server in
test_differential_transactions.py; here is what has a name, and what Redis 7.0 does not have."""

import time

import pytest
from resp import Client, Error

DISCARDED = "EXECABORT Transaction discarded because of previous errors."


@pytest.fixture
def other(server):
    with Client(server.port) as client:
        yield client


def transaction(client, *commands):
    client.call("MULTI")
    for command in commands:
        assert client.call(*command) == "QUEUED", command
    return client.call("EXEC")


def fields_of(client):
    line = client.call("CLIENT", "INFO").decode().split()
    return dict(word.split("=", 1) for word in line)


def test_exec_runs_what_was_queued(any_client):
    assert transaction(any_client, ("SET", "a", 1), ("INCR", "a"), ("LPUSH", "a", "x"),
                       ("GET", "a")) == ["OK", 2, Error(
                           "WRONGTYPE Operation against a key holding the wrong kind of value"),
                           b"2"]
    assert transaction(any_client) == []


def test_what_cannot_run_spoils_it(client):
    for command in (("NOSUCH",), ("GET",), ("SAVE",), ("SHUTDOWN",), ("CLIENT", "NOSUCH")):
        client.call("MULTI")
        assert isinstance(client.call(*command), Error)
        assert client.call("SET", "a", 1) == "QUEUED"
        assert client.call("EXEC") == Error(DISCARDED)
        assert client.call("EXISTS", "a") == 0
    client.call("MULTI")
    assert client.call("EXEC", "more") == Error(
        "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command")
    assert client.call("EXEC") == Error("ERR EXEC without MULTI")


def test_a_change_of_a_watched_key_stops_exec(any_client, other):
    for change in (("SET", "k", 2), ("DEL", "k"), ("EXPIRE", "k", 100), ("RENAME", "k", "x"),
                   ("RENAME", "y", "k"), ("SWAPDB", 0, 1), ("FLUSHALL",), ("COPY", "y", "k",
                                                                           "REPLACE")):
        other.call("FLUSHALL")
        other.call("MSET", "k", 1, "y", 1)
        any_client.call("WATCH", "none", "k", "none")
        other.call(*change)
        assert transaction(any_client, ("PING",)) is None, change
        assert transaction(any_client, ("PING",)) == ["PONG"]


def test_what_does_not_change_it_does_not(client, other):
    for what in (("SET", "other", 2), ("GET", "k"), ("FLUSHDB",), ("SWAPDB", 2, 3),
                 ("SET", "k", 2, "NX"), ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")):
        client.call("FLUSHALL")
        client.call("SET", "k", 1)
        client.call("XADD", "s", "*", "f", "v")
        client.call("XGROUP", "CREATE", "s", "g", 0)
        client.call("WATCH", "k", "s")
        if what[0] == "FLUSHDB":
            other.call("SELECT", 5)
        other.call(*what)
        other.call("SELECT", 0)
        assert transaction(client, ("PING",)) == ["PONG"], what


def test_a_key_whose_time_is_over(client):
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    client.call("SET", "k", 1, "PX", 20)
    client.call("WATCH", "k")
    time.sleep(0.03)
    assert transaction(client, ("PING",)) is None
    client.call("SET", "k", 1, "PX", 20)
    time.sleep(0.03)
    client.call("WATCH", "k")  # gone before
    client.call("DEL", "k")
    client.call("FLUSHALL")
    assert transaction(client, ("PING",)) == ["PONG"]
    client.call("SELECT", 1)
    client.call("SET", "k", 1, "PX", 20)
    client.call("SELECT", 0)
    client.call("WATCH", "k")
    time.sleep(0.03)
    client.call("SWAPDB", 0, 1)  # absent, and what comes has expired
    assert transaction(client, ("PING",)) == ["PONG"]
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_watching_ends(client, other):
    for end in (("UNWATCH",), ("DISCARD",), ("RESET",)):
        client.call("WATCH", "k")
        if end[0] == "DISCARD":
            client.call("MULTI")
        client.call(*end)
        other.call("SET", "k", 1)
        assert transaction(client, ("PING",)) == ["PONG"], end
    assert client.call("UNWATCH") == "OK"


def test_what_waits_answers_at_once_and_is_served_after_exec(client, other):
    assert transaction(client, ("BLPOP", "l", 0), ("XREAD", "BLOCK", 0, "STREAMS", "s", 0)) == [
        None, None]
    other.send("BLPOP", "l", 0)
    time.sleep(0.05)
    assert transaction(client, ("RPUSH", "l", "a"), ("LPOP", "l"), ("RPUSH", "l", "b")) == [
        1, b"a", 1]
    assert other.read() == [b"l", b"b"]


def test_the_list_of_clients_tells(client, other):
    assert fields_of(client)["multi"] == "-1" and fields_of(client)["watch"] == "0"
    bare = int(fields_of(client)["tot-mem"])
    client.call("WATCH", "a", "b", "a")
    assert fields_of(client)["watch"] == "2"
    client.call("MULTI")
    client.call("SET", "k", "v" * 100000)
    lines = other.call("CLIENT", "LIST").decode().splitlines()
    line = [line for line in lines if "flags=x" in line]
    fields = dict(word.split("=", 1) for word in line[0].split())
    assert fields["multi"] == "1" and fields["watch"] == "2"
    assert int(fields["multi-mem"]) == 3 + 1 + 100000 + 3 * 8
    assert int(fields["tot-mem"]) > bare + 100000
    client.call("DISCARD")
    assert abs(int(fields_of(client)["tot-mem"]) - bare) < 20000


def test_a_queue_is_bounded(start):
    server = start("--client-query-buffer-limit", "1mb")
    with Client(server.port) as client:
        client.call("MULTI")
        with pytest.raises((ConnectionError, OSError)):
            for _ in range(100):
                client.call("SET", "k", "v" * 100000)
        with Client(server.port) as another:
            assert another.call("EXISTS", "k") == 0
            assert another.call("PING") == "PONG"


def test_pause_holds_exec_with_writes(client, other):
    client.call("MULTI")
    client.call("SET", "a", 1)
    other.call("MULTI")
    other.call("GET", "a")
    with Client(client.socket.getpeername()[1]) as third:
        third.call("CLIENT", "PAUSE", 300, "WRITE")
        began = time.monotonic()
        assert other.call("EXEC") == [None]
        assert client.call("EXEC") == ["OK"]
        assert time.monotonic() - began > 0.2


def test_effects_of_exec_are_one(client, other):
    other.call("DEBUG", "EFFECTS", "ON")
    transaction(client, ("SET", "a", 1), ("GET", "a"), ("SELECT", 2), ("SADD", "s", "x"),
                ("SPOP", "s"), ("SELECT", 0))
    transaction(client, ("GET", "a"))
    told = [b" ".join(effect[1:]) for effect in other.call("DEBUG", "EFFECTS", "TAKE")]
    assert told == [b"MULTI", b"SET a 1", b"SADD s x", b"DEL s", b"EXEC"]
    other.call("DEBUG", "EFFECTS", "OFF")


def test_the_log_has_a_transaction_or_none_of_it(start):
    server = start("--appendonly", "yes", "--appendfsync", "always")
    with Client(server.port) as client:
        transaction(client, ("SET", "a", 1), ("CONFIG", "SET", "appendonly", "no"),
                    ("SET", "b", 1), ("CONFIG", "SET", "appendonly", "yes"), ("SET", "c", 1))
        transaction(client, ("SET", "d", 1), ("BGREWRITEAOF",), ("SET", "e", 1))
        transaction(client, ("SET", "f", 1), ("SET", "g", 1))
        digest = client.call("DEBUG", "DIGEST")
        deadline = time.monotonic() + 20
        while "aof_rewrite_in_progress:0" not in client.call("INFO", "persistence").decode() or \
                "aof_rewrite_scheduled:0" not in client.call("INFO", "persistence").decode():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert isinstance(digest, Error) or client.call("DEBUG", "LOADAOF") is not None
        assert client.call("EXISTS", *"abcdefg") == 7
    incremental = sorted((server.directory / "appendonlydir").glob("*.incr.aof"))[-1]
    server.process.kill()
    server.process.wait()
    data = incremental.read_bytes()
    at = data.rfind(b"*1\r\n$4\r\nEXEC\r\n")
    assert at > 0
    incremental.write_bytes(data[:at])
    again = start("--appendonly", "yes", "--dir", server.directory)
    with Client(again.port) as client:
        assert client.call("EXISTS", *"abcde") == 5
        assert client.call("EXISTS", "f", "g") == 0


def test_errors_and_calls_are_counted_where_they_happen(client):
    client.call("CONFIG", "RESETSTAT")
    client.call("SET", "text", "abc")
    transaction(client, ("INCR", "text"), ("GET", "text"))
    told = client.call("INFO", "commandstats").decode()
    assert "cmdstat_incr:calls=1" in told and "cmdstat_get:calls=1" in told
    lines = dict(line.split(":", 1) for line in told.split("\r\n") if ":" in line)
    assert "failed_calls=1" in lines["cmdstat_incr"] and "failed_calls=0" in lines["cmdstat_exec"]
    assert "errorstat_ERR:count=1" in client.call("INFO", "errorstats").decode()
