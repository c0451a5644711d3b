// The page: what the model is, and what its user asks it.

import {Drawing, levelsOfPicture} from "./drawing.js";
import {drawingOrder, receptiveField} from "./fields.js";
import {imageButton, reveal} from "./results.js";
import {imageSeeds} from "./seeds.js";
import {Client, ServingError} from "./serving.js";

const TITLES = {diagonal_bilstm: "Diagonal BiLSTM", row_lstm: "Row LSTM", pixel_cnn: "PixelCNN"};
const COMPLETIONS = 9, SAMPLES = 16, SAMPLES_OF_CLASS = 4;
const POLL = 700, REST = 250, PATIENCE = 600; // Milliseconds: between polls, after a stroke, before progress is shown.
const element = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);

/** What is known of the model, once it is: the client, the format of images, the drawing, names of classes. */
const demo = {client: null, format: null, drawing: null, classes: [], map: null};

// ---- Start

async function start() {
  showError("");
  const model = parameters.get("model");
  if (!model) return showError("Name a model in the address of this page: ?model=NAME.");
  demo.client = new Client(parameters.get("server") || "", model);
  element("server").textContent = demo.client.address;
  element("name").textContent = model;
  await guarded(async () => {
    while ((await demo.client.state()) !== "AVAILABLE") {
      element("state").textContent = "The server is loading the model …";
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
    await demo.client.connect();
    await setUp();
    element("state").textContent = "Ready";
    element("main").hidden = false;
  }, start);
}

async function setUp() {
  const {client} = demo, [, height, width, channels, levels] = client.sizes("logits", "outputs", "logits");
  if (!levels) throw new ServingError(`${client.model} is not a model of pixelrnn_tf: it has no signature “logits”.`);
  if (channels !== 1 && channels !== 3) throw new ServingError(`This page shows 1 or 3 channels; ${client.model} has ${channels}.`);
  const condition = client.signatures.complete.inputs.condition;
  if (condition && (condition.tensor_shape.dim || []).length !== 1) {
    throw new ServingError(`${client.model} takes a map as its condition. This page knows only classes.`);
  }
  demo.format = {height, width, channels, levels};
  demo.isConditional = Boolean(condition);
  demo.classes = await classNames();
  demo.most = client.card.max_batch_size || 64;
  element("tab-understand").hidden = !client.signatures.surprise; // Exports of the first version have none.
  showFacts();
  setUpDrawing();
  setUpClasses();
}

async function classNames() {
  const {client} = demo, number = client.sizes("classify", "outputs", "probabilities")[1] || 0;
  if (client.card.class_names) return client.card.class_names;
  const labels = Array.from({length: number}, (_, k) => k);
  return number && client.signatures.class_names ? client.predict("class_names", {condition: labels}) : labels.map(String);
}

function showFacts() {
  const {format: {height, width, channels, levels}, client: {card}} = demo, {model} = card;
  const test = card.scores?.test, digits = levels === 256 ? test?.bits_per_dim : test?.nats_per_image;
  const facts = [
    model && `${TITLES[model.block] || model.block} ${model.num_blocks} × ${model.hidden}`,
    `${height} × ${width}${channels === 3 ? " in color" : ""}`,
    levels === 2 ? "black and white" : `${levels} levels`,
    Number.isFinite(digits) && `${digits.toFixed(2)} ${levels === 256 ? "bits/dim" : "nats"} on its test images`,
  ];
  element("facts").textContent = facts.filter(Boolean).join(" · ");
  element("about").textContent = demo.client.server
    ? "" : "The demo server is for trying a model; for production, use TensorFlow Serving.";
}

function setUpDrawing() {
  const {format, client} = demo;
  const drawing = (demo.drawing = new Drawing(element("image"), element("overlay"), format));
  element("board").style.aspectRatio = `${format.width} / ${format.height}`;
  element("size").value = drawing.size;
  element("ink-gray").hidden = format.levels === 2 || format.channels === 3;
  element("ink-color").hidden = format.channels !== 3;
  Object.assign(element("ink"), {max: format.levels - 1, value: format.levels - 1});
  demo.order = drawingOrder(format.height, format.width, client.card.model?.scales);
  if (format.channels === 3) setColor();
  drawing.addEventListener("change", onChange);
  drawing.addEventListener("hover", showPixel);
  const canSee = client.card.model && receptiveField({...client.card.model}, 0, 0);
  element("field-label").hidden = !canSee;
  showExamples();
  onChange();
}

async function showExamples() {
  const {format, drawing, client: {card: {examples}}} = demo;
  element("examples").hidden = !examples;
  element("thumbnails").replaceChildren();
  for (const [k, file] of (examples || []).entries()) {
    const picture = new Image();
    picture.src = `data:image/png;base64,${file}`;
    await picture.decode();
    const image = levelsOfPicture(picture, format);
    element("thumbnails").append(imageButton(image, format, `example ${k + 1}`, () => drawing.replace(image, true)));
  }
}

function setUpClasses() {
  const {classes, isConditional} = demo;
  for (const [form, any] of [["complete-form", "most probable"], ["sample-form", "each class"]]) {
    const select = element(form).elements.label;
    select.replaceChildren(new Option(any, ""), ...classes.map((name, label) => new Option(name, label)));
    select.closest("label").hidden = !isConditional;
  }
  element("classes").hidden = !demo.client.signatures.classify;
}

// ---- Ask the server

/** Run something; show its error, with a button that tries again. */
async function guarded(run, again) {
  try {
    await run();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ServingError)) console.error(error);
    showError(error instanceof ServingError ? error.message : `This page has failed: ${error.message}`, again);
  }
}

