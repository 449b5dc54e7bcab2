"""A real Prometheus scrapes a real server: its rules, the dashboard's queries, and redis_exporter.

Everything listens on free loopback ports and keeps its files in the test's directory.
"""

import json
import pathlib
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from conftest import CHECKED_BUILD, MOVE_ALL_BUILD, ROOT, free_port
from waiting import until
from watching import Watched, samples

RULES = ROOT / "ops/prometheus/snug.rules.yml"
DASHBOARD = ROOT / "ops/grafana/snug.json"


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as reply:
        return reply.read().decode()


class Process:
    """A program of the test, ended with it."""

    def __init__(self, directory, *arguments):
        name = pathlib.Path(arguments[0]).name
        assert shutil.which(arguments[0]), f"{name}: tools/setup.sh build test"
        self.log = directory / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(part) for part in arguments], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, cwd=directory)

    def answers(self, url):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return fetch(url)
        except (OSError, urllib.error.URLError):
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Prometheus(Process):
    """Scrapes a watched server each second, by rules whose durations are shortened."""

    def __init__(self, directory, watched):
        self.port = free_port()
        rules = re.sub(r"\bfor: \d+m", "for: 2s", RULES.read_text())
        (directory / "rules.yml").write_text(rules.replace("100e6", "4e6"))
        (directory / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: snug
    static_configs: [{{targets: ["127.0.0.1:{watched.http_port}"]}}]
""")
        super().__init__(directory, "prometheus", f"--config.file={directory}/prometheus.yml",
                         f"--storage.tsdb.path={directory}/data", "--log.level=warn",
                         f"--web.listen-address=127.0.0.1:{self.port}")

    def ask(self, path, **arguments):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(arguments)
        answer = json.loads(fetch(url))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, text):
        return self.ask("query", query=text)["result"]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]
                if alert["state"] == "firing"}


@pytest.fixture
def prometheus(start, tmp_path):
    """(Prometheus, the server it scrapes), once it has."""
    watched = Watched(start, "--appendonly", "yes", "--latency-tracking", "yes")
    directory = tmp_path / "prometheus"
    directory.mkdir()
    with Prometheus(directory, watched) as process:
        until(lambda: process.answers(f"http://127.0.0.1:{process.port}/-/ready"), "Prometheus", 60)
        until(lambda: process.query("redis_up"), "a scrape", 60)
        yield process, watched


def test_rules_are_well_formed_and_do_what_they_say():
    for arguments in [["check", "rules", RULES],
                      ["test", "rules", RULES.with_name("snug.rules.test.yml")]]:
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_ask_for_metrics_that_there_are(start):
    watched = Watched(start, "--appendonly", "yes")
    text = watched.get("/metrics").decode()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    page = (ROOT / "docs/generated/metrics.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert names <= documented
    rules = "".join(re.findall(r"expr: (.*?)\n +(?:for|labels):", RULES.read_text(), re.S))
    asked = set(re.findall(r"\b(?:redis|snug)_\w+", rules + DASHBOARD.read_text()))
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in documented else name
             for name in asked}
    assert asked <= documented


def churn(client, count, bytes_each, keep):
    """Leaves one of `keep` values of the count."""
    for first in range(0, count, 200):
        client.call("MSET", *[part for number in range(first, first + 200)
                              for part in (f"key:{number}", "v" * bytes_each)])
    for first in range(0, count, 200):
        client.call("UNLINK", *[f"key:{number}" for number in range(first, first + 200)
                                if number % keep])


@pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself holds memory of its own")
def test_an_alert_fires_on_a_fragmented_server_and_clears_when_it_has_healed(prometheus):
    process, watched = prometheus
    client = watched.server.client()
    client.call("CONFIG", "SET", "activedefrag", "no", "appendonly", "no")
    churn(client, 60000, 1000, 10)
    until(lambda: "SnugFragmented" in process.firing(), "the alert", 60)
    assert "SnugDown" not in process.firing()
    client.call("CONFIG", "SET", "active-defrag-ignore-bytes", "100kb",
                "active-defrag-threshold-lower", 1, "active-defrag-cycle-min", 50,
                "active-defrag-cycle-max", 75, "activedefrag", "yes")
    until(lambda: "SnugFragmented" not in process.firing(), "the alert's end", 60)
    watched.server.stop()
    until(lambda: "SnugDown" in process.firing(), "the alert of the end", 30)


def test_every_query_of_the_dashboard_has_data(prometheus):
    process, watched = prometheus
    client = watched.server.client()
    client.call("SET", "volatile", "x", "EX", 1000)
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"]
               for target in panel.get("targets", [])]
    assert len(queries) > 20
    # An error, and two scrapes at least, so that rates have something to say.
    client.call("LPUSH", "volatile", "wrong")
    time.sleep(3)
    for number in range(100):
        client.call("GET", f"key:{number}")
        client.call("SET", f"key:{number}", "v")
    client.call("LPUSH", "volatile", "wrong")

    def empty():
        return [query for query in queries if not process.query(
            query.replace("$instance", f"127.0.0.1:{watched.http_port}")
            .replace("$__rate_interval", "10s"))]

    until(lambda: not empty(), "data of each query", 30) if empty() else None
    assert empty() == []


def test_openmetrics_is_what_prometheus_reads(prometheus):
    process, watched = prometheus
    targets = process.ask("targets")["activeTargets"]
    assert [target["health"] for target in targets] == ["up"], targets
    # The name without its end is OpenMetrics' alone; and every sample of it was taken.
    scraped = process.query("scrape_samples_scraped")[0]["value"][1]
    told = watched.get("/metrics", Accept="application/openmetrics-text;version=1.0.0").decode()
    lines = [line for line in told.splitlines() if not line.startswith("#")]
    assert int(scraped) == pytest.approx(len(lines), rel=0.05) and int(scraped) > 250
    kinds = process.ask("metadata", metric="snug_moved_bytes")
    assert kinds["snug_moved_bytes"][0]["type"] == "counter"


# The exporter's own, and what it makes of the fourth part of a database's line, which is KeyDB's.
ITS_OWN = re.compile(r"redis_(exporter_|target_|last_key_groups|db_keys_cached)")
# What the exporter's asking changes, or the time between: compared by bounds. All else is equal.
SIZES = re.compile(r"allocator_|fragmentation|memory_used|mem_clients")
CLIENTS = re.compile(r"redis_(connected_clients|client_recent_max)")
TIMES = re.compile(r"redis_(db_avg_ttl|uptime_in_seconds|start_time)")


def loaded(watched, client):
    """Keys with and without ends in three databases, some that have ended, errors, a script, a
    transaction, slow commands, both files; returns clients that listen, wait and watch."""
    for database in (0, 3, 15):
        client.call("SELECT", database)
        client.pipeline(*[("SET", f"key:{number}", "v" * 100, *(["EX", 5000] if number % 2 else []))
                          for number in range(3000)])
    client.call("SELECT", 0)
    client.pipeline(*[("SET", f"gone:{number}", "x", "PX", 1) for number in range(50)])
    client.call("HSET", "hash", *range(20))
    for command in [("GET", "key:1"), ("GET", "absent"), ("LPUSH", "key:1", "wrong"),
                    ("EVAL", "return 1", 0), ("MULTI",), ("PING",), ("EXEC",), ("NONSENSE",),
                    ("CONFIG", "SET", "slowlog-log-slower-than", 0), ("GET", "key:2"),
                    ("CONFIG", "SET", "slowlog-log-slower-than", 10**9), ("BGSAVE",)]:
        client.call(*command)
    told = watched.metrics
    until(lambda: told()["redis_rdb_bgsave_in_progress", ""] == 0, "the snapshot's end")
    client.call("BGREWRITEAOF")
    until(lambda: told()["redis_aof_rewrite_in_progress", ""] == 0, "the rewrite's end")
    until(lambda: told()["redis_expired_keys_total", ""] == 50, "keys to end")
    others = [watched.server.client() for _ in range(12)]
    for other, command in zip(others, [("SUBSCRIBE", "a"), ("PSUBSCRIBE", "b*"),
                                       ("CLIENT", "TRACKING", "ON"), ("WATCH", "key:6")]):
        other.call(*command)
    others[2].call("GET", "key:5")
    others[-1].send("BLPOP", "nothing", 0)
    until(lambda: told()["redis_blocked_clients", ""] == 1, "who waits")
    return others


def pairs_of(labels):
    return dict(re.findall(r'(\w+)="([^"]*)"', labels))


def test_redis_exporter_says_the_same(start, tmp_path):
    """Each sample of the exporter is one of ours: equal, or between what ours were around it."""
    watched = Watched(start, "--appendonly", "yes", "--maxmemory", "256mb", "--maxmemory-policy",
                      "allkeys-lru")
    others = loaded(watched, watched.server.client())
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    with Process(tmp_path, "prometheus-redis-exporter", f"-web.listen-address=127.0.0.1:{port}",
                 f"-redis.addr=redis://127.0.0.1:{watched.server.port}", "-redis-only-metrics",
                 "-include-system-metrics") as exporter:
        until(lambda: exporter.answers(url), "the exporter")
        watched.fresh()
        before = watched.metrics()
        theirs = samples(fetch(url))
        watched.fresh()
        after = watched.metrics()
    assert len(others) == 12
    theirs = {key: value for key, value in theirs.items()
              if key[0].startswith("redis_") and not ITS_OWN.match(key[0])}
    instance = [(pairs_of(labels), pairs_of(ours)) for name, labels in theirs
                for other, ours in after if name == other == "redis_instance_info"]
    assert [their.items() <= our.items() for their, our in instance] == [True]
    theirs = {key: value for key, value in theirs.items() if key[0] != "redis_instance_info"}
    assert {key for key in theirs if key not in after} == set()

    def same(key, value):
        low, high = before.get(key, 0), after[key]
        if MOVE_ALL_BUILD and "defrag" in key[0]:
            return True
        if CLIENTS.match(key[0]):  # the exporter's own connection, and its largest reply
            return abs(value - high) <= 2 or low <= high and value < 1 << 20
        calls = "redis_commands_total", f'cmd="{pairs_of(key[1]).get("cmd")}"'
        if "quantile" in key[1] and before.get(calls) != after[calls]:
            return value > 0
        if SIZES.search(key[0]):
            return value == pytest.approx(high, rel=0.3, abs=1 << 20)
        if TIMES.match(key[0]):
            return value == pytest.approx(high, abs=10)
        if value in (low, high):
            return True
        # Whole microseconds there; ours have what is behind the point.
        less = 1 if "usec" in key[0] else 2e-6
        return low - less <= value <= high + less

    different = {key: (before.get(key), value, after[key]) for key, value in theirs.items()
                 if not same(key, value)}
    assert different == {}
    equal = [key for key, value in theirs.items() if before.get(key) == value == after[key]]
    assert len(theirs) > 250 and len(equal) > 200, (len(theirs), len(equal))
    for key, value in {("redis_db_keys", 'db="db3"'): 3000, ("redis_expired_keys_total", ""): 50,
                       ("redis_db_keys_expiring", 'db="db15"'): 1500, ("redis_aof_enabled", ""): 1,
                       ("redis_blocked_clients", ""): 1, ("redis_slowlog_length", ""): 1,
                       ("redis_errors_total", 'err="WRONGTYPE"'): 1,
                       ("redis_tracking_clients", ""): 1,
                       ("redis_config_maxmemory", ""): 256 << 20}.items():
        assert theirs[key] == value, key
