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
# # 9. A prior over codes: VQ-VAE and PixelCNN
#
# A VQ-VAE (van den Oord, Vinyals, Kavukcuoglu 2017, *Neural Discrete Representation Learning*) turns an image into a
# small grid of codes, each the index of a vector in a learned codebook. To draw images, you need the distribution of
# the codes. A PixelCNN learns it as if the grid were an image, and the decoder of the VQ-VAE turns drawn codes into
# pixels. Codes are names, not quantities, so the network reads them with `inputs="codes"`.
#
# The digits need no download. If you have prepared Fashion-MNIST for TensorFlow Datasets, use the second line instead.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops

import pixelrnn_tf
from pixelrnn_tf.data import load
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.models import log_prob

DATA, LEVELS, HALVINGS, CODES, EPOCHS, PRIOR_EPOCHS = "digits", 17, 1, 64, 20, 12
# DATA, LEVELS, HALVINGS, CODES, EPOCHS, PRIOR_EPOCHS = "tfds:fashion_mnist", 16, 2, 256, 5, 5
VECTOR, FEATURES, BATCH = 4, 32, 32

data = load(DATA, levels=LEVELS)
train, validation, test = (
    data.first(split, most)[0] for split, most in (("train", 60_000), ("validation", 1000), ("test", 1000))
)
height, width, _ = data.image_shape
grid_shape = (height >> HALVINGS, width >> HALVINGS, 1)
print(f"{len(train)} images {data.image_shape} with {LEVELS} levels, {grid_shape} codes of {CODES}")


# %%
def show(rows, titles, levels=LEVELS, cmap="gray"):
    figure, axes = plt.subplots(len(rows), 1, figsize=(9, 0.62 * len(rows)), squeeze=False)
    figure.subplots_adjust(left=0.15, right=1, bottom=0, top=1, hspace=0.05)
    for axis, row, title in zip(axes[:, 0], rows, titles, strict=True):
        cells = np.pad(np.asarray(row)[..., 0].astype("float32"), ((0, 0), (0, 0), (1, 0)), constant_values=np.nan)
        axis.imshow(np.concatenate(list(cells), axis=1), cmap=cmap, vmin=0, vmax=levels - 1)
        axis.set_ylabel(title, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[])
    plt.show()


# %% [markdown]
# ## The VQ-VAE
#
# The encoder halves the image and computes a vector at every place of the grid. The quantizer replaces it by the
# nearest vector of the codebook. It has no derivative, so the gradient with respect to its output is passed to its
# input (straight-through). Two more terms of the loss pull codebook and encoder together (Equation 3 of the paper).
#
# The decoder computes a categorical distribution for every pixel, all independent given the codes. So the loss is the
# code length of the image given its codes. The codebook starts at outputs of the encoder: random vectors far from them
# would never be used.


# %%
class Quantizer(layers.Layer):
    """Nearest vector of a codebook, with straight-through gradients."""

    def __init__(self, codes, features, **kwargs):
        super().__init__(**kwargs)
        self.codes, self.features = codes, features

    def build(self, input_shape):
        self.codebook = self.add_weight(name="codebook", shape=(self.codes, self.features))

    def codes_of(self, x):
        distance = ops.sum(self.codebook**2, axis=-1) - 2 * ops.matmul(x, ops.transpose(self.codebook))
        return ops.argmin(distance, axis=-1)

    def vectors_of(self, codes):
        return ops.take(self.codebook, codes, axis=0)

    def call(self, x):
        nearest = self.vectors_of(self.codes_of(x))
        to_codebook = ops.mean(ops.sum((ops.stop_gradient(x) - nearest) ** 2, axis=(1, 2, 3)))
        commitment = ops.mean(ops.sum((x - ops.stop_gradient(nearest)) ** 2, axis=(1, 2, 3)))
        self.add_loss(to_codebook + 0.25 * commitment)
        return x + ops.stop_gradient(nearest - x)


def nats_of_pixels(images, logits):
    """-log p(image | codes) of each image, in nats."""
    of_pixels = keras.losses.sparse_categorical_crossentropy(images[..., 0], logits, from_logits=True)
    return ops.sum(of_pixels, axis=(1, 2))


def conv(size=3, features=FEATURES, **options):
    return layers.Conv2D(features, size, padding="same", **{"activation": "relu", **options})


keras.utils.set_random_seed(0)
halve = [conv(4, strides=2) for _ in range(HALVINGS)]
double = [layers.Conv2DTranspose(FEATURES, 4, 2, padding="same", activation="relu") for _ in range(HALVINGS)]
encoder = keras.Sequential(
    [
        layers.Rescaling(2 / (LEVELS - 1), -1),
        *halve,
        conv(),
        conv(1, VECTOR, activation=None),
        layers.BatchNormalization(center=False, scale=False),
    ]
)
quantizer = Quantizer(CODES, VECTOR)
decoder = keras.Sequential([conv(), *double, conv(features=LEVELS, activation=None)])
pixels = keras.Input(data.image_shape)
vqvae = keras.Model(pixels, decoder(quantizer(encoder(pixels))))

