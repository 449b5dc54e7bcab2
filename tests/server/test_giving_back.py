"""What goes gives its memory back while it goes, in steps that nobody has to wait for, and not at
the end: FLUSHALL, UNLINK, DEL and expiry, of millions of keys and of huge ones."""

import threading
import time

import pytest

from conftest import CHECKED_BUILD
from resp import Client

MB = 1 << 20
ELEMENTS = 20_000 if CHECKED_BUILD else 150_000
KEYS = 20_000 if CHECKED_BUILD else 400_000
AT_ONCE = 1000

HUGE = {
    "list": lambda at: ["RPUSH", "huge", *(f"{number:060d}" for number in at)],
    "set": lambda at: ["SADD", "huge", *(f"{number:060d}" for number in at)],
    "hash": lambda at: ["HSET", "huge",
                        *(word for number in at for word in (f"{number:030d}", f"{number:030d}"))],
    "zset": lambda at: ["ZADD", "huge",
                        *(word for number in at for word in (number, f"{number:060d}"))],
    "stream": lambda at: ["XADD", "huge", "*",
                          *(word for number in at for word in (f"{number:04d}", f"{number:056d}"))],
}


# Buckets of a table stand as they grew: their spans are empty when most have gone.
SCATTERED = ("hash", "set")


def info(client):
    text = client.call("INFO", "memory", "stats").decode()
    told = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
    return {name: int(value) for name, value in told.items() if value.isdigit()}


def fill_huge(client, kind):
    for at in range(0, ELEMENTS, AT_ONCE):
        client.call(*HUGE[kind](range(at, at + AT_ONCE)))


def fill_keys(client, count=KEYS, prefix="key"):
    for at in range(0, count, AT_ONCE):
        client.pipeline(*[["SET", f"{prefix}:{number:012d}", b"v" * 64]
                          for number in range(at, at + AT_ONCE)])


def watch(client, empty):
    """INFO until nothing waits any more: what was held at each look."""
    seen = []
    deadline = time.monotonic() + 60
    while (told := info(client))["lazyfree_pending_objects"] > 0:
        seen.append(told["heap_committed"] - empty["heap_committed"])
        assert time.monotonic() < deadline
    return seen


def settled(client, most):
    """What the heap holds, once it is no more than `most`."""
    deadline = time.monotonic() + 30
    while (told := info(client))["heap_committed"] > most or told["lazyfree_pending_objects"]:
        assert time.monotonic() < deadline, told
        time.sleep(0.02)
    return told


def falls_while_it_goes(seen, full):
    """From the first step on less is held from look to look, and not all of it until the end."""
    going = [held for held in seen if held < full]
    if len(going) >= 8:
        assert min(going[:len(going) // 2 + 1]) < full * 0.9


@pytest.mark.parametrize("how", ["DEL", "EXPIRE", "SET"])
@pytest.mark.parametrize("kind", sorted(HUGE))
def test_a_huge_value(start, kind, how):
    client = start("--activedefrag", "no", "--enable-debug-command", "yes").client()
    empty = info(client)
    fill_huge(client, kind)
    full = info(client)["heap_committed"] - empty["heap_committed"]
    assert full > ELEMENTS * 40
    ways = {"DEL": ["DEL", "huge"], "EXPIRE": ["PEXPIRE", "huge", 1], "SET": ["SET", "huge", "x"]}
    client.call(*ways[how])
    seen = watch(client, empty)
    if kind not in SCATTERED:
        falls_while_it_goes(seen, full)
    told = settled(client, empty["heap_committed"] + 2 * MB)
    assert told["lazyfree_pending_objects"] == 0 and client.call("DEBUG", "VERIFY") == "OK"


@pytest.mark.parametrize("how", [["FLUSHALL", "ASYNC"], ["FLUSHDB", "ASYNC"], ["FLUSHALL"]])
def test_all_keys(start, how):
    client = start("--activedefrag", "no", "--enable-debug-command", "yes").client()
    empty = info(client)
    fill_keys(client)
    full = info(client)["heap_committed"] - empty["heap_committed"]
    client.call(*how)
    assert client.call("DBSIZE") == 0
    falls_while_it_goes(watch(client, empty), full)
    told = settled(client, empty["heap_committed"] + 2 * MB)
    if not CHECKED_BUILD:
        assert told["used_memory_rss"] <= empty["used_memory_rss"] + 8 * MB


def test_all_keys_while_others_are_written(start):
    """Freeing keeps up: keys that are written meanwhile have the room of those that go."""
    server = start("--activedefrag", "no", "--enable-debug-command", "yes")
    client = server.client()
    empty = info(client)
    fill_keys(client)
    full = info(client)["heap_committed"] - empty["heap_committed"]
    ending = threading.Event()

    def load():
        with Client(server.port) as writer:
            at = 0
            while not ending.is_set():
                writer.pipeline(*[["SET", f"new:{(at + i) % 20_000}", b"v" * 64]
                                  for i in range(AT_ONCE)])
                at += AT_ONCE

    thread = threading.Thread(target=load)
    thread.start()
    try:
        client.call("FLUSHALL", "ASYNC")
        seen = watch(client, empty)
    finally:
        ending.set()
        thread.join()
    if not CHECKED_BUILD:  # which is in no hurry to use again what was freed
        assert max(seen, default=0) <= full * 1.1
    settled(client, empty["heap_committed"] + 20_000 * 160 + 4 * MB)


@pytest.mark.skipif(CHECKED_BUILD, reason="another allocator, which keeps what was freed")
def test_threads_that_rest_keep_no_pages(client):
    """The writer of a snapshot frees its buffers and has nothing more to do: the pages go back."""
    fill_keys(client)
    client.call("BGSAVE")
    while saving(client):
        time.sleep(0.01)
    assert free_pages(client) > MB
    deadline = time.monotonic() + 60
    while free_pages(client) > MB // 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def saving(client):
    return b"rdb_bgsave_in_progress:1" in client.call("INFO", "persistence")


def free_pages(client):
    stats = client.call("MEMORY", "STATS")
    return dict(zip(stats[::2], stats[1::2]))[b"resident.malloc.free-pages"]
