"""INFO: every section and field of Redis 7.2, what they hold, and which are asked for."""

import re
import time

import pytest

from conftest import CHECKED_BUILD, MOVE_ALL_BUILD
from resp import Client, Verbatim

COUNT = r"\d+"
SIGNED = r"-?\d+"
RATIO = r"\d+\.\d\d"
HUMAN = r"(\d+B|\d+\.\d\d[KMGTP])"
PERCENT = r"\d+\.\d\d%"
SECONDS = r"\d+\.\d{6}"
HEX40 = r"[0-9a-f]{40}"
WORD = r"[a-z-]+"
OK_ERR = r"(ok|err)"

# What redis-server 7.0 tells is looked up there; these came with 7.2.
FIELDS_OF_7_2 = {
    "Server": ["listener0"],
    "Clients": ["total_blocking_keys", "total_blocking_keys_on_nokey"],
    "Stats": ["eventloop_cycles", "eventloop_duration_sum", "eventloop_duration_cmd_sum",
              "instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec",
              "acl_access_denied_auth", "acl_access_denied_cmd", "acl_access_denied_key",
              "acl_access_denied_channel"],
}

FORMS = {
    "Server": {
        "redis_version": r"7\.2\.\d+", "snug_version": r"\d+\.\d+\.\d+",
        "redis_git_sha1": r"[0-9a-f]{8}", "redis_git_dirty": r"[01]",
        "redis_build_id": r"[0-9a-f]{16}", "redis_mode": "standalone", "os": r"Linux .+ \w+",
        "arch_bits": "64", "multiplexing_api": "epoll", "process_id": COUNT, "run_id": HEX40,
        "tcp_port": COUNT, "server_time_usec": r"\d{16}", "uptime_in_seconds": COUNT,
        "hz": COUNT, "configured_hz": COUNT, "lru_clock": COUNT, "executable": r"/.+",
        "listener0": r"name=tcp,bind=127\.0\.0\.1,port=\d+",
    },
    "Clients": {"connected_clients": COUNT, "maxclients": "10000", "blocked_clients": "0"},
    "Memory": {
        "used_memory": COUNT, "used_memory_human": HUMAN, "used_memory_peak_perc": PERCENT,
        "used_memory_dataset_perc": PERCENT, "total_system_memory_human": HUMAN,
        "maxmemory": "0", "maxmemory_human": "0B", "maxmemory_policy": "noeviction",
        "allocator_frag_ratio": RATIO, "allocator_frag_bytes": SIGNED,
        "allocator_rss_ratio": RATIO, "allocator_rss_bytes": SIGNED,
        "rss_overhead_ratio": RATIO, "rss_overhead_bytes": SIGNED,
        "mem_fragmentation_ratio": RATIO, "mem_fragmentation_bytes": SIGNED,
        "mem_allocator": r"(jemalloc|libc|tcmalloc|mimalloc)-\S+", "active_defrag_running": COUNT,
        "heap_frag_ratio": r"\d+\.\d{3}", "active_defrag_state": WORD,
    },
    "Persistence": {"loading": "0", "rdb_last_bgsave_status": OK_ERR, "rdb_last_save_time": COUNT,
                    "aof_enabled": "0", "aof_last_write_status": OK_ERR},
    "Stats": {"instantaneous_ops_per_sec": COUNT, "instantaneous_input_kbps": RATIO,
              "expired_stale_perc": RATIO, "total_error_replies": COUNT},
    "Replication": {"role": "master", "connected_slaves": "0", "master_replid": HEX40,
                    "master_replid2": "0{40}", "second_repl_offset": "-1"},
    "CPU": {"used_cpu_sys": SECONDS, "used_cpu_user": SECONDS,
            "used_cpu_sys_main_thread": SECONDS, "used_cpu_user_main_thread": SECONDS},
    "Cluster": {"cluster_enabled": "0"},
}

ALL = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules",
       "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"]
DEFAULT = [title for title in ALL if title not in ("Commandstats", "Latencystats")]


def info(client, *names):
    """Titles, each with its fields in their order."""
    sections, title = {}, None
    text = client.call("INFO", *names).decode()
    assert text == "" or text.endswith("\r\n")
    for line in text.split("\r\n"):
        if line.startswith("# "):
            title = line[2:]
            sections[title] = {}
        elif line:
            name, value = line.split(":", 1)
            assert name not in sections[title], f"{name} twice"
            sections[title][name] = value
    return sections


def fields(client, title):
    return info(client, title.lower())[title]


def number(client, title, name):
    return float(fields(client, title)[name])


