"""What an export consists of, that wrong requests get an error, and the processes that run it."""

import json
import resource
import shutil
import zlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from pixelrnn_tf import data
from pixelrnn_tf.serving import saved_model_writer, signatures
from pixelrnn_tf.serving.check.loader import Loader, LoaderError, compiled_loader
from pixelrnn_tf.serving.example_inputs import encoded, example_inputs
from pixelrnn_tf.serving.signatures import Signatures
from pixelrnn_tf.version import __version__
from tests.support.networks import make_network
from tests.support.raw_pngs import interlaced, raw_png


def inputs_of(loader, signature, batch=2, **changed):
    values = {**example_inputs((5, 6, 1), 4, None, batch), **changed}
    return {name: values[name] for name in loader.signatures[signature].inputs}


def png(header=None, pixels=None, contents=None):
    """A PNG file; by default a good one of 6 by 5 gray pixels."""
    rows = (np.zeros((5, 7), "uint8") if pixels is None else pixels).tobytes()
    return raw_png(header or (6, 5, 8, 0, 0, 0, 0), zlib.compress(rows) if contents is None else contents)


def test_the_folder_holds_graphs_weights_warm_up_and_card(gray_export):
    folder = gray_export[1]
    assert folder.name == "1"
    assert [path.name for path in folder.parent.iterdir()] == ["1"], "nothing half-written is left"
    card = json.loads((folder / "assets.extra" / "model.json").read_text(), parse_constant=pytest.fail)
    assert card["scores"] == {"test": {"images": 180}, "validation": {"images": 1, "standard_error": None}}
    assert (card["data"]["name"], card["binarization"], card["pixelrnn_tf"]) == ("digits", "none", __version__)
    assert card["model"]["image_shape"] == [5, 6, 1]
    assert card["model"]["levels"] == 4
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    records = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    requests = [record.predict_log.request for record in records]
    assert {request.model_spec.signature_name for request in requests} == {
        "score", "serving_default", "logits", "sample", "complete", "score_png", "sample_png", "complete_png",
        "surprise", "surprise_png", "describe",
    }  # fmt: skip
    for request in requests:
        assert request.model_spec.name == "digits"
        assert all(value.tensor_shape.dim[0].size == 1 for value in request.inputs.values())


def test_an_export_that_does_not_fit_on_the_disk_leaves_nothing(tmp_path, monkeypatch):
    inputs = signatures._inputs_by_signature
    monkeypatch.setattr(signatures, "_inputs_by_signature", lambda model: {"score": inputs(model)["score"]})
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(OSError, match=r"^File too large, at the graphs and weights of the export$"):
            saved_model_writer.export_model(model, tmp_path / "network")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("network/*"))


def test_inputs_and_outputs_are_declared_as_documented(gray_loader):
    def declared(infos):
        return {
            name: (tf.as_dtype(info.dtype).name, [dim.size for dim in info.tensor_shape.dim])
            for name, info in infos.items()
        }

    seeds = {"seed": ("int32", [-1, -1]), "temperature": ("float32", [-1])}
    images = {"images": ("uint8", [-1, -1, -1, -1])}
    scores = {"log_prob": ("float32", [-1]), "bits_per_dim": ("float32", [-1])}
    drawn = {"images": ("uint8", [-1, 5, 6, 1]), "log_prob": ("float32", [-1])}
    files = {"image_bytes": ("string", [-1])}
    surprise = {"log_prob_map": ("float32", [-1, 5, 6, 1]), "log_prob": ("float32", [-1])}
    expected = {
        "score": (images, scores),
        "serving_default": (images, scores),
        "logits": (images, {"logits": ("float32", [-1, 5, 6, 1, 4])}),
        "sample": (seeds, drawn),
        "complete": ({**images, "known": ("bool", [-1, -1, -1]), **seeds}, drawn),
        "surprise": (images, surprise),
        "surprise_png": (files, surprise),
        "score_png": (files, scores),
        "sample_png": (seeds, {**files, "log_prob": ("float32", [-1])}),
        "complete_png": (
            {**files, "known_bytes": ("string", [-1]), **seeds},
            {**files, "log_prob": ("float32", [-1])},
        ),
        "describe": ({"key": ("string", [-1])}, {"value": ("string", [-1])}),
    }
    found = {name: (declared(value.inputs), declared(value.outputs)) for name, value in gray_loader.signatures.items()}
    assert found == expected


