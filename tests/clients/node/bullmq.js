// BullMQ 6: a worker that does a thousand jobs, of every kind, and flows of them.
"use strict";
const { FlowProducer, Queue, QueueEvents, Worker } = require("bullmq");
const { assert, check, closing, port, run, until, within } = require("./check");

const { equal, deepEqual } = assert;
const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
const made = [];
closing(() => Promise.all(made.map((one) => one.close(true))));

function keep(one) {
    one.on("error", (error) => console.error(String(error)));
    made.push(one);
    return one;
}

const queue = (name) => keep(new Queue(name, { connection }));
const worker = (name, body, options = {}) =>
    keep(new Worker(name, body, { connection, ...options }));

check("a thousand jobs", async () => {
    const jobs = queue("thousand");
    const results = new Set();
    const active = worker("thousand", async (job) => job.data.number * 2, { concurrency: 50 });
    active.on("completed", (job, result) => results.add(result));
    await jobs.addBulk(Array.from({ length: 1000 }, (_, number) =>
        ({ name: "double", data: { number } })));
    await until(() => results.size === 1000, "the last job");
    await until(async () => (await jobs.getCompletedCount()) === 1000, "the count");
    deepEqual([...results].sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => 2 * i));
    deepEqual(await jobs.getJobCounts("waiting", "active", "failed", "delayed"),
        { waiting: 0, active: 0, failed: 0, delayed: 0 });
});

check("delayed jobs", async () => {
    const jobs = queue("delayed");
    const order = [];
    worker("delayed", async (job) => { order.push([job.name, Date.now() - job.timestamp]); });
    await jobs.add("now", {});
    await jobs.add("late", {}, { delay: 1200 });
    await jobs.add("soon", {}, { delay: 200 });
    await until(() => order.length === 3, "the last job");
    deepEqual(order.map(([name]) => name), ["now", "soon", "late"]);
    assert.ok(order[1][1] >= 200 && order[2][1] >= 1200, JSON.stringify(order));
});

check("retried jobs", async () => {
    const jobs = queue("retried");
    const events = keep(new QueueEvents("retried", { connection }));
    await events.waitUntilReady();
    let tries = 0;
    worker("retried", async () => {
        tries += 1;
        if (tries < 3) {
            throw new Error("not yet");
        }
        return "at last";
    });
    const job = await jobs.add("stubborn", {}, {
        attempts: 5, backoff: { type: "exponential", delay: 10 } });
    equal(await within(job.waitUntilFinished(events), "the job"), "at last");
    equal(tries, 3);
    equal((await jobs.getJob(job.id)).attemptsMade, 3);
});

check("failed jobs", async () => {
    const jobs = queue("failing");
    const events = keep(new QueueEvents("failing", { connection }));
    await events.waitUntilReady();
    worker("failing", async () => { throw new Error("never"); });
    const job = await jobs.add("hopeless", {});
    await assert.rejects(within(job.waitUntilFinished(events), "the job"), /never/);
    equal(await jobs.getFailedCount(), 1);
    const [failed] = await jobs.getFailed();
    equal(failed.failedReason, "never");
});

check("jobs by priority", async () => {
    const jobs = queue("prioritised");
    const order = [];
    const priorities = [5, 1, 9, 3, 7, 2, 8, 4, 6, 10];
    await jobs.addBulk(priorities.map((priority) =>
        ({ name: "p", data: { priority }, opts: { priority } })));
    worker("prioritised", async (job) => { order.push(job.data.priority); });
    await until(() => order.length === priorities.length, "the last job");
    deepEqual(order, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

check("repeated jobs", async () => {
    const jobs = queue("repeated");
    let runs = 0;
    worker("repeated", async () => { runs += 1; });
    await jobs.upsertJobScheduler("tick", { every: 60 }, { name: "tock", data: { a: 1 } });
    await until(() => runs >= 3, "the third run");
    equal((await jobs.getJobSchedulers())[0].key, "tick");
    assert.ok(await jobs.removeJobScheduler("tick"));
    equal(await jobs.getJobSchedulersCount(), 0);
});

check("a flow: a parent waits for its children", async () => {
    const flows = keep(new FlowProducer({ connection }));
    const events = keep(new QueueEvents("parents", { connection }));
    await events.waitUntilReady();
    worker("children", async (job) => job.data.number * 10, { concurrency: 3 });
    worker("parents", async (job) =>
        Object.values(await job.getChildrenValues()).reduce((sum, value) => sum + value, 0));
    const tree = await flows.add({
        name: "sum", queueName: "parents", data: {},
        children: [1, 2, 3].map((number) =>
            ({ name: "part", queueName: "children", data: { number } })),
    });
    equal(await within(tree.job.waitUntilFinished(events), "the parent"), 60);
});

check("progress and logs", async () => {
    const jobs = queue("progress");
    const events = keep(new QueueEvents("progress", { connection }));
    await events.waitUntilReady();
    const seen = [];
    events.on("progress", ({ data }) => seen.push(data));
    worker("progress", async (job) => {
        await job.updateProgress(50);
        await job.log("half");
        return "done";
    });
    const job = await jobs.add("long", {});
    await within(job.waitUntilFinished(events), "the job");
    await until(() => seen.length === 1, "the event");
    deepEqual(seen, [50]);
    deepEqual((await jobs.getJobLogs(job.id)).logs, ["half"]);
});

check("limited in rate, paused, emptied", async () => {
    const jobs = queue("limited");
    const times = [];
    const active = worker("limited", async () => { times.push(Date.now()); },
        { limiter: { max: 2, duration: 100 } });
    await jobs.addBulk(Array.from({ length: 6 }, () => ({ name: "l", data: {} })));
    await until(() => times.length === 6, "the last job");
    assert.ok(times[5] - times[0] >= 150, `${times[5] - times[0]} ms`);
    await active.close();
    await jobs.pause();
    equal(await jobs.isPaused(), true);
    await jobs.add("waits", {});
    const { paused, waiting } = await jobs.getJobCounts("paused", "waiting");
    equal(paused + waiting, 1);
    await jobs.resume();
    await jobs.drain();
    equal((await jobs.getJobCounts("waiting")).waiting, 0);
    await jobs.obliterate({ force: true });
    equal(await jobs.getCompletedCount(), 0);
});

check("the same job only once", async () => {
    const jobs = queue("once");
    const [first, second] = [await jobs.add("a", { n: 1 }, { jobId: "mine" }),
        await jobs.add("a", { n: 2 }, { jobId: "mine" })];
    equal(first.id, second.id);
    equal(await jobs.getWaitingCount(), 1);
    const kept = await jobs.add("b", {}, { deduplication: { id: "d" } });
    const again = await jobs.add("b", {}, { deduplication: { id: "d" } });
    equal(kept.id, again.id);
});

run();
