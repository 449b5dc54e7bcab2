"""CLIENT TRACKING: who is told of which keys, when, and in which form."""

import time

import pytest

from resp import Client, Error, Push


def info(client, section):
    lines = client.call("INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def fields(client):
    line = client.call("CLIENT", "INFO").decode()
    return dict(pair.split("=", 1) for pair in line.split() if "=" in pair)


@pytest.fixture
def cache(server):
    """A client in RESP3."""
    with Client(server.port) as cache:
        cache.call("HELLO", 3)
        yield cache


def told(client):
    """What it was told before a reply that it asks for now."""
    client.send("PING", "mark")
    found = []
    while (message := client.read()) != b"mark":
        assert isinstance(message, Push)
        found.append(message[1:] if message[0] == b"invalidate" else message)
    return found


def test_read_keys_are_told_once(client, cache):
    assert cache.call("CLIENT", "TRACKING", "ON") == "OK"
    client.call("MSET", "a", 1, "b", 2)
    cache.call("GET", "a")
    cache.call("MGET", "b", "none")
    assert info(client, "stats")["tracking_total_keys"] == "3"
    assert info(client, "stats")["tracking_total_items"] == "3"
    assert info(client, "clients")["tracking_clients"] == "1"
    client.call("SET", "a", 2)
    client.call("SET", "a", 3)
    client.call("APPEND", "none", "x")
    assert told(cache) == [[[b"a"]], [[b"none"]]]
    client.call("DEL", "b")
    assert told(cache) == [[[b"b"]]]
    assert info(client, "stats")["tracking_total_keys"] == "0"
    cache.call("CLIENT", "TRACKING", "OFF")
    assert info(client, "clients")["tracking_clients"] == "0"


def test_ones_own_changes_come_behind_the_reply(cache):
    cache.call("CLIENT", "TRACKING", "ON")
    cache.call("GET", "a")
    cache.send("SET", "a", 1)
    assert cache.read() == "OK"
    assert cache.read() == [b"invalidate", [b"a"]]
    cache.call("CLIENT", "TRACKING", "ON", "NOLOOP")
    cache.call("GET", "a")
    assert cache.call("SET", "a", 2) == "OK"
    assert told(cache) == []


def test_scripts_read_for_their_client(client, cache):
    """The keys that a script reads, not those it declares; what it writes is told at its end."""
    script = "redis.call('GET', KEYS[1]) redis.call('SET', KEYS[2], 1) return 'done'"
    cache.call("CLIENT", "TRACKING", "ON")
    cache.call("GET", "b")
    cache.send("EVAL", script, 3, "a", "b", "c")
    assert cache.read() == b"done"
    assert cache.read() == [b"invalidate", [b"b"]]
    client.call("MSET", "a", 1, "c", 1)
    assert told(cache) == [[[b"a"]]]
    cache.call("CLIENT", "TRACKING", "OFF")
    cache.call("CLIENT", "TRACKING", "ON", "OPTIN")
    cache.call("CLIENT", "CACHING", "YES")
    cache.call("EVAL", "return redis.call('MGET', unpack(KEYS))", 2, "a", "b")
    cache.call("EVAL", "return redis.call('GET', KEYS[1])", 1, "c")
    client.call("MSET", "a", 2, "b", 2, "c", 2)
    assert told(cache) == [[[b"a"]], [[b"b"]]]


def test_transactions_read_for_their_client(client, cache):
    cache.call("CLIENT", "TRACKING", "ON")
    cache.call("MULTI"), cache.call("GET", "a"), cache.call("SET", "a", 1), cache.call("GET", "b")
    cache.send("EXEC")
    assert cache.read() == [None, "OK", None]
    assert cache.read() == [b"invalidate", [b"a"]]
    client.call("SET", "b", 1)
    assert told(cache) == [[[b"b"]]]


def test_of_prefixes_that_overlap_the_first_is_named(both):
    both.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "x:", "PREFIX", "a", "PREFIX", "")
    both.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "b", "PREFIX", "ab")
    both.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "q", "PREFIX", "ba", "PREFIX", "abc")
    both.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "c", "PREFIX", "cd", "PREFIX", "")


