"""PixelRNN: sizes of the paper, errors, and that it trains with Keras."""

import json

import keras
import numpy as np
import pytest

from pixelrnn_tf.models import PRESETS, BitsPerDim, NegativeLogLikelihood, PixelRNN, count_parameters
from tests.support.descriptors import MODELS, make
from tests.support.networks import BLOCK_NAMES, make_network, random_images


def added_by_design(model):
    """Weights this design has and the paper's plain reading has not: skips and initial states."""
    features = 2 * model.hidden
    states = {"diagonal_bilstm": 2, "row_lstm": 1, "pixel_cnn": 0}[model.block] * 2 * model.hidden
    return model.num_blocks * (states + features * features + features)


# Stem 7x7 to 2h; per block i-s, s-s and up; head of two inner layers and the logits; all with biases but s-s.
PLAIN_COUNTS = {
    # One logit of a sigmoid there, two levels here: 33 weights more.
    "mnist_diagonal_bilstm_7x16": 65_793 + 33,
    "mnist_diagonal_bilstm_1x32": 41_505 + 33,
    "cifar10_diagonal_bilstm": 8_837_888,
    "cifar10_row_lstm": 9_618_176,
    "cifar10_pixel_cnn": 5_340_416,
}


@pytest.mark.parametrize("name", PLAIN_COUNTS)
def test_parameter_counts_are_the_papers_plus_skips_and_states(name):
    model = PixelRNN.from_preset(name, load_weights=False)
    assert model.count_params() == PLAIN_COUNTS[name] + added_by_design(model) == PRESETS[name].parameters


@pytest.mark.parametrize("name", PRESETS)
def test_presets_state_how_many_parameters_they_have(name):
    assert PRESETS[name].parameters == count_parameters(**PRESETS[name].arguments)


@pytest.mark.parametrize("descriptor", [each for each in MODELS if each.cls is PixelRNN], ids=str)
def test_parameters_are_counted_from_the_arguments_alone(descriptor):
    assert count_parameters(**descriptor.arguments) == make(descriptor)[0].count_params()


@pytest.mark.parametrize(
    ("name", "millions"), [("cifar10_diagonal_bilstm", 8.84), ("cifar10_row_lstm", 9.62), ("cifar10_pixel_cnn", 5.34)]
)
def test_cifar10_counts_round_to_the_known_sizes(name, millions):
    assert round(PLAIN_COUNTS[name] / 1e6, 2) == millions


def test_building_again_changes_nothing():
    model = PixelRNN(**GOOD)
    weights = model.get_weights()
    model.build((None, 4, 4, 3))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights, strict=True))


def test_every_preset_but_the_small_ones_is_a_size_of_the_paper():
    sizes = {
        name: tuple(preset.arguments[key] for key in ("block", "num_blocks", "hidden", "head_hidden"))
        for name, preset in PRESETS.items()
        if not (name.startswith("digits_") or name.endswith("_small"))
    }
    assert sizes == {
        "mnist_diagonal_bilstm_7x16": ("diagonal_bilstm", 7, 16, 32),
        "mnist_diagonal_bilstm_1x32": ("diagonal_bilstm", 1, 32, 32),
        # The paper says of these that they were chosen on validation; sizes are ours.
        "mnist_row_lstm_7x16": ("row_lstm", 7, 16, 32),
        "mnist_pixel_cnn_15x16": ("pixel_cnn", 15, 16, 32),
        "cifar10_diagonal_bilstm": ("diagonal_bilstm", 12, 128, 1024),
        "cifar10_row_lstm": ("row_lstm", 12, 128, 1024),
        "cifar10_pixel_cnn": ("pixel_cnn", 15, 128, 1024),
        "imagenet32_row_lstm": ("row_lstm", 12, 384, 1024),
        "imagenet64_row_lstm": ("row_lstm", 4, 512, 1024),
    }
    assert PRESETS["imagenet64_row_lstm"].arguments["residual"] is False


