"""Several connections to Snug and to redis-server do the same, and hear the same.

After each command every connection is asked for an echo: what came before that is what it was told
meanwhile. In which order patterns are told, and whether one's own messages come before or behind
the reply (Redis 7.2 changed it), is left open: what comes between two echoes is compared sorted.
"""

import os
import re

import pytest

from generators.primitives import Source
from raw import Raw

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 40
SEED = int(os.environ.get("SNUG_SEED", "1"))
CONNECTIONS = 4
SEQUENCE = 120
CHANNELS = [b"a", b"b", b"news.art", b"news.music", b"", b"x\0y\r\n", b"[a]"]
PATTERNS = [b"*", b"a", b"news.*", b"n?ws.a*", b"[ab]", b"\\[a]", b"[^a]", b"news.[a-m]*"]


def some(r, of):
    return [r.choice(of) for _ in range(r.choice([1, 1, 2, 3]))]


def listening(r):
    """A command of publish/subscribe. Leaving everything has no order in Redis."""
    return r.choice([
        lambda: [b"SUBSCRIBE", *some(r, CHANNELS)], lambda: [b"PSUBSCRIBE", *some(r, PATTERNS)],
        lambda: [b"SSUBSCRIBE", *some(r, CHANNELS)], lambda: [b"UNSUBSCRIBE", *some(r, CHANNELS)],
        lambda: [b"PUNSUBSCRIBE", *some(r, PATTERNS)],
        lambda: [b"SUNSUBSCRIBE", *some(r, CHANNELS)],
        lambda: [b"PUBLISH", r.choice(CHANNELS), b"m%d" % r.randrange(1000)],
        lambda: [b"PUBLISH", r.choice(CHANNELS), b"m%d" % r.randrange(1000)],
        lambda: [b"PUBLISH", r.choice(CHANNELS), b""],
        lambda: [b"SPUBLISH", r.choice(CHANNELS), b"m%d" % r.randrange(1000)],
        lambda: [b"PUBSUB", b"NUMSUB", *some(r, CHANNELS)],
        lambda: [b"PUBSUB", b"SHARDNUMSUB", *some(r, CHANNELS)],
        lambda: [b"PUBSUB", b"NUMPAT"], lambda: [b"PING"], lambda: [b"PING", b"x"],
        lambda: [b"HELLO", r.choice([b"2", b"3"])], lambda: [b"GET", b"a"],
        lambda: [b"RESET"] if r.random() < 0.2 else [b"PING"],
    ])()


class Crowd:
    """Connections to one server."""

    def __init__(self, port):
        self.connections = [Raw(port) for _ in range(CONNECTIONS)]

    def close(self):
        for connection in self.connections:
            connection.close()

    def begin(self):
        for connection in self.connections:
            connection.send([("RESET",), ("FLUSHALL",)])
        self.until(b"begin")
        self.numbers = [connection.call("CLIENT", "ID")[1:-2] for connection in self.connections]

    def until(self, *marks):
        """What each connection is told before the echo of the last mark, asked for one by one."""
        heard = [[] for _ in self.connections]
        for mark in marks:
            for connection, mine in zip(self.connections, heard):
                connection.send([("PING", mark)])
                while mark not in (reply := connection.read()):
                    mine.append(reply)
        return [sorted(mine) for mine in heard]

    def transact(self, who, command):
        """MULTI, the commands between the semicolons, EXEC: one turn, in which each has a reply."""
        parts = [[]]
        for word in command:
            if word == b";":
                parts.append([])
            else:
                parts[-1].append(word)
        self.connections[who].send([["MULTI"], *parts, ["EXEC"]])

    def numbered(self, command):
        """With the number of this server's connection for b"<2>"."""
        return [self.numbers[int(word[1:2])] if re.fullmatch(rb"<\d>", word) else word
                for word in command]

    def unnumbered(self, reply):
        for who, number in enumerate(self.numbers):
            reply = reply.replace(b":%b\r\n" % number, b":<%d>\r\n" % who)
        return reply

    def do(self, who, command, mark):
        if b";" in command:
            self.transact(who, command)
            return self.until(mark, mark + b".")
        self.connections[who].send([self.numbered(command)])
        first = self.connections[who].read()  # so that it has run before others are asked
        if b"$6\r\nserver" in first:
            first = first[:4]  # HELLO: versions and numbers differ
        if command[-1] in (b"TRACKINGINFO", b"GETREDIR"):
            first = self.unnumbered(first)
        # What is told at the end of a turn may come behind the first echo.
        heard = self.until(mark, mark + b".")
        heard[who] = sorted(heard[who] + [first])
        return heard


@pytest.fixture(scope="module")
def crowds(shared_server, oracle):
    both = Crowd(shared_server.port), Crowd(oracle.port)
    yield both
    for crowd in both:
        crowd.close()


