"""maxmemory: what goes by which policy, who is refused, what the log is told of it, and that the
resident set stays where the limit is, whatever the sizes do."""

import random
import time

import pytest
from conftest import CHECKED_BUILD, MOVE_ALL_BUILD
from resp import Client, Error, encode

MB = 1024 * 1024
moves_by_need = pytest.mark.skipif(MOVE_ALL_BUILD, reason="everything is moved all the time")
POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu",
            "volatile-random", "volatile-ttl"]
OOM = Error("OOM command not allowed when used memory > 'maxmemory'.")


def info(client, name):
    for line in client.call("INFO").decode().split("\r\n"):
        if line.startswith(name + ":"):
            return line.partition(":")[2]
    raise KeyError(name)


def held(client):
    return int(info(client, "mem_counted_for_evict"))


def resident(server, name="VmRSS"):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def pipeline(client, requests):
    client.send_raw(b"".join(encode(request) for request in requests))
    return [client.read() for _ in requests]


def fill(client, count, size=1000, name="key", options=()):
    for at in range(0, count, 500):
        some = range(at, min(at + 500, count))
        pipeline(client, [["SET", f"{name}:{i}", b"x" * size, *options] for i in some])


def reached(client, limit, seconds=10):
    """INFO counts the few pages that it takes for itself, and the limit was asked for before."""
    deadline = time.monotonic() + seconds
    while held(client) > limit + 16 * 1024:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def squeeze(client, policy, more):
    """A limit so much over what is held now, without what malloc keeps of other tests' buffers."""
    client.call("MEMORY", "PURGE")
    assert client.call("CONFIG", "SET", "maxmemory-policy", policy) == "OK"
    assert client.call("CONFIG", "SET", "maxmemory", held(client) + more) == "OK"


@pytest.fixture
def limited(client, server):
    """Takes the limit back, whatever happens."""
    yield client
    with Client(server.port) as other:
        other.call("CONFIG", "SET", "maxmemory", 0, "maxmemory-policy", "noeviction")
        other.call("CONFIG", "SET", "maxmemory-samples", 5, "activedefrag", "yes")


# --- who is refused -------------------------------------------------------------------------------

@pytest.fixture
def full(both):
    """Both servers with a limit that has been passed."""
    for one in (both.snug, both.redis):
        one.call("CONFIG", "RESETSTAT")
        one.call("SET", "string", "1")
        one.call("RPUSH", "list", "a", "b", "c")
        one.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        one.call("CONFIG", "SET", "maxmemory", 1)
    yield both
    for one in (both.snug, both.redis):
        one.call("CONFIG", "SET", "maxmemory", 0)


def test_refused_as_redis_does(full):
    full.lines("""
        SET a b
        GET string
        INCR string
        LPUSH list x
        LPOP list
        DEL nothing
        EXPIRE string 100
        RENAME string other
        RENAME other string
        HSET hash f v
        SADD set a
        ZADD zset 1 a
        XADD stream * a b
        SETRANGE string 0 x
        GETDEL nothing
        COPY string copied
        RESTORE x 0 y
        SORT list ALPHA STORE to
        PFADD hll a
        BLPOP list 1
        LMOVE list list LEFT RIGHT
        GEOADD geo 1 1 a
        BITOP AND a b c
        FUNCTION LOAD "#!lua name=a"
        CLIENT NO-EVICT on
        SET
        NOSUCH
    """)
    counters = [[line for line in one.call("INFO", "commandstats").decode().split("\r\n")
                 if line.startswith("cmdstat_set:")][0].partition("rejected")[2]
                for one in (full.snug, full.redis)]
    assert counters[0] == counters[1]
    ours, theirs = (sorted(one.call("INFO", "errorstats").splitlines())
                    for one in (full.snug, full.redis))
    assert ours == theirs


def test_refused_in_transactions(full):
    full.lines("""
        MULTI
        GET string
        LPOP list
        EXEC
        MULTI
        DISCARD
        GET string
    """)
    for one in (full.snug, full.redis):
        one.call("CONFIG", "SET", "maxmemory", 0)
    full.lines("""
        MULTI
        SET a b
        GET a
    """)
    with_others(full, "CONFIG", "SET", "maxmemory", 1)
    full.lines("""
        EXEC
        GET a
    """)
    with_others(full, "CONFIG", "SET", "maxmemory", 0)
    full.lines("""
        MULTI
        GET string
        LPOP list
    """)
    with_others(full, "CONFIG", "SET", "maxmemory", 1)
    full.call("EXEC")


