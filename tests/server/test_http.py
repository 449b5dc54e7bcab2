"""/metrics, the page's figures, and who may read them."""

import base64
import collections
import socket
import subprocess
import time

import pytest

from conftest import MOVE_ALL_BUILD
from resp import Error
from waiting import until
from watching import Watched

NONE, FREE, CACHED, CURRENT, PARTLY, FULL, DRAINING, PINNED = range(8)


@pytest.fixture
def watched(start):
    return Watched(start)


def info(client, section="everything"):
    lines = client.call("INFO", section).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def test_nothing_listens_unless_asked(start):
    server = start()
    assert server.client().call("CONFIG", "GET", "http-port") == [b"http-port", b"0"]
    assert server.client().call("CONFIG", "GET", "http-bind") == [b"http-bind", b"127.0.0.1 -::1"]


def test_each_path_says_what_it_is(watched):
    for path, kind in [("/", "text/html; charset=utf-8"),
                       ("/index.html", "text/html; charset=utf-8"),
                       ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
                       ("/api/state.json", "application/json"),
                       ("/api/heap", "application/octet-stream"),
                       ("/healthz", "text/plain; charset=utf-8")]:
        status, headers, body = watched.request(path)
        assert (status, headers["Content-Type"]) == (200, kind), path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert int(headers["Content-Length"]) == len(body) > 0
        status, headers, body = watched.request(path, method="HEAD")
        assert (status, headers["Content-Type"], body) == (200, kind, b""), path
    for path in ["/nothing", "/../etc/passwd", "/%2e%2e/snug.conf", "/api", "/metrics/", "//"]:
        assert watched.request(path)[0] == 404, path


def test_only_get_and_head(watched):
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"]:
        status, headers, _ = watched.request("/metrics", method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), method


def test_a_password_or_a_token(start, tmp_path):
    watched = Watched(start, "--http-password", "pa:ss", "--http-token", "t0ken")

    def status(path="/metrics", **headers):
        return watched.request(path, **headers)[0]

    def basic(text):
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert watched.request("/metrics")[1]["WWW-Authenticate"].startswith("Basic realm=")
    for path in ["/", "/metrics", "/api/state.json", "/api/heap", "/nothing"]:
        assert status(path) == 401, path
    assert status("/healthz") == 200
    assert status(Authorization=basic("anybody:pa:ss")) == 200
    assert status(Authorization=basic(":pa:ss").replace("Basic", "basic ")) == 200
    assert status(Authorization="Bearer t0ken") == 200
    assert status(Authorization="Bearer pa:ss") == 200
    for wrong in [basic("pa:ss"), basic("x:pa"), basic("x:t0ken"), basic(""), "Basic", "Basic ?",
                  "Bearer", "Bearer ", "Bearer t0ken2", "Bearer t0ke", "t0ken", "Digest t0ken", ""]:
        assert status(Authorization=wrong) == 401, wrong
    log = watched.server.log()
    assert "pa:ss" not in log and "t0ken" not in log


def test_secrets_are_in_no_log(watched):
    client = watched.server.client()
    client.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    client.call("CONFIG", "SET", "http-password", "hidden1", "http-token", "hidden2")
    assert watched.request("/metrics")[0] == 401
    shown = repr(client.call("SLOWLOG", "GET", -1)) + watched.server.log()
    assert "http-password" in shown and "hidden1" not in shown and "hidden2" not in shown
    assert client.call("CONFIG", "SET", "http-password", "", "http-token", "") == "OK"
    assert watched.request("/metrics")[0] == 200


def test_a_name_that_was_made_to_lead_here_is_sent_away(watched):
    def status(host):
        return watched.request("/metrics", Host=host)[0]

    for host in ["localhost", f"localhost:{watched.http_port}", "127.0.0.1", "127.0.0.1:9",
                 "[::1]", "[::1]:80", "10.1.2.3"]:
        assert status(host) == 200, host
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[evil"]:
        assert status(host) == 421, host
    watched.server.client().call("CONFIG", "SET", "http-password", "x")
    assert status("snug.example") == 401


def test_the_port_changes_while_running(watched, start):
    client = watched.server.client()
    old, other = watched.http_port, Watched(start)
    reply = client.call("CONFIG", "SET", "http-port", other.http_port)
    assert isinstance(reply, Error) and "Unable to serve HTTP" in reply
    assert watched.get("/healthz") == b"ok\n"
    client.call("CONFIG", "SET", "http-port", 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old))
    client.call("CONFIG", "SET", "http-port", old)
    assert watched.get("/healthz") == b"ok\n"


