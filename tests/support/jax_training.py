"""The recipe of docs/jax.md on one device, then on two; run by test_jax_training.py under KERAS_BACKEND=jax."""

import jax
import keras
import numpy as np

from pixelrnn_tf import MultiScalePixelRNN, Muon, PixelRNN
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import log_prob

TINY = {"num_blocks": 1, "hidden": 4, "head_hidden": 4}
BATCH_SIZE, EPOCHS = 4, 2
MODELS = {
    "plain": lambda: PixelRNN((4, 4, 1), 17, "pixel_cnn", output="logistic_mixture", mixtures=2, **TINY),
    "classes": lambda: PixelRNN((4, 4, 1), 5, "row_lstm", conditioner=LabelEmbedding(3, 2), **TINY),
    "scales": lambda: MultiScalePixelRNN((4, 4, 1), 5, (2, 4), "pixel_cnn", **TINY),
}
OPTIMIZERS = {"plain": Muon, "classes": keras.optimizers.Adam, "scales": keras.optimizers.Adam}


def trained(kind, images, labels, devices, path):
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    keras.utils.set_random_seed(0)
    model = MODELS[kind]()
    inputs = [images, labels] if model.num_classes else images
    rate = keras.optimizers.schedules.CosineDecay(0.0, 6, warmup_target=0.05, warmup_steps=2)
    model.compile(OPTIMIZERS[kind](rate, global_clipnorm=1.0, use_ema=True, ema_momentum=0.5))
    callbacks = [
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True),
    ]
    history = model.fit(
        inputs,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        validation_data=(inputs, images),
        validation_batch_size=BATCH_SIZE,
        callbacks=callbacks,
        verbose=0,
    )
    return model, history.history


def main(folder):
    """Write what every kind of model learned to `KIND.npz`, and the model to `KIND.keras`."""
    assert len(jax.devices()) == 2
    rng = np.random.default_rng(0)
    for kind in MODELS:
        images = rng.integers(0, 5, (4 * BATCH_SIZE, 4, 4, 1)).astype("uint8")
        labels = rng.integers(0, 3, len(images)).astype("int32")
        path = folder / f"{kind}.keras"
        one, history = trained(kind, images, labels, jax.devices()[:1], path)
        two, of_two = trained(kind, images, labels, jax.devices(), path)
        best = keras.models.load_model(path)
        np.savez(
            folder / f"{kind}.npz",
            images=images,
            labels=labels,
            one=np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in one.weights]),
            two=np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in two.weights]),
            losses=[history["val_loss"], of_two["val_loss"]],
            devices=len(two.weights[0].value.devices()),
            log_prob=keras.ops.convert_to_numpy(log_prob(best, images, labels if best.num_classes else None)),
        )
