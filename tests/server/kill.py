"""Servers killed under load, and what is there when they come back.

Each worker sends commands in an order that its seed gives, to keys of its own, and counts what is
acknowledged. After the kill the worker's keys must be what the same commands, up to one of them,
make of an empty server: no fewer than are durable, no more than were sent, none by half. So what is
compared is the content of every key with that of another server which ran them in memory.

With `forgetful` (tests/drivers/forgetful.c) the machine stops, not only the process: of each file
what was not synced is cut off at a byte drawn by chance.

    kill.py --rounds 100 [--seed 1] [--mode always] [--seconds 1]

kills so many times in each mode, the process and then the machine, and prints what was seen. With
everysec it says how old the oldest was that was lost: that depends on the disk as well.
"""

import argparse
import itertools
import os
import pathlib
import random
import signal
import struct
import sys
import tempfile
import threading
import time

from conftest import CHECKED_BUILD, ROOT, SNUG_SERVER, Server
from resp import Client, Error, encode

MODES = ("always", "everysec", "no")
WORKERS = 4
PIPELINE = 12
FORGETFUL = ROOT / "build" / "forgetful.so"


# ---- what is sent --------------------------------------------------------------------------------

class Step:
    """Requests that take effect together. `recorded`: what it did is known by its reply, or else by
    what is found afterwards."""

    def __init__(self, *requests, recorded=None):
        self.requests, self.recorded = requests, recorded


def numbers(r, count):
    return [str(r.randrange(10 ** r.randrange(1, 9))) for _ in range(count)]


def simple(r, key):
    """One command on keys of this worker: key("l", 3) names one."""
    k = lambda kind: key(kind, r.randrange(4))
    value = r.choice(["v", "x" * 50, "y" * r.randrange(3000), str(r.randrange(10 ** 6))])
    item = r.choice(["a", "b" * 30, str(r.randrange(500))])
    end = lambda: r.choice(["LEFT", "RIGHT"])
    later = int(time.time() * 1000) + 10 ** 9 + r.randrange(10 ** 6)
    entry = f"{next(simple.entries)}-1"
    return r.choice([
        ("SET", k("s"), value), ("APPEND", k("s"), value), ("SETRANGE", k("s"), 9, value),
        ("INCRBY", k("n"), r.randrange(99)), ("INCRBYFLOAT", k("f"), "0.25"),
        ("SETBIT", k("b"), r.randrange(40000), 1), ("PFADD", k("p"), *numbers(r, 5)),
        ("PFCOUNT", k("p")), ("PFCOUNT", k("p"), k("p")), ("PFMERGE", k("p"), k("p")),
        ("BITOP", "XOR", k("b"), k("b"), k("s")), ("GETDEL", k("s")), ("GETSET", k("s"), value),
        ("MSET", k("s"), value, k("n"), 5, k("f"), "0.5"), ("MSETNX", k("m"), 1, k("m"), 2),
        ("RPUSH", k("l"), *numbers(r, 8), item), ("LPUSH", k("l"), item, value),
        ("LMOVE", k("l"), k("l"), end(), end()), ("RPOPLPUSH", k("l"), k("l")),
        ("LPOP", k("l"), r.randrange(1, 5)), ("LINSERT", k("l"), "BEFORE", item, value),
        ("LMPOP", 2, k("l"), k("l"), end(), "COUNT", 3), ("LTRIM", k("l"), 0, 700),
        ("LSET", k("l"), -1, value), ("LREM", k("l"), 2, item), ("BLPOP", k("l"), k("l"), "0.001"),
        ("SADD", k("i"), *numbers(r, 4)), ("SADD", k("c"), *numbers(r, 3), item),
        ("SMOVE", k("c"), k("c"), item), ("SREM", k("c"), item, *numbers(r, 2)),
        ("SUNIONSTORE", k("c"), k("c"), k("i")), ("SDIFFSTORE", k("i"), k("i"), k("c")),
        ("HSET", k("h"), *numbers(r, 4), item, value), ("HINCRBY", k("h"), "counter", 3),
        ("HDEL", k("h"), item, *numbers(r, 2)), ("HINCRBYFLOAT", k("h"), "half", "0.5"),
        ("ZADD", k("z"), r.random(), item, r.randrange(99), value), ("ZPOPMIN", k("z"), 2),
        ("ZINCRBY", k("z"), "1.5", item), ("ZMPOP", 2, k("z"), k("z"), "MAX", "COUNT", 2),
        ("ZRANGESTORE", k("z"), k("z"), 0, 40), ("ZUNIONSTORE", k("z"), 2, k("z"), k("z")),
        ("ZREMRANGEBYRANK", k("z"), 50, -1), ("BZPOPMAX", k("z"), "0.001"),
        ("GEOADD", k("g"), 13.36 + r.random(), 38.1, item),
        ("XADD", k("x"), entry, "a", value), ("XADD", k("x"), "MAXLEN", "~", 90, entry, "b", item),
        ("XTRIM", k("x"), "MAXLEN", 40), ("XGROUP", "CREATE", k("x"), "g", "0", "MKSTREAM"),
        ("XREADGROUP", "GROUP", "g", item[:1], "COUNT", 2, "STREAMS", k("x"), ">"),
        ("XAUTOCLAIM", k("x"), "g", "z", 0, 0, "COUNT", 1), ("XSETID", k("x"), f"{10 ** 9}-1"),
        ("RENAME", k("l"), k("l")), ("RENAMENX", k("h"), k("h")),
        ("COPY", k("h"), k("h"), "REPLACE"), ("COPY", k("z"), k("z"), "REPLACE"),
        ("UNLINK", k("l"), k("z")), ("DEL", k("x"), k("c")),
        ("SORT", k("i"), "STORE", k("o")), ("PEXPIREAT", k("h"), later), ("PERSIST", k("h")),
        ("EXPIRE", k("l"), 10 ** 6), ("GETEX", k("s"), "PXAT", later), ("EXPIRETIME", k("s")),
        ("SET", k("s"), value, "PXAT", later), ("SETEX", k("s"), 10 ** 6, value),
        # What expires at once: named v, so that it is not compared but must be gone.
        ("SET", k("v"), value, "PX", r.randrange(1, 40)), ("PEXPIRE", k("v"), 1),
        ("RPUSH", k("v"), item), ("PEXPIREAT", k("v"), 1), ("SADD", k("v"), item),
        ("HSET", k("w"), "stays", 1, "v1", item, "v2", value),
        ("HPEXPIRE", k("w"), r.randrange(1, 30), "FIELDS", 2, "v1", "v2"),
        ("HPEXPIREAT", k("h"), later, "FIELDS", 1, "counter"), ("MOVE", k("s"), 9)])


