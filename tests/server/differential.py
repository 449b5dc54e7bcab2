"""The same commands to two servers, and every reply compared."""

import time

import command_generators
import known_differences
from raw import Raw, parse


AS_AT_FIRST = command_generators.as_at_first()
# What takes a server back to its beginning, but for its connections.
EMPTY = [("FLUSHALL",), ("FUNCTION", "FLUSH"), ("SCRIPT", "FLUSH"), AS_AT_FIRST]


class Difference(Exception):
    """Where two servers part: the commands up to there, and both replies."""

    def __init__(self, commands, at, ours, theirs):
        self.commands, self.at, self.ours, self.theirs = commands, at, ours, theirs
        super().__init__(f"{shown(commands[at])}\n    ours:   {ours!r}\n    theirs: {theirs!r}")


def shown(command):
    """A command as a line for redis-cli."""
    def quoted(argument):
        text = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
                       for byte in argument)
        return text if text and not set(text) & set(" '\\") else f'"{text}"'
    line = " ".join(quoted(argument) for argument in command)
    return line if len(line) < 400 else line[:400] + "..."


class Earlier:
    """What came before a reply that differs, for rules that ask."""

    def __init__(self, commands, replies, at):
        self.commands, self.replies, self.at = commands, replies, at

    def command(self, back=1):
        return self.commands[self.at - back] if back <= self.at else ()

    def ours(self, back=1):
        return parse(self.replies[0][self.at - back])

    def theirs(self, back=1):
        return parse(self.replies[1][self.at - back])

    def any_named(self, *names):
        """Whether one of these commands came at all."""
        return any(command[0].lower().decode("latin-1") in names
                   for command in self.commands[:self.at])


class Pair:
    """Connections to both servers, kept over many sequences."""

    def __init__(self, ours_port, theirs_port):
        self.ports = ours_port, theirs_port
        self.connections = None

    def close(self):
        for connection in self.connections or ():
            connection.close()
        self.connections = None

    def _begin(self, protocol):
        """Both servers empty and both connections new in all that commands can set."""
        if self.connections is None:
            self.connections = tuple(Raw(port) for port in self.ports)
        for connection in self.connections:
            beginning = [("RESET",), *EMPTY, ("HELLO", protocol)]
            connection.send(beginning)
            for _ in beginning:
                connection.read()

    def _replies(self, commands, together):
        replies = [], []
        for at in range(0, len(commands), together):
            part = commands[at:at + together]
            for connection in self.connections:
                connection.send(part)
            for connection, found in zip(self.connections, replies):
                found += [connection.read() for _ in part]
        return replies

    def run(self, commands, protocol, together):
        """Raises Difference at the first reply that differs beyond what is known. So many commands
        are sent `together` before their replies are read."""
        try:
            self._begin(protocol)
            replies = self._replies(commands, together)
        except OSError:
            self.close()
            raise
        for at, (command, ours, theirs) in enumerate(zip(commands, *replies)):
            if ours != theirs and not known_differences.allowed(
                    command, parse(ours), parse(theirs), Earlier(commands, replies, at)):
                raise Difference(commands, at, ours, theirs)

    def differs(self, commands, *how):
        try:
            self.run(commands, *how)
        except Difference as difference:
            return difference
        except ConnectionError as error:
            return Difference(commands, len(commands) - 1, b"", str(error).encode())
        return None

    def shrink(self, difference, how, budget_s=15):
        """Leaves out commands for as long as some difference stays."""
        best = difference
        deadline = time.monotonic() + budget_s
        piece = max(1, best.at // 2)
        while time.monotonic() < deadline:
            at = 0
            while at < best.at and time.monotonic() < deadline:
                commands = best.commands[:at] + best.commands[at + piece:best.at + 1]
                if commands and (found := self.differs(commands, *how)):
                    best = found
                else:
                    at += piece
            if piece == 1:
                break
            piece = max(1, piece // 2)
        best.commands = best.commands[:best.at + 1]
        return best


def check(pair, commands, protocol, together, label):
    """Runs the sequence; a difference is told with the fewest commands that show it."""
    difference = pair.differs(commands, protocol, together)
    if difference is None:
        return
    small = pair.shrink(difference, (protocol, together))
    lines = "\n".join("    " + shown(command) for command in small.commands)
    raise AssertionError(f"{label}: the servers differ (RESP{protocol}, {together} together) at "
                         f"the last of\n{lines}\n    ours:   {small.ours!r}\n"
                         f"    theirs: {small.theirs!r}")
