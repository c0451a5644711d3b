// What all parts of the page share: what is known of the model, errors, and progress.

import {ServingError} from "./serving.js";

const PATIENCE = 600; // Milliseconds before progress is shown.

export const element = (id) => document.getElementById(id);

/** What is known of the model, once it is: the client, the format of images, the drawing, names of classes. */
export const demo = {client: null, format: null, drawing: null, classes: [], map: null};

/** Run something; show its error, with a button that tries again. */
export async function guarded(run, again) {
  try {
    await run();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ServingError)) console.error(error);
    showError(error instanceof ServingError ? error.message : `This page has failed: ${error.message}`, again);
  }
}

/** As `guarded`, with the button of a form busy, a progress bar, and the seconds that have passed. */
export async function busy(form, words, run, again) {
  const button = form.querySelector(".primary"), began = performance.now(), abort = new AbortController();
  const name = (button.dataset.name ??= button.textContent);
  showError("");
  demo.abort?.abort();
  Object.assign(demo, {abort, busy: button});
  button.disabled = true;
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    element("progress").hidden = seconds * 1000 < PATIENCE;
    button.textContent = seconds * 1000 < PATIENCE ? name : `${words} ${seconds.toFixed(0)} s`;
  }, 100);
  await guarded(() => run(abort.signal), again);
  clearInterval(timer);
  // Another request may have taken its place: the progress bar belongs to that one, and so may the button.
  const isLast = demo.abort === abort;
  if (isLast) element("progress").hidden = true;
  if (isLast || demo.busy !== button) Object.assign(button, {disabled: false, textContent: name});
}

export function showError(words, again) {
  const box = element("error");
  box.hidden = !words;
  box.querySelector("p").textContent = words;
  element("retry").hidden = !again;
  element("retry").onclick = again;
  if (words) element("state").textContent = "";
}