def test_expiry_and_flush(client, cache):
    cache.call("CLIENT", "TRACKING", "ON")
    client.call("SET", "a", 1, "PX", 10)
    cache.call("GET", "a")
    assert cache.read() == [b"invalidate", [b"a"]]
    cache.call("GET", "b")
    client.call("FLUSHDB")
    assert told(cache) == [[None]]
    assert info(client, "stats")["tracking_total_keys"] == "0"
    client.call("SET", "b", 1)
    assert told(cache) == []
    cache.send("FLUSHALL")
    assert [cache.read(), cache.read()] == ["OK", [b"invalidate", None]]


def test_optin_and_optout(client, cache):
    def read(key):
        cache.call("GET", key)
        client.call("SET", key, 1)
        return told(cache)
    cache.call("CLIENT", "TRACKING", "ON", "OPTIN")
    assert read("a") == []
    assert cache.call("CLIENT", "CACHING", "YES") == "OK"
    assert cache.call("CLIENT", "TRACKINGINFO")["flags"] == [b"on", b"optin", b"caching-yes"]
    assert read("a") == [[[b"a"]]]
    assert read("a") == []
    assert isinstance(cache.call("CLIENT", "CACHING", "NO"), Error)
    cache.call("CLIENT", "TRACKING", "OFF")
    cache.call("CLIENT", "TRACKING", "ON", "OPTOUT")
    assert read("a") == [[[b"a"]]]
    cache.call("CLIENT", "CACHING", "NO")
    assert read("a") == []
    assert read("a") == [[[b"a"]]]


def test_prefixes(client, cache):
    assert cache.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:", "PREFIX",
                      "object:1") == "OK"
    assert info(client, "stats")["tracking_total_prefixes"] == "2"
    client.call("MSET", "user:2", 1, "user:1", 1, "other", 1, "object:12", 1, "object:", 1)
    heard = told(cache) + told(cache)
    assert sorted(heard) == [[[b"object:12"]], [[b"user:1", b"user:2"]]]
    assert cache.call("CLIENT", "TRACKINGINFO") == [
        (b"flags", [b"on", b"bcast"]), (b"redirect", 0), (b"prefixes", [b"object:1", b"user:"])]
    line = fields(cache)
    assert (line["flags"], line["redir"]) == ("tB", "0")
    overlap = cache.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:1")
    assert overlap == Error("ERR Prefix 'user:1' overlaps with an existing prefix 'user:'. "
                            "Prefixes for a single client must not overlap.")
    overlap = cache.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "x", "PREFIX", "xy")
    assert overlap == Error("ERR Prefix 'x' overlaps with another provided prefix 'xy'. Prefixes "
                            "for a single client must not overlap.")
    cache.call("CLIENT", "TRACKING", "OFF")
    assert info(client, "stats")["tracking_total_prefixes"] == "0"


