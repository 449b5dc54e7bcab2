// ioredis 6: RESP3 by itself, pipelines, transactions, scripts, blocking, streams, pub/sub, scans.
"use strict";
const Redis = require("ioredis");
const { assert, check, closing, next, port, run, until } = require("./check");

const { equal, deepEqual } = assert;
const clients = [];

function connect(options = {}) {
    const client = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 1, ...options });
    clients.push(client);
    return client;
}

const redis = connect();
closing(() => clients.forEach((client) => client.disconnect()));

async function clientLine(client) {
    const line = await client.client("INFO");
    return Object.fromEntries(line.trim().split(" ").map((word) => word.split(/=(.*)/s)));
}

check("says HELLO 3 and who it is", async () => {
    const line = await clientLine(redis);
    equal(line.resp, "3");
    if (line["lib-name"] !== undefined) {
        assert.match(line["lib-name"], /ioredis/);
        assert.match(line["lib-ver"], /^6\./);
    }
});

check("strings, numbers, binary", async () => {
    equal(await redis.set("s", "grün"), "OK");
    equal(await redis.get("s"), "grün");
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    await redis.set("b", bytes);
    deepEqual(await redis.getBuffer("b"), bytes);
    equal(await redis.incrby("n", 40), 40);
    equal(await redis.incrbyfloat("n", "2.5"), "42.5");
    equal(await redis.get("absent"), null);
    equal(await redis.set("lock", "1", "PX", 10000, "NX"), "OK");
    equal(await redis.set("lock", "2", "PX", 10000, "NX"), null);
    assert.ok((await redis.pttl("lock")) > 5000);
});

check("hashes, lists, sets, sorted sets", async () => {
    equal(await redis.hset("h", { a: 1, b: "two" }), 2);
    deepEqual(await redis.hgetall("h"), { a: "1", b: "two" });
    equal(await redis.rpush("l", 1, 2, 3), 3);
    deepEqual(await redis.lrange("l", 0, -1), ["1", "2", "3"]);
    await redis.sadd("set", "x", "y");
    deepEqual((await redis.smembers("set")).sort(), ["x", "y"]);
    await redis.zadd("z", 1.5, "one", 2, "two");
    deepEqual(await redis.zrange("z", 0, -1, "WITHSCORES"), ["one", "1.5", "two", "2"]);
    equal(await redis.zscore("z", "one"), "1.5");
    equal(await redis.geoadd("g", 13.361389, 38.115556, "Palermo"), 1);
    deepEqual(await redis.geosearch("g", "FROMLONLAT", 13, 38, "BYRADIUS", 100, "km"), ["Palermo"]);
});

check("RESP2 gives the same", async () => {
    const old = connect({ protocol: 2 });
    equal((await clientLine(old)).resp, "2");
    await old.hset("h2", "f", "v");
    deepEqual(await old.hgetall("h2"), { f: "v" });
    equal(await old.zadd("z2", 1, "m"), 1);
    equal(await old.zscore("z2", "m"), "1");
});

check("errors reject", async () => {
    await redis.set("text", "abc");
    await assert.rejects(redis.incr("text"), /ERR value is not an integer or out of range/);
    await assert.rejects(redis.lpush("text", 1), /WRONGTYPE/);
    await assert.rejects(redis.call("NOSUCH"), /unknown command/);
});

check("a pipeline", async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1000; i++) {
        pipeline.set(`p:${i}`, i).get(`p:${i}`);
    }
    pipeline.lpush("p:0", "wrong");
    const results = await pipeline.exec();
    equal(results.length, 2001);
    for (let i = 0; i < 1000; i++) {
        deepEqual(results[2 * i], [null, "OK"]);
        deepEqual(results[2 * i + 1], [null, String(i)]);
    }
    assert.match(results[2000][0].message, /WRONGTYPE/);
});

