"""Generated keyspaces go to redis-server and come from it, as snapshots and as logs, unchanged."""

import random
import shutil
import signal
import time

import pytest

from command_generators import FOCI, sequence
from conftest import CHECKED_BUILD, REDIS_SERVER, running
from differential import EMPTY
from generators.primitives import Source
from raw import Raw
from resp import Client
from test_persistence import info, until

DATABASES = (0, 3, 15)
SEEDS = range(1 if CHECKED_BUILD else 3)
LENGTH = 250
DEBUG = ("--save", "", "--enable-debug-command", "yes")
FORMS = {"redis": (), "snug": ("--rdb-version", "10")}
FUNCTION = "#!lua name=%s\nredis.register_function('%s', function(keys, args) return %d end)"


@pytest.fixture(scope="module")
def programs(snug_program):
    if not REDIS_SERVER:
        pytest.fail("redis-server is not installed: tools/setup.sh build test")
    return {"snug": snug_program, "redis": REDIS_SERVER}


@pytest.fixture(scope="module")
def kept(programs, tmp_path_factory):
    """One server of each, for the snapshots of all tests."""
    servers = {name: running(program, tmp_path_factory.mktemp(name), *DEBUG, *FORMS[name])
               for name, program in programs.items()}
    yield servers
    for server in servers.values():
        server.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def known(kept):
    """Commands that both have."""
    lists = []
    for server in kept.values():
        with server.client(timeout=60) as client:
            lists.append({name.decode() for name in client.call("COMMAND", "LIST")})
    return lists[0] & lists[1]


def send(port, commands):
    connection = Raw(port)
    connection.send(commands)
    for _ in commands:
        connection.read()
    connection.close()


def generate(port, known, seed, focus, options=True):
    """Commands of the differential test, in some databases. Without `options` thresholds stay:
    a log is run by those of who loads it, and one of them changes the bytes of a HyperLogLog."""
    for db in DATABASES:
        r = Source(f"exchange {seed} {focus} {db}", keys_used=3 + seed)
        found = sequence(r, focus, known, LENGTH)
        if not options:
            found = [command for command in found if command[0].lower() != b"config"]
        send(port, [("SELECT", db), *found])


def lasting(client, seed):
    """Expiries are made such that last, and are within the years that we count. A score of -0 is 0
    to whom a file gives it in a listpack, as to Redis itself."""
    r = random.Random(seed)
    for db in range(16):
        client.call("SELECT", db)
        for key in client.call("KEYS", "*"):
            pairs = client.call("ZRANGE", key, 0, -1, "WITHSCORES") \
                if client.call("TYPE", key) == "zset" else []
            for member, score in zip(pairs[::2], pairs[1::2]):
                if score == b"-0":
                    client.call("ZREM", key, member)
                    client.call("ZADD", key, 0, member)
        for i in range(5):
            client.call("SET", f"lasting{i}", r.randbytes(r.randrange(40)))
        for key in sorted(client.call("KEYS", "*")):
            if r.random() < 0.4:
                client.call("PEXPIREAT", key, 4 * 10 ** 12 + r.randrange(10 ** 12))
            else:
                client.call("PERSIST", key)
    client.call("SELECT", 0)
    client.call("FUNCTION", "LOAD", "REPLACE", FUNCTION % (f"lasting{seed}", f"f{seed}", seed))


def content(client, groups):
    """All that a file must bring over; `groups`: with what groups of streams know."""
    found = [client.call("DEBUG", "DIGEST")]
    for db in range(16):
        client.call("SELECT", db)
        for key in sorted(client.call("KEYS", "*")):
            kind = client.call("TYPE", key)
            found.append((db, key, kind, client.call("PEXPIRETIME", key),
                          client.call("DEBUG", "DIGEST-VALUE", key)))
            if kind == "stream":
                found.append(client.call("XRANGE", key, "-", "+"))
                found.append(client.call("XINFO", "GROUPS", key) if groups else None)
    client.call("SELECT", 0)
    libraries = client.call("FUNCTION", "LIST", "WITHCODE")
    return found + sorted(library[-1] for library in libraries)


def check(found, wanted, seed):
    differences = [pair for pair in zip(found[1:], wanted[1:]) if pair[0] != pair[1]]
    assert len(found) == len(wanted) and not differences, (seed, differences[:3])
    assert found[0] == wanted[0], seed


def other_than(name):
    return "redis" if name == "snug" else "snug"


@pytest.mark.parametrize("focus", FOCI)
@pytest.mark.parametrize("source", FORMS)
def test_snapshots(kept, known, source, focus):
    """There, and back again."""
    ours, theirs = kept[source], kept[other_than(source)]
    with ours.client(timeout=60) as client, theirs.client(timeout=60) as other:
        for seed in SEEDS:
            send(ours.port, EMPTY)
            generate(ours.port, known, seed, focus)
            lasting(client, seed)
            before = content(client, True)
            assert client.call("SAVE") == "OK"
            shutil.copy(ours.directory / "dump.rdb", theirs.directory)
            assert other.call("DEBUG", "RELOAD", "NOSAVE") == "OK"
            check(content(other, True), before, seed)
            assert other.call("SAVE") == "OK"
            shutil.copy(theirs.directory / "dump.rdb", ours.directory)
            assert client.call("DEBUG", "RELOAD", "NOSAVE") == "OK"
            check(content(client, True), before, seed)


@pytest.mark.parametrize("preamble", ["yes", "no"], ids=["snapshot", "commands"])
@pytest.mark.parametrize("source", FORMS)
def test_logs(programs, start, known, source, preamble):
    """Half of it stands in the base, half behind it."""
    log = (*DEBUG, "--appendonly", "yes", "--aof-use-rdb-preamble", preamble)
    for seed in SEEDS:
        server = start(*log, *FORMS[source], program=programs[source])
        with server.client(timeout=60) as client:
            generate(server.port, known, seed, "mixed", options=False)
            until(lambda: info(client)["aof_rewrite_in_progress"] == "0")
            assert client.call("BGREWRITEAOF") == "Background append only file rewriting started"
            until(lambda: info(client)["aof_rewrite_in_progress"] == "0")
            generate(server.port, known, seed + 100, "mixed", options=False)
            lasting(client, seed)
            time.sleep(0.1)
            before = content(client, False)
        assert server.stop() == 0
        name = other_than(source)
        other = running(programs[name], server.directory, *log, *FORMS[name])
        try:
            with Client(other.port, timeout=60) as client:
                check(content(client, False), before, seed)
        finally:
            other.stop(signal.SIGKILL)
