"""The append-only log: what was acknowledged comes back, whenever it is rewritten or ends."""

import os
import random
import resource
import signal
import threading
import time

import pytest

from conftest import CHECKED_BUILD, REDIS_SERVER, Server, running
from resp import Client, Error
from test_persistence import content_of, fill, info, restart, until  # noqa: F401 (a fixture)

LOG = ("--appendonly", "yes", "--enable-debug-command", "yes")
COUNT = 200 if CHECKED_BUILD else 1500


def directory_of(server):
    return server.directory / "appendonlydir"


def last_increment(server):
    names = [name for name in os.listdir(directory_of(server)) if name.endswith(".incr.aof")]
    return directory_of(server) / max(names, key=lambda name: int(name.split(".")[-3]))


def rewrite(client):
    before = int(info(client)["aof_rewrites"])
    until(lambda: info(client)["aof_rewrite_in_progress"] == "0")
    reply = client.call("BGREWRITEAOF")
    assert reply == "Background append only file rewriting started", reply
    until(lambda: int(info(client)["aof_rewrites"]) > before and
          info(client)["aof_rewrite_in_progress"] == "0")
    assert info(client)["aof_last_bgrewrite_status"] == "ok"


def change(client, seed, count=COUNT):
    """Commands whose effects are not what they say: by chance, time, or what is there."""
    r = random.Random(seed)
    for i in range(count):
        key = r.randrange(40)
        client.call(*r.choice([
            ("SET", f"k{key}", i), ("INCRBYFLOAT", f"f{key}", "0.1"), ("APPEND", f"a{key}", "xy"),
            ("RPUSH", f"l{key}", i, "x"), ("LMOVE", f"l{key}", f"l{key + 1}", "LEFT", "RIGHT"),
            ("SADD", f"s{key}", i), ("SPOP", f"s{key}"), ("ZADD", f"z{key}", r.random(), i),
            ("ZPOPMIN", f"z{key}"), ("HSET", f"h{key}", i % 9, i), ("HINCRBY", f"h{key}", 1, 1),
            ("XADD", f"x{key}", "*", "a", i), ("XTRIM", f"x{key}", "MAXLEN", "~", 20),
            ("EXPIRE", f"k{key}", 10 ** 6), ("SET", f"e{key}", i, "PX", 1 + i % 20),
            ("DEL", f"k{key}"), ("RENAME", f"k{key}", f"k{key + 1}"), ("PFADD", f"p{key}", i),
            ("PFCOUNT", f"p{key}"), ("PFMERGE", f"p{key}", f"p{key + 1}"),
            ("GETEX", f"k{key}", "PX", 10 ** 9), ("SETEX", f"k{key}", 10 ** 6, "v"),
            ("COPY", f"h{key}", f"h{key + 1}", "REPLACE"), ("SELECT", r.choice([0, 0, 7])),
            ("HPEXPIRE", f"h{key}", r.choice([5, 10 ** 8]), "FIELDS", 1, i % 9)]))
    client.call("SELECT", 0)


def settled(client):
    """Expired keys and fields have gone, so that digests can be compared."""
    time.sleep(2 if CHECKED_BUILD else 0.5)
    for db in (7, 0):
        client.call("SELECT", db)
        client.call("KEYS", "*")
        for key in client.call("KEYS", "h*"):
            client.call("HGETALL", key)
    return client.call("DEBUG", "DIGEST")


@pytest.mark.parametrize("fsync", ["always", "everysec", "no"])
@pytest.mark.parametrize("preamble", ["yes", "no"], ids=["snapshot", "commands"])
def test_everything_comes_back_after_a_restart(start, restart, fsync, preamble):  # noqa: F811
    options = (*LOG, "--appendfsync", fsync, "--aof-use-rdb-preamble", preamble)
    server = start(*options)
    client = server.client(timeout=60)
    fill(client, field_expiries=True)
    change(client, 1)
    digest = settled(client)
    server = restart(server, *options)
    client = server.client(timeout=60)
    assert settled(client) == digest
    rewrite(client)
    change(client, 2)
    digest = settled(client)
    assert client.call("DEBUG", "LOADAOF") == "OK"
    assert settled(client) == digest
    change(client, 3)
    digest = settled(client)
    client = restart(server, *options, kill=fsync == "always").client(timeout=60)
    assert settled(client) == digest
    assert client.call("DEBUG", "VERIFY") == "OK"