simple.entries = itertools.count(1)


def steps(seed, prefix, transactions):
    """Without end: the steps of a worker. Some ask how much is durable, which makes it so."""
    r = random.Random(seed)
    asks = r.choice([0, 0.001, 0.02])
    key = lambda kind, number: f"{prefix}{kind}{number}"
    for kind, command in (("h", "HSET"), ("l", "RPUSH"), ("c", "SADD"), ("z", "ZADD")):
        for _ in range(4):
            yield Step((command, key(kind, 0), *numbers(r, 200)))
    while True:
        drawn = r.random()
        if drawn < 0.02:
            name = key("c", r.randrange(4))
            yield Step(("SPOP", name), recorded="popped")
        elif drawn < 0.04:
            name = key("x", 9)
            yield Step(("XADD", name, "*", "now", r.randrange(9)), recorded="added")
        elif drawn < 0.07:
            source, to = key("q", 0), key("l", r.randrange(4))
            yield Step(("RPUSH", source, r.randrange(10 ** 9)), recorded="waited for")
            yield Step(("LMOVE", source, to, "LEFT", "RIGHT"), recorded="waiting")
        elif drawn < 0.12 and transactions:
            yield Step(("MULTI",), *(simple(r, key) for _ in range(r.randrange(1, 6))), ("EXEC",))
        elif drawn < 0.12 + asks:
            yield Step(("WAITAOF", 1, 0, 0), recorded="durable")
        else:
            yield Step(simple(r, key))


# ---- who sends it --------------------------------------------------------------------------------

