// What part of the map is seen: its middle, and how many pixels of the screen a step of the map takes.

class Camera {
  constructor(points) {
    this.points = points;
    this.most = points.fine ? 2 ** 20 : 16; // where neighbouring steps of what is stored are far apart
    this.x = this.y = SIDE / 2;
    this.scale = this.whole = 1;
    this.width = this.height = 1;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
  }

  toMap(left, top) {
    return [this.x + (left - this.width / 2) / this.scale, this.y + (this.height / 2 - top) / this.scale];
  }

  move(right, down) {
    this.x = within(this.x - right / this.scale, 0, SIDE);
    this.y = within(this.y + down / this.scale, 0, SIDE);
  }

  /** Zoom about a place of the screen, which shows the same place of the map before and after. */
  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const [x, y] = this.toMap(left, top);
    this.scale = within(this.scale * factor, this.whole / 2, this.most);
    this.x = x - (left - this.width / 2) / this.scale;
    this.y = y + (top - this.height / 2) / this.scale;
  }

  /** Show a rectangle of the map where nothing covers it on the right and above. */
  show([left, bottom, right, top], [besides, above]) {
    const wide = Math.max(1, this.width - besides);
    const high = Math.max(1, this.height - above);
    const room = (across, up) => 0.94 * Math.min(wide / across, high / up);
    this.whole = room(SIDE, SIDE); // as if the map were a square
    this.scale = Math.min(this.most, room(Math.max(right - left, 1e-3), Math.max(top - bottom, 1e-3)));
    this.x = (left + right + besides / this.scale) / 2;
    this.y = (bottom + top + above / this.scale) / 2;
  }
}

function within(value, low, high) {
  return Math.max(low, Math.min(high, value));
}
