"""redis-benchmark with each of its tests: every one must end with a rate and no error."""

import re
import subprocess

import pytest

TESTS = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "LPUSH", "RPUSH", "LPOP", "RPOP",
         "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN", "LPUSH (needed to benchmark LRANGE)",
         "LRANGE_100 (first 100 elements)", "LRANGE_300 (first 300 elements)",
         "LRANGE_500 (first 500 elements)", "LRANGE_600 (first 600 elements)", "MSET (10 keys)"]
RATE = re.compile(r"^(.+): ([\d.]+) requests per second", re.M)


def benchmark(*arguments):
    done = subprocess.run(["redis-benchmark", "-q", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=100)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "rror" not in said, said
    # Lines of progress end with a carriage return, the last one with a newline.
    return {name: float(rate) for name, rate in RATE.findall(done.stdout.replace("\r", "\n"))}


@pytest.mark.parametrize("options", [
    ["-n", 2000], ["-n", 5000, "-P", 16], ["-n", 2000, "-c", 200],
    ["-n", 5000, "-P", 8, "-r", 1000], ["-n", 2000, "--threads", 2], ["-n", 2000, "-3"],
    ["-n", 2000, "-k", 0, "-c", 20, "-t", "ping,set,get"]],
    ids=["plain", "pipelines", "many clients", "random keys", "threads", "resp3", "reconnecting"])
def test_all_of_its_tests(server, options):
    rates = benchmark("-p", server.port, *options)
    wanted = ["PING_INLINE", "PING_MBULK", "SET", "GET"] if "-t" in options else TESTS
    assert sorted(rates) == sorted(wanted)
    assert all(rate > 0 for rate in rates.values())


def test_over_a_unix_socket(server):
    rates = benchmark("-s", server.directory / "socket", "-n", 2000, "-P", 4)
    assert sorted(rates) == sorted(TESTS)


def test_what_it_wrote_is_there(server):
    """Its commands did what they say: a list of the length of its pushes, a counter's value."""
    benchmark("-p", server.port, "-n", 1000, "-t", "incr,rpush,zadd", "-r", 100)
    with server.client() as client:
        assert client.call("LLEN", "mylist") == 1000
        assert 90 <= client.call("ZCARD", "myzset") <= 100
        counters = [key for key in client.call("KEYS", "counter:*") if key]
        assert sum(int(client.call("GET", key)) for key in counters) == 1000


@pytest.mark.parametrize("command", [
    ["GETRANGE", "key:__rand_int__", "0", "-1"], ["XADD", "stream", "*", "f", "__rand_int__"],
    ["EVAL", "return redis.call('INCR', KEYS[1])", "1", "script counter"]],
    ids=["getrange", "xadd", "eval"])
def test_a_command_of_the_users(server, command):
    assert len(benchmark("-p", server.port, "-n", 2000, "-r", 100, "-P", 4, *command)) == 1
