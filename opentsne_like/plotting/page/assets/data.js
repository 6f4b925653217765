"use strict";

// The payload: a length, a header in JSON, and arrays at the places that the header names; deflated, in base64.

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

async function readPayload(element) {
  const text = atob(element.textContent);
  element.remove();
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(inflated).arrayBuffer();
  const length = new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length)));
  const start = 8 + Math.ceil(length / 8) * 8;
  const taken = ({ type, at, length }) => new ARRAYS[type](bytes, start + at, length);
  return {
    points: new Points(header, taken),
    columns: header.columns.map((column) => new Column(column, taken)),
    images: header.images && new Images(header.images, taken),
    color: header.color,
  };
}

/** Places of the points, in steps of 1/65535 of the map's width: whole ones, and 65536ths where those are stored. */
class Points {
  constructor(header, taken) {
    this.n = header.n;
    this.coarse = taken(header.coarse);
    this.fine = header.fine ? taken(header.fine) : null;
    this.back = (k, place) => (header.origin[k] + header.step * place) * header.unit;
  }

  x(i) {
    return this.coarse[2 * i] + (this.fine ? this.fine[2 * i] / 65536 : 0);
  }

  y(i) {
    return this.coarse[2 * i + 1] + (this.fine ? this.fine[2 * i + 1] / 65536 : 0);
  }

  /** The coordinates as they were in the user's array, but for rounding. */
  original(i) {
    return [this.back(0, this.x(i)), this.back(1, this.y(i))];
  }
}

/** One thing that is known about each point: its class, a quantity, or a text. */
class Column {
  constructor(column, taken) {
    Object.assign(this, column);
    if (this.kind === "classes") this.codes = taken(column.codes);
    if (this.kind === "values") this.values = taken(column.values);
  }

  isMissing(i) {
    if (this.kind === "classes") return this.codes[i] >= this.names.length;
    if (this.kind === "values") return Number.isNaN(this.values[i]);
    return this.texts[i] === null;
  }

  /** What a card or a table shows; empty where nothing is known. */
  text(i) {
    if (this.isMissing(i)) return "";
    if (this.kind === "classes") return this.names[this.codes[i]];
    return this.kind === "values" ? this.written(this.values[i]) : this.texts[i];
  }

  written(value) {
    if (!this.times) return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
    const date = new Date(value * 86400000); // days since 1970
    if (Number.isNaN(date.getTime())) return String(value);
    return date.toISOString().replace("T", " ").replace(/( 00:00:00)?\.000Z$/, "");
  }

  /** Say for each point whether its text contains a word, whatever its case. */
  mark(word, mask) {
    const holds = (text) => text !== null && text.toLowerCase().includes(word);
    if (this.kind === "values") return;
    if (this.kind === "text") {
      for (let i = 0; i < mask.length; i++) if (!mask[i] && holds(this.texts[i])) mask[i] = 1;
      return;
    }
    const hit = [...this.names.map(holds), false]; // points without a class have the code after the last
    for (let i = 0; i < mask.length; i++) if (hit[this.codes[i]]) mask[i] = 1;
  }
}

/** Pictures of the points: pixels, or files as they were. */
class Images {
  constructor(images, taken) {
    Object.assign(this, images);
    this.bytes = taken(images.bytes);
    this.ends = images.ends ? taken(images.ends) : null;
  }

  /** Draw one on a canvas, as large as suits a card; false where there is none. */
  show(i, canvas) {
    return this.ends ? this.showFile(i, canvas) : this.showPixels(i, canvas);
  }

  showPixels(i, canvas) {
    const { height, width, channels } = this;
    const pixels = new ImageData(width, height);
    for (let k = 0, from = i * height * width * channels; k < height * width; k++, from += channels) {
      for (let c = 0; c < 3; c++) pixels.data[4 * k + c] = this.bytes[from + (channels > 2 ? c : 0)];
      pixels.data[4 * k + 3] = channels === 4 ? this.bytes[from + 3] : 255;
    }
    fitCanvas(canvas, width, height);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return true;
  }

  showFile(i, canvas) {
    const from = i ? this.ends[i - 1] : 0;
    if (this.ends[i] === from) return false;
    canvas.width = canvas.height = 0;
    createImageBitmap(new Blob([this.bytes.subarray(from, this.ends[i])])).then(
      (image) => {
        fitCanvas(canvas, image.width, image.height);
        canvas.getContext("2d").drawImage(image, 0, 0);
      },
      () => canvas.remove(), // a damaged file
    );
    return true;
  }
}

/** Give a canvas an image's pixels, and between 64 and 200 of the screen's. */
function fitCanvas(canvas, width, height) {
  canvas.width = width;
  canvas.height = height;
  const longest = Math.max(width, height);
  const shown = Math.min(200, Math.max(64, longest));
  canvas.style.width = `${(width * shown) / longest}px`;
  canvas.style.height = `${(height * shown) / longest}px`;
  canvas.classList.toggle("small", longest < shown);
}
