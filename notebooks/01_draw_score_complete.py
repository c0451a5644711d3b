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
# # 1. Draw, score and complete digits with a pretrained network
#
# A PixelRNN is a probability distribution over images. It can be asked three things: draw an image, say how probable
# an image is, and complete an image of which only the first pixels are known. All three are exact.
#
# The network here is the paper's best one for MNIST, a Diagonal BiLSTM of 7 blocks with 16 units each. Its weights come
# with the package.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

import pixelrnn_tf
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.sampling import generate

model = pixelrnn_tf.PixelRNN.from_preset("mnist_diagonal_bilstm_7x16")
print(f"{model.count_params():,} weights, images {model.image_shape}, {model.levels} levels")


# %% [markdown]
# ## Draw
#
# `PixelDistribution` is a `tfp.distributions.Distribution`. Image k is a function of the seed and k, whatever the
# number of images: the first four of 64 are the four of 4.


# %%
def show(images, columns=16):
    rows = len(images) // columns
    height, width = images.shape[1:3]
    grid = images[..., 0].reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    plt.figure(figsize=(columns / 2, rows / 2))
    plt.imshow(grid, cmap="gray")
    plt.axis("off")
    plt.show()


distribution = PixelDistribution(model)
drawn = distribution.sample(64, seed=(0, 1)).numpy()
show(drawn)
print("the same images, whatever their number:", np.array_equal(drawn[:4], distribution.sample(4, seed=(0, 1))))

# %% [markdown]
# ## Score
#
# `log_prob` is the exact log-probability of an image in nats, by one pass of the network. On average a digit of the
# MNIST test set takes 79.2 nats; a fair coin for each of its 784 pixels takes 543.4. Divided by ln 2 and by the number
# of pixels, nats per image become bits per pixel.

# %%
nats = -distribution.log_prob(drawn).numpy()
print(f"drawn digits: {nats.mean():.2f} nats per image, {nats.mean() / (784 * np.log(2)):.4f} bits per pixel")
noise = np.random.default_rng(0).integers(0, 2, drawn.shape)
print(f"noise:        {-distribution.log_prob(noise).numpy().mean():.1f} nats per image")
upside_down = drawn[:, ::-1]
print(f"upside down:  {-distribution.log_prob(upside_down).numpy().mean():.1f} nats per image")

# %% [markdown]
# The least and the most probable eight of those drawn: probable digits are those with few strokes.

# %%
order = np.argsort(nats)
show(drawn[np.concatenate([order[:8], order[-8:]])])

# %% [markdown]
# ## Complete
#
# A pixel is drawn given those before it in raster order, row by row. So the lower part of an image is completed by
# drawing it given the upper part. Below: what is known of eight digits, then six completions of each.

# %%
known = np.zeros(model.image_shape[:2], bool)
known[:14] = True
digits = drawn[:8]
completed = distribution.complete(digits, known, seed=7, sample_shape=6).numpy()
occluded = np.where(known[..., None], digits, 0.5)
show(np.concatenate([digits, occluded, *completed]).astype("float32"), columns=8)

# %% [markdown]
# ## Temperature
#
# The logits are divided by the temperature before a level is drawn: below 1 images become more probable and less
# varied. `generate` is the function below the distribution: it takes the noise itself. `log_prob` is always that of the
# model, at temperature 1.

# %%
noise = np.random.default_rng(1).uniform(size=(16, *model.image_shape)).astype("float32")
for temperature in (0.6, 1.0, 1.2):
    images, log_prob = generate(model, noise, temperature=temperature, return_log_prob=True)
    print(f"temperature {temperature}: {-np.mean(log_prob):.1f} nats per image")
    show(keras.ops.convert_to_numpy(images))
