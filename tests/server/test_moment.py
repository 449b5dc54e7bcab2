"""What a snapshot holds is of one moment, whatever goes on while it is written.

Clients move things between keys as fast as pipelines go: every command, or transaction, leaves the
whole as it was. Keys come, go and expire meanwhile, the index grows and shrinks, blocks move. Each
file, loaded by another server, must hold everything once, and amounts that sum to what they were.
"""

import random
import shutil
import signal
import threading
import time

import pytest

from conftest import CHECKED_BUILD, MOVE_ALL_BUILD, running
from resp import Client, encode
from test_aof import last_increment
from test_persistence import info, until

SLOTS = 60                      # keys of each kind
THINGS = 600 if MOVE_ALL_BUILD else 3000 if CHECKED_BUILD else 10000
JUNK = 2000 if CHECKED_BUILD else 60000
TOTAL = 10 ** 9
BATCH = 200 if CHECKED_BUILD else 1500
DEFRAG = ("--activedefrag", "yes", "--active-defrag-ignore-bytes", "1",
          "--active-defrag-threshold-lower", "0", "--active-defrag-cycle-min", "10")


def fill(client, r):
    """Things by name, each once; values of all sizes, so that some are big."""
    client.pipeline(*(("RPUSH", f"l{r.randrange(SLOTS)}", f"item:{i}" + "x" * r.choice([0, 9, 400]))
                      for i in range(THINGS)))
    client.pipeline(*(("SADD", f"s{i * i % SLOTS % 7}", r.choice([f"member:{i}", 10 ** 6 + i]))
                      for i in range(THINGS)))
    client.pipeline(*(("SET", f"n{i}", f"value:{i}:" + "y" * r.choice([0, 50, 9000, 100000]))
                      for i in range(SLOTS // 2)))
    client.pipeline(*(("HSET", f"h{i % (SLOTS // 2)}", f"field:{i}", "z" * r.choice([1, 90]))
                      for i in range(THINGS)))
    client.pipeline(*(("ZADD", f"z{i % (SLOTS // 2)}", i, f"place:{i}") for i in range(THINGS)))
    client.pipeline(*(("SET", f"junk{i}", "j" * r.randrange(500)) for i in range(JUNK)))
    client.call("SET", "amount:string", TOTAL)


def moves(r, transactions):
    """A command that leaves the whole as it was."""
    slot = lambda: r.randrange(SLOTS)
    drawn = r.random()
    if drawn < 0.25:
        ends = [r.choice(["LEFT", "RIGHT"]) for _ in range(2)]
        yield ("LMOVE", f"l{slot()}", f"l{slot()}", *ends)
    elif drawn < 0.3:
        yield ("RPOPLPUSH", f"l{slot()}", f"l{slot()}")
    elif drawn < 0.5:
        i = r.randrange(THINGS)
        yield ("SMOVE", f"s{r.randrange(7)}", f"s{r.randrange(7)}",
               r.choice([f"member:{i}", 10 ** 6 + i]))
    elif drawn < 0.6:
        kind = r.choice("nhzls")
        yield ("RENAMENX", f"{kind}{slot()}", f"{kind}{slot()}")
    elif drawn < 0.62:
        yield ("MOVE", f"{r.choice('nhzls')}{slot()}", 1)
    elif drawn < 0.8 or not transactions:
        yield from junk(r)
    else:
        yield from transfer(r, r.randrange(10 ** 6))


def transfer(r, amount):
    """Of an amount from one kind of number to another; tokens go the same way."""
    change = lambda sign: r.choice([
        ("INCRBY", "amount:string", sign * amount), ("DECRBY", "amount:string", -sign * amount),
        ("HINCRBY", "amount:hash", r.randrange(400), sign * amount),
        ("ZINCRBY", "amount:zset", sign * amount, r.randrange(400)),
        ("XADD", "amount:stream", "*", "by", sign * amount),
        ("RPUSH", "amount:list", sign * amount), ("LPUSH", "amount:list", sign * amount)])
    yield ("MULTI",)
    yield change(1)
    yield change(-1)
    yield ("EXEC",)


def junk(r):
    key = f"junk{r.randrange(JUNK)}"
    drawn = r.random()
    if drawn < 0.3:
        yield ("SET", key, "j" * r.randrange(200), "PX", r.randrange(1, 2000))
    elif drawn < 0.9:
        yield ("SET", key, "j" * r.randrange(500))
    else:
        yield ("DEL", key)


class Mover(threading.Thread):
    """Sends batches made before, over and over, and reads replies up to each batch's end."""

    def __init__(self, port, seed, transactions):
        super().__init__(daemon=True)
        r = random.Random(seed)
        self.port, self.stop, self.commands, self.failure = port, False, 0, None
        self.batches = []
        for number in range(12):
            requests = [request for _ in range(BATCH) for request in moves(r, transactions)]
            if number == 0:  # holes everywhere, and an index that shrinks
                requests += [("UNLINK", f"junk{i}") for i in range(JUNK) if i % 5]
            requests.append(("ECHO", f"end of {seed}.{number}"))
            self.batches.append((b"".join(map(encode, requests)),
                                 f"end of {seed}.{number}\r\n".encode(), len(requests)))

    def run(self):
        try:
            with Client(self.port, timeout=120) as client:
                r = random.Random(0)
                while not self.stop:
                    self.send(client.socket, *r.choice(self.batches))
        except BaseException as failure:
            self.failure = failure

    def send(self, to, data, end, count):
        """In pieces, so that neither side waits for the other for ever."""
        got = b""
        for at in range(0, len(data), 30000):
            to.sendall(data[at:at + 30000])
        while not got.endswith(end):
            more = to.recv(1 << 20)
            if not more:
                raise ConnectionError("the server has gone")
            assert b"-MISCONF" not in more and b"-OOM" not in more and b"-EXEC" not in more, more
            got = (got + more)[-200:]
        self.commands += count


def things(client):
    """Everything there is, in all databases, by kind."""
    found = {kind: [] for kind in "lsnhz"}
    total = 0
    for db in (0, 1):
        client.call("SELECT", db)
        for kind, command in (("l", ("LRANGE", 0, -1)), ("s", ("SMEMBERS",)), ("n", ("GET",)),
                              ("h", ("HKEYS",)), ("z", ("ZRANGE", 0, -1))):
            for slot in range(SLOTS):
                reply = client.call(command[0], f"{kind}{slot}", *command[1:])
                found[kind] += reply if isinstance(reply, list) else [reply] if reply else []
        total += int(client.call("GET", "amount:string") or 0)
        total += sum(map(int, client.call("HVALS", "amount:hash")))
        total += sum(map(int, client.call("LRANGE", "amount:list", 0, -1)))
        total += sum(int(float(score)) for score in
                     client.call("ZRANGE", "amount:zset", 0, -1, "WITHSCORES")[1::2])
        stream = client.call("XRANGE", "amount:stream", "-", "+")
        total += sum(int(fields[1]) for _, fields in stream)
    return {kind: sorted(names) for kind, names in found.items()}, total


def check(snug_program, folder, expected, *options):
    """What the files in a folder say."""
    server = running(snug_program, folder, "--enable-debug-command", "yes", *options)
    try:
        with Client(server.port, timeout=120) as client:
            until(lambda: client.call("PING") == "PONG")
            found, total = things(client)
            for kind, names in expected.items():
                assert found[kind] == names, (kind, sorted(set(names) ^ set(found[kind]))[:5])
            assert total == TOTAL
            assert client.call("DEBUG", "VERIFY") == "OK"
    finally:
        server.stop(signal.SIGKILL)


def save(server, client, folder):
    assert client.call("SAVE") == "OK"
    shutil.copy(server.directory / "dump.rdb", folder / "dump.rdb")


def save_behind(server, client, folder):
    saves = int(info(client)["rdb_saves"])
    assert client.call("BGSAVE") in ("Background saving started", "Background saving scheduled")
    until(lambda: int(info(client)["rdb_saves"]) > saves)
    assert info(client)["rdb_last_bgsave_status"] == "ok", server.log()[-3000:]
    shutil.copy(server.directory / "dump.rdb", folder / "dump.rdb")


def rewrite(server, client, folder):
    """The base alone: what was so when the rewrite began."""
    done = int(info(client)["aof_rewrites"])
    assert "started" in client.call("BGREWRITEAOF")
    until(lambda: int(info(client)["aof_rewrites"]) > done and
          info(client)["aof_rewrite_in_progress"] == "0")
    assert info(client)["aof_last_bgrewrite_status"] == "ok", server.log()[-3000:]
    sequence = last_increment(server).name.split(".")[2]
    base = next((server.directory / "appendonlydir").glob(f"*.{sequence}.base.*"))
    copy = folder / "appendonlydir"
    copy.mkdir()
    shutil.copy(base, copy)
    (copy / "appendonly.aof.manifest").write_text(f"file {base.name} seq {sequence} type b\n")


@pytest.mark.parametrize("preamble", ["yes", "no"], ids=["snapshot", "commands"])
def test_a_file_holds_what_was_at_one_moment(start, snug_program, tmp_path, preamble):
    server = start("--enable-debug-command", "yes", "--appendonly", "yes", "--appendfsync", "no",
                   "--auto-aof-rewrite-percentage", "0", "--aof-use-rdb-preamble", preamble,
                   *DEFRAG)
    client = server.client(timeout=120)
    transactions = client.call("COMMAND", "INFO", "multi")[0] is not None
    fill(client, random.Random(7))
    expected, total = things(client)
    assert total == TOTAL
    movers = [Mover(server.port, seed, transactions) for seed in range(2)]
    for mover in movers:
        mover.start()
    rounds = [save_behind, rewrite, save] if CHECKED_BUILD else [save_behind, rewrite, save] * 3
    for number, take in enumerate(rounds):
        time.sleep(0.2)
        folder = tmp_path / f"taken{number}"
        folder.mkdir()
        take(server, client, folder)
        check(snug_program, folder, expected, *(("--appendonly", "yes") if take is rewrite else ()))
        for mover in movers:
            assert mover.failure is None, mover.failure
    for mover in movers:
        mover.stop = True
    for mover in movers:
        mover.join()
        assert mover.failure is None, mover.failure
    found, total = things(client)
    assert found == expected and total == TOTAL
    print(sum(mover.commands for mover in movers), "commands;",
          client.call("INFO", "stats").decode().split("active_defrag_hits:")[1].split()[0], "moved")
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    check(snug_program, server.directory, expected, "--appendonly", "yes")