check("automatic pipelining", async () => {
    const automatic = connect({ enableAutoPipelining: true });
    await automatic.ping();
    const numbers = await Promise.all(
        Array.from({ length: 500 }, () => automatic.incr("automatic")));
    deepEqual(numbers, Array.from({ length: 500 }, (_, i) => i + 1));
});

check("a transaction", async () => {
    deepEqual(await redis.multi().set("t", 1).incr("t").get("t").exec(),
        [[null, "OK"], [null, 2], [null, "2"]]);
    await redis.multi({ pipeline: false });
    equal(await redis.set("t", 5), "QUEUED");
    deepEqual(await redis.exec(), [[null, "OK"]]);
    await assert.rejects(redis.multi().set("t").incr("t").exec(), /EXECABORT/);
});

check("a watched key ends a transaction", async () => {
    const other = connect();
    await redis.set("watched", 1);
    await redis.watch("watched");
    await other.set("watched", 2);
    equal(await redis.multi().set("watched", 3).exec(), null);
    equal(await redis.get("watched"), "2");
    await redis.watch("watched");
    await redis.unwatch();
    await other.set("watched", 4);
    deepEqual(await redis.multi().incr("watched").exec(), [[null, 5]]);
});

check("a command of its own in Lua", async () => {
    redis.defineCommand("addAll", {
        numberOfKeys: 1,
        lua: "local sum = 0; for _, v in ipairs(ARGV) do sum = redis.call('INCRBY', KEYS[1], v) end; "
            + "return {sum, KEYS[1], false, {1, 'two'}}",
    });
    deepEqual(await redis.addAll("sum", 1, 2, 3), [6, "sum", null, [1, "two"]]);
    deepEqual(await redis.addAll("sum", 4), [10, "sum", null, [1, "two"]]);
    await redis.script("FLUSH");
    deepEqual((await redis.pipeline().addAll("sum", 1).addAll("sum", 1).exec()).map(([, v]) => v[0]),
        [11, 12]);
    await assert.rejects(redis.eval("return redis.error_reply('MINE said no')", 0), /MINE said no/);
});

check("blocking pops", async () => {
    const blocked = connect();
    const waiting = blocked.blpop("queue1", "queue2", 10);
    await until(async () => (await redis.client("LIST")).includes("cmd=blpop"), "the block");
    await redis.rpush("queue2", "job");
    deepEqual(await waiting, ["queue2", "job"]);
    equal(await blocked.brpop("queue1", 0.01), null);
    await redis.zadd("zqueue", 3, "c", 1, "a");
    deepEqual(await blocked.bzpopmin("zqueue", 1), ["zqueue", "a", "1"]);
    const moved = blocked.blmove("from", "to", "LEFT", "RIGHT", 10);
    await until(async () => (await redis.client("LIST")).includes("cmd=blmove"), "the block");
    await redis.rpush("from", "it");
    equal(await moved, "it");
});

check("streams and their groups", async () => {
    const reader = connect();
    await redis.xgroup("CREATE", "stream", "group", "$", "MKSTREAM");
    const waiting = reader.xreadgroup("GROUP", "group", "me", "COUNT", 10, "BLOCK", 10000,
        "STREAMS", "stream", ">");
    await until(async () => (await redis.client("LIST")).includes("cmd=xreadgroup"), "the block");
    const id = await redis.xadd("stream", "MAXLEN", "~", 100, "*", "kind", "mail", "to", "you");
    deepEqual(await waiting, [["stream", [[id, ["kind", "mail", "to", "you"]]]]]);
    deepEqual((await redis.xpending("stream", "group")).slice(0, 3), [1, id, id]);
    equal(await redis.xack("stream", "group", id), 1);
    equal(await redis.xlen("stream"), 1);
    deepEqual(await redis.xrange("stream", "-", "+"), [[id, ["kind", "mail", "to", "you"]]]);
    equal((await redis.xread("COUNT", 1, "STREAMS", "stream", "0"))[0][0], "stream");
});

