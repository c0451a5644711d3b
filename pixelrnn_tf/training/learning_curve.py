"""Learning curves of a run and of presets, as pictures."""

import os
from typing import Any

import numpy as np

from pixelrnn_tf.files import written_beside
from pixelrnn_tf.models.likelihood import bits_per_dim

# Curves with at most this number of points get markers and full axis limits.
FEW = 8


def write_curve(lines: list[dict[str, Any]], out: str | os.PathLike) -> None:
    """Draw the training loss and the validation score of a run, in nats per image, over the steps.

    Args:
        lines: lines of `metrics.jsonl`.
        out: path of the PNG file.

    The first losses are several times larger than the later ones; the vertical axis is cut so that they do not flatten
    the rest.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # Slow to import, and only needed here.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shown: list[float] = []
    curves: list[tuple[str, str, dict[str, Any]]] = [
        ("train_nats_per_image", "training batches", {"color": "C0", "linewidth": 1, "alpha": 0.6}),
        ("validation_nats_per_image", "validation, averaged weights", {"color": "C1", "marker": ".", "linewidth": 1.5}),
    ]
    for key, label, style in curves:
        points = [(line["step"], line[key]) for line in lines if key in line]
        if points:
            if len(points) <= FEW:
                style["marker"] = "o"  # A line with one point is invisible.
            axes.plot(*zip(*points, strict=True), label=label, **style)
            shown += [nats for _, nats in points]
    if shown:
        axes.set_ylim(*_limits(shown))
        axes.legend()
    axes.set(xlabel="step", ylabel="nats per image")
    axes.ticklabel_format(useOffset=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    with written_beside(out) as beside:
        figure.savefig(beside, dpi=120)


def score_curve(metadata: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Images seen, minutes of processor time, and scores on validation, of the evaluations of a preset and its stages.

    Scores are in bits/dim, of binary images in nats per image. The images of stages without a curve count; their
    processor time is not known, so the minutes are None then.
    """
    training, network = metadata["training"], metadata["network"]
    images, seconds, nats, is_timed = [], [], [], True
    images_before, seconds_before = 0, 0.0
    for stage in [*training.get("started_from", {}).get("stages", []), training]:
        points = [point for point in stage.get("curve", []) if point["step"] > 0]
        is_timed = is_timed and bool(points) and all("processor_seconds" in point for point in points)
        images += [images_before + stage["batch_size"] * point["step"] for point in points]
        seconds += [seconds_before + point["processor_seconds"] for point in points] if is_timed else []
        nats += [point["nats_per_image"] for point in points]
        images_before += stage["batch_size"] * stage["steps"]
        seconds_before = seconds[-1] if is_timed else 0.0
    scores = np.array(nats if _is_binary(metadata) else [bits_per_dim(value, network["image_shape"]) for value in nats])
    return np.array(images), np.array(seconds) / 60 if is_timed else None, scores


def _is_binary(metadata: dict[str, Any]) -> bool:
    return metadata["network"]["levels"] == 2


def write_score_curves(presets: list[dict[str, Any]], out: str | os.PathLike) -> None:
    """Draw the validation scores of presets over the images seen and over processor time, a row for each data set.

    Args:
        presets: metadata of presets. Those without a curve are left out, and those without processor times are drawn
            over images only, and so are those with an earlier stage without a curve.
        out: path of the PNG file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_data: dict[str, list[dict[str, Any]]] = {}
    for metadata in presets:
        if metadata["training"].get("curve"):
            by_data.setdefault(metadata["data"]["title"], []).append(metadata)
    figure = Figure(figsize=(9, 3 * max(1, len(by_data))), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(max(1, len(by_data)), 2, sharey="row", squeeze=False)
    for (over_images, over_time), (title, of_data) in zip(rows, by_data.items(), strict=False):
        for k, metadata in enumerate(of_data):
            images, minutes, scores = score_curve(metadata)
            style = {"color": f"C{k}", "marker": ".", "label": metadata["name"]}
            over_images.plot(images / 1000, scores, **style)
            if minutes is not None:
                over_time.plot(minutes, scores, **style)
        unit = "nats per image" if _is_binary(of_data[0]) else "bits/dim"
        over_images.set(title=title, ylabel=f"validation, {unit}", xlabel="thousands of images seen")
        over_time.set(title=title, xlabel="minutes of processor time")
        over_images.legend(fontsize=8)
        over_time.set_visible(bool(over_time.lines))
        for axes in (over_images, over_time):
            axes.grid(alpha=0.3)
    with written_beside(out) as beside:
        figure.savefig(beside, dpi=100)


def _limits(values: list[float]) -> tuple[float, float]:
    """Limits from just below the lowest value to twice the distance of the median above it; all of few values."""
    ordered = sorted(values)
    low, median, high = ordered[0], ordered[len(ordered) // 2], ordered[-1]
    top = min(high, median + 2 * (median - low)) if median > low and len(values) > FEW else high
    margin = 0.05 * max(top - low, (1e-3 if top > low else 1) * abs(low), 1e-6)
    return low - margin, top + margin
