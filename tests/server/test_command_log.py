"""SLOWLOG, COMMANDLOG and MONITOR: what is kept of a command and shown, and what is hidden."""

import re
import time

import pytest
from resp import Client, Error


@pytest.fixture
def logged(client):
    """Everything is kept."""
    client.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    client.call("SLOWLOG", "RESET")
    yield client
    client.call("CONFIG", "SET", "slowlog-log-slower-than", 10000, "slowlog-max-len", 128,
                "commandlog-request-larger-than", 1048576,
                "commandlog-reply-larger-than", 1048576)


def commands(client):
    """The arguments of what is kept, the oldest first; without SLOWLOG's own."""
    return [entry[3] for entry in reversed(client.call("SLOWLOG", "GET", -1))
            if entry[3][0] != b"SLOWLOG"]


def test_what_is_told_of_a_command(logged):
    logged.call("CLIENT", "SETNAME", "me")
    before = time.time()
    logged.call("SET", "a", "b")
    number, seconds, spent_us, arguments, address, name = logged.call("SLOWLOG", "GET", 1)[0]
    assert arguments == [b"SET", b"a", b"b"] and name == b"me"
    assert before - 2 <= seconds <= time.time() + 1 and 0 <= spent_us < 10**6
    assert address == b"127.0.0.1:%d" % logged.socket.getsockname()[1]
    logged.call("SET", "a", "c")
    assert logged.call("SLOWLOG", "GET", 1)[0][0] > number
    assert logged.call("SLOWLOG", "LEN") >= 4
    assert logged.call("SLOWLOG", "RESET") == "OK"
    assert logged.call("SLOWLOG", "LEN") == 1


def test_long_ones_are_cut(logged):
    logged.call("SADD", "s", *range(40))
    logged.call("SET", "a", "x" * 200)
    many, long = commands(logged)
    assert len(many) == 32 and many[31] == b"... (11 more arguments)" and many[30] == b"28"
    assert long[2] == b"x" * 128 + b"... (72 more bytes)"


def test_passwords_are_hidden(logged):
    logged.call("AUTH", "user", "secret")
    logged.call("HELLO", 3, "AUTH", "user", "secret", "SETNAME", "n")
    logged.call("CONFIG", "SET", "maxmemory", "0", "masterauth", "secret")
    logged.call("CONFIG", "SET", "masterauth", "")
    logged.call("MIGRATE", "localhost", 1, "k", 0, 10, "AUTH2", "user", "secret")
    hidden = b"(redacted)"
    found = commands(logged)
    assert found[0] == [b"AUTH", hidden, hidden]
    assert found[1] == [b"HELLO", b"3", b"AUTH", hidden, hidden, b"SETNAME", b"n"]
    assert found[2] == [b"CONFIG", b"SET", b"maxmemory", b"0", b"masterauth", hidden]
    assert not any(b"secret" in word for command in found for word in command)


def test_inner_commands_are_kept_and_exec_is_not(logged):
    logged.call("MULTI")
    logged.call("SET", "a", 1)
    logged.call("EXEC")
    assert commands(logged) == [[b"MULTI"], [b"SET", b"a", b"1"]]


def test_how_many_are_kept(logged):
    logged.call("CONFIG", "SET", "slowlog-max-len", 3)
    for number in range(6):
        logged.call("SET", "a", number)
    assert logged.call("SLOWLOG", "LEN") == 3
    logged.call("CONFIG", "SET", "slowlog-log-slower-than", -1)
    logged.call("SLOWLOG", "RESET")
    logged.call("SET", "a", 1)
    assert logged.call("SLOWLOG", "LEN") == 0
    logged.call("CONFIG", "SET", "slowlog-log-slower-than", 20000)
    logged.call("DEBUG", "SLEEP", "0.03")
    assert logged.call("SLOWLOG", "GET")[0][3] == [b"DEBUG", b"SLEEP", b"0.03"]


def test_errors(logged):
    for arguments in (("-2",), ("abc",)):
        assert logged.call("SLOWLOG", "GET", *arguments) == Error(
            "ERR count should be greater than or equal to -1")
    assert logged.call("COMMANDLOG", "LEN", "fast") == Error(
        "ERR type should be one of the following: slow, large-request, large-reply")
    assert len(logged.call("SLOWLOG", "HELP")) > 5 and len(logged.call("COMMANDLOG", "HELP")) > 5


def test_the_same_options_by_newer_names(logged):
    logged.call("CONFIG", "SET", "commandlog-execution-slower-than", 77)
    assert logged.call("CONFIG", "GET", "slowlog-log-slower-than")[1] == b"77"
    logged.call("CONFIG", "SET", "commandlog-execution-slower-than", 0)
    logged.call("PING")
    assert logged.call("COMMANDLOG", "GET", 1, "slow")[0][3] == [b"PING"]


