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
# # 4. Export, check and serve
#
# A SavedModel holds the sampling loops in its graphs, so that TensorFlow Serving draws and completes images without
# Python. This notebook exports a pretrained network, checks the export as a server would load it, and calls every
# signature.

# %%
import pathlib
import subprocess
import sys
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import pixelrnn_tf

NAME = "digits_diagonal_bilstm"
base = pathlib.Path(tempfile.mkdtemp()) / "serving"
root = pathlib.Path(pixelrnn_tf.__file__).parents[1]


def run(program, *flags):
    done = subprocess.run([sys.executable, "-m", program, *flags], cwd=root, capture_output=True, text=True, check=True)
    print(done.stdout.replace(str(base), "SERVING"))


# %% [markdown]
# ## Export
#
# The next version of the model is written under a hidden name and renamed, so that a server that watches the folder
# never loads half of it.

# %%
run("export.saved_model", f"--model={NAME}", f"--out={base / 'digits'}")

# %% [markdown]
# ## Check
#
# The check reads the graphs for what a server cannot run, loads them with TensorFlow's C++ loader in a process without
# Python, and compares every signature with the network.

# %%
run("export.check", f"--model_dir={base / 'digits'}", f"--model={NAME}")

# %% [markdown]
# ## Every signature
#
# A request is a batch; each row has its own seed and temperature, and its image depends only on them.

# %%
loaded = tf.saved_model.load(str(base / "digits" / "1"))


def described(tensors: dict) -> str:
    return ", ".join(f"{key} {spec.dtype.name}" for key, spec in sorted(tensors.items()))


for name, signature in sorted(loaded.signatures.items()):
    inputs, outputs = described(signature.structured_input_signature[1]), described(signature.structured_outputs)
    print(f"{name:16} {inputs} -> {outputs}")

# %%
seeds = tf.constant([[0, k] for k in range(16)])
drawn = loaded.signatures["sample"](seed=seeds, temperature=tf.ones(16))
images = drawn["images"].numpy()
scored = loaded.signatures["score"](images=tf.constant(images))
print(f"drawn: log p {drawn['log_prob'].numpy().mean():.3f} nats, scored: {scored['log_prob'].numpy().mean():.3f} nats")
logits = loaded.signatures["logits"](images=tf.constant(images[:1]))["logits"]
print("logits", logits.shape)


def show(images, levels=17):
    plt.figure(figsize=(8, 0.6))
    plt.imshow(np.concatenate(list(images[..., 0]), axis=1), cmap="gray", vmin=0, vmax=levels - 1)
    plt.axis("off")
    plt.show()


show(images)

# %%
known = np.zeros((16, 8, 8), bool)
known[:, :4] = True
completed = loaded.signatures["complete"](
    images=tf.constant(images), known=tf.constant(known), seed=seeds + tf.constant([1, 0]), temperature=tf.ones(16)
)
show(completed["images"].numpy())

# %% [markdown]
# The signatures that end in `_png` take and give PNG files, as a web page would.

# %%
png = loaded.signatures["sample_png"](seed=seeds[:2], temperature=tf.ones(2))["image_bytes"]
print(png[0].numpy()[:8], "decodes to", tf.io.decode_png(png[0]).shape)
print(loaded.signatures["score_png"](image_bytes=png)["bits_per_dim"].numpy())
mask = tf.io.encode_png(tf.constant(255 * known[0, :, :, None].astype("uint8")))
completed_png = loaded.signatures["complete_png"](
    image_bytes=png, known_bytes=tf.stack([mask, mask]), seed=seeds[:2], temperature=tf.ones(2)
)
print({name: value.shape for name, value in sorted(completed_png.items())})

# %% [markdown]
# ## A wrong request
#
# The server checks neither shapes nor values, so the graphs do: a wrong request gets an error, and never a number.

# %%
try:
    loaded.signatures["score"](images=tf.constant(images + 1))
except tf.errors.InvalidArgumentError as error:
    print(error.message.split("assertion failed: ")[-1].splitlines()[0])

# %% [markdown]
# ## The server's configuration
#
# The export writes TensorFlow Serving's configuration, and prints the commands that start it:

# %%
run("export.serving_config", f"--base={base}")
