// Bull 4 (ioredis 5) and Bee-Queue (node-redis 3): older queues, older clients.
"use strict";
const BeeQueue = require("bee-queue");
const Bull = require("bull");
const { assert, check, closing, port, run, until } = require("./check");

const { equal, deepEqual } = assert;
const redis = { host: "127.0.0.1", port };
const made = [];
closing(() => Promise.all(made.map((queue) => queue.close())));

check("Bull does jobs, delayed and by priority", async () => {
    const queue = new Bull("bull", { redis });
    made.push(queue);
    const order = [];
    await queue.pause();
    await Promise.all([3, 1, 2].map((priority) => queue.add({ priority }, { priority })));
    await queue.add({ priority: "late" }, { delay: 1500 });
    queue.process(async (job) => { order.push(job.data.priority); return "done"; });
    await queue.resume();
    await until(() => order.length === 4, "the last job");
    deepEqual(order, [1, 2, 3, "late"]);
    await until(async () => (await queue.getJobCounts()).completed === 4, "the count");
});

check("Bull tries again", async () => {
    const queue = new Bull("bull again", { redis });
    made.push(queue);
    let tries = 0;
    queue.process(async () => {
        tries += 1;
        if (tries < 3) {
            throw new Error("not yet");
        }
        return tries;
    });
    const job = await queue.add({}, { attempts: 3, backoff: 5 });
    equal(await job.finished(), 3);
});

check("Bee-Queue does jobs and tells the one who asked", async () => {
    const queue = new BeeQueue("bee", { redis, activateDelayedJobs: true });
    made.push(queue);
    queue.process(5, async (job) => job.data.x + 1);
    const results = [];
    const jobs = await Promise.all(Array.from({ length: 50 }, async (_, x) => {
        const job = queue.createJob({ x });
        job.on("succeeded", (result) => results.push(result));
        return job.save();
    }));
    equal(jobs.length, 50);
    await until(() => results.length === 50, "the last job");
    deepEqual(results.sort((a, b) => a - b), Array.from({ length: 50 }, (_, x) => x + 1));
    const late = queue.createJob({ x: 0 }).delayUntil(Date.now() + 100).retries(1);
    late.on("succeeded", (result) => results.push(`late ${result}`));
    await late.save();
    await until(() => results.includes("late 1"), "the delayed job");
    equal((await queue.checkHealth()).succeeded, 51);
});

run();