def test_every_field_of_redis(client, oracle):
    """The fields that depend on what was done before are looked at elsewhere."""
    with Client(oracle.port) as redis:
        theirs = info(redis, "everything")
    ours = info(client, "everything")
    assert list(ours) == list(theirs) == ALL
    for title in ALL:
        if title in ("Commandstats", "Errorstats", "Latencystats", "Keyspace"):
            continue
        wanted = set(theirs[title]) | set(FIELDS_OF_7_2.get(title, []))
        assert wanted <= set(ours[title]), title


def test_order_is_that_of_redis(client, oracle):
    with Client(oracle.port) as redis:
        theirs = info(redis, "default")
    ours = info(client, "default")
    for title in ("Clients", "Persistence", "Stats", "Replication", "CPU"):
        known = [name for name in ours[title] if name in theirs[title]]
        assert known == [name for name in theirs[title] if name in ours[title]]


def test_form_of_every_value(client):
    told = info(client, "everything")
    for title, forms in FORMS.items():
        for name, form in forms.items():
            assert re.fullmatch(form, told[title][name]), f"{name}:{told[title][name]}"
    for title in ("Clients", "Stats"):
        for name, value in told[title].items():
            assert re.fullmatch(r"\d+(\.\d+)?", value), f"{name}:{value}"
    for name, value in told["Memory"].items():
        if not name.endswith(("_human", "_perc", "_policy", "_allocator", "_state")):
            assert re.fullmatch(r"-?\d+(\.\d+)?", value), f"{name}:{value}"


@pytest.mark.parametrize("names", [
    (), ("default",), ("all",), ("everything",), ("server",), ("SERVER",), ("sErVeR", "CLIENTS"),
    ("foo",), ("foo", "server"), ("default", "commandstats"), ("all", "foo"), ("keyspace", "cpu"),
    ("modules",), ("module_list",), ("latencystats", "errorstats"), ("default", "default"),
    ("sentinel",), ("",), ("cluster", "cluster"),
])
def test_sections_as_redis(client, oracle, names):
    with Client(oracle.port) as redis:
        assert list(info(client, *names)) == list(info(redis, *names))


def test_text_as_redis(any_client, oracle):
    """A blank line between two sections, none before or after; verbatim in RESP3."""
    with Client(oracle.port) as redis:
        redis.call("HELLO", any_client.resp)
        for names in (("replication", "cluster"), ("modules",), ("foo",)):
            ours, theirs = any_client.call("INFO", *names), redis.call("INFO", *names)
            assert type(ours) is type(theirs)
            assert re.sub(rb":[^\r]*", b"", ours) == re.sub(rb":[^\r]*", b"", theirs)
    reply = any_client.call("INFO")
    assert isinstance(reply, Verbatim) == (any_client.resp == 3)
    assert any_client.resp == 2 or reply.kind == "txt"


def test_server(server, client):
    told = fields(client, "Server")
    assert int(told["process_id"]) == server.process.pid
    assert int(told["tcp_port"]) == server.port
    assert abs(int(told["server_time_usec"]) / 1e6 - time.time()) < 5
    assert int(told["uptime_in_seconds"]) < 3600 and told["uptime_in_days"] == "0"
    assert abs(int(told["lru_clock"]) - int(time.time()) % (1 << 24)) < 5
    client.call("CONFIG", "SET", "hz", 20)
    assert fields(client, "Server")["configured_hz"] == "20"
    client.call("CONFIG", "SET", "hz", 10)


def test_clients(server, client):
    before = int(number(client, "Clients", "connected_clients"))
    with Client(server.port) as more:
        more.call("PING")
        assert number(client, "Clients", "connected_clients") == before + 1


def test_biggest_buffers(server, client):
    """A client that is in the middle of a big request has a big buffer."""
    with Client(server.port) as slow:
        slow.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$300000\r\n" + b"z" * 200000)
        deadline = time.monotonic() + 10
        while number(client, "Clients", "client_recent_max_input_buffer") < 200000:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        slow.send_raw(b"z" * 100000 + b"\r\n")
        assert slow.read() == "OK"


