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
# # 6. Lossless compression: the likelihood, in real bytes
#
# A model that gives an image the probability p can store it in -log2 p bits. So a claim about likelihood is a claim
# about bytes, and can be kept: here a network of the zoo compresses digits that it was not trained on, and gives them
# back pixel for pixel.

# %%
import bz2
import io
import lzma
import zlib

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import pixelrnn_tf
from pixelrnn_tf.compression import Codec, compress, decompress
from pixelrnn_tf.data import load
from pixelrnn_tf.distributions import PixelDistribution

model = pixelrnn_tf.PixelRNN.from_preset("digits_diagonal_bilstm")
test = load("digits").splits["test"].in_memory.numpy()
print(test.shape, test.dtype, f"{model.levels} levels")

# %% [markdown]
# ## There and back

# %%
data = compress(model, test)
is_equal = np.array_equal(decompress(model, data), test)
print(f"{len(test)} images in {len(data):,} bytes; equal after decompressing: {is_equal}")

# %% [markdown]
# What the model promises, and what it takes. The difference is the header, the checksums, and the rounding of
# probabilities to integers, which makes both sides compute the same on any machine.

# %%
nats = -PixelDistribution(model).log_prob(test).numpy()
promised = nats.sum() / np.log(2) / 8
print(f"-log2 p of all images: {promised:,.0f} bytes; the file takes {len(data) - promised:,.0f} more")


# %% [markdown]
# ## Beside general compressors
#
# They get the levels as bytes. PNG gets one sheet of all images, which is kinder to it than a file for each.


# %%
def png_of(levels):
    sheet = levels[..., 0].reshape(-1, levels.shape[2])
    buffer = io.BytesIO()
    Image.fromarray(sheet * 15).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


raw = test.tobytes()
sizes = {
    "raw, a byte per pixel": len(raw),
    "zlib": len(zlib.compress(raw, 9)),
    "PNG": len(png_of(test)),
    "lzma": len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)),
    "bz2": len(bz2.compress(raw, 9)),
    "this network": len(data),
}
for name, size in sizes.items():
    print(f"{name:<22} {size:>7,} bytes {8 * size / test.size:6.2f} bits per pixel")
weights = sum(weight.shape.num_elements() for weight in model.weights)
print(f"The network itself, which both sides must have: {4 * weights:,} bytes, not counted above.")

# %% [markdown]
# ## What costs bits
#
# Bits per image of the first test digits: slim and regular ones are cheap.

# %%
encoded = Codec(model).encode(test[:32])
bits = encoded.nats / np.log(2)
figure, axes = plt.subplots(2, 16, figsize=(12, 2))
for axis, image, cost in zip(axes.flat, test, bits, strict=False):
    axis.imshow(image[..., 0], cmap="gray")
    axis.set_title(f"{cost:.0f}", fontsize=9)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## What is damaged is refused
#
# Checksums stand before and after everything that is decoded: a wrong model, a changed bit or a missing end is an
# error, never other pixels.

# %%
changed = bytearray(data)
changed[len(data) // 2] ^= 1
other = pixelrnn_tf.PixelRNN.from_preset("digits_diagonal_bilstm", load_weights=False)
for what, attempt in {
    "a changed bit": lambda: decompress(model, bytes(changed)),
    "a missing end": lambda: decompress(model, data[:-10]),
    "another model": lambda: decompress(other, data),
}.items():
    try:
        attempt()
    except ValueError as error:
        print(f"{what}: {error}")
