"""How the time of a training step grows with the image and with the depth of the network."""

import pathlib
from typing import Any

from pixelrnn_tf.programs.files import written_beside
from trainers.benchmarks.training import prepare, time_in_turns

BLOCKS = ("diagonal_bilstm", "row_lstm", "pixel_cnn")
SIZES, DEPTHS = (16, 32, 48, 64), (1, 2, 4, 8)
# While one grows the other stays.
SIZE, DEPTH = 32, 2


def run(rounds: int, picture: pathlib.Path, hidden: int = 16, batch_size: int = 4) -> list[dict[str, Any]]:
    """Time, print and draw the growth; the rows of `time_growth`."""
    print(f"growth of training steps, h = {hidden}, batch {batch_size}, medians of {rounds}", flush=True)
    rows = time_growth(hidden, batch_size, rounds)
    print_growth(rows)
    plot_growth(rows, picture)
    return rows


def time_growth(hidden: int, batch_size: int, rounds: int) -> list[dict[str, Any]]:
    """Median seconds of a step of every kind of network: growing images, and growing depth.

    Args:
        hidden: number of units of a block.
        batch_size: images per step.
        rounds: of which medians are taken.

    Returns:
        rows of `block`, `size` (height and width), `depth` and `seconds`.
    """
    rows = []
    for block in BLOCKS:
        cases = [(size, DEPTH) for size in SIZES] + [(SIZE, depth) for depth in DEPTHS if depth != DEPTH]
        steps = {}
        for size, depth in cases:
            arguments = {"image_shape": (size, size, 1), "levels": 2, "block": block, "num_blocks": depth}
            steps[size, depth] = prepare({**arguments, "hidden": hidden, "head_hidden": 32}, "ours", batch_size)
        for (size, depth), seconds in time_in_turns(steps, rounds).items():
            rows.append({"block": block, "size": size, "depth": depth, "seconds": seconds})
    return rows


def print_growth(rows: list[dict[str, Any]]) -> None:
    """Print the rows, beside what linear growth from the smallest would be."""
    for name, of, unit in (("size", lambda r: r["size"] ** 2, "pixel"), ("depth", lambda r: r["depth"], "block")):
        for block in BLOCKS:
            series = _series(rows, block, name)
            start = series[0]["seconds"] / of(series[0])
            cells = [f"{r[name]}: {1e3 * r['seconds']:.1f} ms ({r['seconds'] / of(r) / start:.2f})" for r in series]
            print(f"{block:<16} {name:>5} {', '.join(cells)}")
        print(f"in brackets: time per {unit} as a multiple of that of the first; above 1 is faster than linear growth")


def _series(rows: list[dict[str, Any]], block: str, name: str) -> list[dict[str, Any]]:
    other, value = ("depth", DEPTH) if name == "size" else ("size", SIZE)
    return sorted((r for r in rows if r["block"] == block and r[other] == value), key=lambda r: r[name])


def plot_growth(rows: list[dict[str, Any]], path: pathlib.Path) -> None:
    """Draw the rows into a PNG file."""
    from matplotlib.figure import Figure  # Slow to import, and needed here alone.

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("size", "depth"), strict=True):
        for block in BLOCKS:
            series = _series(rows, block, name)
            axes.plot(
                [r[name] ** 2 if name == "size" else r[name] for r in series],
                [1e3 * r["seconds"] for r in series],
                marker="o",
                label=block,
            )
        axes.set_xlabel("pixels" if name == "size" else "blocks")
        axes.set_ylabel("milliseconds per training step")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.legend()
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=100)
