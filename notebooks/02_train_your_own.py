# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. Train on your own images
#
# First with Keras's `fit`, which is enough for small things; then with the trainer of this project, which adds what
# long runs need: averaged weights, checkpoints that go on bit for bit, several devices, a report. At the end from a
# folder of pictures.

# %%
import pathlib
import subprocess
import sys
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import pixelrnn_tf
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import PixelDistribution

keras.utils.set_random_seed(0)

# %% [markdown]
# ## With fit
#
# The digits of scikit-learn: 8x8 pixels with 17 levels. A data set holds integer levels, and so the model takes them:
# it scales them itself. The target of an image is the image.

# %%
data = pixelrnn_tf.data.load("digits")
print(data.describe())
model = pixelrnn_tf.PixelRNN(data.image_shape, data.levels, "row_lstm", num_blocks=2, hidden=24, head_hidden=48)
model.compile(keras.optimizers.Adam(3e-3), loss=pixelrnn_tf.NegativeLogLikelihood(), metrics=[pixelrnn_tf.BitsPerDim()])
batches = data.train_batches(32, seed=0).map(lambda x: (x, x))
validation = data.batches("validation", 60).map(lambda x: (x, x))
history = model.fit(batches, steps_per_epoch=100, epochs=6, validation_data=validation, verbose=0)
for epoch, (train, score) in enumerate(
    zip(history.history["bits_per_dim"], history.history["val_bits_per_dim"], strict=True)
):
    print(f"epoch {epoch + 1}: training {train:.2f} bits/dim, validation {score:.2f} bits/dim")


# %%
def show(images, levels, columns=16):
    rows = len(images) // columns
    cells = np.pad(to_bytes(images, levels)[..., 0], ((0, 0), (1, 1), (1, 1)), constant_values=96)
    grid = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    plt.figure(figsize=(columns / 2, rows / 2))
    plt.imshow(grid.reshape(rows * cells.shape[1], -1), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.show()


show(PixelDistribution(model).sample(32, seed=0).numpy(), data.levels)

# %% [markdown]
# ## From a folder of pictures, with the trainer
#
# Any folder of pictures does. Here, to have one, the same digits are written as PNG files, 12 pixels wide; the data set
# crops and resizes them to `--image_size`, rounds them to `--levels`, and splits the folder into train, validation and
# test, always in the same way.

# %%
folder = pathlib.Path(tempfile.mkdtemp())
pictures = folder / "pictures"
pictures.mkdir()
for k, image in enumerate(data.splits["train"].in_memory.numpy()[:400]):
    picture = Image.fromarray(to_bytes(image, data.levels)[..., 0]).resize((12, 12))
    picture.save(pictures / f"{k:04}.png")

command = [
    *(sys.executable, "-m", "trainers.train", f"--data=folder:{pictures}", "--image_size=12,12", "--levels=8"),
    *("--block=pixel_cnn", "--num_blocks=3", "--hidden=16", "--head_hidden=32", "--learning_rate=3e-3"),
    *("--steps=300", "--eval_every=100", "--num_samples=0", "--log_seconds=3600", f"--workdir={folder / 'run'}"),
]
root = pathlib.Path(pixelrnn_tf.__file__).parents[1]
done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
print(done.stdout.replace(str(folder), "FOLDER"))

# %% [markdown]
# The folder of the run holds the averaged weights with the best validation score, a report, and the curve of learning:

# %%
print(*sorted(path.name for path in (folder / "run").iterdir()))
trained = keras.models.load_model(folder / "run" / "model.keras")
show(PixelDistribution(trained).sample(32, seed=0).numpy(), trained.levels)
