"""Channels, patterns, shard channels: who hears what, in which form, in which order."""

import re
import socket
import time

import pytest

from resp import Client, Error, Push


def fields(text):
    return dict(pair.split("=", 1) for pair in text.decode().split() if "=" in pair)


def info(client, section):
    lines = client.call("INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


@pytest.fixture(params=[2, 3])
def listener(request, server):
    with Client(server.port) as listener:
        if request.param == 3:
            listener.call("HELLO", 3)
        listener.resp = request.param
        yield listener


def test_subscribe_and_publish(client, listener):
    form = Push if listener.resp == 3 else list
    listener.send("SUBSCRIBE", "a", "b", "a")
    answers = [listener.read() for _ in range(3)]
    assert answers == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2], [b"subscribe", b"a", 2]]
    assert all(type(answer) is form for answer in answers)
    assert client.call("PUBLISH", "a", b"\r\n\0") == 1
    message = listener.read()
    assert message == [b"message", b"a", b"\r\n\0"] and type(message) is form
    assert client.call("PUBLISH", "c", "nobody") == 0
    assert listener.call("UNSUBSCRIBE", "none", "a") == [b"unsubscribe", b"none", 2]
    assert listener.read() == [b"unsubscribe", b"a", 1]
    assert listener.call("UNSUBSCRIBE") == [b"unsubscribe", b"b", 0]
    assert listener.call("UNSUBSCRIBE") == [b"unsubscribe", None, 0]
    assert listener.call("GET", "x") is None


def test_patterns(client, listener):
    listener.send("PSUBSCRIBE", "n?ws.*", "*")
    assert listener.read() == [b"psubscribe", b"n?ws.*", 1]
    assert listener.read() == [b"psubscribe", b"*", 2]
    listener.call("SUBSCRIBE", "news.art")
    assert client.call("PUBLISH", "news.art", "x") == 3
    heard = [listener.read() for _ in range(3)]
    assert heard[0] == [b"message", b"news.art", b"x"]
    assert sorted(heard[1:]) == [[b"pmessage", b"*", b"news.art", b"x"],
                                 [b"pmessage", b"n?ws.*", b"news.art", b"x"]]
    assert client.call("PUBSUB", "NUMPAT") == 2
    assert listener.call("PUNSUBSCRIBE", "*") == [b"punsubscribe", b"*", 2]
    assert client.call("PUBLISH", "other", "x") == 0


def test_shard_channels(client, listener):
    assert listener.call("SSUBSCRIBE", "s") == [b"ssubscribe", b"s", 1]
    assert listener.call("SUBSCRIBE", "s") == [b"subscribe", b"s", 1]
    assert client.call("SPUBLISH", "s", "x") == 1
    assert listener.read() == [b"smessage", b"s", b"x"]
    assert client.call("PUBLISH", "s", "y") == 1
    assert listener.read() == [b"message", b"s", b"y"]
    assert client.call("PUBSUB", "SHARDCHANNELS") == [b"s"]
    assert client.call("PUBSUB", "SHARDNUMSUB", "s", "t") == [b"s", 1, b"t", 0]
    assert listener.call("SUNSUBSCRIBE") == [b"sunsubscribe", b"s", 0]
    assert client.call("SPUBLISH", "s", "x") == 0


def test_what_a_listener_may_do_in_resp2(client):
    client.call("SUBSCRIBE", "a")
    refused = ("ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
               "QUIT / RESET are allowed in this context")
    assert client.call("CLIENT", "ID") == Error(refused)
    assert client.call("PING") == [b"pong", b""]
    assert client.call("PING", "x") == [b"pong", b"x"]
    assert isinstance(client.call("GET"), Error)
    assert client.call("RESET") == "RESET"
    assert client.call("PING") == "PONG"
    client.call("SSUBSCRIBE", "a")
    assert isinstance(client.call("GET", "x"), Error)


def test_resp3_listeners_may_do_all(client):
    client.call("HELLO", 3)
    client.call("SUBSCRIBE", "a")
    assert client.call("PING") == "PONG"
    assert client.call("SET", "x", "1") == "OK"


def test_ones_own_messages_come_behind_the_reply(client):
    client.call("HELLO", 3)
    client.call("SUBSCRIBE", "a")
    assert client.pipeline(["PUBLISH", "a", "1"], ["PUBLISH", "a", "2"]) == [1, [b"message", b"a",
                                                                              b"1"]]
    assert client.read() == 1
    assert client.read() == [b"message", b"a", b"2"]


def test_reply_off_does_not_silence_messages(client, listener):
    listener.send("CLIENT", "REPLY", "OFF")
    assert listener.call("SUBSCRIBE", "a") == [b"subscribe", b"a", 1]
    client.call("PUBLISH", "a", "x")
    assert listener.read() == [b"message", b"a", b"x"]


def test_order_is_that_of_the_publisher(client, listener):
    listener.call("SUBSCRIBE", "a")
    listener.call("PSUBSCRIBE", "b*")
    client.pipeline(*[["PUBLISH", "ab"[i % 2], i] for i in range(500)])
    heard = [int(listener.read()[-1]) for _ in range(500)]
    assert heard == list(range(500))


