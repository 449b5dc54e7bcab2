// The page: asks the server as often as it publishes, and puts what it says in its places. Nothing
// is asked while the page is hidden or paused.

import * as text from "./text.js";
import { Heap, Census } from "./heap.js";
import { HeapMap } from "./map.js";
import { Curves } from "./curves.js";

const CALM_MS = 1000;
const BUSY_MS = 400; // while spans are emptied
const STILL_MS = 2000; // for who asked for less motion
const ASK_MS = 15000; // a reply takes no longer
const AGAIN_MAX_MS = 8000;
const UNSEEN_MS = 5000; // after such a pause the server is asked what was meanwhile

const at = (id) => document.getElementById(id);
const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");

const heap = new Heap();
const census = new Census();
const curves = new Curves(at("curves"));
const map = new HeapMap(at("map"), at("ramp"), (facts, aloud) => {
  text.put(at("facts"), facts || "Point at a span, or go there with the arrow keys.");
  if (aloud) text.put(at("facts-said"), facts);
});

let before; // the last state
let seen; // when something was seen last, by the server's clock; undefined: the past is to be asked for
let timer;
let failures = 0;
let paused = false;
let asking = false;

// --- asking -------------------------------------------------------------------------------------

function say(state, words) {
  const place = at("status");
  place.dataset.state = state;
  text.put(place, words);
}

async function ask(path) {
  const reply = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(ASK_MS) });
  if (reply.status === 401) throw new Error("a password is asked for; load the page anew");
  if (!reply.ok) throw new Error(`it answers ${reply.status}`);
  return reply;
}

async function renew() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const [state, picture] = await Promise.all([
      ask("/api/state.json").then((reply) => reply.json()),
      ask(`/api/heap?since=${heap.since}`).then((reply) => reply.arrayBuffer()),
    ]);
    const start = heap.start;
    const changed = heap.take(picture);
    if (start !== undefined && heap.start !== start) startAnew();
    const past = seen === undefined || state.edition.time_ms - seen > UNSEEN_MS;
    if (past) curves.begin(pastOf(await ask("/api/history").then((reply) => reply.json())));
    seen = state.edition.time_ms;
    show(state, changed);
    failures = 0;
    if (!paused) say("live", "Live");
    later(pace(state));
  } catch (error) {
    failures++;
    const wait = Math.min(AGAIN_MAX_MS, 500 * 2 ** failures);
    const why = error.name === "TimeoutError" ? "it takes too long" : error instanceof TypeError ? "no connection" : error.message;
    say("gone", `The server does not answer (${why}). Trying again.`);
    later(wait);
  } finally {
    asking = false;
  }
}

function pace(state) {
  if (lessMotion.matches) return STILL_MS;
  return state.figures.Snug?.snug_defrag_running || census.draining > 0 ? BUSY_MS : CALM_MS;
}

function later(milliseconds) {
  clearTimeout(timer);
  if (!paused && document.visibilityState === "visible") timer = setTimeout(renew, milliseconds);
}

// Another life of the server: what was seen of the one before is not its history.
function startAnew() {
  before = seen = undefined;
  later(0);
}

// --- what a state says --------------------------------------------------------------------------

// All figures of INFO under one roof; later sections do not repeat names of earlier ones.
function figuresOf(state) {
  const { Commandstats, Errorstats, Latencystats, Keyspace, ...sections } = state.figures;
  return Object.assign({}, ...Object.values(sections));
}

