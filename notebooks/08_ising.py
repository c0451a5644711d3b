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
# # 8. Beyond pictures: the Ising model at its critical temperature
#
# A lattice of spins $s_i = \pm 1$ with the energy $E(s) = -\sum_{\langle ij \rangle} s_i s_j$ has the distribution
# $p(s) = e^{-\beta E(s)} / Z$. Physics asks for the free energy $-\ln Z / \beta$ and for means over $p$. A network with
# exact probabilities $q(s)$ that can be sampled turns this into optimization (Wu, Wang, Zhang 2019, *Solving
# Statistical Mechanics Using Variational Autoregressive Networks*): for every $q$,
#
# $$\mathbb{E}_q\left[\ln q(s) + \beta E(s)\right] \ge -\ln Z,$$
#
# with equality for $q = p$. No data are needed: the network learns from its own samples. At the critical temperature
# every spin depends on all others, which is the hardest case. The lattice is periodic, so the exact answer is known.

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import pixelrnn_tf
from pixelrnn_tf.models import log_prob
from pixelrnn_tf.sampling import generate, image_noise, image_seeds, sample_and_log_prob

SIZE, STEPS = 8, 2000  # sites along a side, and training steps
LARGER, LARGER_STEPS = 16, 600  # the same after the network is applied to a larger lattice
BETA = np.log(1 + np.sqrt(2)) / 2  # critical (Kramers, Wannier 1941)

# %% [markdown]
# ## The exact answer
#
# Kaufman (1949) summed the partition function of a periodic lattice in closed form. Derivatives of $\ln Z$ give the
# mean energy and the heat capacity. Enumeration of all 65,536 lattices of 4x4 sites confirms the formula.


# %%
def log_partition(size, beta):
    """ln Z of a periodic lattice of size x size sites."""
    k = np.arange(2 * size)
    gamma = np.arccosh(np.maximum(np.cosh(2 * beta) ** 2 / np.sinh(2 * beta) - np.cos(np.pi * k / size), 1.0))
    gamma[0] = 2 * beta + np.log(np.tanh(beta))  # the only one that may be negative
    logs, signs = [], []
    for x in (size * gamma[1::2] / 2, size * gamma[0::2] / 2):
        logs += [np.logaddexp(x, -x).sum(), np.log(np.maximum(np.abs(2 * np.sinh(x)), 1e-300)).sum()]
        signs += [1.0, np.prod(np.sign(x))]
    total = np.max(logs) + np.log(np.dot(signs, np.exp(logs - np.max(logs))))
    return total - np.log(2) + size**2 / 2 * np.log(2 * np.sinh(2 * beta))


def exact(size, beta, h=1e-4):
    """Free energy times beta, energy and heat capacity, per site."""
    below, here, above = (log_partition(size, b) for b in (beta - h, beta, beta + h))
    values = -here, -(above - below) / (2 * h), beta**2 * (above - 2 * here + below) / h**2
    return [value / size**2 for value in values]


def energy(images):
    """Energy of lattices, whose spins -1 and 1 are the levels 0 and 1: `(batch, size, size, 1)` to `(batch,)`."""
    spins = 2.0 * tf.cast(images[..., 0], "float32") - 1.0
    return -tf.reduce_sum(spins * (tf.roll(spins, 1, 1) + tf.roll(spins, 1, 2)), (1, 2))


all_lattices = (np.arange(2**16)[:, None] >> np.arange(16) & 1).reshape(-1, 4, 4, 1).astype("uint8")
enumerated = tf.reduce_logsumexp(-BETA * tf.cast(energy(all_lattices), "float64")).numpy()
print(f"4x4 sites: ln Z = {log_partition(4, BETA):.9f} by the formula, {enumerated:.9f} by enumeration")
for size in (SIZE, LARGER):
    print(f"{size}x{size} sites: free energy x beta, energy, heat capacity per site:", np.round(exact(size, BETA), 5))

# %% [markdown]
# ## The network and its training
#
# A Diagonal BiLSTM: every site depends on all earlier ones. Flipping all spins does not change the energy, so the
# network is made symmetric: $q(s) = \frac12 (q_\theta(s) + q_\theta(-s))$.
#
# `sample_and_log_prob` draws lattices and scores them in one graph. Only the scores have gradients. The gradient of the
# bound is $\mathbb{E}_q[(R - b) \nabla \ln q]$ with $R = \ln q + \beta E$ and the baseline $b$, the mean of $R$
# (REINFORCE). The temperature falls to the critical one during the first quarter of the steps.


