"""Transactions of several connections at once, sent to Snug and to redis-server: every reply of
every connection is compared, and what EXEC answers part by part.

The connections take turns; one sends a few commands together, and its replies are read before the
next one's turn, so that both servers see the same order. What differs is cut down to the fewest
commands that show it. SNUG_DIFFERENTIAL and SNUG_SEED as in test_differential.py.
"""

import os

import pytest

import known_differences
from command_generators import GENERATORS, TYPES, WEIGHTS, audit, commands
from differential import AS_AT_FIRST, EMPTY, Difference, Earlier, Pair, shown
from generators.primitives import KEYS, POOLS, Source
from raw import Raw, _parse, parse
from resp import Client

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 3
SEED = int(os.environ.get("SNUG_SEED", "1"))
SEQUENCE = 250
CONNECTIONS = 4
ENDS = (b"exec", b"discard", b"reset")


class Sent(tuple):
    """A command, and the number of the connection that sends it."""

    by = 0

    def of(self, connection):
        self.by = connection
        return self


def parts_of(raw):
    """The elements of an array as they came; None when it is no array, or null."""
    if raw[:1] != b"*" or raw[:2] == b"*-":
        return None
    line_end = raw.index(b"\r\n")
    at, found = line_end + 2, []
    for _ in range(int(raw[1:line_end])):
        _, end = _parse(raw, at)
        found.append(raw[at:end])
        at = end
    return found


class Group(Pair):
    """Several connections to each of both servers."""

    def _begin(self, protocol):
        self.close()
        self.connections = tuple(Raw(port) for _ in range(CONNECTIONS) for port in self.ports)
        for connection in self.connections[:2]:
            connection.send(EMPTY)
            for _ in EMPTY:
                connection.read()
        for connection in self.connections:
            connection.send([("HELLO", protocol)])
            connection.read()

    def _replies(self, commands, together):
        replies = [], []
        at = 0
        while at < len(commands):
            end = at + 1
            while end < len(commands) and end - at < together and \
                    commands[end].by == commands[at].by:
                end += 1
            both = self.connections[2 * commands[at].by:2 * commands[at].by + 2]
            for connection in both:
                connection.send(commands[at:end])
            for connection, found in zip(both, replies):
                found += [connection.read() for _ in range(at, end)]
            at = end
        return replies

    def run(self, commands, protocol, together):
        try:
            self._begin(protocol)
            replies = self._replies(commands, together)
        except OSError:
            self.close()
            raise
        queues = [[] for _ in range(CONNECTIONS)]
        for at, (command, ours, theirs) in enumerate(zip(commands, *replies)):
            queue = queues[command.by]
            same = ours == theirs or known_differences.allowed(
                command, parse(ours), parse(theirs), Earlier(commands, replies, at)) or \
                self.same_parts(queue, ours, theirs)
            if not same:
                raise Difference(commands, at, ours, theirs)
            if (ours == b"+QUEUED\r\n") != (theirs == b"+QUEUED\r\n"):
                return  # the arguments have another number in 7.2: from here on all differs
            if theirs == b"+QUEUED\r\n":
                queue.append(command)
            elif command[0].lower() in ENDS:
                queue.clear()

    @staticmethod
    def same_parts(queue, ours, theirs):
        """What EXEC answers for each of the commands that were queued."""
        parts = parts_of(ours), parts_of(theirs)
        if None in parts or len(parts[0]) != len(parts[1]) or len(parts[0]) != len(queue):
            return False
        return all(one == other or known_differences.allowed(
            command, parse(one), parse(other), Earlier(queue, parts, at))
            for at, (command, one, other) in enumerate(zip(queue, *parts)))


def some_keys(r):
    pools = [POOLS[name][:r.keys_used] for name in sorted(POOLS)] + [KEYS[:4]]
    return [r.choice(r.choice(pools)) for _ in range(r.randint(1, 3))]


def endless(command):
    """A reply with as many elements as there are numbers."""
    return command[0].lower().endswith((b"randfield", b"randmember")) and \
        any(word[:1] == b"-" and len(word) > 4 for word in command[1:])