function keysOf(state) {
  return Object.values(state.figures.Keyspace ?? {}).reduce((sum, words) => sum + (Number(/^keys=(\d+)/.exec(words)?.[1]) || 0), 0);
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

// Of the commands that ran between two states: their mean, and the time within which so many of
// them were done, by the ceilings of the server's histogram.
function latencyBetween(older, newer) {
  const total = (state) => ({ calls: sum(state.commands.map((one) => one.calls)), usec: sum(state.commands.map((one) => one.usec)) });
  const [from, to] = [total(older), total(newer)];
  const calls = to.calls - from.calls;
  if (calls <= 0) return { mean: undefined, p99: undefined };
  return { mean: Math.max(0, to.usec - from.usec) / calls, p99: percentile(older.latency, newer.latency, 0.99) };
}

function percentile(older, newer, share) {
  if (!older || !newer) return undefined;
  const all = newer.count - older.count;
  if (all <= 0) return undefined;
  const found = newer.within.findIndex((within, index) => within - older.within[index] >= share * all);
  return found < 0 ? undefined : newer.ceilings_us[found];
}

function sampleOf(state, figures) {
  const sample = {
    time: state.edition.time_ms, resident: figures.used_memory_rss, used: figures.used_memory,
    committed: figures.held_memory ?? figures.snug_heap_committed, ratio: figures.mem_fragmentation_ratio,
    heapRatio: figures.snug_heap_allocated > 0 ? figures.snug_heap_active / figures.snug_heap_allocated : undefined,
  };
  const seconds = before && state.edition.time_ms - before.state.edition.time_ms < UNSEEN_MS ? (state.edition.time_ms - before.state.edition.time_ms) / 1000 : 0;
  if (seconds <= 0) return { ...curves.last(), ...sample, span: undefined }; // rates are of two pictures: until then, as they were
  const rate = (name) => Math.max(0, figures[name] - before.figures[name]) / seconds;
  return {
    ...sample, moverCpu: rate("snug_defrag_cpu_us") / 1e6, operations: rate("total_commands_processed"),
    moved: rate("snug_heap_moved_bytes"), returned: rate("snug_heap_returned"), ...latencyBetween(before.state, state),
  };
}

// The samples that the server kept, as sampleOf makes them.
function pastOf({ columns, samples }) {
  return samples.map((row) => {
    const one = Object.fromEntries(columns.map((name, at) => [name, row[at]]));
    const rate = (value) => value / (one.interval_ms / 1000);
    return {
      time: one.time_ms, span: one.interval_ms, resident: one.resident, used: one.used, committed: one.committed,
      ratio: one.resident / one.used, heapRatio: one.allocated > 0 ? one.active / one.allocated : undefined,
      moverCpu: rate(one.mover_us) / 1e6, operations: rate(one.commands), moved: rate(one.moved), returned: rate(one.returned),
      mean: one.mean_ns === null ? undefined : one.mean_ns / 1000, p99: one.p99_us ?? undefined,
    };
  });
}

function show(state, changed) {
  const fresh = !before || state.edition.number !== before.state.edition.number;
  const figures = figuresOf(state);
  if (changed || !map.heap) census.take(heap);
  if (changed || fresh || !map.heap) showMap(state, changed);
  if (!fresh) return;
  const sample = sampleOf(state, figures);
  showHead(state, figures);
  showTiles(state, figures, sample);
  showLanes(state);
  showReclaim(state, figures);
  showParts(figures);
  showDoctor(state.doctor);
  showBiggest(state.biggest);
  curves.add(sample);
  before = { state, figures };
}

function showHead(state, figures) {
  const port = figures.tcp_port ? `port ${figures.tcp_port}, ` : "";
  text.put(at("server"), `${figures.snug_version ?? ""} · ${port}up ${text.duration(figures.uptime_in_seconds)}`);
  text.put(at("foot"), `Edition ${text.count(state.edition.number)}, made by the server in ${text.microseconds(state.edition.cost_us)}.`);
}

function showTiles(state, figures, sample) {
  const limit = figures.maxmemory > 0 ? `of ${text.bytes(figures.maxmemory)} at most` : `of ${text.bytes(figures.snug_system_limit)} in all`;
  text.fillTerms(at("tiles"), [
    ["Resident", text.bytes(figures.used_memory_rss), limit],
    ["Used", text.bytes(figures.used_memory), `${text.bytes(figures.used_memory_peak)} at its peak`],
    ["Fragmentation", text.ratio(figures.mem_fragmentation_ratio), "resident to used"],
    ["Reclaimable", text.bytes(figures.snug_heap_reclaimable), "by moving"],
    ["Mover", moverWord(figures), Number.isFinite(sample.moverCpu) ? `${text.percent(sample.moverCpu)} of one CPU` : ""],
    ["Operations", Number.isFinite(sample.operations) ? `${text.short(sample.operations)}/s` : "–", `${text.count(figures.connected_clients)} ${figures.connected_clients === 1 ? "client" : "clients"}`],
    ["Latency", text.microseconds(sample.p99 ?? sample.mean), sample.mean === undefined ? "no commands" : sample.p99 === undefined ? "mean" : "99 of 100 within"],
    ["Keys", text.short(keysOf(state)), `${text.count(figures.evicted_keys)} evicted`],
  ]);
}

const MOVER_WORDS = { "disabled": "off", "running": "running", "healed": "healed", "below-ignore-bytes": "at rest",
  "below-threshold": "at rest", "nothing-left": "at rest" };

function moverWord(figures) {
  return MOVER_WORDS[figures.snug_defrag_reason] ?? String(figures.snug_defrag_reason ?? "–");
}

function showMap(state, changed) {
  const { kinds, classes, lanes } = state.heap;
  const byGroup = new Map(lanes.map((lane) => [(lane.kind << 9) | lane.class, lane]));
  map.update(heap, census, { kinds, classes, lanes: byGroup }, changed);
  const figures = state.figures.Snug ?? {};
  if (heap.rows === 0) return text.put(at("map-sum"), heap.since > 1 ? "no data yet: there are no spans" : "the server looks at its spans for the first time");
  const parts = [`${text.count(census.total)} ${census.total === 1 ? "span" : "spans"}`];
  if (census.draining) parts.push(`${text.count(census.draining)} being emptied`);
  if (census.pinned) parts.push(`${text.count(census.pinned)} cannot be emptied`);
  if (census.cached) parts.push(`${text.bytes(census.cachedRows * 65536)} free and kept`);
  if (figures.snug_heap_runs) parts.push(`${text.count(figures.snug_heap_runs)} large blocks (${text.bytes(figures.snug_heap_run_bytes)}) are not drawn`);
  text.put(at("map-sum"), parts.join(" · "));
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const each = map.shift > 0 ? ` · a cell is ${text.count(2 ** map.shift)} ${map.order === "heap" ? "times 64 KiB" : "spans"}` : "";
    if (each) text.put(at("map-sum"), parts.join(" · ") + each);
  }));
}

