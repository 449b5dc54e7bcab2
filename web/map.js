// The map: strips of cells, one strip for each size class of each kind, one cell for each span, or
// for 2, 4, 8... of them where there are more than the place can show. What is drawn is bounded by
// the place, what is counted is linear in the spans: 1.6 million of them, 100 GB, take some 20 ms.

import * as text from "./text.js";
import { State, STATE_WORDS, ROW_BYTES, groupOf, orderOf, stateOf, heldOf } from "./heap.js";

const PITCHES = [13, 11, 9, 8, 7, 6, 5, 4]; // of cells, in CSS pixels
const LABEL_LINE = 13;
const KIND_LINE = 22;
const STRIP_GAP = 3;
const COLUMN_GAP = 20;
const SHIFT_MAX = 27;
const FREE_GROUP = -1; // free spans that keep their memory
const HEAP_GROUP = -2; // all of the heap, in the order of addresses
const Flag = { DRAINING: 1, PINNED: 2, KEPT: 4, NONE: 8 };
const FLAG_OF_STATE = Uint8Array.from({ length: 8 }, (_, state) =>
  ({ [State.CACHED]: Flag.KEPT, [State.DRAINING]: Flag.DRAINING, [State.PINNED]: Flag.PINNED })[state] ?? 0);

// --- colours: evenly spaced in OKLab, by lightness first, so that they differ without hue --------

function oklab([lightness, chroma, hue]) {
  const turn = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(turn), chroma * Math.sin(turn)];
}

function channel(value) {
  const sure = Math.min(1, Math.max(0, value));
  return Math.round(255 * (sure <= 0.0031308 ? 12.92 * sure : 1.055 * sure ** (1 / 2.4) - 0.055));
}

