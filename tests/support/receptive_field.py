"""Which sub-pixels an output may read and must read, and which ones it does.

The expected fields are those of the networks with the 7x7 mask A stem and L blocks, derived on paper; the
measured ones come from gradients and, a second way, from changing one sub-pixel at a time.
"""

import numpy as np
import tensorflow as tf

from tests.support.networks import make_network

STEM = 3  # The 7x7 stem reaches three pixels.


def expected_field(block, num_blocks, image_shape):
    """Bool `(outputs, inputs)` over sub-pixels in raster order: what an output must read, and nothing else."""
    height, width, channels = image_shape
    field = np.zeros((height, width, channels) * 2, bool)
    for r, c, k in np.ndindex(height, width, channels):
        out = field[r, c, k]
        out[r, c, :k] = True
        out[r, max(0, c - STEM - num_blocks) : c] = True
        for d in range(1, r + 1):
            left, right = _columns(block, num_blocks, c, d, width)
            out[r - d, max(0, left) : max(0, right + 1)] = True
        if block == "diagonal_bilstm":
            out[r, :c] = True
            if r > 0 and c < width - 1 - STEM:
                out[r - 1, width - 1, channels - 1] = False
    size = height * width * channels
    return field.reshape(size, size)


def _columns(block, num_blocks, c, d, width):
    """First and last column seen d rows above column c, before they are clipped to the image."""
    if block == "pixel_cnn":
        if d > num_blocks + STEM:
            return 0, -1
        return c - STEM - num_blocks, c + STEM + min(num_blocks, d - 1)
    if block == "row_lstm":
        return c - STEM - num_blocks - d, c + d + 2
    return 0, width - 1


def field_by_gradient(model, seed=0):
    """Bool `(outputs, inputs)`: which gradients of the logits with respect to the scaled image are not zero."""
    size = int(np.prod(model.image_shape))
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (1, *model.image_shape))
    scaled = tf.constant(np.repeat(image, size, axis=0))
    # Row i of the batch is asked for output i alone, all its levels in a random mixture.
    weights = np.eye(size).reshape(size, *model.image_shape, 1) * rng.normal(size=model.levels)
    with tf.GradientTape() as tape:
        tape.watch(scaled)
        picked = tf.reduce_sum(model.logits_of_stem_inputs(scaled, some_condition_map(model, size, seed)) * weights)
    return tape.gradient(picked, scaled).numpy().reshape(size, size) != 0


def some_condition_map(model, batch, seed=0):
    """The conditioning map of one condition for a whole batch, in float64; None for a model without."""
    takes = model.condition_format
    if takes is None:
        return None
    values = takes.examples(1, np.random.default_rng(seed))
    condition = np.broadcast_to(values, (batch, *takes.shape))
    return model.condition_map(model.convert_condition(condition), "float64")


def field_by_change(model, seed=0):
    """Bool `(outputs, inputs)`: which logits move when one sub-pixel of the scaled image does."""
    size = int(np.prod(model.image_shape))
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (1, *model.image_shape))
    changed = image + np.eye(size).reshape(size, *model.image_shape)
    condition = some_condition_map(model, size, seed)
    same = tf.constant(np.repeat(image, size, axis=0))
    logits = model.logits_of_stem_inputs(tf.constant(changed), condition).numpy().reshape(size, size, -1)
    base = model.logits_of_stem_inputs(same, condition).numpy().reshape(size, size, -1)
    return (logits != base).any(axis=-1).T


def check_receptive_field(block, num_blocks, image_shape, measure=field_by_gradient, seeds=12, **arguments):
    """Assert that nothing but the expected field is read, and all of it by some seed (a ReLU may be dead)."""
    expected = expected_field(block, num_blocks, image_shape)
    seen = np.zeros_like(expected)
    for seed in range(seeds):
        model = make_network(
            block,
            image_shape,
            seed,
            levels=3,
            num_blocks=num_blocks,
            hidden=7,
            head_hidden=10,
            dtype="float64",
            **arguments,
        )
        field = measure(model, seed)
        assert not (field & ~expected).any(), f"{(field & ~expected).sum()} sub-pixels are read that must not be"
        seen |= field
        if seed > 0 and (seen == expected).all():
            break
    assert not (expected & ~seen).any(), f"{(expected & ~seen).sum()} visible sub-pixels are not read"
