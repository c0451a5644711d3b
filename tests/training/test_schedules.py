"""Learning rates over the steps, and the scale of the loss."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.layers import VectorEmbedding
from pixelrnn_tf.models import MultiScalePixelRNN
from pixelrnn_tf.training.optimizers import LearningRate, LossScale, make_optimizer
from tests.support.networks import make_network, randomize
from tests.support.training_runs import tiny_config


def rates(steps, **changes):
    schedule = LearningRate(tiny_config(learning_rate=0.1, steps=100, **changes))
    return [float(schedule(step)) for step in steps]


def test_a_constant_rate_is_warmed_up_in_a_line():
    assert rates([0, 50, 99]) == pytest.approx([0.1] * 3)
    assert rates([0, 1, 3, 4, 50], warmup_steps=4) == pytest.approx([0.025, 0.05, 0.1, 0.1, 0.1])


def test_a_cosine_falls_from_the_end_of_the_warm_up_to_its_own():
    got = rates([0, 20, 40, 60, 99, 200], schedule="cosine", warmup_steps=20, decay_steps=60, final_learning_rate=0.02)
    middle = 0.02 + 0.08 * 0.5 * (1 + math.cos(math.pi / 2))
    assert got == pytest.approx([0.005, 0.1, middle, 0.02, 0.02, 0.02])
    assert rates([0, 50, 100], schedule="cosine") == pytest.approx([0.1, 0.05, 0.0], abs=1e-8)


def test_steps_multiply_the_rate_one_after_another():
    got = rates([0, 9, 10, 29, 30, 99], schedule="step", lr_boundaries=(10, 30), decay_factor=0.5)
    assert got == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_the_optimizer_goes_by_the_schedule_and_clips_nothing():
    optimizer = make_optimizer(tiny_config(learning_rate=0.1, warmup_steps=2), [keras.Variable(0.0)])
    assert float(optimizer.learning_rate) == pytest.approx(0.05)
    assert optimizer.clipnorm is optimizer.global_clipnorm is optimizer.clipvalue is None


@pytest.mark.parametrize(("optimizer", "scales"), [("sgd", 1), ("adam", 1), ("muon", 1), ("rmsprop", 1), ("sgd", 2)])
def test_weight_decay_shrinks_kernels_and_leaves_biases_and_initial_states(optimizer, scales):
    model = make_network("row_lstm", (4, 4, 1))
    if scales == 2:
        model = randomize(MultiScalePixelRNN((4, 4, 1), 2, (2, 4), "row_lstm", 1, 4, 4, upsampler_features=3))
    run = tiny_config(optimizer=optimizer, learning_rate=0.5, weight_decay=0.25)
    before = {weight.path: weight.numpy() for weight in model.weights}
    # Without a gradient the decay alone acts: a step multiplies by 1 - 0.5 * 0.25.
    make_optimizer(run, model.trainable_variables).apply([tf.zeros(weight.shape) for weight in model.weights])
    kept = set()
    for weight in model.weights:
        if np.array_equal(weight.numpy(), before[weight.path]):
            kept.add(weight.path.rpartition("/")[2])
        else:
            np.testing.assert_allclose(weight.numpy(), 0.875 * before[weight.path], rtol=1e-6)
    of_upsampler = {"bias_0", "bias_1"} if scales == 2 else set()
    assert kept == {"bias", "initial_h", "initial_c"} | of_upsampler


def test_weight_decay_leaves_every_bias_of_a_conditioner():
    model = make_network("row_lstm", (4, 4, 1), conditioner=VectorEmbedding(2, 4))
    optimizer = make_optimizer(tiny_config(weight_decay=0.5), model.trainable_variables)
    decayed = [weight.path for weight in model.trainable_variables if optimizer._use_weight_decay(weight)]
    assert sum("conditioner/" in path for path in decayed) == 2
    assert not any("bias" in path or "initial_" in path for path in decayed)


def test_weight_decay_by_hand():
    weight = keras.Variable([2.0], name="kernel")
    optimizer = make_optimizer(tiny_config(optimizer="sgd", learning_rate=0.1, weight_decay=0.5), [weight])
    optimizer.apply([tf.constant([3.0])])
    # 2 (1 - 0.1 * 0.5) - 0.1 * 3
    assert weight.numpy() == pytest.approx([1.6])
    assert make_optimizer(tiny_config(), [weight]).weight_decay is None


def test_more_steps_do_not_stretch_the_cosine_of_a_run():
    assert tiny_config(schedule="cosine", steps=100).decay_steps == 100
    assert tiny_config(schedule="cosine", steps=100, decay_steps=50).decay_steps == 50
    assert tiny_config(steps=100).decay_steps == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "linear"}, "schedule must be one of constant, cosine, step, got 'linear'"),
        ({"schedule": "step"}, "requires lr_boundaries"),
        ({"lr_boundaries": (3,)}, "lr_boundaries requires the schedule 'step', but the schedule is 'constant'"),
        ({"final_learning_rate": 1e-5}, "final_learning_rate requires the schedule 'cosine'"),
        ({"schedule": "cosine", "steps": 10, "warmup_steps": 10}, "must end after the warm-up of 10 steps"),
        ({"learning_rate": -1.0}, "learning_rate must be a number greater than 0 and at most 1e\\+30, got -1.0"),
        ({"learning_rate": 1e31}, "learning_rate must be a number greater than 0 and at most"),
        ({"warmup_steps": -1}, "warmup_steps must be an integer of at least 0 .*got -1"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps must be an integer of at least 1.*got 0"),
        ({"steps": 10**12}, "steps must be an integer of at least 1 and at most 1,000,000,000, got 10"),
        ({"minutes": math.nan}, "minutes must be a number of at least 0 .*got nan"),
        ({"model": {"num_blocks": 10**9}}, "num_blocks must be an integer of at least 1 and at most 1,000"),
        ({"dtype_policy": "float16"}, "dtype_policy must be one of float32, mixed_bfloat16, mixed_float16"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_config(**changes)


def test_the_loss_scale_grows_after_good_steps_and_shrinks_at_an_overflow():
    scale = LossScale(initial=8.0, growth_steps=3)
    values = []
    for good in (True, True, True, True, False, True, True, True):
        if good:
            scale.succeeded()
        else:
            scale.failed(True)
        values.append(float(scale.value()))
    assert values == [8, 8, 16, 16, 8, 8, 8, 16]
    scale.failed(False)  # The loss was not finite, which is not for want of scale.
    assert float(scale.value()) == 16
    assert np.isfinite(float(scale.value()))
