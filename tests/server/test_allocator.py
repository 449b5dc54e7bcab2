"""The linked malloc: the one that was built, and what it gives back when it is asked.
`make test-allocators` runs this with each."""

import re
import subprocess
import time

import pytest
from conftest import CHECKED_BUILD, SNUG_SERVER
from resp import Client, encode
from test_maxmemory import MB, held, info, reached, resident

NAMES = ("jemalloc", "libc", "tcmalloc", "mimalloc")


def test_it_is_the_one_that_was_asked_for(client):
    built = re.search(r"/build-([a-z]+)/[^/]*$", SNUG_SERVER)
    name = info(client, "mem_allocator").partition("-")[0]
    if CHECKED_BUILD:
        assert name == "libc"
    elif built:
        assert name == built[1]
    else:
        assert name in NAMES
    assert f"malloc={info(client, 'mem_allocator')}" in server_version()


def server_version():
    return subprocess.run([SNUG_SERVER, "--version"], capture_output=True, text=True,
                          check=True).stdout


def pass_through(server, client):
    """60 MB of replies that nobody reads, and then nobody has asked for."""
    client.call("SET", "big", b"x" * MB)
    with Client(server.port) as other:
        other.send_raw(encode(["GET", "big"]) * 60)
        deadline = time.monotonic() + 10
        while resident(server) < 60 * MB and time.monotonic() < deadline:
            time.sleep(0.02)
    deadline = time.monotonic() + 10
    while client.call("CLIENT", "LIST").count(b"\n") > 1 and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself keeps what was freed")
def test_what_buffers_held_goes_back(start):
    server = start()
    with Client(server.port) as client:
        before = resident(server)
        pass_through(server, client)
        assert resident(server, "VmHWM") > before + 50 * MB
        assert client.call("MEMORY", "PURGE") == "OK"
        assert resident(server) < before + 30 * MB


@pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself keeps what was freed")
def test_the_limit_asks_by_itself(start):
    server = start("--maxmemory", 40 * MB, "--maxmemory-policy", "noeviction")
    with Client(server.port) as client:
        pass_through(server, client)
        assert reached(client, 40 * MB)
        assert client.call("SET", "more", b"x" * 1000) == "OK"
        assert held(client) < 40 * MB
