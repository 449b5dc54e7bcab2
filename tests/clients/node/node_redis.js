// node-redis 6: HELLO 3, CLIENT SETINFO, a cache beside the server, transactions, iterators.
"use strict";
const { BasicClientSideCache, RESP_TYPES, createClient, createClientPool, defineScript } =
    require("redis");
const { assert, check, closing, run, until, url, within } = require("./check");

const { equal, deepEqual } = assert;
const clients = [];

async function connect(options = {}) {
    const client = createClient({ url, ...options });
    client.on("error", () => {});
    await client.connect();
    clients.push(client);
    return client;
}

let redis;
closing(() => clients.forEach((client) => client.destroy()));

// node-redis gives maps without a prototype.
const plain = (map) => ({ ...map });

check("says HELLO 3 and who it is", async () => {
    redis = await connect({ name: "main" });
    const info = await redis.sendCommand(["CLIENT", "INFO"]);
    assert.match(String(info), /name=main .*resp=3/);
    if (String(info).includes("lib-name=")) {
        assert.match(String(info), /lib-name=node-redis lib-ver=6\./);
    }
});

check("strings, hashes, lists, sets, sorted sets", async () => {
    equal(await redis.set("s", "grün", { expiration: { type: "EX", value: 100 } }), "OK");
    equal(await redis.get("s"), "grün");
    assert.ok((await redis.ttl("s")) > 80);
    await redis.hSet("h", { a: 1, b: "two" });
    deepEqual(plain(await redis.hGetAll("h")), { a: "1", b: "two" });
    equal(await redis.rPush("l", ["1", "2"]), 2);
    deepEqual(await redis.lRange("l", 0, -1), ["1", "2"]);
    await redis.sAdd("set", ["x", "y"]);
    deepEqual(await redis.sMembers("set").then((members) => [...members].sort()), ["x", "y"]);
    await redis.zAdd("z", [{ score: 1.5, value: "one" }, { score: Infinity, value: "most" }]);
    deepEqual(await redis.zRangeWithScores("z", 0, -1),
        [{ value: "one", score: 1.5 }, { value: "most", score: Infinity }]);
    equal(await redis.zScore("z", "one"), 1.5);
    deepEqual(await redis.mGet(["s", "absent"]), ["grün", null]);
});

check("types of RESP3 can be mapped", async () => {
    const mapped = redis.withTypeMapping({
        [RESP_TYPES.MAP]: Map, [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SET]: Set,
    });
    await redis.hSet("mapped", "f", "v");
    const all = await mapped.hGetAll("mapped");
    assert.ok(all instanceof Map);
    const [[field, value]] = all.entries();
    deepEqual([String(field), value], ["f", Buffer.from("v")]);
    await redis.sAdd("mapped set", "m");
    assert.ok((await mapped.sMembers("mapped set")) instanceof Set);
});

check("commands of one tick are a pipeline", async () => {
    const numbers = await Promise.all(Array.from({ length: 1000 }, () => redis.incr("n")));
    deepEqual(numbers, Array.from({ length: 1000 }, (_, i) => i + 1));
});

check("a transaction", async () => {
    deepEqual(await redis.multi().set("t", "1").incr("t").hGetAll("absent").exec()
        .then(([a, b, c]) => [a, b, plain(c)]), ["OK", 2, {}]);
    await redis.set("text", "abc");
    await assert.rejects(redis.multi().incr("text").exec());
    deepEqual(await redis.multi().set("t", "1").get("t").execAsPipeline(), ["OK", "1"]);
});

check("a watched key ends a transaction", async () => {
    const other = await connect();
    await other.watch("watched");
    await redis.set("watched", "changed");
    await assert.rejects(other.multi().set("watched", "mine").exec(), /One \(or more\)/);
    equal(await redis.get("watched"), "changed");
});

check("publish and subscribe", async () => {
    const subscriber = await connect();
    let heard;
    const all = [];
    const three = new Promise((resolve) => { heard = resolve; });
    const listen = (message, channel) => {
        all.push([String(message), String(channel)]);
        if (all.length === 3) {
            heard();
        }
    };
    await subscriber.subscribe("news", listen);
    await subscriber.pSubscribe("log.*", listen);
    await subscriber.sSubscribe("shard", listen, true);
    equal(await redis.publish("news", "1"), 1);
    equal(await redis.publish("log.x", "2"), 1);
    equal(await redis.sPublish("shard", "3"), 1);
    await within(three, "the messages");
    deepEqual(all, [["1", "news"], ["2", "log.x"], ["3", "shard"]]);
    equal(await subscriber.ping(), "PONG");
    await subscriber.unsubscribe("news");
    equal(await redis.publish("news", "nobody"), 0);
    await subscriber.pUnsubscribe();
    await subscriber.sUnsubscribe();
});

check("publish and subscribe with RESP2", async () => {
    const subscriber = await connect({ RESP: 2 });
    const heard = new Promise((resolve) => {
        subscriber.subscribe("old", (message) => resolve(message));
    });
    await until(async () => (await redis.publish("old", "it")) === 1, "the subscription");
    equal(await within(heard, "the message"), "it");
    await subscriber.unsubscribe();
    equal(await subscriber.get("absent"), null);
});

