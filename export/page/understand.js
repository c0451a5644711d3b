// What the model expected of the drawing: bits per pixel, classes, and what a pixel sees.

import {receptiveField} from "./fields.js";
import {indexOfMost, nested, probabilities} from "./generate.js";
import {demo, element, guarded, showError} from "./state.js";

export async function understand() {
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
    const per = format.channels === 3 ? "sub-pixel" : "pixel";
    element("bits").textContent = `${(bits / places).toFixed(4)} bits per ${per}, ${bits.toFixed(1)} bits for the image`
      + (demo.isConditional ? `, given the class ${demo.classes[indexOfMost(ofClasses)]}.` : ".");
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

export function showLayers() {
  const {drawing, map} = demo, isShown = !element("understand").hidden;
  const most = map ? Math.max(1, ...map) : 1;
  const hasHeat = map && isShown && element("show-heat").checked;
  drawing.heat = hasHeat ? map.map((bits) => Math.min(1, Math.max(0, bits / most))) : null;
  element("most").textContent = map ? `${most.toFixed(1)} bits` : "";
  drawing.show();
  showPixel();
}

export function showPixel() {
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