# %%
def make_network(size):
    keras.utils.set_random_seed(0)
    return pixelrnn_tf.PixelRNN(
        (size, size, 1), levels=2, block="diagonal_bilstm", num_blocks=2, hidden=16, head_hidden=32
    )


def symmetric(network, images, nats):
    """ln q of lattices, from their log-probabilities `nats` in the network."""
    flipped = log_prob(network, 1 - images)
    return tf.reduce_logsumexp(tf.stack([nats, flipped]), axis=0) - np.log(2.0)


def train(network, steps, learning_rate, batch_size, first_beta=BETA):
    """Train on the network's own samples; returns the bound of -ln Z per site at every step."""
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - 50, warmup_target=learning_rate, warmup_steps=50)
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=1.0)
    optimizer.build(network.trainable_variables)

    @tf.function(jit_compile=True, autograph=False)
    def step(number, beta):
        with tf.GradientTape() as tape:
            images, nats = sample_and_log_prob(network, batch_size, tf.stack([0, number]))
            nats = symmetric(network, images, nats)
            reward = tf.stop_gradient(nats) + beta * energy(images)
            loss = tf.reduce_mean((reward - tf.reduce_mean(reward)) * nats)
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return tf.reduce_mean(reward)

    bounds = []
    for number in range(steps):
        beta = first_beta + (BETA - first_beta) * min(1.0, 4 * number / steps)
        bounds.append(float(step(tf.constant(number), tf.constant(beta, "float32"))))
    return np.array(bounds) / network.image_shape[0] ** 2


network = make_network(SIZE)
print(f"{network.count_params():,} weights")
start = time.time()
bounds = train(network, STEPS, learning_rate=3e-3, batch_size=128, first_beta=BETA / 2)
print(f"{STEPS} steps of 128 lattices of {SIZE}x{SIZE} sites: {time.time() - start:.0f} s")

figure, axis = plt.subplots(figsize=(7, 3))
at_critical = np.arange(STEPS) >= STEPS // 4
error = bounds / exact(SIZE, BETA)[0] - 1
axis.semilogy(np.arange(STEPS)[at_critical], -np.minimum(error, 0)[at_critical], lw=0.5)
axis.axhline(1e-3, color="gray", lw=0.5)
axis.set(xlabel="step", ylabel="relative error of the free energy", ylim=(1e-5, 1))
figure.tight_layout()

# %% [markdown]
# ## Free energy, energy, magnetization and heat capacity
#
# The mean of $\ln q + \beta E$ over samples bounds the free energy from above. Since $q$ is exact, samples can also be
# weighted by $w = e^{-\beta E} / q$: the mean of $w$ is an unbiased estimate of $Z$, and weighted means are those of
# $p$, not of $q$. The effective number of samples, $(\sum w)^2 / \sum w^2$, says how far the two are apart.
#
# The exact mean of $|m|$, the magnetization per site, is not known in closed form. A Markov chain gives it: heat-bath
# sweeps of 1,000 lattices, odd and even sites in turn.


# %%
def draw(network, number=10_000, at_a_time=1000):
    """Lattices and their ln q, by the symmetric network."""
    images, nats = [], []
    for first in range(0, number, at_a_time):
        noise = image_noise(image_seeds([1, 0], np.arange(first, first + at_a_time)), network.image_shape)
        images.append(generate(network, noise))
        nats.append(symmetric(network, images[-1], log_prob(network, images[-1])))
    return np.concatenate(images), np.concatenate(nats).astype("float64")


def heat_bath(size, lattices=1000, seed=0):
    """Mean and standard error of energy and |m| per site, over the last third of the sweeps."""
    sweeps = 12 * size**2  # The chain forgets its start in about size**2 sweeps.
    rng = np.random.default_rng(seed)
    spins = rng.choice(np.float32([-1, 1]), (lattices, size, size))
    spins[::2] = 1  # half of the lattices start ordered
    checkerboard = np.indices((size, size)).sum(0) % 2
    found = []
    for sweep in range(sweeps):
        for color in (0, 1):
            field = sum(np.roll(spins, shift, axis) for shift in (-1, 1) for axis in (1, 2))
            up = rng.random(spins.shape, "float32") < 1 / (1 + np.exp(-2 * BETA * field, dtype="float32"))
            spins = np.where(checkerboard == color, np.where(up, 1, -1), spins).astype("float32")
        if sweep >= 2 * sweeps // 3 and sweep % 10 == 0:
            bonds = spins * (np.roll(spins, 1, 1) + np.roll(spins, 1, 2))
            found.append([-bonds.mean((1, 2)), np.abs(spins.mean((1, 2)))])
    of_lattice = np.mean(found, axis=0)
    return of_lattice.mean(1), of_lattice.std(1) / np.sqrt(lattices)