def test_refused_scripts_in_transactions(full):
    """EXEC is refused where a script would be that has flags, and was queued in time."""
    library = """#!lua name=queued
        redis.register_function('plain', function() return 1 end)
        redis.register_function{function_name='may', callback=function() return 2 end,
                                flags={'allow-oom'}}
        redis.register_function{function_name='reads', callback=function() return 3 end,
                                flags={'no-writes'}}"""
    with_others(full, "CONFIG", "SET", "maxmemory", 0)
    full.call("FUNCTION", "LOAD", "REPLACE", library)
    known = full.call("SCRIPT", "LOAD", "#!lua\nreturn 4")
    queued = [["EVAL", f"#!lua{flags}\nreturn 5", 0] for flags in
              ("", " flags=allow-oom", " flags=no-writes", " flags=nosuch", " nonsense")]
    queued += [["EVAL", "return 6", 0], ["EVAL", "#!", 0], ["EVALSHA", known, 0],
               ["EVALSHA", "f" * 40, 0], ["FCALL", "plain", 0], ["FCALL", "may", 0],
               ["FCALL", "reads", 0], ["FCALL", "nosuch", 0], ["FCALL_RO", "plain", 0],
               ["EVAL_RO", "#!lua\nreturn 7", 0], ["EVALSHA_RO", known, 0]]
    for request in queued:
        full.call("MULTI")
        full.call(*request)
        with_others(full, "CONFIG", "SET", "maxmemory", 1)
        full.call("EXEC")
        with_others(full, "CONFIG", "SET", "maxmemory", 0)
        full.call("EXEC")
    full.call("FUNCTION", "FLUSH")


def with_others(full, *command):
    """From other connections, for these are in MULTI."""
    for one in (full.snug, full.redis):
        with Client(one.socket.getpeername()[1]) as other:
            assert other.call(*command) == "OK"


def test_refused_in_scripts(full):
    full.lines("""
        EVAL "return redis.call('get', KEYS[1])" 1 string
        EVAL "return redis.pcall('set', KEYS[1], 'x')" 1 string
        EVAL "return redis.call('lpop', KEYS[1])" 1 list
        EVAL "redis.call('del', KEYS[1]); return redis.call('set', KEYS[1], 'x')" 1 string
        GET string
        EVAL "redis.call('del', KEYS[1]); return redis.pcall('rpush', KEYS[1], 'x')" 1 list
    """)
    for flags in ("", " flags=allow-oom", " flags=no-writes", " flags=no-writes,allow-oom"):
        for body in ("redis.call('get', KEYS[1])", "redis.call('set', KEYS[1], 'x')",
                     "redis.pcall('append', KEYS[1], 'x')"):
            script = f"#!lua{flags}\nreturn {body}"
            full.call("EVAL", script, 1, "string")
            full.call("EVAL_RO", script, 1, "string")


# --- room is made ahead ---------------------------------------------------------------------------

def far_writes(limit):
    return [["SETRANGE", "new", limit, "x"], ["SETRANGE", "string", limit, "x"],
            ["SETBIT", "new", limit * 8, 1], ["BITFIELD", "new", "SET", "u8", limit * 8, 1],
            ["BITFIELD", "new", "GET", "u8", 0, "INCRBY", "i16", f"#{limit // 2}", 1]]


def test_no_key_goes_for_what_never_fits(limited):
    client = limited
    fill(client, 5000)
    client.call("SET", "string", "x")
    limit = held(client) + 8 * MB
    squeeze(client, "allkeys-lru", 8 * MB)
    for request in far_writes(limit):
        assert client.call(*request) == OOM
    assert client.call("DBSIZE") == 5001
    assert info(client, "evicted_keys") == "0"
    assert client.call("SETRANGE", "string", 10, "y") == 11


def test_keys_go_for_what_will_fit(limited, server):
    client = limited
    for request in far_writes(12 * MB):
        fill(client, 20000)
        client.call("SET", "string", "x")
        squeeze(client, "allkeys-lru", 2 * MB)
        limit = int(client.call("CONFIG", "GET", "maxmemory")[1])
        client.call("CONFIG", "SET", "maxmemory-eviction-tenacity", 100)
        assert client.call(*request) != OOM
        client.call("CONFIG", "SET", "maxmemory-eviction-tenacity", 10)
        assert int(info(client, "evicted_keys")) > 5000
        assert held(client) <= limit + MB
        client.call("CONFIG", "SET", "maxmemory", 0)
        client.call("FLUSHALL", "SYNC")
        client.call("CONFIG", "RESETSTAT")


