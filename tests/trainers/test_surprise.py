"""Surprise maps as pictures and scores as a table."""

import csv
import dataclasses
import math

import numpy as np
import pytest

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_tf.data import load
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.evaluation import surprise_maps
from pixelrnn_tf.layers import LabelEmbedding, VectorEmbedding
from pixelrnn_tf.models import log_prob, oddness
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.pictures import grids, png_files
from tests.support.networks import make_network, random_images
from trainers import evaluate, surprise


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("surprise") / "model.keras"
    make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1).save(path)
    return path


def read_scores(folder):
    return list(csv.DictReader((folder / "out" / "scores.csv").read_text().splitlines()))


def test_maps_sum_to_the_score_of_the_image():
    model = make_network("pixel_cnn", (4, 5, 3), num_blocks=1)
    images = random_images(model, 5)
    bits = surprise_maps.bits_per_pixel(model, images, batch_size=2)
    assert bits.shape == (5, 4, 5)
    np.testing.assert_allclose(bits.sum((1, 2)) * math.log(2), -log_prob(model, images), rtol=1e-5)
    np.testing.assert_allclose(surprise_maps.log_probs(model, images, batch_size=2), log_prob(model, images), rtol=1e-6)


def test_all_maps_share_one_scale_whose_bar_is_beside_them():
    bits = np.zeros((2, 3, 3))
    bits[0, 1, 2], bits[1, 0, 0] = 4.0, 8.0
    shown = surprise_maps.picture(np.full((2, 3, 3, 1), 200, "uint8"), bits)
    colors = {tuple(color) for color in shown.reshape(-1, 3)}
    for value in (0, 4, 8):
        assert tuple(surprise_maps.colored(np.array(value / 8))) in colors
    brightness = surprise_maps.colored(np.linspace(0, 1, 64)).sum(-1, dtype="int64")
    assert (np.diff(brightness) >= 0).all(), "brighter is odder"
    assert shown.shape[2] == 3


def test_one_pixel_of_many_does_not_darken_the_others():
    bits = np.full((4, 20, 20), 2.0)
    bits[0, 0, 0] = 100.0
    bright = surprise_maps.colored(np.array(1.0))
    shown = surprise_maps.picture(np.zeros((4, 20, 20, 1), "uint8"), bits, rows=["four images"], title="Maps")
    assert (shown == bright).all(-1).mean() > 0.1


def test_the_program_writes_maps_and_scores(model_file, tmp_path, capsys):
    options = surprise.Options(
        model_file, tmp_path / "out", num_images=3, background=model_file, data=DataConfig("digits")
    )
    surprise.main(options)
    rows = read_scores(tmp_path)
    assert list(rows[0]) == list(surprise_maps.COLUMNS)
    assert len(rows) == 3
    for row in rows:
        assert float(row["bits/dim"]) == pytest.approx(float(row["nats"]) / 64 / math.log(2), rel=1e-4)
        difference = float(row["bits/dim"]) - float(row["complexity"])
        assert float(row["input complexity score"]) == pytest.approx(difference, abs=2e-6)
        assert float(row["ratio"]) == 0, "a background network that is the model itself"
    assert (tmp_path / "out" / "surprise.png").stat().st_size > 100
    assert "nats per image" in capsys.readouterr().out
    # Of the levels, not of the bytes that show them.
    of_levels = oddness.complexity(load("digits").first("test", 3)[0].astype("uint8"))
    assert [float(row["complexity"]) for row in rows] == pytest.approx(of_levels, abs=1e-6)

    picture = np.random.default_rng(0).integers(0, 256, (8, 8), "uint8")
    png_files.write(tmp_path / "own.png", picture)
    own = dataclasses.replace(options, data=None, images=(str(tmp_path / "own.png"),), background=None)
    surprise.main(own)
    (row,) = read_scores(tmp_path)
    assert row["file"].endswith("own.png")
    assert row["ratio"] == ""


