"""What comes over HTTP to do harm: commands go on being answered, and memory stays bounded.

While connections are held open that ask slowly, too much or nonsense, a number of commands is
answered, and the resident set is what it was, plus a bound. No time of commands is measured: that
they are not slowed shows in the processor time of the thread that executes them. Where the server
promises a time, the kernel's account of how long its thread waited for a processor is added to it.
"""

import os
import re
import resource
import select
import socket
import struct
import threading
import time

import pytest

from conftest import CHECKED_BUILD
from waiting import until
from watching import Watched

BOUND = 24 << 20  # 64 connections of 32 KiB, replies, and what the allocator keeps


@pytest.fixture
def watched(start):
    return Watched(start)


def resident(server):
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def schedule(path):
    """Seconds of processor time, and seconds of waiting for a processor."""
    with open(f"{path}/schedstat", encoding="ascii") as file:
        run, waited, _ = file.read().split()
    return int(run) / 1e9, int(waited) / 1e9


def thread_seconds(server, name=None):
    """schedule() of the thread of that name, or of the one that executes commands."""
    tasks = f"/proc/{server.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as file:
            if file.read().strip() == name or (name is None and task == str(server.process.pid)):
                return schedule(f"{tasks}/{task}")
    return pytest.fail("there is no such thread")


def own_wait():
    return schedule("/proc/self")[1]


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


def drip(connection):
    """A byte; False once the server has closed."""
    connection.setblocking(False)
    try:
        if connection.recv(1) == b"":
            return False
    except BlockingIOError:
        pass
    except ConnectionError:
        return False
    try:
        connection.send(b"a")
    except ConnectionError:
        return False
    return True


FIRST_REQUEST_SECONDS = 10  # docs/watching.md
LOOK_SECONDS = 0.25


def test_who_asks_for_nothing_is_sent_away_after_ten_seconds(watched):
    """Whether it sends nothing, half a request, or a byte now and then: all of it has that time."""
    watched.get("/healthz")
    began = time.monotonic()
    waited = thread_seconds(watched.server, "snug-http")[1] + own_wait()
    silent, half, slow = [connect(watched) for _ in range(3)]
    half.sendall(b"GET / HT")
    slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
    gone = {}
    while len(gone) < 3 and time.monotonic() < began + 60:
        for name, connection in (("silent", silent), ("half", half), ("slow", slow)):
            ready = select.select([connection], [], [], 0)[0]
            if name not in gone and (not drip(connection) if name == "slow" else
                                     ready and connection.recv(1) == b""):
                gone[name] = time.monotonic() - began
        time.sleep(LOOK_SECONDS)
    waited = thread_seconds(watched.server, "snug-http")[1] + own_wait() - waited
    assert set(gone) == {"silent", "half", "slow"}
    for name, seconds in gone.items():
        assert FIRST_REQUEST_SECONDS <= seconds, name
        assert seconds <= FIRST_REQUEST_SECONDS + 3 * LOOK_SECONDS + waited, name
    for connection in (silent, half, slow):
        connection.close()


def test_thousands_of_connections(watched):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(4000, hard - 200)
    assert wanted >= 2000
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



def test_no_descriptor_left_is_no_reason_to_spin(watched):
    pid = watched.server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    watched.metrics()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")) - 1, hard))
    with connect(watched) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.2)
        before, _ = thread_seconds(watched.server, "snug-http")
        time.sleep(1)
        assert thread_seconds(watched.server, "snug-http")[0] - before < 0.1
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


def answers(data):
    """Status codes of the answers in what came. The head of a refusal that is microhttpd's own may
    stand there twice (0.9.75)."""
    codes = re.findall(rb"^HTTP/1\.[01] (\d+) .*?\r\n\r\n(?!HTTP/1\.[01] \1 )", data, re.M | re.S)
    return [int(code) for code in codes]


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def test_pipelined_requests_are_answered_in_order(watched):
    asked = b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (path, extra)
                     for path, extra in [(b"/healthz", b""), (b"/nothing", b""),
                                         (b"/api/state.json", b""), (b"/healthz", b""),
                                         (b"/api/history", b"Connection: close\r\n")])
    answer = raw(watched, asked)
    assert answers(answer) == [200, 404, 200, 200, 200]
    assert answer.count(b"ok\n") == 2 and answer.endswith(b"]}\n")


SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("headers", [
    b"Content-Length: %d\r\n" % len(SMUGGLED),
    b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(SMUGGLED),
    b"Content-Length: +%d\r\n" % len(SMUGGLED),
    b"Content-Length: 0%d\r\n" % len(SMUGGLED),
    b"Content-Length: 0, %d\r\n" % len(SMUGGLED),
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(SMUGGLED),
    b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding:\tchunked\r\n",
    b"Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"X: y\r\n Transfer-Encoding: chunked\r\n",
    b"Content-Length: 18446744073709551617\r\n",
], ids=range(13))
def test_what_stands_in_a_body_is_no_request(watched, headers):
    """However its length is told: what a proxy may take for a body is answered as no request."""
    answer = raw(watched, HEALTH + headers + b"\r\n" + SMUGGLED)
    codes = answers(answer)
    assert codes in ([200], [400], [413]), codes
    assert b"redis_up" not in answer
    assert watched.get("/healthz") == b"ok\n"


def test_odd_requests_are_answered_by_their_sense(watched):
    for data, code in [
            (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
            (b"HEAD /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
            (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-9\r\n", 200),
            (b"GET /api/heap HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-1,-0,9-\r\n", 200),
            (b"GET /%68ealthz HTTP/1.1\r\nHost: localhost\r\n", 404),
            (b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\n", 404),
            (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n", 404),
            (b"GET //healthz HTTP/1.1\r\nHost: localhost\r\n", 404),
            (b"GET /healthz%00.html HTTP/1.1\r\nHost: localhost\r\n", 404),
            (b"GET /" + b"%2e" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n", None),
            (b"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n", None),
            (b"GET * HTTP/1.1\r\nHost: localhost\r\n", None),
            (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: y\r\n Z: folded\r\n", 400),
            (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n", 405),
            (b"GET /healthz HTTP/1.1\r\n", 400)]:
        ending = b"\r\n" if data.endswith(b"\r\n\r\n") else b"Connection: close\r\n\r\n"
        answer = raw(watched, data if b"HTTP/1.0" in data else data + ending)
        codes = answers(answer)
        if code is None:
            assert codes in ([], [400], [404], [414], [421]), (data[:60], codes)
        else:
            assert codes == [code], (data[:60], answer[:200])
        if data.startswith(b"HEAD"):
            assert answer.endswith(b"\r\n\r\n")
        assert b"root:" not in answer


def test_who_closes_its_half_is_answered(watched):
    with connect(watched) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answers(answer) == [200] and b"redis_up 1" in answer


def test_who_leaves_in_the_midst_leaves_nothing(watched):
    """Half a request, or a reply under way, and then a reset: no place and no reply is kept."""
    with Unharmed(watched) as unharmed:
        for number in range(600):
            connection = connect(watched)
            connection.sendall(SMUGGLED[:20] if number % 3 == 0 else SMUGGLED * 20)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        unharmed.commands(500)
        until(lambda: scraped(watched)["snug_http_connections", ""] == 1, "places to be free")


def hostile(watched, stop):
    """Requests, good and bad, as fast as it goes; how many."""
    count = 0
    while not stop.is_set():
        try:
            with connect(watched) as connection:
                connection.sendall(SMUGGLED * 3 + HEALTH + b"X: " + b"a" * 60000)
                count += len(answers(connection.recv(1 << 20)))
                connection.sendall(b"BREW / HTTP/1.1\r\n\r\n" * 50)
        except OSError:
            pass
    return count


def test_commands_take_no_more_of_the_processor(watched):
    """What executes commands does nothing for a request but an edition each quarter of a second."""
    client = watched.server.client()

    def cost(count=20000):
        before, _ = thread_seconds(watched.server)
        for _ in range(count // 100):
            assert len(client.pipeline(*[("INCR", "count")] * 100)) == 100
        return thread_seconds(watched.server)[0] - before

    cost(2000)
    calm = cost()
    before = watched.metrics()["snug_http_requests_total", ""]
    stop = threading.Event()
    threads = [threading.Thread(target=hostile, args=(watched, stop)) for _ in range(3)]
    for thread in threads:
        thread.start()
    harmed = 0
    while scraped(watched)["snug_http_requests_total", ""] < before + 400:
        harmed = max(harmed, cost())
    stop.set()
    for thread in threads:
        thread.join()
    assert 0 < harmed < 2 * calm + 0.05, "of a processor, for 20,000 commands"


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
