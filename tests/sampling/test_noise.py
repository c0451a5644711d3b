"""Random noise is a function of seed and position, the same to the bit wherever it is computed."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.sampling import image_noise, image_seeds, stateless_seed
from pixelrnn_tf.sampling.philox import philox
from tests.support.import_graph import read_imports, read_modules

ROOT = pathlib.Path(__file__).parents[2]

# The known answers that Random123 publishes for Philox4x32-10: counter, key, output.
KNOWN_ANSWERS = [
    ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]
SEEDS = np.array([[0, 1], [0, 2], [7, 1], [-5, 2**31 - 1], [-(2**31), -1]], "int32")
SHAPE = (5, 7, 3)  # 105 numbers, no multiple of the four of a block.


def words(text):
    return np.array([[int(word, 16)] for word in text.split()], "uint32")


def on_tensorflow(counter, key):
    return philox(tf.unstack(counter), tf.unstack(key), tf.bitwise.right_shift)


@pytest.mark.parametrize(
    "run",
    [
        philox,
        on_tensorflow,
        tf.function(on_tensorflow),
        tf.function(on_tensorflow, jit_compile=True),
        lambda counter, key: philox(tuple(jnp.array(counter)), tuple(jnp.array(key))),
        jax.jit(lambda counter, key: philox(tuple(counter), tuple(key))),
    ],
    ids=["numpy", "TensorFlow", "graph", "XLA", "JAX", "compiled JAX"],
)
@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_published_answers(run, counter, key, answer):
    assert [f"{int(word[0]):08x}" for word in run(words(counter), words(key))] == answer.split()


def philox_of_integers(counter, key):
    """The same in Python's integers, as the paper writes it."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = second >> 32 ^ b ^ k0, second % 2**32, first >> 32 ^ d ^ k1, first % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return [a, b, c, d]


def test_many_blocks_equal_those_of_long_integers():
    rng = np.random.default_rng(0)
    counter, key = (rng.integers(0, 2**32, (n, 1000), dtype="uint32") for n in (4, 2))
    got = np.stack(philox(tuple(counter), tuple(key)), axis=1).tolist()
    assert got == [philox_of_integers(*pair) for pair in zip(counter.T.tolist(), key.T.tolist(), strict=True)]


def test_noise_is_what_tensorflow_draws_op_by_op():
    for seed, noise in zip(SEEDS, np.array(image_noise(SEEDS, SHAPE)), strict=True):
        assert np.array_equal(noise, tf.random.stateless_uniform(SHAPE, seed, alg="philox"))


def test_seeds_of_images_are_those_that_tensorflow_folds():
    index = np.array([-2, 0, 1, 2, 2**31 - 1], "int32")
    for seed in SEEDS:
        folded = [tf.random.experimental.stateless_fold_in(seed, k, alg="philox") for k in index]
        assert np.array_equal(image_seeds(seed, index), folded)
        assert image_seeds(seed, index).dtype == "int32"


@pytest.mark.parametrize("jit_compile", [False, True])
def test_noise_is_the_same_in_a_graph(jit_compile):
    @tf.function(
        jit_compile=jit_compile, input_signature=[tf.TensorSpec((2,), tf.int32), tf.TensorSpec((None,), tf.int32)]
    )
    def noise_of(seed, index):
        seeds = image_seeds(seed, index)
        return seeds, image_noise(seeds, SHAPE)

    index = np.arange(5, dtype="int32")
    for seed in SEEDS[2:4]:
        seeds, noise = noise_of(seed, index)
        assert np.array_equal(seeds, image_seeds(seed, index))
        assert np.array_equal(noise, image_noise(image_seeds(seed, index), SHAPE))


@pytest.mark.parametrize("made", [list, lambda x: np.array(x, "int64"), lambda x: tf.constant(x, tf.int64)])
def test_numbers_of_more_than_32_bits_are_refused_and_not_cut(made):
    assert np.array_equal(image_seeds(made([7, 2**32 - 1]), made([0, 5])), image_seeds([7, -1], [0, 5]))
    assert np.array_equal(image_noise(made([[7, 2**32 - 1]]), SHAPE), image_noise([[7, -1]], SHAPE))
    for wrong in (2**32, -(2**31) - 1):
        with pytest.raises(ValueError, match="seed must hold integers of up to 32 bits"):
            image_seeds(made([0, wrong]), [0])
        with pytest.raises(ValueError, match="index must hold integers of up to 32 bits"):
            image_seeds([0, 1], made([wrong]))
        with pytest.raises(ValueError, match="seeds must hold integers of up to 32 bits"):
            image_noise(made([[0, wrong]]), SHAPE)


def test_fractions_are_no_seeds():
    with pytest.raises(ValueError, match="seed must hold integers of up to 32 bits"):
        image_seeds(np.array([0.0, 1.5]), [0])


@pytest.mark.parametrize(
    "function", [stateless_seed, lambda x: image_seeds(x, [0]), lambda x: image_noise(x[None], SHAPE)]
)
def test_a_pair_that_may_be_too_long_is_refused_in_a_graph(function):
    @tf.function
    def graph(seed):
        return function(seed)

    # A graph does not know the numbers of its arguments.
    with pytest.raises(ValueError, match=r"up to 32 bits inside a graph, got int64: cast it to int32"):
        graph(tf.constant([0, 2**40], tf.int64))
    assert np.array_equal(graph(tf.constant([0, 2**32 - 1], tf.uint32)), function(np.array([0, -1], "int32")))


def test_an_integer_of_64_bits_is_whole_in_a_graph():
    seed = tf.function(stateless_seed)
    assert seed(tf.constant(2**40 + 7, tf.int64)).numpy().tolist() == [256, 7]


def test_an_image_has_its_noise_in_every_batch():
    noise = np.array(image_noise(SEEDS, SHAPE))
    assert noise.dtype == "float32"
    assert noise.min() >= 0
    assert noise.max() < 1
    assert np.array_equal(image_noise(SEEDS[2:3], SHAPE)[0], noise[2])
    assert image_noise(SEEDS[:0], SHAPE).shape == (0, *SHAPE)
    assert len(np.unique(noise)) > 0.99 * noise.size


def test_noise_and_temperatures_need_no_keras():
    imports = read_imports(read_modules(ROOT, ("pixelrnn_tf",)))
    modules = ("pixelrnn_tf.sampling.philox", "pixelrnn_tf.sampling.temperature", "pixelrnn_tf.concrete_value")
    needed = {edge.imported.split(".")[0] for edge in imports if edge.importer in modules and edge.at_start}
    assert "numpy" in needed
    assert not needed & {"keras", "tensorflow", "jax"}
