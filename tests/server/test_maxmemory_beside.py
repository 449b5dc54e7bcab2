"""maxmemory as the kernel sees it: the resident set of this server and of redis-server, which are
given the same limit and the same writes. VmHWM is the judge, PSS on the way, and, where a control
group can be made, its own count with a hard limit: who passes that is killed."""

import contextlib
import os
import pathlib
import random
import threading
import time

import pytest
from conftest import CHECKED_BUILD, REDIS_SERVER
from resp import Client, encode
from test_maxmemory import MB, POLICIES, fill, info, pipeline, resident, write_shifting

pytestmark = pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself holds more")

LIMIT = 64 * MB
BOUND = LIMIT * 103 // 100 + 16 * MB
GROUPS = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"),
          ("/sys/fs/cgroup", "memory.max", "memory.peak")]


class Watch:
    """Peaks of one server while something goes on."""

    def __init__(self, server):
        self.server, self.pss, self.ended = server, 0, threading.Event()
        pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def look(self):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{self.server.process.pid}/smaps_rollup").read_text(
                encoding="ascii")
            self.pss = max(self.pss, int(text.partition("\nPss:")[2].split()[0]) * 1024)

    def run(self):
        while not self.ended.wait(0.01):
            self.look()

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.look()
        self.peak = resident(self.server, "VmHWM")


@contextlib.contextmanager
def group_of(server, most):
    """A control group of memory that kills who passes `most`; yields its peak's file, or None where
    none can be made."""
    for root, limit, peak in GROUPS:
        group = pathlib.Path(root) / f"snug-test-{os.getpid()}-{server.port}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(most), encoding="ascii")
            (group / "cgroup.procs").write_text(str(server.process.pid), encoding="ascii")
            yield group / peak
            return
        except OSError:
            continue
        finally:
            if server.process.poll() is None:
                server.stop()
            group.rmdir()
    yield None


def write_to(server, policy):
    with Watch(server) as watch, Client(server.port, timeout=60) as client:
        refused = write_shifting(client, LIMIT, policy)
        kept = client.call("DBSIZE")
    return watch, refused, kept


@pytest.mark.parametrize("policy", POLICIES)
def test_redis_overshoots_and_this_does_not(start, policy):
    options = ("--maxmemory", LIMIT, "--maxmemory-policy", policy)
    ours, refused, kept = write_to(start(*options), policy)
    theirs, _, _ = write_to(start(*options, program=REDIS_SERVER), policy)
    assert ours.peak <= BOUND and ours.pss <= BOUND
    assert refused == 0 and kept > 0
    assert theirs.peak > BOUND + 10 * MB
    assert theirs.pss > BOUND


def test_a_group_that_kills(start):
    """A container of just the limit, 3 % and 16 MiB: nobody is killed in it."""
    server = start("--maxmemory", LIMIT, "--maxmemory-policy", "allkeys-lru")
    with group_of(server, BOUND) as peak:
        for turn in range(3):
            _, refused, kept = write_to(server, "allkeys-lru" if turn < 2 else "volatile-ttl")
            assert refused == 0 and kept > 0
        assert server.alive()
        if peak is not None:
            assert LIMIT // 2 < int(peak.read_text(encoding="ascii")) <= BOUND


# --- other ways to grow ---------------------------------------------------------------------------

def fields(prefix, at, count, value):
    return [word for number in range(at, at + count) for word in (f"{prefix}{number}", value)]


def grow_a_hash(client, _):
    for at in range(0, 600_000, 1000):
        client.call("HSET", "hash", *fields("field:", at, 1000, "v" * 30))


def grow_lists(client, _):
    for turn in range(100):
        pipeline(client, [["RPUSH", f"list:{key}"] + ["i" * 40] * 500 for key in range(70)])
        client.call("DEL", f"list:{turn % 70}")


def grow_streams(client, _):
    for turn in range(200):
        pipeline(client, [["XADD", f"stream:{turn % 5}", "*", "a", "v" * 200, "b", "w" * 50]
                          for _ in range(1000)])


