"""The modes of redis-cli: what they print about a server is asserted, not only that they end."""

import re
import shutil
import subprocess
import time

import pytest
from conftest import CHECKED_BUILD
from resp import encode

REDIS_CLI = shutil.which("redis-cli")
pytestmark = pytest.mark.skipif(REDIS_CLI is None, reason="redis-cli is not installed")


@pytest.fixture
def cli(server):
    """Runs redis-cli until it ends, or for so long: what it has printed."""

    def run(*arguments, data=None, seconds=None, code=0):
        command = ["stdbuf", "-oL", REDIS_CLI, "-p", str(server.port), *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        try:
            found, _ = process.communicate(data, timeout=seconds or 60)
            assert process.returncode == code, found
        except subprocess.TimeoutExpired:
            process.terminate()
            found, _ = process.communicate()
            assert seconds is not None, found
        return found.decode("latin-1")

    return run


@pytest.fixture
def some_of_each(client):
    client.call("SET", "small", "x")
    client.call("SET", "large", "x" * 10000)
    client.call("RPUSH", "list", *range(300))
    client.call("SADD", "set", *range(20))
    client.call("HSET", "hash", *range(40))
    client.call("ZADD", "zset", *[i // 2 for i in range(60)])
    for number in range(7):
        client.call("XADD", "stream", "*", "f", number)
    for number in range(200):
        client.call("SET", f"key:{number}", number)


def test_latency(cli):
    least, most, average, samples = cli("--latency", "-i", 1).split()
    assert int(samples) >= 1 and 0 <= int(least) <= float(average) <= int(most)


def test_latency_history(cli):
    found = cli("--latency-history", "-i", 1, seconds=4)
    assert re.search(r"-- 1\.\d+ seconds range", found), found
    least, most, average, samples = re.findall(r"(\d+) (\d+) ([\d.]+) (\d+)", found)[0]
    assert int(least) <= float(average) <= int(most) and int(samples) >= 1


def test_bigkeys(cli, some_of_each):
    found = cli("--bigkeys")
    assert "Sampled 207 keys in the keyspace!" in found
    for said in ('Biggest string found \'"large"\' has 10000 bytes',
                 'Biggest   list found \'"list"\' has 300 items',
                 'Biggest    set found \'"set"\' has 20 members',
                 'Biggest   hash found \'"hash"\' has 20 fields',
                 'Biggest   zset found \'"zset"\' has 30 members',
                 'Biggest stream found \'"stream"\' has 7 entries'):
        assert said in re.sub(r" +(?=string|stream)", " ", found), found


def test_memkeys(cli, some_of_each):
    found = cli("--memkeys")
    assert "Sampled 207 keys in the keyspace!" in found
    told = re.search(r"Biggest string found '\"large\"' has (\d+) bytes",
                     re.sub(r" +(?=string)", " ", found))
    assert told and 10000 <= int(told[1]) < 12000


def test_hotkeys(cli, client, some_of_each):
    client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    try:
        for _ in range(3000):
            client.call("GET", "small")
        lines = [line for line in cli("--hotkeys").splitlines()
                 if line.startswith("hot key found with counter:")]
        assert lines and "small" in lines[0]
        assert int(re.search(r"counter: (\d+)", lines[0])[1]) > 5
    finally:
        client.call("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_stat(cli, some_of_each):
    lines = cli("--stat", "-i", "0.2", seconds=3).splitlines()
    assert lines[0].startswith("------- data")
    rows = [line.split() for line in lines if re.match(r"\d+ ", line)]
    assert rows and all(row[0] == "207" for row in rows)
    assert re.fullmatch(r"[\d.]+[BKMG]", rows[0][1])


def test_pipe(cli, client):
    count = 2000 if CHECKED_BUILD else 20000
    data = b"".join(encode(("SET", f"p{n}", n)) for n in range(count)) + encode(("INCR", "p0", 1))
    found = cli("--pipe", data=data, code=1)
    assert "All data transferred." in found
    assert f"errors: 1, replies: {count + 1}" in found
    assert client.call("DBSIZE") == count and client.call("GET", "p17") == b"17"


def test_lru_test(cli, client):
    found = cli("--lru-test", 1000, seconds=5)
    rows = re.findall(r"(\d+) Gets/sec \| Hits: (\d+) \(([\d.]+)%\) \| Misses: (\d+)", found)
    assert rows
    assert int(rows[-1][0]) > 100 and int(rows[-1][1]) > 0
    assert client.call("DBSIZE") > 100


def test_monitor(cli, client):
    process = subprocess.Popen([REDIS_CLI, "-p", str(client.socket.getpeername()[1]), "MONITOR"],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"OK\n"
        client.call("SET", "a", "b c")
        line = process.stdout.readline().decode()
        assert re.fullmatch(r'\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "a" "b c"\n', line)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_scan_and_repeat(cli, some_of_each):
    assert sorted(cli("--scan", "--pattern", "key:1?").split()) == [f"key:1{n}" for n in range(10)]
    began = time.monotonic()
    assert cli("-r", 3, "-i", "0.1", "PING").split() == ["PONG"] * 3
    assert time.monotonic() - began >= 0.2