/** As `guarded`, with the button of a form busy, a progress bar, and the seconds that have passed. */
async function busy(form, words, run, again) {
  const button = form.querySelector(".primary"), began = performance.now(), abort = new AbortController();
  const name = (button.dataset.name ??= button.textContent);
  showError("");
  demo.abort?.abort();
  demo.abort = abort;
  button.disabled = true;
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    element("progress").hidden = seconds * 1000 < PATIENCE;
    button.textContent = seconds * 1000 < PATIENCE ? name : `${words} ${seconds.toFixed(0)} s`;
  }, 100);
  await guarded(() => run(abort.signal), again);
  clearInterval(timer);
  if (demo.abort !== abort) return; // Another request has taken its place.
  element("progress").hidden = true;
  Object.assign(button, {disabled: false, textContent: name});
}

function showError(words, again) {
  const box = element("error");
  box.hidden = !words;
  box.querySelector("p").textContent = words;
  element("retry").hidden = !again;
  element("retry").onclick = again;
  if (words) element("state").textContent = "";
}

/** A list in parts of a size. */
const split = (list, size) => Array.from({length: list.length / size}, (_, k) => list.slice(k * size, (k + 1) * size));

/** An image as nested lists, as JSON has tensors. */
function nested(image) {
  const {width, channels} = demo.format;
  return split(split(Array.from(image), channels), width);
}

/** Run a signature that draws, in requests that the export takes; every input is a batch. */
async function draw(signature, inputs, signal) {
  const images = [], logProbs = [], number = inputs.seed.length;
  for (let first = 0; first < number; first += demo.most) {
    const part = Object.fromEntries(
      Object.entries(inputs).map(([name, batch]) => [name, batch.slice(first, first + demo.most)]));
    const outputs = await demo.client.predict(signature, part, signal);
    images.push(...outputs.images.map((image) => Uint8Array.from(image.flat(2))));
    logProbs.push(...outputs.log_prob);
  }
  return images.map((image, k) => ({image, caption: `${(-logProbs[k]).toFixed(1)} nats`}));
}

const repeated = (value, number) => new Array(number).fill(value);

async function probabilities(image, signal) {
  return (await demo.client.predict("classify", {images: [nested(image)]}, signal)).probabilities[0];
}

