"""MEMORY PREVIEW beside what then really happens."""

import random
import subprocess
import time

import pytest

from conftest import CHECKED_BUILD
from resp import Error
from test_memory import MB, memory, pairs

figures = pytest.mark.skipif(CHECKED_BUILD, reason="figures are looked at in builds without checks")


@pytest.fixture
def client(client):
    """The server is shared: what a test sets it gives back."""
    yield client
    client.call("CONFIG", "SET", "hash-max-listpack-entries", 512, "zset-max-listpack-entries", 128,
                "set-max-listpack-entries", 128, "stream-node-max-entries", 100,
                "hll-sparse-max-bytes", 3000)


def preview(client, *words):
    return pairs(client.call("MEMORY", "PREVIEW", *words))


def fragment(client, sizes, count=100000, keep=0.3):
    draw = random.Random(3)
    for size in sizes:
        client.call("DEBUG", "POPULATE", count, f"k{size}", size)
        names = [f"k{size}:{n}" for n in range(count) if draw.random() > keep]
        for first in range(0, len(names), 1000):
            client.call("DEL", *names[first:first + 1000])


def test_refusals(client):
    for words in (("DEFRAG", 1), ("nothing",), ("maxmemory", 5), ("hash-max-listpack-entries",),
                  ("hash-max-listpack-entries", "x"), ("hash-max-listpack-entries", -1),
                  ("stream-node-max-bytes", "5xb")):
        assert isinstance(client.call("MEMORY", "PREVIEW", *words), Error), words
    assert client.call("CONFIG", "GET", "hash-max-listpack-entries")[1] == b"512"


def test_both_protocols(any_client):
    told = preview(any_client, "DEFRAG")
    assert told["returned-bytes"] == 0 and told["would-run"] == 0
    told = preview(any_client, "hash-max-ziplist-entries", 10)
    assert told["option"] == b"hash-max-listpack-entries" and told["type"] == b"hash"
    assert told["says"] == b"No value of that type was found."


# --- DEFRAG ---------------------------------------------------------------------------------------

