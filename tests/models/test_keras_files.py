"""`.keras` files loaded in a new process."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from pixelrnn_tf.layers import CodeEmbedding, LabelEmbedding, Upsampler, VectorEmbedding
from pixelrnn_tf.models import BitsPerDim, NegativeLogLikelihood
from tests.support.networks import make_network, random_images

# What a user does elsewhere: import the package, load, and go on; every file in one process.
SCRIPT = """
import json, sys, warnings
import keras, numpy as np
import pixelrnn_tf

images = np.load(sys.argv[1])
found = {}
for path in sys.argv[2:]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = keras.models.load_model(path, safe_mode=True)
    np.save(path + ".npy", model(images))
    words = {"policy": model.dtype_policy.name, "compiled": model.compiled}
    words["warned"] = any("optimizer" in str(warning.message) for warning in caught)
    if model.compiled:
        words["steps"] = int(model.optimizer.iterations)
        words["loss"] = model.fit(images, images, verbose=0).history["loss"][0]
    found[path] = words
print(json.dumps(found))
"""


def compiled(model, images):
    optimizer = keras.optimizers.Adam(0.01)
    # Eagerly, because tracing takes longer and says nothing about files.
    model.compile(optimizer, loss=NegativeLogLikelihood(), metrics=[BitsPerDim()], run_eagerly=True)
    model.fit(images, images, batch_size=4, verbose=0)
    return model


def with_other_optimizer_state(source, target, change):
    """The same file after `change(group)`, which is given the optimizer's part of the weights."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            if name != "model.weights.h5":
                after.writestr(name, before.read(name))
        weights = target.with_suffix(".h5")
        weights.write_bytes(before.read("model.weights.h5"))
        with h5py.File(weights, "a") as file:
            change(file["optimizer"])
        after.write(weights, "model.weights.h5")


def drop_last(optimizer):
    """What an optimizer of another version may have kept: a variable less."""
    del optimizer["vars"][max(optimizer["vars"], key=int)]


def drop_all(optimizer):
    del optimizer["vars"]


@pytest.fixture(scope="module")
def files(programs, tmp_path_factory):
    """Models saved in every way, the logits each gave, and what a new process makes of them."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("files")
    models = {
        "plain": make_network("pixel_cnn", num_blocks=1),
        "row_lstm": make_network("row_lstm", num_blocks=1),
        "half": make_network("diagonal_bilstm", num_blocks=1, dtype="mixed_bfloat16"),
        "half_compiled": make_network("row_lstm", num_blocks=1, dtype="mixed_bfloat16"),
        "compiled": make_network("pixel_cnn", num_blocks=1),
    }
    images = random_images(models["plain"], 8)
    for name in ("compiled", "half_compiled"):
        compiled(models[name], images)
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    models["no_state"] = models["older_state"] = models["compiled"]
    with_other_optimizer_state(folder / "compiled.keras", folder / "no_state.keras", drop_all)
    with_other_optimizer_state(folder / "compiled.keras", folder / "older_state.keras", drop_last)
    np.save(folder / "images.npy", images)
    paths = [str(folder / f"{name}.keras") for name in models]
    done = programs.run("-c", SCRIPT, folder / "images.npy", *paths)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    logits = {name: np.array(model(images)) for name, model in models.items()}
    return {name: (found[path], np.load(path + ".npy"), logits[name]) for name, path in zip(models, paths, strict=True)}


EXPECTED = {
    "plain": {"policy": "float32", "compiled": False, "warned": False},
    "row_lstm": {"policy": "float32", "compiled": False, "warned": False},
    "half": {"policy": "mixed_bfloat16", "compiled": False, "warned": False},
    "half_compiled": {"policy": "mixed_bfloat16", "compiled": True, "warned": False, "steps": 2},
    "compiled": {"policy": "float32", "compiled": True, "warned": False, "steps": 2},
    "no_state": {"policy": "float32", "compiled": True, "warned": True, "steps": 0},
    "older_state": {"policy": "float32", "compiled": True, "warned": True, "steps": 0},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_keras_file_loads_in_safe_mode_in_a_new_process(files, name):
    words, logits, expected = files[name]
    loss = words.pop("loss", None)
    assert words == EXPECTED[name]
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-6)
    if words["compiled"]:
        assert np.isfinite(loss), "training goes on"


@pytest.mark.parametrize("block", ["pixel_cnn", "row_lstm"])
def test_weights_stored_as_integers_are_refused(block, tmp_path):
    model = make_network(block, num_blocks=1)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        weights = file["head/logits/vars"] if block == "pixel_cnn" else file["blocks/row_lstm_block/lstm/vars"]
        values = weights["0"][()].astype("int32")
        del weights["0"]
        weights["0"] = values
    # Keras tries again where the layer is found a second time, and reports that.
    with pytest.raises(ValueError, match=r"1 objects could not be loaded.*name=(logits|lstm)"):
        make_network(block, num_blocks=1).load_weights(path)
    layer = model.head.logits if block == "pixel_cnn" else model.blocks[0].lstm
    stored = {str(k): np.ones(weight.shape, "int32") for k, weight in enumerate(layer.weights)}
    with pytest.raises(ValueError, match=r"The weights of \w+ '(logits|lstm)' are stored as int32"):
        layer.load_own_variables(stored)


@pytest.mark.parametrize(
    "layer", [LabelEmbedding(3, 2), VectorEmbedding(3, 2, 0, 1), Upsampler((2, 2, 1), 2, 2, 3), CodeEmbedding(3, 2)]
)
def test_embeddings_stored_as_integers_are_refused(layer):
    layer.build((None, 3))
    stored = {str(k): np.ones(weight.shape, "int32") for k, weight in enumerate(layer.weights)}
    with pytest.raises(ValueError, match=rf"The weights of {type(layer).__name__} .* are stored as int32"):
        layer.load_own_variables(stored)
