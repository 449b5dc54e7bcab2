"""LATENCY: shapes as Redis's, events of our own making."""

import time

import pytest

from resp import Client, Error, Pairs, Status, Verbatim

EVENTS = ("command", "fast-command", "active-defrag-cycle", "expire-cycle", "lazyfree-step",
          "tidy-step", "aof-write", "aof-write-alone", "aof-write-pending-fsync",
          "aof-write-active-child", "aof-fsync-always", "command-unblocking", "while-blocked-cron")


@pytest.fixture
def watched(client):
    """Events of 5 ms and more are kept."""
    client.call("CONFIG", "SET", "latency-monitor-threshold", 5)
    client.call("LATENCY", "RESET")
    yield client
    client.call("CONFIG", "SET", "latency-monitor-threshold", 0)
    client.call("LATENCY", "RESET")


def test_replies_as_redis(both):
    both.lines("""
        LATENCY
        LATENCY FOO
        LATENCY LATEST
        LATENCY LATEST x
        LATENCY HISTORY
        LATENCY HISTORY foo
        LATENCY HISTORY command
        LATENCY HISTORY a b
        LATENCY RESET
        LATENCY RESET foo bar
        LATENCY GRAPH
        LATENCY GRAPH foo
        LATENCY GRAPH command
        LATENCY DOCTOR x
        LATENCY HISTOGRAM foo
        LATENCY HISTOGRAM get foo
        LATENCY HELP x
        """)


def test_nothing_is_kept_without_a_threshold(client):
    client.call("LATENCY", "RESET")
    client.call("DEBUG", "SLEEP", "0.02")
    assert client.call("LATENCY", "LATEST") == []
    assert b"latency-monitor-threshold" in client.call("LATENCY", "DOCTOR")


def test_a_slow_command(watched):
    watched.call("DEBUG", "SLEEP", "0.03")
    (name, seconds, last, worst), = [row for row in watched.call("LATENCY", "LATEST")
                                     if row[0] == b"command"]
    assert name == b"command" and abs(seconds - time.time()) < 5
    assert 30 <= last == worst < 5000
    assert watched.call("LATENCY", "HISTORY", "command") == [[seconds, last]]
    assert watched.call("LATENCY", "RESET", "foo", "command") == 1
    assert watched.call("LATENCY", "HISTORY", "command") == []
    assert watched.call("LATENCY", "RESET", "command") == 0


def test_the_worst_of_a_second_is_kept(watched):
    time.sleep(1 - time.time() % 1)
    for pause in ("0.05", "0.01", "0.02"):
        watched.call("DEBUG", "SLEEP", pause)
    samples = watched.call("LATENCY", "HISTORY", "command")
    assert 1 <= len(samples) <= 2 and samples[0][1] >= 50
    time.sleep(1.01)
    watched.call("DEBUG", "SLEEP", "0.01")
    after = watched.call("LATENCY", "HISTORY", "command")
    assert len(after) == len(samples) + 1 and after[-1][0] > after[0][0]
    row, = [row for row in watched.call("LATENCY", "LATEST") if row[0] == b"command"]
    assert row[2] == after[-1][1] and row[3] >= 50


def test_a_slow_step_between_commands(watched):
    """A turn that gives a million keys back while the clock of the machine says so."""
    watched.call("CONFIG", "SET", "latency-monitor-threshold", 1)
    for _ in range(20):
        watched.call("DEBUG", "POPULATE", 50000)
        watched.call("FLUSHALL", "ASYNC")
    names = {row[0].decode() for row in watched.call("LATENCY", "LATEST")}
    assert "command" in names and names <= set(EVENTS)


def told_events(client):
    return {row[0].decode() for row in client.call("LATENCY", "LATEST")}


def test_serving_who_waited_is_an_event(watched, server):
    watched.call("CONFIG", "SET", "latency-monitor-threshold", 1)
    with Client(server.port) as other:
        for _ in range(20):
            other.send("BLMPOP", 0, 1, "list", "LEFT", "COUNT", 200000)
            while b"flags=b" not in watched.call("CLIENT", "LIST"):
                pass
            watched.call("RPUSH", "list", *[b"x" * 40] * 60000)
            assert len(other.read()[1]) == 60000
            if "command-unblocking" in told_events(watched):
                break
    assert "command-unblocking" in told_events(watched)


def test_looking_after_clients_during_a_script_is_an_event(start):
    server = start("--busy-reply-threshold", "20", "--latency-monitor-threshold", "1")
    running, others = server.client(), [server.client() for _ in range(30)]
    running.send("EVAL", "while true do end", 0)
    deadline = time.monotonic() + 20
    many = b"HELLO 3\r\n" * 900
    with Client(server.port) as asking:
        while "BUSY" not in str(asking.call("PING")):
            assert time.monotonic() < deadline
        for _ in range(10):
            for other in others:
                other.send_raw(many)
            for other in others:
                for _ in range(900):
                    other.read()
        assert asking.call("SCRIPT", "KILL") == "OK"
        running.read()
        assert "while-blocked-cron" in told_events(asking)
        assert "there were many of them" in asking.call("LATENCY", "DOCTOR").decode()