@pytest.mark.parametrize("threshold", [1000, 500000])
def test_what_is_large_is_kept(logged, threshold):
    logged.call("CONFIG", "SET", "commandlog-request-larger-than", threshold,
                "commandlog-reply-larger-than", threshold)
    for kind in ("large-request", "large-reply"):
        logged.call("COMMANDLOG", "RESET", kind)
    logged.call("SET", "large", "x" * threshold)
    logged.call("SET", "small", "x" * (threshold // 2))
    logged.call("GET", "small")
    logged.call("GET", "large")
    requests = logged.call("COMMANDLOG", "GET", -1, "large-request")
    replies = logged.call("COMMANDLOG", "GET", -1, "large-reply")
    assert [entry[3][:2] for entry in requests] == [[b"SET", b"large"]]
    assert [entry[3][:2] for entry in replies] == [[b"GET", b"large"]]
    assert threshold <= requests[0][2] < threshold * 1.1
    assert threshold * 0.95 <= replies[0][2] < threshold * 1.1
    assert logged.call("COMMANDLOG", "RESET", "large-reply") == "OK"
    assert logged.call("COMMANDLOG", "LEN", "large-reply") == 0


# ---- MONITOR -------------------------------------------------------------------------------------


@pytest.fixture
def monitor(server):
    with Client(server.port) as monitor:
        assert monitor.call("MONITOR") == "OK"
        yield monitor


def shown(monitor):
    """A line without its time and address."""
    line = monitor.read()
    told = re.fullmatch(r"\d+\.\d{6} \[(\d+) (127\.0\.0\.1:\d+|lua)\] (.*)", line)
    assert told, line
    return f"{told[1]} {told[3]}"


def test_monitor_shows_what_runs(client, monitor):
    client.call("SELECT", 2)
    client.call("SET", b"a\"\\", b"\x00\n\r\t\a\bz\xff~")
    client.call("CONFIG", "GET", "port")  # administration
    client.call("AUTH", "user", "secret")
    client.call("GET")  # refused
    client.call("MULTI")
    client.call("GET", "a")
    client.call("EXEC")
    assert [shown(monitor) for _ in range(6)] == [
        '2 "SELECT" "2"', '2 "SET" "a\\"\\\\" "\\x00\\n\\r\\t\\a\\bz\\xff~"',
        '2 "AUTH" "(redacted)" "(redacted)"', '2 "MULTI"', '2 "GET" "a"', '2 "EXEC"']


def test_monitor_is_shown_its_own_commands_behind_their_replies(monitor):
    monitor.send("PING")
    assert monitor.read() == "PONG"
    assert shown(monitor) == '0 "PING"'
    monitor.call("MULTI")
    assert shown(monitor) == '0 "MULTI"'
    monitor.call("GET", "a")
    assert monitor.call("EXEC") == [None]
    assert [shown(monitor), shown(monitor)] == ['0 "GET" "a"', '0 "EXEC"']
    assert monitor.call("RESET") == "RESET"
    assert monitor.call("PING") == "PONG"
    assert monitor.call("PING") == "PONG"


def test_monitor_shows_once_what_waits(client, monitor, server):
    client.send("BLPOP", "l", 0)
    assert shown(monitor) == '0 "BLPOP" "l" "0"'
    with Client(server.port) as other:
        other.call("RPUSH", "l", "x")
    assert client.read() == [b"l", b"x"]
    assert shown(monitor) == '0 "RPUSH" "l" "x"'
    client.call("PING")
    assert shown(monitor) == '0 "PING"'


def test_monitor_flags_and_leaving(client, server):
    with Client(server.port) as monitor:
        monitor.call("MONITOR")
        assert "flags=O" in client.call("CLIENT", "LIST").decode()
        monitor.call("MULTI")
        shown(monitor)
        monitor.call("MONITOR")
        assert isinstance(monitor.call("EXEC")[0], Error)
    for _ in range(20):
        client.call("PING")


def test_what_a_script_calls_is_kept_in_front_of_it(logged):
    script = "redis.call('SET', 'a', 1) return redis.call('GET', 'a')"
    logged.call("EVAL", script, 0)
    logged.call("CONFIG", "SET", "slowlog-log-slower-than", -1)
    entries = [entry[3] for entry in logged.call("SLOWLOG", "GET", 4)][-4:][:3]
    assert [[b"EVAL", script.encode(), b"0"], [b"GET", b"a"], [b"SET", b"a", b"1"]] == entries