@figures
@pytest.mark.parametrize("stop", [2, 20])
def test_what_defragmentation_returns(start, stop):
    """Within a tenth of the bytes; a run ends a slice behind its bound at the most."""
    client = start("--enable-debug-command", "yes", "--activedefrag", "no",
                   "--active-defrag-ignore-bytes", "1mb", "--active-defrag-threshold-lower", stop,
                   "--active-defrag-threshold-stop", stop).client(timeout=60)
    fragment(client, (40, 130, 300))
    told, before = preview(client, "DEFRAG"), memory(client)
    assert told["would-run"] == 1 and told["reason"] == b"running"
    assert 0 < told["returned-bytes"] <= told["returned-bytes-at-most"]
    assert told["returned-bytes-at-most"] == before["heap_reclaimable_bytes"]
    assert b"CONFIG SET activedefrag yes" in told["says"]
    client.call("CONFIG", "SET", "activedefrag", "yes")
    deadline = time.monotonic() + 60
    time.sleep(0.1)
    while memory(client)["active_defrag_running"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    after = memory(client)
    returned = before["heap_active"] - after["heap_active"]
    assert returned == pytest.approx(told["returned-bytes"], rel=0.1, abs=MB)
    seconds = after["active_defrag_cpu_us"] / 1e6
    assert seconds / 6 < float(told["cpu-seconds"]) < seconds * 6


@figures
def test_what_does_not_start_returns_nothing(start):
    client = start("--enable-debug-command", "yes", "--active-defrag-ignore-bytes", "1gb").client()
    fragment(client, (130,))
    told = preview(client, "DEFRAG")
    assert told["would-run"] == told["returned-bytes"] == 0
    assert told["reason"] == b"below-ignore-bytes" and told["returned-bytes-at-most"] > 5 * MB
    assert b"active-defrag-ignore-bytes" in told["says"]


# --- options of encodings -------------------------------------------------------------------------

def held(client, kind):
    return pairs(client.call("MEMORY", "STATS"))[f"resident.data.{kind}"]


def names_of(client, keys):
    return client.pipeline(*[("OBJECT", "ENCODING", key) for key in keys])


@pytest.mark.parametrize("kind, option, make", [
    ("hash", "hash-max-listpack-entries", lambda n: ("HSET", f"k{n % 40}", f"f{n}", n)),
    ("zset", "zset-max-listpack-entries", lambda n: ("ZADD", f"k{n % 40}", n, f"m{n}")),
    ("set", "set-max-listpack-entries", lambda n: ("SADD", f"k{n % 40}", f"m{n}")),
])
def test_names_change_and_nothing_else(client, kind, option, make):
    """Forms follow bytes: a threshold of Redis changes what OBJECT ENCODING tells."""
    client.pipeline(*[make(n) for n in range(40 * 20)])
    before = held(client, kind)
    told = preview(client, option, 10)
    assert told["bytes-change"] == 0 and told["names-changed"] == 40
    assert 0 < told["keys-of-type"] <= 40  # as many as the time allowed
    assert b"Only the name" in told["says"]
    names = names_of(client, [f"k{n}" for n in range(40)])
    client.call("CONFIG", "SET", option, 10)
    client.call("DEBUG", "RELOAD")
    changed = [a != b for a, b in zip(names, names_of(client, [f"k{n}" for n in range(40)]))]
    assert sum(changed) == 40 and held(client, kind) == pytest.approx(before, abs=2048)
    told = preview(client, option, 10)
    assert told["names-changed"] == 0 and told["says"] == b"Nothing would change."


@figures
def test_nodes_of_streams(client):
    """What is previewed is what adding all anew then takes, within a twentieth."""
    def fill():
        for stream in range(30):
            client.pipeline(*[("XADD", f"x{stream}", n + 1, "field", f"value{n}")
                              for n in range(600)])
    fill()
    before = held(client, "stream")
    told = preview(client, "stream-node-max-entries", 5)
    assert 0 < told["keys-of-type"] <= 30
    assert told["bytes-change"] > before / 10
    client.call("FLUSHALL")
    client.call("CONFIG", "SET", "stream-node-max-entries", 5)
    fill()
    after = held(client, "stream")
    assert before + told["bytes-change"] == pytest.approx(after, rel=0.05)


@figures
def test_hyperloglogs_grow_dense(client):
    client.pipeline(*[("PFADD", f"p{n % 50}", f"e{n}") for n in range(50 * 200)])
    before = held(client, "string")
    told = preview(client, "hll-sparse-max-bytes", 100)
    assert told["bytes-change"] > 50 * 10000
    client.call("CONFIG", "SET", "hll-sparse-max-bytes", 100)
    client.pipeline(*[("PFADD", f"p{n}", "more", "and", "still", "more2") for n in range(50)])
    assert before + told["bytes-change"] == pytest.approx(held(client, "string"), rel=0.05)


@figures
def test_a_sample_of_many_keys(client):
    client.pipeline(*[("SET", f"s{n}", n) for n in range(20000)])
    for stream in range(2000):
        client.pipeline(*[("XADD", f"x{stream}", n + 1, "field", f"value{n}") for n in range(30)])
    before = held(client, "stream")
    told = preview(client, "stream-node-max-entries", 5)
    assert told["all-keys-looked-at"] == 0 and told["keys-looked-at"] < 22000
    assert told["keys-of-type"] > 10, told
    share = told["bytes-change"] / before
    exact = (told["sample-bytes-then"] - told["sample-bytes-now"]) / told["sample-bytes-now"]
    assert share == pytest.approx(exact, rel=0.01) and share > 0.1
    assert client.call("DEBUG", "DIGEST") == client.call("DEBUG", "DIGEST")
    assert client.call("DBSIZE") == 22000


def test_keys_that_expire_meanwhile_are_in_a_snapshot(start):
    """Drawing keys removes expired ones: a big value of these is kept until it has been saved."""
    server = start("--rdb-key-save-delay", "3000", "--enable-debug-command", "yes",
                   "--rdb-version", "10", "--save", "")
    client = server.client(timeout=60)
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    client.call("DEBUG", "POPULATE", 1500)
    fields = [word for n in range(600) for word in (f"field{n}", f"value of {n}")]
    client.pipeline(*[("HSET", f"big{n}", *fields) for n in range(600)])
    client.pipeline(*[("PEXPIRE", f"big{n}", 400) for n in range(600)])
    assert client.call("BGSAVE") == "Background saving started"
    time.sleep(0.5)
    assert "rdb_bgsave_in_progress:1" in client.call("INFO", "persistence").decode()
    before = client.call("DBSIZE")
    for _ in range(20):
        preview(client, "hash-max-listpack-entries", 10)
    assert client.call("DBSIZE") < before, "some were drawn"
    client.pipeline(*[("HSET", f"other{n}", *fields) for n in range(100)])
    deadline = time.monotonic() + 60
    while "rdb_bgsave_in_progress:1" in client.call("INFO", "persistence").decode():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "rdb_last_bgsave_status:ok" in client.call("INFO", "persistence").decode()
    checked = subprocess.run(["redis-check-rdb", server.directory / "dump.rdb"],
                             capture_output=True, check=False)
    assert checked.returncode == 0 and b"2100 keys read" in checked.stdout, checked.stdout
    assert b"600 expires" in checked.stdout
