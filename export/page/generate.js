// Completions and samples: the requests to the server, and the grids of its answers.

import {imageButton, reveal} from "./results.js";
import {imageSeeds} from "./seeds.js";
import {busy, demo, element} from "./state.js";

const COMPLETIONS = 9, SAMPLES = 16, SAMPLES_OF_CLASS = 4;

/** A list in parts of a size. */
const split = (list, size) => Array.from({length: list.length / size}, (_, k) => list.slice(k * size, (k + 1) * size));

/** An image as nested lists, as JSON has tensors. */
export function nested(image) {
  const {width, channels} = demo.format;
  return split(split(Array.from(image), channels), width);
}

/** Run a signature in requests that the export takes; every input is a batch. Returns the outputs of each request. */
async function inParts(signature, inputs, signal) {
  const parts = [], number = Object.values(inputs)[0].length;
  for (let first = 0; first < number; first += demo.most) {
    const part = Object.fromEntries(
      Object.entries(inputs).map(([name, batch]) => [name, batch.slice(first, first + demo.most)]));
    parts.push(await demo.client.predict(signature, part, signal));
  }
  return parts;
}

/** Run a signature that draws. */
async function draw(signature, inputs, signal) {
  const parts = await inParts(signature, inputs, signal), logProbs = parts.flatMap((part) => part.log_prob);
  return parts.flatMap((part) => part.images).map((image, k) =>
    ({image: Uint8Array.from(image.flat(2)), caption: `${(-logProbs[k]).toFixed(1)} nats`}));
}

const repeated = (value, number) => new Array(number).fill(value);

export async function probabilities(image, signal) {
  return (await demo.client.predict("classify", {images: [nested(image)]}, signal)).probabilities[0];
}

export const indexOfMost = (values) => values.indexOf(Math.max(...values));

// ---- Complete

export async function complete(first) {
  const form = element("complete-form"), {drawing, format} = demo;
  if (!form.reportValidity()) return;
  const hidden = drawing.hidden.slice();
  if (!hidden.includes(1)) {
    element("complete-hint").textContent = "Nothing is hidden. Hide a part of the drawing, for example its lower half.";
    return;
  }
  const image = drawing.image.map((level, k) => (hidden[Math.floor(k / format.channels)] ? 0 : level));
  demo.revealing?.skip();
  await busy(form, "Completing …", async (signal) => {
    const inputs = {
      images: repeated(nested(image), COMPLETIONS),
      known: repeated(split(Array.from(hidden, (isHidden) => !isHidden), format.width), COMPLETIONS),
      seed: imageSeeds(Number(form.elements.seed.value), first, COMPLETIONS),
      temperature: repeated(Number(form.elements.temperature.value), COMPLETIONS),
    };
    if (demo.isConditional) inputs.condition = repeated(await labelOf(form, image, hidden, signal), COMPLETIONS);
    showCompletions(await draw("complete", inputs, signal), hidden, first);
  }, () => complete(first));
}

async function labelOf(form, image, hidden, signal) {
  const {value} = form.elements.label;
  return value === "" ? mostProbableClass(image, hidden, signal) : Number(value);
}

/**
 * The class under which the known pixels are most probable.
 *
 * A pixel depends on those drawn before it, so this is exact if no known pixel is drawn after a hidden one. Otherwise
 * known pixels depend on the levels that stand at the hidden ones.
 */
async function mostProbableClass(image, hidden, signal) {
  const condition = demo.classes.map((_, label) => label), {channels} = demo.format;
  const parts = await inParts("surprise", {images: repeated(nested(image), condition.length), condition}, signal);
  const maps = parts.flatMap((part) => part.log_prob_map);
  return indexOfMost(maps.map((map) =>
    map.flat(2).reduce((sum, nats, k) => (hidden[Math.floor(k / channels)] ? sum : sum + nats), 0)));
}

async function showCompletions(drawn, hidden, first) {
  const grid = element("completions");
  if (first === 0) grid.replaceChildren();
  const buttons = drawn.map(({image, caption}) => imageButton(image, demo.format, caption, takeOver));
  grid.append(...buttons);
  grid.dataset.state = "revealing";
  demo.next = first + COMPLETIONS;
  element("complete-after").hidden = false;
  element("skip").hidden = false;
  const items = drawn.map(({image}, k) => ({image, canvas: buttons[k].querySelector("canvas")}));
  const revealing = (demo.revealing = reveal(items, demo.format, hidden, demo.order));
  await revealing.done;
  if (demo.revealing !== revealing) return;
  element("skip").hidden = true;
  grid.dataset.state = "done";
}

function takeOver(image) {
  demo.drawing.replace(image);
  element("board").scrollIntoView({block: "nearest", behavior: "smooth"});
}

// ---- Sample

export async function sample() {
  const form = element("sample-form"), {value} = form.elements.label, number = demo.classes.length;
  if (!form.reportValidity()) return;
  const ofEach = demo.isConditional && value === "";
  const total = ofEach ? SAMPLES_OF_CLASS * number : SAMPLES;
  await busy(form, "Sampling …", async (signal) => {
    const inputs = {
      seed: imageSeeds(Number(form.elements.seed.value), 0, total),
      temperature: repeated(Number(form.elements.temperature.value), total),
    };
    // Classes in turn, as `pixelrnn sample` draws them.
    if (demo.isConditional) inputs.condition = inputs.seed.map((_, k) => (ofEach ? k % number : Number(value)));
    const drawn = await draw("sample", inputs, signal), grid = element("samples");
    const buttons = drawn.map(({image, caption}, k) =>
      imageButton(image, demo.format, ofEach ? `${demo.classes[k % number]}, ${caption}` : caption, takeOver));
    const byClass = demo.classes.flatMap((_, label) => buttons.filter((_, k) => k % number === label));
    grid.replaceChildren(...(ofEach ? byClass : buttons));
    grid.dataset.state = "done";
  }, sample);
}