def waits(command):
    """What may wait is sent within MULTI only: there it answers at once."""
    name = command[0].lower()
    return name[:2] in (b"bl", b"br", b"bz") or any(word.lower() == b"block" for word in command)


# Servers answer by chance or by their age, or know of each other's connections.
LEFT_OUT = {"client", "config", "command", "memory", "object", "spop", "randomkey", "wait", "time",
            "role", "lastsave", "reset",
            # It counts as a change there without one: docs/differences.md.
            "ltrim"}


def draw(r, names, weights, in_multi):
    """A command that is one by itself, or belongs behind another."""
    chance = r.random()
    if in_multi and chance < 0.2:
        return [(r.choice([b"EXEC"] * 12 + [b"DISCARD", b"DISCARD", b"MULTI", b"RESET"]),)]
    if in_multi and chance < 0.22:
        return [(b"WATCH", b"a")] if r.random() < 0.5 else [(b"UNWATCH",)]
    if not in_multi and chance < 0.14:
        return [tuple([b"WATCH"] + some_keys(r))]
    if not in_multi and chance < 0.28:
        return [(b"MULTI",)]
    if not in_multi and chance < 0.31:
        return [(r.choice([b"UNWATCH", b"UNWATCH", b"EXEC", b"DISCARD", b"SWAPDB", b"WATCH"]),)
                if r.random() < 0.7 else (b"SWAPDB", b"0", r.choice([b"0", b"1", b"2"]))]
    while True:
        found = commands(r, r.choices(names, weights)[0])
        if any(endless(command) or (waits(command) and not in_multi) for command in found):
            continue
        return found


def sequence(r, exist, length):
    names = [name for name in sorted(GENERATORS) if name in exist - LEFT_OUT]
    weights = [WEIGHTS.get(name, 1) for name in names]
    in_multi = [False] * CONNECTIONS
    found = []
    while len(found) < length:
        by = r.randrange(r.choice([2, CONNECTIONS]))
        for _ in range(r.choice([1, 1, 2, 5])):
            for command in draw(r, names, weights, in_multi[by]):
                found.append(Sent(command).of(by))
                name = command[0].lower()
                in_multi[by] = name == b"multi" or (in_multi[by] and name not in ENDS)
    found += [Sent((word,)).of(by) for by in range(CONNECTIONS) for word in (b"EXEC", b"RESET")]
    found += [Sent(command).of(0) for command in audit("mixed") if command[0] != b"OBJECT"]
    return found


@pytest.fixture(scope="module")
def group(shared_server, oracle):
    group = Group(shared_server.port, oracle.port)
    yield group
    group.close()
    with Client(oracle.port) as client:
        assert client.call(*AS_AT_FIRST) == "OK"


def test_transactions_of_several_connections(group, shared_server):
    with Client(shared_server.port) as client:
        exist = {name.decode() for name in client.call("COMMAND", "LIST") if b"|" not in name}
    for number in range(max(1, COMMANDS // SEQUENCE)):
        r = Source(f"{SEED} transactions {number}", keys_used=(1, 2)[number % 2])
        drawn = sequence(r, exist, SEQUENCE)
        how = r.choice([2, 3]), r.choice([1, 7, 60])
        difference = group.differs(drawn, *how)
        if difference is None:
            continue
        small = group.shrink(difference, how)
        lines = "\n".join(f"    {command.by}: {shown(command)}" for command in small.commands)
        raise AssertionError(f"SNUG_SEED={SEED} transactions {number}: the servers differ (RESP"
                             f"{how[0]}, {how[1]} together) at the last of\n{lines}\n"
                             f"    ours:   {small.ours!r}\n    theirs: {small.theirs!r}")


def test_every_type_takes_part():
    """A focus of its own for each type is not needed: all types' commands are drawn."""
    r = Source("parts", keys_used=2)
    names = {command[0].lower() for command in sequence(r, set(GENERATORS), 3000)}
    for module in TYPES.values():
        own = {name.encode() for name in module.GENERATORS}
        assert not own or own & names