function showLanes(state) {
  const { lanes, kinds } = state.heap;
  const sorted = [...lanes].sort((a, b) => b.reclaimable - a.reclaimable || b.spans - a.spans).slice(0, 400);
  text.put(at("lanes-caption"), `${text.count(lanes.length)} size classes and kinds, by what moving would give back`);
  if (!at("lanes-details").open) return;
  text.fillRows(at("lanes").tBodies[0], sorted.map((lane) => [
    kinds[lane.kind] ?? String(lane.kind), text.bytes(lane.cell_bytes), text.count(lane.spans), text.count(lane.live),
    text.percent(lane.live / (lane.live + lane.free_cells || 1)), text.bytes(lane.free_cells * lane.cell_bytes),
    text.bytes(lane.reclaimable), text.bytes(lane.move_bytes), text.count(lane.draining),
  ]), [false, true, true, true, true, true, true, true, true]);
}

function showReclaim(state, figures) {
  const reclaimable = figures.snug_heap_reclaimable;
  const copy = sum(state.heap.lanes.map((lane) => lane.move_bytes));
  const measured = figures.snug_heap_moved_bytes > 1 << 20 && figures.snug_defrag_cpu_us > 0;
  const rate = measured ? figures.snug_heap_moved_bytes / (figures.snug_defrag_cpu_us / 1e6) : undefined;
  const cost = measured ? `, some ${text.microseconds((copy / rate) * 1e6)} of one CPU as it went so far` : "";
  const words = reclaimable < 65536 ? "Nothing worth moving: every hole is too small a part of its spans."
    : `${text.bytes(reclaimable)} would come back for ${text.bytes(copy)} to copy${cost}.`;
  text.put(at("reclaim"), `${words} ${figures.snug_defrag_enabled ? "Defragmentation is on." : "Defragmentation is off: CONFIG SET activedefrag yes."}`);
  const slices = state.mover.slice_us;
  text.fillTerms(at("reclaim-facts"), [
    ["Given back so far", text.bytes(figures.snug_heap_returned), `${text.count(figures.snug_heap_drained_spans)} spans emptied`],
    ["Copied so far", text.bytes(figures.snug_heap_moved_bytes), `${text.short(figures.snug_heap_moved_blocks)} blocks`],
    ["CPU so far", text.microseconds(figures.snug_defrag_cpu_us), measured ? `${text.bytes(rate)} copied a second` : ""],
    ["Longest slice", text.microseconds(figures.snug_defrag_slice_max_us), `${text.short(slices.count)} slices, ${text.microseconds(slices.count ? slices.total_us / slices.count : 0)} each`],
  ]);
}

