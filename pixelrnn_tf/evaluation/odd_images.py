"""Evaluation of out-of-distribution scores: AUROC, histograms, and odd images for model selection."""

import pathlib

import numpy as np

from pixelrnn_tf.evaluation import surprise_maps
from pixelrnn_tf.files import written_beside
from pixelrnn_tf.models import PixelRNN, oddness

# Values by the name of a score, for in-distribution images and for others.
Scores = dict[str, tuple[np.ndarray, np.ndarray]]


def made_odd(images: np.ndarray, levels: int, seed: int) -> np.ndarray:
    """Make odd images from usual ones: in turn upside down, inverted, and with half of their pixels random.

    Use them for model selection, so that the final out-of-distribution data stay unseen.

    Args:
        images: integer levels `(number, height, width, channels)`.
        levels: number of levels.
        seed: seed of the random levels.
    """
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, levels, images.shape).astype(images.dtype)
    noisy = np.where(rng.random(images.shape) < 0.5, noise, images)
    kinds = np.stack([images[:, ::-1], (levels - 1 - images).astype(images.dtype), noisy])
    return kinds[np.arange(len(images)) % 3, np.arange(len(images))]


def scores(
    model: PixelRNN,
    background: PixelRNN | None,
    images: np.ndarray,
    others: np.ndarray,
    training: np.ndarray,
    batch_size: int = 64,
) -> Scores:
    """Compute all scores of `pixelrnn_tf.models.oddness` for in-distribution images and others; larger is odder.

    Args:
        model: the network.
        background: the background network; None to omit the likelihood ratio.
        images: uint8 levels `(number, height, width, channels)`.
        others: other images, in the same format.
        training: training images, whose mean score is the reference of typicality.
        batch_size: images per pass.
    """
    shape, both = model.image_shape, (images, others)
    nats = [surprise_maps.log_probs(model, part, batch_size=batch_size) for part in both]
    usual = surprise_maps.log_probs(model, training, batch_size=batch_size)
    found = {
        "likelihood": [oddness.negative_log_likelihood_score(part, shape) for part in nats],
        "typicality": [oddness.typicality(part, usual, shape) for part in nats],
        "input complexity": [oddness.input_complexity_score(*given) for given in zip(nats, both, strict=True)],
    }
    if background is not None:
        by_background = [surprise_maps.log_probs(background, part, batch_size=batch_size) for part in both]
        pairs = zip(nats, by_background, strict=True)
        found["likelihood ratio"] = [oddness.likelihood_ratio(*pair, shape) for pair in pairs]
    return {name: (own, other) for name, (own, other) in found.items()}


def aurocs(found: Scores, bootstraps: int, seed: int) -> dict[str, tuple[float, float]]:
    """Compute the AUROC of every score and its bootstrap standard error.

    Ties count half, as in scikit-learn.
    """
    return {name: _auroc(own, other, bootstraps, seed) for name, (own, other) in found.items()}


def _auroc(own: np.ndarray, others: np.ndarray, bootstraps: int, seed: int) -> tuple[float, float]:
    from sklearn.metrics import roc_auc_score  # Slow to import, and only needed here.

    is_other = np.repeat([0, 1], [len(own), len(others)])
    rng = np.random.default_rng(seed)

    def resampled() -> float:
        drawn = [part[rng.integers(0, len(part), len(part))] for part in (own, others)]
        return float(roc_auc_score(is_other, np.concatenate(drawn)))

    error = float(np.std([resampled() for _ in range(bootstraps)], ddof=1))
    return float(roc_auc_score(is_other, np.concatenate([own, others]))), error


def least_and_most(
    images: np.ndarray, others: np.ndarray, found: tuple[np.ndarray, np.ndarray], number: int
) -> np.ndarray:
    """Select the least and most odd images, `number` each, of the in-distribution images and of the others."""
    shown = []
    for part, values in zip((images, others), found, strict=True):
        order = np.argsort(values, kind="stable")
        shown += [part[order[:number]], part[order[::-1][:number]]]
    return np.concatenate(shown)


def write_histograms(path: pathlib.Path, found: Scores) -> None:
    """Write a picture with one histogram per score, of in-distribution images and others."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # Slow to import, and only needed here.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(found), 3), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, values) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        edges = np.histogram_bin_edges(np.concatenate(values), bins=50)
        for part, label in zip(values, ("own", "others"), strict=True):
            axes.hist(part, edges, alpha=0.6, label=label)
        axes.set_xlabel(f"{name}, bits per sub-pixel")
    axes.legend()
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=100)