const indexOfMost = (values) => values.indexOf(Math.max(...values));

// ---- Complete

async function complete(first) {
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
    if (demo.isConditional) inputs.condition = repeated(await labelOf(form, image, signal), COMPLETIONS);
    showCompletions(await draw("complete", inputs, signal), hidden, first);
  }, () => complete(first));
}

async function labelOf(form, image, signal) {
  const {value} = form.elements.label;
  return value === "" ? indexOfMost(await probabilities(image, signal)) : Number(value);
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

async function sample() {
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
    grid.replaceChildren(...(ofEach ? demo.classes.flatMap((_, label) => buttons.filter((_, k) => k % number === label)) : buttons));
    grid.dataset.state = "done";
  }, sample);
}

// ---- Understand

function onChange() {
  const {drawing} = demo;
  element("undo").disabled = !drawing.history.length;
  demo.map = drawing.heat = drawing.field = null;
  drawing.show();
  const first = demo.order.findIndex((k) => drawing.hidden[k]);
  const looksBack = first < 0 || demo.order.slice(first).every((k) => drawing.hidden[k]);
  element("complete-hint").textContent = first < 0
    ? "Draw something, hide a part, and the model fills it in, nine times."
    : looksBack
      ? "The model fills in the hidden part, pixel by pixel, from the top left to the bottom right."
      : "The model draws pixel by pixel and does not look ahead: a hidden pixel depends only on the pixels drawn before it.";
  clearTimeout(demo.resting);
  if (!element("understand").hidden) demo.resting = setTimeout(understand, REST);
}

async function understand() {
  const {drawing, client, format} = demo, image = drawing.image.slice();
  demo.looking?.abort();
  const {signal} = (demo.looking = new AbortController());
  await guarded(async () => {
    const inputs = {images: [nested(image)]};
    let ofClasses = null;
    if (client.signatures.classify) ofClasses = await probabilities(image, signal);
    if (demo.isConditional) inputs.condition = [indexOfMost(ofClasses)];
    const {log_prob_map: [map], log_prob: [logProb]} = await client.predict("surprise", inputs, signal);
    showError("");
    demo.map = map.flatMap((row) => row.map((pixel) => -pixel.reduce((sum, nats) => sum + nats, 0) / Math.LN2));
    const bits = -logProb / Math.LN2, places = image.length;
    element("nats").textContent = (-logProb).toFixed(2);
    element("bits").textContent = `${(bits / places).toFixed(4)} bits per ${format.channels === 3 ? "sub-pixel" : "pixel"}, `
      + `${bits.toFixed(1)} bits for the whole image` + (ofClasses ? `, given the class ${demo.classes[indexOfMost(ofClasses)]}.` : ".");
    if (ofClasses) showBars(ofClasses);
    showLayers();
  }, understand);
}

function showBars(values) {
  const rows = values.map((value, label) => {
    const row = document.createElement("li"), bar = document.createElement("i");
    bar.style.width = `${100 * value}%`;
    const name = Object.assign(document.createElement("b"), {textContent: demo.classes[label]});
    const percent = Object.assign(document.createElement("span"), {textContent: `${(100 * value).toFixed(1)} %`});
    const track = document.createElement("div");
    track.append(bar);
    row.append(name, track, percent);
    row.classList.toggle("most", label === indexOfMost(values));
    return row;
  });
  element("bars").replaceChildren(...rows);
}

function showLayers() {
  const {drawing, map} = demo, isShown = !element("understand").hidden;
  const most = map ? Math.max(1, ...map) : 1;
  drawing.heat = map && isShown && element("show-heat").checked ? map.map((bits) => Math.min(1, Math.max(0, bits / most))) : null;
  element("most").textContent = map ? `${most.toFixed(1)} bits` : "";
  drawing.show();
  showPixel();
}