def test_prefixes_of_ones_own(client, cache, server):
    cache.call("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
    cache.call("SET", "a", 1)
    assert told(cache) == []
    client.call("SET", "b", 1)
    assert told(cache) + told(cache) == [[[b"b"]]]


def test_many_prefixes_of_many_lengths(client, cache):
    prefixes = [f"{'p' * (i % 37)}{i:05d}" for i in range(3000)]
    arguments = [word for prefix in prefixes for word in ("PREFIX", prefix)]
    assert cache.call("CLIENT", "TRACKING", "ON", "BCAST", *arguments) == "OK"
    for i in (0, 36, 37, 1500, 2999):
        client.call("SET", prefixes[i] + "x", 1)
        client.call("SET", "q" + prefixes[i], 1)
        assert told(cache) + told(cache) == [[[prefixes[i].encode() + b"x"]]]


@pytest.mark.parametrize("resp", [2, 3])
def test_redirect(client, cache, server, resp):
    with Client(server.port) as other:
        other.call("HELLO", resp)
        number = other.call("CLIENT", "ID")
        assert cache.call("CLIENT", "TRACKING", "ON", "REDIRECT", number) == "OK"
        assert cache.call("CLIENT", "GETREDIR") == number
        cache.call("GET", "a")
        if resp == 2:
            other.call("SUBSCRIBE", "__redis__:invalidate")
        client.call("SET", "a", 1)
        message = other.read()
        assert message == ([b"message", b"__redis__:invalidate", [b"a"]] if resp == 2 else
                           [b"invalidate", [b"a"]])
        client.call("FLUSHALL")
        assert other.read()[-1] is None
        cache.call("GET", "a")
    deadline = time.monotonic() + 5
    while len(client.call("CLIENT", "LIST").splitlines()) > 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    client.call("SET", "a", 1)
    assert told(cache) == [[b"tracking-redir-broken", number]]
    assert b"broken_redirect" in cache.call("CLIENT", "TRACKINGINFO")["flags"]
    assert fields(cache)["flags"] == "tR"


def test_refusals(both):
    for words in (["ON", "PREFIX", "a"], ["ON", "BCAST", "OPTIN"], ["ON", "OPTIN", "OPTOUT"],
                  ["ON", "REDIRECT", 999999], ["ON", "REDIRECT", "x"], ["ON", "REDIRECT"],
                  ["ON", "REDIRECT", 0], ["MAYBE"], ["ON", "WHAT"], ["ON", "PREFIX"], ["OFF"],
                  ["ON", "OPTIN"], ["ON", "OPTOUT"], ["ON", "BCAST"], ["ON"], ["ON", "OPTOUT"],
                  ["OFF", "WHAT"], ["OFF"], ["ON", "BCAST"], ["ON", "BCAST", "PREFIX", "a"],
                  ["ON", "BCAST", "PREFIX", ""], ["OFF"],
                  ["ON", "BCAST", "PREFIX", "a", "PREFIX", "a"]):
        both.call("CLIENT", "TRACKING", *words)
        both.call("CLIENT", "TRACKINGINFO")
        both.call("CLIENT", "GETREDIR")
        for word in ("YES", "NO", "x"):
            both.call("CLIENT", "CACHING", word)
    both.call("RESET")
    both.call("CLIENT", "TRACKINGINFO")


def test_bound_of_the_table(client, cache):
    client.call("CONFIG", "SET", "tracking-table-max-keys", 10)
    cache.call("CLIENT", "TRACKING", "ON")
    cache.pipeline(*[["GET", f"key:{i}"] for i in range(1)])
    cache.send_raw(b"".join(b"GET key:%d\r\n" % i for i in range(1, 100)))
    cache.send("PING", "mark")
    gone = []
    while (message := cache.read()) != b"mark":
        gone += [message[1][0]] if isinstance(message, Push) else []
    assert len(set(gone)) == len(gone) == 90
    assert info(client, "stats")["tracking_total_keys"] == "10"
    client.call("CONFIG", "SET", "tracking-table-max-keys", 1000000)


def test_memory_is_counted_and_comes_back(client, cache):
    before = int(info(client, "memory")["mem_clients_normal"])
    cache.call("CLIENT", "TRACKING", "ON")
    for start in range(0, 20000, 200):
        cache.call("MGET", *[f"key:{i}" for i in range(start, start + 200)])
    assert int(info(client, "memory")["mem_clients_normal"]) > before + 20000 * 50
    cache.call("CLIENT", "TRACKING", "OFF")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and \
            int(info(client, "memory")["mem_clients_normal"]) > before + 100000:
        time.sleep(0.02)
    assert int(info(client, "memory")["mem_clients_normal"]) < before + 100000
