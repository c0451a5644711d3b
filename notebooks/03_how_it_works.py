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
# # 3. How it works: masks, skewing, receptive fields
#
# *Pixel Recurrent Neural Networks* (van den Oord, Kalchbrenner, Kavukcuoglu, 2016) writes the probability of an image
# as a product, pixel by pixel in raster order and color by color inside a pixel (Equations 1 and 2):
#
# $$p(x) = \prod_i p(x_{i,R} \mid x_{<i})\; p(x_{i,G} \mid x_{<i}, x_{i,R})\; p(x_{i,B} \mid x_{<i}, x_{i,R}, x_{i,G})$$
#
# A network that gives all factors in one pass must not let a pixel see itself or what comes later.

# %%
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.colors import ListedColormap

import pixelrnn_tf
from pixelrnn_tf.layers import kernel_mask, skew
from pixelrnn_tf.sampling import generate

# %% [markdown]
# ## Masks
#
# Mask A, of the first convolution, hides the pixel itself; mask B, of all later ones, shows it. In a color image the
# features of every layer are split into one group per color, and at the center of the kernel a group sees the groups
# before it (A), or those and itself (B). White is open; rows of the picture are the groups that are computed.

# %%
figure, axes = plt.subplots(2, 4, figsize=(10, 5))
for row, mask_type in zip(axes, "AB", strict=True):
    mask = kernel_mask(mask_type, (7, 7), 3, 3, channels=3)
    for k, color in enumerate(("red", "green", "blue")):
        row[k].imshow(mask[:, :, :, k].sum(-1), cmap="gray", vmin=0, vmax=3)
        row[k].set_title(f"mask {mask_type}, into {color}: groups read")
    row[3].imshow(mask[3, 3].T, cmap="gray", vmin=0, vmax=1)
    row[3].set(title="at the center", xlabel="from R, G, B", ylabel="into R, G, B")
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
    axis.title.set_fontsize(8)
figure.tight_layout()

# %% [markdown]
# ## Skewing
#
# The Diagonal BiLSTM computes a pixel from its left and its upper neighbor. All pixels of a diagonal can be computed
# at once, so the map is skewed: row r moves right by r, diagonals become columns, and both neighbors of a pixel lie in
# the column before (Figure 3 of the paper).

# %%
numbers = np.arange(1, 13, dtype="float32").reshape(1, 3, 4, 1)
print(numbers[0, :, :, 0].astype(int))
print(np.array(skew(numbers))[0, :, :, 0].astype(int))


# %% [markdown]
# ## Receptive fields
#
# What an output reads can be measured: the gradient of its logits as to the image is zero where nothing is read. Below,
# for the same pixel (black), what networks of two blocks read (blue), what they could read but do not (white), and
# the future, which nobody may read (gray). The PixelCNN has a blind spot to the upper right, the Row LSTM sees
# a triangle, and the Diagonal BiLSTM all of the past, but for one pixel: the last of the row above, which its
# right-to-left half has not reached when it is moved down by a row.

# %%
SIZE, PIXEL = 24, (14, 9)


def read_by(block, seeds=4):
    """Bool (SIZE, SIZE): the pixels that the logits of PIXEL depend on, for some weights."""
    read = np.zeros((SIZE, SIZE), bool)
    for seed in range(seeds):  # A ReLU may be dead with one set of weights.
        tf.keras.utils.set_random_seed(seed)
        model = pixelrnn_tf.PixelRNN((SIZE, SIZE, 1), 4, block, num_blocks=2, hidden=8, head_hidden=8)
        image = tf.random.stateless_uniform((1, SIZE, SIZE, 1), (seed, 0), -1.0, 1.0)
        with tf.GradientTape() as tape:
            tape.watch(image)
            output = model.logits_of_stem_inputs(image)[0, PIXEL[0], PIXEL[1], 0, seed % 4]
        read |= tape.gradient(output, image)[0, :, :, 0].numpy() != 0
    return read


figure, axes = plt.subplots(1, 3, figsize=(10, 3.6))
past = np.arange(SIZE * SIZE).reshape(SIZE, SIZE) < PIXEL[0] * SIZE + PIXEL[1]
for axis, block in zip(axes, ("pixel_cnn", "row_lstm", "diagonal_bilstm"), strict=True):
    read = read_by(block)
    assert not (read & ~past).any(), "the future was read"
    picture = np.where(past, np.where(read, 1, 0), 2)
    picture[PIXEL] = 3
    axis.imshow(picture, cmap=ListedColormap(["white", "tab:blue", "lightgrey", "black"]), vmin=0, vmax=3)
    axis.set(xticks=[], yticks=[], title=f"{block}: {read.sum()} of {past.sum()} past pixels")
    axis.title.set_fontsize(9)
figure.tight_layout()

# %% [markdown]
# ## Drawing with the operations of one pass
#
# Naive sampling runs the whole network once for every pixel. Here every layer splits its work: what the finished rows
# add is computed once per row for all columns, what the left neighbors add once per pixel. The images are the same;
# the test of it is that every noise value lies in the interval of the level that it drew, when the drawn image is put
# through the network in one pass.

# %%
model = pixelrnn_tf.PixelRNN.from_preset("mnist_diagonal_bilstm_7x16")
noise = np.random.default_rng(0).uniform(size=(4, 28, 28, 1)).astype("float32")
images = np.array(generate(model, noise))
probabilities = tf.nn.softmax(model(images)).numpy()
upper = np.take_along_axis(probabilities.cumsum(-1), images[..., None], -1)[..., 0]
lower = upper - np.take_along_axis(probabilities, images[..., None], -1)[..., 0]
outside = np.maximum(lower - noise, noise - upper).max()
print(f"{noise.size} draws; a noise value lies outside of its interval by at most {max(outside, 0):.0e}")