function showPixel() {
  const {drawing, client: {card}, map, format: {width, channels}} = demo, words = [];
  const isShown = !element("understand").hidden;
  drawing.field = null;
  element("seen").textContent = "";
  if (drawing.pixel) {
    const [row, column] = drawing.pixel, k = row * width + column;
    const levels = drawing.image.slice(channels * k, channels * (k + 1)).join(", ");
    words.push(`Row ${row + 1}, column ${column + 1}`, drawing.hidden[k] && !isShown ? "hidden" : `level ${levels}`);
    if (isShown && map) words.push(`${map[k].toFixed(3)} bits`);
    if (isShown && element("show-field").checked && card.model) {
      drawing.field = receptiveField(card.model, row, column);
      if (drawing.field) {
        const seen = drawing.field.reduce((sum, isSeen) => sum + isSeen, 0);
        element("seen").textContent = `It sees ${seen} of the ${k} pixels before it.`;
      }
    }
  }
  element("pixel").textContent = words.join(" · ");
  drawing.show();
}

// ---- Controls

function setColor() {
  const bytes = element("color").value.match(/\w\w/g).map((digits) => parseInt(digits, 16));
  demo.drawing.ink = bytes.map((byte) => Math.round((byte * (demo.format.levels - 1)) / 255));
}

function select(tab) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const isSelected = other === tab;
    other.setAttribute("aria-selected", isSelected);
    other.tabIndex = isSelected ? 0 : -1;
    element(other.getAttribute("aria-controls")).hidden = !isSelected;
  }
  if (tab.id === "tab-understand" && !demo.map) understand();
  showLayers();
}

async function loadPicture(file) {
  await guarded(async () => {
    const picture = await createImageBitmap(file).catch(() => {
      throw new ServingError(`${file.name} is not a picture that this browser can read.`);
    });
    demo.drawing.replace(levelsOfPicture(picture, demo.format), true);
  });
}

function listen() {
  const on = (id, type, run) => element(id).addEventListener(type, run);
  on("undo", "click", () => demo.drawing.undo());
  on("clear", "click", () => demo.drawing.clear());
  on("invert", "click", () => demo.drawing.invert());
  on("load", "change", ({target}) => {
    if (target.files[0]) loadPicture(target.files[0]);
    target.value = "";
  });
  on("ink", "input", ({target}) => (demo.drawing.ink = [Number(target.value)]));
  on("size", "input", ({target}) => (demo.drawing.size = Number(target.value)));
  on("color", "input", setColor);
  on("skip", "click", () => demo.revealing.skip());
  on("more", "click", () => complete(demo.next));
  on("show-heat", "change", showLayers);
  on("show-field", "change", showPixel);
  for (const [id, run] of [["complete-form", () => complete(0)], ["sample-form", sample]]) {
    on(id, "submit", (event) => {
      event.preventDefault();
      run();
    });
    const {temperature} = element(id).elements;
    const show = () => (temperature.closest("label").querySelector("output").textContent = Number(temperature.value).toFixed(2));
    temperature.addEventListener("input", show);
    show();
  }
  for (const button of document.querySelectorAll("[data-hide]")) {
    button.addEventListener("click", () => demo.drawing.hide(button.dataset.hide));
  }
  for (const input of document.querySelectorAll("[name=tool]")) {
    input.addEventListener("change", () => (demo.drawing.tool = input.value));
  }
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const [k, tab] of tabs.entries()) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({key}) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[key];
      if (!step) return;
      const next = tabs[(k + step + tabs.length) % tabs.length];
      select(next);
      next.focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (!demo.drawing || event.target.matches("input:not([type=radio]), select")) return;
    const tool = {p: "pen", e: "eraser", h: "hide"}[event.key];
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      demo.drawing.undo();
    } else if (tool && !event.ctrlKey && !event.metaKey && !event.altKey) {
      document.querySelector(`[name=tool][value=${tool}]`).click();
    } else if (event.key === "Escape") {
      demo.abort?.abort();
      demo.revealing?.skip();
    }
  });
}

listen();
start();
