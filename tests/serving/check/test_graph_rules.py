"""The rules find what a server could not run."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from pixelrnn_tf.serving.check.graph_rules import broken_rules
from pixelrnn_tf.serving.check.loader import Loader, LoaderError
from pixelrnn_tf.serving.saved_model_protos import read_saved_model

VECTOR = tf.TensorSpec((None, 2), tf.float32, name="x")


def python_function(x):
    return {"y": tf.reshape(tf.numpy_function(lambda x: x, [x], tf.float32), (-1, 2))}


def random_state(x):
    return {"y": x + tf.random.uniform(tf.shape(x))}


def compiled(x):
    return {"y": tf.function(tf.square, jit_compile=True)(x)}


def xla_operation(x):
    return {"y": ops.slice_update(x, (0, 0), x[:1])}


def unnamed_output(x):
    return 2 * x


def scalar_output(x):
    return {"y": tf.reduce_sum(x)}


def fixed_batch(x):
    return {"y": tf.zeros((3, 2)) + x[0]}


def sound(x):
    return {"y": tf.while_loop(lambda k, _: k < 3, lambda k, x: (k + 1, 2 * x), (0, x))[1]}


def save(function, folder, spec=VECTOR, variable=None):
    module = tf.Module()
    module.function, module.variable = tf.function(function, input_signature=[spec]), variable
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.function})
    return folder


def problems(folder):
    """What the rules find, besides what is missing since this is no export of ours."""
    expected = {"every signature is there", "warm-up requests fit", "the folder's name is a number"}
    return {rule: found for rule, found in broken_rules(folder).items() if found and rule not in expected}


@pytest.mark.parametrize(
    ("function", "rule", "named"),
    [
        (python_function, "no Python function", "PyFunc"),
        (random_state, "no stateful randomness", "RandomUniform"),
        (compiled, "no function that XLA must compile", "Square"),
        (xla_operation, "no XLA-only operation", "XlaDynamicUpdateSlice"),
        (unnamed_output, "inputs and outputs have names", "output output_0"),
        (scalar_output, "dimension 0 is the batch", "output y: shape []"),
        (fixed_batch, "dimension 0 is the batch", "output y: shape [3, 2]"),
    ],
)
def test_the_rules_finds_what_a_server_cannot_serve(tmp_path, function, rule, named):
    found = problems(save(function, tmp_path))
    assert list(found) == [rule]
    assert named.lower() in " ".join(found[rule]).lower()


def test_the_rules_passes_a_sound_function_and_our_own_export(tmp_path, gray_export):
    assert problems(save(sound, tmp_path)) == {}
    rules = broken_rules(gray_export[1])
    assert len(rules) == 12
    assert not any(rules.values())


def test_a_variable_that_a_request_changes_is_found(tmp_path):
    count = tf.Variable(0.0)

    def counting(x):
        return {"y": x + tf.while_loop(lambda k: k < 1, lambda k: (k + count.assign_add(1.0),), (0.0,))[0]}

    found = problems(save(counting, tmp_path, variable=count))
    assert list(found) == ["requests change no variable"]
    assert "AssignAddVariableOp" in found["requests change no variable"][0]


def test_a_seed_generator_is_found(tmp_path):
    generator = keras.random.SeedGenerator(0)

    def drawing(x):
        return {"y": x + keras.random.uniform(tf.shape(x), seed=generator)}

    assert "requests change no variable" in problems(save(drawing, tmp_path, variable=generator.state.value))


def test_what_the_rules_find_fails_in_the_loader_too(tmp_path):
    """The rules are true: the session without Python and XLA refuses these graphs."""
    for function, words in ((python_function, "PyFunc"), (compiled, "XLA|Xla")):
        with pytest.raises(LoaderError, match=words), Loader(save(function, tmp_path / function.__name__)) as loader:
            loader.run("serving_default", {"x": np.zeros((1, 2), "float32")})


def test_folders_tags_signatures_and_warm_up_are_looked_at(tmp_path, gray_export):
    folder = shutil.copytree(gray_export[1], tmp_path / "newest")
    path, model = folder / "saved_model.pb", read_saved_model(folder)
    model.meta_graphs[0].meta_info_def.tags.append("gpu")
    model.meta_graphs[0].signature_def["score"].method_name = "tensorflow/serving/classify"
    del model.meta_graphs[0].signature_def["sample"]
    path.write_bytes(model.SerializeToString())
    found = {rule: problems for rule, problems in broken_rules(folder).items() if problems}
    assert found == {
        "the folder's name is a number": ["newest"],
        'the tag set is {"serve"}': ["serve, gpu"],
        "every signature is there": ["sample"],
        "signatures are for predict": ["score: 'tensorflow/serving/classify'"],
        "warm-up requests fit": ["a request for 'sample' with the inputs ['seed', 'temperature']"],
    }
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"words that are no records")
    assert "is not a file of warm-up records" in broken_rules(folder)["warm-up requests fit"][0]