def test_counts_of_keys(client):
    for number_of_key in range(10):
        client.call("SET", f"k{number_of_key}", 1)
    client.call("EXPIRE", "k1", 1000)
    client.call("GET", "k1")
    client.call("GET", "nokey")
    client.call("SELECT", 3)
    client.call("SET", "x", 1, "PX", 1000)
    told = info(client, "keyspace", "stats")
    assert re.fullmatch(r"keys=10,expires=1,avg_ttl=(9\d{5}|1000000),subexpiry=0",
                        told["Keyspace"]["db0"])
    assert re.fullmatch(r"keys=1,expires=1,avg_ttl=\d{1,4},subexpiry=0", told["Keyspace"]["db3"])
    assert list(told["Keyspace"]) == ["db0", "db3"]
    assert told["Stats"]["keyspace_hits"] == "1" and told["Stats"]["keyspace_misses"] == "1"
    time.sleep(1.1)
    client.call("GET", "x")
    assert number(client, "Stats", "expired_keys") == 1
    assert "db3" not in fields(client, "Keyspace")
    client.call("FLUSHALL")
    assert fields(client, "Keyspace") == {}
    client.call("SELECT", 0)


def test_commandstats_and_errorstats(client):
    client.call("CONFIG", "RESETSTAT")
    client.call("SET", "x", "text")
    client.call("INCR", "x")
    client.call("SETBIT", "x", "bad", 1)
    client.call("SET", "x")
    client.call("CONFIG", "GET", "port")
    client.call("NOSUCHCOMMAND")
    client.call("CONFIG", "NOSUCH")
    told = info(client, "commandstats", "errorstats", "latencystats", "stats")
    stats = told["Commandstats"]
    form = (r"calls=(\d+),usec=(\d+),usec_per_call=\d+\.\d\d,rejected_calls=(\d+),"
            r"failed_calls=(\d+)")
    found = {name: tuple(map(int, re.fullmatch(form, value).groups()))
             for name, value in stats.items()}
    assert found["cmdstat_set"][0] == 1 and found["cmdstat_set"][2:] == (1, 0)
    assert found["cmdstat_incr"][2:] == (0, 1) and found["cmdstat_setbit"][2:] == (0, 1)
    assert found["cmdstat_config|get"][0] == 1
    assert told["Errorstats"] == {"errorstat_ERR": "count=5"}
    assert told["Stats"]["total_error_replies"] == "5"
    assert told["Stats"]["unexpected_error_replies"] == "0"
    percentiles = told["Latencystats"]["latency_percentiles_usec_set"]
    assert re.fullmatch(r"p50=\d+\.\d{3},p99=\d+\.\d{3},p99.9=\d+\.\d{3}", percentiles)


def test_error_codes_are_counted_apart(client, oracle):
    told = []
    with Client(oracle.port) as redis:
        for one in (client, redis):
            one.call("CONFIG", "RESETSTAT")
            one.call("SET", "x", "abc")
            one.call("AUTH", "a", "b")
            one.call("GET")
            told.append(fields(one, "Errorstats"))
            one.call("FLUSHALL")
    assert told[0] == told[1]


def test_percentiles_follow_the_option(client):
    client.call("GET", "x")
    client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "0 50.5 100")
    told = fields(client, "Latencystats")["latency_percentiles_usec_get"]
    assert [part.split("=")[0] for part in told.split(",")] == ["p0", "p50.5", "p100"]
    client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "")
    assert fields(client, "Latencystats")["latency_percentiles_usec_get"] == ""
    client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99 99.9")


def test_traffic(client):
    before = {name: float(value) for name, value in fields(client, "Stats").items()}
    client.pipeline(*[("SET", f"k{at}", "x" * 1000) for at in range(200)])
    client.pipeline(*[("GET", f"k{at}") for at in range(200)])
    after = {name: float(value) for name, value in fields(client, "Stats").items()}
    grown = {name: after[name] - before[name] for name in after}
    assert grown["total_commands_processed"] >= 400
    assert 200000 < grown["total_net_input_bytes"] < 260000
    assert 200000 < grown["total_net_output_bytes"] < 260000
    assert grown["eventloop_cycles"] > 0 and grown["total_reads_processed"] > 0
    assert grown["eventloop_duration_sum"] >= grown["eventloop_duration_cmd_sum"] > 0
    time.sleep(0.5)
    assert number(client, "Stats", "instantaneous_eventloop_cycles_per_sec") > 0


def test_expiry_tells_its_time(client):
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    for first in range(0, 30000, 1000):
        client.pipeline(*[("SET", f"k{at}", 1, "PX", 1) for at in range(first, first + 1000)])
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    deadline = time.monotonic() + 20
    while client.call("DBSIZE") > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    told = fields(client, "Stats")
    assert told["expired_keys"] == "30000"
    assert int(told["expire_cycle_cpu_milliseconds"]) >= 1