def test_only_gray_and_rgb_images_travel_as_png():
    model = make_network("pixel_cnn", (3, 4, 2), num_blocks=1)
    signatures = Signatures(model)
    assert signatures.inputs.keys() == {
        "score", "serving_default", "logits", "surprise", "sample", "complete", "describe",
    }  # fmt: skip
    images = example_inputs((3, 4, 2), 4, None, 2)["images"]
    logits = signatures.function("logits")(images)["logits"]
    np.testing.assert_allclose(logits, model(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("signature", "name", "value", "message"),
    [
        ("score", "images", np.zeros((2, 5, 7, 1), "uint8"), r"images must have the shape \(batch, 5, 6, 1\).*2 5 7 1"),
        ("score", "images", np.zeros((2, 5, 6), "uint8"), r"images must have the shape .*\[2 5 6\]"),
        ("score", "images", np.zeros((), "uint8"), r"images must have the shape .*\[\]"),
        ("score", "images", np.zeros((2, 5, 6, 1, 1), "uint8"), r"images must have the shape .*\[2 5 6 1 1\]"),
        ("score", "images", np.zeros((2,) + (1,) * 12, "uint8"), r"images must have the shape"),
        ("score", "images", np.zeros((0, 5, 6, 1), "uint8"), r"batch size, 1 or more.*images are\] \[0\]"),
        ("score", "images", np.full((2, 5, 6, 1), 4, "uint8"), r"hold levels from 0 to 3.*\[4\] \[to\] \[4\]"),
        ("score", "images", np.zeros((2, 5, 6, 1), "float32"), "to be uint8 but float is provided"),
        ("logits", "images", np.full((2, 5, 6, 1), 255, "uint8"), r"images must hold levels from 0 to 3"),
        ("sample", "seed", np.zeros((2, 3), "int32"), r"seed must have the shape \(batch, 2\).*\[2 3\]"),
        ("sample", "seed", np.zeros(2, "int32"), r"seed must have the shape \(batch, 2\).*\[2\]"),
        ("sample", "seed", np.zeros((3, 2), "int32"), r"same batch size.*of seed, temperature are\] \[3 2\]"),
        ("sample", "temperature", np.zeros(2, "float32"), r"temperature must hold finite numbers greater than 0"),
        ("sample", "temperature", np.float32([1, -1]), r"temperature must .*\[-1\] \[to\] \[1\]"),
        ("sample", "temperature", np.float32([1, np.nan]), "temperature must hold finite numbers"),
        ("sample", "temperature", np.float32([1, np.inf]), "temperature must hold finite numbers"),
        ("sample", "temperature", np.float32(1), r"temperature must have the shape \(batch,\).*\[\]"),
        ("complete", "known", np.zeros((2, 6, 5), bool), r"known must have the shape \(batch, 5, 6\).*\[2 6 5\]"),
        ("complete", "known", np.zeros((1, 5, 6), bool), r"same batch size.*\[2 1 2 2\]"),
        ("complete", "images", np.full((2, 5, 6, 1), 9, "uint8"), "images must hold levels from 0 to 3"),
        ("score_png", "image_bytes", np.array([b"", b""], object), "image_bytes must hold PNG files.*in bytes.*0"),
        ("score_png", "image_bytes", np.array([b"x" * 99] * 2, object), "image_bytes must hold PNG files; one is not"),
        ("score_png", "image_bytes", [png(), png((7, 5, 8, 0, 0, 0, 0))], r"width 6 and height 5.*\[\[6 5\]\[7 5\]\]"),
        ("score_png", "image_bytes", [png(), png((60000, 60000, 8, 0, 0, 0, 0))], r"width 6 and height 5.*60000"),
        ("score_png", "image_bytes", [png(), png((2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0))], "width 6 and height 5"),
        ("score_png", "image_bytes", [png(), png((6, 5, 16, 0, 0, 0, 0))], r"8-bit grayscale PNGs.*\[16 0\]"),
        ("score_png", "image_bytes", [png(), png((6, 5, 8, 2, 0, 0, 0))], r"8-bit grayscale PNGs.*\[8 2\]"),
        ("score_png", "image_bytes", [png(), png((6, 5, 8, 3, 0, 0, 0))], r"8-bit grayscale PNGs.*\[8 3\]"),
        ("score_png", "image_bytes", [png(), png()[:50]], "PNG"),
        ("score_png", "image_bytes", [png(), png(contents=b"no deflate")], "PNG"),
        ("score_png", "image_bytes", [png(), png(pixels=np.zeros((2, 7), "uint8"))], "PNG"),
        ("complete_png", "known_bytes", [png(), png((5, 6, 8, 0, 0, 0, 0))], r"known_bytes .*width 6 and height 5"),
        ("complete_png", "known_bytes", [png()], r"same batch size.*\[2 1 2 2\]"),
    ],
)  # fmt: skip
def test_a_wrong_request_gets_an_error_that_says_so(gray_loader, signature, name, value, message):
    value = np.array(value, object) if isinstance(value, list) else value
    good = inputs_of(gray_loader, signature)
    before = gray_loader.run(signature, good)
    with pytest.raises(LoaderError, match=message) as caught:
        gray_loader.run(signature, {**good, name: value})
    assert caught.value.code == tf.errors.INVALID_ARGUMENT
    after = gray_loader.run(signature, good)
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_a_missing_input_gets_an_error(gray_loader):
    good = inputs_of(gray_loader, "sample")
    with pytest.raises(LoaderError, match="must feed a value"):
        gray_loader.run("sample", {"seed": good["seed"]})
    assert gray_loader.run("sample", good)["log_prob"].shape == (2,)


def test_pngs_are_read_and_written_as_levels(gray_loader):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 5, 6, 1)).astype("uint8")
    levels = data.to_levels(pictures, 4)
    scores = gray_loader.run("score_png", {"image_bytes": encoded(pictures)})
    expected = gray_loader.run("score", {"images": levels})
    assert np.array_equal(scores["log_prob"], expected["log_prob"])
    in_passes = np.array([interlaced(picture[..., 0]) for picture in pictures], object)
    assert np.array_equal(gray_loader.run("score_png", {"image_bytes": in_passes})["log_prob"], expected["log_prob"])
    values = inputs_of(gray_loader, "complete", 3, images=levels)
    # From 128 on, a pixel of the mask is known.
    mask = np.where(values["known"], 128, 127).astype("uint8")[..., None]
    files = {"image_bytes": encoded(pictures), "known_bytes": encoded(mask)}
    drawn = gray_loader.run("complete_png", inputs_of(gray_loader, "complete_png", 3, **files))["image_bytes"]
    completed = gray_loader.run("complete", values)["images"]
    for file, image in zip(drawn, completed, strict=True):
        assert file[24:26] == b"\x08\x00", "8 bits, grayscale"
        assert np.array_equal(tf.io.decode_png(file), data.to_bytes(image, 4))