def test_large_words_are_refused_before_they_are_kept(limited, oracle):
    client = limited
    fill(client, 2000)
    with Client(oracle.port) as redis:
        redis.call("SETRANGE", "zeros", 8 * MB, "x")
        dump = redis.call("DUMP", "zeros")
        redis.call("DEL", "zeros")
    assert len(dump) < MB
    client.call("SET", "grows", b"x" * MB)
    big = b"x" * 3 * MB
    squeeze(client, "noeviction", 4 * MB)
    before = held(client)
    assert client.call("SET", "big", big) == OOM
    assert client.call("MSET", "a", big, "b", "x") == OOM
    assert client.call("APPEND", "grows", big) == OOM
    assert client.call("RPUSH", "list", "x", big) == OOM
    assert client.call("RESTORE", "zeros", 0, dump) == OOM
    assert client.call("STRLEN", "grows") == MB
    assert reached(client, before + 4 * MB)
    assert client.call("SET", "small", "x") == "OK"
    client.call("MULTI")
    for number in range(8):
        client.call("SET", f"queued:{number}", b"x" * 300000)
    assert isinstance(client.call("EXEC"), Error)
    assert client.call("EXISTS", "queued:0", "big", "a", "list", "zeros") == 0
    assert reached(client, before + 4 * MB)


# --- what goes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("policy", POLICIES)
def test_policies_make_room(limited, policy):
    client = limited
    client.call("CONFIG", "SET", "maxmemory-policy", policy)
    fill(client, 3000, name="lasting")
    fill(client, 3000, name="passing", options=("EX", 1000))
    if policy == "allkeys-lfu":
        for _ in range(30):
            pipeline(client, [["GET", f"lasting:{i}"] for i in range(300)])
    squeeze(client, policy, 1 * MB)
    fill(client, 3000, name="more", options=("EX", 1000) if policy.startswith("v") else ())
    hot = sum(pipeline(client, [["EXISTS", f"lasting:{i}"] for i in range(300)]))
    lasting = sum(pipeline(client, [["EXISTS", f"lasting:{i}"] for i in range(3000)]))
    assert int(info(client, "evicted_keys")) > 500
    if not CHECKED_BUILD:
        assert client.call("SET", "again", "x") == "OK"
    if policy.startswith("volatile"):
        assert lasting == 3000
    else:
        assert lasting < 3000
    if policy == "allkeys-lfu":
        assert hot == 300
    assert client.call("DEBUG", "VERIFY") == "OK"


