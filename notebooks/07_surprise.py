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
# # 7. Surprise: odd pixels, and images that do not belong
#
# The log-likelihood of an image is a sum with a term for every pixel, given those before it. Its terms show where a
# model is surprised. Its sum does not say whether an image belongs to what the model knows, and this notebook shows
# that failure and three cures.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

import pixelrnn_tf
from pixelrnn_tf.data import load
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.models import log_prob, log_prob_map, oddness

model = pixelrnn_tf.PixelRNN.from_preset("fashion_mnist_pixel_cnn")
mutated = pixelrnn_tf.PixelRNN.from_preset("fashion_mnist_background")
local = pixelrnn_tf.PixelRNN.from_preset("fashion_mnist_local")
print(f"{model.image_shape}, {model.levels} levels, {model.count_params():,} weights")


# %%
def show(rows, titles, largest=255, cmap="gray"):
    figure, axes = plt.subplots(len(rows), 1, figsize=(9, 0.85 * len(rows)), squeeze=False)
    figure.subplots_adjust(left=0.1, right=1, bottom=0, top=1, hspace=0.05)
    for axis, row, title in zip(axes[:, 0], rows, titles, strict=True):
        axis.imshow(np.concatenate(list(row), axis=1), cmap=cmap, vmin=0, vmax=largest)
        axis.set_ylabel(title, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[])
    plt.show()


# %% [markdown]
# ## Clothes and digits
#
# The clothes are drawn by the network, so that nothing is downloaded; it is a small one, and what it draws looks like
# clothes from nearby. The digits are those of scikit-learn, enlarged to 28x28 pixels and 256 levels.

# %%
clothes = PixelDistribution(model).sample(96, seed=0).numpy().astype("uint8")
small = load("digits").splits["test"].in_memory.numpy()[:96].astype("float32")
large = small.repeat(3, axis=1).repeat(3, axis=2)
kernel = np.array([1, 2, 1]) / 4  # Blurred a little: edges of squares are no strokes.
for axis in (1, 2):
    large = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), axis, large)
digits = np.pad((large * 255 / 16).round().astype("uint8"), ((0, 0), (2, 2), (2, 2), (0, 0)))
show([clothes[:12, ..., 0], digits[:12, ..., 0]], ["clothes", "digits"])

# %% [markdown]
# ## Where the surprise is
#
# The first three pictures get a patch of noise at the upper left. The map has bits per pixel: noise, which cannot be
# foreseen, costs about 8 bits of 256 levels and more, and the first pixels of an outline do too.

# %%
damaged = clothes[:6].copy()
damaged[:3, 3:9, 2:8] = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 1))
bits = -np.array(log_prob_map(model, damaged))[..., 0] / np.log(2)
show([damaged[..., 0]], ["images"])
show([bits], ["bits"], largest=12, cmap="inferno")
inside = bits[:3, 3:9, 2:8].mean()
print(f"{inside:.1f} bits per pixel inside the patches, {bits[3:].mean():.1f} in images without one")

# %% [markdown]
# ## Likelihood fails
#
# Most of the digits are more likely than the clothes, under a network that was trained only on clothes: a digit is
# mostly background and smooth, and what is simple is likely (Nalisnick et al. 2019). The AUROC is the probability that
# a digit has a higher score than a garment: 1 tells them apart, 0.5 is chance, 0 gets all of them wrong.

# %%
images = np.concatenate([clothes, digits])
is_digit = np.repeat([0, 1], 96)
nats = np.array(log_prob(model, images), "float64")
ratios = {name: np.array(log_prob(network, images)) for name, network in (("mutated", mutated), ("local", local))}
usual = nats[:48]  # Of clothes that are not scored below.
scores = {
    "likelihood": oddness.negative_log_likelihood_score(nats, model.image_shape),
    "typicality": oddness.typicality(nats, usual, model.image_shape),
    "input complexity": oddness.input_complexity_score(nats, images),
    **{f"ratio, {name}": oddness.likelihood_ratio(nats, other, model.image_shape) for name, other in ratios.items()},
}
for name, values in scores.items():
    print(f"{name:<18} AUROC {roc_auc_score(is_digit[48:], values[48:]):.3f}")

# %%
_, axes = plt.subplots(1, len(scores), figsize=(12, 2.6), layout="constrained")
for axis, (name, values) in zip(axes, scores.items(), strict=True):
    edges = np.histogram_bin_edges(values[48:], bins=30)
    axis.hist(values[48:96], edges, alpha=0.6, label="clothes")
    axis.hist(values[96:], edges, alpha=0.6, label="digits")
    axis.set_xlabel(f"{name}, bits per pixel")
axes[0].legend()
plt.show()

# %% [markdown]
# ## What the cures do
#
# They take away what simplicity is worth. *Input complexity* (Serra et al. 2020) subtracts the bits that a lossless
# coder needs, which knows nothing of clothes. The *likelihood ratio* subtracts the bits that a background network
# needs: one that was trained on images of which a tenth was random (Ren et al. 2019), or one that knows of images no
# more than a few neighboring pixels tell (Zhang et al. 2021). What is left is what the model knows of clothes, and
# digits do not have that.
#
# The mutated background does not tell these digits, which are blurred, though it does well on those of MNIST: a score
# is to be tried on images of the kind that it is for.
#
# The clothes with the least and the highest ratio, then the digits:

# %%
order = [np.argsort(scores["ratio, local"][part]) for part in (slice(0, 96), slice(96, 192))]
rows = [clothes[order[0][:12]], clothes[order[0][-12:]], digits[order[1][:12]], digits[order[1][-12:]]]
show([row[..., 0] for row in rows], ["least odd", "most odd", "least odd", "most odd"])

# %% [markdown]
# These are images drawn by the network. On all 10,000 test images of Fashion-MNIST and of MNIST, `trainers.ood` gives
# the figures of [docs/out_of_distribution.md](../docs/out_of_distribution.md#results).
