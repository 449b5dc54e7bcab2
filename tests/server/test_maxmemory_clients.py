"""maxmemory-clients: who is closed when all clients together hold too much; CLIENT CAPA."""

import time

from resp import Client, Error


def info(client, section):
    lines = client.call("INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def stuff(client, count):
    """So much of a request that never ends."""
    client.send_raw(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (count + 10) + b"x" * count)


def gone(server, client, left):
    deadline = time.monotonic() + 10
    while len(client.call("CLIENT", "LIST").splitlines()) > left and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(client.call("CLIENT", "LIST").splitlines()) == left


def test_the_largest_clients_go(client, server):
    client.call("CONFIG", "SET", "maxmemory-clients", "10mb")
    large, spared, small = (Client(server.port) for _ in range(3))
    spared.call("CLIENT", "NO-EVICT", "ON")
    small.call("PING")
    stuff(small, 100000)
    stuff(large, 6000000)
    stuff(spared, 8000000)
    assert gone(server, client, 3)
    assert large.closed()
    assert info(client, "stats")["evicted_clients"] == "1"
    assert "Evicting client" in server.log()
    client.call("CONFIG", "SET", "maxmemory-clients", "100mb")
    with Client(server.port) as other:
        stuff(other, 4000000)
        client.call("CONFIG", "SET", "maxmemory", "200mb")
        client.call("CONFIG", "SET", "maxmemory-clients", "5%")
        assert gone(server, client, 3)
        assert other.closed()
    client.call("CONFIG", "SET", "maxmemory-clients", "0", "maxmemory", "0")
    for one in (large, spared, small):
        one.close()


def test_a_client_that_holds_too_much_by_itself(client, server):
    client.call("SET", "big", b"x" * 3000000)
    client.call("CONFIG", "SET", "maxmemory-clients", "2mb")
    with Client(server.port) as greedy:
        greedy.send_raw(b"GET big\r\n" * 20)
        assert gone(server, client, 1)
    client.call("CONFIG", "SET", "maxmemory-clients", "0")


def test_capabilities(client):
    assert client.call("CLIENT", "CAPA", "redirect", "none") == "OK"
    assert isinstance(client.call("CLIENT", "CAPA"), Error)