@pytest.mark.parametrize("preamble", ["yes", "no"], ids=["snapshot", "commands"])
def test_rewriting_under_load(start, restart, preamble):  # noqa: F811
    options = (*LOG, "--aof-use-rdb-preamble", preamble, "--rdb-key-save-delay", "200")
    server = start(*options)
    client = server.client(timeout=60)
    fill(client)
    for seed in range(3):
        assert client.call("BGREWRITEAOF") == "Background append only file rewriting started"
        assert isinstance(client.call("BGREWRITEAOF"), Error)
        assert "can't BGSAVE right now" in client.call("BGSAVE")
        change(client, seed)
        until(lambda: info(client)["aof_rewrite_in_progress"] == "0")
        assert info(client)["aof_last_bgrewrite_status"] == "ok"
    digest = settled(client)
    assert len(os.listdir(directory_of(server))) <= 4
    client = restart(server, *options).client(timeout=60)
    assert settled(client) == digest


def test_rewriting_by_itself(start):
    server = start(*LOG, "--auto-aof-rewrite-min-size", "1000")
    client = server.client()
    for i in range(300):
        client.call("SET", "k", "x" * 100)
    until(lambda: int(info(client)["aof_rewrites"]) > 0)
    until(lambda: int(info(client)["aof_current_size"]) < 20000)
    assert "Starting automatic rewriting of AOF" in server.log()


def test_switching_on_during_a_rewrite(start, restart):  # noqa: F811
    """That rewrite, of a log that is off, ends and closes the files; the next one waits for a turn.
    What looks at them before that found files that were closed, and the process ended."""
    server = start("--enable-debug-command", "yes", "--rdb-key-save-delay", "100")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 20000)
    for _ in range(3):
        assert client.call("BGREWRITEAOF") == "Background append only file rewriting started"
        replies = client.pipeline(("CONFIG", "SET", "appendonly", "yes"), ("SET", "k", "v"),
                                  ("WAITAOF", 1, 0, 0), ("INFO", "persistence"),
                                  ("CONFIG", "SET", "appendonly", "no"))
        assert replies[:2] == ["OK", "OK"] and replies[4] == "OK"
        assert b"aof_enabled:1" in replies[3]
    assert client.call("BGREWRITEAOF") == "Background append only file rewriting started"
    assert client.pipeline(("CONFIG", "SET", "appendonly", "yes"), ("INFO", "persistence"),
                           ("CONFIG", "SET", "rdb-key-save-delay", 0))[2] == "OK"
    client.call("SET", "k", "w")
    until(lambda: (told := info(client))["aof_rewrite_in_progress"] == "0"
          and told["aof_rewrite_scheduled"] == "0")  # which is the one of the log that is on
    assert info(client)["aof_last_bgrewrite_status"] == "ok"
    digest = settled(client)
    assert settled(restart(server, *LOG).client(timeout=60)) == digest


def test_a_snapshot_and_a_rewrite_wait_for_each_other(start):
    server = start(*LOG, "--rdb-key-save-delay", "2000")
    client = server.client()
    client.call("DEBUG", "POPULATE", 200)
    assert client.call("BGSAVE") == "Background saving started"
    scheduled = client.call("BGREWRITEAOF")
    assert scheduled == "Background append only file rewriting scheduled"
    assert info(client)["aof_rewrite_scheduled"] == "1"
    until(lambda: info(client)["aof_rewrite_in_progress"] == "1")
    assert client.call("BGSAVE", "SCHEDULE") == "Background saving scheduled"
    assert client.call("CONFIG", "SET", "rdb-key-save-delay", 0) == "OK"
    until(lambda: int(info(client)["rdb_saves"]) == 2)
    assert int(info(client)["aof_rewrites"]) == 1


def test_switched_on_and_off(start, restart):  # noqa: F811
    server = start("--enable-debug-command", "yes")
    client = server.client(timeout=60)
    fill(client)
    assert info(client)["aof_enabled"] == "0" and "aof_current_size" not in info(client)
    assert client.call("CONFIG", "SET", "appendonly", "yes") == "OK"
    change(client, 1)
    until(lambda: info(client)["aof_rewrite_in_progress"] == "0")
    change(client, 2)
    digest = settled(client)
    server = restart(server, "--appendonly", "yes")
    client = server.client(timeout=60)
    assert settled(client) == digest
    assert client.call("CONFIG", "SET", "appendonly", "no") == "OK"
    client.call("SET", "not", "logged")
    assert client.call("CONFIG", "SET", "appendonly", "yes") == "OK"
    until(lambda: info(client)["aof_rewrite_in_progress"] == "0")
    assert len(os.listdir(directory_of(server))) <= 4
    digest = settled(client)
    assert settled(restart(server, "--appendonly", "yes").client(timeout=60)) == digest