class Worker(threading.Thread):
    """Sends steps until the server is gone. `log`: the steps sent, with what their replies said."""

    def __init__(self, port, seed, prefix, db, transactions):
        super().__init__(daemon=True)
        self.port, self.db, self.prefix = port, db, prefix
        self.source = steps(seed, prefix, transactions)
        self.random = random.Random(seed)
        self.log, self.replies = [], {}
        self.acknowledged = self.durable = 0 # steps
        self.times = [] # when each was acknowledged
        self.failure = None

    def run(self):
        try:
            with Client(self.port, timeout=60) as main, Client(self.port, timeout=60) as other:
                for client in (main, other):
                    client.call("SELECT", self.db)
                while True:
                    self.send_some(main, other)
        except (ConnectionError, BrokenPipeError):
            pass
        except BaseException as failure:
            self.failure = failure

    def acknowledge(self, count):
        self.acknowledged += count
        self.times += [time.monotonic()] * count

    def send_some(self, main, other):
        """A pipeline of plain steps, or one whose reply matters."""
        batch = []
        for step in self.source:
            if step.recorded:
                self.send(main, batch)
                self.send_recorded(main, other, step)
                return
            batch.append(step)
            if len(batch) >= self.random.randrange(1, PIPELINE):
                self.send(main, batch)
                return

    def send(self, client, batch):
        if not batch:
            return
        self.log += batch
        client.send_raw(b"".join(encode(request) for step in batch for request in step.requests))
        for step in batch:
            for request in step.requests:
                self.check(request, client.read())
            self.acknowledge(1)

    def check(self, request, reply):
        if isinstance(reply, Error) and reply.split()[0] in ("MISCONF", "LOADING", "OOM"):
            self.failure = AssertionError(f"{request}: {reply}")

    def send_recorded(self, main, other, step):
        at = len(self.log)
        self.log.append(step)
        if step.recorded == "waited for":
            waiting = next(self.source)
            self.log.append(waiting)
            source, to = waiting.requests[0][1:3]
            other.send("BLMOVE", source, to, "LEFT", "RIGHT", 0)
            # Blocked or not when the push comes: what follows from both is the same.
            main.call(*step.requests[0])
            self.acknowledge(1)
            self.check(step.requests[0], other.read())
            self.acknowledge(1)
            return
        reply = main.call(*step.requests[0])
        self.replies[at] = reply
        if step.recorded == "durable" and reply == [1, 0]:
            self.durable = at
        self.acknowledge(1)


# ---- what is there -------------------------------------------------------------------------------

def ask(client, requests):
    return client.pipeline(*requests) if requests else []


def state(client, db, prefix):
    """All that can be seen of a worker's keys."""
    client.call("SELECT", db)
    keys = sorted(key for key in client.call("KEYS", f"{prefix}*"))
    gone = [key for key in keys if key.startswith(f"{prefix}v".encode())]
    keys = [key for key in keys if key not in gone]
    types = ask(client, [("TYPE", key) for key in keys])
    digests = ask(client, [("DEBUG", "DIGEST-VALUE", key) for key in keys])
    times = ask(client, [("PEXPIRETIME", key) for key in keys])
    found = {}
    for key, kind, digest, at in zip(keys, types, digests, times):
        found[key] = (kind, digest, at >= 0)
        if key.startswith(f"{prefix}w".encode()): # with fields that wait to be removed
            found[key] = (kind, repr(sorted(client.call("HGETALL", key))))
        elif kind == "stream":
            found[key] += (repr(client.call("XRANGE", key, "-", "+")),
                           repr(client.call("XINFO", "GROUPS", key)),
                           repr(client.call("XPENDING", key, "g")))
        elif kind == "hash":
            found[key] += (repr(client.call("HPEXPIRETIME", key, "FIELDS", 1, "counter")),)
    return found


class Reference:
    """A server that runs a worker's steps in memory, to compare with."""

    def __init__(self, client):
        self.client = client

    def begin(self, worker):
        self.worker, self.at = worker, 0
        self.client.call("FLUSHALL")
        self.client.call("SELECT", worker.db)

    def requests_of(self, at, server):
        """Of the step at this place: what made its random choice is told by its reply."""
        step, reply = self.worker.log[at], self.worker.replies.get(at)
        request = step.requests[0]
        if step.recorded == "durable":
            return []
        if step.recorded == "popped":
            if at not in self.worker.replies:
                here = set(self.client.call("SMEMBERS", request[1]) or [])
                there = set(server.call("SMEMBERS", request[1]) or [])
                reply = next(iter(here - there), None)
            return [("SREM", request[1], reply)] if reply is not None else []
        if step.recorded == "added":
            if at not in self.worker.replies:
                last = server.call("XREVRANGE", request[1], "+", "-", "COUNT", 1)
                reply = last[0][0] if last else b"*"
            return [(*request[:2], reply, *request[3:])]
        return step.requests

    def run_to(self, count, server):
        requests = []
        for at in range(self.at, count):
            if self.worker.log[at].recorded and at not in self.worker.replies:
                ask(self.client, requests) # what is there decides
                requests = []
            requests += self.requests_of(at, server)
            if len(requests) > 500:
                ask(self.client, requests)
                requests = []
        ask(self.client, requests)
        if any(request[0] in ("HPEXPIRE", "PEXPIRE") for step in self.worker.log[self.at:count]
               for request in step.requests):
            time.sleep(0.04) # as what was loaded has waited
        self.at = count

    def state(self):
        return state(self.client, self.worker.db, self.worker.prefix)


