"""Who has not authenticated holds little, however many they are and whatever they send."""

import contextlib
import resource
import select
import socket
import time

import pytest

from conftest import CHECKED_BUILD
from resp import Client, encode

MEGABYTE = 1 << 20
COUNT = 400 if CHECKED_BUILD else 1500
# What sanitizers keep of freed memory, and their shadow, is no matter of the server's.
RESIDENT_MORE = (200 if CHECKED_BUILD else 40) * MEGABYTE


@pytest.fixture(scope="module", autouse=True)
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def guarded(start):
    return start("--requirepass", "secret", "--maxclients", "4000")


def resident(server, field="VmRSS"):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


class Crowd:
    """Connections that send as much as is taken, and read nothing."""

    def __init__(self, server, count):
        self.server, self.sockets = server, []
        for _ in range(count):
            peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            peer.setblocking(False)
            self.sockets.append(peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.sockets:
            peer.close()

    def flood(self, data, seconds):
        """The same to all, again and again, until nothing is taken or time is up."""
        deadline = time.monotonic() + seconds
        alive = dict.fromkeys(self.sockets, 0)
        while alive and time.monotonic() < deadline:
            ready = [peer for peer in alive if select_write(peer)]
            if not ready:
                time.sleep(0.02)
            for peer in ready:
                try:
                    at = alive[peer] % len(data)
                    alive[peer] += peer.send(data[at:at + 65536])
                except BlockingIOError:
                    pass
                except OSError:
                    del alive[peer]
        return len(self.sockets) - len(alive)


def select_write(peer):
    poll = select.poll()
    poll.register(peer, select.POLLOUT)
    return bool(poll.poll(0))


def is_served(server):
    with Client(server.port, timeout=60) as client:
        assert client.call("AUTH", "secret") == "OK"
        return client.call("PING") == "PONG"


def memory_of_clients(server):
    with Client(server.port, timeout=60) as client:
        client.call("AUTH", "secret")
        info = client.call("INFO", "memory").decode()
        return int(info.split("mem_clients_normal:")[1].split()[0])


def test_requests_that_never_end(guarded):
    """Ten arguments of 16 KB are within the protocol's bounds; nobody gets to send all of it."""
    assert is_served(guarded)
    before = resident(guarded)
    request = b"*10\r\n" + b"".join(b"$16384\r\n" + b"x" * 16384 + b"\r\n" for _ in range(9))
    with Crowd(guarded, COUNT) as crowd:
        for peer in crowd.sockets:
            with contextlib.suppress(OSError):
                peer.send(request)
        time.sleep(0.5)
        assert memory_of_clients(guarded) < 32 * MEGABYTE
        assert resident(guarded) - before < RESIDENT_MORE
        assert is_served(guarded)


def test_requests_that_stay_small_stay(guarded):
    """Just below what one may hold, and together above what all may: late ones leave; who holds
    next to nothing is never asked to."""
    with Crowd(guarded, 20) as modest:
        for peer in modest.sockets:
            peer.send(b"*2\r\n$4\r\nAUTH\r\n$6\r\nsec")
        with Crowd(guarded, COUNT) as greedy:
            for peer in greedy.sockets:
                with contextlib.suppress(OSError):
                    peer.send(b"*3\r\n$16000\r\n" + b"x" * 16000 + b"\r\n$16000\r\nxxx")
            time.sleep(0.5)
            assert memory_of_clients(guarded) < 24 * MEGABYTE
        for peer in modest.sockets:
            peer.setblocking(True)
            peer.send(b"ret\r\n")
            assert peer.recv(100) == b"+OK\r\n"


def test_replies_that_nobody_reads(guarded):
    assert is_served(guarded)
    before = resident(guarded)
    with Crowd(guarded, 200) as crowd:
        left = crowd.flood(encode(["GET", "x"]) * 3000, 20)
        assert memory_of_clients(guarded) < 32 * MEGABYTE
        assert resident(guarded) - before < RESIDENT_MORE
        assert left > 0
        assert is_served(guarded)
    assert guarded.log().count("before authentication") < 60


def test_junk_of_all_kinds(guarded):
    before = resident(guarded)
    with Crowd(guarded, COUNT // 2) as crowd:
        for number, peer in enumerate(crowd.sockets):
            data = [b"x" * 70000, b"*1\r\n$16385\r\n", b"*11\r\n", b"GET " + b"\"" + b"y" * 60000,
                    b"*10\r\n" + b"$0\r\n\r\n" * 9, b"\r\n" * 30000][number % 6]
            with contextlib.suppress(OSError):
                peer.send(data)
        time.sleep(0.3)
        assert resident(guarded) - before < RESIDENT_MORE
        assert is_served(guarded)


def test_a_long_password_is_heard(guarded):
    """Two arguments of the greatest length fit."""
    with Client(guarded.port) as client:
        reply = client.call("AUTH", "u" * 16384, "p" * 16384)
        assert reply.startswith("WRONGPASS")
        assert client.call("AUTH", "secret") == "OK"
        assert len(client.call("ECHO", "x" * 100_000)) == 100_000


def test_bounds_end_with_authentication(guarded):
    """Those who have authenticated may hold what they like, and leave room for the others."""
    big = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + b"x" * 500_000
    with contextlib.ExitStack() as stack:
        known = [stack.enter_context(Client(guarded.port, timeout=60)) for _ in range(50)]
        for client in known:
            assert client.call("AUTH", "secret") == "OK"
            client.send_raw(big)
        time.sleep(0.3)
        for client in known:
            client.send_raw(b"x" * 500_000 + b"\r\n")
            assert client.read() == "OK"


def test_maxclients_in_a_flood(start):
    """Those refused hear why; who is there already goes on; when it ends others come in."""
    server = start("--maxclients", "50")
    with Client(server.port) as old:
        assert old.call("PING") == "PONG"
        with Crowd(server, 49):
            for _ in range(20):
                with contextlib.ExitStack() as stack:
                    refused = [stack.enter_context(Client(server.port)) for _ in range(40)]
                    assert all(peer.read_all() == b"-ERR max number of clients reached\r\n"
                               for peer in refused)
                assert old.call("PING") == "PONG"
            info = old.call("INFO", "stats").decode()
            assert "rejected_connections:800\r\n" in info
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with Client(server.port) as client, contextlib.suppress(OSError):
                if client.call("PING") == "PONG":
                    break
        else:
            pytest.fail("nobody comes in")
