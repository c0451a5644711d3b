"""`scan` means what `jax.lax.scan` means."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.layers import scan

XS = np.arange(1.0, 5.0).astype("float32")


def running_product(carry, x):
    return carry * x, {"before": carry, "half": tf.cast(x, "float64") / 2}


@pytest.mark.parametrize("compiled", ["eager", "graph", "xla"])
def test_carry_and_outputs_of_other_structure_and_dtype(compiled):
    def run(xs):
        return scan(running_product, tf.constant(1.0), xs)

    if compiled != "eager":
        run = tf.function(run, jit_compile=compiled == "xla")
    last, outputs = run(XS)
    assert last.numpy() == 24.0
    assert outputs["before"].numpy().tolist() == [1, 1, 2, 6]
    assert outputs["half"].numpy().tolist() == [0.5, 1, 1.5, 2]


def test_reverse_keeps_the_order_of_the_outputs():
    last, outputs = scan(running_product, tf.constant(1.0), XS, reverse=True)
    assert last.numpy() == 24.0
    assert outputs["before"].numpy().tolist() == [24, 12, 4, 1]


def test_length_without_xs():
    last, outputs = scan(lambda carry, _: (carry * 2, carry), tf.constant(1), length=4)
    assert last.numpy() == 16
    assert outputs.numpy().tolist() == [1, 2, 4, 8]


def test_gradient_passes_through_the_loop():
    xs = tf.constant(XS)
    with tf.GradientTape() as tape:
        tape.watch(xs)
        last, _ = scan(running_product, tf.constant(1.0), xs)
    assert tape.gradient(last, xs).numpy().tolist() == [24, 12, 8, 6]


def test_a_missing_length_is_an_error():
    with pytest.raises(ValueError, match="needs `length`"):
        scan(lambda carry, x: (carry, x), tf.constant(1))
