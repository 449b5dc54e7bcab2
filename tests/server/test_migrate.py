"""MIGRATE: keys go to another server, Snug or redis-server, and only then are gone here."""

import socket
import threading
import time

import pytest

from conftest import free_port
from resp import Client

CONNECTING = "IOERR error or timeout connecting to the client"
READING = "IOERR error or timeout reading from target instance"


@pytest.fixture(params=["snug", "redis"])
def target(request, start):
    """A connection to a server that keys go to; its port is target.port."""
    if request.param == "redis":
        oracle = request.getfixturevalue("oracle")
        client = Client(oracle.port)
        client.port = oracle.port
        client.call("FLUSHALL")
        yield client
        client.call("FLUSHALL")
        client.close()
    else:
        server = start()
        with Client(server.port) as client:
            client.port = server.port
            yield client


@pytest.fixture
def here(server, client, options):
    options(rdb_version=10)
    client.port = server.port

    def migrate(port, *arguments):
        return client.call("MIGRATE", "127.0.0.1", port, *arguments)
    client.migrate = migrate
    return client


def test_keys_go(here, target):
    here.call("SET", "k", "v", "PX", 100_000)
    here.call("RPUSH", "l", *range(2000))
    here.call("XADD", "x", "1-1", "f", "v")
    digest = here.call("DEBUG", "DIGEST-VALUE", "l")
    for name in "k", "l", "x":
        assert here.migrate(target.port, name, 0, 5000) == "OK"
        assert here.call("EXISTS", name) == 0
    assert here.migrate(target.port, "k", 0, 5000) == "NOKEY"
    assert target.call("GET", "k") == b"v" and 90_000 < target.call("PTTL", "k") <= 100_000
    assert target.call("LLEN", "l") == 2000 and target.call("LINDEX", "l", -1) == b"1999"
    assert target.call("XRANGE", "x", "-", "+") == [[b"1-1", [b"f", b"v"]]]
    for name in "k", "l", "x":  # and back
        target.call("MIGRATE", "127.0.0.1", here.port, name, 0, 5000)
    assert here.call("DEBUG", "DIGEST-VALUE", "l") == digest


def test_options(here, target):
    here.call("MSET", "a", 1, "b", 2, "c", 3)
    assert here.migrate(target.port, "a", 3, 5000, "COPY") == "OK"
    assert here.call("GET", "a") == b"1"
    busy = here.migrate(target.port, "a", 3, 5000)
    assert busy == "ERR Target instance replied with error: BUSYKEY Target key name already exists."
    assert here.call("GET", "a") == b"1"
    assert here.migrate(target.port, "a", 3, 5000, "replace") == "OK"
    assert here.migrate(target.port, "", 3, 5000, "KEYS", "a", "b", "no", "c", "b") == \
        "ERR Target instance replied with error: BUSYKEY Target key name already exists."
    assert here.call("DBSIZE") == 0
    assert here.migrate(target.port, "", 3, 5000, "KEYS", "a", "b") == "NOKEY"
    assert here.migrate(target.port, "", 3, 5000, "KEYS") == "NOKEY"
    assert target.call("DBSIZE") == 0
    target.call("SELECT", 3)
    assert target.call("MGET", "a", "b", "c") == [b"1", b"2", b"3"]
    target.call("SELECT", 0)
    here.call("SET", "a", 1)
    assert here.migrate(target.port, "a", 99, 5000) == \
        "ERR Target instance replied with error: ERR DB index is out of range"
    assert here.call("GET", "a") == b"1"


def test_a_big_value_and_many_keys(here, target):
    here.call("SETRANGE", "big", 5_000_000, "end")
    names = [f"key{i}" for i in range(300)]
    here.call("MSET", *[word for name in names for word in (name, name)])
    assert here.migrate(target.port, "", 0, 30_000, "KEYS", "big", *names) == "OK"
    assert here.call("DBSIZE") == 0 and target.call("DBSIZE") == 301
    assert target.call("STRLEN", "big") == 5_000_003