def test_resetstat(client):
    client.call("SET", "x", 1)
    client.call("GET", "x")
    client.call("NOSUCHCOMMAND")
    client.call("CONFIG", "RESETSTAT")
    told = info(client, "stats", "commandstats", "errorstats")
    for name in ("keyspace_hits", "expired_keys", "total_error_replies", "total_active_defrag_time",
                 "expire_cycle_cpu_milliseconds"):
        assert told["Stats"][name] == "0"
    # A build that moves everything all the time has moved some more since.
    assert MOVE_ALL_BUILD or told["Stats"]["active_defrag_hits"] == "0"
    assert int(told["Stats"]["total_commands_processed"]) <= 2
    assert set(told["Commandstats"]) <= {"cmdstat_config|resetstat"}
    assert told["Errorstats"] == {}


def memory(client):
    return {name: float(value) for name, value in fields(client, "Memory").items()
            if re.fullmatch(r"-?\d+(\.\d+)?", value)}


def test_memory_adds_up(client):
    client.call("DEBUG", "POPULATE", 100000, "key", 100)
    told = memory(client)
    assert told["used_memory"] <= told["used_memory_peak"]
    assert told["used_memory_startup"] < told["used_memory_overhead"] < told["used_memory"]
    assert told["used_memory_dataset"] == told["used_memory"] - told["used_memory_overhead"]
    assert told["allocator_allocated"] <= told["allocator_active"] <= told["allocator_resident"]
    assert told["allocator_frag_bytes"] == told["allocator_active"] - told["allocator_allocated"]
    assert told["allocator_rss_bytes"] == told["allocator_resident"] - told["allocator_active"]
    assert told["rss_overhead_bytes"] == told["used_memory_rss"] - told["allocator_resident"]
    assert told["mem_fragmentation_bytes"] == told["used_memory_rss"] - told["used_memory"]
    assert told["heap_allocated"] <= told["heap_active"] <= told["heap_committed"]
    assert told["heap_blocks"] == 100000
    for ratio, above, below in (("allocator_frag_ratio", "allocator_active", "allocator_allocated"),
                                ("allocator_rss_ratio", "allocator_resident", "allocator_active"),
                                ("rss_overhead_ratio", "used_memory_rss", "allocator_resident"),
                                ("mem_fragmentation_ratio", "used_memory_rss", "used_memory")):
        assert abs(told[ratio] - told[above] / told[below]) < 0.006, ratio


@pytest.mark.parametrize("value_bytes", [20, 1000, 50000])
def test_used_memory_and_resident_memory(client, value_bytes):
    """Both follow what is stored, up and down. Bounds are wide: the kernel counts lazily,
    and the shadow memory of a sanitizer counts as resident too: there only ours is judged."""
    client.call("MEMORY", "PURGE")
    empty = memory(client)
    payload = (8 if CHECKED_BUILD else 64) * 1024 * 1024
    count = payload // (value_bytes + 10)
    client.call("DEBUG", "POPULATE", count, "key", value_bytes)
    full = memory(client)
    used = full["used_memory"] - empty["used_memory"]
    resident = full["used_memory_rss"] - empty["used_memory_rss"]
    overhead = used - count * (value_bytes + 10)
    assert 0 < overhead < count * 24 + payload * 0.04
    if not CHECKED_BUILD:
        assert 0.95 * used < resident < 1.25 * used + (4 << 20)
    client.call("FLUSHALL", "SYNC")
    client.call("MEMORY", "PURGE")
    after = memory(client)
    assert after["used_memory"] < empty["used_memory"] + (1 << 20)
    if not CHECKED_BUILD:
        assert after["used_memory_rss"] < empty["used_memory_rss"] + (8 << 20)
    assert after["used_memory_peak"] >= full["used_memory"] * 0.99


def test_human_forms(client):
    client.call("CONFIG", "SET", "maxmemory", "1536mb")
    told = fields(client, "Memory")
    assert told["maxmemory_human"] == "1.50G" and told["maxmemory"] == str(1536 << 20)
    client.call("CONFIG", "SET", "maxmemory", 0)
    told = fields(client, "Memory")
    units = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    for name in ("used_memory", "used_memory_rss", "total_system_memory"):
        human = told[f"{name}_human"]
        unit = units[human[-1]]
        assert abs(float(human[:-1]) - int(told[name]) / unit) <= 0.005
        assert unit == 1 or 1 <= float(human[:-1]) <= 1024


def test_loading_commands_may_be_many(client):
    """Many sections, and the same one often, cost no more than one."""
    assert len(info(client, *["server"] * 1000)) == 1
    assert len(info(client, *[f"x{at}" for at in range(5000)], "cpu")) == 1
