"""Every signature of an export, as the server's C++ loader runs it, against the network it was made from."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import image_noise
from pixelrnn_tf.models import PRESETS, PixelRNN, negative_log_likelihood
from pixelrnn_tf.sampling import generate
from pixelrnn_tf.serving.check.comparison import LIMITS, compare
from pixelrnn_tf.serving.check.loader import Loader, LoaderError
from pixelrnn_tf.serving.check.reference import Format, model_reference
from pixelrnn_tf.serving.example_inputs import example_inputs
from pixelrnn_tf.serving.saved_model_writer import export_model
from pixelrnn_tf.serving.signatures import Signatures
from tests.support.networks import BLOCK_NAMES, make_network, randomize
from tests.support.noise_intervals import check_intervals
from tests.support.receptive_field import expected_field

SIGNATURES = {
    "score": {"scores", "split", "answered"},
    "serving_default": {"scores", "split", "answered"},
    "score_png": {"scores", "split", "answered"},
    "logits": {"scores", "split", "answered"},
    "surprise": {"scores", "split", "answered"},
    "surprise_png": {"scores", "split", "answered"},
    "sample": {"scores", "split", "noise", "answered"},
    "sample_png": {"scores", "split", "noise", "answered"},
    "complete": {"scores", "split", "noise", "known", "answered"},
    "complete_png": {"scores", "split", "noise", "known", "answered"},
}
SMALL = {"levels": 3, "num_blocks": 1, "hidden": 14, "head_hidden": 12}


class Served:
    """A network, its export, and the loader that runs it."""

    def __init__(self, model, folder):
        self.model, self.folder = model, folder
        self.loader = Loader(folder)

    def inputs(self, batch, seed=0):
        model = self.model
        return example_inputs(model.image_shape, model.levels, model.condition_format, batch, seed)

    def run(self, signature, inputs):
        return self.loader.run(signature, {name: inputs[name] for name in self.loader.signatures[signature].inputs})


@pytest.fixture(
    scope="module",
    params=[(block, channels) for block in BLOCK_NAMES for channels in (1, 3)],
    ids=lambda param: f"{param[0]}-{'gray' if param[1] == 1 else 'color'}",
)
def served(request, tmp_path_factory):
    block, channels = request.param
    keras.utils.set_random_seed(0)
    model = make_network(block, (12, 16, channels), **SMALL)
    served = Served(model, export_model(model, tmp_path_factory.mktemp("base") / "network"))
    yield served
    served.loader.close()


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory):
    model = make_network("row_lstm", (4, 5, 3), levels=256, num_blocks=1, condition_features=2)
    served = Served(model, export_model(model, tmp_path_factory.mktemp("base") / "conditioned"))
    yield served
    served.loader.close()


def compared(served, batch_sizes):
    fmt = Format.of(served.folder)
    measures = compare(served.loader, fmt, model_reference(served.model, fmt), batch_sizes)
    found = {name: {item.quantity for item in measures if item.signature == name} for name in SIGNATURES}
    assert found == SIGNATURES
    for item in measures:
        assert item.value <= LIMITS[item.quantity], item


def test_every_signature_equals_the_model_in_a_process_without_python(served):
    assert "without Python" in served.loader.process
    assert LIMITS == {"scores": 1e-5, "split": 1e-5, "noise": 1e-5, "known": 0, "answered": 0}
    compared(served, (1, 3, 64))


def test_every_signature_of_the_shared_export_equals_the_model_in_a_process_without_python(gray_export, gray_loader):
    assert "without Python" in gray_loader.process
    compared(SimpleNamespace(model=gray_export[0], folder=gray_export[1], loader=gray_loader), (1, 3))


def test_every_signature_takes_a_condition(conditioned):
    compared(conditioned, (3,))
    inputs = conditioned.inputs(2)
    expected = conditioned.model([inputs["images"], inputs["condition"]])
    np.testing.assert_allclose(conditioned.run("logits", inputs)["logits"], expected, rtol=1e-5, atol=1e-5)
    other = {**inputs, "condition": inputs["condition"] + 1}
    assert (conditioned.run("score", inputs)["log_prob"] != conditioned.run("score", other)["log_prob"]).all()


def test_a_huge_condition_is_refused_before_it_overflows(conditioned):
    inputs = conditioned.inputs(2)
    for value in (1e6, -1e6):
        outputs = conditioned.run("score", {**inputs, "condition": np.full_like(inputs["condition"], value)})
        assert np.isfinite(outputs["log_prob"]).all()
    for value in (2e6, 3e38, -3e38, np.inf, np.nan):
        huge = {**inputs, "condition": np.full_like(inputs["condition"], value)}
        for signature in SIGNATURES:
            with pytest.raises(LoaderError, match=r"condition must hold numbers from -1e\+06 to 1e\+06") as caught:
                conditioned.run(signature, huge)
            assert caught.value.code == tf.errors.INVALID_ARGUMENT


@pytest.mark.parametrize("signature", ["score", "logits", "sample"])
def test_what_overflows_gets_an_error(signature):
    model = make_network("row_lstm", (3, 4, 1), num_blocks=1)
    signatures = Signatures(model)
    values = example_inputs(model.image_shape, model.levels, None, batch=2)
    serve = tf.function(signatures.function(signature), autograph=False)
    inputs = [tf.constant(values[item.name]) for item in signatures.inputs[signature]]
    assert all(np.isfinite(value).all() for value in serve(*inputs).values())
    model.head.logits.kernel.assign(np.full(model.head.logits.kernel.shape, 3e38))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(log_prob|logits) is not finite: the inputs, or the"):
        serve(*inputs)


def test_scores_are_those_of_the_loss(served):
    inputs = served.inputs(5, seed=7)
    outputs = served.run("score", inputs)
    nats = negative_log_likelihood(inputs["images"], served.model(inputs["images"])).numpy()
    np.testing.assert_allclose(outputs["log_prob"], -nats, rtol=1e-5)
    sub_pixels = np.prod(served.model.image_shape)
    np.testing.assert_allclose(outputs["bits_per_dim"], nats / (sub_pixels * np.log(2)), rtol=1e-5)


def test_drawn_images_are_those_of_generate_and_pass_the_interval_test(served):
    inputs, model = served.inputs(3, seed=8), served.model
    noise, temperature = image_noise(inputs["seed"], model.image_shape).numpy(), inputs["temperature"]
    for signature, known in (("sample", None), ("complete", inputs["known"])):
        given = {} if known is None else {"images": inputs["images"], "known": known}
        outputs = served.run(signature, inputs)
        assert outputs["images"].dtype == np.uint8
        expected = generate(model, noise, temperature=temperature, **given)
        assert np.array_equal(outputs["images"], expected)
        unknown = True if known is None else ~known[..., None]
        check_intervals(model, outputs["images"], noise, unknown, temperature[:, None, None, None, None])
        png = served.run(f"{signature}_png", inputs)
        assert np.array_equal(png["log_prob"], outputs["log_prob"])
        for file, levels in zip(png["image_bytes"], outputs["images"], strict=True):
            assert np.array_equal(tf.io.decode_png(file), to_bytes(levels, 3))


def test_a_row_depends_on_its_own_seed_alone(served):
    inputs = served.inputs(6, seed=9)
    inputs["seed"][5], inputs["temperature"][5] = inputs["seed"][2], inputs["temperature"][2]
    images = served.run("sample", inputs)["images"]
    assert np.array_equal(images[5], images[2])
    assert not np.array_equal(images[0], images[1])
    last = {name: value[5:] for name, value in inputs.items()}
    assert np.array_equal(served.run("sample", last)["images"][0], images[2])


def test_the_receptive_field_of_the_reloaded_logits_is_exact_from_both_sides(served):
    """Every sub-pixel is changed to every other level: nothing but the expected field moves, and all of it does."""
    model, reloaded = served.model, tf.saved_model.load(str(served.folder))
    shape, size = model.image_shape, int(np.prod(model.image_shape))
    expected, seen = expected_field(model.block, 1, shape), np.zeros((size, size), bool)
    for seed in range(12):
        twin = make_network(model.block, shape, seed, **SMALL)
        for variable, weight in zip(reloaded.weights, twin.weights, strict=True):
            # In float32 the far ends of a recurrence fade; a larger state-to-state kernel carries them.
            variable.assign(weight.numpy() * (2.5 if "state_to_state" in weight.path else 1.0))
        images = np.random.default_rng(seed).integers(0, 3, (1, size))
        for step in (1, 2):
            changed = np.concatenate([(images + step * np.eye(size, dtype=int)) % 3, images]).astype("uint8")
            parts = np.array_split(changed.reshape(-1, *shape), 3)  # An export takes 256 images at a time.
            logits = [reloaded.signatures["logits"](images=tf.constant(part))["logits"].numpy() for part in parts]
            logits = np.concatenate(logits).reshape(size + 1, size, 3)
            field = (logits[:-1] != logits[-1:]).any(axis=-1).T
            assert not (field & ~expected).any(), "sub-pixels are read that must not be"
            seen |= field
        if (seen == expected).all():
            break
    assert not (expected & ~seen).any(), f"{(expected & ~seen).sum()} visible sub-pixels are not read"


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        PRESETS["mnist_diagonal_bilstm_7x16"].arguments,
        PRESETS["cifar10_row_lstm"].arguments | {"num_blocks": 2, "hidden": 24, "head_hidden": 48},
        PRESETS["cifar10_diagonal_bilstm"].arguments | {"num_blocks": 2, "hidden": 24, "head_hidden": 48},
        PRESETS["cifar10_pixel_cnn"].arguments | {"num_blocks": 4, "hidden": 24, "head_hidden": 48},
    ],
    ids=["mnist-diagonal", "cifar10-row", "cifar10-diagonal", "cifar10-cnn"],
)
def test_networks_of_real_size_equal_the_model(arguments, tmp_path):
    model = randomize(PixelRNN(**arguments), scale=0.05)
    served = Served(model, export_model(model, tmp_path / "network"))
    compared(served, (1, 3) if arguments["levels"] == 256 else (1, 3, 64))
    served.loader.close()


@pytest.mark.parametrize("name", ["score", "sample"])
def test_a_batch_beyond_the_limit_is_refused_before_anything_is_computed(name, monkeypatch):
    """A few bytes may request any number of rows: the server repeats the single value of a tensor."""
    signatures = Signatures(make_network("pixel_cnn", (3, 4, 1), num_blocks=1), max_batch_size=5)
    computed = []

    def run(**inputs):
        computed.append(tf.py_function(lambda: computed.append("run"), [], []))
        return {"log_prob": tf.zeros(tf.shape(next(iter(inputs.values())))[0])}

    monkeypatch.setattr(signatures, f"_{name}", run)
    inputs = signatures.inputs[name]
    serve = tf.function(signatures.function(name), input_signature=[item.spec for item in inputs], autograph=False)
    values = example_inputs((3, 4, 1), 4, None, 1)
    for rows in (6, 10**6):
        many = [tf.constant(np.repeat(values[item.name], rows, axis=0)) for item in inputs]
        with pytest.raises(tf.errors.InvalidArgumentError, match="batch size, 1 or more and at most 5; the batch"):
            serve(*many)
    assert "run" not in computed
    few = [tf.constant(np.repeat(values[item.name], 5, axis=0)) for item in inputs]
    assert serve(*few)["log_prob"].shape == (5,)
    for k in range(len(few) if len(few) > 1 else 0):
        unequal = [value[:3] if n == k else value for n, value in enumerate(few)]
        with pytest.raises(tf.errors.InvalidArgumentError, match="All inputs must have the same batch size"):
            serve(*unequal)