outputs = np.array(encoder(train[:1000].astype("float32"), training=True)).reshape(-1, VECTOR)
quantizer.codebook.assign(outputs[np.random.default_rng(0).choice(len(outputs), CODES, replace=False)])
decay = keras.optimizers.schedules.CosineDecay(3e-3, EPOCHS * len(train) // BATCH)
vqvae.compile(keras.optimizers.Adam(decay), loss=nats_of_pixels)
_ = vqvae.fit(train, train, batch_size=BATCH, epochs=EPOCHS, verbose=0)


# %%
def encode(images):
    """Codes of images, int32 `(number, rows, columns, 1)`."""
    return np.array(quantizer.codes_of(encoder.predict(images, batch_size=256, verbose=0)))[..., None].astype("int32")


def decode(codes):
    """Logits of the pixels of images with these codes."""
    return decoder.predict(quantizer.vectors_of(codes[..., 0]), batch_size=256, verbose=0)


def expected(logits):
    """Mean level of each pixel."""
    return np.sum(np.array(ops.softmax(logits)) * np.arange(LEVELS), axis=-1, keepdims=True)


codes = {name: encode(images) for name, images in (("train", train), ("validation", validation), ("test", test))}
bits_of_pixels = np.mean(nats_of_pixels(test, decode(codes["test"]))) / np.log(2)
share = np.bincount(codes["train"].ravel(), minlength=CODES) / codes["train"].size
print(f"{np.count_nonzero(share)} of {CODES} codes are used")
print(f"{bits_of_pixels:.0f} bits per test image given its codes")
show([test[:14], expected(decode(codes["test"][:14]))], ["images", "from codes"])
show([codes["test"][:14]], ["codes"], CODES, "nipy_spectral")

# %% [markdown]
# ## The prior
#
# The same PixelCNN twice, once with `inputs="codes"` and once with the codes as levels. As levels, code 7 is between 6
# and 8, which means nothing here: similar vectors have arbitrary numbers.

# %%
priors, curves = {}, {}
for inputs in ("codes", "levels"):
    keras.utils.set_random_seed(0)
    priors[inputs] = pixelrnn_tf.PixelRNN(
        grid_shape, CODES, "pixel_cnn", num_blocks=2, hidden=16, head_hidden=32, inputs=inputs
    )
    decay = keras.optimizers.schedules.CosineDecay(3e-3, PRIOR_EPOCHS * len(train) // BATCH)
    priors[inputs].compile(keras.optimizers.AdamW(decay, weight_decay=0.05), metrics=[pixelrnn_tf.BitsPerDim()])
    history = priors[inputs].fit(
        codes["train"], batch_size=BATCH, epochs=PRIOR_EPOCHS, validation_data=(codes["validation"],), verbose=0
    )
    curves[inputs] = np.array(history.history["val_bits_per_dim"]) * np.prod(grid_shape)

for inputs, curve in curves.items():
    plt.plot(np.arange(1, PRIOR_EPOCHS + 1), curve, label=f'inputs="{inputs}"')
plt.xlabel("epoch")
plt.ylabel("bits of the codes per validation image")
plt.legend()
plt.show()

# %% [markdown]
# ## Bits per image
#
# For comparison, uniform codes, and the frequency of each code at each place plus one. Codes and pixels together are a
# bound of the likelihood of an image, since other codes could give the same image:
# $-\log_2 p(x) \le -\log_2 p(z) - \log_2 p(x \mid z)$ with the codes $z$ of $x$.

# %%
counts = 1 + np.sum(codes["train"] == np.arange(CODES), axis=0)
frequencies = counts / counts.sum(axis=-1, keepdims=True)
of_test = np.take_along_axis(np.broadcast_to(frequencies, (len(test), *frequencies.shape)), codes["test"], axis=-1)
bits = {
    "uniform": np.prod(grid_shape) * np.log2(CODES),
    "independent": -np.log2(of_test).sum(axis=(1, 2, 3)).mean(),
    **{f"PixelCNN, {name}": -np.mean(log_prob(prior, codes["test"])) / np.log(2) for name, prior in priors.items()},
}
print(f"{'prior':<18} {'codes':>6} {'+ pixels = total':>18}, bits per test image")
for name, of_codes in bits.items():
    print(f"{name:<18} {of_codes:6.1f} {of_codes + bits_of_pixels:18.0f}")
if DATA == "digits":
    pixel_cnn = pixelrnn_tf.PixelRNN.from_preset("digits_pixel_cnn")
    print(f"{'a PixelCNN of the pixels':<25} {-np.mean(log_prob(pixel_cnn, test)) / np.log(2):18.0f}")

# %% [markdown]
# A PixelCNN of the pixels has a better likelihood: given the codes, the decoder treats all pixels as independent. The
# advantage of codes is their number: a quarter of the pixels here, a sixteenth for Fashion-MNIST.
#
# ## Draw
#
# Draw codes and decode them. Without a prior, or with independent codes, the parts of a digit do not fit together.

# %%
rng = np.random.default_rng(0)
uniform = rng.integers(0, CODES, (14, *grid_shape))
independent = (rng.random((14, *grid_shape)) > np.cumsum(frequencies, axis=-1)).sum(axis=-1, keepdims=True)
drawn = PixelDistribution(priors["codes"]).sample(28, seed=0).numpy()
rows = [uniform, independent, drawn[:14], drawn[14:]]
show([expected(decode(row)) for row in rows], ["uniform", "independent", "PixelCNN", "PixelCNN"])

# %% [markdown]
# ## Complete
#
# The codes of the upper half are known, those of the lower half are drawn. The first row shows the test images.

# %%
known = np.arange(grid_shape[0])[:, None] < np.full(grid_shape[1], grid_shape[0] // 2)
completed = PixelDistribution(priors["codes"]).complete(codes["test"][:14], known, seed=0, sample_shape=3).numpy()
show([test[:14], *(expected(decode(row)) for row in completed)], ["images", "completed", "completed", "completed"])
