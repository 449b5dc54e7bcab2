// The heap as /api/heap tells it: a word for each row of 64 KiB, all of them once, then those that
// changed. What a word holds stands in src/observe/heap_picture.h, the reply in src/http/heap_reply.h.

export const State = { NONE: 0, FREE: 1, CACHED: 2, CURRENT: 3, PARTLY: 4, FULL: 5, DRAINING: 6, PINNED: 7 };
export const STATE_WORDS = ["", "free", "free, its memory kept", "being filled", "partly filled", "full",
  "being emptied", "cannot be emptied"];
export const ROW_BYTES = 65536;

export const fullOf = (word) => word & 255;
export const classOf = (word) => (word >>> 8) & 511;
export const kindOf = (word) => (word >>> 17) & 7;
export const orderOf = (word) => (word >>> 20) & 7;
export const stateOf = (word) => (word >>> 23) & 7;
export const heldOf = (word) => (word >>> 26) & 63;
export const groupOf = (word) => (word >>> 8) & 4095; // class and kind
export const GROUPS = 4096;

const MAGIC = "SNUGHEAP";
const HEADER_BYTES = 64;
const ROWS_MAX = 1 << 27;

export class Heap {
  constructor() {
    this.forget();
  }

  forget() {
    this.words = new Uint32Array(0);
    this.rows = 0;
    this.since = 0;
    this.start = undefined;
  }

  // Takes a reply in; answers whether a word may have changed. A reply that begins anew, where
  // only changes were asked for, is refused: false, and `since` is 0 for the next one.
  take(buffer) {
    const view = new DataView(buffer);
    const magic = buffer.byteLength >= HEADER_BYTES ? new TextDecoder().decode(new Uint8Array(buffer, 0, 8)) : "";
    if (magic !== MAGIC || view.getUint32(8, true) !== 1) throw new Error("the map of the heap is of another version");
    const header = view.getUint32(12, true);
    const start = view.getBigUint64(16, true);
    const rows = view.getUint32(24, true);
    const sweep = view.getUint32(28, true);
    const blockRows = view.getUint32(32, true);
    const blocks = view.getUint32(36, true);
    const blockBytes = 4 + 4 * blockRows;
    if (rows > ROWS_MAX || blockRows === 0 || header + blocks * blockBytes !== buffer.byteLength)
      throw new Error("the map of the heap is not whole");
    const anew = this.since !== 0 && (start !== this.start || rows < this.rows);
    if (anew) {
      this.forget();
      return false;
    }
    this.start = start;
    this.grow(rows, blockRows);
    for (let at = 0; at < blocks; at++) {
      const from = header + at * blockBytes;
      const first = view.getUint32(from, true) * blockRows;
      if (first + blockRows <= this.words.length)
        this.words.set(new Uint32Array(buffer, from + 4, blockRows), first);
    }
    this.rows = rows;
    this.since = sweep;
    return blocks > 0;
  }

  grow(rows, blockRows) {
    const whole = Math.ceil(rows / blockRows) * blockRows;
    if (whole <= this.words.length) return;
    const words = new Uint32Array(Math.max(whole, Math.min(this.words.length * 2, ROWS_MAX)));
    words.set(this.words);
    this.words = words;
  }
}

// How many spans each group has, and of them those that are emptied, pinned; free ones beside.
export class Census {
  constructor() {
    this.spans = new Uint32Array(GROUPS);
    this.fullness = new Float64Array(GROUPS);
    this.draining = this.pinned = this.free = this.cached = this.total = this.cachedRows = 0;
  }

  take(heap) {
    const { words, rows } = heap;
    this.spans.fill(0);
    this.fullness.fill(0);
    this.draining = this.pinned = this.free = this.cached = this.total = 0;
    this.cachedRows = 0;
    for (let row = 0; row < rows; row++) {
      const word = words[row];
      const state = (word >>> 23) & 7;
      if (state === 0) continue;
      if (state <= State.CACHED) {
        if (state === State.CACHED) {
          this.cached++;
          this.cachedRows += 1 << orderOf(word);
        } else this.free++;
        continue;
      }
      const group = (word >>> 8) & 4095;
      this.spans[group]++;
      this.fullness[group] += word & 255;
      this.total++;
      if (state === State.DRAINING) this.draining++;
      else if (state === State.PINNED) this.pinned++;
    }
  }

  // Groups that have spans: by kind, then class.
  groups() {
    const present = [];
    for (let group = 0; group < GROUPS; group++) if (this.spans[group] > 0) present.push(group);
    return present.sort((a, b) => (a >>> 9) - (b >>> 9) || (a & 511) - (b & 511));
  }
}
