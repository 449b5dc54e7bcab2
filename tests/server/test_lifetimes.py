"""Connections that end at every awkward moment: while they wait, in the midst of their own
pipeline, by what others publish, paused, unblocked and killed at once. Meant for the checked
builds."""

import contextlib
import os
import random
import select
import socket
import struct
import time

import pytest

from conftest import CHECKED_BUILD
from resp import Client, encode

SEED = int(os.environ.get("SNUG_SEED", "1"))
ROUNDS = 1500 if CHECKED_BUILD else 4000


@pytest.fixture
def admin(server):
    with Client(server.port) as client:
        yield client


def client_id(client):
    return client.call("CLIENT", "ID")


def info_of(client, section, name):
    text = client.call("INFO", section).decode()
    return int(text.split(f"{name}:")[1].split()[0])


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_blocked(admin, count):
    wait_until(lambda: info_of(admin, "clients", "blocked_clients") == count)


# ---- while it waits -----------------------------------------------------------------------------

WAITS = [["BLPOP", "k", 0], ["BRPOP", "k", "l", 0], ["BLMOVE", "k", "m", "LEFT", "LEFT", 0],
         ["BLMPOP", 0, 2, "k", "l", "LEFT"], ["BZPOPMIN", "z", 0], ["BZMPOP", 0, 1, "z", "MAX"],
         ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"],
         ["XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "stream", ">"]]


@pytest.mark.parametrize("wait", WAITS, ids=[wait[0] for wait in WAITS])
def test_killed_while_it_waits(server, admin, wait):
    admin.call("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM")
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(Client(server.port)) for _ in range(3)]
        ids = [client_id(client) for client in waiting]
        for client in waiting:
            client.send(*wait)
            client.send("SET", "after", "1")  # executed by nobody who was killed
        wait_blocked(admin, 3)
        assert admin.call("CLIENT", "KILL", "ID", ids[1]) == 1
        assert waiting[1].read_all() == b""
        wait_blocked(admin, 2)
        # the kill and what would have served it, in one batch
        admin.pipeline(["CLIENT", "KILL", "ID", ids[0]], ["RPUSH", "k", "a"], ["ZADD", "z", 1, "a"],
                       ["XADD", "s", "*", "a", "b"], ["XADD", "stream", "*", "a", "b"])
        assert waiting[0].read_all() == b""
        assert waiting[2].read() is not None
        assert waiting[2].read() == "OK"
        wait_blocked(admin, 0)
    wait_until(lambda: info_of(admin, "clients", "connected_clients") == 1)


def test_leaves_while_it_waits_in_the_turn_it_is_served(server, admin):
    for turn in range(100):
        with Client(server.port) as client:
            client.send("BLPOP", "k", 0)
            wait_blocked(admin, 1)
            if turn % 2:
                client.socket.shutdown(socket.SHUT_RDWR)
        admin.call("RPUSH", "k", "a")
        wait_blocked(admin, 0)
        admin.call("DEL", "k")


@pytest.mark.parametrize("how", ["TIMEOUT", "ERROR"])
def test_unblocked_and_killed_and_served_at_once(server, admin, how):
    chance = random.Random(SEED)
    for _ in range(60):
        with Client(server.port) as client:
            number = client_id(client)
            client.send_raw(encode(["BLPOP", "k", 0]) + encode(["PING"]) +
                            encode(["BLPOP", "k", 0]))
            wait_blocked(admin, 1)
            together = [["CLIENT", "UNBLOCK", number, how], ["CLIENT", "UNBLOCK", number, how],
                        ["RPUSH", "k", "a", "b"], ["CLIENT", "KILL", "ID", number], ["DEL", "k"]]
            chance.shuffle(together)
            replies = dict(zip([words[1] for words in together], admin.pipeline(*together)))
            assert replies[number if number in replies else "KILL"] is not None
            client.read_all()
        wait_blocked(admin, 0)
        admin.call("DEL", "k")


# ---- by its own doing ---------------------------------------------------------------------------

def test_kills_itself_in_a_pipeline(server, admin):
    for form in ("ID", "ADDR", "OLD"):
        with Client(server.port) as client:
            number = client_id(client)
            address = client.call("CLIENT", "INFO").decode().split(" addr=")[1].split()[0]
            kill = {"ID": ["CLIENT", "KILL", "ID", number, "SKIPME", "no"],
                    "ADDR": ["CLIENT", "KILL", "ADDR", address, "SKIPME", "no"],
                    "OLD": ["CLIENT", "KILL", address]}[form]
            client.send_raw(encode(["SET", "before", form]) + encode(["ECHO", "x" * 100_000]) +
                            encode(kill) + encode(["SET", "after", form]) * 200)
            data = client.read_all()
            assert data.startswith(b"+OK\r\n$100000\r\n")
            assert data.endswith(b"+OK\r\n" if form == "OLD" else b":1\r\n")
        assert admin.call("GET", "before") == form.encode()
        assert admin.call("GET", "after") is None


def test_kills_all_of_its_batch(server):
    """Requests of many in one batch, after a pause: the first kills the others, whose requests are
    in it too, and are not executed."""
    for _ in range(10):
        with contextlib.ExitStack() as stack:
            crowd = [stack.enter_context(Client(server.port)) for _ in range(30)]
            with Client(server.port) as admin:
                admin.call("CLIENT", "PAUSE", 60)
                for client in crowd:
                    client.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert admin.read_all() == b""
            time.sleep(0.05)
            data = []
            for client in crowd:
                client.socket.setblocking(False)
                with contextlib.suppress(OSError):
                    data.append(client.socket.recv(100))
            assert sorted(data) == [b""] * 29 + [b":30\r\n"]


def test_quits_in_a_pipeline(server):
    for _ in range(50):
        with Client(server.port) as client:
            client.send_raw(encode(["BLPOP", "none", "0.001"]) + encode(["QUIT"]) +
                            encode(["SET", "a", "b"]) * 100)
            assert client.read_all() == b"*-1\r\n+OK\r\n"


def test_closed_by_its_own_reply(server, admin, options):
    options(client_output_buffer_limit="normal 300000 0 0")
    there = info_of(admin, "clients", "connected_clients")
    admin.call("SET", "big", "x" * 100_000)
    for count in (3, 4, 50, 2000):
        with Client(server.port) as client:
            with contextlib.suppress(ConnectionError):
                client.send_raw(encode(["GET", "big"]) * count + encode(["CLIENT", "ID"]))
                client.socket.shutdown(socket.SHUT_WR)
            time.sleep(0.02)
            client.read_all()
    wait_until(lambda: info_of(admin, "clients", "connected_clients") == there)


# ---- by what others do --------------------------------------------------------------------------

def test_a_subscriber_that_does_not_read(server, admin, options):
    """It passes its limit while somebody publishes, among others who are told the same."""
    options(client_output_buffer_limit="pubsub 200000 0 0")
    there = info_of(admin, "clients", "connected_clients")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(Client(server.port)) for _ in range(5)]
        quick = stack.enter_context(Client(server.port))
        for client in [*slow, quick]:
            client.send("SUBSCRIBE", "news")
            client.read()
        told = 0
        while info_of(admin, "clients", "connected_clients") > there + 1:
            told += 1
            assert admin.call("PUBLISH", "news", "x" * 100_000) >= 1
            assert len(quick.read()[2]) == 100_000
            assert told < 2000
        assert admin.call("PUBLISH", "news", "last") == 1
        assert quick.read()[2] == b"last"
    wait_until(lambda: info_of(admin, "clients", "connected_clients") == there)
    assert admin.call("PUBLISH", "news", "nobody") == 0


