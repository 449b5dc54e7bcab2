"""The profiles of ops/profiles: each is taken as it is, says what it pays, keeps its promise."""

import re
import subprocess
import time

import pytest

from conftest import CHECKED_BUILD, ROOT
from test_memory import MB, memory, resident

PROFILES = ROOT / "ops" / "profiles"
NAMES = ["large-keys", "low-latency", "memory-constrained"]
KEYS = 200000

figures = pytest.mark.skipif(CHECKED_BUILD, reason="figures are looked at in builds without checks")


@pytest.fixture
def profiled(start, tmp_path):
    """A server that includes a profile, as the profile says; None: none."""
    def begin(name, *options):
        path = tmp_path / f"{name}.conf"
        path.write_text(f"include {PROFILES / name}.conf\n" if name else "")
        return start("--save", "", "--enable-debug-command", "yes", *options, config=path)
    return begin


def settings(name):
    """Directive, value and the comment in front of it."""
    comment, found = "", []
    for line in (PROFILES / f"{name}.conf").read_text().splitlines():
        if line.startswith("#"):
            comment += line + "\n"
        elif line.strip():
            found.append((*line.split(None, 1), comment))
        else:
            comment = ""
    return found


def test_there_is_no_other():
    assert sorted(path.stem for path in PROFILES.glob("*.conf")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_line_says_what_it_pays(name):
    for directive, _, comment in settings(name):
        assert "# Paid: " in comment, directive
    for line in (PROFILES / f"{name}.conf").read_text().splitlines():
        assert len(line) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_it_is_in_force(profiled, name):
    client = profiled(name).client()
    for directive, value, _ in settings(name):
        told = client.call("CONFIG", "GET", directive)
        assert len(told) == 2, directive
        if directive == "client-output-buffer-limit":
            kind, hard = value.split()[:2]
            kind = {"replica": "slave"}.get(kind, kind)
            unit = 1024 * MB if "gb" in hard else MB
            assert f"{kind} {int(hard[:-2]) * unit}" in told[1].decode()
        else:
            assert client.call("CONFIG", "SET", directive, value) == "OK"
            assert client.call("CONFIG", "GET", directive) == told, directive


def fragment(client):
    """Of keys of three sizes three of four go."""
    for size in (60, 150, 400):
        client.call("DEBUG", "POPULATE", KEYS // 4, f"k{size}", size)
        names = [f"k{size}:{n}" for n in range(KEYS // 4) if n % 4]
        for first in range(0, len(names), 1000):
            client.call("DEL", *names[first:first + 1000])


def until_idle(client, seconds=30):
    """Until nothing is moved any more: the state stays for half a second."""
    deadline, quiet = time.monotonic() + seconds, 0
    while quiet < 5 and time.monotonic() < deadline:
        quiet = quiet + 1 if memory(client)["active_defrag_running"] == 0 else 0
        time.sleep(0.1)
    assert quiet == 5


@figures
def test_memory_constrained_holds_less(profiled):
    """The same load and the same deletes: by default that little waste is left alone."""
    held = {}
    for name in (None, "memory-constrained"):
        server = profiled(name)
        client = server.client()
        fragment(client)
        time.sleep(0.5)
        until_idle(client)
        held[name] = resident(server), memory(client)
    plain, tight = held[None], held["memory-constrained"]
    assert tight[1]["heap_allocated"] == pytest.approx(plain[1]["heap_allocated"], rel=0.02)
    assert plain[1]["heap_frag_bytes"] > 10 * MB
    assert tight[1]["heap_frag_bytes"] < 0.05 * tight[1]["heap_allocated"] + 1.5 * MB
    assert tight[0] < plain[0] - 10 * MB


@figures
def test_memory_constrained_bounds_clients(profiled):
    server = profiled("memory-constrained")
    client, greedy = server.client(), server.client()
    client.call("SET", "big", "x" * (9 * MB))
    for _ in range(8):
        greedy.send("GET", "big")
    deadline = time.monotonic() + 10
    while memory(client)["mem_clients_normal"] > 33 * MB or not re.search(
            rb"client_output_buffer_limit_disconnections:[1-9]", client.call("INFO", "stats")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@figures
def test_low_latency_moves_in_shorter_slices(profiled):
    """By CPU time, which others on the machine do not stretch: no slice of a profile's length in a
    hundred takes twice as long."""
    slices = {}
    for name in (None, "low-latency"):
        client = profiled(name, "--active-defrag-ignore-bytes", "1mb").client()
        fragment(client)
        until_idle(client, 60)
        slices[name] = memory(client)
    mean = {name: told["active_defrag_cpu_us"] / told["active_defrag_slices"]
            for name, told in slices.items()}
    told = slices["low-latency"]
    assert told["active_defrag_slices"] > 100
    assert mean["low-latency"] < 55 and mean["low-latency"] < 0.8 * mean[None]
    assert told["active_defrag_slices_over_limit"] < told["active_defrag_slices"] / 20
    assert told["heap_frag_bytes"] < 0.2 * told["heap_allocated"] + MB


@figures
def test_low_latency_flushes_behind_the_answer(profiled):
    client = profiled("low-latency").client()
    client.call("DEBUG", "POPULATE", KEYS * 2, "key", 50)
    full = memory(client)["heap_allocated"]
    assert client.call("FLUSHALL") == "OK"
    assert client.call("DBSIZE") == 0
    assert memory(client)["heap_allocated"] > full / 4  # most is given back later
    deadline = time.monotonic() + 20
    while memory(client)["heap_allocated"] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@figures
def test_large_keys_snapshot_outlasts_large_changes(profiled):
    """Large values that go while a snapshot is written: by default's limit it is given up."""
    def saved(name):
        client = profiled(name, "--rdb-key-save-delay", 300).client(timeout=60)
        for number in range(6):
            client.call("SET", f"big{number}", "x" * (25 * MB))
        client.call("DEBUG", "POPULATE", 5000, "key", 20)
        client.call("BGSAVE")
        for number in range(6):
            client.call("DEL", f"big{number}")
        deadline = time.monotonic() + 60
        while b"rdb_bgsave_in_progress:1" in client.call("INFO", "persistence"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return re.search(rb"rdb_last_bgsave_status:(\w+)", client.call("INFO", "persistence"))[1]

    assert saved("large-keys") == b"ok"
    assert saved(None) == b"err"


@figures
def test_large_keys_takes_long_requests(profiled):
    """An argument of more than the usual 512 MB is let in; nobody needs to send all of it."""
    server = profiled("large-keys")
    client = server.client()
    client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$%d\r\n" % (600 * MB))
    other = server.client()
    assert other.call("PING") == "PONG" and b"id=" in other.call("CLIENT", "LIST")
    time.sleep(0.2)
    assert other.call("CLIENT", "LIST").count(b"id=") == 2


def test_they_are_installed(tmp_path):
    """By `make -n`, which needs no build: each file by its name, where the comment in it says."""
    text = subprocess.run(["make", "-n", "install", "PREFIX=/usr", f"DESTDIR={tmp_path}"], cwd=ROOT,
                          capture_output=True, text=True, check=False).stdout
    assert "ops/profiles/*.conf" in text and "/etc/snug/profiles" in text