check("publish and subscribe", async () => {
    const subscriber = connect();
    equal(await subscriber.subscribe("news", "weather"), 2);
    equal(await subscriber.psubscribe("log.*"), 3);
    const message = next(subscriber, "message");
    equal(await redis.publish("news", "hello"), 1);
    deepEqual(await message, ["news", "hello"]);
    const pattern = next(subscriber, "pmessage");
    equal(await redis.publish("log.error", "bad"), 1);
    deepEqual(await pattern, ["log.*", "log.error", "bad"]);
    // In RESP3 a subscriber may do anything else.
    equal(await subscriber.get("absent"), null);
    equal(await subscriber.unsubscribe("news"), 2);
    deepEqual(await redis.pubsub("NUMSUB", "news", "weather"), ["news", 0, "weather", 1]);
});

check("publish and subscribe with RESP2", async () => {
    const subscriber = connect({ protocol: 2 });
    equal(await subscriber.subscribe("old"), 1);
    const message = next(subscriber, "messageBuffer");
    await redis.publish("old", Buffer.from([0, 1, 255]));
    deepEqual((await message)[1], Buffer.from([0, 1, 255]));
    equal(await subscriber.unsubscribe("old"), 0);
    equal(await subscriber.get("absent"), null);
});

check("sharded channels", async () => {
    const subscriber = connect();
    equal(await subscriber.ssubscribe("shard"), 1);
    const message = next(subscriber, "smessage");
    equal(await redis.spublish("shard", "part"), 1);
    deepEqual(await message, ["shard", "part"]);
    equal(await subscriber.sunsubscribe("shard"), 0);
});

check("keyspace notifications", async () => {
    await redis.config("SET", "notify-keyspace-events", "KEx");
    const subscriber = connect();
    await subscriber.psubscribe("__key*__:*");
    const message = next(subscriber, "pmessage");
    await redis.set("brief", 1, "PX", 20);
    const [, channel, what] = await message;
    deepEqual([channel, what], ["__keyspace@0__:brief", "expired"]);
    await redis.config("SET", "notify-keyspace-events", "");
});

check("a scan stream", async () => {
    await Promise.all(Array.from({ length: 3000 }, (_, i) => redis.set(`scan:${i}`, i)));
    const found = new Set();
    for await (const keys of redis.scanStream({ match: "scan:*", count: 100, type: "string" })) {
        keys.forEach((key) => found.add(key));
    }
    equal(found.size, 3000);
    await redis.hset("scanned", Object.fromEntries([...found].map((key) => [key, "1"])));
    let fields = 0;
    for await (const pairs of redis.hscanStream("scanned", { count: 100 })) {
        fields += pairs.length / 2;
    }
    equal(fields, 3000);
});

check("databases and reconnecting", async () => {
    const second = connect({ db: 2, connectionName: "second" });
    await second.set("only", "here");
    equal(await redis.get("only"), null);
    equal(await second.client("GETNAME"), "second");
    const closed = next(second, "close");
    await redis.client("KILL", "ID", await second.client("ID"));
    await closed;
    await next(second, "ready");
    equal(await second.get("only"), "here");
    equal(await second.client("GETNAME"), "second");
});

check("monitoring", async () => {
    const monitor = await redis.monitor();
    const line = next(monitor, "monitor");
    await redis.set("seen", "yes");
    deepEqual((await line)[1], ["set", "seen", "yes"]);
    monitor.disconnect();
});

check("a client killed while blocked tries again", async () => {
    const blocked = connect({ maxRetriesPerRequest: null });
    const id = await blocked.client("ID");
    const waiting = blocked.blpop("later", 0);
    await until(async () => (await redis.client("LIST")).includes("cmd=blpop"), "the block");
    await redis.client("KILL", "ID", id);
    await next(blocked, "ready");
    await until(async () => (await redis.client("LIST")).includes("cmd=blpop"), "the block");
    await redis.rpush("later", "came");
    deepEqual(await waiting, ["later", "came"]);
});

run();