def test_connections_are_kept(here, target):
    def accepted():
        text = target.call("INFO", "stats").decode()
        return int(text.split("total_connections_received:")[1].split("\r")[0])
    here.call("MSET", "a", 1, "b", 2, "c", 3, "d", 4)
    here.migrate(target.port, "a", 0, 5000)
    before = accepted()
    assert here.migrate(target.port, "b", 0, 5000) == "OK"
    assert accepted() == before
    target.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert here.migrate(target.port, "c", 0, 5000) == "OK"
    assert accepted() == before + 1
    assert here.migrate(target.port, "d", 1, 5000) == "OK"
    assert target.call("DBSIZE") == 3


@pytest.mark.slow
def test_idle_connections_are_closed(here, target):
    here.call("SET", "a", 1)
    here.migrate(target.port, "a", 0, 5000)
    def kept():
        return int(here.call("INFO", "stats").split(b"migrate_cached_sockets:")[1].split(b"\r")[0])
    assert kept() > 0 and target.call("CLIENT", "LIST").count(b"cmd=restore") == 1
    deadline = time.monotonic() + 40
    while kept() > 0 or b"cmd=restore" in target.call("CLIENT", "LIST"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_passwords(here, start):
    target = start("--requirepass", "secret")
    here.call("MSET", "a", 1, "b", 2, "c", 3)
    assert here.migrate(target.port, "a", 0, 5000).startswith(
        "ERR Target instance replied with error: NOAUTH")
    assert here.migrate(target.port, "a", 0, 5000, "AUTH", "wrong").startswith(
        "ERR Target instance replied with error: WRONGPASS")
    assert here.call("DBSIZE") == 3
    assert here.migrate(target.port, "a", 0, 5000, "AUTH", "secret") == "OK"
    assert here.migrate(target.port, "b", 0, 5000, "AUTH2", "default", "secret") == "OK"
    assert here.call("DBSIZE") == 1
    assert here.migrate(target.port, "", 0, 5000, "AUTH", "KEYS", "KEYS", "c").startswith(
        "ERR Target instance replied with error: WRONGPASS")


def test_errors(both):
    both.call("SET", "k", "v")
    port = free_port()
    for arguments in [("k", 0, 50), ("no", 0, 50), ("k", "x", 50), ("k", 0, "x"), ("k", "x", "y"),
                      ("k", 0, 50, "NONSENSE"), ("k", 0, 50, "AUTH"), ("k", 0, 50, "AUTH2", "u"),
                      ("k", 0, 50, "KEYS", "a"), ("", 0, 50, "KEYS", "no"), ("", 0, 50),
                      ("k", 0), ("k", 0, 50, "COPY", "REPLACE"), ("k", 0, -1)]:
        both.call("MIGRATE", "127.0.0.1", port, *arguments)
    both.call("COMMAND", "GETKEYS", "MIGRATE", "h", 1, "k", 0, 50)
    both.call("COMMAND", "GETKEYS", "MIGRATE", "h", 1, "", 0, 50, "COPY", "KEYS", "a", "b")
    both.call("GET", "k")


@pytest.mark.parametrize("answers", [b"", b"+OK", b"+OK\r\n+OK", b"x" * 3000])
def test_a_target_that_says_too_little(here, answers):
    """What it has taken is gone, all else stays."""
    here.call("MSET", "a", 1, "b", 2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(10000)
                connection.sendall(answers)
                time.sleep(0.6 if len(answers) < 1000 else 0)
        thread = threading.Thread(target=serve)
        thread.start()
        assert here.migrate(listener.getsockname()[1], "", 0, 200, "KEYS", "a", "b") == READING
        thread.join()
    assert here.call("MGET", "a", "b") == [b"1", b"2"]
    assert here.migrate("x", "a", 0, 200) == CONNECTING
    assert here.migrate(65536, "a", 0, 200) == CONNECTING


def test_what_it_tells(here, target):
    here.call("MSET", "a", 1, "b", 2, "c", 3)
    here.call("DEBUG", "EFFECTS", "ON")
    try:
        here.migrate(target.port, "a", 0, 5000, "COPY")
        assert here.call("DEBUG", "EFFECTS", "TAKE") == []
        here.migrate(target.port, "", 0, 5000, "REPLACE", "KEYS", "a", "no", "b")
        assert here.call("DEBUG", "EFFECTS", "TAKE") == [[0, b"DEL", b"a", b"b"]]
    finally:
        here.call("DEBUG", "EFFECTS", "OFF")
