// Facts of the networks: the order in which pixels are drawn, and which pixels a pixel can see.

const STEM = 3; // The 7x7 stem reaches three pixels.

/** Indices of all pixels in the order of drawing: row by row, and the pixels of smaller scales first. */
export function drawingOrder(height, width, scales) {
  const strides = (scales || [height]).map((scale) => Math.round(height / scale));
  const scaleOf = (k) => strides.findIndex((stride) => !(Math.floor(k / width) % stride) && !((k % width) % stride));
  const order = Array.from({length: height * width}, (_, k) => k);
  return strides.length > 1 ? order.sort((a, b) => scaleOf(a) - scaleOf(b) || a - b) : order;
}

/**
 * Which pixels the distribution of a pixel can depend on.
 *
 * The fields of the three blocks are exact at every position, as the tests of the networks measure.
 * @param {{block: string, num_blocks: number, image_shape: number[]}} model
 * @returns {Uint8Array} 1 for every pixel that is seen, row by row; null for a block that is not known.
 */
export function receptiveField(model, row, column) {
  const [height, width, channels] = model.image_shape;
  const reach = STEM + model.num_blocks;
  const spans = {
    pixel_cnn: (d) => (d > reach ? null : [column - reach, column + STEM + Math.min(model.num_blocks, d - 1)]),
    row_lstm: (d) => [column - reach - d, column + d + 2],
    diagonal_bilstm: () => [0, width - 1],
  };
  const span = spans[model.block];
  if (!span || model.scales) return null;
  const seen = new Uint8Array(height * width);
  const mark = (r, left, right) =>
    seen.fill(1, r * width + Math.max(0, left), r * width + Math.min(width - 1, right) + 1);
  const isDiagonal = model.block === "diagonal_bilstm";
  if (column > 0) mark(row, isDiagonal ? 0 : column - reach, column - 1);
  for (let d = 1; d <= row; d++) {
    const columns = span(d);
    if (columns) mark(row - d, ...columns);
  }
  // The right-to-left half moves down by one row, and so never sees the end of the row above.
  if (isDiagonal && channels === 1 && row > 0 && column < width - 1 - STEM) seen[row * width - 1] = 0;
  return seen;
}
