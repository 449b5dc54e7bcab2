"""Clients over TLS, with certificates on both sides, beside others on the plain port."""

import asyncio
import subprocess

import pytest
import redis
import redis.asyncio
import serving
from certificates import Authority

from programs import Program

NODE = Program("node/tls.js", "node")
PHP = Program("php/tls.php", "php")


@pytest.fixture(name="secure", scope="module")
def server_with_certificates(snug_program, tmp_path_factory):
    """A server, its port for TLS, and where a client's papers are."""
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority(directory / "authority")
    (certificate, key), (mine, my_key) = authority.sign("server"), authority.sign("client")
    port = serving.free_port()
    server = serving.running(
        snug_program, directory, "--tls-port", port, "--tls-cert-file", certificate,
        "--tls-key-file", key, "--tls-ca-cert-file", authority.file)
    yield server, {"port": port, "ca": authority.file, "cert": mine, "key": my_key}
    serving.end(server)


def test_redis_cli_and_redis_benchmark(secure):
    _, papers = secure
    words = ["-p", papers["port"], "--tls", "--cacert", papers["ca"], "--cert", papers["cert"],
             "--key", papers["key"]]

    def run(program, *more):
        return subprocess.run([str(word) for word in (program, *words, *more)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
    assert run("redis-cli", "SET", "k", "v").stdout == "OK\n"
    assert run("redis-cli", "-3", "GET", "k").stdout == "v\n"
    rates = run("redis-benchmark", "-q", "-n", 2000, "-P", 8, "-t", "set,get,lrange_600")
    assert rates.stdout.count("requests per second") == 4, rates.stdout


def test_redis_py(secure):
    server, papers = secure
    options = {"host": "127.0.0.1", "port": papers["port"], "ssl": True,
               "ssl_ca_certs": str(papers["ca"])}
    own = {"ssl_certfile": str(papers["cert"]), "ssl_keyfile": str(papers["key"])}
    value = bytes(range(256)) * 8192
    with redis.Redis(**options, **own) as r, redis.Redis(port=server.port) as plain:
        assert r.set("k", value) and r.get("k") == value and plain.get("k") == value
        pipeline = r.pipeline(transaction=False)
        for i in range(1000):
            pipeline.set(i, "x" * i).get(i)
        assert pipeline.execute()[1::2] == [b"x" * i for i in range(1000)]
    with pytest.raises(redis.ConnectionError):
        redis.Redis(**options).ping()

    async def ping():
        r = redis.asyncio.Redis(**options, **own)
        assert await asyncio.gather(*(r.incr("n") for _ in range(20)))
        assert await r.get("n") == b"20"
        await r.close()
        await r.connection_pool.disconnect()
    asyncio.run(asyncio.wait_for(ping(), 60))


@pytest.mark.parametrize("program, name", [(program, name) for program in (NODE, PHP)
                                           for name in program.names()])
def test_program(secure, monkeypatch, tmp_path, program, name):
    server, papers = secure
    for word, value in papers.items():
        monkeypatch.setenv(f"SNUG_TLS_{word.upper()}", str(value))
    reason = program.run(server.port, tmp_path)[name]
    assert reason is None, reason
