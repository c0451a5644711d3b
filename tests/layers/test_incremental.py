"""A layer whose parallel and incremental forms do not belong together is refused, and one without a form too."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.layers import BLOCKS, DiagonalBiLSTM, Head, MaskedConv2D, PixelCNNBlock, RowLSTM, RowLSTMBlock
from pixelrnn_tf.layers.composition import CompositeLayer, check_part_class
from pixelrnn_tf.layers.incremental import IncrementalLayer
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.sampling import generate
from tests.support.networks import randomize
from tests.support.noise_intervals import check_intervals

ARGUMENTS = {"image_shape": (4, 5, 1), "levels": 3, "num_blocks": 1, "hidden": 4, "head_hidden": 5}


def twice(self, *arguments, **keywords):
    return 2 * super(type(self), self).call(*arguments, **keywords)


@pytest.mark.parametrize(
    ("parent", "member", "form"),
    [
        (MaskedConv2D, "call", "incremental"),
        (MaskedConv2D, "__call__", "incremental"),
        (MaskedConv2D, "_convolve", "incremental"),
        (RowLSTM, "call", "incremental"),
        (RowLSTM, "from_directions", "incremental"),
        (RowLSTM, "scan_order", "incremental"),
        (DiagonalBiLSTM, "to_directions", "incremental"),
        (DiagonalBiLSTM, "outputs", "incremental"),
        (RowLSTMBlock, "call", "compose"),
        (PixelCNNBlock, "call", "compose"),
        (Head, "call", "compose"),
        (PixelRNN, "call", "compose"),
        (PixelRNN, "logits_of_stem_inputs", "compose"),
    ],
)
def test_a_subclass_that_overrides_the_parallel_form_alone_is_refused(parent, member, form):
    with pytest.raises(TypeError, match=rf"Twice overrides `{member}`.*Define `{form}` in Twice too"):
        type("Twice", (parent,), {member: twice})
    # The remedy that the error names.
    kept = type("Kept", (parent,), {member: twice, form: getattr(parent, form)})
    # What comes after it is held to the same.
    with pytest.raises(TypeError, match=rf"Again overrides `{member}`.*of Kept"):
        type("Again", (kept,), {member: twice})


def test_a_mixin_is_no_way_around():
    class Twice:
        call = twice

    with pytest.raises(TypeError, match="Twice overrides `call`"):
        type("Block", (Twice, RowLSTMBlock), {})


def test_a_subclass_that_overrides_what_both_forms_run_through_is_scored_and_drawn_alike(monkeypatch):
    class Doubled(PixelCNNBlock):
        def transform(self, x, apply):
            return 2 * super().transform(x, apply)

    monkeypatch.setitem(BLOCKS, "doubled", Doubled)
    model = randomize(PixelRNN(block="doubled", **ARGUMENTS))
    plain = randomize(PixelRNN(block="pixel_cnn", **ARGUMENTS))
    noise = np.random.default_rng(0).uniform(size=(4, 4, 5, 1)).astype("float32")
    images = generate(model, noise)
    assert not np.allclose(model(images), plain(images))
    check_intervals(model, images, noise)


def test_a_subclass_with_both_forms_of_its_own_is_scored_and_drawn_alike(monkeypatch):
    class Squashed(MaskedConv2D):
        def call(self, inputs, condition=None):
            return tf.tanh(super().call(inputs, condition))

        def incremental(self, dtype="float32"):
            form = super().incremental(dtype)
            decode = form.decode

            def squashed(x, context, state):
                outputs, state, record = decode(x, context, state)
                return tf.tanh(outputs), state, record

            form.decode = squashed
            return form

    class Block(PixelCNNBlock):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            self.spatial = Squashed(self.hidden, 3, "B", self.channels, name="spatial")

    monkeypatch.setitem(BLOCKS, "squashed", Block)
    model = randomize(PixelRNN(block="squashed", **ARGUMENTS))
    noise = np.random.default_rng(0).uniform(size=(4, 4, 5, 1)).astype("float32")
    check_intervals(model, generate(model, noise), noise)


@pytest.mark.parametrize("cls", [keras.layers.Dense, keras.layers.Layer, dict])
def test_a_block_that_cannot_run_pixel_by_pixel_is_refused(monkeypatch, cls):
    monkeypatch.setitem(BLOCKS, "other", cls)
    with pytest.raises(TypeError, match=f"{cls.__name__} cannot be part of a network: it has no incremental form"):
        PixelRNN(block="other", **ARGUMENTS)


def test_so_is_a_block_with_a_part_that_cannot(monkeypatch):
    class Block(PixelCNNBlock):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            self.spatial = keras.layers.Conv2D(self.hidden, 3, padding="same")

    monkeypatch.setitem(BLOCKS, "other", Block)
    with pytest.raises(TypeError, match="Conv2D cannot be part of a network"):
        PixelRNN(block="other", **ARGUMENTS)


def test_a_part_that_is_not_listed_is_named_when_images_are_drawn(monkeypatch):
    class Block(PixelCNNBlock):
        @property
        def parts(self):
            return [self.down, self.up]

        def transform(self, x, apply):
            return apply(self.up, apply(self.spatial, apply(self.down, x)))

    monkeypatch.setitem(BLOCKS, "other", Block)
    model = PixelRNN(block="other", **ARGUMENTS)
    with pytest.raises(TypeError, match=r"spatial.* is missing from `parts`"):
        generate(model, np.zeros((1, 4, 5, 1), "float32"))


@pytest.mark.parametrize("cls", [IncrementalLayer, CompositeLayer])
def test_the_contract_is_abstract(cls):
    check_part_class(cls)
    with pytest.raises(TypeError, match="abstract method"):
        cls()