// "resident_heap_free_cells" is "heap: free cells".
function partName(name) {
  return name.slice("resident_".length).replaceAll("_", " ").replace(/^(data|heap|clients|malloc|log) /, "$1: ");
}

const PART_LEAST = 0.002; // of what is resident; smaller ones are told as one

// INFO cuts the resident set into parts that add up to it: resident_data_strings, ...
function showParts(figures) {
  const parts = Object.entries(figures).filter(([name, value]) => /^resident_/.test(name) && Number.isFinite(value))
    .map(([name, value]) => ({ name: partName(name), value }));
  const whole = sum(parts.map((part) => part.value));
  at("parts-title").parentElement.parentElement.hidden = parts.length === 0;
  const large = parts.filter((part) => Math.abs(part.value) >= PART_LEAST * whole).sort((a, b) => b.value - a.value);
  const rest = whole - sum(large.map((part) => part.value));
  if (large.length < parts.length) large.push({ name: `${parts.length - large.length} smaller parts`, value: rest });
  text.put(at("parts-sum"), `${text.bytes(whole)} in ${text.count(parts.length)} parts`);
  const rows = at("parts").tBodies[0];
  text.fillRows(rows, large.map(({ name, value }) => [name, text.bytes(value), text.percent(value / whole), ""]), [false, true, true, false]);
  large.forEach(({ value }, index) => {
    const cell = rows.rows[index].cells[3];
    const bar = cell.firstElementChild ?? cell.appendChild(text.make("span", undefined, "bar"));
    bar.style.width = `${Math.max(0, (100 * value) / large[0].value)}%`;
  });
}

function showDoctor(words) {
  const lines = words.split("\n").map((line) => line.trim()).filter(Boolean);
  const place = at("doctor");
  const kept = [...place.children].map((child) => child.textContent);
  const wanted = lines.map((line) => line.replace(/^\* /, ""));
  if (kept.length === wanted.length && kept.every((line, index) => line === wanted[index])) return;
  place.replaceChildren(...lines.map((line) => text.make("p", line.replace(/^\* /, ""), line.startsWith("* ") ? "finding" : "lead")));
}

function showBiggest(biggest) {
  text.put(at("biggest-sum"), biggest.rounds > 0 ? "every key was looked at, and is again" : `${text.count(biggest.visited)} keys looked at so far`);
  at("biggest-none").hidden = biggest.keys.length > 0 || biggest.rounds === 0;
  text.fillRows(at("biggest").tBodies[0], biggest.keys.map((key) => [
    { text: key.cut ? `${key.name}… (${text.bytes(key.name_bytes)})` : key.name === "" ? "(empty name)" : key.name, title: key.name },
    text.bytes(key.bytes), `${key.type} (${key.encoding})`, text.count(key.elements), text.count(key.db),
  ]), [false, true, false, true, true]);
}

// --- buttons and keys ---------------------------------------------------------------------------

function pause(wanted) {
  paused = wanted;
  at("pause").setAttribute("aria-pressed", String(paused));
  text.put(at("pause"), paused ? "Go on" : "Pause");
  if (paused) {
    clearTimeout(timer);
    say("paused", "Paused");
  } else renew();
}

const THEMES = ["system", "light", "dark"];

function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // as above
  }
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  text.put(at("theme"), `Theme: ${theme}`);
  map.recolour();
  map.ask();
  curves.draw();
}

at("pause").addEventListener("click", () => pause(!paused));
at("theme").addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  keep("theme", next);
  dress(next);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dress(document.documentElement.dataset.theme));
at("order").addEventListener("change", () => {
  map.order = at("order").value;
  map.release();
  if (before) showMap(before.state, true);
});
at("span").addEventListener("change", () => curves.look(Number(at("span").value) * 60000));
at("lanes-details").addEventListener("toggle", () => before && showLanes(before.state));

function help() {
  const keys = at("keys");
  if (keys.open) keys.close();
  else keys.showModal();
}

at("help").addEventListener("click", help);
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !event.ctrlKey && !event.metaKey && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    help();
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !paused) renew();
  else clearTimeout(timer);
});

dress(THEMES.includes(kept("theme")) ? kept("theme") : "system");
renew();