def test_a_publisher_that_passes_its_own_limit(server, admin, options):
    """It subscribes in RESP3 and publishes to itself, in one pipeline that it does not read."""
    options(client_output_buffer_limit="pubsub 200000 0 0")
    there = info_of(admin, "clients", "connected_clients")
    for _ in range(5):
        with Client(server.port) as client:
            client.call("HELLO", 3)
            client.send_raw(encode(["SUBSCRIBE", "me"]))
            with contextlib.suppress(ConnectionError):
                client.send_raw(encode(["PUBLISH", "me", "x" * 90_000]) * 300)
            client.read_all()
        wait_until(lambda: info_of(admin, "clients", "connected_clients") == there)


def test_killed_while_paused(server, admin):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(Client(server.port)) for _ in range(10)]
        ids = [client_id(client) for client in held]
        for turn in range(5):
            admin.call("CLIENT", "PAUSE", 10_000, "WRITE")
            for client in held[turn * 2:]:
                client.send("SET", "a", turn)
            time.sleep(0.02)
            assert admin.call("CLIENT", "KILL", "ID", ids[turn * 2]) == 1
            held[turn * 2 + 1].close()
            assert admin.call("CLIENT", "UNPAUSE") == "OK"
            assert held[turn * 2].read_all() == b""
            for client in held[turn * 2 + 2:]:
                assert client.read() == "OK"
    wait_until(lambda: info_of(admin, "clients", "connected_clients") == 1)