def run(crowds, r, draw, label, same=lambda command, ours, theirs: ours == theirs):
    done = []
    for crowd in crowds:
        crowd.begin()
    for at in range(SEQUENCE):
        who, command = r.randrange(CONNECTIONS), draw(r)
        done.append(f"{who}: {command}")
        ours, theirs = (crowd.do(who, command, b"echo-%d." % at) for crowd in crowds)
        assert same(command, ours, theirs), "\n".join(
            [f"SNUG_SEED={SEED} {label}", *done, f"ours   {ours}", f"theirs {theirs}"])


@pytest.mark.parametrize("number", range(max(1, COMMANDS // SEQUENCE)))
def test_publishing(crowds, number):
    r = Source(f"messages {SEED} {number}", keys_used=2)
    run(crowds, r, listening, f"publishing {number}")


KEYS = [b"a", b"b", b"ab", b"abc", b"x:1", b"x:2"]


# Reads a key, and does something with it. One key: of several 7.0 remembers all that the script has
# when it reads any, and 7.2 those that it reads.
SCRIPT = b"""redis.pcall('get', KEYS[1])
return redis.pcall(ARGV[1], KEYS[1], ARGV[1] == 'set' and 'x' or nil)"""


def prefixes(r):
    return [word for prefix in r.sample([b"a", b"b", b"x:", b"x:1", b""], r.choice([0, 1, 1, 2]))
            for word in (b"PREFIX", prefix)]


def same_lines(command, ours, theirs):
    """7.0 tells what EXEC changed in the midst of its reply, 7.2 behind it."""
    if b";" not in command:
        return ours == theirs
    return all(sorted(b"".join(one).split(b"\r\n")) == sorted(b"".join(other).split(b"\r\n"))
               for one, other in zip(ours, theirs))


def tracking(r):
    """Keys are read and changed by connections that track, in every mode, and others."""
    key, other = r.choice(KEYS), r.choice(KEYS)
    return r.choice([
        lambda: [b"CLIENT", b"TRACKING", b"ON", b"BCAST", *prefixes(r),
                 *r.choice([[], [], [b"NOLOOP"]])],
        lambda: [b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", b"<%d>" % r.randrange(CONNECTIONS),
                 *r.choice([[], [b"BCAST"], [b"OPTIN"], [b"NOLOOP"]])],
        lambda: [b"CLIENT", b"GETREDIR"],
        lambda: [b"SUBSCRIBE", b"__redis__:invalidate"] if r.random() < 0.3 else
        [b"UNSUBSCRIBE", b"__redis__:invalidate"],
        lambda: [b"EVAL", SCRIPT, b"1", key, r.choice([b"get", b"set", b"exists", b"del"])],
        lambda: [b"GET", key, b";", b"SET", other, b"1"],
        lambda: [b"SET", key, b"1", b";", b"GET", key, b";", b"INCR", key],
        lambda: [b"MGET", key, other, b";", b"DEL", key, b";", b"EVAL", SCRIPT, b"1", key,
                 b"set"],
        lambda: [b"CLIENT", b"TRACKING", b"ON"],
        lambda: [b"CLIENT", b"TRACKING", b"ON",
                 *r.choice([[b"OPTIN"], [b"OPTOUT"], [b"NOLOOP"], [b"OPTIN", b"NOLOOP"]])],
        lambda: [b"CLIENT", b"TRACKING", b"OFF"],
        lambda: [b"CLIENT", b"CACHING", r.choice([b"YES", b"NO"])],
        lambda: [b"CLIENT", b"TRACKINGINFO"],
        lambda: [b"GET", key], lambda: [b"MGET", key, other], lambda: [b"GET", key],
        lambda: [b"LRANGE", key, b"0", b"-1"], lambda: [b"DUMP", b"none"],
        lambda: [b"EXISTS", key, other], lambda: [b"TYPE", key],
        lambda: [b"SET", key, b"1"], lambda: [b"DEL", key, other], lambda: [b"APPEND", key, b"x"],
        lambda: [b"RPUSH", key, b"x"], lambda: [b"LPOP", key], lambda: [b"RENAME", key, other],
        lambda: [b"COPY", key, other, b"REPLACE"], lambda: [b"EXPIRE", key, b"1000"],
        lambda: [b"PERSIST", key], lambda: [b"SADD", key, b"m"], lambda: [b"SREM", key, b"m"],
        lambda: [b"MSET", key, b"1", other, b"2"], lambda: [b"SETNX", key, b"1"],
        lambda: [b"EXPIRE", key, b"-1"], lambda: [b"GETDEL", key], lambda: [b"GETSET", key, b"1"],
        lambda: [b"FLUSHALL"] if r.random() < 0.2 else [b"PING"],
        lambda: [b"HELLO", r.choice([b"2", b"3", b"3"])],
        lambda: [b"RESET"] if r.random() < 0.2 else [b"PING"],
    ])()


@pytest.mark.parametrize("number", range(max(1, COMMANDS // SEQUENCE)))
def test_tracking(crowds, number):
    r = Source(f"tracking {SEED} {number}", keys_used=2)
    run(crowds, r, tracking, f"tracking {number}", same_lines)
