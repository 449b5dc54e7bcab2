"use strict";

// A browser that is driven line by line: a request as JSON on standard input, its answer on standard
// output. What goes wrong in the page, and every address it asks, is kept for `seen`.

const readline = require("node:readline");
const { chromium } = require("playwright-core");

const ACTION_MS = 20000;

let browser, page;
const seen = { console: [], errors: [], addresses: [] };
const routed = new Map(); // path -> {body, type}, or the word "abort"

function watch(made) {
  made.setDefaultTimeout(ACTION_MS);
  made.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.console.push(message.text());
  });
  made.on("pageerror", (error) => seen.errors.push(error.stack ?? String(error)));
  made.on("request", (request) => seen.addresses.push(request.url()));
}

const actions = {
  async open({ url, width = 1280, height = 900, scheme = "light", credentials, motion = "no-preference", scale = 1, touch = false }) {
    browser ??= await chromium.launch({
      executablePath: process.env.SNUG_CHROMIUM,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"],
    });
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme, reducedMotion: motion, deviceScaleFactor: scale,
      hasTouch: touch, isMobile: touch, httpCredentials: credentials, serviceWorkers: "block",
    });
    page = await context.newPage();
    watch(page);
    await page.route("**/api/**", async (route) => {
      const answer = routed.get(new URL(route.request().url()).pathname);
      if (!answer) return route.continue();
      if (answer === "abort") return route.abort();
      return route.fulfill({ status: 200, contentType: answer.type, body: answer.body });
    });
    const reply = await page.goto(url);
    return reply.status();
  },
  // The body of a path under /api, as base64; null: the server's own again.
  async route({ path, body, type = "application/octet-stream" }) {
    if (body === null) routed.delete(path);
    else routed.set(path, body === "abort" ? body : { type, body: Buffer.from(body, "base64") });
  },
  evaluate: ({ script }) => page.evaluate(script),
  // Asked again and again from outside, since the page lets nobody evaluate texts in it.
  async wait({ script, milliseconds = ACTION_MS }) {
    for (const end = Date.now() + milliseconds; Date.now() < end; ) {
      const found = await page.evaluate(script).catch(() => false);
      if (found) return found;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`not so within ${milliseconds} ms`);
  },
  press: ({ key }) => page.keyboard.press(key),
  click: ({ selector }) => page.click(selector),
  select: ({ selector, value }) => page.selectOption(selector, value),
  hover: ({ x, y }) => page.mouse.move(x, y),
  tree: ({ selector }) => page.locator(selector).ariaSnapshot(),
  screenshot: ({ path, whole = false }) => page.screenshot({ path, fullPage: whole }),
  seen: async () => {
    const taken = structuredClone(seen);
    for (const list of Object.values(seen)) list.length = 0;
    return taken;
  },
  close: () => browser?.close(),
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { action, ...rest } = JSON.parse(line);
    let answer;
    try {
      answer = { value: (await actions[action](rest)) ?? null };
    } catch (error) {
      answer = { error: String(error.message ?? error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await browser?.close();
}

main();