def test_monitors_that_leave(server, admin):
    for _ in range(20):
        monitors = [Client(server.port) for _ in range(5)]
        for client in monitors:
            client.send("MONITOR")
            client.read()
        number = client_id(admin)
        for client in monitors[:2]:
            client.socket.shutdown(socket.SHUT_RDWR)
        admin.pipeline(*[["SET", "a", "x" * 1000]] * 50, ["CLIENT", "KILL", "SKIPME", "yes"],
                       *[["SET", "a", "x"]] * 50)
        assert client_id(admin) == number
        for client in monitors:
            client.close()
    wait_until(lambda: info_of(admin, "clients", "connected_clients") == 1)


def test_killed_within_a_transaction(server, admin):
    for _ in range(20):
        with Client(server.port) as client, Client(server.port) as other:
            number = client_id(client)
            client.pipeline(["WATCH", "a", "b"], ["MULTI"], ["SET", "a", "x" * 1000])
            assert admin.call("CLIENT", "KILL", "ID", number) == 1
            assert client.read_all() == b""
            number = client_id(other)
            other.send_raw(b"".join(encode(words) for words in [
                ["MULTI"], ["SET", "t", "1"], ["CLIENT", "KILL", "ID", number, "SKIPME", "no"],
                ["INCR", "t"], ["EXEC"], ["SET", "after", "1"]]))
            data = other.read_all()
            assert data.startswith(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n")
        assert admin.call("MGET", "t", "after") == [b"2", None]
        assert admin.call("GET", "a") is None
        admin.call("FLUSHALL")


# ---- all of it ----------------------------------------------------------------------------------

class Actor:
    """A connection that does what chance says and looks at nothing that comes back."""

    def __init__(self, port, chance):
        self.port, self.chance = port, chance
        self.unsent, self.number, self.sent = b"", 0, 0
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.socket.sendall(b"CLIENT ID\r\n")
        try:
            line = self.socket.recv(100)
        except ConnectionError:
            line = b""
        self.number = int(line[1:-2]) if line[:1] == b":" and line.endswith(b"\r\n") else 0
        self.socket.setblocking(False)
        self.unsent, self.sent = b"", 0

    def close(self):
        """By a reset, or, where little was sent, in peace: who waits is not read from,
        so that a quiet end behind more than its socket holds is not seen."""
        if self.sent > 50_000 or self.chance.random() < 0.5:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def again(self):
        self.close()
        self.connect()

    def say(self, data):
        self.unsent = (self.unsent + data)[:1_000_000]
        try:
            while self.unsent:
                count = self.socket.send(self.unsent)
                self.unsent, self.sent = self.unsent[count:], self.sent + count
        except BlockingIOError:
            pass
        except OSError:
            self.again()

    def hear(self):
        try:
            while True:
                if not self.socket.recv(1 << 17):
                    self.again()
                    return
        except BlockingIOError:
            pass
        except OSError:
            self.again()


def draw(r, actors, known):
    """Requests of one actor, sent in one piece."""
    other = r.choice(actors).number
    key, channel = r.choice("abc"), r.choice(["news", "talk"])
    value = "v" * r.choice([1, 10, 3000, 50_000])
    plain = [
        ["SET", "s" + key, value], ["GET", "s" + key], ["DEL", key, "z" + key], ["PING"],
        ["RPUSH", key, value], ["RPUSH", key, "1", "2", "3"], ["ZADD", "z" + key, 1, "m"],
        ["BLPOP", key, r.choice([0, 0, "0.01"])], ["BRPOP", "a", "b", "c", 0],
        ["BLMOVE", key, r.choice("abc"), "LEFT", "RIGHT", r.choice([0, "0.02"])],
        ["BZPOPMIN", "z" + key, 0], ["XREAD", "BLOCK", 0, "STREAMS", "x", "$"],
        ["XADD", "x", "MAXLEN", 10, "*", "a", value], ["CLIENT", "UNBLOCK", other],
        ["CLIENT", "UNBLOCK", other, "ERROR"], ["CLIENT", "KILL", "ID", other],
        ["CLIENT", "KILL", "ID", other, "SKIPME", "no"], ["CLIENT", "NO-EVICT", "on"],
        ["CLIENT", "REPLY", r.choice(["ON", "OFF", "SKIP"])], ["HELLO", r.choice([2, 3])],
        ["CLIENT", "PAUSE", r.randint(1, 8), r.choice(["ALL", "WRITE"])], ["CLIENT", "UNPAUSE"],
        ["CLIENT", "LIST"], ["CLIENT", "INFO"], ["CLIENT", "SETNAME", f"n{r.randint(0, 99)}"],
        ["RESET"], ["QUIT"], ["INFO", "clients"], ["SELECT", r.randint(0, 2)], ["FLUSHALL"],
        ["SWAPDB", 0, 1], ["SUBSCRIBE", channel], ["PSUBSCRIBE", "n*"], ["UNSUBSCRIBE"],
        ["SSUBSCRIBE", channel], ["SUNSUBSCRIBE"], ["SPUBLISH", channel, value],
        ["PUBSUB", "NUMSUB", channel], ["PUBLISH", channel, value], ["PUBLISH", channel, value],
        ["MULTI"], ["EXEC"], ["DISCARD"], ["WATCH", key], ["UNWATCH"], ["MONITOR"],
        ["CLIENT", "TRACKING", r.choice(["on", "off"])],
        ["CLIENT", "TRACKING", "on", "REDIRECT", other],
        ["CLIENT", "TRACKING", "on", "BCAST", "PREFIX", "s"],
        ["EVAL", "return redis.call('rpush', KEYS[1], ARGV[1])", 1, key, value]]
    if r.random() < 0.02:
        return encode(["CLIENT", "KILL", "TYPE", r.choice(["normal", "pubsub"])])
    chosen = [words for words in plain if words[0].lower() in known]
    return b"".join(encode(r.choice(chosen)) for _ in range(r.choice([1, 1, 2, 5, 30])))


def act(r, actor, actors, known):
    what = r.random()
    if what < 0.80:
        actor.say(draw(r, actors, known))
    elif what < 0.84:
        actor.say(b"*2\r\n$4\r\nECHO\r\n$1000\r\n" + b"h" * r.randint(0, 999))  # and no more of it
    elif what < 0.86:
        actor.say(b"*1\r\n$-5\r\n")  # an error of the protocol, perhaps
    elif what < 0.92:
        with contextlib.suppress(OSError):
            actor.socket.shutdown(r.choice([socket.SHUT_WR, socket.SHUT_RDWR]))
        actor.again()
    else:
        actor.again()


def test_thousands_of_random_ends(start):
    """From 20 connections; SNUG_SEED draws others. Some read late, so that limits are passed."""
    r = random.Random(SEED)
    server = start("--client-output-buffer-limit", "pubsub 400000 100000 1",
                   "--client-output-buffer-limit", "normal 2000000 0 0", "--enable-debug-command",
                   "yes", "--maxmemory-clients", "20mb", "--timeout", "100")
    with Client(server.port) as probe:
        known = {name.decode().split("|")[0] for name in probe.call("COMMAND", "LIST")}
    actors = [Actor(server.port, r) for _ in range(20)]
    for number in range(ROUNDS):
        act(r, r.choice(actors), actors, known)
        if number % 3 == 0:
            ready, _, _ = select.select([actor.socket for actor in actors], [], [], 0)
            for actor in actors:
                if actor.socket in ready and r.random() < 0.6:
                    actor.hear()
    for actor in actors:
        actor.close()
    with Client(server.port) as last:
        last.call("CLIENT", "UNPAUSE")
        try:
            wait_until(lambda: info_of(last, "clients", "connected_clients") == 1)
        except AssertionError:
            pytest.fail(last.call("CLIENT", "LIST").decode())
        assert info_of(last, "clients", "blocked_clients") == 0
        assert info_of(last, "clients", "pubsub_clients") == 0
        assert last.call("PUBSUB", "CHANNELS") == []
        assert last.call("PUBSUB", "NUMPAT") == 0
        assert info_of(last, "memory", "mem_clients_normal") < 2_000_000
        assert last.call("DEBUG", "VERIFY") == "OK"