function packed(red, green, blue) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function fromOklab([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return packed(channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    channel(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s));
}

// Lightness falls evenly from empty to full while the hue turns, from yellow by green to blue.
function rampBetween(empty, full) {
  return Uint32Array.from({ length: 256 }, (_, at) =>
    fromOklab(oklab(empty.map((value, axis) => value + ((full[axis] - value) * at) / 255))));
}

function cssColour(word) {
  return `rgb(${word & 255} ${(word >>> 8) & 255} ${(word >>> 16) & 255})`;
}

function coloursOf(element) {
  const style = getComputedStyle(element);
  const triple = (name) => style.getPropertyValue(name).trim().split(/\s+/).map(Number);
  const one = (name) => fromOklab(oklab(triple(name)));
  return {
    ramp: rampBetween(triple("--ramp-empty"), triple("--ramp-full")),
    draining: one("--map-draining"), pinned: one("--map-pinned"), kept: one("--map-kept"),
    ground: one("--map-ground"), text: cssColour(one("--map-text")), quiet: cssColour(one("--map-quiet")),
    chosen: one("--map-chosen"), font: style.fontFamily,
  };
}

// --- the map ------------------------------------------------------------------------------------

export class HeapMap {
  // `say(text, aloud)` is told of the span that is pointed at or gone to.
  constructor(canvas, ramp, say) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.rampCanvas = ramp;
    this.say = say;
    this.order = "place";
    this.strips = [];
    this.names = { kinds: [], classes: [], lanes: new Map() };
    this.chosen = undefined;
    this.pitch = 0;
    this.recolour();
    this.listen();
  }

  recolour() {
    this.colours = coloursOf(document.documentElement);
    const picture = new ImageData(256, 12);
    const pixels = new Uint32Array(picture.data.buffer);
    for (let at = 0; at < pixels.length; at++) pixels[at] = this.colours.ramp[at % 256];
    this.rampCanvas.getContext("2d").putImageData(picture, 0, 0);
  }

  // What the page knows now; drawn anew only where spans have changed.
  update(heap, census, names, changed) {
    const first = !this.heap;
    this.heap = heap;
    this.census = census;
    this.names = names;
    if (changed || first) this.ask();
  }

  // Draws with the next frame, once, however often it is asked.
  ask() {
    if (this.asked || !this.heap) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  draw() {
    const begun = performance.now();
    this.lay();
    this.count();
    this.paint();
    this.letter();
    const shown = this.canvas.dataset;
    shown.spans = this.census.total;
    shown.cells = this.cells;
    shown.perCell = 2 ** this.shift;
    shown.milliseconds = (performance.now() - begun).toFixed(1);
    shown.drawn = Number(shown.drawn ?? 0) + 1;
  }

  // --- where things are -------------------------------------------------------------------------

  // Neighbouring classes of few spans share a strip, so that many of them do not hide the rest.
  wantedStrips() {
    if (this.order === "heap")
      return [{ groups: [HEAP_GROUP], group: HEAP_GROUP, kind: HEAP_GROUP, spans: this.heap.rows }];
    const strips = [];
    const few = Math.max(12, this.census.total / 200);
    for (const group of this.census.groups()) {
      const spans = this.census.spans[group];
      const last = strips.at(-1);
      const joins = last && last.few && spans < few && last.spans + spans < 5 * few && last.kind === group >>> 9;
      if (joins) {
        last.groups.push(group);
        last.spans += spans;
      } else strips.push({ groups: [group], kind: group >>> 9, spans, few: spans < few });
    }
    if (this.census.cached > 0) strips.push({ groups: [FREE_GROUP], spans: this.census.cached });
    return strips.map((strip) => ({ ...strip, group: strip.groups[0], kind: strip.kind ?? strip.groups[0] }));
  }

  // The height that strips take in so many columns, with a pitch and 2^shift spans in a cell; sets
  // their places. A column ends where it holds its share.
  place(strips, pitch, shift, columns) {
    const { scale, gutter } = this;
    const wide = Math.floor((this.width - (columns - 1) * COLUMN_GAP * scale) / columns);
    const line = Math.max(1, Math.floor((wide - gutter) / pitch));
    let all = 0;
    strips.forEach((strip, at) => {
      strip.cells = Math.ceil(strip.spans / 2 ** shift);
      strip.lines = Math.ceil(strip.cells / line);
      strip.height = Math.max(LABEL_LINE * scale, strip.lines * pitch) + STRIP_GAP * scale;
      strip.heads = at === 0 || strip.kind !== strips[at - 1].kind;
      strip.continues = false;
      all += strip.height + (strip.heads ? KIND_LINE * scale : 0);
    });
    let column = 0;
    let top = 0;
    let most = 0;
    for (const strip of strips) {
      const height = strip.height + (strip.heads ? KIND_LINE * scale : 0);
      if (column < columns - 1 && top > 0 && top + height / 2 > all / columns) {
        column++;
        top = 0;
        strip.continues = !strip.heads;
        strip.heads = true;
      }
      if (strip.heads) top += KIND_LINE * scale;
      strip.top = top;
      strip.left = column * (wide + Math.round(COLUMN_GAP * scale));
      top += strip.height;
      most = Math.max(most, top);
    }
    this.line = line;
    return most;
  }

  // As many columns as make the map lowest; those of the last time where they are nearly as good.
  columnsFor(strips, pitch, shift) {
    const most = Math.max(1, Math.min(4, Math.floor(this.width / this.scale / 300)));
    let best = { columns: 1, height: Infinity };
    for (let columns = 1; columns <= most; columns++) {
      const height = this.place(strips, pitch, shift, columns) * (columns === this.columns ? 0.85 : 1);
      if (height < best.height) best = { columns, height };
    }
    best.height = this.place(strips, pitch, shift, best.columns);
    return best;
  }

  lay() {
    const place = this.canvas.parentElement;
    this.scale = Math.min(3, Math.max(1, window.devicePixelRatio || 1));
    this.width = Math.max(1, Math.round(place.clientWidth * this.scale));
    const narrow = place.clientWidth < 520;
    this.gutter = Math.round(64 * this.scale);
    const strips = this.wantedStrips();
    const least = (strips.length * (LABEL_LINE + STRIP_GAP) + 8 * KIND_LINE) / Math.max(1, Math.floor(place.clientWidth / 300));
    const most = Math.max(narrow ? 460 : 520, least * 1.25) * this.scale;
    const pitches = PITCHES.map((pitch) => Math.round(pitch * this.scale));
    let shift = 0;
    let laid;
    let pitch = pitches.find((one) => {
      laid = this.columnsFor(strips, one, 0);
      return laid.height <= most * (one > this.pitch ? 0.85 : 1);
    });
    for (pitch ??= pitches.at(-1); laid.height > most && shift < SHIFT_MAX; )
      laid = this.columnsFor(strips, pitch, ++shift);
    this.pitch = pitch;
    this.shift = shift;
    this.columns = laid.columns;
    const step = 40 * this.scale;
    this.height = Math.max(1, Math.ceil(laid.height / step) * step);
    this.strips = strips;
    this.cells = 0;
    for (const strip of strips) {
      strip.first = this.cells;
      this.cells += strip.cells;
    }
  }

  // --- what cells hold --------------------------------------------------------------------------

  count() {
    this.sum = new Float64Array(this.cells);
    this.members = new Uint32Array(this.cells);
    this.flags = new Uint8Array(this.cells);
    this.row = new Uint32Array(this.cells);
    if (this.order === "heap") this.countHeap();
    else if (this.order === "full") this.countByFullness();
    else this.countByPlace();
  }

  numbersOfStrips() {
    const numbers = new Int32Array(4096).fill(-1);
    this.strips.forEach((strip, at) => {
      for (const group of strip.groups) if (group >= 0) numbers[group] = at;
    });
    return numbers;
  }

  // The loops over all rows take nothing from `this`: they are what a large heap costs.
  countByPlace() {
    const { words, rows } = this.heap;
    const { strips, shift, sum, members, flags, row: firstRow } = this;
    const numbers = this.numbersOfStrips();
    const places = Uint32Array.from(strips, (strip) => strip.first);
    const seen = new Uint32Array(strips.length);
    const free = strips.at(-1)?.group === FREE_GROUP ? strips.length - 1 : -1;
    for (let row = 0; row < rows; row++) {
      const word = words[row];
      const state = (word >>> 23) & 7;
      if (state < State.CACHED) continue;
      const number = state === State.CACHED ? free : numbers[(word >>> 8) & 4095];
      if (number < 0) continue;
      const cell = places[number] + (seen[number]++ >>> shift);
      if (members[cell]++ === 0) firstRow[cell] = row;
      sum[cell] += word & 255;
      flags[cell] |= FLAG_OF_STATE[state];
    }
  }

  countByFullness() {
    const BINS = 258; // as full as 255 to 0, pinned, draining
    const { words, rows } = this.heap;
    const numbers = this.numbersOfStrips();
    const bins = new Uint32Array(this.strips.length * BINS);
    const rowOf = new Uint32Array(bins.length);
    for (let row = 0; row < rows; row++) {
      const word = words[row];
      const state = (word >>> 23) & 7;
      if (state < State.CURRENT || numbers[(word >>> 8) & 4095] < 0) continue;
      const bin = state === State.DRAINING ? 257 : state === State.PINNED ? 256 : 255 - (word & 255);
      const at = numbers[(word >>> 8) & 4095] * BINS + bin;
      if (bins[at]++ === 0) rowOf[at] = row;
    }
    this.strips.forEach((strip, number) => {
      if (strip.group === FREE_GROUP) {
        for (let cell = strip.first; cell < strip.first + strip.cells; cell++) {
          this.members[cell] = 1;
          this.flags[cell] = Flag.KEPT;
        }
        return;
      }
      let position = 0;
      for (let bin = 0; bin < BINS; bin++)
        position = this.spread(strip, position, bins[number * BINS + bin], bin, rowOf[number * BINS + bin]);
    });
  }

  // `spans` that are equally full go to the cells from a position on; answers the next position.
  spread(strip, position, spans, bin, row) {
    const flag = bin === 257 ? Flag.DRAINING : bin === 256 ? Flag.PINNED : 0;
    const full = bin < 256 ? 255 - bin : 0;
    for (let end = position + spans; position < end;) {
      const cell = strip.first + Math.floor(position / 2 ** this.shift);
      const here = Math.min(end, (Math.floor(position / 2 ** this.shift) + 1) * 2 ** this.shift) - position;
      if (this.members[cell] === 0) this.row[cell] = row;
      this.members[cell] += here;
      this.sum[cell] += here * full;
      this.flags[cell] |= flag;
      position += here;
    }
    return position;
  }

  countHeap() {
    const { words, rows } = this.heap;
    const { shift, sum, members, flags, row: firstRow } = this;
    let inside = 0;
    let word = 0;
    for (let row = 0; row < rows; row++) {
      if (words[row] !== 0) {
        word = words[row];
        inside = 1 << ((word >>> 20) & 7);
      }
      const state = inside-- > 0 ? (word >>> 23) & 7 : State.NONE;
      const cell = row >>> shift;
      if (state > State.CACHED) {
        if (members[cell]++ === 0) {
          firstRow[cell] = row;
          flags[cell] = 0; // what is free beside it is not drawn
        }
        sum[cell] += word & 255;
        flags[cell] |= FLAG_OF_STATE[state];
      } else if (members[cell] === 0) flags[cell] |= state === State.CACHED ? Flag.KEPT : Flag.NONE;
    }
  }

  // --- drawing ----------------------------------------------------------------------------------

  paint() {
    const { canvas, width, height } = this;
    if (canvas.width !== width || canvas.height !== height || !this.picture) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.height = `${height / this.scale}px`;
      this.picture = new ImageData(width, height);
      this.pixels = new Uint32Array(this.picture.data.buffer);
    }
    this.pixels.fill(this.colours.ground);
    for (const strip of this.strips)
      for (let cell = 0; cell < strip.cells; cell++) this.paintCell(strip, cell);
    const chosen = this.chosenCell();
    if (chosen) this.frame(chosen.strip, chosen.cell, this.colours.chosen, 2, 2);
    this.context.putImageData(this.picture, 0, 0);
  }

  cornerOf(strip, cell) {
    return [strip.left + this.gutter + (cell % this.line) * this.pitch, strip.top + Math.floor(cell / this.line) * this.pitch];
  }

  fill(left, top, side, colour) {
    for (let y = top; y < top + side && y < this.height; y++)
      this.pixels.fill(colour, y * this.width + left, y * this.width + Math.min(left + side, this.width));
  }

  // A frame so many CSS pixels thick, and so many outside the cell.
  frame(strip, cell, colour, thick, outside) {
    const [left, top] = this.cornerOf(strip, cell);
    const out = Math.round(outside * this.scale);
    const wide = Math.max(1, Math.round(thick * this.scale));
    const side = this.side() + 2 * out;
    const put = (x, y, w, h) => {
      for (let line = Math.max(0, y); line < y + h && line < this.height; line++)
        this.pixels.fill(colour, line * this.width + Math.max(0, x), line * this.width + Math.min(x + w, this.width));
    };
    put(left - out, top - out, side, wide);
    put(left - out, top - out + side - wide, side, wide);
    put(left - out, top - out, wide, side);
    put(left - out + side - wide, top - out, wide, side);
  }

  side() {
    return this.pitch - Math.max(1, Math.round(this.scale * (this.pitch >= 6 * this.scale ? 1 : 0.5)));
  }

  paintCell(strip, cell) {
    const at = strip.first + cell;
    const [left, top] = this.cornerOf(strip, cell);
    const side = this.side();
    const flags = this.flags[at];
    if (this.members[at] === 0 || flags & Flag.KEPT) {
      if (flags & Flag.KEPT) this.frame(strip, cell, this.colours.kept, 1, 0);
      return;
    }
    const full = Math.round(this.sum[at] / this.members[at]);
    this.fill(left, top, side, this.colours.ramp[full]);
    if (flags & Flag.DRAINING) {
      if (side < 5 * this.scale) this.fill(left, top, side, this.colours.draining);
      else this.frame(strip, cell, this.colours.draining, 2, 0);
    } else if (flags & Flag.PINNED) {
      const dot = Math.max(1, Math.round(side / 3));
      this.fill(left + ((side - dot) >> 1), top + ((side - dot) >> 1), dot, this.colours.pinned);
    }
  }

  letter() {
    const { context, scale, colours } = this;
    context.textBaseline = "top";
    for (const strip of this.strips) {
      if (strip.heads) {
        context.font = `600 ${12 * scale}px ${colours.font}`;
        context.fillStyle = colours.text;
        context.textAlign = "left";
        context.fillText(this.headOf(strip), strip.left, strip.top - (KIND_LINE - 6) * scale);
      }
      if (strip.group < 0) continue;
      context.font = `${10.5 * scale}px ${colours.font}`;
      context.fillStyle = colours.quiet;
      context.textAlign = "right";
      context.fillText(this.labelOf(strip), strip.left + this.gutter - 8 * scale, strip.top + scale);
    }
  }

  labelOf(strip) {
    const most = text.bytes(this.cellBytes(strip.groups.at(-1)));
    return strip.groups.length > 1 ? `≤ ${most}` : most;
  }

  headOf(strip) {
    if (strip.group === HEAP_GROUP) return `${text.count(this.census.total)} spans, by address`;
    if (strip.group === FREE_GROUP) return `free spans that keep their memory: ${text.count(strip.spans)}`;
    const { kind } = strip;
    if (strip.continues) return `${this.kindName(kind)}, continued`;
    let spans = 0;
    let full = 0;
    for (const other of this.strips) {
      if (other.kind !== kind) continue;
      spans += other.spans;
      for (const group of other.groups) full += this.census.fullness[group];
    }
    return `${this.kindName(kind)}: ${text.count(spans)} spans, ${text.percent(full / spans / 255)} full`;
  }

  kindName(kind) {
    return this.names.kinds[kind] ?? `kind ${kind}`;
  }

  cellBytes(group) {
    return this.names.classes[group & 511];
  }

  // --- one span ---------------------------------------------------------------------------------

  chosenCell() {
    if (!this.chosen || this.strips.length === 0) return undefined;
    const strip = this.strips.find((one) => one.groups.includes(this.chosen.group));
    if (!strip || strip.cells === 0) return undefined;
    return { strip, cell: Math.min(this.chosen.cell, strip.cells - 1) };
  }

  factsOf(strip, cell) {
    const at = strip.first + cell;
    const many = this.members[at];
    if (strip.group === FREE_GROUP) return "A free span that keeps its memory for reuse.";
    if (many === 0) return `Nothing here: ${text.bytes(cell * 2 ** this.shift * ROW_BYTES)} from the bottom of the heap.`;
    const word = this.heap.words[this.row[at]];
    const where = `${text.bytes(this.row[at] * ROW_BYTES)} from the bottom of the heap`;
    const classes = many > 1 ? this.labelOf(strip) : text.bytes(this.cellBytes(groupOf(word)));
    const what = strip.group >= 0 ? `${this.kindName(strip.kind)}, cells of ${classes}` : "";
    const full = text.percent(this.sum[at] / many / 255);
    if (many > 1 || this.order === "heap") {
      const marks = [this.flags[at] & Flag.DRAINING && "some are being emptied", this.flags[at] & Flag.PINNED && "some cannot be emptied"];
      const units = this.order === "heap" ? `${text.bytes(2 ** this.shift * ROW_BYTES)} of the heap` : `${text.count(many)} spans`;
      return [what, `${units}, ${where}`, `${full} full`, ...marks].filter(Boolean).join("; ") + ".";
    }
    const lane = this.names.lanes.get(groupOf(word));
    const span = ROW_BYTES << orderOf(word);
    const cells = lane ? ` of ${text.count(lane.cells_per_span)} cells` : "";
    return `${what}; span of ${text.bytes(span)}, ${where}; ${full}${cells} live; ${STATE_WORDS[stateOf(word)]}; `
      + `${text.percent(heldOf(word) / 63)} of it held.`;
  }

  choose(strip, cell, aloud) {
    const sure = Math.min(Math.max(0, cell), strip.cells - 1);
    this.chosen = { group: strip.group, cell: sure };
    this.say(this.factsOf(strip, sure), aloud);
    this.ask();
  }

  release() {
    this.chosen = undefined;
    this.say("", false);
    this.ask();
  }

  cellAt(x, y) {
    const across = x * this.scale - this.gutter;
    const down = y * this.scale;
    const strip = this.strips.find((one) => down >= one.top && down < one.top + one.lines * this.pitch
      && across >= one.left && across < one.left + this.line * this.pitch);
    if (!strip) return undefined;
    const cell = Math.floor((down - strip.top) / this.pitch) * this.line + Math.floor((across - strip.left) / this.pitch);
    return cell < strip.cells ? { strip, cell } : undefined;
  }

  listen() {
    const point = (event) => {
      const found = this.cellAt(event.offsetX, event.offsetY);
      if (found && (found.strip.group !== this.chosen?.group || found.cell !== this.chosen?.cell))
        this.choose(found.strip, found.cell, false);
    };
    this.canvas.addEventListener("pointermove", point);
    this.canvas.addEventListener("pointerdown", point);
    this.canvas.addEventListener("pointerleave", () => {
      if (document.activeElement !== this.canvas) this.release();
    });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.ask()).observe(this.canvas.parentElement);
  }

  key(event) {
    if (this.strips.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const strips = this.strips.filter((strip) => strip.cells > 0);
    const now = this.chosenCell();
    const number = now ? strips.indexOf(now.strip) : 0;
    const go = (by) => this.choose(strips[number], (now?.cell ?? -1) + by, true);
    const cross = (by) => {
      const next = strips[Math.min(Math.max(0, now ? number + by : 0), strips.length - 1)];
      this.choose(next, Math.min(now?.cell ?? 0, next.cells - 1), true);
    };
    const moves = {
      ArrowRight: () => go(1), ArrowLeft: () => go(-1), ArrowDown: () => cross(1), ArrowUp: () => cross(-1),
      PageDown: () => go(100), PageUp: () => go(-100),
      Home: () => this.choose(strips[number], 0, true), End: () => this.choose(strips[number], strips[number].cells - 1, true),
      Escape: () => this.release(),
    };
    if (!(event.key in moves) || strips.length === 0) return;
    event.preventDefault();
    moves[event.key]();
  }
}
