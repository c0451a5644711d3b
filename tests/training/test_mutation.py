"""Mutated images: as many as the rate says, functions of seed and step, over all levels."""

import json

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training.metrics import validation_curve
from pixelrnn_tf.training.mutation import mutated
from tests.support.training_runs import opened, tiny_config


def batches_of(images, rate, seed=3, first=0, number=3):
    repeated = tf.data.Dataset.from_tensors(images).repeat(number)
    return [tf.nest.map_structure(np.array, batch) for batch in mutated(repeated, rate, 4, seed, first)]


def test_the_rate_is_that_of_sub_pixels_drawn_anew():
    images = np.full((40, 10, 10, 1), 2, "uint8")
    (first, second, third) = batches_of(images, 0.4)
    # A quarter of the levels drawn is the level that was there.
    assert (first != images).mean() == pytest.approx(0.3, abs=0.03)
    assert np.unique(first).tolist() == [0, 1, 2, 3]
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)
    assert all(np.array_equal(batch, images) for batch in batches_of(images, 0.0))
    resumed = batches_of(images, 0.4, first=2, number=1)
    assert np.array_equal(resumed[0], third), "a function of the seed and the step"
    assert not np.array_equal(batches_of(images, 0.4, seed=4)[0], first)


def test_labels_stay_with_their_images():
    batch = {"images": np.zeros((2, 3, 3, 1), "uint8"), "condition": np.array([1, 0], "int32")}
    (given,) = batches_of(batch, 1.0, number=1)
    assert given["condition"].tolist() == [1, 0]
    assert given["images"].any()


def test_training_mutates_the_images_it_learns_from_alone(tmp_path):
    config = tiny_config(mutation_rate=1.0, jit_compile="false")
    training = opened(config, tmp_path)
    mutated_batch = next(training.queue.batches).numpy()
    data = training.queue.data
    as_it_is = next(iter(data.train_batches(config.images_per_step, config.seed))).numpy()
    assert mutated_batch.shape == as_it_is.shape
    assert (mutated_batch != as_it_is).mean() > 0.4
    assert (next(iter(data.batches("validation", 4))).numpy() < data.levels).all()


def test_a_background_network_is_not_the_one_it_started_from(tmp_path):
    run = {"model": {}, "steps": 2, "eval_every": 1, "init_from": "digits_pixel_cnn", "learning_rate": 0.05}
    training_run.train(tiny_config(**run, mutation_rate=1.0), tmp_path)
    scores = {point["step"]: point["nats_per_image"] for point in validation_curve(tmp_path / "metrics.jsonl")}
    assert scores[0] < min(scores[1], scores[2]), "steps at this rate spoil a finished network"
    assert json.loads((tmp_path / "model.json").read_text())["steps"] > 0