check("iterators of scans", async () => {
    await redis.mSet(Array.from({ length: 2000 }, (_, i) => [`scan:${i}`, "v"]));
    let found = 0;
    for await (const keys of redis.scanIterator({ MATCH: "scan:*", COUNT: 100 })) {
        found += keys.length;
    }
    equal(found, 2000);
    await redis.hSet("big", Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, "v"])));
    const fields = new Set();
    for await (const entries of redis.hScanIterator("big")) {
        entries.forEach(({ field }) => fields.add(field));
    }
    equal(fields.size, 1000);
});

check("scripts and functions", async () => {
    const client = await connect({
        scripts: {
            add: defineScript({
                NUMBER_OF_KEYS: 1,
                SCRIPT: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
                parseCommand(parser, key, by) {
                    parser.pushKey(key);
                    parser.push(String(by));
                },
                transformReply: (reply) => reply,
            }),
        },
    });
    equal(await client.add("added", 2), 2);
    await redis.scriptFlush();
    equal(await client.add("added", 3), 5);
    deepEqual(await redis.eval("return {KEYS[1], ARGV[1], 3}", { keys: ["k"], arguments: ["a"] }),
        ["k", "a", 3]);
    deepEqual(await redis.eval("redis.setresp(3); return redis.call('HGETALL', KEYS[1])",
        { keys: ["mapped"] }).then(plain), { f: "v" });
    equal(await redis.functionLoad("#!lua name=mine\n"
        + "redis.register_function{function_name='twice', flags={'no-writes'},"
        + "callback=function(keys, args) return args[1] * 2 end}", { REPLACE: true }), "mine");
    equal(await redis.fCallRo("twice", { keys: [], arguments: ["21"] }), 42);
    equal((await redis.functionList())[0].library_name, "mine");
});

check("a cache beside the server", async () => {
    const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100 });
    const caching = await connect({ clientSideCache: cache });
    await redis.set("cached", "1");
    equal(await caching.get("cached"), "1");
    equal(await caching.get("cached"), "1");
    equal(cache.stats().hitCount, 1);
    await redis.set("cached", "2");
    await until(async () => (await caching.get("cached")) === "2", "the invalidation");
    await redis.hSet("cached hash", { a: "1" });
    deepEqual(plain(await caching.hGetAll("cached hash")), { a: "1" });
    await redis.del("cached hash");
    await until(async () => Object.keys(await caching.hGetAll("cached hash")).length === 0,
        "the invalidation");
    await redis.flushAll();
    await until(async () => (await caching.get("cached")) === null, "the flush");
});

check("a pool of clients", async () => {
    const pool = createClientPool({ url }, { minimum: 2, maximum: 4 });
    pool.on("error", () => {});
    await pool.connect();
    const waiting = Array.from({ length: 3 }, () => pool.execute((client) =>
        client.blPop("pooled", 10)));
    await until(async () => (await redis.info("clients")).includes("blocked_clients:3"), "the block");
    await redis.rPush("pooled", ["1", "2", "3"]);
    deepEqual((await Promise.all(waiting)).map(({ element }) => element).sort(), ["1", "2", "3"]);
    pool.destroy();
});

check("streams", async () => {
    const id = await redis.xAdd("stream", "*", { field: "value" });
    const [{ name, messages }] = await redis.xRead({ key: "stream", id: "0" });
    equal(name, "stream");
    deepEqual(messages.map((message) => [message.id, plain(message.message)]),
        [[id, { field: "value" }]]);
    equal((await redis.xInfoStream("stream")).length, 1);
    await redis.xGroupCreate("stream", "group", "0");
    const read = await redis.xReadGroup("group", "me", { key: "stream", id: ">" });
    equal(read[0].messages[0].id, id);
    deepEqual(await redis.xAutoClaim("stream", "group", "you", 0, "0")
        .then(({ messages: claimed }) => claimed.map((message) => message.id)), [id]);
});

check("errors of the server reject", async () => {
    await redis.set("text", "abc");
    await assert.rejects(redis.lPush("text", "x"), /WRONGTYPE/);
    await assert.rejects(redis.sendCommand(["CLIENT", "MAINT_NOTIFICATIONS", "ON"]), /ERR/);
    await assert.rejects(redis.sendCommand(["NOSUCH"]), /unknown command/);
});

check("reconnects and subscribes again", async () => {
    const subscriber = await connect();
    const heard = [];
    await subscriber.subscribe("again", (message) => heard.push(message));
    await redis.sendCommand(["CLIENT", "KILL", "TYPE", "PUBSUB"]);
    await until(async () => {
        await redis.publish("again", "yes");
        return heard.length > 0;
    }, "the message");
    equal(heard[0], "yes");
});

check("information", async () => {
    assert.match(await redis.info(), /redis_version:7\./);
    equal((await redis.configGet("maxmemory-policy"))["maxmemory-policy"], "noeviction");
    equal((await redis.commandInfo(["get"]))[0].name, "get");
    assert.ok((await redis.clientList()).length >= 1);
    assert.ok((await redis.memoryUsage("text")) > 0);
    equal(await redis.objectEncoding("text"), "embstr");
});

run();
