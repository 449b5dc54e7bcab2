"""Clients that listen and track are killed, evicted, cut off and limited in the midst of it:
nothing breaks, and in the end the server knows of exactly those who are left."""

import os
import time

import pytest

from generators.primitives import Source
from resp import Client, encode

SEED = int(os.environ.get("SNUG_SEED", "1"))
STEPS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 150
CROWD = 12


def info(client, section):
    lines = client.call("INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def draw(r, ids):
    channel, key = r.choice(["a", "b", "news.1"]), r.choice(["a", "b", "x:1", "x:2"])
    number = r.choice(ids)
    return r.choice([
        ["SUBSCRIBE", channel, "b"], ["PSUBSCRIBE", "*", "news.*"], ["SSUBSCRIBE", channel],
        ["UNSUBSCRIBE"], ["PUNSUBSCRIBE"], ["RESET"], ["HELLO", 3], ["HELLO", 2],
        ["PUBLISH", channel, "m"], ["PUBLISH", channel, "m" * 50000], ["SPUBLISH", channel, "m"],
        ["PUBLISH", channel, "m" * 300000],
        ["CLIENT", "TRACKING", "ON"], ["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "x:"],
        ["CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"], ["CLIENT", "TRACKING", "OFF"],
        ["CLIENT", "TRACKING", "ON", "REDIRECT", number],
        ["CLIENT", "KILL", "ID", number], ["CLIENT", "KILL", "ID", number, "SKIPME", "NO"],
        ["CLIENT", "KILL", "TYPE", "PUBSUB"],
        ["MGET", "a", "b", "x:1", "x:2"], ["SET", key, 1], ["SET", key, 1, "PX", 1],
        ["DEL", key], ["FLUSHALL"], ["SWAPDB", 0, 1], ["CLIENT", "REPLY", "OFF"],
        ["MULTI"], ["EXEC"], ["BLPOP", "list", 1], ["RPUSH", "list", 1], ["QUIT"],
        ["CONFIG", "SET", "maxmemory-clients", r.choice(["0", "300kb", "2mb"])],
        ["CONFIG", "SET", "client-output-buffer-limit",
         r.choice(["pubsub 0 0 0", "pubsub 200kb 0 0", "normal 0 0 0", "normal 100kb 0 0"])],
        ["CONFIG", "SET", "notify-keyspace-events", r.choice(["KEA", ""])],
        ["CONFIG", "SET", "tracking-table-max-keys", r.choice([0, 1, 2])],
    ])


def connected(server):
    client = Client(server.port, timeout=5)
    while True:  # it may be evicted before it has said who it is
        try:
            client.number = client.call("CLIENT", "ID")
            client.socket.setblocking(False)
            return client
        except OSError:
            client.close()
            client = Client(server.port, timeout=5)


def drained(client):
    """False when the server has closed it."""
    try:
        while client.socket.recv(1 << 20):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def sent(client, requests):
    try:
        client.socket.send(b"".join(encode(request) for request in requests))
        return True
    except OSError:
        return False


@pytest.mark.parametrize("number", range(3))
def test_whoever_goes_is_forgotten(client, server, number):
    r = Source(f"races {SEED} {number}", keys_used=2)
    crowd = [connected(server) for _ in range(CROWD)]
    for _ in range(STEPS):
        ids = [one.number for one in crowd]
        for at in r.sample(range(CROWD), 4):  # several have something in one turn
            one = crowd[at]
            alive = sent(one, [draw(r, ids) for _ in range(r.choice([1, 2, 5, 20]))])
            if r.random() < 0.7:
                alive = drained(one) and alive
            if not alive or r.random() < 0.02:
                one.close()
                crowd[at] = connected(server)
    for one in crowd[::2]:
        one.close()
    with Client(server.port) as last:
        deadline = time.monotonic() + 10
        last.call("CONFIG", "SET", "maxmemory-clients", "0", "notify-keyspace-events", "",
                  "tracking-table-max-keys", 1000000, "client-output-buffer-limit",
                  "normal 0 0 0 pubsub 32mb 8mb 60")
        while not agrees(last) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert agrees(last)
    for one in crowd[1::2]:
        one.close()


def agrees(client):
    flags = [dict(pair.split(b"=", 1) for pair in line.split() if b"=" in pair)[b"flags"]
             for line in client.call("CLIENT", "LIST").splitlines()]
    figures = info(client, "clients")
    return (int(figures["pubsub_clients"]) == sum(b"P" in flag for flag in flags) and
            int(figures["tracking_clients"]) == sum(b"t" in flag for flag in flags))
