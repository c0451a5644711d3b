"""The check finds what a server could not run, and an export that is not the model."""

import shutil
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from export import check, comparison, lint, saved_model
from export.loader import Loader, LoaderError, read_saved_model
from tests.support.networks import make_network, randomize
from trainers.benchmarks import serving

VECTOR = tf.TensorSpec((None, 2), tf.float32, name="x")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    return model, saved_model.export_model(model, tmp_path_factory.mktemp("base") / "network")


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
    return {rule: found for rule, found in lint.lint(folder).items() if found and rule not in expected}


@pytest.mark.parametrize(
    ("function", "rule", "named"),
    [
        (python_function, "no Python function", "PyFunc"),
        (random_state, "no stateful randomness", "RandomUniform"),
        (compiled, "no function that XLA must compile", "Square"),
        (xla_operation, "no operation for XLA alone", "XlaDynamicUpdateSlice"),
        (unnamed_output, "inputs and outputs have names", "output output_0"),
        (scalar_output, "dimension 0 is the batch", "output y: shape []"),
        (fixed_batch, "dimension 0 is the batch", "output y: shape [3, 2]"),
    ],
)
def test_the_lint_finds_what_a_server_cannot_serve(tmp_path, function, rule, named):
    found = problems(save(function, tmp_path))
    assert list(found) == [rule]
    assert named.lower() in " ".join(found[rule]).lower()


def test_the_lint_passes_a_sound_function_and_our_own_export(tmp_path, exported):
    assert problems(save(sound, tmp_path)) == {}
    rules = lint.lint(exported[1])
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


def test_what_the_lint_finds_fails_in_the_loader_too(tmp_path):
    """The rules are true: the session without Python and XLA refuses these graphs."""
    for function, words in ((python_function, "PyFunc"), (compiled, "XLA|Xla")):
        with pytest.raises(LoaderError, match=words), Loader(save(function, tmp_path / function.__name__)) as loader:
            loader.run("serving_default", {"x": np.zeros((1, 2), "float32")})


def test_folders_tags_signatures_and_warm_up_are_looked_at(tmp_path, exported):
    folder = shutil.copytree(exported[1], tmp_path / "newest")
    path, model = folder / "saved_model.pb", read_saved_model(folder)
    model.meta_graphs[0].meta_info_def.tags.append("gpu")
    model.meta_graphs[0].signature_def["score"].method_name = "tensorflow/serving/classify"
    del model.meta_graphs[0].signature_def["sample"]
    path.write_bytes(model.SerializeToString())
    found = {rule: problems for rule, problems in lint.lint(folder).items() if problems}
    assert found == {
        "the folder's name is a number": ["newest"],
        'the tag set is {"serve"}': ["serve, gpu"],
        "every signature is there": ["sample"],
        "signatures are for predict": ["score: 'tensorflow/serving/classify'"],
        "warm-up requests fit": ["a request for 'sample' with the inputs ['seed', 'temperature']"],
    }
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"words that are no records")
    assert "is no file of warm-up records" in lint.lint(folder)["warm-up requests fit"][0]


def test_the_program_ends_with_status_one_if_a_server_should_not_have_it(tmp_path, exported, monkeypatch, capsys):
    folder = shutil.copytree(exported[1], tmp_path / "network" / "7")
    (folder / "assets.extra" / "tf_serving_warmup_requests").unlink()
    values = {"model_dir": str(tmp_path / "network"), "model": None, "batch_sizes": ["1"]}
    monkeypatch.setattr(check, "FLAGS", types.SimpleNamespace(**values))
    with pytest.raises(SystemExit) as end:
        check.main([])
    assert end.value.code == 1
    printed = capsys.readouterr().out
    assert "FAILED  warm-up requests fit" in printed
    assert f"{folder}: NOT fit to be served" in printed
    values["batch_sizes"] = ["1", "0"]
    monkeypatch.setattr(check, "FLAGS", types.SimpleNamespace(**values))
    with pytest.raises(ValueError, match="--batch_sizes must be positive integers, got 1,0"):
        check.main([])


def test_an_export_of_other_weights_is_told(exported, capsys):
    model, folder = exported
    other = randomize(type(model).from_config(model.get_config()), seed=5)
    assert not check.check(folder, other, (2,))
    printed = capsys.readouterr().out
    assert "FAILED" in next(line for line in printed.splitlines() if line.startswith("score "))
    assert "FAILED" in next(line for line in printed.splitlines() if line.startswith("sample "))
    assert check.check(folder, None, (2,)), "by its own logits it is sound"
    with pytest.raises(ValueError, match="The export is of another model"):
        check.model_reference(make_network("pixel_cnn", (3, 5, 1)), comparison.Format.of(folder))


def test_a_wrong_output_is_told_by_each_quantity(exported):
    model, folder = exported
    fmt = comparison.Format.of(folder)
    reference = check.model_reference(model, fmt)
    inputs = comparison.example_inputs(fmt.image_shape, fmt.levels, 0, 4)
    with Loader(folder) as loader:
        outputs = loader.run("complete", {name: inputs[name] for name in loader.signatures["complete"].inputs})

    def wrong(outputs):
        measures = comparison.measure(reference, fmt, "complete", inputs, outputs)
        return {item.quantity for item in measures if not item.right}

    assert wrong(outputs) == set()
    flipped = outputs["images"].copy()
    where = tuple(np.argwhere(~inputs["known"])[-1])
    flipped[where] = (flipped[where] + 1) % fmt.levels
    assert wrong({**outputs, "images": flipped}) == {"noise", "scores"}
    where = tuple(np.argwhere(inputs["known"])[-1])
    flipped = outputs["images"].copy()
    flipped[where] = (flipped[where] + 1) % fmt.levels
    assert "known" in wrong({**outputs, "images": flipped})
    assert wrong({**outputs, "log_prob": outputs["log_prob"] * (1 + 3e-5)}) == {"scores"}
    assert wrong({**outputs, "log_prob": outputs["log_prob"] * np.nan}) == {"scores"}


def test_every_signature_is_timed(exported):
    model, folder = exported
    times = serving.time_signatures(model, batch_sizes=(1, 2), repeats=2)
    assert "without Python" in times.process
    names = {"score", "logits", "sample", "complete", "score_png", "sample_png", "complete_png"}
    assert {(row.signature, row.batch_size) for row in times.rows} == {
        (name, size) for name in names for size in (1, 2)
    }
    assert all(0 < row.median <= row.slowest for row in times.rows)
    cold = {row.signature: row for row in times.rows if row.batch_size == 1}
    assert all(row.first > row.median for row in cold.values()), "the first request optimises the graph"
    assert times.size == pytest.approx(saved_model.size_on_disk(folder), rel=0.01)