def grow_sorted_sets(client, _):
    rng = random.Random(1)
    for turn in range(70):
        pipeline(client, [["ZADD", f"zset:{key}"] +
                          [word for number in range(100)
                           for word in (rng.random(), f"member:{turn}:{key}:{number}")]
                          for key in range(100)])


def pipelines_of_large_values(client, _):
    for _ in range(2):
        pipeline(client, [["SET", f"large:{number}", b"x" * 100_000] for number in range(1000)])


def many_at_once(client, _):
    for turn in range(30):
        client.call("MSET", *fields(f"many:{turn}:", 0, 10, b"y" * 300_000))


def append_to_one(client, _):
    for _ in range(200):
        client.call("APPEND", "grows", b"z" * 1_000_000)


def write_far_behind(client, _):
    for turn in range(1, 200):
        client.call("SETRANGE", "far", turn * 1_000_000, b"q" * 900_000)
        client.call("SETBIT", f"bits:{turn % 3}", turn * 8_000_000, 1)


def append_to_many(client, _):
    for turn in range(300):
        pipeline(client, [["APPEND", f"grows:{number % 40}", b"z" * (turn * 7)]
                          for number in range(400)])


def transactions(client, _):
    for turn in range(6):
        pipeline(client, [["MULTI"]] + [["SET", f"in:{turn}:{number}", b"x" * 100_000]
                                        for number in range(150)] + [["EXEC"]])


def scripts(client, _):
    script = "for i = 1, 20 do redis.call('SET', KEYS[1] .. i, string.rep('x', 100000)) end"
    for turn in range(80):
        client.call("EVAL", script, 1, f"script:{turn}:")


def unread_replies(client, port):
    client.call("SET", "one", b"o" * 500_000)
    readers = [Client(port, timeout=60) for _ in range(60)]
    for reader in readers:
        reader.send_raw(encode(["GET", "one"]) * 2)
    for turn in range(100):
        pipeline(client, [["SET", f"beside:{turn}:{number}", b"x" * 1000] for number in range(200)])
    for reader in readers:
        reader.close()


def unfinished_requests(client, port):
    writers = [Client(port, timeout=60) for _ in range(60)]
    for writer in writers:
        writer.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + b"x" * 500_000)
    for turn in range(100):
        pipeline(client, [["SET", f"beside:{turn}:{number}", b"x" * 1000] for number in range(200)])
    for writer in writers:
        writer.close()


def restored(client, _):
    for key in range(4):
        client.call("HSET", "hash", *fields(f"{key}:", 0, 20_000, "v" * 40))
    dump = client.call("DUMP", "hash")
    for turn in range(40):
        client.call("RESTORE", f"restored:{turn}", 0, dump)


def huge_then_small(client, _):
    for key in range(6):
        for at in range(0, 100_000, 1000):
            client.call("HSET", f"huge:{key}", *fields("field:", at, 1000, "v" * 100))
    fill(client, LIMIT // 700, 600, name="small")


def from_many_clients(_, port):
    def write(seed):
        rng = random.Random(seed)
        with Client(port, timeout=60) as client:
            for _ in range(40):
                pipeline(client, [["SET", f"key:{rng.randrange(100_000)}",
                                   b"x" * rng.choice((10, 100, 1000, 10_000, 100_000))]
                                  for _ in range(50)])
    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


WAYS = [grow_a_hash, grow_lists, grow_streams, grow_sorted_sets, pipelines_of_large_values,
        many_at_once, append_to_one, append_to_many, write_far_behind, transactions, scripts,
        unread_replies, unfinished_requests, restored, huge_then_small, from_many_clients]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_other_ways_to_grow(start, way):
    server = start("--maxmemory", LIMIT, "--maxmemory-policy", "allkeys-lru")
    with Watch(server) as watch, Client(server.port, timeout=60) as client:
        fill(client, LIMIT // 1300, name="before")
        way(client, server.port)
        time.sleep(0.1)
        evicted = int(info(client, "evicted_keys"))
        assert client.call("PING") == "PONG"
    assert watch.peak <= BOUND and watch.pss <= BOUND
    assert evicted > 0
