"""Run under KERAS_BACKEND=jax by test_jax.py: every layer and model again, from the same weights."""

import pathlib
import pickle
import sys

import jax
import keras
import numpy as np

from pixelrnn_tf.models import ImageModel, compilation, log_prob, log_prob_map
from pixelrnn_tf.sampling import generate, image_noise, image_seeds, restore, stateless_seed
from tests.support import descriptors

# All weights are given. JAX would compile their initial values for every shape.
for initializer in ("VarianceScaling", "RandomNormal", "RandomUniform", "Orthogonal"):
    getattr(keras.initializers, initializer).__call__ = lambda self, shape, dtype=None: np.zeros(shape, dtype)

ALL = {str(descriptor): descriptor for descriptor in descriptors.LAYERS + descriptors.MODELS}


def on_jax(descriptor, given):
    layer = descriptor.cls(**descriptor.arguments)
    if not layer.built:  # Models are. An eager call compiles every operation by itself, a symbolic one nothing.
        layer(*(keras.KerasTensor(value.shape, str(value.dtype)) for value in given["inputs"]))
    layer.set_weights(given["weights"])
    if isinstance(layer, ImageModel):
        layer.compile("sgd")
        assert layer.jit_compile, "without it, JAX would run one operation after another"

    def loss(trainable):
        outputs, _ = layer.stateless_call(trainable, [v.value for v in layer.non_trainable_variables], *given["inputs"])
        return (outputs * given["mixture"]).sum(), outputs

    values = [variable.value for variable in layer.trainable_variables]
    gradients, outputs = jax.jit(jax.grad(loss, has_aux=True))(values)
    result = {"outputs": np.array(outputs), "gradients": [np.array(gradient) for gradient in gradients]}
    if "noise" in given:
        noise, condition = given["noise"], given["condition"]
        run = jax.jit(lambda noise, *completion: generate(layer, noise, *completion, condition=condition))
        result["drawn"] = np.array(run(noise))
        result["completed"] = np.array(run(noise, given["images"], given["known"]))
        # Called as it is, it shares what is compiled.
        result["drawn_eagerly"] = np.array(generate(layer, noise, condition=condition))
        assert len(compilation._COMPILED[layer]) == 2
        result["log_prob_map"] = np.array(log_prob_map(layer, given["images"], condition))
        result["log_prob"] = np.array(log_prob(layer, given["images"], condition))
        assert len(compilation._COMPILED[layer]) == 4
        assert np.isnan(log_prob(layer, given["images"].astype("int64") + 2**32, condition)).all(), "no 64 bits there"
        assert condition is None or layer.valid_conditions(condition[:0]).shape == (0,)
        restored, _ = jax.jit(lambda *given: restore(layer, *given, condition=condition))(noise, given["images"], 2.0)
        result["restored"] = np.array(restored)
    return result


def from_preset(given):
    return {"outputs": np.array(ImageModel.from_preset(given["preset"])(given["preset_inputs"]))}


def main(folder):
    assert keras.backend.backend() == "jax"
    expected = pickle.loads((folder / "expected.pickle").read_bytes())
    got = {
        name: from_preset(given) if "preset" in given else on_jax(ALL[name], given) for name, given in expected.items()
    }
    imported = {"tensorflow", "tensorflow_probability", "tf_keras"} & set(sys.modules)
    assert not imported, f"imported under JAX: {imported}"
    large = np.uint32(2**32 - 5)
    assert np.array_equal(jax.jit(stateless_seed)(large), stateless_seed(large))
    seeds = jax.jit(image_seeds)(np.int32([-5, 7]), np.arange(6, dtype="int32"))
    got["noise"] = np.array(jax.jit(lambda seeds: image_noise(seeds, (5, 3, 1)))(seeds))
    (folder / "got.pickle").write_bytes(pickle.dumps(got))


main(pathlib.Path(sys.argv[1]))