@pytest.mark.parametrize("samples", [1, 3])
def test_graph(any_client, samples):
    any_client.call("CONFIG", "SET", "latency-monitor-threshold", 1)
    any_client.call("LATENCY", "RESET")
    for number in range(samples):
        time.sleep(1.01 if number else 0)
        any_client.call("DEBUG", "SLEEP", f"0.0{number + 1}")
    text = any_client.call("LATENCY", "GRAPH", "command")
    any_client.call("CONFIG", "SET", "latency-monitor-threshold", 0)
    assert isinstance(text, Verbatim) == (any_client.resp == 3)
    first, *lines = text.decode().splitlines()
    assert first.startswith("command - high ") and "(all time high " in first
    assert lines[0:4] != [""] * 4
    assert max(len(line) for line in lines) >= samples
    assert sum(line.count("#") for line in lines) >= samples


def test_doctor(any_client):
    def doctor():
        text = any_client.call("LATENCY", "DOCTOR")
        assert isinstance(text, Verbatim) == (any_client.resp == 3)
        return text.decode()
    any_client.call("LATENCY", "RESET")
    assert "is 0" in doctor()
    any_client.call("CONFIG", "SET", "latency-monitor-threshold", 100)
    assert "All is well: nothing has taken 100 ms" in doctor()
    any_client.call("DEBUG", "SLEEP", "0.11")
    assert doctor().startswith("command: 1 of the last ") and "LATENCY HISTOGRAM" in doctor()
    any_client.call("CONFIG", "SET", "latency-monitor-threshold", 0)
    any_client.call("LATENCY", "RESET")


def histogram(client, *names):
    """Names, each with calls and pairs of microseconds and counts, in either protocol."""
    def pairs(reply):
        if isinstance(reply, Pairs):
            return list(reply)
        return list(zip(reply[::2], reply[1::2]))
    return {name.decode(): {key.decode(): value if key == b"calls" else pairs(value)
                            for key, value in pairs(told)}
            for name, told in pairs(client.call("LATENCY", "HISTOGRAM", *names))}


def test_histogram(any_client):
    any_client.call("CONFIG", "RESETSTAT")
    assert histogram(any_client, "set") == {}
    for _ in range(100):
        any_client.call("SET", "x", 1)
    any_client.call("DEBUG", "SLEEP", "0.04")
    told = histogram(any_client, "set", "SET", "foo", "debug")
    assert set(told) == {"set", "debug"}
    assert told["set"]["calls"] == 100
    ceilings = [ceiling for ceiling, _ in told["set"]["histogram_usec"]]
    counts = [count for _, count in told["set"]["histogram_usec"]]
    assert ceilings == sorted(set(ceilings)) and counts == sorted(set(counts)) and counts[-1] == 100
    (ceiling, count), = told["debug"]["histogram_usec"]
    assert count == 1 and ceiling >= 40000
    assert set(ceilings + [ceiling]) <= steps_of_redis()


def steps_of_redis():
    """2^n ns from 1,024 on, with what counts as equal at two digits, in microseconds."""
    return {((1 << bit) + (1 << bit - 7) - 1) // 1000 for bit in range(10, 31)}


def test_histogram_of_subcommands(client):
    client.call("CONFIG", "RESETSTAT")
    client.call("CONFIG", "GET", "x")
    client.call("CLIENT", "ID")
    assert set(histogram(client, "config")) == {"config|get", "config|resetstat"}
    assert set(histogram(client, "client|id")) == {"client|id"}
    assert {"config|get", "client|id"} <= set(histogram(client))


def test_histogram_same_shape_as_redis(both):
    """Counts may differ, the way of telling may not."""
    shapes = []
    for client in (both.snug, both.redis):
        client.call("CONFIG", "RESETSTAT")
        client.call("SET", "x", 1)
        shapes.append(shape_of(client.call("LATENCY", "HISTOGRAM", "set")))
    assert shapes[0] == shapes[1]


def shape_of(reply):
    if isinstance(reply, (Pairs, list)):
        return (type(reply).__name__, [shape_of(part) for part in reply])
    if isinstance(reply, tuple):
        return tuple(shape_of(part) for part in reply)
    return type(reply).__name__ if isinstance(reply, int) else reply


def test_histogram_without_tracking(client):
    client.call("CONFIG", "SET", "latency-tracking", "no")
    client.call("CONFIG", "RESETSTAT")
    client.call("SET", "x", 1)
    assert "set" not in histogram(client)
    assert b"latency_percentiles" not in client.call("INFO", "latencystats")
    client.call("CONFIG", "SET", "latency-tracking", "yes")
    client.call("SET", "x", 1)
    assert histogram(client, "set")["set"]["calls"] == 1
    assert b"latency_percentiles_usec_set:p50=" in client.call("INFO", "latencystats")


def test_help(any_client):
    lines = any_client.call("LATENCY", "HELP")
    assert all(isinstance(line, Status) for line in lines)
    for name in ("DOCTOR", "GRAPH <event>", "HISTORY <event>", "LATEST", "HELP"):
        assert name in lines


def test_unknown_event_is_told(client):
    assert client.call("LATENCY", "GRAPH", "x" * 300) == Error(
        f"ERR No samples available for event '{'x' * 300}'")


def test_writing_the_log_is_an_event_when_it_takes_long(start):
    """A sync for each reply, of as much as one command writes, takes longer than a millisecond."""
    server = start("--appendonly", "yes", "--appendfsync", "always",
                   "--latency-monitor-threshold", "1")
    client = server.client()
    for _ in range(20):
        client.call("SET", "k", "x" * 8_000_000)
        told = [row[0] for row in client.call("LATENCY", "LATEST")]
        if {b"aof-write", b"aof-fsync-always"} <= set(told):
            break
    assert {b"aof-write", b"aof-write-alone", b"aof-fsync-always"} <= set(told), told
    assert b"With appendfsync always each reply waits" in client.call("LATENCY", "DOCTOR")
