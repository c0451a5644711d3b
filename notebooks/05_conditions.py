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
# # 5. Conditional models: classes, and several scales
#
# A condition is given to every block, which adds a projection of it at every pixel (the paper's section 3.6). Where the
# condition is a class, the network can be asked for a digit of a kind; and, since it gives each image a probability
# under each class, it classifies without having been trained to. Where it is a small image, it draws a large one that
# looks like it, and a network that draws small images completes the Multi-Scale PixelRNN.

# %%
import matplotlib.pyplot as plt
import numpy as np

import pixelrnn_tf
from pixelrnn_tf import models
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import PixelDistribution

model = pixelrnn_tf.PixelRNN.from_preset("digits_diagonal_bilstm_classes")
print(f"{model.num_classes} classes; condition: {model.condition_format.meaning()}")


# %%
def show(images, columns, levels=model.levels):
    rows = len(images) // columns
    cells = np.pad(to_bytes(images, levels)[..., 0], ((0, 0), (1, 1), (1, 1)), constant_values=96)
    grid = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    plt.figure(figsize=(columns / 2, rows / 2))
    plt.imshow(grid.reshape(rows * cells.shape[1], -1), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.show()


# %% [markdown]
# ## Draw by class
#
# A row for each class. The distribution of a batch of labels has the batch shape of the labels.

# %%
labels = np.repeat(np.arange(10), 12)
show(PixelDistribution(model, condition=labels).sample(seed=0).numpy(), columns=12)

# %% [markdown]
# ## Complete as another class
#
# The upper halves of test digits (first row), completed as every class. What fits the upper half comes out well.

# %%
data = pixelrnn_tf.data.load("digits", class_conditional=True)
batch = next(data.batches("test", 180).as_numpy_iterator())
images, truth = batch["images"], batch["condition"]
known = np.zeros((8, 8), bool)
known[:4] = True
chosen = images[:12]
rows = [chosen]
for label in range(10):
    distribution = PixelDistribution(model, condition=np.full(12, label))
    rows.append(distribution.complete(chosen, known, seed=label).numpy())
show(np.concatenate(rows), columns=12)

# %% [markdown]
# ## Classify
#
# Bayes' rule with equal probabilities of the classes. The likelihood of an image without its label is the mean over the
# classes, and knowing the label can be worth at most ln 10 = 2.303 nats, since p(image) contains p(image | class) / 10.

# %%
probabilities = np.array(models.classify(model, images))
accuracy = (probabilities.argmax(-1) == truth).mean()
without = np.array(models.marginal_log_prob(model, images))
given = PixelDistribution(model, condition=truth).log_prob(images).numpy()
print(f"{accuracy:.1%} of {len(images)} test digits are classified right")
gain = (given - without).mean()
print(f"{-given.mean():.2f} nats given the label, {-without.mean():.2f} without: a gain of {gain:.3f}")
unconditional = pixelrnn_tf.PixelRNN.from_preset("digits_diagonal_bilstm")
print(f"{-PixelDistribution(unconditional).log_prob(images).numpy().mean():.2f} nats by the network without classes")

# %% [markdown]
# Those it gets wrong, with its answer:

# %%
wrong = np.flatnonzero(probabilities.argmax(-1) != truth)
if len(wrong):
    figure, axes = plt.subplots(1, max(len(wrong), 2), figsize=(1.2 * max(len(wrong), 2), 1.6))
    for axis in axes:
        axis.axis("off")
    for axis, k in zip(axes, wrong, strict=False):
        axis.imshow(images[k, ..., 0], cmap="gray")
        axis.set_title(f"{truth[k]}, not {probabilities[k].argmax()}", fontsize=9)
    plt.show()

# %% [markdown]
# ## The digits of MNIST, by class
#
# A Row LSTM of binary images of 28x28 pixels, likewise:

# %%
mnist = pixelrnn_tf.PixelRNN.from_preset("mnist_row_lstm_classes")
show(PixelDistribution(mnist, condition=labels).sample(seed=0).numpy(), columns=12, levels=2)

# %% [markdown]
# ## Several scales
#
# The Multi-Scale PixelRNN draws an image of 14x14 pixels, and then the others of 28x28 given it. The small image is
# every second pixel of the large one, so the likelihood of an image is exact: that of the small image, plus that of the
# other pixels given it.

# %%
scales = pixelrnn_tf.MultiScalePixelRNN.from_preset("mnist_row_lstm_scales")
distribution = PixelDistribution(scales)
drawn = distribution.sample(12, seed=0).numpy()
show(np.concatenate([drawn[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2), drawn]), columns=12, levels=2)

# %%
terms = -np.array(models.log_prob_by_scale(scales, drawn))
whole = -distribution.log_prob(drawn).numpy()
small, others = terms.mean(axis=0)
print(f"{small:.2f} nats of the small images + {others:.2f} of the other pixels = {small + others:.2f}")
print(f"{whole.mean():.2f} nats of the whole images")

# %% [markdown]
# ## Large images of a small one
#
# Where every second pixel is known, completing an image draws the rest: here five large images of each small one, below
# the one that it was taken from.

# %%
known = np.zeros((28, 28), bool)
known[::2, ::2] = True
rows = [drawn, *(distribution.complete(drawn, known, seed=seed).numpy() for seed in range(5))]
assert all(np.array_equal(row[:, known], drawn[:, known]) for row in rows)
show(np.concatenate(rows), columns=12, levels=2)