def test_a_rewrite_while_the_log_is_off(start, restart):  # noqa: F811
    server = start("--enable-debug-command", "yes")
    client = server.client(timeout=60)
    fill(client)
    digest = client.call("DEBUG", "DIGEST")
    rewrite(client)
    client = restart(server, "--appendonly", "yes").client(timeout=60)
    assert client.call("DEBUG", "DIGEST") == digest


def test_flushing_while_it_is_rewritten(start, restart):  # noqa: F811
    server = start(*LOG, "--rdb-key-save-delay", "2000")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 500)
    assert "started" in client.call("BGREWRITEAOF")
    assert client.call("FLUSHALL") == "OK"
    client.call("SET", "after", "x")
    until(lambda: info(client)["aof_rewrite_in_progress"] == "0" and
          info(client)["aof_rewrite_scheduled"] == "0")
    client = restart(server, *LOG).client()
    assert client.call("KEYS", "*") == [b"after"]


def test_a_tail_that_is_cut(start, restart, snug_program):  # noqa: F811
    server = start(*LOG)
    client = server.client()
    client.call("SET", "first", "x")
    client.call("SET", "second", "y" * 100)
    server.stop()
    path = last_increment(server)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    refusing = Server(snug_program, server.directory, *LOG, "--aof-load-truncated", "no")
    assert refusing.process.wait(30) == 1
    assert "Unexpected end of file" in refusing.log() and path.name in refusing.log()
    client = restart(server, *LOG).client()
    assert client.call("KEYS", "*") == [b"first"]
    assert "truncated at offset" in server.log()
    assert len(path.read_bytes()) < len(whole) - 100
    client.call("SET", "third", "z")
    client = restart(server, *LOG).client()
    assert sorted(client.call("KEYS", "*")) == [b"first", b"third"]


@pytest.mark.parametrize("tail, words", [
    (b"*2\r\n$3\r\nSET\r\n$x\r\n", "Bad file format"),
    (b"*1\r\n$7\r\nNOTHING\r\n", "Unknown command 'NOTHING'"),
    (b"*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n", "selects database 99")])
def test_what_is_not_understood_ends_the_start(start, snug_program, tail, words):
    server = start(*LOG)
    server.client().call("SET", "first", "x")
    server.stop()
    path = last_increment(server)
    path.write_bytes(path.read_bytes() + tail)
    other = Server(snug_program, server.directory, *LOG)
    assert other.process.wait(30) == 1
    assert words in other.log() and path.name in other.log(), other.log()


@pytest.mark.parametrize("tail", [b"*2\r\n$3\r\nSET\r\n$x\r\n", b"*3\r\n$3\r\nSET\r\n$1"])
def test_a_damaged_log_is_not_loaded_again(start, tail):
    server = start(*LOG, "--aof-load-truncated", "no")
    client = server.client()
    client.call("SET", "first", "x")
    path = last_increment(server)
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    assert "Nothing was flushed" in client.call("DEBUG", "LOADAOF")
    assert client.call("GET", "first") == b"x" and path.name in server.log()
    path.write_bytes(whole)
    assert client.call("DEBUG", "LOADAOF") == "OK"
    assert client.call("GET", "first") == b"x"


def test_half_of_a_log_is_not_served(start):
    server = start(*LOG)
    client = server.client()
    client.call("SET", "first", "x")
    path = last_increment(server)
    path.write_bytes(path.read_bytes() + b"*1\r\n$7\r\nNOTHING\r\n")
    with pytest.raises(OSError):
        client.call("DEBUG", "LOADAOF")
    assert server.process.wait(20) == 1
    assert "Unknown command 'NOTHING'" in server.log() and "is not whole" in server.log()


