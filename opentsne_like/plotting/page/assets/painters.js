// Two ways of drawing: by WebGL, and, where there is none, pixel by pixel. Both are handed the same arrays: colours of
// all points (RGBA), and which points to draw, in their order.

function painterOf(canvas, points) {
  const gl = canvas.getContext("webgl2", { antialias: false });
  return gl ? new GLPainter(gl, points) : new PixelPainter(canvas.getContext("2d"), points);
}

const VERTEX = `#version 300 es
in vec2 coarse;
in vec2 fine;
in vec4 color;
uniform vec2 middle, rest, scale;
uniform float size;
out vec4 shade;
void main() {
  // Whole steps and parts are subtracted apart, so that near the middle nothing is lost in single precision.
  gl_Position = vec4(((coarse - middle) + (fine - rest) / 65536.0) * scale, 0.0, 1.0);
  gl_PointSize = size;
  shade = vec4(color.rgb * color.a, color.a);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade;
uniform highp float size;
out vec4 pixel;
void main() {
  float rim = size * (0.5 - length(gl_PointCoord - 0.5));
  pixel = shade * (size < 2.5 ? 1.0 : clamp(rim + 0.5, 0.0, 1.0));
}`;

class GLPainter {
  constructor(gl, points) {
    this.gl = gl;
    this.points = points;
    this.program = link(gl);
    this.places = Object.fromEntries(
      ["middle", "rest", "scale", "size"].map((name) => [name, gl.getUniformLocation(this.program, name)]),
    );
    this.pair("coarse", points.coarse);
    if (points.fine) this.pair("fine", points.fine);
    this.colors = gl.createBuffer();
    this.order = gl.createBuffer();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  pair(name, array) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
    const place = gl.getAttribLocation(this.program, name);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 2, gl.UNSIGNED_SHORT, false, 0, 0);
  }

  update(colors, order) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colors);
    gl.bufferData(gl.ARRAY_BUFFER, colors, gl.DYNAMIC_DRAW);
    const place = gl.getAttribLocation(this.program, "color");
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.order);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
    this.count = order.length;
  }

  draw(camera, size, ratio, count) {
    const { gl, places } = this;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(this.program);
    const [x, y] = [Math.floor(camera.x), Math.floor(camera.y)];
    gl.uniform2f(places.middle, x, y);
    gl.uniform2f(places.rest, (camera.x - x) * 65536, (camera.y - y) * 65536);
    gl.uniform2f(places.scale, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform1f(places.size, Math.max(1, size * ratio));
    gl.drawElements(gl.POINTS, count, gl.UNSIGNED_INT, 4 * (this.count - count));
  }
}

function link(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getProgramInfoLog(program));
  }
  return program;
}

class PixelPainter {
  constructor(context, points) {
    this.context = context;
    this.points = points;
  }

  update(colors, order) {
    this.colors = colors;
    this.order = order;
  }

  draw(camera, size, ratio, count) {
    const { width, height } = this.context.canvas;
    const image = this.context.createImageData(width, height);
    const disc = discOf(Math.max(1, Math.round(size * ratio)));
    const scale = camera.scale * ratio;
    for (let k = this.order.length - count; k < this.order.length; k++) {
      const i = this.order[k];
      const column = Math.round((this.points.x(i) - camera.x) * scale + width / 2);
      const row = Math.round((camera.y - this.points.y(i)) * scale + height / 2);
      for (let d = 0; d < disc.length; d += 2) {
        const x = column + disc[d];
        const y = row + disc[d + 1];
        if (x >= 0 && y >= 0 && x < width && y < height) lay(image.data, 4 * (y * width + x), this.colors, 4 * i);
      }
    }
    this.context.putImageData(image, 0, 0);
  }
}

/** The pixels of a disc, about its middle: right and down of each in turn. */
function discOf(size) {
  const pixels = [];
  const middle = (size - 1) / 2;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if ((x - middle) ** 2 + (y - middle) ** 2 <= (size / 2) ** 2) pixels.push(x - (size >> 1), y - (size >> 1));
    }
  }
  return pixels;
}

/** Lay one colour over another, both with their opacity. */
function lay(under, at, over, from) {
  const share = over[from + 3] / 255;
  const below = (under[at + 3] / 255) * (1 - share);
  const all = share + below;
  for (let c = 0; c < 3; c++) under[at + c] = (over[from + c] * share + under[at + c] * below) / all;
  under[at + 3] = 255 * all;
}
