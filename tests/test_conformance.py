"""What a Keras user may expect of every layer and model, over the list in support/descriptors.py."""

import inspect
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf import layers, models
from tests.support.descriptors import LAYERS, MODELS, OTHER, make, make_inputs
from tests.support.networks import randomize

ROOT = pathlib.Path(__file__).parents[1]
ALL = LAYERS + MODELS
every = pytest.mark.parametrize("descriptor", ALL, ids=str)


def rows(inputs, index):
    return keras.tree.map_structure(lambda x: x[index], inputs)


def test_nothing_public_is_missing_from_the_list():
    public = set(layers.__all__) | set(models.__all__)
    assert public == {d.cls.__name__ for d in ALL} | OTHER


@every
def test_config_names_every_argument_and_round_trips(descriptor):
    layer = descriptor.cls(**descriptor.arguments)
    config = layer.get_config()
    names = set(inspect.signature(descriptor.cls.__init__).parameters) - {"self", "kwargs"}
    assert names <= set(config), "get_config leaves out an argument"
    assert names == set(descriptor.arguments), "the descriptor leaves out an argument"
    twin = descriptor.cls.from_config(json.loads(json.dumps(config)))
    assert json.dumps(twin.get_config()) == json.dumps(config)


MADE = {}


def made(descriptor):
    """A layer, its inputs and its outputs, made once for several tests, which must not change it."""
    if str(descriptor) not in MADE:
        layer, inputs = make(descriptor)
        MADE[str(descriptor)] = layer, inputs, np.array(layer(*inputs))
    return MADE[str(descriptor)]


@every
def test_output_shape_is_the_computed_one(descriptor):
    layer, inputs, outputs = made(descriptor)
    shapes = keras.tree.map_structure(lambda x: x.shape, inputs)
    assert layer.compute_output_shape(*shapes) == outputs.shape


@every
def test_no_image_depends_on_its_batch(descriptor):
    layer, inputs, together = made(descriptor)
    alone = np.concatenate([layer(*rows(inputs, slice(k, k + 1))) for k in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5)
    assert not np.allclose(together[0], together[1])


@every
def test_an_empty_batch_is_fine(descriptor):
    layer, inputs, _ = made(descriptor)
    assert layer(*rows(inputs, slice(0, 0))).shape[0] == 0


@every
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_other_dtype_policies_are_close_to_float32(descriptor, policy):
    layer, inputs, expected = made(descriptor)
    other = descriptor.cls(**descriptor.arguments, dtype=policy)
    other(*inputs)
    other.set_weights(layer.get_weights())
    got = other(*inputs)
    if issubclass(descriptor.cls, models.ImageModel):
        assert got.dtype == "float32"
    if descriptor.cls is layers.Head:
        assert got.dtype == ("float64" if policy == "float64" else "float32")
    error = np.abs(np.array(tf.cast(got, "float64")) - expected).max() / np.abs(expected).max()
    assert error < (1e-5 if policy == "float64" else 0.05)
    if policy != "float64":
        assert error > 0, "nothing was computed in half precision"


@every
def test_every_weight_gets_a_gradient(descriptor):
    layer, inputs, _ = made(descriptor)
    with tf.GradientTape() as tape:
        outputs = layer(*inputs)
        loss = tf.reduce_sum(outputs * np.random.default_rng(1).normal(size=outputs.shape))
    for weight, gradient in zip(layer.trainable_variables, tape.gradient(loss, layer.trainable_variables), strict=True):
        assert isinstance(gradient, tf.Tensor), f"{weight.path} has no gradient, or a sparse one"
        assert np.abs(gradient).sum() > 0, weight.path


@pytest.mark.parametrize("descriptor", LAYERS, ids=str)
def test_a_layer_round_trips_inside_a_functional_model(descriptor, tmp_path):
    inputs = [
        keras.Input(shape, dtype="int32" if descriptor.classes or descriptor.levels else None)
        for shape in descriptor.inputs
    ]
    model = randomize(keras.Model(inputs, descriptor.cls(**descriptor.arguments)(*inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    values = make_inputs(descriptor)
    assert np.array_equal(model(values), loaded(values))


# What a user does elsewhere, without a warning: import the package, load and call; every file in one process.
ELSEWHERE = """
import json, pathlib, sys, warnings
import numpy as np, keras
warnings.simplefilter("error")
import pixelrnn_tf

compiled = {}
for path in map(pathlib.Path, sys.argv[1:]):
    model = keras.models.load_model(path)
    values = np.load(path.with_suffix(".npz"))
    inputs = [values[name] for name in values.files if name != "logits"]
    logits = model(inputs if len(inputs) > 1 else inputs[0])
    np.testing.assert_allclose(logits, values["logits"], rtol=1e-6, atol=1e-6)
    compiled[path.stem] = model.compiled
print(json.dumps(compiled))
"""


@pytest.fixture(scope="module")
def loaded_elsewhere(tmp_path_factory):
    """Every model, untrained and trained, loaded in one new process: whether each came back compiled."""
    folder = tmp_path_factory.mktemp("models")
    for descriptor in MODELS:
        model, (inputs,) = make(descriptor)
        values = inputs if isinstance(inputs, list) else [inputs]
        for kind in ("untrained", "trained"):
            if kind == "trained":
                # Without XLA, which compiles for longer and is trained with elsewhere.
                model.compile(
                    "adam", loss=models.NegativeLogLikelihood(), metrics=[models.BitsPerDim()], jit_compile=False
                )
                model.fit(inputs, values[0], verbose=0)
            path = folder / f"{descriptor}-{kind}.keras"
            model.save(path)
            np.savez(path.with_suffix(".npz"), *values, logits=model(inputs))
    arguments = [sys.executable, "-c", ELSEWHERE, *map(str, folder.glob("*.keras"))]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("compiled", [False, True], ids=["untrained", "trained"])
@pytest.mark.parametrize("descriptor", MODELS, ids=str)
def test_a_model_round_trips_into_a_new_process(loaded_elsewhere, descriptor, compiled):
    assert loaded_elsewhere[f"{descriptor}-{'trained' if compiled else 'untrained'}"] == compiled


@every
def test_a_checkpoint_of_tensorflow_holds_every_weight(descriptor, tmp_path):
    layer, inputs, outputs = made(descriptor)
    path = tf.train.Checkpoint(model=layer).save(tmp_path / "state")
    saved = [name for name, _ in tf.train.list_variables(path) if name.startswith("model/")]
    assert len(saved) == len(layer.weights)
    twin = descriptor.cls(**descriptor.arguments)
    if not twin.built:  # Models are.
        twin(*inputs)
    tf.train.Checkpoint(model=twin).restore(path).assert_consumed()
    assert np.array_equal(twin(*inputs), outputs)
