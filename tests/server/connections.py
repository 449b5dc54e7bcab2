"""Several connections to each of two servers, who take turns: what the differential tests of
transactions and of users share.

One connection sends a few commands together, and its replies are read before the next one's turn,
so that both servers see the same order. What differs is cut down to the fewest commands that show
it. SNUG_DIFFERENTIAL and SNUG_SEED as in test_differential.py.
"""

import os

import known_differences
from command_generators import GENERATORS, WEIGHTS, commands
from differential import EMPTY, Difference, Earlier, Pair, shown
from generators.primitives import Source
from raw import Raw, _parse, parse
from resp import Client

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 3
SEED = int(os.environ.get("SNUG_SEED", "1"))
SEQUENCES = {"transactions": 250, "users": 200}  # the commands of one
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
        self.connections = [Raw(port) for _ in range(CONNECTIONS) for port in self.ports]
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
            for side, found in enumerate(replies):
                found += self._turn(2 * commands[at].by + side, commands[at:end])
            at = end
        return replies

    def _turn(self, which, part):
        """The replies to commands that one connection sends together."""
        self.connections[which].send(part)
        return [self.connections[which].read() for _ in part]

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


def names_and_weights(exist, left_out=LEFT_OUT):
    """Of the commands that are drawn."""
    names = [name for name in sorted(GENERATORS) if name in exist - left_out]
    return names, [WEIGHTS.get(name, 1) for name in names]


def some_command(r, names, weights, in_multi):
    """A command that is one by itself, or belongs behind another."""
    while True:
        found = commands(r, r.choices(names, weights)[0])
        if not any(endless(command) or (waits(command) and not in_multi) for command in found):
            return found


def turns(r, length, next_one, draw):
    """What connections send in turn: next_one() says who, draw(by, in_multi) what."""
    in_multi = [False] * CONNECTIONS
    found = []
    while len(found) < length:
        by = next_one()
        for _ in range(r.choice([1, 1, 2, 5])):
            for command in draw(by, in_multi[by]):
                found.append(Sent(command).of(by))
                name = command[0].lower()
                in_multi[by] = name == b"multi" or (in_multi[by] and name not in ENDS)
    return found


def compare(group, server, about, sequence, keys_used, together):
    """Draws sequences, sequence(r, exist), and fails where the servers differ."""
    with Client(server.port) as client:
        exist = {name.decode() for name in client.call("COMMAND", "LIST") if b"|" not in name}
    for number in range(max(1, COMMANDS // SEQUENCES[about])):
        r = Source(f"{SEED} {about} {number}", keys_used=keys_used(number))
        drawn = sequence(r, exist)
        how = r.choice([2, 3]), r.choice(together)
        difference = group.differs(drawn, *how)
        if difference is None:
            continue
        small = group.shrink(difference, how)
        lines = "\n".join(f"    {command.by}: {shown(command)}" for command in small.commands)
        raise AssertionError(f"SNUG_SEED={SEED} {about} {number}: the servers differ (RESP"
                             f"{how[0]}, {how[1]} together) at the last of\n{lines}\n"
                             f"    ours:   {small.ours!r}\n    theirs: {small.theirs!r}")
