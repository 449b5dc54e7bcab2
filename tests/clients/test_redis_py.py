"""redis-py with both of its parsers, over TCP and a unix socket, and its asyncio side."""

import asyncio
import threading

import pytest
import redis
import redis.asyncio
from redis.connection import HiredisParser, PythonParser

from waiting import until


@pytest.fixture(name="connect")
def connecting(server, request):
    """connect(**options): a client with the parser of `request`, or redis-py's choice."""
    clients = []

    def connect(**options):
        options = {"decode_responses": True, "socket_timeout": 20, **options}
        pool = redis.ConnectionPool(host="127.0.0.1", port=server.port,
                                    parser_class=getattr(request, "param", HiredisParser),
                                    **options)
        clients.append(redis.Redis(connection_pool=pool))
        return clients[-1]
    yield connect
    for client in clients:
        client.connection_pool.disconnect()


@pytest.fixture(name="r")
def one_client(connect):
    return connect()


PARSERS = pytest.mark.parametrize("connect", [PythonParser, HiredisParser], indirect=True,
                                  ids=["python", "hiredis"])


@PARSERS
def test_every_type(r):
    assert r.set("s", "grün", ex=100) and r.get("s") == "grün" and 80 < r.ttl("s") <= 100
    assert r.set("s", "new", nx=True) is None and r.set("s", "new", xx=True, get=True) == "grün"
    assert r.hset("h", mapping={"a": 1, "b": "two"}) == 2
    assert r.hgetall("h") == {"a": "1", "b": "two"}
    assert r.rpush("l", *range(5)) == 5 and r.lrange("l", 1, 2) == ["1", "2"]
    assert r.lpos("l", "3") == 3
    r.sadd("set", "x", "y")
    assert r.smembers("set") == {"x", "y"} and r.smismember("set", ["x", "z"]) == [1, 0]
    r.zadd("z", {"one": 1.5, "two": 2, "most": float("inf")})
    assert r.zrange("z", 0, -1, withscores=True) == [("one", 1.5), ("two", 2.0),
                                                     ("most", float("inf"))]
    assert r.geoadd("g", (13.361389, 38.115556, "Palermo")) == 1
    assert r.geopos("g", "Palermo")[0] == pytest.approx((13.361389, 38.115556), abs=1e-5)
    assert r.pfadd("p", *range(1000)) == 1 and abs(r.pfcount("p") - 1000) < 20
    assert r.setbit("bits", 7, 1) == 0 and r.bitcount("bits") == 1
    assert r.bitfield("field").set("u8", 0, 200).incrby("u8", 0, 100).execute() == [0, 44]
    with pytest.raises(redis.ResponseError, match="not an integer"):
        r.incr("s")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        r.lpush("s", 1)


@PARSERS
def test_large_and_binary_values(connect):
    r = connect(decode_responses=False)
    value = bytes(range(256)) * 8192
    assert r.set(b"\x00\r\n", value) and r.get(b"\x00\r\n") == value


@PARSERS
def test_pipeline(r):
    pipeline = r.pipeline(transaction=False)
    for i in range(5000):
        pipeline.set(f"p:{i}", i).get(f"p:{i}")
    replies = pipeline.execute()
    assert replies == [reply for i in range(5000) for reply in (True, str(i))]


@PARSERS
def test_transaction(r):
    with r.pipeline() as pipeline:
        assert pipeline.set("t", 1).incr("t").hgetall("absent").execute() == [True, 2, {}]
    r.set("text", "abc")
    replies = r.pipeline().incr("text").set("after", 1).execute(raise_on_error=False)
    assert isinstance(replies[0], redis.ResponseError) and replies[1] is True


def test_a_watched_key_ends_a_transaction(connect, r):
    r.set("t", 1)
    tries = []

    def add_ten(pipeline):
        value = int(pipeline.get("t"))
        if not tries:
            connect().incr("t")
        tries.append(value)
        pipeline.multi()
        pipeline.set("t", value + 10)

    assert r.transaction(add_ten, "t") == [True]
    assert tries == [1, 2] and r.get("t") == "12"
    with r.pipeline() as pipeline:
        pipeline.watch("t")
        connect().delete("t")
        pipeline.multi()
        pipeline.set("t", "mine")
        with pytest.raises(redis.WatchError):
            pipeline.execute()


@PARSERS
def test_publish_and_subscribe(r):
    with r.pubsub() as pubsub:
        pubsub.subscribe("news", "weather")
        pubsub.psubscribe("log.*")
        kinds = [pubsub.get_message(timeout=10)["type"] for _ in range(3)]
        assert kinds == ["subscribe", "subscribe", "psubscribe"]
        assert r.publish("news", "hello") == 1 and r.publish("log.x", "bad") == 1
        messages = [pubsub.get_message(timeout=10) for _ in range(2)]
        assert [(m["type"], m["channel"], m["data"]) for m in messages] == [
            ("message", "news", "hello"), ("pmessage", "log.x", "bad")]
        pubsub.ping("are you there")
        assert pubsub.get_message(timeout=10)["data"] == "are you there"
        assert r.pubsub_numsub("news") == [("news", 1)] and r.pubsub_numpat() == 1
        pubsub.unsubscribe()
        assert [pubsub.get_message(timeout=10)["type"] for _ in range(2)] == ["unsubscribe"] * 2
        assert r.pubsub_channels() == []


