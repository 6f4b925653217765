// What the mouse, fingers and keys do to a viewer.

const STILL = 4; // pixels a pointer may move in a click

class Hands {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map(); // fingers and buttons that are down, by their numbers
    this.moved = 0; // pixels since the first of them came down
    this.listenToMap(viewer.canvas);
    this.listenToTools();
  }

  listenToMap(canvas) {
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", (event) => this.release(event));
    canvas.addEventListener("pointerleave", () => this.viewer.hover(-1));
    canvas.addEventListener("wheel", (event) => this.roll(event), { passive: false });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  listenToTools() {
    const { viewer } = this;
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("fit", () => viewer.fit());
    on("lasso", () => viewer.setLasso(!viewer.lassoing));
    on("clear", () => viewer.forget());
    on("copy", () => copyText(viewer.chosen().join(", ")));
    on("save", () => saveText(tableOf(viewer.chosen(), viewer.data), "points.csv"));
    const box = document.getElementById("search");
    box.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => viewer.search(box.value), 150); // when the word is written
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      clearTimeout(this.typing);
      viewer.search(box.value);
      if (viewer.chosen().length) viewer.fit(viewer.selected);
    });
  }

  press(event) {
    if (event.button > 0) return;
    const { viewer } = this;
    viewer.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { left: event.clientX, top: event.clientY });
    this.moved = this.pointers.size > 1 ? Infinity : 0; // two fingers never click
    if (this.pointers.size > 1) viewer.dropLasso();
    else if (event.shiftKey || viewer.lassoing) viewer.startLasso(event.clientX, event.clientY);
  }

  move(event) {
    const { viewer } = this;
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") viewer.hover(viewer.pick(event.clientX, event.clientY));
      return;
    }
    const now = { left: event.clientX, top: event.clientY };
    const [right, down] = [now.left - before.left, now.top - before.top];
    this.moved += Math.hypot(right, down);
    this.pointers.set(event.pointerId, now);
    if (viewer.drawing) {
      viewer.extendLasso(now.left, now.top);
    } else if (this.pointers.size === 2) {
      this.pinch(event.pointerId, before, now);
    } else if (this.moved > STILL) {
      viewer.hover(-1);
      viewer.canvas.classList.add("moving");
      viewer.pan(right, down);
    }
  }

  /** Let both fingers keep the places of the map that they are on. */
  pinch(moving, before, now) {
    const [, still] = [...this.pointers].find(([id]) => id !== moving);
    const apart = (one) => Math.max(1, Math.hypot(one.left - still.left, one.top - still.top));
    this.viewer.pan((now.left - before.left) / 2, (now.top - before.top) / 2);
    this.viewer.zoom(apart(now) / apart(before), (now.left + still.left) / 2, (now.top + still.top) / 2);
  }

  release(event) {
    const { viewer } = this;
    if (!this.pointers.delete(event.pointerId)) return;
    viewer.canvas.classList.remove("moving");
    if (viewer.drawing) {
      viewer.finishLasso();
    } else if (event.type === "pointerup" && this.moved <= STILL) {
      const i = viewer.pick(event.clientX, event.clientY, event.pointerType === "touch");
      if (i >= 0) viewer.pin(i);
    }
  }

  roll(event) {
    const { viewer } = this;
    // In a notebook the wheel moves the notebook until the map has been clicked.
    if (window !== window.top && document.activeElement !== viewer.canvas && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.002; // two fingers on a touch pad come as small steps with Ctrl
    viewer.hover(-1);
    viewer.zoom(Math.exp(-event.deltaY * lines * speed), event.clientX, event.clientY);
  }

  key(event) {
    const { viewer } = this;
    if (event.key === "Escape") viewer.forget();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    const step = 0.1 * Math.min(viewer.camera.width, viewer.camera.height);
    const act = {
      ArrowLeft: () => viewer.pan(step, 0),
      ArrowRight: () => viewer.pan(-step, 0),
      ArrowUp: () => viewer.pan(0, step),
      ArrowDown: () => viewer.pan(0, -step),
      "+": () => viewer.zoom(1.25),
      "=": () => viewer.zoom(1.25),
      "-": () => viewer.zoom(0.8),
      0: () => viewer.fit(),
      l: () => viewer.setLasso(!viewer.lassoing),
      "/": () => document.getElementById("search").focus(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
