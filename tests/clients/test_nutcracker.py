"""nutcracker (twemproxy) in front of two servers: keys are dealt out, pipelines come back whole."""

import shutil
import subprocess

import pytest
import redis
from serving import free_port

from waiting import until


@pytest.fixture(name="proxy")
def nutcracker(start, tmp_path):
    """A client of the proxy, and clients of the servers behind it."""
    program = shutil.which("nutcracker", path="/usr/sbin:/usr/bin:/sbin")
    assert program, "nutcracker: tools/setup.sh test"
    servers = [start(), start()]
    port, statistics = free_port(), free_port()
    lines = [f"    - 127.0.0.1:{server.port}:1 s{i}" for i, server in enumerate(servers)]
    (tmp_path / "nutcracker.yml").write_text("\n".join([
        "pool:", f"  listen: 127.0.0.1:{port}", "  redis: true", "  hash: fnv1a_64",
        "  distribution: ketama", "  preconnect: true", "  timeout: 10000", "  servers:",
        *lines, ""]))
    with open(tmp_path / "nutcracker.log", "wb") as log:
        process = subprocess.Popen(
            [program, "-c", tmp_path / "nutcracker.yml", "-a", "127.0.0.1", "-s", str(statistics)],
            stdout=log, stderr=log)
    client = redis.Redis(host="127.0.0.1", port=port, decode_responses=True, socket_timeout=20)

    def answers():
        assert process.poll() is None, (tmp_path / "nutcracker.log").read_text()
        try:
            return client.get("absent") is None
        except redis.ConnectionError:
            return False
    try:
        until(answers, "the proxy")
        yield client, [redis.Redis(host="127.0.0.1", port=server.port) for server in servers]
    finally:
        process.terminate()
        process.wait()


def test_keys_are_dealt_out(proxy):
    client, servers = proxy
    for i in range(500):
        assert client.set(f"k:{i}", i)
    sizes = [server.dbsize() for server in servers]
    assert sum(sizes) == 500 and min(sizes) > 50
    assert client.mget([f"k:{i}" for i in range(500)]) == [str(i) for i in range(500)]
    assert client.delete(*[f"k:{i}" for i in range(500)]) == 500
    assert [server.dbsize() for server in servers] == [0, 0]


def test_pipelines_and_types(proxy):
    client, _ = proxy
    pipeline = client.pipeline(transaction=False)
    for i in range(1000):
        pipeline.incr(f"n:{i % 7}")
    assert sum(1 for reply in pipeline.execute() if reply > 0) == 1000
    assert client.hset("h", mapping={"a": 1, "b": 2}) == 2 and client.hgetall("h") == {
        "a": "1", "b": "2"}
    assert client.rpush("l", 1, 2, 3) == 3 and client.lrange("l", 0, -1) == ["1", "2", "3"]
    assert client.zadd("z", {"m": 1.5}) == 1 and client.zscore("z", "m") == 1.5
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.incr("l")


def test_scripts(proxy):
    client, _ = proxy
    assert client.eval("return redis.call('INCR', KEYS[1])", 1, "n") == 1
