"""The benchmark's tools measure what they say: the load generator, the harness, its judgement."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

# pylint: disable=wrong-import-position
from harness.generator import Background, Generator, LoadError
from harness.report import Report
from harness.server import Connection, Server, Spec, flat_time

SUBJECT = os.environ.get("SNUG_SERVER") or str(ROOT / "build" / "snug-server")
LOAD = ROOT / "build" / "snug-load"
SIZES = {"keys": 3000, "value_bytes": "0-300", "clients": 3, "pipeline": 17}

pytestmark = pytest.mark.skipif(os.cpu_count() < 2, reason="server and load take a core each")


@pytest.fixture(name="generator", scope="module")
def generator_fixture():
    if not LOAD.exists():
        # The plain build's, whatever build a make around this one is about.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")
                 and name not in ("MFLAGS", "MOVE_ALL", "SANITIZE", "FUZZ")}
        subprocess.run(["make", "-s", "-C", str(ROOT), "build/snug-load"], check=True, env=plain)
    affinity = os.sched_getaffinity(0)
    yield Generator(str(LOAD))
    os.sched_setaffinity(0, affinity)


@pytest.fixture(name="server")
def server_fixture():
    path = SUBJECT if shutil.which(SUBJECT) else "redis-server"
    with Server(Spec(path)) as server:
        yield server


def test_verify_finds_what_fill_stored(generator, server):
    generator.run("fill", server, **SIZES)
    assert server.call("DBSIZE") == 3000
    checked = generator.run("verify", server, **SIZES)
    assert (checked["missing"], checked["wrong"], checked["ops"]) == (0, 0, 3000)


@pytest.mark.parametrize("damage, field", [
    (("SET", "key:000000000007", "x"), "wrong"),
    (("SETRANGE", "key:000000000007", "0", "yz"), "wrong"),
    (("DEL", "key:000000000007"), "missing"),
])
def test_verify_finds_damage(generator, server, damage, field):
    generator.run("fill", server, **SIZES)
    server.call(*damage)
    checked = generator.run("verify", server, check=False, **SIZES)
    assert checked[field] == 1


def test_verify_knows_what_delete_chose(generator, server):
    generator.run("fill", server, **SIZES)
    gone = generator.run("delete", server, fraction=0.75, **SIZES)["ops"]
    assert 2100 < gone < 2400
    assert server.call("DBSIZE") == 3000 - gone
    generator.run("verify", server, fraction=0.75, **SIZES)
    server.call("SET", "key:000000000000", "x")
    with pytest.raises(LoadError):
        generator.run("verify", server, fraction=0.75, **SIZES)


def test_error_replies_are_counted_and_named(generator, server):
    server.call("SET", "key:", "text")
    figures = generator.run("run", server, check=False, command="incr", prefix="key:", ops=50)
    assert figures["errors"] == 0
    figures = generator.run("run", server, check=False, command="lpush", prefix="key:", ops=50)
    assert figures["errors"] == 50 and figures["first_error"]


@pytest.mark.parametrize("fill, one, count, most", [
    ("hset-key", "hset-one", "HLEN", 5),
    ("sadd-key", "sadd-one", "SCARD", 20),
    ("zadd-key", "zadd-one", "ZCARD", 20),
    ("rpush-key", "lpush-one", "LLEN", 100),
    ("xadd-one", "xadd-one", "XLEN", 100),
])
def test_small_collections_are_what_was_filled(generator, server, fill, one, count, most):
    """One element more goes to a collection that is there, and not always to the same."""
    generator.run("fill", server, command=fill, keys=50)
    before = [server.call(count, f"key:{number:012}") for number in range(50)]
    generator.run("run", server, command=one, keys=50, ops=500, pipeline=7)
    after = [server.call(count, f"key:{number:012}") for number in range(50)]
    assert server.call("DBSIZE") == 50
    assert len(set(before)) == 1 and max(after) <= most
    assert sum(after) > sum(before) or count == "HLEN"


def test_ranges_are_of_elements_that_are_there(generator, server):
    """By the bytes that come back: those of as many elements as are asked for."""
    for fill, ranges in (("rpush", ["lrange", "lrange-at"]), ("zadd", ["zrange", "zrange-at"])):
        server.call("FLUSHALL")
        generator.run("fill", server, command=fill, prefix="big", keys=1000)
        for name in ranges:
            before = int(server.info("stats").get("total_net_output_bytes", 0))
            generator.run("run", server, command=name, prefix="big", keys=900, elements=10, ops=50)
            sent = int(server.info("stats").get("total_net_output_bytes", 0)) - before
            assert sent > 50 * 10 * 16


def test_a_run_ends_by_count_or_by_time(generator, server):
    assert generator.run("run", server, command="ping", ops=1001, pipeline=10)["ops"] == 1001
    started = time.monotonic()
    generator.run("run", server, command="set", seconds=0.3, clients=5, pipeline=4)
    assert 0.3 <= time.monotonic() - started < 5


def test_a_stall_is_seen_by_every_request_it_held_up(generator, server):
    """A closed loop would show one slow request a client; at a fixed rate there are hundreds."""
    with Background(generator, server, rate=1000, keys=100) as background:
        time.sleep(0.3)
        background.mark()
        server.process.send_signal(19)
        time.sleep(0.4)
        server.process.send_signal(18)
        time.sleep(0.2)
        stalled = background.stop()
    assert stalled["max_us"] > 350_000
    assert stalled["p50_us"] > 50_000
    assert stalled["count"] > 300


def test_workloads_hold_their_limit_and_check_their_values(generator, server):
    for name in ("W3", "W8"):
        server.call("FLUSHALL")
        figures = generator.run("workload", server, workload=name, live_limit="1mb", pipeline=32)
        assert figures["wrong"] == 0 and figures["peak_live_bytes"] <= 1 << 20
        assert server.call("DBSIZE") == figures["live_objects"]


def test_cpu_and_rss_are_the_servers_own(server):
    before = server.cpu_s()
    connection = Connection(server.port)
    for _ in range(1000):
        connection.call("PING")
    connection.close()
    assert 0.001 < server.cpu_s() - before < 5
    assert abs(server.rss() - server.rss_quick()) < 2 << 20
    assert server.peak() >= server.rss_quick() * 0.9


def test_flat_is_the_first_sample_near_the_lowest():
    mb = 1 << 20
    falling = [(0.0, 900 * mb), (1.0, 800 * mb), (1.5, 404 * mb), (2.0, 401 * mb), (3.0, 400 * mb)]
    assert flat_time(falling, 1.0) == 1.0
    assert flat_time([(when, 10 * mb) for when in (1.0, 2.0)], 1.0) == 0
    assert flat_time([(1.0, 13 * mb), (2.0, 12 * mb), (3.0, 10 * mb)], 1.0) == 1.0


def test_a_report_keeps_the_worst_and_judges_it():
    report = Report(io.StringIO())
    for value in (0.5, 1.7, 1.0):
        report.figure("f2.flat", value)
    report.figure("f2.rss", 1.1)
    assert [row[3] for row in report.verdicts()] == ["**missed**", "met"]
    busy = [row[3] for row in report.verdicts(quiet=False)]
    assert busy == ["not judged: the machine was busy", "met"]


@pytest.mark.parametrize("sections, titles", [
    ("throughput,latency", ["Throughput:", "Latency"]),
    pytest.param("types", ["Collections:", "Collections:"], marks=pytest.mark.slow),
])
def test_the_harness_runs(generator, server, tmp_path, sections, titles):
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "bench" / "run.py"), "--server", server.spec.words[0],
               "--no-peer", "--load", generator.path, "--only", sections, "--scale",
               "0.004", "--rounds", "1", "--seconds", "0.05", "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    tables = json.loads(figures.read_text(encoding="utf-8"))["tables"]
    found = [table["title"].split()[0] for table in tables]
    assert found[:len(titles)] == titles and found[len(titles):] in ([], ["Goals:"])
