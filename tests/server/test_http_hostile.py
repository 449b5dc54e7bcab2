"""What comes over HTTP to do harm: commands go on being answered, and memory stays bounded.

No time is measured: while connections are held open that ask slowly, too much or nonsense, a number
of commands is answered, and the resident set is what it was, plus a bound.
"""

import os
import resource
import socket
import threading
import time

import pytest

from conftest import CHECKED_BUILD
from watching import Watched

BOUND = 24 << 20  # 64 connections of 32 KiB, replies, and what the allocator keeps


@pytest.fixture
def watched(start):
    return Watched(start)


def resident(server):
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def connect(watched):
    connection = socket.create_connection(("127.0.0.1", watched.http_port), timeout=20)
    connection.settimeout(20)
    return connection


def raw(watched, data):
    """What is answered until the connection ends or is silent."""
    with connect(watched) as connection:
        answer = b""
        try:
            connection.sendall(data)
            connection.settimeout(1)
            while len(answer) < 1 << 20:
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
        except (ConnectionError, socket.timeout):
            pass
        return answer


class Unharmed:
    """Around the harm: memory is bounded; commands(n) are answered meanwhile."""

    def __init__(self, watched):
        self.watched, self.client = watched, watched.server.client()

    def __enter__(self):
        self.watched.metrics()
        self.before = resident(self.watched.server)
        return self

    def commands(self, count=2000):
        for number in range(count):
            assert self.client.call("INCR", "count") > number
        self.client.call("DEL", "count")

    def __exit__(self, kind, *_):
        if kind is None:
            self.commands(200)
            # What checks itself keeps freed memory for a while.
            assert CHECKED_BUILD or resident(self.watched.server) < self.before + BOUND
            assert self.watched.server.alive()


def scraped(watched, seconds=15):
    """Somebody honest is served, if at the second attempt."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return watched.metrics()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_slow_loris(watched):
    with Unharmed(watched) as unharmed:
        held = [connect(watched) for _ in range(200)]
        for connection in held:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-")
        for _ in range(5):
            for connection in held:
                try:
                    connection.send(b"a")
                except OSError:
                    pass
            unharmed.commands(400)
        metrics = scraped(watched)
        assert metrics["snug_http_connections", ""] <= 64
        assert metrics["snug_http_closed_total", ""] > 100
        for connection in held:
            connection.close()


def test_who_asks_for_nothing_is_sent_away(watched):
    connection = connect(watched)
    connection.settimeout(60)
    connection.sendall(b"GET / HT")
    began = time.monotonic()
    assert connection.recv(1) == b"", "closed by the server"
    assert 5 < time.monotonic() - began < 60, "ten seconds, more where the machine is busy"
    connection.close()


def test_thousands_of_connections(watched):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(4000, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 200), hard))
    held = []
    try:
        with Unharmed(watched) as unharmed:
            for number in range(wanted):
                held.append(connect(watched))
                if number % 200 == 0:
                    unharmed.commands(50)
            unharmed.commands()
            assert scraped(watched)["snug_http_connections", ""] <= 64
    finally:
        for connection in held:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def http_ticks(server):
    """Of processor time that the thread of HTTP has taken."""
    tasks = f"/proc/{server.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat", encoding="ascii") as file:
            name, _, fields = file.read().rpartition(")")
        if name.endswith("(snug-http"):
            return sum(map(int, fields.split()[11:13]))
    return pytest.fail("there is no such thread")


def test_no_descriptor_left_is_no_reason_to_spin(watched):
    pid = watched.server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    watched.metrics()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")) - 1, hard))
    with connect(watched) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.2)
        before = http_ticks(watched.server)
        time.sleep(1)
        assert http_ticks(watched.server) - before < os.sysconf("SC_CLK_TCK") / 10
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert waiting.recv(100).startswith(b"HTTP/1.1 200")


def test_descriptors_of_http_are_not_those_of_clients(watched):
    client, pid = watched.server.client(), watched.server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    most = int(client.call("CONFIG", "GET", "maxclients")[1])
    assert most + 32 + 64 + 16 <= before[0]
    client.call("CONFIG", "SET", "http-port", 0)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most + 32, most + 32))
    client.call("CONFIG", "SET", "http-port", watched.http_port)
    lowered = int(client.call("CONFIG", "GET", "maxclients")[1])
    assert lowered == most - 80 or resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] >= most + 112


def test_huge_headers(watched):
    with Unharmed(watched) as unharmed:
        for data in [b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * (1 << 17) + b"\r\n",
                     b"A" * (1 << 20)]:
            answer = raw(watched, data)
            assert not answer or answer.split()[1][:1] == b"4", answer[:100]
            unharmed.commands(200)
        assert watched.get("/healthz") == b"ok\n"


def test_nonsense(watched):
    long = b"x" * 2000
    with Unharmed(watched):
        for data in [b"\0" * 500, b"\r\n" * 500, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"GET /metrics\r\n\r\n", b"get / http/1.1\r\n\r\n", bytes(range(256)) * 4,
                     b"GET /%00%ff%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                     b"GET /api/heap?since=%00&since=&=&&& HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n" + long,
                     b"GET / HTTP/1.1\r\nHost: " + long + b"\r\nConnection: close\r\n\r\n",
                     b"GET / HTTP/1.1\r\nAuthorization: Basic " + long + b"\r\n\r\n",
                     b"*1\r\n$4\r\nPING\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]:
            answer = raw(watched, data)
            assert b" 200 OK\r\n" not in answer.split(b"\n")[0] or b"GET / " in data, data[:60]
        assert watched.get("/healthz") == b"ok\n"


def test_many_requests_whose_replies_nobody_reads(watched):
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Unharmed(watched) as unharmed:
        held = [connect(watched) for _ in range(30)]
        for connection in held:
            connection.setblocking(False)
            for _ in range(200):
                try:
                    connection.send(request * 20)
                except OSError:
                    break
        unharmed.commands()
        for connection in held:
            connection.close()
        scraped(watched)


def from_address(watched, last, received=None):
    """A connection that comes from 127.0.0.`last`; of a window of a few bytes, if asked for."""
    connection = socket.socket()
    if received is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received)
    connection.settimeout(20)
    connection.bind((f"127.0.0.{last}", 0))
    connection.connect(("127.0.0.1", watched.http_port))
    return connection


@pytest.mark.parametrize("request_held", [
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40,
], ids=["body", "chunks", "reply"])
def test_who_holds_all_places_keeps_nobody_out(watched, request_held):
    """Announced bodies that never come, and replies that nobody takes."""
    held = [from_address(watched, 2 + number % 4, 1024) for number in range(64)]
    for connection in held:
        connection.sendall(request_held)
    deadline = time.monotonic() + 15
    answer = b""
    while not answer.startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < deadline, "a reply that is not taken may last for a minute"
        try:
            with from_address(watched, 9) as honest:
                honest.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = honest.recv(1000)
        except OSError:
            time.sleep(0.1)
    for connection in held:
        connection.close()


def test_scraped_by_many_at_once(watched):
    """No scrape slows a command: as many editions are made as time allows, not as are asked for."""
    stop = threading.Event()
    counts = []

    def scrape():
        count = 0
        while not stop.is_set():
            try:
                watched.get("/metrics")
                watched.get("/api/state.json")
                count += 2
            except OSError:
                pass
        counts.append(count)

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    with Unharmed(watched) as unharmed:
        first = watched.state()["edition"]["number"]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        unharmed.commands(3000)
        stop.set()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        made = watched.state()["edition"]["number"] - first
        assert sum(counts) > 0 and made <= seconds * 4 + 3
