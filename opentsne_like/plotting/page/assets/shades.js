// What colour each point has, which points are seen, and in which order they are drawn.

const DIM = 0.12; // how much of its opacity a point keeps while others are selected

/** Colours and order for a column, without the classes that are hidden; points without a label lie beneath. */
class Shades {
  constructor(n) {
    this.n = n;
    this.packed = new Uint32Array(n);
    this.colors = new Uint8Array(this.packed.buffer); // RGBA, which is one number backwards
    this.visible = new Uint8Array(n);
    this.shuffled = shuffle(n);
  }

  update(column, hidden, selected, plain, dark) {
    this.palette = new Palette(column, plain, dark);
    const { packed } = this.palette;
    const opacity = Math.round(255 * opacityOf(this.n, column === null));
    const [full, dim] = [opacity * 2 ** 24, Math.round(opacity * DIM) * 2 ** 24];
    const rank = new Uint8Array(this.n); // 0 hidden, 1 beneath, 2 as usual, 3 above
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < this.n; i++) {
      const entry = this.palette.entry(i);
      this.visible[i] = column?.kind === "classes" && hidden.has(entry) ? 0 : 1;
      this.packed[i] = packed[entry] + (!selected || selected[i] ? full : dim);
      rank[i] = this.visible[i] && (selected?.[i] ? 3 : entry === this.palette.none || selected ? 1 : 2);
      counts[rank[i]]++;
    }
    const next = [0, 0, counts[1], counts[1] + counts[2]];
    this.order = new Uint32Array(this.n - counts[0]);
    for (const i of this.shuffled) if (rank[i]) this.order[next[rank[i]]++] = i;
  }
}

/** The colours of a column, and which of them each point has; the last of a column's is that of missing labels. */
class Palette {
  constructor(column, plain, dark) {
    const shown = (color) => (dark ? lifted(bytesOf(color)) : bytesOf(color));
    const missing = bytesOf(dark ? "#4b4f55" : "#d8d8d8");
    this.column = column;
    if (column === null) this.table = [shown(plain)];
    else if (column.kind === "classes") this.table = [...column.colors.map(shown), missing];
    else this.table = [...blend(column.scale.map(bytesOf)), missing];
    this.none = column === null ? -1 : this.table.length - 1;
    this.packed = Uint32Array.from(this.table, ([red, green, blue]) => red + 256 * green + 65536 * blue);
  }

  entry(i) {
    if (this.column === null) return 0;
    if (this.column.kind === "classes") return this.column.codes[i];
    const { low, high, values } = this.column;
    const share = (values[i] - low) / (high - low);
    return Number.isNaN(share) ? this.none : Math.round(255 * within(share, 0, 1));
  }
}

/** Points of all classes in turn, the same in every browser: Fisher and Yates's shuffle by a linear congruence. */
function shuffle(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let state = 1;
  for (let i = n - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function bytesOf(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

function cssOf(bytes) {
  return `rgb(${bytes.join(" ")})`;
}

/** Lighten what would not be seen on a dark page. */
function lifted(bytes) {
  const light = (0.3 * bytes[0] + 0.59 * bytes[1] + 0.11 * bytes[2]) / 255;
  const share = Math.max(0, 0.45 - light);
  return bytes.map((part) => Math.round(part + (255 - part) * share));
}

/** 256 colours between a few. */
function blend(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const place = (k / 255) * (stops.length - 1);
    const first = Math.min(stops.length - 2, Math.floor(place));
    return stops[first].map((part, c) => Math.round(part + (place - first) * (stops[first + 1][c] - part)));
  });
}

/** Less for more points, so that dense places show. */
function opacityOf(n, plain) {
  return within((plain ? 0.75 : 1) - 0.09 * Math.log10(Math.max(1, n / 300)), 0.4, 0.95);
}

/** The diameter of a point in pixels of the screen: they cover much of the map together, and grow as one comes closer. */
function sizeOf(n, camera) {
  const share = Math.sqrt(within(28000 / n, 0.06, 36)) / 432; // of the side of the map
  return within(share * 65536 * camera.whole * Math.sqrt(camera.scale / camera.whole), 1, 16);
}
