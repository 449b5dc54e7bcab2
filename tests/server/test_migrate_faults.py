"""MIGRATE to a peer that ends or talks nonsense at any byte: no key is lost."""

import re
import socket
import threading
import time

import pytest

from resp import Client, encode

READING = "IOERR error or timeout reading from target instance"
NAMES = ["a", "b", "c", "d"]
VALUES = [b"1", b"2", b"3", b"4"]
TOLD = "ERR Target instance replied with error: "


class Peer:
    """Takes connections one after another, and does what `scripts` say: takes so many bytes, and
    answers some, or waits so many seconds; None: ends the connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepted, self.seen = 0, b""
        self.scripts = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    pass

    def _talk(self, connection):
        while self.scripts:
            takes, answers = self.scripts.pop(0)
            self.seen = b""
            while len(self.seen) < takes:
                more = connection.recv(takes - len(self.seen))
                if not more:
                    return
                self.seen += more
            if isinstance(answers, bytes):
                connection.sendall(answers)
            else:
                time.sleep(answers)
            if self.scripts and self.scripts[0] is None:
                self.scripts.pop(0)
                return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def good(start):
    server = start()
    with Client(server.port) as client:
        client.port = server.port
        yield client


def request_bytes(client, names, *before, replace=False):
    """How many bytes MIGRATE sends: all in one write."""
    total = sum(len(encode(command)) for command in before)
    for name in names:
        command = ["RESTORE", name, 0, client.call("DUMP", name)] + ["REPLACE"] * replace
        total += len(encode(command))
    return total


def fill(client):
    client.call("FLUSHALL")
    client.call("MSET", *[word for pair in zip(NAMES, VALUES) for word in pair])


def left(client):
    return [name for name, value in zip(NAMES, client.call("MGET", *NAMES)) if value is not None]


def migrate(client, peer, *options, names=NAMES, timeout=3000):
    return client.call("MIGRATE", "127.0.0.1", peer.port, "", 0, timeout, *options, "KEYS", *names)


def acknowledged(answers, before):
    """The keys whose whole status came, if nothing in front of them was refused or damaged."""
    lines = re.findall(rb"([^\n]*)\n", answers)
    taken = set()
    for at, line in enumerate(lines):
        if not line.startswith((b"+", b"-")):
            return taken
        if at < before and line.startswith(b"-"):
            return set()
        if at >= before and line.startswith(b"+"):
            taken.add(NAMES[at - before])
    return taken


def check_good(client, good):
    """The server goes on, and a peer that does what it should gets its keys."""
    good.call("FLUSHALL")
    fill(client)
    assert migrate(client, good) == "OK"
    assert left(client) == [] and good.call("MGET", *NAMES) == VALUES


AUTH = ["AUTH", "secret"]
SELECT = ["SELECT", 0]


def test_it_ends_after_each_byte_it_was_sent(client, peer, good):
    fill(client)
    total = request_bytes(client, NAMES, AUTH, SELECT)
    for takes in range(total):
        peer.scripts = [(takes, b""), None]
        reply = migrate(client, peer, "AUTH", "secret")
        assert reply.startswith("IOERR error or timeout"), (takes, reply)
        assert left(client) == NAMES, takes
    assert client.call("MGET", *NAMES) == VALUES
    check_good(client, good)


ANSWERS = b"+OK\r\n+OK\r\n+OK\r\n-BUSYKEY there\r\n+OK\r\n+OK\r\n"


@pytest.mark.parametrize("options", [(), ("COPY",), ("REPLACE",)])
def test_it_ends_after_each_byte_it_answers(client, peer, good, options):
    """What it has acknowledged goes, and nothing else."""
    fill(client)
    total = request_bytes(client, NAMES, AUTH, SELECT, replace="REPLACE" in options)
    for count in range(len(ANSWERS) + 1):
        fill(client)
        answers = ANSWERS[:count]
        peer.scripts = [(total, answers), None]
        reply = migrate(client, peer, *options, "AUTH", "secret")
        assert reply == (READING if count < len(ANSWERS) else TOLD + "BUSYKEY there"), count
        gone = set() if options == ("COPY",) else acknowledged(answers, 2)
        assert left(client) == [name for name in NAMES if name not in gone], count
    check_good(client, good)


@pytest.mark.parametrize("rubbish", [b"x", b"\r\n", b":1\r\n", b"$2\r\nOK\r\n", b"*1\r\n+OK\r\n",
                                     b"\0", b"\xff" * 3000, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_it_answers_rubbish_at_each_line(client, peer, good, rubbish):
    fill(client)
    total = request_bytes(client, NAMES, AUTH, SELECT)
    for line in range(6):
        fill(client)
        answers = b"+OK\r\n" * line + rubbish + b"\r\n" + b"+OK\r\n" * (6 - line)
        peer.scripts = [(total, answers), None]
        assert migrate(client, peer, "AUTH", "secret") == READING, line
        assert left(client) == NAMES[max(0, line - 2):], line
    check_good(client, good)


def test_it_answers_rubbish_at_each_byte(client, peer, good):
    """A status that reads otherwise is one still; a key goes by a status of its own alone."""
    fill(client)
    total = request_bytes(client, NAMES, AUTH, SELECT)
    for at in range(len(ANSWERS)):
        fill(client)
        answers = ANSWERS[:at] + b"\x01" + ANSWERS[at + 1:]
        peer.scripts = [(total, answers), None]
        reply = migrate(client, peer, "AUTH", "secret")
        assert reply == READING or reply.startswith(TOLD), (at, reply)
        gone = acknowledged(answers, 2)
        assert left(client) == [name for name in NAMES if name not in gone], at
    check_good(client, good)


@pytest.mark.parametrize("refused, gone", [(0, ""), (1, ""), (2, "bcd"), (3, "acd"), (5, "abc")])
def test_one_answer_is_an_error(client, peer, refused, gone):
    fill(client)
    total = request_bytes(client, NAMES, AUTH, SELECT)
    answers = [b"+OK\r\n"] * 6
    answers[refused] = b"-NO not this\r\n"
    peer.scripts = [(total, b"".join(answers)), None]
    assert migrate(client, peer, "AUTH", "secret") == TOLD + "NO not this"
    assert left(client) == [name for name in NAMES if name not in gone]


@pytest.mark.parametrize("late", [b"+OK\r\n", b"+", b"-ERR late\r\n", b"x" * 5000])
@pytest.mark.parametrize("wait_s", [0, 0.02])
def test_an_answer_too_many(client, peer, late, wait_s):
    """It is not taken for that of the next request, though it comes when the first has ended."""
    fill(client)
    first, second = (request_bytes(client, names, SELECT) for names in (["a"], ["b", "c"]))
    peer.scripts = [(first, b"+OK\r\n+OK\r\n"), (0, wait_s), (0, late), (1, b""),
                    (second, b"+OK\r\n-NO\r\n+OK\r\n"), None]
    assert migrate(client, peer, names=["a"]) == "OK"
    time.sleep(0.06)
    assert migrate(client, peer, names=["b", "c"]) == TOLD + "NO"
    assert left(client) == ["b", "d"] and peer.accepted == 2


def test_a_kept_connection_that_ends(client, peer):
    """At each byte of its next answer: it is tried anew if no key was answered for."""
    for count in range(11):
        fill(client)
        first, second = request_bytes(client, ["a"], SELECT), request_bytes(client, ["b", "c"])
        again = request_bytes(client, ["b", "c"], SELECT)
        before = peer.accepted
        peer.scripts = [(first, b"+OK\r\n+OK\r\n"), (second, b"+OK\r\n+OK\r\n"[:count])]
        peer.scripts += [None, (again, b"+OK\r\n+OK\r\n+OK\r\n"), None]
        assert migrate(client, peer, names=["a"]) == "OK"
        assert left(client) == ["b", "c", "d"]
        reply = migrate(client, peer, names=["b", "c"])
        anew = count < 5
        assert reply == (READING if 5 <= count < 10 else "OK"), count
        assert left(client) == (["c", "d"] if 5 <= count < 10 else ["d"]), count
        assert peer.accepted == before + (2 if anew else 1), count
        peer.scripts = []
        time.sleep(0.01)
