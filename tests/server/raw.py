"""Replies as the bytes that came, cut at their ends: for comparing two servers to the byte."""

import socket

from resp import encode

COUNTED = b"$=!"
NESTED = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}


class Raw:
    """A connection that sends many commands in one write and cuts what comes into replies."""

    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.at = 0

    def close(self):
        self.socket.close()

    def send(self, requests):
        self.socket.sendall(b"".join(encode(request) for request in requests))

    def read(self):
        """The next reply, whole."""
        start = self.at
        while (end := self._end(start)) is None:
            self._fill(start)
            start = 0
        self.at = end
        return self.pending[start:end]

    def call(self, *arguments):
        self.send([arguments])
        return self.read()

    def _fill(self, start):
        parts = [self.pending[start:]]
        more = self.socket.recv(1 << 20)
        if not more:
            raise ConnectionError("closed by the server")
        parts.append(more)
        self.pending = b"".join(parts)
        self.at = 0

    def _end(self, at):
        """Where the reply at `at` ends; None when more must come first."""
        left = 1
        while left:
            line_end = self.pending.find(b"\r\n", at)
            if line_end < 0:
                return None
            kind, left = self.pending[at:at + 1], left - 1
            if kind in NESTED:
                left += max(int(self.pending[at + 1:line_end]), 0) * NESTED[kind]
                left += kind == b"|"  # attributes come before a reply
            at_next = line_end + 2
            if kind in COUNTED and (count := int(self.pending[at + 1:line_end])) >= 0:
                at_next += count + 2
                if at_next > len(self.pending):
                    return None
            at = at_next
        return at


def parse(reply):
    """A raw reply as nested tuples: (kind, payload). Null arrays and null strings differ."""
    value, end = _parse(reply, 0)
    assert end == len(reply), reply
    return value


def _parse(reply, at):
    line_end = reply.index(b"\r\n", at)
    kind, rest, at = reply[at:at + 1], reply[at + 1:line_end], line_end + 2
    if kind in NESTED:
        items = []
        for _ in range(max(int(rest), 0) * NESTED[kind]):
            item, at = _parse(reply, at)
            items.append(item)
        return (kind, items if int(rest) >= 0 else None), at
    if kind in COUNTED:
        count = int(rest)
        if count < 0:
            return (kind, None), at
        return (kind, reply[at:at + count]), at + count + 2
    return (kind, rest), at