def test_a_tiny_temperature_draws_the_likeliest_level(gray_loader, gray_export):
    model, _ = gray_export
    for temperature in (1e-30, 1e-6):
        values = inputs_of(gray_loader, "sample", 2, temperature=np.full(2, temperature, "float32"))
        images = gray_loader.run("sample", values)["images"]
        assert np.array_equal(images, model(images).numpy().argmax(-1))


def test_a_loader_that_cannot_load_says_why(gray_export, tmp_path):
    with pytest.raises(ValueError, match=r"There is no .*saved_model\.pb"):
        Loader(tmp_path)
    folder = shutil.copytree(gray_export[1], tmp_path / "1")
    (folder / "variables" / "variables.index").write_bytes(b"broken")
    with pytest.raises(LoaderError, match=r"variables\.index|table"):
        Loader(folder)


def test_without_a_compiler_the_same_session_runs_in_python(gray_loader, gray_export):
    model, folder = gray_export
    values = example_inputs(model.image_shape, model.levels, None, 2)
    with Loader(folder, compiler="") as twin:
        assert "no C++ compiler" in twin.process
        for signature in ("score", "sample", "complete_png"):
            inputs = {name: values[name] for name in twin.signatures[signature].inputs}
            outputs, expected = twin.run(signature, inputs), gray_loader.run(signature, inputs)
            assert all(np.array_equal(outputs[name], expected[name]) for name in expected)
        with pytest.raises(LoaderError, match="images must hold levels from 0 to 3") as caught:
            twin.run("score", {"images": np.full((1, 5, 6, 1), 4, "uint8")})
        assert caught.value.code == tf.errors.INVALID_ARGUMENT


def test_a_compiler_that_fails_is_told_and_done_without(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.warns(UserWarning, match=r"false does not compile .*check_loader\.cc"):
        assert compiled_loader("false") is None
    assert not list((tmp_path / "pixelrnn_tf").iterdir())


def test_a_model_that_cannot_score_is_not_exported(tmp_path):
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    model.weights[1].assign(np.full(model.weights[1].shape, np.nan))
    with pytest.raises(ValueError, match="stem/bias is not finite"):
        saved_model_writer.export_model(model, tmp_path / "name")
    assert not (tmp_path / "name").exists()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_a_model_of_another_precision_is_exported_in_float32(policy):
    model = make_network("row_lstm", num_blocks=1, dtype=policy)
    exact = saved_model_writer.in_float32(model)
    assert exact.dtype_policy.name == "float32"
    assert all(
        np.array_equal(a, b.astype("float32")) for a, b in zip(exact.get_weights(), model.get_weights(), strict=True)
    )
    assert saved_model_writer.in_float32(exact) is exact


def test_the_program_checks_what_the_program_exported(gray_export, run_program):
    base = gray_export[1].parent
    keras_file = base.parent.parent / "model.keras"
    done = run_program("check", f"--model_dir={base}", f"--model={keras_file}", "--batch_sizes=1,2")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("    ok  ")
    assert "ready to be served" in done.stdout
    assert "without Python" in done.stdout
