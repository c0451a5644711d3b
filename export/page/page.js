// The page: it connects to the server, sets the drawing up, and listens to its user.

import {Drawing, levelsOfPicture} from "./drawing.js";
import {drawingOrder, receptiveField} from "./fields.js";
import {complete, sample} from "./generate.js";
import {imageButton} from "./results.js";
import {Client, ServingError} from "./serving.js";
import {demo, element, guarded, showError} from "./state.js";
import {showLayers, showPixel, understand} from "./understand.js";

const TITLES = {diagonal_bilstm: "Diagonal BiLSTM", row_lstm: "Row LSTM", pixel_cnn: "PixelCNN"};
const POLL = 700, REST = 250; // Milliseconds between polls, and after a stroke.
const parameters = new URLSearchParams(location.search);

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
  if (!levels) throw new ServingError(`${client.model} is no model of pixelrnn_tf: it has no signature “logits”.`);
  if (channels !== 1 && channels !== 3) {
    throw new ServingError(`This page shows 1 or 3 channels; ${client.model} has ${channels}.`);
  }
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
  if (!number || !client.signatures.class_names) return labels.map(String);
  return client.predict("class_names", {condition: labels});
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

// ---- Controls

function onChange() {
  const {drawing} = demo;
  demo.looking?.abort(); // Its answer would be that of the earlier drawing.
  element("undo").disabled = !drawing.history.length;
  demo.map = drawing.heat = drawing.field = null;
  drawing.show();
  const first = demo.order.findIndex((k) => drawing.hidden[k]);
  const looksBack = first < 0 || demo.order.slice(first).every((k) => drawing.hidden[k]);
  element("complete-hint").textContent = first < 0
    ? "Draw something, hide a part, and the model fills it in, nine times."
    : looksBack
      ? "The model fills in the hidden part, pixel by pixel, from the top left to the bottom right."
      : "The model draws pixel by pixel. A hidden pixel depends only on the pixels drawn before it.";
  clearTimeout(demo.resting);
  if (!element("understand").hidden) demo.resting = setTimeout(understand, REST);
}

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
    const form = element(id), {temperature} = form.elements;
    const show = () => (form.querySelector("output").textContent = Number(temperature.value).toFixed(2));
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
