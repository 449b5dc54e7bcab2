"""Where memory went: the named parts add up to what the kernel says is resident."""

import random
import re
import time

import pytest

from conftest import CHECKED_BUILD
from test_memory import MB, pairs, resident

pytestmark = pytest.mark.skipif(CHECKED_BUILD, reason="checks hold memory of their own")

OF_HEAP = ("data.string", "data.list", "data.set", "data.zset", "data.hash", "data.stream",
           "heap.free-cells", "heap.free-spans", "heap.tables")


def parts(client):
    told = pairs(client.call("MEMORY", "STATS"))
    return {name[len("resident."):]: value for name, value in told.items()
            if name.startswith("resident.")}


def named(server, client):
    """The parts, when all of them make up what the kernel counts."""
    told = parts(client)
    unnamed = told.pop("unnamed")
    real = resident(server)
    bound = real * 0.02 + MB
    assert abs(sum(told.values()) - real) < bound, (real, unnamed, told)
    assert all(value >= 0 for value in told.values())
    return told


def settle(server, client, seconds=5):
    """Until what was freed has gone back."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told = pairs(client.call("MEMORY", "STATS"))
        if told["heap.free-spans"] < MB and (client.call("DBSIZE") or not told["heap.allocated"]):
            break
        time.sleep(0.1)
    return named(server, client)


def load(client, kind, count):
    commands = {"string": lambda n: ("SET", f"s{n}", "x" * (n % 200)),
                "list": lambda n: ("RPUSH", f"l{n % 50}", f"item{n}"),
                "set": lambda n: ("SADD", f"e{n % 50}", f"member{n}"),
                "zset": lambda n: ("ZADD", f"z{n % 50}", n, f"member{n}"),
                "hash": lambda n: ("HSET", f"h{n % 50}", f"field{n}", n),
                "stream": lambda n: ("XADD", f"x{n % 50}", "*", "field", n)}
    make = commands[kind]
    for first in range(0, count, 5000):
        client.pipeline(*[make(n) for n in range(first, min(first + 5000, count))])


def test_an_empty_server(start):
    server = start()
    told = named(server, server.client())
    assert told["code"] > MB and told["server"] > MB / 2
    assert sum(told[name] for name in OF_HEAP) < MB / 8


@pytest.mark.parametrize("kind", ["string", "list", "set", "zset", "hash", "stream"])
def test_each_type_has_its_share(start, kind):
    server = start()
    client = server.client()
    load(client, kind, 60000)
    told = named(server, client)
    assert told[f"data.{kind}"] > 60000 * 5
    others = [told[name] for name in OF_HEAP if name.startswith("data.") and kind not in name]
    assert sum(others) == 0
    client.call("FLUSHALL")
    told = settle(server, client)
    assert told[f"data.{kind}"] == 0 and told["index"] < MB / 8


def test_a_key_changes_its_type_and_goes(client):
    def bytes_of():
        return {name: value for name, value in parts(client).items()
                if name.startswith("data.") and value > 0}
    client.call("SET", "x", "y" * 100)
    assert set(bytes_of()) == {"data.string"}
    first = bytes_of()
    client.call("EXPIRE", "x", 1000)
    client.call("RENAME", "x", "y")
    client.call("PERSIST", "y")
    assert bytes_of() == first
    client.call("SORT", "nokey", "STORE", "y")
    assert bytes_of() == {}
    client.call("RPUSH", "list", 3, 1, 2)
    client.call("SET", "y", "a" * 100)
    client.call("SORT", "list", "STORE", "y")
    assert set(bytes_of()) == {"data.list"}
    client.call("SET", "y", "a" * 100000)
    client.call("HSET", "h", "f", "a" * 100000)
    told = bytes_of()
    assert set(told) == {"data.list", "data.string", "data.hash"}
    assert 100000 < told["data.string"] < 106000 and 100000 < told["data.hash"] < 106000
    client.call("DEL", "y", "h", "list")
    time.sleep(0.1)
    assert bytes_of() == {}


def test_mixed_and_fragmented_and_healed(start):
    server = start("--enable-debug-command", "yes", "--activedefrag", "no",
                   "--active-defrag-ignore-bytes", "1mb", "--active-defrag-threshold-lower", "5")
    client = server.client()
    client.call("DEBUG", "POPULATE", 200000, "key", 120)
    for kind in ("list", "set", "zset", "hash", "stream"):
        load(client, kind, 20000)
    client.pipeline(*[("PEXPIRE", f"key:{n}", 10**7) for n in range(0, 200000, 10)])
    named(server, client)
    client.pipeline(*[("DEL", f"key:{n}") for n in range(200000) if n % 4])
    told = settle(server, client)
    assert told["heap.free-cells"] > 15 * MB, (told, client.call("DBSIZE"))
    client.call("CONFIG", "SET", "activedefrag", "yes")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and parts(client)["heap.free-cells"] > 3 * MB:
        time.sleep(0.1)
    told = settle(server, client)
    assert told["heap.free-cells"] <= 3 * MB
    client.call("FLUSHALL", "SYNC")
    client.call("SET", "one", 1)
    told = settle(server, client)
    assert sum(told[name] for name in OF_HEAP) < 2 * MB


def test_clients_have_their_share(start):
    server = start("--client-output-buffer-limit", "pubsub", 0, 0, 0)
    client = server.client()
    before = named(server, client)
    waiting = [server.client() for _ in range(100)]
    for number, other in enumerate(waiting):
        other.call("SUBSCRIBE", *[f"channel{number}-{n}" for n in range(50)])
    told = named(server, client)
    assert told["clients.structs"] > before["clients.structs"] + 100 * 300
    assert told["clients.tables"] > 100 * 50 * 60
    client.call("SET", "big", "x" * MB)
    for other in waiting[:20]:
        other.send("UNSUBSCRIBE")
        for _ in range(50):
            other.read()
        for _ in range(4):
            other.send("GET", "big")
    other = server.client()
    other.socket.sendall(b"*2\r\n$4\r\nECHO\r\n$20000000\r\n" + b"x" * (10 * MB))
    time.sleep(0.5)
    told = named(server, client)
    assert told["clients.output"] + told["data.string"] > 10 * MB
    assert told["clients.input"] > 10 * MB


def test_scripts_functions_and_the_log(start):
    server = start("--appendonly", "yes")
    client = server.client()
    for number in range(1000):
        client.call("EVAL", f"return {number}", 0)
    client.call("EVAL", "local t = {} for i = 1, 200000 do t[i] = i end kept = nil return #t", 0)
    client.call("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', "
                "function() return 1 end)")
    load(client, "string", 20000)
    told = named(server, client)
    assert told["scripts"] > 100000 and told["functions"] > 1000


def test_while_a_snapshot_is_written(start):
    server = start("--snapshot-memory-limit", "64mb")
    client = server.client()
    load(client, "string", 50000)
    load(client, "hash", 100000)
    client.call("BGSAVE")
    for _ in range(5):
        load(client, "hash", 20000)
        named(server, client)
    time.sleep(1)
    assert named(server, client)["snapshot"] == 0


def test_info_says_the_same(start):
    server = start()
    client = server.client()
    load(client, "string", 30000)
    lines = client.call("INFO", "memory").decode().split("\r\n")
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    ours = {name: int(value) for name, value in told.items() if name.startswith("resident_")}
    assert sum(ours.values()) == int(told["used_memory_rss"])
    stats = parts(client)
    assert set(ours) == {"resident_" + re.sub("[.-]", "_", name) for name in stats}
    assert ours["resident_data_string"] == stats["data.string"]


def test_rounding_is_what_the_heap_adds(start):
    """Within cells: for strings of every size together some 2 to 4 %."""
    server = start()
    client = server.client()
    draw = random.Random(7)
    client.pipeline(*[("SET", f"k{n}", "x" * draw.randrange(1, 3000)) for n in range(20000)])
    told = pairs(client.call("MEMORY", "STATS"))
    share = told["heap.rounding"] / told["heap.allocated"]
    assert 0.002 < share < 0.03