def test_nothing_acknowledged_is_lost(start, restart):  # noqa: F811
    """kill -9 while several clients write, and it is rewritten meanwhile."""
    options = (*LOG, "--appendfsync", "always", "--auto-aof-rewrite-min-size", "5000")
    server = start(*options)
    acknowledged = [0] * 4

    def write(number):
        try:
            with Client(server.port) as client:
                while client.call("SET", f"w{number}", acknowledged[number] + 1) == "OK":
                    acknowledged[number] += 1
        except OSError:
            pass

    for round_number in range(3):
        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
        server = restart(server, *options, kill=True)
        client = server.client()
        for i in range(4):
            found = int(client.call("GET", f"w{i}") or 0)
            assert found in (acknowledged[i], acknowledged[i] + 1), round_number
            acknowledged[i] = found
    assert min(acknowledged) > 0


def test_writes_are_refused_while_they_cannot_be_logged(start, restart):  # noqa: F811
    server = start(*LOG, "--appendfsync", "no")
    client = server.client()
    client.call("SET", "k", "v")
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000, limits[1]))
    client.call("SET", "k", "v" * 5000)
    reply = client.call("SET", "k", "w")
    assert reply.startswith("MISCONF Errors writing to the AOF file: "), reply
    assert client.call("PING").startswith("MISCONF")
    assert info(client)["aof_last_write_status"] == "err"
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    until(lambda: client.call("SET", "k", "again") == "OK")
    assert info(client)["aof_last_write_status"] == "ok"
    assert restart(server, *LOG).client().call("GET", "k") == b"again"


def test_always_ends_the_server_where_it_cannot_write(start, restart):  # noqa: F811
    server = start(*LOG, "--appendfsync", "always")
    client = server.client()
    client.call("SET", "k", "v")
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000, limits[1]))
    with pytest.raises(OSError):
        client.call("SET", "k", "v" * 5000)
    assert server.process.wait(20) == 1 and "Exiting..." in server.log()
    assert restart(server, *LOG).client().call("GET", "k") == b"v"


def test_waitaof(start):
    server = start(*LOG)
    client = server.client()
    client.call("SET", "k", "v")
    assert client.call("WAITAOF", 1, 0, 0) == [1, 0]
    assert "out of range" in client.call("WAITAOF", 2, 0, 0)
    assert client.call("WAITAOF", 1, 0, -1) == "ERR timeout is negative"
    client.call("CONFIG", "SET", "appendonly", "no")
    assert "appendonly is disabled" in client.call("WAITAOF", 1, 0, 0)
    assert client.call("WAITAOF", 0, 0, 0) == [0, 0]


def forget_deleted(client):
    """What is pending and deleted cannot be told by XCLAIM, which is all that there is for it."""
    for db in (7, 0):
        client.call("SELECT", db)
        for name in ("small", "big"):
            client.call("XACK", f"stream-{name}", "g", "2-0")


@pytest.fixture
def redis_program():
    if not REDIS_SERVER:
        pytest.fail("redis-server is not installed: tools/setup.sh build test")
    return REDIS_SERVER


@pytest.mark.parametrize("preamble", ["yes", "no"], ids=["snapshot", "commands"])
def test_redis_loads_ours(start, redis_program, preamble):
    server = start(*LOG, "--rdb-version", 10, "--aof-use-rdb-preamble", preamble)
    client = server.client(timeout=60)
    fill(client)
    forget_deleted(client)
    rewrite(client)
    for command in (("SPOP", "set-big", 5), ("RPOPLPUSH", "list-big", "list-small"),
                    ("EXPIRE", "s1", 10 ** 6), ("INCRBYFLOAT", "f", "0.25")):
        client.call(*command)
    content = content_of(client)
    server.stop()
    redis = running(redis_program, server.directory, "--appendonly", "yes",
                    "--enable-debug-command", "yes")
    try:
        assert content_of(redis.client(timeout=60)) == content
    finally:
        redis.stop(signal.SIGKILL)


@pytest.mark.parametrize("preamble", ["yes", "no"], ids=["snapshot", "commands"])
def test_we_load_those_of_redis(start, redis_program, snug_program, preamble):
    redis = start("--appendonly", "yes", "--enable-debug-command", "yes", "--aof-use-rdb-preamble",
                  preamble, program=redis_program)
    client = redis.client(timeout=60)
    fill(client)
    forget_deleted(client)
    rewrite(client)
    change(client, 5)
    settled(client)
    content = content_of(client)
    redis.stop()
    server = running(snug_program, redis.directory, *LOG)
    try:
        client = server.client(timeout=60)
        settled(client)
        assert content_of(client) == content
    finally:
        server.stop()
