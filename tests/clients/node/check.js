// Named checks of one program, one after another. Each prints `ok NAME`, or `not ok NAME: why`;
// the port of the server stands in SNUG_PORT (tests/clients/programs.py).
"use strict";
const assert = require("node:assert/strict");

const CHECK_MS = 30000;
const checks = [];
const closers = [];

function check(name, body) {
    checks.push({ name, body });
}

// What ends a client, called when all checks are done: closing(() => client.quit()).
function closing(close) {
    closers.push(close);
}

function within(promise, what, milliseconds = CHECK_MS) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what} took too long`)), milliseconds);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Waits until `condition` is true; the step is short because nothing else tells.
async function until(condition, what) {
    const deadline = Date.now() + CHECK_MS;
    while (!(await condition())) {
        assert.ok(Date.now() < deadline, `${what} did not come`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

// The arguments of the next event of that name.
function next(emitter, event) {
    return within(new Promise((resolve) => {
        emitter.once(event, (...values) => resolve(values));
    }), `the event ${event}`);
}

function why(error) {
    return String((error && error.stack) || error).split("\n").slice(0, 8).join(" | ");
}

async function run() {
    for (const { name, body } of checks) {
        try {
            await within(body(), "it");
            console.log(`ok ${name}`);
        } catch (error) {
            console.log(`not ok ${name}: ${why(error)}`);
        }
    }
    for (const close of closers.reverse()) {
        await within(Promise.resolve().then(close), "closing", 3000).catch(() => {});
    }
    process.exit(0);
}

// A client without a listener for errors would end the program with no word of which check it was.
process.on("unhandledRejection", (error) => console.error(`unhandled: ${why(error)}`));

const port = Number(process.env.SNUG_PORT);
const url = `redis://127.0.0.1:${port}`;

module.exports = { assert, check, closing, next, port, run, until, url, within };
