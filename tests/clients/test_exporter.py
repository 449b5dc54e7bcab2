"""prometheus-redis-exporter: its metrics have the values that INFO shows."""

import re
import shutil
import subprocess
import urllib.request

import pytest
import redis
from serving import free_port

from waiting import until

METRIC = re.compile(r"^(redis_\w+)(?:\{([^}]*)\})? (\S+)$", re.M)


@pytest.fixture(name="scrape")
def exporter(server, tmp_path):
    program = shutil.which("prometheus-redis-exporter")
    assert program, "prometheus-redis-exporter: tools/setup.sh test"
    port = free_port()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [program, f"-web.listen-address=127.0.0.1:{port}",
             f"-redis.addr=redis://127.0.0.1:{server.port}", "-check-keys=counted:*",
             "-check-single-streams=stream"], stdout=log, stderr=log)

    def fetch():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
        return {(name, labels): float(value) for name, labels, value in METRIC.findall(text)}

    def listening():
        assert process.poll() is None, (tmp_path / "log").read_text()
        try:
            return fetch()
        except OSError:
            return None
    try:
        until(listening, "the exporter")
        yield fetch
    finally:
        process.terminate()
        process.wait()


def test_metrics_are_those_of_info(server, scrape):
    r = redis.Redis(host="127.0.0.1", port=server.port)
    for i in range(100):
        r.set(f"k:{i}", i, ex=1000 if i < 40 else None)
    r.rpush("counted:list", 1, 2, 3)
    r.xadd("stream", {"f": "v"})
    r.get("k:1")
    r.get("absent")
    info = r.info("all")
    metrics = scrape()
    assert metrics["redis_up", ""] == 1
    assert metrics["redis_exporter_last_scrape_error", 'err=""'] == 0
    same = {
        "redis_keyspace_hits_total": "keyspace_hits",
        "redis_keyspace_misses_total": "keyspace_misses",
        "redis_expired_keys_total": "expired_keys",
        "redis_evicted_keys_total": "evicted_keys",
        "redis_blocked_clients": "blocked_clients",
        "redis_memory_max_bytes": "maxmemory",
        "redis_rdb_changes_since_last_save": "rdb_changes_since_last_save",
        "redis_loading_dump_file": "loading",
        "redis_connected_slaves": "connected_slaves",
        "redis_aof_enabled": "aof_enabled",
        "redis_rejected_connections_total": "rejected_connections",
        "redis_pubsub_channels": "pubsub_channels",
    }
    assert {name: metrics[name, ""] for name in same} == {
        name: info[field] for name, field in same.items()}
    near = {"redis_memory_used_bytes": "used_memory", "redis_memory_used_rss_bytes":
            "used_memory_rss", "redis_mem_fragmentation_ratio": "mem_fragmentation_ratio",
            "redis_allocator_active_bytes": "allocator_active",
            "redis_defrag_hits": "active_defrag_hits"}
    assert {name: metrics[name, ""] for name in near} == {
        name: pytest.approx(info[field], rel=0.3) for name, field in near.items()}
    assert metrics["redis_db_keys", 'db="db0"'] == 102
    assert metrics["redis_db_keys_expiring", 'db="db0"'] == 40
    assert metrics["redis_key_size", 'db="db0",key="counted:list"'] == 3
    assert metrics["redis_stream_length", 'db="db0",stream="stream"'] == 1
    assert metrics["redis_commands_total", 'cmd="set"'] == 100
    assert metrics["redis_commands_duration_seconds_total", 'cmd="set"'] > 0
    assert metrics["redis_config_maxclients", ""] == 10000
    [labels] = [labels for name, labels in metrics if name == "redis_instance_info"]
    assert f'redis_version="{info["redis_version"]}"' in labels and 'role="master"' in labels


def test_slow_log_and_latency(server, scrape):
    r = redis.Redis(host="127.0.0.1", port=server.port)
    r.config_set("slowlog-log-slower-than", 0)
    r.set("a", "b")
    r.config_set("slowlog-log-slower-than", 10000)
    metrics = scrape()
    assert metrics["redis_slowlog_length", ""] >= 1
    assert metrics["redis_last_slow_execution_duration_seconds", ""] >= 0