# Names of redis_exporter that promtool would have chosen otherwise.
NOT_OURS = ("redis_",)


def test_promtool_finds_the_text_well_formed(watched):
    watched.server.client().call("SET", "a", "b")
    watched.server.client().call("LPUSH", "a", "b")
    found = subprocess.run(["promtool", "check", "metrics"], input=watched.get("/metrics"),
                           capture_output=True, check=False)
    complaints = [line for line in found.stderr.decode().splitlines()
                  if not line.startswith(NOT_OURS)]
    assert found.returncode in (0, 3) and complaints == []


def test_openmetrics_for_who_asks(watched):
    watched.server.client().call("GET", "a")
    watched.fresh()
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    status, headers, body = watched.request("/metrics", Accept=accept)
    text = body.decode()
    assert status == 200
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("\n# EOF\n")
    types = dict(line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE"))
    assert types["snug_moved_bytes"] == "counter"
    assert types["redis_commands_processed"] == "counter"
    assert types["redis_total_reads_processed"] == "unknown"
    assert types["redis_commands_latencies_usec"] == "histogram"
    for family, kind in types.items():
        assert kind != "counter" or not family.endswith("_total"), family
    units = dict(line.split()[2:] for line in text.splitlines() if line.startswith("# UNIT"))
    for family, unit in units.items():
        assert family.endswith("_" + unit), family
    assert "# EOF" not in watched.get("/metrics", Accept="text/plain").decode()


def test_metrics_say_what_info_says(watched):
    client = watched.server.client()
    for number in range(100):
        client.call("SET", f"key:{number}", "x" * number, "EX", 1000 + number)
    client.call("LPUSH", "key:1", "wrong")
    client.call("SELECT", 3)
    client.call("SET", "other", 1)
    watched.fresh()
    metrics = watched.metrics()
    assert metrics["redis_up", ""] == 1
    assert metrics["redis_db_keys", 'db="db0"'] == 100
    assert metrics["redis_db_keys_expiring", 'db="db0"'] == 100
    assert metrics["redis_db_keys", 'db="db3"'] == 1
    assert metrics["redis_db_keys", 'db="db1"'] == 0
    assert 900 < metrics["redis_db_avg_ttl_seconds", 'db="db0"'] < 1100
    assert metrics["redis_commands_total", 'cmd="set"'] == 101
    assert metrics["redis_commands_failed_calls_total", 'cmd="lpush"'] == 1
    assert metrics["redis_errors_total", 'err="WRONGTYPE"'] == 1
    assert metrics["redis_commands_latencies_usec_count", 'cmd="set"'] == 101
    assert metrics["redis_commands_latencies_usec_bucket", 'cmd="set",le="+Inf"'] == 101
    buckets = [value for (name, labels), value in metrics.items()
               if name == "redis_commands_latencies_usec_bucket" and 'cmd="set"' in labels]
    assert buckets == sorted(buckets) and len(buckets) == 22
    told = info(client)
    assert metrics["redis_mem_fragmentation_ratio", ""] == \
        metrics["redis_memory_fragmentation_ratio", ""] == \
        pytest.approx(float(told["mem_fragmentation_ratio"]), rel=0.2)
    used = pytest.approx(int(told["used_memory"]), rel=0.2)
    assert metrics["redis_memory_used_bytes", ""] == used
    assert metrics["redis_start_time_seconds", ""] == pytest.approx(time.time(), abs=100)


def test_the_parts_add_up_to_what_is_resident(watched):
    fill(watched.server.client(), 20000, 300)
    watched.fresh()
    metrics = watched.metrics()
    parts = {labels: value for (name, labels), value in metrics.items()
             if name == "snug_resident_bytes"}
    assert len(parts) > 20 and parts['part="data_string"'] > 20000 * 300
    assert sum(parts.values()) == metrics["redis_memory_used_rss_bytes", ""]


def test_the_state_holds_what_info_says(watched):
    client = watched.server.client()
    client.call("SET", "a", 1)
    watched.fresh()
    state = watched.state()
    told = info(client)
    assert state["figures"]["Server"]["run_id"] == told["run_id"]
    assert state["figures"]["Keyspace"]["db0"] == "keys=1,expires=0,avg_ttl=0,subexpiry=0"
    assert [name for section in state["figures"] if section != "Snug"
            for name in state["figures"][section] if not name.startswith(("cmdstat", "latency"))] \
        == [name for name in told if not name.startswith(("cmdstat", "latency"))]
    assert "Hardly any data" in state["doctor"]
    assert state["edition"]["age_ms"] < 10000 and state["edition"]["cost_us"] > 0
    assert {"name": "set", "calls": 1, "rejected": 0, "failed": 0}.items() <= \
        next(row for row in state["commands"] if row["name"] == "set").items()


def fill(client, count, bytes_each):
    for first in range(0, count, 500):
        client.call("MSET", *[part for number in range(first, min(first + 500, count))
                              for part in (f"key:{number}", "v" * bytes_each)])


@pytest.mark.skipif(MOVE_ALL_BUILD, reason="there every block moves all the time")
def test_the_picture_of_the_heap_is_that_of_memory_map(watched):
    client = watched.server.client()
    client.call("CONFIG", "SET", "activedefrag", "no")
    fill(client, 20000, 200)
    client.call("DEL", *[f"key:{number}" for number in range(0, 10000) if number % 8])
    first = watched.heap()

    def drawn():
        picture = watched.heap()
        return picture.sweep > first.sweep + 2 and picture.rows and picture

    picture = until(drawn, "a whole sweep")
    state = watched.state()
    heap = state["heap"]
    spans = collections.Counter((kind, size) for state, kind, size, _, _ in picture.spans()
                                if state >= CURRENT)
    assert dict(spans) == {(lane["kind"], lane["class"]): lane["spans"] for lane in heap["lanes"]}
    for lane in heap["lanes"]:
        assert sum(lane["by_occupancy"]) == lane["spans"]
        assert heap["classes"][lane["class"]] == lane["cell_bytes"]
    live = sum(fill * heap["classes"][size] for state, _, size, order, fill in picture.spans())
    assert live > 0
    sparse = [fill for state, _, _, _, fill in picture.spans() if state == PARTLY]
    assert len(sparse) > 10 and min(sparse) < 64
    allocated = sum(lane["live"] * lane["cell_bytes"] for lane in heap["lanes"])
    assert allocated == state["figures"]["Snug"]["snug_heap_allocated"] - \
        state["figures"]["Snug"]["snug_heap_run_bytes"] - \
        state["figures"]["Snug"]["snug_heap_run_slack"]
    later = watched.heap(since=watched.heap().sweep + 1000000)
    assert later.blocks.keys() == picture.blocks.keys(), "a number of another server: all of it"
    time.sleep(0.5)
    calm = watched.heap()
    time.sleep(0.5)
    assert watched.heap(since=calm.sweep).blocks == {}, "nothing has changed"
    client.call("FLUSHALL", "SYNC")
    until(lambda: not [1 for state, *_ in watched.heap().spans() if state == FULL], "empty spans")
    assert watched.request("/api/heap?since=x")[0] == 400
    assert watched.request("/api/heap?since=4294967296")[0] == 400


@pytest.mark.skipif(MOVE_ALL_BUILD, reason="there every block moves all the time")
def test_healing_shows_in_metrics(watched):
    client = watched.server.client()
    client.call("CONFIG", "SET", "activedefrag", "no")
    fill(client, 40000, 300)
    client.call("DEL", *[f"key:{number}" for number in range(40000) if number % 4])
    watched.fresh()
    before = watched.metrics()
    assert before["snug_heap_reclaimable_bytes", ""] > 4e6
    assert before["snug_defrag_enabled", ""] == 0
    client.call("CONFIG", "SET", "active-defrag-ignore-bytes", "100kb",
                "active-defrag-threshold-lower", 1, "active-defrag-cycle-min", 50,
                "active-defrag-cycle-max", 75, "activedefrag", "yes")

    def healed():
        now = watched.metrics()
        return now["snug_heap_reclaimable_bytes", ""] < 2e6 and now

    after = until(healed, "the heap to be healed", 60)
    assert after["snug_moved_bytes_total", ""] > 1e6
    assert after["snug_drained_spans_total", ""] > 10
    count = after["snug_defrag_slice_seconds_count", ""]
    assert count > 0 and after["snug_defrag_slice_seconds_bucket", 'le="+Inf"'] == count
    assert after["snug_heap_committed_bytes", ""] < before["snug_heap_committed_bytes", ""]


def test_the_history_is_of_before_anybody_looked(start):
    watched = Watched(start, "--enable-debug-command", "yes")
    client = watched.server.client()
    for _ in range(25):
        fill(client, 2000, 200)
        time.sleep(0.1)
    time.sleep(1.1)
    client.call("DEBUG", "SLEEP", "0.2")
    told = info(client)
    done = int(told["total_commands_processed"])
    samples = until(lambda: [found for found in [watched.history()]
                             if found and (found[-1]["p99_us"] or 0) >= 200_000],
                    "the second of the command that slept")[0]
    assert sum(one["commands"] for one in samples) >= 25
    assert len(samples) >= 3
    times = [one["time_ms"] for one in samples]
    assert times == sorted(times)
    assert all(later - before == pytest.approx(one["interval_ms"], abs=2)
               for before, later, one in zip(times, times[1:], samples[1:]))
    assert times[-1] / 1000 == pytest.approx(time.time(), abs=10)
    assert sum(one["commands"] for one in samples) <= done
    last, busy = samples[-1], [one for one in samples if one["commands"]]
    assert last["used"] == pytest.approx(int(told["used_memory"]), rel=0.2)
    assert last["resident"] == pytest.approx(int(told["used_memory_rss"]), rel=0.2)
    assert last["committed"] == pytest.approx(int(told["held_memory"]), rel=0.2)
    assert last["active"] >= last["allocated"] > 2000 * 200
    assert all(one["mean_ns"] > 0 and one["p99_us"] > 0 for one in busy)
    assert busy[0]["p99_us"] < 200_000 <= last["p99_us"] < 600_000
    assert all(one["mean_ns"] is one["p99_us"] is None for one in samples if one not in busy)


def test_the_history_is_bounded_and_counted(watched):
    client = watched.server.client()
    told = int(info(client)["resident_watching"])
    watched.state()
    assert 0 < told < 300_000
    time.sleep(1.2)
    assert int(info(client)["resident_watching"]) < 400_000


def test_who_is_not_watched_keeps_nothing(start):
    assert info(start().client())["resident_watching"] == "0"


def test_the_biggest_keys(watched):
    client = watched.server.client()
    fill(client, 3000, 10)
    client.call("SELECT", 2)
    client.call("SADD", b"set\xff\x00\"\\<b>", *range(5000))
    client.call("SET", "long" * 100, "x" * 70000)
    client.call("RPUSH", "list", *["e" * 50 for _ in range(3000)])
    names = [b"set\xff\x00\"\\<b>", b"list", b"long" * 100]

    def found():
        biggest = watched.state()["biggest"]
        return biggest["rounds"] > 0 and biggest["keys"]

    keys = until(found, "a round over the keys")
    assert len(keys) == 20
    bytes_of = {name: client.call("MEMORY", "USAGE", name) for name in names}
    by_size = sorted(names, key=lambda name: -bytes_of[name])
    for name, key in zip(by_size, keys):
        assert key["db"] == 2 and key["bytes"] == bytes_of[name]
        assert key["name_bytes"] == len(name)
    shown = {key["type"]: key for key in keys[:3]}
    assert shown["set"]["name"] == 'set\\xff\\x00"\\\\<b>' and shown["set"]["elements"] == 5000
    assert shown["string"]["cut"] and shown["string"]["name"] == "long" * 32
    assert shown["list"]["elements"] == 3000 and not shown["list"]["cut"]


def test_a_busy_server_is_shown_as_it_was(watched):
    client = watched.server.client()
    before = watched.metrics()["redis_uptime_in_seconds", ""]
    client.send("EVAL", "local t = redis.call('TIME') local s = t[1] * 1000000 + t[2] "
                "repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] > s + 4000000", 0)
    time.sleep(0.7)
    metrics = watched.metrics()
    assert metrics["snug_published_age_seconds", ""] > 0.3
    assert metrics["redis_uptime_in_seconds", ""] <= before + 1
    client.read()
