// Grids of drawn images: buttons that show an image, and the reveal of completions pixel by pixel.

import {paint} from "./drawing.js";

const FASTEST = 700, PER_PIXEL = 3, SLOWEST = 2600; // Milliseconds.

/** A button with an image and a caption, which calls `choose(image)`. */
export function imageButton(image, format, caption, choose) {
  const button = document.createElement("button"), canvas = document.createElement("canvas");
  button.type = "button";
  button.className = "image";
  button.setAttribute("aria-label", `Take over this image, ${caption}`);
  const words = Object.assign(document.createElement("span"), {textContent: caption});
  button.append(canvas, words);
  paint(canvas, image, format);
  button.addEventListener("click", () => choose(image));
  return button;
}

/**
 * Reveal the hidden pixels of images in the order in which the model has drawn them.
 * @param {{canvas: HTMLCanvasElement, image: number[]}[]} items
 * @param {Uint8Array} hidden 1 for every pixel that was drawn.
 * @param {number[]} order all pixels in the order of drawing.
 * @returns {{done: Promise<void>, skip: function(): void}}
 */
export function reveal(items, format, hidden, order) {
  const place = new Int32Array(hidden.length).fill(-1);
  const drawn = order.filter((k) => hidden[k]);
  drawn.forEach((k, turn) => (place[k] = turn));
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const duration = isCalm ? 0 : Math.min(SLOWEST, FASTEST + PER_PIXEL * drawn.length);
  let isSkipped = false, start;
  const done = new Promise((resolve) => {
    const frame = (now) => {
      start ??= now;
      const part = isSkipped || !duration ? 1 : Math.min(1, (now - start) / duration);
      const turn = Math.floor(part * drawn.length);
      for (const {canvas, image} of items) paint(canvas, image, format, (k) => place[k] < turn);
      if (part < 1) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  return {done, skip: () => (isSkipped = true)};
}
