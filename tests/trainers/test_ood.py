"""Images that do not belong: AUROC and its error, what is made to choose by, and the program on digits."""

import json

import numpy as np
import pytest

from pixelrnn_tf.evaluation import odd_images
from tests.support.networks import make_network
from trainers import ood


def test_auroc_is_the_probability_of_being_odder_with_ties_half():
    own, others = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0])
    pairs = [(a > b) + 0.5 * (a == b) for a in others for b in own]
    (auroc, error) = odd_images.aurocs({"score": (own, others)}, 50, seed=0)["score"]
    assert auroc == pytest.approx(np.mean(pairs))
    assert 0 < error < 0.5
    rng = np.random.default_rng(0)
    far = rng.normal(size=400), rng.normal(size=400) + 1
    few = far[0][:40], far[1][:40]
    errors = [odd_images.aurocs({"": pair}, 100, 0)[""][1] for pair in (far, few)]
    assert errors[0] < errors[1] / 2, "more images, a smaller error"


def test_odd_images_are_made_of_usual_ones():
    images = np.random.default_rng(1).integers(0, 5, (300, 6, 6, 1)).astype("uint8")
    odd = odd_images.made_odd(images, 9, seed=0)
    assert odd.dtype == images.dtype
    assert np.array_equal(odd[::3], images[::3, ::-1])
    assert np.array_equal(odd[1::3], 8 - images[1::3])
    assert 0.35 < (odd[2::3] != images[2::3]).mean() < 0.55
    assert odd.max() == 8
    assert np.array_equal(odd_images.made_odd(images, 9, seed=0), odd)


def test_the_least_and_the_most_odd_are_found():
    images = np.arange(6).reshape(6, 1, 1, 1)
    shown = odd_images.least_and_most(images, images + 10, (np.arange(6.0), -np.arange(6.0)), 2)
    assert shown.ravel().tolist() == [0, 1, 5, 4, 15, 14, 10, 11]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A network of digits that has learned a little, and a background network that has not."""
    from pixelrnn_tf.data import load
    from pixelrnn_tf.models import NegativeLogLikelihood

    folder = tmp_path_factory.mktemp("ood")
    background = make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1, scale=0.0)
    background.save(folder / "background.keras")
    model = make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1, hidden=16, head_hidden=16, scale=0.0)
    model.compile("adam", loss=NegativeLogLikelihood(), jit_compile=False)
    model.optimizer.learning_rate = 0.01
    batches = load("digits").train_batches(64, seed=0).map(lambda images: (images, images))
    model.fit(batches, steps_per_epoch=60, verbose=0, shuffle=False)
    model.save(folder / "model.keras")
    return folder


def test_the_program_tells_digits_from_what_was_made_of_them(networks, tmp_path, capsys):
    options = ood.Options(
        networks / "model.keras", "digits", "made", tmp_path / "out",
        background=networks / "background.keras", num_images=90, bootstraps=20,
    )  # fmt: skip
    ood.main(options)
    found = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert set(found) == {"likelihood", "typicality", "input complexity", "likelihood ratio"}
    assert found["likelihood"][0] > 0.7
    for picture in ("histograms.png", "odd.png"):
        assert (tmp_path / "out" / picture).stat().st_size > 1000
    printed = capsys.readouterr().out
    assert f"AUROC {found['likelihood ratio'][0]:.4f}" in printed
    assert "digits: images (8, 8, 1), 17 levels, binarization: none" in printed
    assert "90 images of digits, 90 of made (test)" in printed
    assert "s of CPU time" in printed