def test_listening_in_a_thread(r):
    heard = []
    pubsub = r.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(news=lambda message: heard.append(message["data"]))
    thread = pubsub.run_in_thread(sleep_time=0.01)
    until(lambda: r.publish("news", "0") == 1, "the subscription")
    for i in range(1, 100):
        r.publish("news", i)
    until(lambda: len(heard) == 100, "the last message")
    thread.stop()
    thread.join()
    assert heard == [str(i) for i in range(100)]


def test_keyspace_notifications(r):
    r.config_set("notify-keyspace-events", "KEA")
    with r.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe("__key*@0__:*")
        pubsub.get_message(timeout=10)
        r.set("k", 1)
        r.delete("k")
        heard = [until(lambda: pubsub.get_message(timeout=1), "an event") for _ in range(4)]
    r.config_set("notify-keyspace-events", "")
    assert [(m["channel"], m["data"]) for m in heard] == [
        ("__keyspace@0__:k", "set"), ("__keyevent@0__:set", "k"),
        ("__keyspace@0__:k", "del"), ("__keyevent@0__:del", "k")]


def test_locks(connect, r):
    lock = r.lock("lock", timeout=10)
    assert lock.acquire(blocking=False) and lock.owned()
    other = connect().lock("lock", timeout=10, sleep=0.01, thread_local=False)
    assert not other.acquire(blocking=False)
    assert lock.extend(20) and r.pttl("lock") > 20000
    assert lock.reacquire() and r.pttl("lock") <= 10000
    waiting = threading.Thread(target=other.acquire)
    waiting.start()
    lock.release()
    waiting.join(20)
    assert other.owned()
    other.release()
    with pytest.raises(redis.exceptions.LockError):
        other.release()
    with r.lock("count lock", timeout=20, sleep=0.005):
        assert r.exists("count lock")
    assert not r.exists("count lock")


def test_scripts(r):
    add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert add(keys=["n"], args=[5]) == 5
    r.script_flush()
    assert add(keys=["n"], args=[2]) == 7
    assert r.script_exists(add.sha, "0" * 40) == [True, False]
    with r.pipeline() as pipeline:
        add(keys=["n"], args=[1], client=pipeline)
        assert pipeline.execute() == [8]
    assert r.eval("return {1, 2.9, 'a', {false, true}, nil, 9}", 0) == [1, 2, "a", [None, 1]]
    assert r.eval("return cjson.encode({a = cjson.decode(ARGV[1])})", 0, "[1,2]") == '{"a":[1,2]}'
    with pytest.raises(redis.exceptions.NoScriptError):
        r.evalsha("0" * 40, 0)


def test_functions(r):
    code = ("#!lua name=mine\nlocal function add(keys, args)\n"
            "return redis.call('INCRBY', keys[1], args[1]) end\n"
            "redis.register_function('add', add)")
    assert r.function_load(code) == "mine"
    assert r.fcall("add", 1, "n", 5) == 5
    assert r.function_list()[0][1] == "mine"
    dump = redis.Redis(host="127.0.0.1", port=r.connection_pool.connection_kwargs["port"])
    saved = dump.function_dump()
    assert r.function_delete("mine")
    with pytest.raises(redis.ResponseError):
        r.fcall("add", 1, "n", 5)
    assert dump.function_restore(saved) in (True, b"OK", "OK")
    assert r.fcall("add", 1, "n", 2) == 7
    assert r.function_flush()


def test_streams(r):
    ids = [r.xadd("stream", {"n": i}, maxlen=1000) for i in range(10)]
    assert r.xlen("stream") == 10
    assert r.xread({"stream": ids[7]}) == [["stream", [(ids[8], {"n": "8"}), (ids[9], {"n": "9"})]]]
    assert r.xgroup_create("stream", "group", "0")
    [[_, entries]] = r.xreadgroup("group", "me", {"stream": ">"}, count=4)
    assert [identity for identity, _ in entries] == ids[:4]
    assert r.xack("stream", "group", *ids[:2]) == 2
    assert r.xpending("stream", "group")["pending"] == 2
    assert [c["pending"] for c in r.xinfo_consumers("stream", "group")] == [2]
    assert [i for i, _ in r.xautoclaim("stream", "group", "you", 0)[1]] == ids[2:4]
    assert r.xinfo_stream("stream")["length"] == 10
    assert r.xtrim("stream", maxlen=5, approximate=False) == 5


