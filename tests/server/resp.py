"""A client that shows replies as they are: RESP2 and RESP3, without conversions that hide."""

import socket


class Error(str):
    """An error reply, with its code: Error("ERR syntax error")."""

    def __repr__(self):
        return f"Error({str.__repr__(self)})"


class Status(str):
    """A simple string: Status("OK")."""

    def __repr__(self):
        return f"Status({str.__repr__(self)})"


class Push(list):
    """An out-of-band message of RESP3."""


class Verbatim(bytes):
    """A verbatim string; `kind` holds its three letters."""

    kind = ""


class Attributed:
    """A reply with the attributes that came before it."""

    def __init__(self, attributes, reply):
        self.attributes, self.reply = attributes, reply


class BigNumber(int):
    """An integer of any size."""


class Pairs(list):
    """A map, as (key, value) tuples in the order they came: keys need not be hashable."""

    def __getitem__(self, key):
        if isinstance(key, (int, slice)):
            return super().__getitem__(key)
        wanted = key.encode() if isinstance(key, str) else key
        for name, value in self:
            if name == wanted or name == key:
                return value
        raise KeyError(key)

    def names(self):
        return [name for name, _ in self]


class Set(list):
    """A set, in the order it came."""


class ProtocolError(Exception):
    """What came is no reply."""


def encode(arguments):
    """A request as clients send it: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = as_bytes(argument)
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def as_bytes(argument):
    if isinstance(argument, (bytes, bytearray)):
        return bytes(argument)
    return str(argument).encode()


class Client:
    """One connection. `call` sends a command and reads the reply; errors are returned."""

    def __init__(self, port=None, host="127.0.0.1", path=None, timeout=20):
        if path is None:
            self.socket = socket.create_connection((host, port), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        self.pending = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *arguments):
        self.socket.sendall(encode(arguments))

    def send_raw(self, data):
        self.socket.sendall(data)

    def call(self, *arguments):
        self.send(*arguments)
        return self.read()

    def line(self, text):
        """An inline command: `line("set key 'a value'")`."""
        self.send_raw(as_bytes(text) + b"\r\n")
        return self.read()

    def pipeline(self, *requests):
        """Several commands in one write; their replies."""
        self.send_raw(b"".join(encode(request) for request in requests))
        return [self.read() for _ in requests]

    def closed(self):
        """True when the server has closed the connection and nothing is left to read."""
        try:
            return not self.pending and self.socket.recv(1, socket.MSG_PEEK) == b""
        except ConnectionError:
            return True

    def read_all(self):
        """Every byte until the server closes."""
        data = bytes(self.pending)
        while True:
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                return data
            data += more

    def _fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("closed by the server")
        self.pending += more

    def _line(self):
        while (end := self.pending.find(b"\r\n")) < 0:
            self._fill()
        line = bytes(self.pending[:end])
        del self.pending[:end + 2]
        return line

    def _bytes(self, count):
        while len(self.pending) < count + 2:
            self._fill()
        data = bytes(self.pending[:count])
        if self.pending[count:count + 2] != b"\r\n":
            raise ProtocolError(f"no CRLF after {count} bytes")
        del self.pending[:count + 2]
        return data

    def _many(self, count):
        return [self.read() for _ in range(count)]

    def read(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        simple = {b"+": lambda: Status(rest.decode("latin-1")),
                  b"-": lambda: Error(rest.decode("latin-1")),
                  b":": lambda: int(rest),
                  b",": lambda: float(rest),
                  b"(": lambda: BigNumber(rest),
                  b"_": lambda: None,
                  b"#": lambda: {b"t": True, b"f": False}[rest]}
        if kind in simple:
            return simple[kind]()
        count = int(rest) if kind in (b"$", b"*", b"=", b"%", b"~", b">", b"|", b"!") else None
        if count is None:
            raise ProtocolError(f"not a reply: {line[:80]!r}")
        return self._read_counted(kind, count)

    def _read_counted(self, kind, count):
        if count < 0:
            return None
        if kind == b"$":
            return self._bytes(count)
        if kind == b"!":
            return Error(self._bytes(count).decode("latin-1"))
        if kind == b"=":
            data = self._bytes(count)
            text = Verbatim(data[4:])
            text.kind = data[:3].decode()
            return text
        if kind == b"*":
            return self._many(count)
        if kind == b"~":
            return Set(self._many(count))
        if kind == b">":
            return Push(self._many(count))
        pairs = Pairs((self.read(), self.read()) for _ in range(count))
        return Attributed(pairs, self.read()) if kind == b"|" else pairs
