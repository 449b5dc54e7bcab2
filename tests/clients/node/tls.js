// TLS with certificates on both sides: node-redis and ioredis.
"use strict";
const fs = require("node:fs");
const Redis = require("ioredis");
const { createClient } = require("redis");
const { assert, check, closing, run } = require("./check");

const { equal } = assert;
const port = Number(process.env.SNUG_TLS_PORT);
const [ca, cert, key] = ["CA", "CERT", "KEY"].map((name) =>
    fs.readFileSync(process.env[`SNUG_TLS_${name}`]));
const long = "x".repeat(1 << 20);

check("node-redis", async () => {
    const options = { host: "127.0.0.1", port, tls: true, ca };
    const client = createClient({ socket: { ...options, cert, key } });
    client.on("error", () => {});
    await client.connect();
    closing(() => client.destroy());
    equal(await client.set("node-redis", long), "OK");
    equal(await client.get("node-redis"), long);
    const stranger = createClient({ socket: { ...options, reconnectStrategy: false } });
    stranger.on("error", () => {});
    await assert.rejects(stranger.connect().then(() => stranger.ping()));
});

check("ioredis", async () => {
    const client = new Redis({ host: "127.0.0.1", port, tls: { ca, cert, key } });
    closing(() => client.disconnect());
    equal(await client.set("ioredis", long), "OK");
    equal(await client.get("ioredis"), long);
    const heard = new Promise((resolve) => { client.on("message", (_, text) => resolve(text)); });
    await client.subscribe("news");
    equal(await client.publish("news", long), 1);
    equal(await heard, long);
});

run();
