"""Snapshots and loading: what is written comes back, whatever happens while it is written."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from conftest import CHECKED_BUILD, REDIS_SERVER, running
from resp import Client, Error

WAIT = 120 if CHECKED_BUILD else 60
KEYS = 300 if CHECKED_BUILD else 2000


def info(client, section="persistence"):
    text = client.call("INFO", section).decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def until(condition, seconds=WAIT):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def bgsave(client):
    saves = int(info(client)["rdb_saves"])
    reply = client.call("BGSAVE")
    assert reply in ("Background saving started", "Background saving scheduled"), reply
    until(lambda: int(info(client)["rdb_saves"]) > saves)
    assert info(client)["rdb_last_bgsave_status"] == "ok"


def fill(client, seed=1, field_expiries=False):
    """Values of every type, small and big, in two databases."""
    r = random.Random(seed)
    word = lambda: r.choice([b"%d" % r.randrange(-9999, 99999), bytes(r.randrange(256) for _ in
                                                                     range(r.randrange(40)))])
    for db in (0, 7):
        client.call("SELECT", db)
        for i in range(200):
            client.call("SET", f"s{i}", word())
        client.call("SET", "ttl", "x", "PX", 10 ** 8)
        client.call("SET", "long", b"ab" * 20000)
        client.call("SETRANGE", "longer", 700000, "end")
        for count, name in ((3, "small"), (600, "big")):
            for i in range(count):
                client.call("RPUSH", f"list-{name}", word())
                client.call("SADD", f"set-{name}", word())
                client.call("SADD", f"intset-{name}", r.randrange(10 ** 9))
                client.call("HSET", f"hash-{name}", word(), word())
                client.call("ZADD", f"zset-{name}", r.choice([r.random(), i, "inf"]), word())
                client.call("XADD", f"stream-{name}", f"{i + 1}-0", "a", word(), "b", i)
            client.call("XGROUP", "CREATE", f"stream-{name}", "g", "0")
            client.call("XREADGROUP", "GROUP", "g", "c", "COUNT", 3, "STREAMS",
                        f"stream-{name}", ">")
            client.call("XDEL", f"stream-{name}", "2-0")
            if field_expiries:
                field = client.call("HRANDFIELD", f"hash-{name}")
                client.call("HPEXPIRE", f"hash-{name}", 10 ** 8, "FIELDS", 1, field)
    client.call("SELECT", 0)


def files(server):
    return sorted(name for name in os.listdir(server.directory) if name != "log")


@pytest.fixture
def restart(snug_program, start):
    """Ends a server and starts another one on what it left: restart(server, *options)."""
    servers = []

    def restart_one(server, *options, kill=False):
        if server.alive():
            server.stop(signal.SIGKILL if kill else signal.SIGTERM)
        servers.append(running(snug_program, server.directory, "--enable-debug-command", "yes",
                               *options))
        return servers[-1]

    yield restart_one
    for server in servers:
        if server.alive():
            assert server.stop() == 0


@pytest.mark.parametrize("command", ["SAVE", "BGSAVE"])
@pytest.mark.parametrize("field_expiries", [False, True], ids=["plain", "fields-expire"])
def test_everything_comes_back_after_a_restart(start, restart, command, field_expiries):
    server = start("--enable-debug-command", "yes")
    client = server.client(timeout=60)
    fill(client, field_expiries=field_expiries)
    digest = client.call("DEBUG", "DIGEST")
    assert int(info(client)["rdb_changes_since_last_save"]) > 0
    if command == "SAVE":
        assert client.call("SAVE") == "OK"
    else:
        bgsave(client)
    assert info(client)["rdb_changes_since_last_save"] == "0"
    assert abs(client.call("LASTSAVE") - time.time()) < 60
    assert files(server) == ["dump.rdb"]
    other = restart(server, kill=True).client(timeout=60)
    assert other.call("DEBUG", "DIGEST") == digest
    assert info(other)["rdb_changes_since_last_save"] == "0"
    assert other.call("DEBUG", "VERIFY") == "OK"
    assert 0 < other.call("PTTL", "ttl") <= 10 ** 8


def test_debug_reload(start):
    server = start("--enable-debug-command", "yes")
    client = server.client(timeout=60)
    fill(client, field_expiries=True)
    digest = client.call("DEBUG", "DIGEST")
    assert client.call("DEBUG", "RELOAD") == "OK"
    assert client.call("DEBUG", "DIGEST") == digest
    client.call("SET", "s0", "another")
    client.call("SET", "more", "x")
    assert client.call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE") == "OK"
    assert client.call("GET", "s0") != b"another" and client.call("GET", "more") == b"x"
    reply = client.call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")
    assert isinstance(reply, Error) and "a key twice" in server.log()
    assert isinstance(client.call("DEBUG", "RELOAD", "OTHER"), Error)


def test_a_damaged_file_is_not_reloaded(start):
    server = start("--enable-debug-command", "yes", "--save", "3600 1")
    client = server.client()
    client.call("DEBUG", "POPULATE", 100)
    library = "#!lua name=l\nredis.register_function('f', function() return 1 end)"
    assert client.call("FUNCTION", "LOAD", library) == b"l"
    assert client.call("SAVE") == "OK"
    path = server.directory / "dump.rdb"
    data, digest = path.read_bytes(), client.call("DEBUG", "DIGEST")
    for damaged in (data[:-20], data[:len(data) // 2], b"", data[:-5] + b"wrong", b"no snapshot"):
        path.write_bytes(damaged)
        assert "Nothing was flushed" in client.call("DEBUG", "RELOAD", "NOSAVE")
        assert client.call("DEBUG", "DIGEST") == digest and client.call("FCALL", "f", 0) == 1
    assert "cannot be loaded" in server.log()
    path.unlink()
    assert "Nothing was flushed" in client.call("DEBUG", "RELOAD", "NOSAVE")
    path.write_bytes(data)
    assert client.call("DEBUG", "RELOAD", "NOSAVE") == "OK"
    assert client.call("DEBUG", "DIGEST") == digest


def test_half_of_a_file_is_not_served(start):
    """What only loading can find, behind FLUSHALL: a key twice. It is not saved over anything."""
    server = start("--enable-debug-command", "yes", "--save", "3600 1")
    client = server.client()
    client.call("SET", "k", "v")
    twice = b"REDIS0010\xfe\x00" + b"\x00\x01a\x011" * 2 + b"\xff" + bytes(8)
    (server.directory / "dump.rdb").write_bytes(twice)
    with pytest.raises(OSError):
        client.call("DEBUG", "RELOAD", "NOSAVE")
    assert server.process.wait(20) == 1
    assert "a key twice" in server.log() and "is not whole" in server.log()
    assert (server.directory / "dump.rdb").read_bytes() == twice


def content_of(client):
    """Digests, and what they leave out of streams."""
    content = []
    for db in (0, 7):
        client.call("SELECT", db)
        for key in sorted(client.call("KEYS", "*")):
            if client.call("TYPE", key) != "stream":
                content.append((db, key, client.call("DEBUG", "DIGEST-VALUE", key)))
                continue
            content.append((db, key, client.call("XRANGE", key, "-", "+")))
            content.append(client.call("XPENDING", key, "g"))
            content.append(client.call("XINFO", "GROUPS", key))
    client.call("SELECT", 0)
    return content


def test_files_are_exchanged_with_redis(start, restart, tmp_path):
    if not REDIS_SERVER:
        pytest.fail("redis-server is not installed: tools/setup.sh build test")
    server = start("--enable-debug-command", "yes", "--rdb-version", "10")
    client = server.client(timeout=60)
    fill(client)
    content = content_of(client)
    bgsave(client)
    theirs = tmp_path / "redis"
    theirs.mkdir()
    shutil.copy(server.directory / "dump.rdb", theirs)
    if shutil.which("redis-check-rdb"):
        checked = subprocess.run(["redis-check-rdb", theirs / "dump.rdb"], capture_output=True,
                                 check=False)
        assert checked.returncode == 0 and b"RDB looks OK" in checked.stdout, checked.stdout
    redis = running(REDIS_SERVER, theirs, "--save", "", "--enable-debug-command", "yes")
    try:
        with Client(redis.port, timeout=60) as peer:
            assert content_of(peer) == content
            peer.call("SET", "theirs", "x")
            content = content_of(peer)
            assert peer.call("SAVE") == "OK"
    finally:
        redis.stop(signal.SIGKILL)
    shutil.copy(theirs / "dump.rdb", server.directory)
    other = restart(server, kill=True).client(timeout=60)
    assert content_of(other) == content


def test_save_points(start):
    server = start("--save", "1 10")
    client = server.client()
    for i in range(9):
        client.call("SET", f"k{i}", i)
    time.sleep(2.5)
    assert files(server) == []
    client.call("SET", "k9", 9)
    until(lambda: files(server) == ["dump.rdb"])
    until(lambda: info(client)["rdb_bgsave_in_progress"] == "0")
    assert "10 changes in 1 seconds. Saving..." in server.log()
    client.call("SET", "last", "x")
    assert server.stop() == 0
    assert "Saving the final RDB snapshot before exiting." in server.log()


def test_a_snapshot_is_of_one_moment(start, restart):
    """Items move between lists, one command each: a file of one moment has every item once."""
    server = start("--rdb-key-save-delay", "300", "--hz", "100")
    client = server.client(timeout=60)
    items = 3000
    for i in range(items):
        client.call("RPUSH", f"l{i % 50}", f"item-{i}")
        client.call("SET", f"filler{i % 500}", i)
    r = random.Random(3)
    for _ in range(2):
        assert client.call("BGSAVE") == "Background saving started"
        while info(client)["rdb_bgsave_in_progress"] == "1":
            for _ in range(200):
                client.send("LMOVE", f"l{r.randrange(50)}", f"l{r.randrange(70)}", "LEFT", "RIGHT")
                client.send("DEL", f"filler{r.randrange(500)}")
            for _ in range(400):
                client.read()
        assert info(client)["rdb_last_bgsave_status"] == "ok"
        for i in range(500):
            client.call("SET", f"filler{i}", i)
    after = restart(server, kill=True).client(timeout=60)
    found = []
    for i in range(70):
        found += after.call("LRANGE", f"l{i}", 0, -1)
    assert sorted(found) == sorted(b"item-%d" % i for i in range(items))
    assert after.call("DBSIZE") >= 500


def test_flushall_during_bgsave(start):
    server = start("--rdb-key-save-delay", "1000", "--enable-debug-command", "yes")
    client = server.client()
    client.call("DEBUG", "POPULATE", 5000)
    assert client.call("BGSAVE") == "Background saving started"
    assert client.call("BGSAVE") == "ERR Background save already in progress"
    assert client.call("SAVE") == "ERR Background save already in progress"
    assert int(info(client)["current_save_keys_total"]) == 5000
    client.call("FLUSHALL")
    until(lambda: info(client)["rdb_bgsave_in_progress"] == "0" and files(server) == ["dump.rdb"])
    assert info(client)["rdb_last_bgsave_status"] == "ok"
    client.call("SET", "later", "x")
    assert client.call("DEBUG", "RELOAD", "NOSAVE") == "OK"
    assert client.call("KEYS", "*") == []  # nothing of before FLUSHALL, nothing of after the save


def test_a_directory_that_cannot_be_written(start, tmp_path):
    server = start("--save", "3600 1", "--enable-protected-configs", "yes")
    client = server.client()
    gone = tmp_path / "gone"
    gone.mkdir()
    client.call("SET", "k", "v")
    assert client.call("SAVE") == "OK"
    assert client.call("CONFIG", "SET", "dir", gone) == "OK"
    gone.rmdir()
    assert isinstance(client.call("SAVE"), Error)
    client.call("BGSAVE")
    until(lambda: info(client)["rdb_last_bgsave_status"] == "err")
    assert "Background saving failed: open: No such file or directory" in server.log()
    assert client.call("SET", "k", "w").startswith("MISCONF")
    assert client.call("PING").startswith("MISCONF")
    assert client.call("GET", "k") == b"v"
    assert client.call("SHUTDOWN") == "ERR Errors trying to SHUTDOWN. Check logs."
    server.process.send_signal(signal.SIGTERM)
    until(lambda: "the server goes on" in server.log())
    assert client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no") == "OK"
    assert client.call("SET", "k", "w") == "OK"
    assert client.call("CONFIG", "SET", "dir", server.directory) == "OK"
    bgsave(client)
    assert client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes") == "OK"
    assert client.call("SET", "k", "x") == "OK"
    assert files(server) == ["dump.rdb"]


def test_a_killed_process_leaves_the_older_file(start, restart):
    server = start("--rdb-key-save-delay", "1000", "--enable-debug-command", "yes")
    client = server.client()
    client.call("SET", "old", "x")
    assert client.call("SAVE") == "OK"
    client.call("DEBUG", "POPULATE", 5000)
    assert client.call("BGSAVE") == "Background saving started"
    until(lambda: int(info(client)["current_save_keys_processed"]) > 10)
    other = restart(server, kill=True).client()
    assert other.call("KEYS", "*") == [b"old"]


def test_shutdown(start, restart):
    server = start()
    client = server.client()
    client.call("SET", "k", "1")
    client.send("SHUTDOWN", "SAVE")
    assert server.process.wait(20) == 0
    assert files(server) == ["dump.rdb"]
    other = restart(server, "--save", "3600 1")
    client = other.client()
    assert client.call("GET", "k") == b"1"
    client.call("SET", "k", "2")
    client.send("SHUTDOWN", "NOSAVE")
    assert other.process.wait(20) == 0
    client = restart(server).client()
    assert client.call("GET", "k") == b"1"


@pytest.mark.parametrize("damage, reason", [
    (lambda data: data[:-20], "at byte"),
    (lambda data: data[:60] + bytes([data[60] ^ 0x55]) + data[61:], "at byte"),
    (lambda data: b"REDIS0099" + data[9:], "version"),
    (lambda data: b"nothing of the kind", "at byte")])
def test_a_damaged_file_ends_the_start(start, snug_program, tmp_path, damage, reason):
    server = start("--enable-debug-command", "yes")
    client = server.client()
    client.call("DEBUG", "POPULATE", 100)
    assert client.call("SAVE") == "OK"
    path = server.directory / "dump.rdb"
    data = path.read_bytes()
    server.stop()
    path.write_bytes(damage(data))
    with pytest.raises(RuntimeError, match="the server ended \\(1\\)") as raised:
        running(snug_program, server.directory).process.kill()
    assert "cannot be loaded" in str(raised.value) and reason in str(raised.value)


def test_a_snapshot_that_takes_too_much_memory_is_given_up(start):
    server = start("--rdb-key-save-delay", "2000", "--snapshot-memory-limit", "1mb",
                   "--enable-debug-command", "yes")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 2000)
    for i in range(300):
        client.call("RPUSH", "big", b"x" * 5000)
    assert client.call("BGSAVE") == "Background saving started"
    for i in range(40):
        for _ in range(100):
            client.send("LSET", "big", i * 7, b"y" * 5000)
            client.send("SET", f"key:{i}", b"z" * 100)
        for _ in range(200):
            client.read()
    until(lambda: info(client)["rdb_bgsave_in_progress"] == "0")
    assert int(info(client)["snapshot_memory_peak_bytes"]) < 3 * 1024 * 1024
    assert client.call("PING") == "PONG"


@pytest.mark.parametrize("command", [("DEL", "big"), ("LTRIM", "big", 1000, 1001),
                                     ("SET", "big", "x"), ("EXPIRE", "big", -1)])
def test_one_command_on_a_large_value_does_not_end_the_snapshot(start, command):
    server = start("--rdb-key-save-delay", "200", "--snapshot-memory-limit", "1mb",
                   "--enable-debug-command", "yes", "--save", "3600 1")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 2000)
    client.pipeline(*(("RPUSH", "big", b"x" * 5000) for _ in range(1000)))
    assert client.call("BGSAVE") == "Background saving started"
    assert not isinstance(client.call(*command), Error)
    for i in range(50):
        assert client.call("SET", f"key:{i}", "changed") == "OK"
    until(lambda: info(client)["rdb_bgsave_in_progress"] == "0")
    assert info(client)["rdb_last_bgsave_status"] == "ok"
    assert client.call("DEBUG", "RELOAD", "NOSAVE") == "OK"
    assert client.call("LLEN", "big") == 1000
    assert client.call("GET", "key:0") == b"value:0"


def test_clients_are_answered_while_a_file_is_loaded(start, snug_program):
    server = start("--enable-debug-command", "yes")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 20000 if CHECKED_BUILD else 400000, "key", 100)
    assert client.call("SAVE") == "OK"
    assert client.call("DBSIZE") > 0
    server.stop(signal.SIGKILL)
    other = running(snug_program, server.directory, "--loading-process-events-interval-bytes",
                    "1024", "--enable-debug-command", "yes", loaded=False)
    try:
        with Client(other.port, timeout=60) as probe:
            replies, loading = set(), {}
            until(lambda: replies.add(str(probe.call("DBSIZE"))[:7]) or
                  replies.add(str(probe.call("DEBUG", "POPULATE", 1, "key"))[:7]) or
                  loading.update(info(probe)) or loading["loading"] == "0")
            assert all(reply in ("LOADING", "OK") or reply.isdigit() for reply in replies)
            assert probe.call("DBSIZE") in (20000, 400000)
    finally:
        assert other.stop() == 0


def test_loading_can_be_slowed(start, snug_program):
    server = start("--enable-debug-command", "yes", "--save", "")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 200)
    assert client.call("SAVE") == "OK"
    server.stop(signal.SIGKILL)
    other = running(snug_program, server.directory, "--key-load-delay", "50000", loaded=False)
    try:
        with Client(other.port, timeout=60) as probe:
            assert probe.call("GET", "key:0").startswith("LOADING")
            assert info(probe)["loading"] == "1"
            assert probe.call("CONFIG", "SET", "key-load-delay", 0) == "OK"
            until(lambda: info(probe)["loading"] == "0", 5)
            assert probe.call("DBSIZE") == 200
    finally:
        assert other.stop() == 0


def test_nothing_is_executed_behind_shutdown(start, restart):
    """What has no reply is not done, and what is done is in the file."""
    server = start("--enable-debug-command", "yes")
    client = server.client()
    client.call("SET", "before", "1")
    client.socket.sendall(b"SHUTDOWN SAVE\r\nSET behind 1\r\nPING\r\n")
    assert client.read_all() == b""
    assert server.process.wait(20) == 0
    client = restart(server).client()
    assert client.call("KEYS", "*") == [b"before"]


def test_a_shutdown_that_fails_lets_the_snapshot_go_on(start):
    server = start("--rdb-key-save-delay", "5000", "--enable-debug-command", "yes",
                   "--enable-protected-configs", "yes")
    client = server.client(timeout=60)
    client.call("DEBUG", "POPULATE", 40)
    (server.directory / "taken").mkdir()
    assert client.call("BGSAVE") == "Background saving started"
    client.call("CONFIG", "SET", "dbfilename", "taken")  # it cannot take the name of a directory
    assert client.call("SHUTDOWN", "SAVE").startswith("ERR Errors trying to SHUTDOWN")
    (server.directory / "taken").rmdir()
    until(lambda: (server.directory / "taken").is_file())
    assert info(client)["rdb_last_bgsave_status"] == "ok"