def report(network):
    """Print estimates beside exact values; returns the bound, its standard error and the exact value."""
    size = network.image_shape[0]
    sites = size**2
    images, nats = draw(network)
    energies = energy(images).numpy().astype("float64")
    magnetization = np.abs(2 * images.mean((1, 2, 3)) - 1)
    weights = -BETA * energies - nats
    log_z = tf.reduce_logsumexp(weights).numpy() - np.log(len(weights))
    weights = np.exp(weights - weights.max())
    weights /= weights.sum()
    effective = 1 / (weights**2).sum()

    free_energy, exact_energy, exact_capacity = exact(size, BETA)
    bound = (nats + BETA * energies).mean() / sites
    bound_error = (nats + BETA * energies).std() / sites / np.sqrt(len(nats))
    chain, chain_error = heat_bath(size)
    print(f"{size}x{size} sites, 10,000 samples, of which {effective:,.0f} effective")
    print(f"free energy x beta per site, exact     {free_energy:.6f}")
    print(
        f"  bound by the network                 {bound:.6f} +- {bound_error:.6f}: {1 - bound / free_energy:.4%} above"
    )
    print(f"  weighted samples                     {-log_z / sites:.6f}: {1 + log_z / sites / free_energy:+.4%}")
    print("per site           network   weighted   exact or Markov chain")
    for name, values, truth in (
        ("energy", energies / sites, f"{exact_energy:.4f}; {chain[0]:.4f} +- {chain_error[0]:.4f}"),
        ("|m|", magnetization, f"{chain[1]:.4f} +- {chain_error[1]:.4f}"),
    ):
        print(f"{name:15}  {values.mean():9.4f}  {(weights * values).sum():9.4f}   {truth}")
    mean = (weights * energies).sum()
    capacities = energies.var(), (weights * (energies - mean) ** 2).sum()
    plain, weighted = (BETA**2 * capacity / sites for capacity in capacities)
    print(f"{'heat capacity':15}  {plain:9.4f}  {weighted:9.4f}   {exact_capacity:.4f}")
    return bound, bound_error, free_energy


results = {SIZE: report(network)}

# %% [markdown]
# ## A larger lattice
#
# The weights do not depend on the size of the image. The network of 8x8 sites starts the one of 16x16 sites, and a few
# steps adapt it: the boundary is farther away.

# %%
larger = make_network(LARGER)
larger.set_weights(network.get_weights())
images, nats = draw(larger, 1000)
before = np.mean(nats + BETA * energy(images).numpy()) / LARGER**2
print(f"before training at this size: {1 - before / exact(LARGER, BETA)[0]:.3%} above the exact free energy")
start = time.time()
train(larger, LARGER_STEPS, learning_rate=1e-3, batch_size=64)
print(f"{LARGER_STEPS} steps of 64 lattices of {LARGER}x{LARGER} sites: {time.time() - start:.0f} s")
results[LARGER] = report(larger)

# %% [markdown]
# These are samples of the networks themselves. They prefer one of the two phases, and the same lattices with all spins
# flipped are the other half of $q$.

# %%
figure, axes = plt.subplots(2, 8, figsize=(10, 2.8))
for row, model in zip(axes, (network, larger), strict=True):
    for axis, image in zip(row, draw(model, 8, 8)[0], strict=True):
        axis.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
figure.tight_layout()

# %% [markdown]
# ## Time per sample
#
# A network without an incremental sampler runs once for every site, over the whole lattice.

# %%
for model in (network, larger):
    size = model.image_shape[0]
    noise = image_noise(image_seeds([2, 0], np.arange(64)), model.image_shape)
    logits = tf.function(model, autograph=False)

    def naive(noise, size=size, logits=logits):
        images = np.zeros(noise.shape, "int32")
        for y in range(size):
            for x in range(size):
                one = tf.sigmoid(logits(images)[:, y, x, 0, 1] - logits(images)[:, y, x, 0, 0])
                images[:, y, x, 0] = noise[:, y, x, 0] >= 1 - one
        return images

    seconds = {}
    for name, sampler in (("incremental", lambda noise, model=model: generate(model, noise)), ("naive", naive)):
        sampler(noise[:1])
        sampler(noise)
        start = time.time()
        sampler(noise)
        seconds[name] = time.time() - start
    each = [f"{name} {value / 64 * 1000:.2f} ms" for name, value in seconds.items()]
    print(f"{size}x{size} sites, 64 lattices at a time, each: {', '.join(each)}")
