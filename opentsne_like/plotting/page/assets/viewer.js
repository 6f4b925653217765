// The page itself: what is shown, and how that changes.

const NEAR = 8; // pixels between a pointer and the point it means
const NEAR_FINGER = 22;
const NARROW = 560; // pixels of a window whose legend lies above the map, as in the styles
const FRAME = 33; // milliseconds between two pictures of a map that moves
const REST = 250; // milliseconds after which it does not any more
const FEW = 20000; // points that are always drawn

class Viewer {
  constructor(data) {
    this.data = data;
    this.canvas = document.getElementById("map");
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.camera = new Camera(data.points);
    this.grid = new Grid(data.points);
    this.shades = new Shades(data.points.n);
    this.colorable = data.columns.filter((column) => column.kind !== "text");
    this.column = this.colorable[0] ?? null;
    this.hidden = new Set(); // codes of this column
    this.selected = null; // by a lasso or a search: a 1 for each point that is
    this.pins = new Map(); // cards by the rows of their points
    this.fitted = true; // to the window, until somebody moves the map
    this.share = 1; // of the points, drawn while the map moves
    this.hovered = -1;
    this.drawing = null; // corners of a lasso
    this.painter = painterOf(this.canvas, data.points);
  }

  start() {
    this.fillColumns();
    this.dark.addEventListener("change", () => this.recolor());
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault()); // so that it can come back
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.painter = painterOf(this.canvas, this.data.points);
      this.recolor();
    });
    this.recolor();
    this.resize();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  // --- drawing ---------------------------------------------------------------------------------

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    this.camera.resize(clientWidth, clientHeight);
    if (this.fitted) this.fit();
    this.draw(); // at once: setting a canvas's size empties it
  }

  recolor() {
    const { column, hidden } = this;
    this.shades.update(column, hidden, this.selected, this.data.color, this.dark.matches);
    this.painter.update(this.shades.colors, this.shades.order);
    drawLegend(document.getElementById("legend"), column, hidden, this.shades.palette, this.data.points.n, (...click) =>
      this.toggle(...click),
    );
    this.redraw();
  }

  /** Draw with the next frame, once however often it is asked for. */
  redraw() {
    this.waiting ??= requestAnimationFrame((now) => this.move(now));
  }

  /** Draw as many points as come in time while the map moves, and all of them when it rests. */
  move(now) {
    const least = Math.min(1, FEW / this.data.points.n);
    if (this.resting) this.share = within(this.share * within(FRAME / (now - this.last), 0.1, 1.2), least, 1);
    this.last = now;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.resting = undefined;
      if (this.share < 1) this.draw();
    }, REST);
    this.draw(this.share);
  }

  draw(share = 1) {
    cancelAnimationFrame(this.waiting);
    this.waiting = undefined;
    const count = Math.round(share * this.shades.order.length); // the last, since those lie above the others
    this.painter.draw(this.camera, sizeOf(this.data.points.n, this.camera), this.ratio, count);
    this.mark();
    if (!this.drawing) return;
    const corners = this.drawing.map(([x, y]) => this.camera.toScreen(x, y).join(","));
    document.getElementById("line").setAttribute("points", corners.join(" "));
  }

  /** Ring the points that have cards, and put the cards beside them. */
  mark() {
    const ringed = new Set(this.pins.keys());
    if (this.hovered >= 0) ringed.add(this.hovered);
    document.getElementById("rings").replaceChildren(...[...ringed].map((i) => this.ring(i)));
    for (const [i, card] of this.pins) placeCard(card, this.placeOf(i), this.camera.width, this.camera.height);
  }

  ring(i) {
    const ring = make("div", "ring");
    const [left, top] = this.placeOf(i);
    ring.style.transform = `translate(${left}px, ${top}px)`;
    return ring;
  }

  placeOf(i) {
    return this.camera.toScreen(this.data.points.x(i), this.data.points.y(i));
  }

  // --- what is seen of the map ------------------------------------------------------------------

  /** Show all points, or those for which a mask holds. */
  fit(mask = null) {
    const { points } = this.data;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < points.n; i++) {
      if (mask && !mask[i]) continue;
      const [x, y] = [points.x(i), points.y(i)];
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x > box[2]) box[2] = x;
      if (y > box[3]) box[3] = y;
    }
    const grown = mask ? 0.1 * Math.max(box[2] - box[0], box[3] - box[1], 100) : 0; // so that neighbours show, too
    const side = document.getElementById("side");
    const covered = this.camera.width > NARROW ? [side.offsetWidth + 12, 0] : [0, side.offsetHeight + 12];
    this.camera.show([box[0] - grown, box[1] - grown, box[2] + grown, box[3] + grown], covered);
    this.fitted = mask === null;
    this.redraw();
  }

  zoom(factor, left, top) {
    this.fitted = false;
    this.camera.zoom(factor, left, top);
    this.redraw();
  }

  pan(right, down) {
    this.fitted = false;
    this.camera.move(right, down);
    this.redraw();
  }

  // --- points under the pointer ------------------------------------------------------------------

  /** The point that a place of the screen means, -1 for none. */
  pick(left, top, finger = false) {
    const [x, y] = this.camera.toMap(left, top);
    const radius = Math.max(finger ? NEAR_FINGER : NEAR, sizeOf(this.data.points.n, this.camera) / 2) / this.camera.scale;
    return this.grid.nearest(x, y, radius, this.shades.visible);
  }

  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.canvas.classList.toggle("over", i >= 0);
    this.passing?.remove();
    if (i >= 0 && !this.pins.has(i)) {
      this.passing = cardOf(i, this.data, false);
      document.getElementById("cards").append(this.passing);
      placeCard(this.passing, this.placeOf(i), this.camera.width, this.camera.height);
    }
    this.mark();
  }

  /** Keep a point's card, or put it away. */
  pin(i) {
    this.hover(-1);
    if (this.pins.has(i)) {
      this.pins.get(i).remove();
      this.pins.delete(i);
    } else {
      const card = cardOf(i, this.data, true);
      const close = make("button", "close", "×");
      close.type = "button";
      close.setAttribute("aria-label", "Close");
      close.addEventListener("click", () => this.pin(i));
      card.append(close);
      document.getElementById("cards").append(card);
      this.pins.set(i, card);
    }
    this.mark();
  }

  // --- classes, selections -----------------------------------------------------------------------

  fillColumns() {
    const menu = document.getElementById("by");
    menu.hidden = !this.colorable.length;
    this.colorable.forEach((column, i) => menu.append(new Option(column.name, String(i))));
    menu.append(new Option("one colour", ""));
    menu.addEventListener("change", () => {
      this.column = menu.value === "" ? null : this.colorable[Number(menu.value)];
      this.hidden.clear();
      this.recolor();
    });
  }

  /** Hide or show classes; alone, hide all others. */
  toggle(codes, on, alone) {
    if (alone) {
      for (let code = 0; code <= this.column.names.length; code++) this.hidden.add(code);
      for (const code of codes) this.hidden.delete(code);
    } else {
      for (const code of codes) on ? this.hidden.add(code) : this.hidden.delete(code);
    }
    this.recolor();
    this.tell();
  }

  select(mask) {
    this.selected = mask;
    this.recolor();
    this.tell();
  }

  /** The rows that are selected and not hidden. */
  chosen() {
    const rows = [];
    if (this.selected) this.selected.forEach((on, i) => on && this.shades.visible[i] && rows.push(i));
    return rows;
  }

  tell() {
    document.getElementById("chosen").hidden = !this.selected;
    const count = this.chosen().length;
    document.getElementById("count").textContent = `${count.toLocaleString("en")} ${count === 1 ? "point" : "points"}`;
  }

  search(text) {
    const word = text.trim().toLowerCase();
    if (!word) return this.select(null);
    const mask = new Uint8Array(this.data.points.n);
    for (const column of this.data.columns) column.mark(word, mask);
    return this.select(mask);
  }

  startLasso(left, top) {
    this.hover(-1);
    this.drawing = [this.camera.toMap(left, top)];
  }

  extendLasso(left, top) {
    this.drawing.push(this.camera.toMap(left, top));
    this.redraw();
  }

  dropLasso() {
    this.drawing = null;
    document.getElementById("line").setAttribute("points", "");
  }

  finishLasso() {
    const corners = this.drawing;
    this.dropLasso();
    this.setLasso(false);
    if (corners.length > 2) this.select(this.grid.inside(corners, this.shades.visible));
  }

  setLasso(on) {
    document.getElementById("lasso").setAttribute("aria-pressed", String(on));
    this.canvas.classList.toggle("drawing", on);
  }

  get lassoing() {
    return document.getElementById("lasso").getAttribute("aria-pressed") === "true";
  }

  forget() {
    document.getElementById("search").value = "";
    for (const i of [...this.pins.keys()]) this.pin(i);
    this.dropLasso();
    this.setLasso(false);
    if (this.selected) this.select(null);
  }
}
