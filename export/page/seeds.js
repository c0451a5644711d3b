// Seeds of images, as pixelrnn_tf.sampling.image_seeds makes them: image k depends on the seed and on k only, so the
// page draws the images that `pixelrnn sample` and `PixelDistribution` draw with the same seed.

const ROUNDS = 10;
const MULTIPLIERS = [0xd2511f53n, 0xcd9e8d57n];
const INCREMENTS = [0x9e3779b9n, 0xbb67ae85n];
const SCRAMBLING_KEY = [0x3ec8f720n, 0x02461e29n];
const WORD = 0xffffffffn;

/** A block of Philox 4x32-10: four words of 32 bits from a counter of four and a key of two. */
function philox([a, b, c, d], [k0, k1]) {
  for (let round = 0; round < ROUNDS; round++) {
    const first = MULTIPLIERS[0] * a, second = MULTIPLIERS[1] * c;
    [a, b, c, d] = [(second >> 32n) ^ b ^ k0, second & WORD, (first >> 32n) ^ d ^ k1, first & WORD];
    [k0, k1] = [(k0 + INCREMENTS[0]) & WORD, (k1 + INCREMENTS[1]) & WORD];
  }
  return [a, b, c, d];
}

/** Seeds `[[high, low], ...]`, int32, of images `first` to `first + number - 1`, from a seed of 0 to 2^31 - 1. */
export function imageSeeds(seed, first, number) {
  const [k0, k1, third, fourth] = philox([0n, 0n, BigInt(seed), 0n], SCRAMBLING_KEY);
  const folded = Number(BigInt.asIntN(32, philox([0n, 0n, third, fourth], [k0, k1])[0]));
  return Array.from({length: number}, (_, k) => [folded, first + k]);
}