def test_the_program_restores_images(model_file, tmp_path, capsys):
    options = surprise.Options(
        model_file, tmp_path / "out", restore=True, threshold=4.0, num_images=5, seed=7, batch_size=2,
        data=DataConfig("digits"),
    )  # fmt: skip
    surprise.main(options)
    images = load("digits").first("test", 5)[0]
    model = load_model(model_file)
    restored, redrawn = PixelDistribution(model).restore(images, 4.0, seed=7)
    written = np.load(tmp_path / "out" / "restored.npz")
    assert np.array_equal(written["images"], restored)
    assert np.array_equal(written["redrawn"], redrawn)
    assert 0.1 < redrawn.numpy().mean() < 0.9
    share = f"{redrawn.numpy().mean():.2%} of the sub-pixels had more than 4 bits and were drawn again"
    assert share in capsys.readouterr().out
    # The picture: before, the redrawn pixels in red, and after.
    shown = png_files.read(str(tmp_path / "out" / "restored.png"), 3)
    assert ((shown == grids.RED).all(-1).sum() % np.count_nonzero(redrawn)) == 0
    again = load(f"npz:{tmp_path / 'out' / 'restored.npz'}", whole=True)
    assert again.levels == 17
    assert np.array_equal(again.first("all", 5)[0], restored), "other programs read it"

    # By default, a sub-pixel needs log2(17) + 6 bits.
    surprise.main(dataclasses.replace(options, threshold=None))
    assert "more than 10.0875 bits" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--threshold belongs to --restore"):
        dataclasses.replace(options, restore=False)


CONDITIONERS = {
    "labels": LabelEmbedding(10, 4),
    "named": LabelEmbedding(10, 4, class_names=[*"9876543210"]),
    "vectors": VectorEmbedding(2, 4, low=0.0, high=[1.0, 9.0]),
}


@pytest.mark.parametrize("kind", CONDITIONERS)
def test_restored_images_keep_their_conditions(kind, tmp_path, capsys):
    path, data, restored = tmp_path / "model.keras", tmp_path / "data.npz", tmp_path / "out" / "restored.npz"
    make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1, conditioner=CONDITIONERS[kind]).save(path)
    images, labels = load("digits", class_conditional=True).first("test", 5)
    vectors = np.stack([labels / 9, labels], axis=1)
    np.savez(data, images=images, levels=17, labels=labels, class_names=[*"0123456789"], vectors=vectors)
    surprise.main(surprise.Options(path, tmp_path / "out", restore=True, split="all", data=DataConfig(f"npz:{data}")))
    conditional = {"vector_conditional": True} if kind == "vectors" else {"class_conditional": True}
    again = load(f"npz:{restored}", whole=True, **conditional)
    expected = vectors if kind == "vectors" else 9 - labels if kind == "named" else labels
    assert np.array_equal(again.first("all")[1], expected.astype(again.first("all")[1].dtype))
    evaluate.main(evaluate.Options(model=path, split="all", data=DataConfig(f"npz:{restored}")))
    assert "all: all images, 5 images" in capsys.readouterr().out
    assert "restored.npz --split=all" in surprise.__doc__


def test_what_is_wrong_is_named(model_file, tmp_path):
    with pytest.raises(ValueError, match="either --data or --images"):
        surprise.Options(model_file, tmp_path / "out")
    png_files.write(tmp_path / "large.png", np.zeros((9, 8), "uint8"))
    options = surprise.Options(model_file, tmp_path / "out", images=(str(tmp_path / "large.png"),))
    with pytest.raises(ValueError, match=r"large\.png is 9x8; the model's images are 8x8"):
        surprise.main(options)
    with pytest.raises(ValueError, match=r"there is no file 'none\.png'"):
        surprise.main(dataclasses.replace(options, images=("none.png",)))
    other = make_network("pixel_cnn", (8, 8, 1), num_blocks=1)
    with pytest.raises(ValueError, match=r"must take the model's images, \(8, 8, 1\) with 17 levels.*with 4 levels"):
        surprise_maps.check_same_images(make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1), other)
    assert not (tmp_path / "out" / "scores.csv").exists()
