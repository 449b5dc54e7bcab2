// What web servers keep in Redis: sessions, limits of rate, locks, caches.
"use strict";
const http = require("node:http");
const { createCache } = require("cache-manager");
const { RedisStore: SessionStore } = require("connect-redis");
const express = require("express");
const { rateLimit } = require("express-rate-limit");
const session = require("express-session");
const Redis = require("ioredis");
const { Keyv } = require("keyv");
const KeyvRedis = require("@keyv/redis").default;
const { RedisStore: LimitStore } = require("rate-limit-redis");
const { RateLimiterRedis } = require("rate-limiter-flexible");
const { createClient } = require("redis");
const Redlock = require("redlock");
const { assert, check, closing, port, run, until, url } = require("./check");

const { equal, deepEqual } = assert;

async function connect() {
    const client = createClient({ url });
    client.on("error", () => {});
    await client.connect();
    closing(() => client.destroy());
    return client;
}

async function listening(app) {
    const server = http.createServer(app);
    await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
    closing(() => { server.closeAllConnections(); server.close(); });
    return `http://127.0.0.1:${server.address().port}`;
}

check("connect-redis keeps the sessions of express", async () => {
    const client = await connect();
    const store = new SessionStore({ client, prefix: "session:", ttl: 100 });
    const app = express();
    app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
    app.get("/count", (request, response) => {
        request.session.count = (request.session.count || 0) + 1;
        response.send(String(request.session.count));
    });
    app.get("/leave", (request, response) => request.session.destroy(() => response.send("left")));
    const base = await listening(app);
    const first = await fetch(`${base}/count`);
    equal(await first.text(), "1");
    const headers = { cookie: first.headers.get("set-cookie").split(";")[0] };
    for (let count = 2; count < 5; count++) {
        equal(await (await fetch(`${base}/count`, { headers })).text(), String(count));
    }
    equal(await (await fetch(`${base}/count`)).text(), "1");
    const keys = await client.keys("session:*");
    equal(keys.length, 2);
    assert.ok((await client.ttl(keys[0])) > 50);
    const all = await new Promise((resolve, reject) => {
        store.all((error, sessions) => (error ? reject(error) : resolve(sessions)));
    });
    deepEqual(all.map(({ count }) => count).sort(), [1, 4]);
    equal(await (await fetch(`${base}/leave`, { headers })).text(), "left");
    equal((await client.keys("session:*")).length, 1);
});

check("express-rate-limit refuses what is too much", async () => {
    const client = await connect();
    const app = express();
    app.use(rateLimit({
        windowMs: 60000, limit: 3, standardHeaders: true, legacyHeaders: false,
        store: new LimitStore({ sendCommand: (...words) => client.sendCommand(words) }),
    }));
    app.get("/", (request, response) => response.send("yes"));
    const base = await listening(app);
    const codes = [];
    for (let i = 0; i < 5; i++) {
        codes.push((await fetch(base)).status);
    }
    deepEqual(codes, [200, 200, 200, 429, 429]);
});

check("rate-limiter-flexible counts points", async () => {
    const storeClient = new Redis({ host: "127.0.0.1", port });
    closing(() => storeClient.disconnect());
    const limiter = new RateLimiterRedis({ storeClient, points: 5, duration: 60 });
    const left = [];
    for (let i = 0; i < 5; i++) {
        left.push((await limiter.consume("me")).remainingPoints);
    }
    deepEqual(left, [4, 3, 2, 1, 0]);
    await assert.rejects(limiter.consume("me").catch((refusal) => {
        throw new Error(`wait ${refusal.msBeforeNext > 0}`);
    }), /wait true/);
    equal((await limiter.get("me")).consumedPoints, 6);
    await limiter.block("you", 10);
    await assert.rejects(limiter.consume("you").catch(() => { throw new Error("blocked"); }));
    equal(await limiter.delete("me"), true);
    equal((await limiter.consume("me", 2)).remainingPoints, 3);
});

check("redlock lets one in at a time", async () => {
    const client = new Redis({ host: "127.0.0.1", port });
    closing(() => client.disconnect());
    const locks = new Redlock([client], { retryCount: 0 });
    const patient = new Redlock([client], { retryCount: 200, retryDelay: 10, retryJitter: 5 });
    const held = await locks.lock("resource", 10000);
    await assert.rejects(locks.lock("resource", 1000), /Exceeded 0 attempts/);
    await held.extend(20000);
    assert.ok((await client.pttl("resource")) > 15000);
    const waiting = patient.lock("resource", 1000);
    await held.unlock();
    await (await waiting).unlock();
    equal(await client.exists("resource"), 0);
    await assert.rejects(held.unlock());
});

check("keyv keeps values for their time", async () => {
    const store = new KeyvRedis(url);
    const cache = new Keyv(store, { namespace: "cache" });
    cache.on("error", (error) => console.error(error));
    closing(() => cache.disconnect());
    await cache.set("object", { a: [1, 2] });
    deepEqual(await cache.get("object"), { a: [1, 2] });
    await cache.set("brief", "gone soon", 30);
    await until(async () => (await cache.get("brief")) === undefined, "the end of a value");
    deepEqual(await cache.getMany(["object", "absent"]), [{ a: [1, 2] }, undefined]);
    const pairs = [];
    for await (const [key, value] of cache.iterator()) {
        pairs.push([key, value]);
    }
    deepEqual(pairs, [["object", { a: [1, 2] }]]);
    equal(await cache.delete("object"), true);
    await cache.set("other", 1);
    await cache.clear();
    equal(await cache.get("other"), undefined);
});

check("cache-manager wraps what is dear", async () => {
    const cache = createCache({ stores: [new Keyv(new KeyvRedis(url), { namespace: "wrap" })] });
    closing(() => cache.disconnect());
    let calls = 0;
    const dear = () => cache.wrap("dear", async () => { calls += 1; return { calls }; }, 60000);
    deepEqual([await dear(), await dear()], [{ calls: 1 }, { calls: 1 }]);
    equal(calls, 1);
    await cache.mset([{ key: "a", value: 1 }, { key: "b", value: 2 }]);
    deepEqual(await cache.mget(["a", "b"]), [1, 2]);
    await cache.del("dear");
    deepEqual(await dear(), { calls: 2 });
});

run();
