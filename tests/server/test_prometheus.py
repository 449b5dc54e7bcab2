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
    process, _ = prometheus
    targets = process.ask("targets")["activeTargets"]
    assert [target["health"] for target in targets] == ["up"], targets
    kinds = process.ask("metadata", metric="snug_moved_bytes")
    assert kinds["snug_moved_bytes"][0]["type"] == "counter"


# What moves between two askings, or is of who asks.
MOVING = re.compile(r"cpu_|net_|eventloop|total_reads|total_writes|processed|connected_clients|"
                    r"connections_received|uptime|_rss|allocator_|fragmentation|memory_used|"
                    r"start_time|percentiles|commands_|latest|mem_clients|recent_max|slowlog|"
                    r"slow_exec|published|expire_cycle|instance_info|process_id")
ITS_OWN = re.compile(r"redis_(exporter_|target_|last_key_groups)")


def test_redis_exporter_says_the_same(start, tmp_path):
    watched = Watched(start)
    client = watched.server.client()
    for number in range(500):
        client.call("SET", f"key:{number}", "v" * 100, "EX", 5000)
    for first in range(0, 20000, 500):
        client.call("MSET", *[part for number in range(first, first + 500)
                              for part in (f"other:{number}", "v" * 100)])
    client.call("GET", "key:1")
    client.call("GET", "absent")
    client.call("LPUSH", "key:1", "wrong")
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    with Process(tmp_path, "prometheus-redis-exporter", f"-web.listen-address=127.0.0.1:{port}",
                 f"-redis.addr=redis://127.0.0.1:{watched.server.port}", "-redis-only-metrics",
                 "-include-system-metrics") as exporter:
        until(lambda: exporter.answers(url), "the exporter")
        watched.fresh()
        theirs = samples(fetch(url))
        ours = watched.metrics()
    theirs = {key: value for key, value in theirs.items()
              if key[0].startswith("redis_") and not ITS_OWN.match(key[0])
              and not key[0].startswith("redis_db_keys_cached")}
    missing = {name for name, _ in theirs} - {name for name, _ in ours}
    assert missing == set()
    still = {key for key in theirs if not MOVING.search(key[0])
             and not (MOVE_ALL_BUILD and "defrag" in key[0])}
    assert len(still) > 80
    wanted = pytest.approx({key: theirs[key] for key in still})
    assert {key: ours.get(key) for key in still} == wanted
    bytes_of = re.compile(r"allocator_(active|allocated|resident)_bytes|memory_used")
    near = {key: value for key, value in theirs.items()
            if bytes_of.search(key[0]) and value > 1e6}
    assert len(near) > 5
    for key, value in near.items():
        assert ours[key] == pytest.approx(value, rel=0.3), key
    for command in ["set", "get", "lpush"]:
        key = "redis_commands_total", f'cmd="{command}"'
        assert ours[key] == theirs[key]
