"""Keys with a TTL, written and expired without pause: dead ones go by themselves, what they held
goes with them, and hardly anything has to be moved for it. In full: bench/run.py --only ttl."""

import bisect
import random
import socket
import threading
import time

from conftest import CHECKED_BUILD, MOVE_ALL_BUILD
from resp import encode

MB = 1 << 20
KEYS = 8_000 if MOVE_ALL_BUILD else 40_000 if CHECKED_BUILD else 200_000
BATCH = 1000
TTL_MS = (1000, 6000)
# A dead key may stay for a second; another is the machine's, which runs other tests beside this.
GRACE_MS = 2000
VALUE = b"v" * 32
SHARE_SECONDS = 9  # all keys are written in so many at the least


def memory(client):
    text = client.call("INFO", "memory").decode()
    told = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
    return {name: int(value) for name, value in told.items() if value.isdigit()}


def now_ms():
    return time.time() * 1000


class Writer:
    """Writes keys with a known end, each once."""

    def __init__(self, client):
        self.client = client
        self.random = random.Random(1)
        self.ends = []  # sorted
        self.count = 0

    def batch(self):
        requests = []
        start = int(now_ms())
        for _ in range(BATCH):
            end = start + self.random.randint(*TTL_MS)
            requests.append(["SET", f"key:{self.count:012d}", VALUE, "PXAT", end])
            bisect.insort(self.ends, end)
            self.count += 1
        assert self.client.pipeline(*requests) == ["OK"] * BATCH

    def alive(self, at_ms):
        """How many are, at most, when dead ones have their grace."""
        return len(self.ends) - bisect.bisect_left(self.ends, at_ms - GRACE_MS)


def test_written_and_expired_without_pause(start):
    client = start("--active-defrag-ignore-bytes", "1mb", "--active-defrag-threshold-lower", "5",
                   "--activedefrag", "yes", "--enable-debug-command", "yes").client()
    empty = memory(client)
    writer = Writer(client)
    most_held = most_alive = 0
    began = time.monotonic()
    while writer.count < KEYS:
        writer.batch()
        asked = now_ms()
        keys = client.call("DBSIZE")
        assert keys <= writer.alive(asked)
        most_alive = max(most_alive, keys)
        most_held = max(most_held, memory(client)["used_memory_rss"] - empty["used_memory_rss"])
        time.sleep(max(0, began + SHARE_SECONDS * writer.count / KEYS - time.monotonic()))
    told = memory(client)
    if not CHECKED_BUILD:
        # 62 B a key in its block, 72 with the index; open and dying spans are an eighth of it.
        assert most_held <= most_alive * 72 * 1.2 + 3 * MB
        assert told["heap_moved_bytes"] <= KEYS * 62 * 0.03
    while (left := client.call("DBSIZE")) > 0:
        assert left <= writer.alive(now_ms())
        time.sleep(0.05)
    assert client.call("DEBUG", "VERIFY") == "OK"


def test_what_dies_together_is_given_back_at_once(start):
    """Two lifetimes in turn: when one has passed, its half of the memory is back, and nothing was
    moved for it."""
    client = start("--activedefrag", "no", "--enable-debug-command", "yes").client()
    empty = memory(client)["heap_active"]
    first, second = int(now_ms()) + 8000, int(now_ms()) + 600_000
    for at in range(0, KEYS, BATCH):
        client.pipeline(*[["SET", f"key:{number}", b"v" * 200, "PXAT",
                           first if number % 2 == 0 else second]
                          for number in range(at, at + BATCH)])
    full = memory(client)
    assert client.call("DBSIZE") == KEYS  # or the machine was too slow for this test
    deadline = time.monotonic() + 30
    while client.call("DBSIZE") > KEYS // 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    told = memory(client)
    assert told["heap_moved_bytes"] == 0 or MOVE_ALL_BUILD
    if not CHECKED_BUILD:
        assert told["heap_active"] - empty <= (full["heap_active"] - empty) * 0.6


def test_few_keys_of_many_sizes_cost_pages_and_not_spans(start):
    client = start("--activedefrag", "no", "--enable-debug-command", "yes").client()
    empty = memory(client)["heap_active"]
    for size in range(16, 4096, 16):
        client.call("SET", f"key:{size}", b"v" * size, "EX", 100 + size)
    assert memory(client)["heap_active"] - empty <= 256 * 3 * 4096


# ---- as much as the server can take --------------------------------------------------------------

PIPELINE = 4_000 if CHECKED_BUILD else 25_000
WRITERS = 24
LIFE_MS = 500
FULL_SECONDS = 7


class Flood(threading.Thread):
    """Writes keys that live half a second, each once, as fast as they are taken."""

    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.requests = b"".join(
            encode(["SET", f"flood:{number}:0000:{at:06d}", "v", "PX", LIFE_MS])
            for at in range(PIPELINE))
        self.ending = threading.Event()
        self.start()

    def run(self):
        for turn in range(1, 10_000):
            if self.ending.is_set():
                break
            self.socket.sendall(self.requests.replace(b":0000:", b":%04d:" % turn))
            left = PIPELINE * len(b"+OK\r\n")
            while left > 0:
                left -= len(self.socket.recv(min(left, 1 << 16)))

    def stop(self):
        self.ending.set()
        self.join()
        self.socket.close()


def test_as_many_go_as_come_whatever_the_load(start):
    """Turns of tens of thousands of requests: expiry has a share of the time, not of turns."""
    client = start("--enable-debug-command", "yes").client()
    floods = [Flood(client.socket.getpeername()[1], number) for number in range(WRITERS)]
    seen = []  # when, requests until then
    ended = time.monotonic() + FULL_SECONDS
    dead = 0
    while time.monotonic() < ended:
        asked = time.monotonic()
        stats, keys = client.pipeline(["INFO", "stats"], ["DBSIZE"])
        requests = int(stats.decode().split("total_commands_processed:")[1].split()[0])
        before = [count for when, count in seen if when <= asked - (LIFE_MS + GRACE_MS) / 1000]
        if before:
            dead = max(dead, keys - (requests - before[-1]))
        seen.append((time.monotonic(), requests))
        time.sleep(0.02)
    for flood in floods:
        flood.stop()
    assert len(before) > 1
    assert dead <= 0, f"{dead} keys were there {GRACE_MS} ms after their time"
