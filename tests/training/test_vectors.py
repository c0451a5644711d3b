"""Models of images given vectors, trained, scored and drawn from by the programs."""

import json

import numpy as np
import pytest

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_tf.data import from_arrays, load
from pixelrnn_tf.evaluation.batched_sampling import conditions_in_turn, draw_images
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.training import run as training_run
from tests.support.training_runs import TINY, tiny_config
from trainers import complete, compress, evaluate, sample


def field(number, seed=0):
    """Binary 6x6 images with a share of ones that is the first of two numbers, and 100 times the share of zeros."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.1, 0.9, number)
    images = (rng.uniform(size=(number, 6, 6)) < share[:, None, None]).astype("uint8")
    return images, np.stack([share, 100 * (1 - share)], axis=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    images, vectors = field(800)
    declared = [[0.0, 0.0], [1.0, 100.0]]
    np.savez(folder / "data.npz", images=images, vectors=vectors, levels=2, vector_range=declared)
    data = DataConfig(f"npz:{folder / 'data.npz'}", vector_conditional=True)
    model = {**TINY, "block": "pixel_cnn", "hidden": 8, "condition_features": 6}
    config = tiny_config(data=data, model=model, steps=150, eval_every=150, learning_rate=0.02, num_samples=6)
    return folder, training_run.train(config, folder / "run")


def test_a_run_learns_from_vectors(run):
    folder, scores = run
    model = load_model(folder / "run/model.keras")
    assert model.condition_format.meaning() == "numbers from (0, 0) to (1, 100)"
    tested, vectors = DataConfig(f"npz:{folder / 'data.npz'}", vector_conditional=True).load().first("test")
    ones, share = tested.sum((1, 2, 3)), vectors[:, 0].astype("float64")
    coins = -np.mean(ones * np.log(share) + (36 - ones) * np.log(1 - share))
    assert coins < 22, "36 coins of a known share; 24.9 nats if it is unknown"
    assert scores["test"].nats_per_image == pytest.approx(coins, abs=1)
    few, many = (
        draw_images(model, 40, 0, condition=np.tile(np.float32([p, 100 - 100 * p]), (40, 1))).mean() for p in (0.2, 0.8)
    )
    assert few < 0.3
    assert many > 0.7
    assert json.loads((folder / "run/model.json").read_text())["data"]["vector_conditional"] is True


def test_programs_take_vectors(run, tmp_path, capsys):
    model = run[0] / "run/model.keras"
    evaluate.main(evaluate.Options(model=model))
    assert "a vector for each image, of numbers from 0 to 1, 0 to 100" in capsys.readouterr().out
    sample.main(sample.Options(model=model, out=tmp_path / "low.png", num_images=4, vector=(0.2, 80)))
    assert "4 images given 0.2, 80 at temperature 1" in capsys.readouterr().out
    complete.main(complete.Options(model=model, out=tmp_path / "own.png", num_images=2, num_samples=2))
    complete.main(
        complete.Options(model=model, out=tmp_path / "low.png", num_images=2, num_samples=2, vector=(0.2, 80))
    )
    for wrong, message in (
        ({"vector": (0.2,)}, r"The model takes 2 numbers, got --vector=0.2"),
        ({"vector": (0.2, 101)}, r"--vector: condition must hold numbers from \(0, 0\) to \(1, 100\); got 101"),
        ({"vector": (0.2, 1), "label": 3}, "only one of --label and --vector"),
        ({"label": 3}, "takes no labels"),
    ):
        for program in (sample, complete):
            with pytest.raises(ValueError, match=message):
                program.main(program.Options(model=model, out=tmp_path / "none.png", **wrong))
    assert not (tmp_path / "none.png").exists()
    with pytest.raises(ValueError, match="A file holds class labels, but no vectors"):
        compress.main(compress.Options(model=model, out=tmp_path / "none.pxr", num_images=2))


def test_pictures_go_from_the_smallest_to_the_largest_numbers(run):
    model = load_model(run[0] / "run/model.keras")
    assert np.array_equal(conditions_in_turn(model, 3), np.float32([[0, 0], [0.5, 50], [1, 100]]))


def test_data_out_of_range_or_without_vectors_are_refused(run, tmp_path):
    model = run[0] / "run/model.keras"
    images, vectors = field(30)
    np.savez(tmp_path / "wide.npz", images=images, vectors=3 * vectors, levels=2)
    np.savez(tmp_path / "one.npz", images=images, vectors=vectors[:, :1], levels=2)
    np.savez(tmp_path / "none.npz", images=images, levels=2)
    for name, message in (
        ("wide", r"takes numbers from \(0, 0\) to \(1, 100\), but the vectors of npz:.* are from"),
        ("one", r"a condition of shape \(2,\), but .* was loaded with vectors of 1 numbers"),
        ("none", "has no array vectors"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate.main(evaluate.Options(model=model, data=DataConfig(f"npz:{tmp_path / name}.npz")))


def test_vectors_go_with_their_images_into_every_split():
    images, vectors = field(200)
    data = from_arrays(images, levels=2, vectors=vectors)
    low, high = data.vector_range
    assert np.allclose([low, high], [vectors.min(0), vectors.max(0)])
    of_image = {image.tobytes(): vector for image, vector in zip(images, np.float32(vectors), strict=True)}
    for split in ("train", "validation", "all"):
        got, conditions = data.first(split)
        assert all(np.array_equal(of_image[image.tobytes()], v) for image, v in zip(got, conditions, strict=True))
    batch = next(data.train_batches(16, seed=0).as_numpy_iterator())
    assert batch["condition"].shape == (16, 2)
    for image, vector in zip(batch["images"], batch["condition"], strict=True):
        assert np.array_equal(of_image[image.tobytes()], vector)
    changed = vectors.copy()
    changed[7] += 1e-3
    assert data.fingerprint != from_arrays(images, levels=2, vectors=changed).fingerprint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vectors": np.zeros((5, 2))}, "has 30 images but 5 vectors"),
        ({"vectors": np.zeros(30)}, r"vectors must have the shape \(number, numbers\); got \(30,\)"),
        ({"vectors": np.full((30, 1), np.nan)}, "must be finite numbers"),
        ({"vectors": np.zeros((30, 1))}, "number 0 is the same in all vectors"),
        ({"vectors": np.arange(30.0)[:, None], "vector_range": [[0], [10]]}, "vector_range must hold"),
        ({"vectors": {"test": np.zeros((30, 1))}}, "vectors are required for train; got those for test"),
    ],
)
def test_wrong_vectors_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(field(30)[0], levels=2, **arguments)


def test_only_npz_files_hold_vectors():
    with pytest.raises(ValueError, match="vector_conditional requires vectors, which only npz:FILE holds; got digits"):
        load("digits", vector_conditional=True)
    with pytest.raises(ValueError, match="--class_conditional and --vector_conditional cannot be combined"):
        DataConfig("npz:x.npz", class_conditional=True, vector_conditional=True)
