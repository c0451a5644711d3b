// A client of TensorFlow Serving's REST interface: https://www.tensorflow.org/tfx/serving/api_rest

const NODES = /\[*\{\{(?:function_node|node) [^}]*\}\}\]*/g;
const CARD_KEYS = ["model", "scores", "max_batch_size", "class_names", "examples"];

/** An error with a message for the user. */
export class ServingError extends Error {}

/** The first line of a message of TensorFlow, without names of the graph's nodes. */
export function tidy(message) {
  const first = message.replace(NODES, "").split("\n").map((line) => line.trim()).find(Boolean) || message;
  const assertion = /^assertion failed: \[(.*)\]$/.exec(first);
  return assertion ? assertion[1].split("] [").join(" ") : first;
}

export class Client {
  /**
   * @param {string} server address such as "http://localhost:8501"; empty for the server of the page.
   * @param {string} model name of the model.
   */
  constructor(server, model) {
    this.server = server.replace(/\/+$/, "");
    this.model = model;
    this.url = `${this.server}/v1/models/${encodeURIComponent(model)}`;
  }

  get address() {
    return this.server || location.origin;
  }

  /** The state of the model: "AVAILABLE", "LOADING" and others. Throws if it cannot be loaded. */
  async state() {
    const versions = (await this.request(this.url)).model_version_status || [];
    if (versions.some((version) => version.state === "AVAILABLE")) return "AVAILABLE";
    const failed = versions.find((version) => version.status?.error_message);
    if (failed) throw new ServingError(`The server could not load ${this.model}: ${tidy(failed.status.error_message)}`);
    return versions[0]?.state || "START";
  }

  /** Read the signatures of the model, and what it tells of itself. Exports of earlier versions tell nothing. */
  async connect() {
    const metadata = await this.request(`${this.url}/metadata`);
    this.signatures = metadata.metadata.signature_def.signature_def;
    this.card = {};
    if (this.signatures.describe) {
      // One by one: an export may allow only one row in a request.
      const values = await Promise.all(CARD_KEYS.map((key) => this.predict("describe", {key: [key]})));
      values.forEach(([value], k) => (this.card[CARD_KEYS[k]] = JSON.parse(value)));
    }
  }

  /** The sizes of an input or an output, the batch first; 0 where they are not fixed. */
  sizes(signature, kind, name) {
    const dims = this.signatures[signature]?.[kind]?.[name]?.tensor_shape?.dim || [];
    return dims.map((dim) => Math.max(0, Number(dim.size)));
  }

  /** Run a signature. Inputs and outputs are columns: a batch for each name. The only output comes without its name. */
  async predict(signature, inputs, signal) {
    // A string is sent as plain text, so that a request to another server needs no preflight.
    const body = JSON.stringify({signature_name: signature, inputs});
    return (await this.request(`${this.url}:predict`, {method: "POST", body, signal})).outputs;
  }

  async request(url, options = {}) {
    let response, answer;
    try {
      response = await fetch(url, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ServingError(this.unreachable());
    }
    try {
      answer = await response.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ServingError(`${this.address} does not answer as TensorFlow Serving does (HTTP ${response.status}).`);
    }
    if (response.ok) return answer;
    if (response.status === 404) throw new ServingError(this.notFound());
    throw new ServingError(tidy(String(answer.error ?? `HTTP status ${response.status}`)));
  }

  unreachable() {
    const other = this.server && new URL(this.server).origin !== location.origin;
    return `No answer from ${this.address}. Is the server running?` + (other
      ? " TensorFlow Serving must be started with --rest_api_enable_cors_support, and the demo with --allow_origin."
      : " Start it again with the same command.");
  }

  notFound() {
    return `The server at ${this.address} has no model “${this.model}”. `
      + "Name another one in the address: ?model=NAME.";
  }
}
