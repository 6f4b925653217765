// Which points are where: square cells, so that an answer looks at the points near by only.

const SIDE = 65536; // of the map, in its own steps

class Grid {
  /** Sort the points by cells, a few in each, in two passes. */
  constructor(points) {
    this.points = points;
    this.across = Math.max(1, Math.min(1024, Math.round(Math.sqrt(points.n / 4))));
    this.width = SIDE / this.across;
    const cells = new Uint32Array(points.n);
    this.starts = new Uint32Array(this.across ** 2 + 1);
    for (let i = 0; i < points.n; i++) {
      cells[i] = this.cell(points.coarse[2 * i + 1]) * this.across + this.cell(points.coarse[2 * i]);
      this.starts[cells[i] + 1]++;
    }
    for (let c = 0; c < this.across ** 2; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.members = new Uint32Array(points.n);
    for (let i = 0; i < points.n; i++) this.members[next[cells[i]]++] = i;
  }

  cell(place) {
    return Math.max(0, Math.min(this.across - 1, Math.floor(place / this.width)));
  }

  /** Call `look(i)` for each point in the cells that a rectangle touches. */
  each(left, bottom, right, top, look) {
    if (right < 0 || top < 0 || left > SIDE || bottom > SIDE) return;
    const [first, last] = [this.cell(left), this.cell(right)];
    for (let row = this.cell(bottom); row <= this.cell(top); row++) {
      const from = this.starts[row * this.across + first];
      const to = this.starts[row * this.across + last + 1];
      for (let k = from; k < to; k++) look(this.members[k]);
    }
  }

  /** The visible point that is nearest to a place, within a radius; -1 where there is none. */
  nearest(x, y, radius, visible) {
    let best = -1;
    let closest = radius * radius;
    this.each(x - radius, y - radius, x + radius, y + radius, (i) => {
      const squared = (this.points.x(i) - x) ** 2 + (this.points.y(i) - y) ** 2;
      if (squared <= closest && visible[i]) [best, closest] = [i, squared];
    });
    return best;
  }

  /** Mark the visible points inside a polygon. */
  inside(polygon, visible) {
    const mask = new Uint8Array(this.points.n);
    const xs = polygon.map((corner) => corner[0]);
    const ys = polygon.map((corner) => corner[1]);
    this.each(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => {
      if (visible[i] && holds(polygon, this.points.x(i), this.points.y(i))) mask[i] = 1;
    });
    return mask;
  }
}

/** Say whether a ray from a place crosses a polygon's sides an odd number of times. */
function holds(polygon, x, y) {
  let odd = false;
  let [px, py] = polygon[polygon.length - 1];
  for (const [qx, qy] of polygon) {
    if (qy > y !== py > y && x < ((px - qx) * (y - qy)) / (py - qy) + qx) odd = !odd;
    [px, py] = [qx, qy];
  }
  return odd;
}