def difference(ours, theirs):
    lines = [f"{key}: there {ours.get(key)}, expected {theirs.get(key)}"
             for key in sorted(set(ours) | set(theirs)) if ours.get(key) != theirs.get(key)]
    return "\n".join(line[:400] for line in lines[:10])


def steps_found(worker, server, reference, least):
    """How many steps of the worker are in the server, beginning to look at `least`."""
    server.call("SELECT", worker.db)
    reference.begin(worker)
    found = state(server, worker.db, worker.prefix)
    first = None
    for count in range(least, len(worker.log) + 1):
        reference.run_to(count, server)
        expected = reference.state()
        first = first or expected
        if expected == found:
            return count
    if least == 0:
        raise AssertionError(f"{worker.prefix}: what is there is of no moment, {len(worker.log)} "
                             f"steps sent\n{difference(found, first)}")
    raise AssertionError(
        f"{worker.prefix}: lost, or of no moment: {worker.acknowledged} steps acknowledged, "
        f"{worker.durable} durable, {len(worker.log)} sent; beside what {least} make:\n"
        f"{difference(found, first)}")


# ---- the machine ---------------------------------------------------------------------------------

def data_files(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            if name not in ("log", "synced"):
                yield os.path.join(folder, name)


def forget(directory, r):
    """What was not synced is lost from some byte on, as when a machine stops."""
    content = (directory / "synced").read_bytes()
    records = dict(struct.iter_unpack("=QQ", content))
    for path in data_files(directory):
        facts = os.stat(path)
        kept = min(records.get(facts.st_ino, 0), facts.st_size)
        if kept < facts.st_size:
            os.truncate(path, r.randrange(kept, facts.st_size + 1))


class Loop:
    """Kills of one server, in one mode, on one directory."""

    def __init__(self, directory, mode, seed, forgetful=False, seconds=0.5, program=SNUG_SERVER,
                 options=()):
        self.directory, self.mode, self.forgetful = directory, mode, forgetful
        self.program, self.options, self.seconds = program, options, seconds
        self.random = random.Random(seed)
        self.seed = seed
        self.kills = self.steps = self.unacknowledged = self.lost = 0
        self.oldest_lost = 0.0
        self.outcomes = {}
        self.server = self.reference_server = None

    def start(self):
        preamble = self.random.choice(["yes", "no"])
        options = ["--appendonly", "yes", "--appendfsync", self.mode, "--enable-debug-command",
                   "yes", "--aof-use-rdb-preamble", preamble, "--rdb-key-save-delay",
                   self.random.choice([0, 0, 20, 200]), "--auto-aof-rewrite-min-size",
                   self.random.choice(["1mb", "40kb", "400kb"]), "--aof-timestamp-enabled",
                   self.random.choice(["yes", "no"]), "--no-appendfsync-on-rewrite", "no",
                   *self.options]
        if self.forgetful:
            os.environ["LD_PRELOAD"] = str(FORGETFUL)
            os.environ["SNUG_SYNCED"] = str(self.directory / "synced")
        try:
            self.server = Server(self.program, self.directory, *options)
            return self.server
        finally:
            os.environ.pop("LD_PRELOAD", None)

    def ready(self, server):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert server.alive(), f"the log does not load:\n{server.log()[-3000:]}"
            try:
                with Client(server.port, timeout=60) as client:
                    if client.call("PING") == "PONG":
                        return server
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"the server does not begin:\n{server.log()[-3000:]}")

    def started(self):
        """Sometimes it is killed again before it serves."""
        for _ in range(3):
            if self.random.random() < 0.7:
                break
            server = self.start()
            time.sleep(self.random.random() * 0.06)
            self.kill(server)
        return self.ready(self.start())

    def kill(self, server):
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        if self.forgetful and (self.directory / "synced").exists():
            forget(self.directory, self.random)

    def disturb(self, server, until):
        """Snapshots and rewrites, one of them close to the end."""
        with Client(server.port, timeout=60) as client:
            while time.monotonic() < until:
                time.sleep(max(0.0, min(until - time.monotonic(), self.random.random() * 0.2)))
                client.call(*self.random.choice([("BGREWRITEAOF",), ("BGREWRITEAOF",), ("BGSAVE",),
                                                 ("BGSAVE", "SCHEDULE")]))
            time.sleep(self.random.choice([0, 0.001, 0.005, 0.02, 0.1]))
            for line in client.call("INFO", "persistence").decode().split("\r\n"):
                name, _, value = line.partition(":")
                if name in ("aof_rewrite_in_progress", "rdb_bgsave_in_progress") and value == "1":
                    self.outcomes[name] = self.outcomes.get(name, 0) + 1

    def round(self):
        server = self.started()
        with Client(server.port, timeout=60) as client:
            transactions = client.call("COMMAND", "INFO", "multi")[0] is not None
            for db in range(WORKERS):
                client.call("SELECT", db)
                old = client.call("KEYS", "*")
                if old:
                    client.call("UNLINK", *old)
            client.call("DEBUG", "POPULATE", 1000, "filler", 60)
        workers = [Worker(server.port, self.random.randrange(2 ** 60), f"k{self.kills}:{number}:",
                          number, transactions) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        self.disturb(server, time.monotonic() + 0.05 + self.random.random() * self.seconds)
        killed = time.monotonic()
        self.kill(server)
        for worker in workers:
            worker.join()
            if worker.failure is not None:
                raise worker.failure
        self.kills += 1
        self.compare(workers, killed)

    def least(self, worker):
        """The steps that must be there. A process that is killed has lost nothing that it wrote,
        and `no` and `everysec` write before they answer, but for a disk that holds them up."""
        if self.mode == "always" or (self.mode == "no" and not self.forgetful):
            return worker.acknowledged
        return worker.durable

    def compare(self, workers, killed):
        server = self.started()
        time.sleep(0.05)
        if self.reference_server is None:
            folder = self.directory / "reference"
            folder.mkdir()
            self.reference_server = self.ready(Server(self.program, folder,
                                                      "--enable-debug-command", "yes"))
        with Client(server.port, timeout=60) as client, \
                Client(self.reference_server.port, timeout=60) as reference:
            for worker in workers:
                found = self.look(worker, client, Reference(reference))
                self.steps += len(worker.log)
                self.unacknowledged += max(0, found - worker.acknowledged)
                if found < worker.acknowledged:
                    self.lost += worker.acknowledged - found
                    self.oldest_lost = max(self.oldest_lost, killed - worker.times[found])
            assert client.call("DEBUG", "VERIFY") == "OK"
        left = [path for path in data_files(self.directory) if path.endswith(".rdb") and
                "/temp-" in path and f"temp-{server.process.pid}." not in path]
        assert not left, left
        self.kill(server)

    def look(self, worker, client, reference):
        """From what was acknowledged on, which is mostly it; only then from what is durable."""
        try:
            return steps_found(worker, client, reference, worker.acknowledged)
        except AssertionError:
            if self.least(worker) == worker.acknowledged:
                raise
            return steps_found(worker, client, reference, self.least(worker))

    def summary(self):
        return (f"stopped {self.kills} times: {self.steps} steps, {self.unacknowledged} there "
                f"without being acknowledged, {self.lost} lost, the oldest {self.oldest_lost:.2f} "
                f"s old; {self.outcomes.get('aof_rewrite_in_progress', 0)} in a rewrite, "
                f"{self.outcomes.get('rdb_bgsave_in_progress', 0)} in a snapshot")

    def end(self):
        for server in (self.server, self.reference_server):
            if server is not None:
                server.stop(signal.SIGKILL)


def run(directory, mode, kills, seed, **more):
    loop = Loop(directory, mode, seed, **more)
    try:
        for _ in range(kills):
            loop.round()
    finally:
        loop.end()
    return loop


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="kills in each mode")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--seconds", type=float, default=1, help="of load, at most, before a kill")
    parser.add_argument("--program", default=SNUG_SERVER)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    for mode in options.mode or MODES:
        for forgetful in (False, True):
            if forgetful and CHECKED_BUILD:
                continue
            with tempfile.TemporaryDirectory(prefix="snug-kill-") as name:
                begun = time.monotonic()
                loop = run(pathlib.Path(name), mode, options.rounds, options.seed,
                           forgetful=forgetful, program=options.program,
                           seconds=options.seconds)
                print(f"{mode:9} {'machine' if forgetful else 'process'} {loop.summary()}, "
                      f"{time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
