// Valkey's GLIDE: a client whose core is written in Rust and speaks RESP3.
"use strict";
const { GlideClient, Batch, Script, TimeUnit } = require("@valkey/valkey-glide");
const { assert, check, closing, port, run, until } = require("./check");

const { equal, deepEqual } = assert;
const options = { addresses: [{ host: "127.0.0.1", port }], requestTimeout: 10000 };
let client;

async function connect(more = {}) {
    const made = await GlideClient.createClient({ ...options, ...more });
    closing(() => made.close());
    return made;
}

check("plain commands", async () => {
    client = await connect({ clientName: "glide" });
    equal(await client.set("s", "grün", { expiry: { type: TimeUnit.Seconds, count: 100 } }), "OK");
    equal(await client.get("s"), "grün");
    assert.ok((await client.ttl("s")) > 80);
    await client.hset("h", { a: "1", b: "2" });
    deepEqual((await client.hgetall("h")).map(({ field, value }) => [field, value]),
        [["a", "1"], ["b", "2"]]);
    await client.zadd("z", { one: 1.5, two: 2 });
    equal(await client.zscore("z", "one"), 1.5);
    equal(await client.customCommand(["CLIENT", "GETNAME"]), "glide");
});

check("a batch and a transaction", async () => {
    deepEqual(await client.exec(new Batch(false).set("b", "1").incr("b").get("b"), true),
        ["OK", 2, "2"]);
    deepEqual(await client.exec(new Batch(true).set("t", "1").incr("t").get("t"), true),
        ["OK", 2, "2"]);
    const other = await connect();
    await client.watch(["t"]);
    await other.set("t", "changed");
    equal(await client.exec(new Batch(true).set("t", "mine"), true), null);
});

check("a script", async () => {
    const script = new Script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}");
    deepEqual(await client.invokeScript(script, { keys: ["counter"], args: ["x"] }),
        ["counter", "x", 1]);
    await client.scriptFlush();
    deepEqual(await client.invokeScript(script, { keys: ["counter"], args: ["x"] }),
        ["counter", "x", 2]);
});

check("publish and subscribe", async () => {
    const heard = [];
    const subscriber = await connect({
        pubsubSubscriptions: {
            channelsAndPatterns: { 0: new Set(["news"]), 1: new Set(["log.*"]) },
            callback: (message) => heard.push([message.channel, message.message]),
            context: null,
        },
    });
    await until(async () => (await client.publish("one", "news")) === 1, "the subscription");
    await until(async () => (await client.publish("two", "log.x")) === 1, "the subscription");
    await until(() => heard.length >= 2, "the messages");
    deepEqual(heard.slice(0, 2), [["news", "one"], ["log.x", "two"]]);
    equal(await subscriber.get("absent"), null);
});

check("blocking, scanning", async () => {
    const blocked = await connect();
    const waiting = blocked.blpop(["queue"], 5);
    await until(async () => String(await client.info()).includes("blocked_clients:1"), "the block");
    await client.rpush("queue", ["job"]);
    deepEqual(await waiting, ["queue", "job"]);
    await client.mset(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`scan:${i}`, "v"])));
    const found = new Set();
    let cursor = "0";
    do {
        const [following, keys] = await client.scan(cursor, { match: "scan:*", count: 50 });
        keys.forEach((key) => found.add(key));
        cursor = following;
    } while (cursor !== "0");
    equal(found.size, 500);
});

run();