def test_blocking_pool(server):
    """Twenty threads share three connections, and wait for one in turn."""
    pool = redis.BlockingConnectionPool(host="127.0.0.1", port=server.port, max_connections=3,
                                        timeout=20)
    r = redis.Redis(connection_pool=pool)
    threads = [threading.Thread(target=lambda: [r.incr("n") for _ in range(50)])
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert r.get("n") == b"1000"
    assert int(r.info("clients")["connected_clients"]) <= 4
    pool.disconnect()


def test_blocking_commands(connect, r):
    results = []
    blocked = threading.Thread(target=lambda: results.append(connect().blpop(["a", "b"], 20)))
    blocked.start()
    until(lambda: r.info("clients")["blocked_clients"] == 1, "the block")
    r.rpush("b", "job")
    blocked.join(20)
    assert results == [("b", "job")]
    assert r.brpop("a", timeout=1) is None
    r.zadd("z", {"m": 1})
    assert r.bzpopmin("z", 1) == ("z", "m", 1.0)


def test_scans(r):
    r.mset({f"scan:{i}": i for i in range(2000)})
    assert len(set(r.scan_iter("scan:*", count=100))) == 2000
    r.hset("h", mapping={f"f{i}": i for i in range(1000)})
    assert dict(r.hscan_iter("h")) == {f"f{i}": str(i) for i in range(1000)}
    r.zadd("z", {str(i): i for i in range(1000)})
    assert sorted(score for _, score in r.zscan_iter("z")) == list(range(1000))


def test_over_a_unix_socket(server):
    with redis.Redis(unix_socket_path=str(server.directory / "socket"), db=3) as r:
        assert r.set("k", "v") and r.get("k") == b"v"
        assert r.client_info()["db"] == 3


def test_looking_inside(r):
    r.set("k", "v")
    assert r.info()["redis_version"].startswith("7.")
    assert r.dbsize() == 1 and r.object("encoding", "k") == "embstr" and r.memory_usage("k") > 0
    assert r.config_get("maxmemory*")["maxmemory-policy"] == "noeviction"
    assert r.command_count() > 200 and r.command()["get"]["arity"] == 2
    assert r.client_setname("me") and r.client_getname() == "me"
    assert r.client_list()[0]["cmd"].startswith("client")
    assert r.memory_stats()["keys.count"] == 1
    assert r.time()[0] > 1_600_000_000


def test_slow_log(r):
    r.config_set("slowlog-log-slower-than", 0)
    r.set("slow", "command")
    r.config_set("slowlog-log-slower-than", 10000)
    commands = [entry["command"] for entry in r.slowlog_get(100)]
    assert b"SET slow command" in commands
    assert r.slowlog_len() == len(commands) and r.slowlog_reset() and r.slowlog_len() <= 1


def test_monitor(connect, r):
    with connect().monitor() as monitor:
        r.set("seen", "yes")
        while True:
            event = monitor.next_command()
            if event["command"] == "SET seen yes":
                break
        assert event["db"] == 0 and event["client_type"] == "tcp"


def test_users(connect, r):
    try:
        assert r.acl_setuser("alice", enabled=True, passwords=["+secret"], keys=["a:*"],
                             commands=["+get", "+set", "+ping"])
        alice = connect(username="alice", password="secret")
        assert alice.set("a:1", "v") and alice.get("a:1") == "v"
        for refused in (lambda: alice.get("b"), lambda: alice.flushall()):
            with pytest.raises(redis.exceptions.NoPermissionError):
                refused()
        assert "on" in r.acl_getuser("alice")["flags"]
        with pytest.raises(redis.ResponseError, match="WRONGPASS"):
            connect(username="alice", password="wrong").ping()
        assert r.acl_log()[0]["username"] == "alice"
    finally:
        assert r.acl_deluser("alice") == 1
    assert r.acl_whoami() == "default"


def test_asyncio(server):
    async def run():
        r = redis.asyncio.Redis(host="127.0.0.1", port=server.port, decode_responses=True)
        assert await asyncio.gather(*(r.incr("n") for _ in range(50))) is not None
        assert await r.get("n") == "50"
        async with r.pipeline(transaction=True) as pipeline:
            assert await pipeline.set("t", 1).incr("t").execute() == [True, 2]
        async with r.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe("news")
            while await r.publish("news", "hello") == 0:
                await asyncio.sleep(0.01)
            heard = None
            while heard is None:
                heard = await pubsub.get_message(timeout=1)
            assert heard["data"] == "hello"
        async with r.lock("lock", timeout=5):
            assert await r.exists("lock")
        assert await r.blpop("absent", timeout=1) is None
        await r.close()
        await r.connection_pool.disconnect()

    asyncio.run(asyncio.wait_for(run(), 60))
