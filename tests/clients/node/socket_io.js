// socket.io on two servers that know of each other by Redis: pub/sub, sharded, and a stream.
"use strict";
const http = require("node:http");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { createAdapter: createStreamsAdapter } = require("@socket.io/redis-streams-adapter");
const Redis = require("ioredis");
const { createClient } = require("redis");
const { Server } = require("socket.io");
const { io: open } = require("socket.io-client");
const { assert, check, closing, next, port, run, until, url, within } = require("./check");

const { equal, deepEqual } = assert;

async function connected() {
    const client = createClient({ url });
    client.on("error", () => {});
    await client.connect();
    closing(() => client.destroy());
    return client;
}

async function serving(adapter) {
    const listener = http.createServer();
    const io = new Server(listener, { adapter });
    await new Promise((resolve) => { listener.listen(0, "127.0.0.1", resolve); });
    closing(() => io.close());
    io.on("connection", (socket) => {
        socket.on("join", (room, done) => { socket.join(room); done(); });
    });
    const browser = open(`http://127.0.0.1:${listener.address().port}`,
        { transports: ["websocket"], reconnection: false });
    closing(() => browser.close());
    await next(browser, "connect");
    return { io, browser };
}

// Two servers with a browser each: what one says to all, or to a room, both hear.
async function talk(make) {
    const [here, there] = [await serving(await make()), await serving(await make())];
    await until(async () => (await here.io.fetchSockets()).length === 2, "the other server");
    const heard = Promise.all([here, there].map(({ browser }) => next(browser, "news")));
    here.io.emit("news", "for all", Buffer.from([1, 2]));
    deepEqual((await heard).map(([text, bytes]) => [text, [...bytes]]),
        [["for all", [1, 2]], ["for all", [1, 2]]]);
    await there.browser.emitWithAck("join", "room");
    await until(async () => (await here.io.in("room").fetchSockets()).length === 1, "the room");
    const inRoom = next(there.browser, "whisper");
    here.browser.on("whisper", () => assert.fail("it is not in the room"));
    here.io.to("room").emit("whisper", "psst");
    deepEqual(await inRoom, ["psst"]);
    there.io.on("question", (number, answer) => answer(number * 2));
    deepEqual(await within(here.io.serverSideEmitWithAck("question", 21), "the answer"), [42]);
    here.io.in("room").disconnectSockets(true);
    await until(() => !there.browser.connected, "the disconnection");
    equal(here.browser.connected, true);
}

check("the adapter by pub/sub, node-redis", async () => {
    await talk(async () => createAdapter(await connected(), await connected()));
});

check("the adapter by pub/sub, ioredis", async () => {
    await talk(async () => {
        const client = new Redis({ host: "127.0.0.1", port });
        const subscriber = client.duplicate();
        closing(() => { client.disconnect(); subscriber.disconnect(); });
        return createAdapter(client, subscriber, { key: "ioredis" });
    });
});

check("the sharded adapter", async () => {
    await talk(async () => createShardedAdapter(await connected(), await connected()));
});

check("the adapter by streams", async () => {
    await talk(async () => createStreamsAdapter(await connected()));
});

run();