def test_nothing_volatile(limited):
    client = limited
    fill(client, 1000)
    for policy in POLICIES[3:]:
        squeeze(client, policy, 0)
        client.call("CONFIG", "SET", "maxmemory", held(client) // 2)
        assert client.call("SET", "another", "x") == OOM
        client.call("CONFIG", "SET", "maxmemory", 0)
    assert client.call("DBSIZE") == 1000
    client.call("SET", "passing", "x", "EX", 1000)
    client.call("CONFIG", "SET", "maxmemory", held(client) // 2)
    assert client.call("SET", "another", "x") == OOM
    assert client.call("EXISTS", "passing") == 0


def test_the_soonest_to_expire_go_first(limited):
    client = limited
    order = list(range(4000))
    random.Random(1).shuffle(order)
    pipeline(client, [["SET", f"key:{i}", b"x" * 1000, "PX", 1000000 + i * 100] for i in order])
    client.call("CONFIG", "SET", "maxmemory-samples", 20)
    squeeze(client, "volatile-ttl", -1 * MB)
    deadline = time.monotonic() + 10
    while int(info(client, "evicted_keys")) < 700 and time.monotonic() < deadline:
        client.call("PING")
    kept = pipeline(client, [["EXISTS", f"key:{i}"] for i in range(4000)])
    gone = 4000 - sum(kept)
    assert gone >= 700
    assert sum(kept[gone:]) > 0.97 * (4000 - gone)


def test_a_lower_limit_is_reached_by_itself(limited, server):
    client = limited
    fill(client, 20000)
    client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    limit = held(client) - 10 * MB
    assert client.call("CONFIG", "SET", "maxmemory", limit) == "OK"
    assert "The new maxmemory" in server.log()
    assert reached(client, limit)
    assert 0 < client.call("DBSIZE") < 20000
    assert info(client, "current_eviction_exceeded_time") == "0"


@moves_by_need
def test_huge_values_go_in_steps_and_not_too_many(limited):
    client = limited
    for key in range(10):
        for at in range(0, 20000, 2000):
            client.call("SADD", f"set:{key}", *[f"member:{key}:{i}" for i in range(at, at + 2000)])
    one = client.call("MEMORY", "USAGE", "set:0")
    client.call("MEMORY", "PURGE")
    before = held(client)
    client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    client.call("CONFIG", "SET", "maxmemory", before - one * 5 // 2)
    assert reached(client, before - one * 5 // 2)
    assert 5 <= client.call("DBSIZE") <= 7


@moves_by_need
def test_compaction_comes_before_eviction(limited):
    client = limited
    fill(client, 20000)
    pipeline(client, [["DEL", f"key:{i}"] for i in range(20000) if i % 4 != 0])
    kept = client.call("DBSIZE")
    client.call("CONFIG", "SET", "activedefrag", "no", "maxmemory-policy", "allkeys-lru")
    time.sleep(0.5)
    before = held(client)
    client.call("CONFIG", "SET", "activedefrag", "yes")
    client.call("CONFIG", "SET", "maxmemory", before - 8 * MB)
    assert reached(client, before - 8 * MB)
    assert client.call("DBSIZE") == kept
    assert info(client, "evicted_keys") == "0"


@pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself keeps what was freed")
def test_no_key_goes_for_what_malloc_keeps(limited, server):
    client = limited
    fill(client, 5000)
    client.call("SET", "big", b"x" * MB)
    limit = held(client) + 8 * MB
    client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with Client(server.port) as other:
        other.send_raw(encode(["GET", "big"]) * 60)
        deadline = time.monotonic() + 10
        while held(client) < limit + 30 * MB and time.monotonic() < deadline:
            time.sleep(0.02)
        assert held(client) > limit
    while client.call("CLIENT", "LIST").count(b"\n") > 1:
        time.sleep(0.02)
    client.call("CONFIG", "SET", "maxmemory", limit)
    fill(client, 1000, 100, name="more")
    assert info(client, "evicted_keys") == "0"
    assert held(client) <= limit


@moves_by_need
def test_nothing_moves_where_that_is_not_allowed(limited):
    client = limited
    client.call("CONFIG", "SET", "activedefrag", "no")
    fill(client, 50000, 100)
    moved = info(client, "heap_moved_bytes")
    squeeze(client, "allkeys-random", -1 * MB)
    fill(client, 1000, 100, name="more")
    assert info(client, "heap_moved_bytes") == moved
    assert 0 < int(info(client, "evicted_keys")) < 25000


def test_a_pause_of_clients_pauses_eviction(limited, server):
    client = limited
    fill(client, 5000)
    client.call("CLIENT", "PAUSE", 60000, "WRITE")
    squeeze(client, "allkeys-lru", -1 * MB)
    time.sleep(0.3)
    assert client.call("DBSIZE") == 5000
    client.call("CLIENT", "UNPAUSE")
    deadline = time.monotonic() + 10
    while client.call("DBSIZE") == 5000 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert client.call("DBSIZE") < 5000


# --- who is told ----------------------------------------------------------------------------------

def test_events_and_effects(limited, server):
    client = limited
    fill(client, 3000)
    client.call("CONFIG", "SET", "notify-keyspace-events", "Ee")
    client.call("DEBUG", "EFFECTS", "ON")
    with Client(server.port) as listener:
        listener.call("SUBSCRIBE", "__keyevent@0__:evicted")
        squeeze(client, "allkeys-random", -1 * MB)
        deadline = time.monotonic() + 10
        while client.call("DBSIZE") == 3000 and time.monotonic() < deadline:
            time.sleep(0.02)
        client.call("CONFIG", "SET", "maxmemory", 0)
        effects = client.call("DEBUG", "EFFECTS", "TAKE")
        client.call("DEBUG", "EFFECTS", "OFF")
        gone = 3000 - client.call("DBSIZE")
        assert gone > 0
        assert int(info(client, "evicted_keys")) == gone
        told = [listener.read() for _ in range(gone)]
    client.call("CONFIG", "SET", "notify-keyspace-events", "")
    assert [message[2] for message in told] == [effect[2] for effect in effects]
    assert {effect[1] for effect in effects} == {b"DEL"}


def test_a_watched_key_that_is_evicted(limited, server):
    client = limited
    client.call("SET", "watched", "x", "EX", 100)
    fill(client, 2000)
    with Client(server.port) as other:
        client.call("WATCH", "watched")
        other.call("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
        other.call("CONFIG", "SET", "maxmemory", held(other) // 2)
        assert other.call("EXISTS", "watched") == 0
        other.call("CONFIG", "SET", "maxmemory", 0)
    client.call("MULTI")
    client.call("PING")
    assert client.call("EXEC") is None


def test_the_log_knows_what_went(start):
    server = start("--appendonly", "yes", "--maxmemory-policy", "allkeys-lru",
                   "--enable-debug-command", "yes")
    with Client(server.port) as client:
        fill(client, 4000)
        squeeze(client, "allkeys-lru", -1 * MB)
        for more in range(10):  # first goes what malloc kept of the pipelines
            fill(client, 2000, name=f"more{more}")
            if int(info(client, "evicted_keys")) > 500:
                break
        assert int(info(client, "evicted_keys")) > 500
        client.call("CONFIG", "SET", "maxmemory", 0)
        digest = client.call("DEBUG", "DIGEST")
        count = client.call("DBSIZE")
        assert client.call("DEBUG", "LOADAOF") == "OK"
        assert client.call("DBSIZE") == count
        assert client.call("DEBUG", "DIGEST") == digest


def test_changes_are_not_counted_as_writes(limited):
    client = limited
    fill(client, 3000)
    before = int(info(client, "rdb_changes_since_last_save"))
    squeeze(client, "allkeys-random", -1 * MB)
    deadline = time.monotonic() + 10
    while client.call("DBSIZE") == 3000 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert int(info(client, "rdb_changes_since_last_save")) == before


def test_use_is_kept_as_clients_ask(limited, server):
    client = limited
    client.call("SET", "key", "x")
    time.sleep(2.1)
    with Client(server.port) as quiet:
        quiet.call("CLIENT", "NO-TOUCH", "on")
        quiet.call("GET", "key")
        assert client.call("OBJECT", "IDLETIME", "key") >= 2
        quiet.call("TOUCH", "key")
        assert client.call("OBJECT", "IDLETIME", "key") <= 1
    assert client.call("OBJECT", "FREQ", "key").startswith("ERR An LFU maxmemory policy is not")
    client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-log-factor", 0)
    client.call("SET", "counted", "x")
    for _ in range(20):
        client.call("GET", "counted")
    assert client.call("OBJECT", "FREQ", "counted") >= 20
    assert client.call("OBJECT", "IDLETIME", "counted").startswith("ERR An LFU maxmemory policy is")
    client.call("CONFIG", "SET", "lfu-log-factor", 10)


# --- the kernel is the judge ----------------------------------------------------------------------

SHIFTS = [(10, 10), (100, 100), (1000, 1000), (10000, 10000), (100000, 100000), (10, 100000),
          (10, 10), (50000, 50000), (30, 300)]


def write_shifting(client, limit, policy, share=1.3, requests=6000):
    """Values whose sizes shift from 10 bytes to 100 KB, each for a while."""
    rng, number, refused = random.Random(7), 0, 0
    content = rng.randbytes(100000)
    options = ["EX", 5000] if policy.startswith("volatile") else []
    for least, most in SHIFTS:
        written = count = 0
        while written < limit * share and count < requests:
            some = []
            while len(some) < 500 and sum(len(request[2]) for request in some[-20:]) < 500000:
                size = int(least * (most / least) ** rng.random())
                number += 1
                key = rng.randrange(number) if rng.random() < 0.3 else number
                some.append(["SET", f"key:{key}", content[:size], *options])
            refused += sum(reply != "OK" for reply in pipeline(client, some))
            count += len(some)
            written += sum(len(request[2]) + 60 for request in some)
    return refused


@pytest.mark.skipif(CHECKED_BUILD, reason="what checks itself holds more")
@pytest.mark.parametrize("policy", ["noeviction"] + POLICIES)
def test_resident_set_stays_at_the_limit(start, policy):
    limit = (96 if policy in ("allkeys-lru", "volatile-ttl") else 24) * MB
    server = start("--maxmemory", limit, "--maxmemory-policy", policy)
    with open(f"/proc/{server.process.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    with Client(server.port) as client:
        refused = write_shifting(client, limit, policy)
        peak = resident(server, "VmHWM")
        assert peak <= limit * 1.03 + 16 * MB
        assert (refused > 0) == (policy == "noeviction")
        assert client.call("DBSIZE") > 0