def test_scores_of_the_paper_have_a_unit_and_a_split():
    found = {name: str(preset.paper_score) for name, preset in PRESETS.items()}
    assert found == {
        "digits_diagonal_bilstm": "None",
        "digits_row_lstm": "None",
        "digits_pixel_cnn": "None",
        "mnist_diagonal_bilstm_7x16": "79.20 nats per image on binarized_mnist test",
        "mnist_diagonal_bilstm_1x32": "80.75 nats per image on binarized_mnist test",
        "mnist_row_lstm_7x16": "80.54 nats per image on binarized_mnist test",
        "mnist_pixel_cnn_15x16": "81.30 nats per image on binarized_mnist test",
        "cifar10_diagonal_bilstm": "3.00 bits/dim on cifar10 test",
        "cifar10_row_lstm": "3.07 bits/dim on cifar10 test",
        "cifar10_pixel_cnn": "3.14 bits/dim on cifar10 test",
        "cifar10_small": "None",
        "imagenet32_row_lstm": "3.86 bits/dim on ImageNet 32x32 validation",
        "imagenet64_row_lstm": "3.63 bits/dim on ImageNet 64x64 validation",
    }
    assert all(preset.description.endswith(".") for preset in PRESETS.values())


def test_scale_centres_the_levels():
    model = make_network("pixel_cnn", levels=5)
    assert np.array(model.stem_inputs(np.arange(5))).tolist() == [-1, -0.5, 0, 0.5, 1]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_images_of_any_dtype_give_the_same_logits(dtype):
    model = make_network("pixel_cnn")
    images = random_images(model, 2)
    assert np.array_equal(model(images), model(images.astype(dtype)))


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_fit_lowers_the_loss_and_evaluate_agrees_with_the_logits(block):
    model = make_network(block, levels=3, scale=0.01, num_blocks=1)
    images = np.tile(random_images(model, 4), (8, 1, 1, 1))
    # XLA takes long to compile a recurrence; one of them is enough.
    jit_compile = "auto" if block == "diagonal_bilstm" else False
    model.compile(
        keras.optimizers.Adam(0.01), loss=NegativeLogLikelihood(), metrics=[BitsPerDim()], jit_compile=jit_compile
    )
    before = model.evaluate(images, images, verbose=0, return_dict=True)
    model.fit(images, images, batch_size=8, epochs=5, verbose=0)
    after = model.evaluate(images, images, verbose=0, return_dict=True)
    assert after["loss"] < 0.9 * before["loss"]
    assert after["bits_per_dim"] == pytest.approx(after["loss"] / (30 * np.log(2)), rel=1e-5)
    logits = np.array(model(images), "float64")
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    nats = -np.take_along_axis(log_probs, images[..., None].astype(int), -1).sum((1, 2, 3, 4)).mean()
    assert after["loss"] == pytest.approx(nats, rel=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_fit_in_mixed_precision(policy):
    model = PixelRNN((4, 4, 1), 2, "diagonal_bilstm", 1, 4, 4, dtype=policy)
    images = random_images(model, 8)
    model.compile("adam", loss=NegativeLogLikelihood())
    assert np.isfinite(model.fit(images, images, verbose=0).history["loss"]).all()


GOOD = {"image_shape": (4, 4, 3), "levels": 2, "block": "row_lstm", "num_blocks": 1, "hidden": 3, "head_hidden": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_shape": (4, 4)}, r"three positive integers \(height, width, channels\), got \(4, 4\)"),
        ({"block": "lstm"}, "block must be one of .*diagonal_bilstm.* got 'lstm'"),
        ({"levels": 1}, "levels must be from 2 to 256, got 1"),
        ({"levels": 257}, "levels must be from 2 to 256, got 257"),
        ({"num_blocks": 0}, "num_blocks must be at least 1, got 0"),
        ({"hidden": 2}, "hidden must be at least the number of channels, 3.* got 2"),
        ({"head_hidden": 2}, "head_hidden must be at least the number of channels, 3"),
        ({"condition_features": -1}, "condition_features must be at least 0"),
        ({"residual": "no"}, r"residual must be True or False, got 'no' \(str\)"),
        ({"residual": None}, "residual must be True or False, got None"),
        ({"skips": 1}, r"skips must be True or False, got 1 \(int\)"),
        ({"levels": 2.0}, r"levels must be an integer, got 2.0 \(float\)"),
        ({"levels": True}, r"levels must be an integer, got True \(bool\)"),
        ({"num_blocks": "2"}, "num_blocks must be an integer, got '2'"),
        ({"hidden": np.float32(4)}, "hidden must be an integer"),
        ({"head_hidden": None}, "head_hidden must be an integer, got None"),
        ({"image_shape": (4, 4.0, 3)}, r"three positive integers \(height, width, channels\), got \(4, 4.0, 3\)"),
        ({"image_shape": (4, 0, 3)}, r"three positive integers .* got \(4, 0, 3\)"),
        ({"image_shape": 4}, "three positive integers .* got 4"),
        ({"block": ["row_lstm"]}, r"block must be one of .* got \['row_lstm'\]"),
        # Refused before anything is allocated.
        ({"num_blocks": 10**9}, "num_blocks must be at most 1000, got 1000000000"),
        ({"image_shape": (10**6, 10**6, 3)}, "image_shape must have at most 16,777,216 sub-pixels"),
        ({"hidden": 10**5}, r"give [0-9,]+ parameters, 1,565 GiB in float32; at most 2,147,483,648 are allowed"),
        ({"head_hidden": 10**30}, "give 1,000,.* parameters"),
        ({"condition_features": 10**12}, "Reduce hidden, head_hidden, num_blocks or condition_features"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        PixelRNN(**{**GOOD, **change})


def test_integers_and_bools_of_numpy_are_those_of_python():
    model = PixelRNN(
        np.array([4, 4, 1]), np.uint8(2), "pixel_cnn", np.int64(1), np.int32(3), np.int16(3), np.bool_(False), np.True_
    )
    config = model.get_config()
    assert json.loads(json.dumps(config))["image_shape"] == [4, 4, 1]
    assert (config["residual"], config["skips"]) == (False, True)


def test_wrong_inputs_are_named():
    model = PixelRNN(**GOOD)
    with pytest.raises(ValueError, match=r"images must have the shape \(None, 4, 4, 3\).* got \(2, 4, 5, 3\)"):
        model(np.zeros((2, 4, 5, 3)))
    with pytest.raises(ValueError, match=r"call it without one: model\(images\)"):
        model([np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4, 1))])
    conditioned = PixelRNN(**GOOD, condition_features=2)
    with pytest.raises(ValueError, match=r"call it with one: model\(\[images, condition\]\)"):
        conditioned(np.zeros((2, 4, 4, 3)))
    with pytest.raises(ValueError, match=r"condition must have the shape \(None, 4, 4, 2\)"):
        conditioned([np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4, 1))])
    with pytest.raises(ValueError, match=r"There is no preset 'mnist'\. The presets are: .*mnist_diagonal_bilstm_7x16"):
        PixelRNN.from_preset("mnist")


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_the_condition_reaches_every_pixel_unmasked(block):
    model = make_network(block, condition_features=2)
    images = random_images(model, 1)
    condition = np.zeros((1, 5, 6, 2), "float32")
    changed = condition.copy()
    changed[0, 2, 3] = 1.0
    moved = (np.array(model([images, condition])) != np.array(model([images, changed]))).any((0, 3, 4))
    # At its own pixel (it is not masked) and on from there, but nowhere before it.
    assert moved[2, 3]
    assert moved[3, 3]
    assert not moved[:2].any()
    assert not moved[2, :3].any()
