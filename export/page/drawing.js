// The drawing: levels of an image, a mask of hidden pixels, tools to change both, and layers to look at them.

const HISTORY = 100;
const OVERLAY = 560; // Pixels of the overlay, at least.

/** Show a level of `levels` as a byte, and read a byte as a level, as the library does. */
export const toByte = (level, levels) => Math.floor((510 * level + levels - 1) / (2 * (levels - 1)));
export const toLevel = (byte, levels) => Math.floor((2 * byte * (levels - 1) + 255) / 510);

/** Paint levels `(height, width, channels)`, row by row, on a canvas of the image's size. */
export function paint(canvas, image, {height, width, channels, levels}, isShown = () => true) {
  Object.assign(canvas, {width, height});
  const context = canvas.getContext("2d"), data = context.createImageData(width, height);
  for (let k = 0; k < height * width; k++) {
    if (!isShown(k)) continue;
    for (let c = 0; c < 3; c++) data.data[4 * k + c] = toByte(image[channels * k + (channels === 3 ? c : 0)], levels);
    data.data[4 * k + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

/** The levels of a picture, cropped to the shape of the image and resized. */
export function levelsOfPicture(picture, {height, width, channels, levels}) {
  const context = Object.assign(document.createElement("canvas"), {width, height})
    .getContext("2d", {willReadFrequently: true});
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingQuality = "high";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  const data = context.getImageData(0, 0, width, height).data, image = new Uint8Array(height * width * channels);
  for (let k = 0; k < height * width; k++) {
    const [red, green, blue] = data.subarray(4 * k, 4 * k + 3);
    const bytes = channels === 3 ? [red, green, blue] : [Math.round(0.299 * red + 0.587 * green + 0.114 * blue)];
    bytes.forEach((byte, c) => (image[channels * k + c] = toLevel(byte, levels)));
  }
  return image;
}

export class Drawing extends EventTarget {
  /**
   * Events: "change" when the image or the mask has changed, "hover" when the pixel under the pointer has.
   * @param {HTMLCanvasElement} picture shows the image.
   * @param {HTMLCanvasElement} overlay lies above it, and takes the input.
   * @param {{height: number, width: number, channels: number, levels: number}} format of the image.
   */
  constructor(picture, overlay, format) {
    super();
    Object.assign(this, {picture, overlay, format});
    const {height, width, channels, levels} = format;
    this.background = channels === 3 ? levels >> 1 : 0;
    this.image = new Uint8Array(height * width * channels).fill(this.background);
    this.hidden = new Uint8Array(height * width);
    this.tool = "pen";
    this.ink = new Array(channels).fill(levels - 1);
    this.size = Math.max(1, Math.round(width / 14));
    this.history = [];
    this.pixel = null; // [row, column] under the pointer, or of the keyboard.
    this.heat = null; // A number from 0 to 1 for every pixel.
    this.field = null; // 1 for every pixel that the one under the pointer sees.
    this.zoom = Math.ceil(OVERLAY / Math.max(height, width));
    Object.assign(overlay, {width: width * this.zoom, height: height * this.zoom});
    this.hatch = this.makeHatch();
    this.listen();
    this.show();
  }

  /** Replace the image; what was hidden is shown, unless the mask is to stay. */
  replace(image, keepMask = false) {
    this.remember();
    this.image = Uint8Array.from(image);
    if (!keepMask) this.hidden.fill(0);
    this.changed();
  }

  clear() {
    this.replace(new Uint8Array(this.image.length).fill(this.background), true);
  }

  invert() {
    this.replace(this.image.map((level) => this.format.levels - 1 - level), true);
  }

  /** Hide "lower_half", "right_half" or "nothing". */
  hide(part) {
    const {height, width} = this.format;
    this.remember();
    this.hidden = this.hidden.map((_, k) => ({
      lower_half: Math.floor(k / width) >= Math.floor(height / 2),
      right_half: k % width >= Math.floor(width / 2),
      nothing: false,
    })[part]);
    this.changed();
  }

  undo() {
    const before = this.history.pop();
    if (!before) return;
    [this.image, this.hidden] = before;
    this.changed();
  }

  remember() {
    this.history.push([this.image.slice(), this.hidden.slice()]);
    this.history.splice(0, this.history.length - HISTORY);
  }

  changed() {
    this.show();
    this.dispatchEvent(new Event("change"));
  }

  /** Begin a stroke at a point, in pixels. */
  begin(point) {
    this.remember();
    const k = Math.min(this.format.height - 1, Math.floor(point.y)) * this.format.width
      + Math.min(this.format.width - 1, Math.floor(point.x));
    const [image, hidden] = this.history.at(-1);
    this.stroke = {last: point, image, coverage: new Float32Array(hidden.length), hides: !hidden[k]};
    this.extend(point);
  }

  /** Draw the stroke on to a point. */
  extend(point) {
    const {height, width, channels, levels} = this.format, {stroke} = this, radius = this.size / 2;
    const [left, right] = [stroke.last.x, point.x].sort((a, b) => a - b);
    const [top, bottom] = [stroke.last.y, point.y].sort((a, b) => a - b);
    const within = (value, size) => Math.min(size - 1, Math.max(0, Math.floor(value)));
    for (let r = within(top - radius - 1, height); r <= within(bottom + radius + 1, height); r++) {
      for (let c = within(left - radius - 1, width); c <= within(right + radius + 1, width); c++) {
        const near = Math.min(1, Math.max(0, radius + 0.5 - distance(c + 0.5, r + 0.5, stroke.last, point)));
        const isHard = levels === 2 || this.tool === "hide", k = r * width + c;
        const covered = isHard ? Number(near >= 0.5) : near * point.pressure;
        if (covered <= stroke.coverage[k]) continue;
        stroke.coverage[k] = covered;
        if (this.tool === "hide") {
          this.hidden[k] = Number(stroke.hides);
          continue;
        }
        for (let channel = 0; channel < channels; channel++) {
          const before = stroke.image[channels * k + channel];
          const ink = this.tool === "pen" ? this.ink[channel] : this.background;
          this.image[channels * k + channel] = Math.round(before + (ink - before) * covered);
        }
      }
    }
    stroke.last = point;
    this.show();
  }

  end() {
    if (!this.stroke) return;
    this.stroke = null;
    this.changed();
  }

  listen() {
    const {overlay} = this;
    overlay.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      overlay.focus({preventScroll: true, focusVisible: false});
      overlay.setPointerCapture(event.pointerId);
      this.begin(this.pointOf(event));
    });
    overlay.addEventListener("pointermove", (event) => {
      if (this.stroke) (event.getCoalescedEvents?.() || [event]).forEach((part) => this.extend(this.pointOf(part)));
      this.hover(this.pointOf(event));
    });
    for (const end of ["pointerup", "pointercancel"]) overlay.addEventListener(end, () => this.end());
    overlay.addEventListener("pointerleave", () => this.hover(null));
    overlay.addEventListener("blur", () => this.hover(null));
    overlay.addEventListener("keydown", (event) => this.key(event));
  }

  /** Arrow keys move, space draws a dot. */
  key(event) {
    const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], " ": [0, 0]};
    const step = event.ctrlKey || event.metaKey ? null : steps[event.key];
    if (!step) return;
    event.preventDefault();
    const {height, width} = this.format;
    const [row, column] = this.pixel ? this.pixel.map((place, axis) => place + step[axis]) : [height >> 1, width >> 1];
    const point = {x: Math.min(width - 1, Math.max(0, column)) + 0.5, y: Math.min(height - 1, Math.max(0, row)) + 0.5};
    if (event.key === " ") {
      this.begin({...point, pressure: 1});
      this.end();
    }
    this.hover(point);
  }

  hover(point) {
    const {height, width} = this.format;
    const isInside = point && point.x >= 0 && point.y >= 0 && point.x < width && point.y < height;
    const pixel = isInside ? [Math.floor(point.y), Math.floor(point.x)] : null;
    if (String(pixel) === String(this.pixel)) return;
    this.pixel = pixel;
    this.dispatchEvent(new Event("hover"));
    this.show();
  }

  /** Where an event is, in pixels of the image, and how strong: a pen's pressure, or 1. */
  pointOf(event) {
    const box = this.overlay.getBoundingClientRect(), {height, width} = this.format;
    return {
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
      pressure: event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 1,
    };
  }

  show() {
    const {zoom, overlay, format: {width}} = this, context = overlay.getContext("2d");
    paint(this.picture, this.image, this.format);
    context.clearRect(0, 0, overlay.width, overlay.height);
    const fill = (k) => context.fillRect((k % width) * zoom, Math.floor(k / width) * zoom, zoom, zoom);
    this.hidden.forEach((isHidden, k) => {
      if (!isHidden || this.heat) return;
      context.fillStyle = this.hatch;
      fill(k);
    });
    this.heat?.forEach((part, k) => {
      context.fillStyle = heatColor(part);
      fill(k);
    });
    if (this.field) this.showField(context, fill);
    if (this.pixel) {
      const [y, x] = this.pixel.map((place) => place * zoom);
      context.lineWidth = 2;
      for (const [inset, color] of [[0, "rgba(0, 0, 0, 0.8)"], [2, "rgba(255, 255, 255, 0.9)"]]) {
        context.strokeStyle = color;
        context.strokeRect(x + inset, y + inset, zoom - 2 * inset, zoom - 2 * inset);
      }
    }
  }

  /** Tint the pixels that are seen, and draw a line around them. */
  showField(context, fill) {
    const {zoom, field, format: {height, width}} = this;
    context.fillStyle = this.heat ? "rgba(45, 212, 191, 0.12)" : "rgba(45, 212, 191, 0.3)";
    context.beginPath();
    field.forEach((isSeen, k) => {
      if (!isSeen) return;
      fill(k);
      const [x, y] = [(k % width) * zoom, Math.floor(k / width) * zoom];
      const line = (x0, y0, x1, y1) => (context.moveTo(x0, y0), context.lineTo(x1, y1));
      if (k % width && !field[k - 1]) line(x, y, x, y + zoom);
      if (k % width < width - 1 && !field[k + 1]) line(x + zoom, y, x + zoom, y + zoom);
      if (k >= width && !field[k - width]) line(x, y, x + zoom, y);
      if (k < (height - 1) * width && !field[k + width]) line(x, y + zoom, x + zoom, y + zoom);
    });
    context.strokeStyle = "rgb(45, 212, 191)";
    context.lineWidth = 3;
    context.stroke();
  }

  makeHatch() {
    const tile = Object.assign(document.createElement("canvas"), {width: 8, height: 8});
    const context = tile.getContext("2d");
    context.fillStyle = "rgba(110, 116, 122, 0.92)";
    context.fillRect(0, 0, 8, 8);
    context.strokeStyle = "rgba(160, 166, 172, 0.9)";
    context.lineWidth = 1.5;
    for (const shift of [-8, 0, 8]) {
      context.moveTo(shift, 8);
      context.lineTo(shift + 8, 0);
    }
    context.stroke();
    return this.overlay.getContext("2d").createPattern(tile, "repeat");
  }
}

/** From transparent over yellow to red. */
function heatColor(part) {
  return `rgba(255, ${Math.round(205 * (1 - part))}, ${Math.round(60 * (1 - part))}, ${0.88 * Math.sqrt(part)})`;
}

/** The distance of a point from the line between two others. */
function distance(x, y, from, to) {
  const [dx, dy] = [to.x - from.x, to.y - from.y], length = dx * dx + dy * dy;
  const along = length ? Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / length)) : 0;
  return Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
}
