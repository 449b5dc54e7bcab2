// Curves of the last minutes or of an hour: what the server kept of before, then what was seen.
// Small charts, one scale each. Lines differ by their dashes as well as by colour, and what they
// are now stands beside them.

import * as text from "./text.js";

const KEPT_MS = 60 * 60 * 1000;
const CLOSE_MS = 5 * 60 * 1000; // for so long every sample is kept, and then one each so often:
const STEP_MS = 10 * 1000;
const WINDOW_LEAST_MS = 60 * 1000;
const GAP_MS = 10 * 1000; // a line is not drawn over what was not seen
const DASHES = [[], [5, 3], [1.5, 2.5]];

const CHARTS = [
  { name: "Memory", unit: text.bytes, step: 1024, lines: [["resident", "resident"], ["committed", "committed"], ["used", "used"]] },
  { name: "Fragmentation", unit: text.ratio, from: 1, lines: [["resident to used", "ratio"], ["heap pages to blocks", "heapRatio"]] },
  { name: "CPU of the mover", unit: text.percent, least: 0.05, lines: [["of one CPU", "moverCpu"]] },
  { name: "Moved", unit: (value) => `${text.bytes(value)}/s`, step: 1024, least: 1 << 20, lines: [["copied", "moved"], ["given back", "returned"]] },
  { name: "Operations", unit: (value) => `${text.short(value)}/s`, least: 10, lines: [["commands", "operations"]] },
  { name: "Latency of commands", unit: text.microseconds, least: 10, lines: [["99 of 100 within", "p99"], ["mean", "mean"]] },
];

function niceTop(value, step) {
  if (!(value > 0)) return 1;
  const base = step === 1024 ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
  const rest = value / base;
  const ten = 10 ** Math.floor(Math.log10(rest));
  const nice = [1, 2, 3, 4, 6, 8, 10].find((one) => one * ten >= rest) ?? 10;
  return nice * ten * base;
}

export class Curves {
  constructor(place) {
    this.samples = [];
    this.windowMs = 10 * 60 * 1000;
    this.charts = CHARTS.map((chart) => this.make(place, chart));
    new ResizeObserver(() => this.draw()).observe(place);
  }

  make(place, chart) {
    const figure = text.make("figure");
    const caption = text.make("figcaption");
    caption.append(text.make("strong", chart.name));
    const values = chart.lines.map(([name], at) => {
      const line = text.make("span", undefined, "line", `line-${at}`);
      const value = text.make("b", "–");
      line.append(text.make("i"), text.make("span", name), value);
      caption.append(line);
      return value;
    });
    const canvas = text.make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", chart.name);
    figure.append(caption, canvas);
    place.append(figure);
    return { ...chart, canvas, values };
  }

  // What was until now, instead of all that is known.
  begin(samples) {
    this.samples = samples;
    this.thinned = samples.at(-1)?.time;
  }

  last() {
    return this.samples.at(-1);
  }

  look(windowMs) {
    this.windowMs = windowMs;
    this.draw();
  }

  // Each minute, so that an hour is some 700 samples and no more.
  thin(now) {
    if (now - this.thinned < 60000) return;
    this.thinned = now;
    let kept = -Infinity;
    this.samples = this.samples.filter(({ time }) => {
      if (time < now - KEPT_MS || (time < now - CLOSE_MS && time - kept < STEP_MS)) return false;
      kept = time;
      return true;
    });
  }

  add(sample) {
    this.thinned ??= sample.time;
    while (this.samples.length > 0 && this.samples.at(-1).time >= sample.time) this.samples.pop(); // the clock was set back
    this.samples.push(sample);
    this.thin(sample.time);
    for (const chart of this.charts)
      chart.lines.forEach(([, key], at) => text.put(chart.values[at], Number.isFinite(sample[key]) ? chart.unit(sample[key]) : "–"));
    this.draw();
  }

  // For who cannot see them: from, to, least and most of the first line.
  describe(chart, seen) {
    const [name, key] = chart.lines[0];
    const values = seen.map((sample) => sample[key]).filter(Number.isFinite);
    if (values.length === 0) return `${chart.name}: nothing seen yet.`;
    const least = chart.unit(values.reduce((a, b) => Math.min(a, b)));
    const most = chart.unit(values.reduce((a, b) => Math.max(a, b)));
    return `${chart.name}, ${name}: now ${chart.unit(values.at(-1))}, between ${least} and ${most}.`;
  }

  draw() {
    if (this.asked || this.samples.length === 0) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      const now = this.samples.at(-1).time;
      const from = Math.min(now - WINDOW_LEAST_MS, Math.max(now - this.windowMs, this.samples[0].time));
      const seen = this.samples.filter((sample) => sample.time >= from);
      const style = getComputedStyle(document.documentElement);
      for (const chart of this.charts) {
        this.drawChart(chart, seen, from, now, style);
        chart.canvas.setAttribute("aria-label", this.describe(chart, seen));
      }
    });
  }

  topOf(chart, seen) {
    let most = chart.least ?? 0;
    for (const sample of seen)
      for (const [, key] of chart.lines) if (sample[key] > most) most = sample[key];
    const from = chart.from ?? 0;
    return from + niceTop((most - from) * 1.05 || 1, chart.step);
  }

  drawChart(chart, seen, from, now, style) {
    const { canvas } = chart;
    const scale = Math.min(3, window.devicePixelRatio || 1);
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (width === 0 || height === 0) return;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const low = chart.from ?? 0;
    const top = this.topOf(chart, seen);
    const x = (time) => ((time - from) / (now - from)) * (width - 2);
    const y = (value) => height - 14 - ((Math.max(value, low) - low) / (top - low)) * (height - 28);
    this.drawGrid(context, chart, { width, height, low, top, y, from, now, style });
    chart.lines.forEach(([, key], at) => {
      context.strokeStyle = style.getPropertyValue(`--line-${at}`);
      context.lineWidth = at === 0 ? 1.75 : 1.5;
      context.setLineDash(DASHES[at]);
      context.lineJoin = context.lineCap = "round";
      context.beginPath();
      let last = -Infinity;
      for (const sample of seen) {
        const there = Number.isFinite(sample[key]);
        if (there && sample.time - (sample.span ?? 0) - last > GAP_MS) context.moveTo(x(sample.time), y(sample[key]));
        if (there) context.lineTo(x(sample.time), y(sample[key])); // a lone one is a dot
        last = there ? sample.time : -Infinity;
      }
      context.stroke();
    });
  }

  drawGrid(context, chart, { width, height, low, top, y, from, now, style }) {
    context.font = `10px ${style.fontFamily}`;
    context.fillStyle = style.getPropertyValue("--quiet");
    context.strokeStyle = style.getPropertyValue("--rule");
    context.lineWidth = 1;
    for (const value of [low, (low + top) / 2, top]) {
      const line = Math.round(y(value)) + 0.5;
      context.beginPath();
      context.moveTo(0, line);
      context.lineTo(width, line);
      context.stroke();
      if (value !== low) {
        context.textBaseline = "bottom";
        context.fillText(chart.unit(value), 2, line - 1);
      }
    }
    context.textBaseline = "top";
    context.textAlign = "left";
    context.fillText(`${text.duration((now - from) / 1000)} ago`, 0, height - 11);
    context.textAlign = "right";
    context.fillText("now", width, height - 11);
    context.textAlign = "left";
  }
}