def test_pubsub_tells(client, server):
    with Client(server.port) as one, Client(server.port) as other:
        one.call("SUBSCRIBE", "a")
        one.call("SUBSCRIBE", "bb")
        other.call("SUBSCRIBE", "a")
        other.call("PSUBSCRIBE", "x*")
        other.call("SSUBSCRIBE", "s")
        assert sorted(client.call("PUBSUB", "CHANNELS")) == [b"a", b"bb"]
        assert client.call("PUBSUB", "CHANNELS", "b?") == [b"bb"]
        assert client.call("PUBSUB", "NUMSUB", "a", "bb", "c") == [b"a", 2, b"bb", 1, b"c", 0]
        assert client.call("PUBSUB", "NUMSUB") == []
        clients, stats = info(client, "clients"), info(client, "stats")
        assert clients["pubsub_clients"] == "2"
        assert [stats[name] for name in ("pubsub_channels", "pubsub_patterns",
                                         "pubsubshard_channels")] == ["2", "1", "1"]
        listed = [fields(line) for line in client.call("CLIENT", "LIST", "TYPE",
                                                       "PUBSUB").splitlines()]
        assert [(line["flags"], line["sub"], line["psub"], line["ssub"]) for line in listed] == \
            [("P", "2", "0", "0"), ("P", "1", "1", "1")]
    deadline = time.monotonic() + 5
    while client.call("PUBSUB", "CHANNELS") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.call("PUBSUB", "NUMPAT") == 0
    assert info(client, "clients")["pubsub_clients"] == "0"
    assert client.call("PUBSUB", "HELP")[0].startswith("PUBSUB")
    assert isinstance(client.call("PUBSUB", "NONE"), Error)


def test_memory_is_counted_and_comes_back(client, server):
    before = int(info(client, "memory")["mem_clients_normal"])
    listener = server.client()
    for start in range(0, 20000, 100):
        listener.send("SUBSCRIBE", *[f"channel-{i}" for i in range(start, start + 100)])
        for _ in range(100):
            listener.read()
    line = fields(client.call("CLIENT", "LIST", "TYPE", "PUBSUB"))
    assert int(line["tot-mem"]) > 20000 * 50
    assert int(info(client, "memory")["mem_clients_normal"]) > before + 20000 * 100
    listener.close()
    deadline = time.monotonic() + 5
    while info(client, "clients")["pubsub_clients"] != "0" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert int(info(client, "memory")["mem_clients_normal"]) < before + 20000


def test_many_listeners_take_little_each(client, server):
    listeners = [Client(server.port) for _ in range(200)]
    for listener in listeners:
        listener.call("SUBSCRIBE", "a")
    before = int(info(client, "memory")["mem_clients_normal"])
    for _ in range(40):
        assert client.call("PUBLISH", "a", b"x" * 1000) == 200
    for listener in listeners:
        for _ in range(40):
            assert listener.read()[2] == b"x" * 1000
        listener.close()
    assert int(info(client, "memory")["mem_clients_normal"]) < before + (4 << 20)


def test_killed_listeners_hear_no_more(client, server):
    listeners = [Client(server.port) for _ in range(5)]
    for listener in listeners:
        listener.call("SUBSCRIBE", "a")
    kill = ["CLIENT", "KILL", "TYPE", "pubsub"]
    assert client.pipeline(["PUBLISH", "a", "x"], kill, ["PUBLISH", "a", "y"]) == [5, 5, 0]
    for listener in listeners:
        assert listener.read_all().endswith(b"$1\r\nx\r\n") or listener.closed()
        listener.close()


def test_output_limits_of_listeners(client, server):
    client.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
    assert client.call("CONFIG", "GET", "client-output-buffer-limit")[1] == \
        b"normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 0 0"
    slow = Client(server.port)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.call("SUBSCRIBE", "a")
    for _ in range(400):
        if client.call("PUBLISH", "a", b"x" * 100000) == 0:
            break
    else:
        pytest.fail("a listener that does not read is kept")
    assert info(client, "stats")["client_output_buffer_limit_disconnections"] == "1"
    slow.close()
    client.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 200000 1")
    slow = Client(server.port)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.call("SUBSCRIBE", "a")
    for _ in range(200):
        assert client.call("PUBLISH", "a", b"x" * 100000) == 1
    deadline = time.monotonic() + 10
    while client.call("PUBLISH", "a", "x") == 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert client.call("PUBLISH", "a", "x") == 0
    assert info(client, "stats")["client_output_buffer_limit_disconnections"] == "2"
    assert re.search("client-output-buffer-limit", server.log())
    slow.close()
    client.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")


def test_listeners_are_not_idle(client, server):
    with Client(server.port) as listener, Client(server.port) as idle:
        listener.call("SUBSCRIBE", "a")
        idle.call("PING")
        client.call("CONFIG", "SET", "timeout", 1)
        for _ in range(25):
            time.sleep(0.1)
            client.call("PING")
        assert idle.closed()
        assert client.call("PUBLISH", "a", "x") == 1
        client.call("CONFIG", "SET", "timeout", 0)
