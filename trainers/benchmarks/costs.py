"""What a training step of the networks of ImageNet's size costs on N accelerators: computed, not measured.

Of one image, per step:

    operations       useful ones, as `trainers.benchmarks.flops` counts them
    steps in a row   scan positions that wait for each other, forward and back: 2 x blocks x rows
    held for the gradient, in floats per pixel
                     8h per block (its input 2h, four gates, cell and output), 4 x head_hidden, 3 x channels x levels

Of one device, whatever its batch: five float32 copies of the weights (weights, gradients, two moments of Adam, and the
average), and 2 (N - 1) / N x 4 bytes per weight that it sends in a ring that sums the gradients.
"""

import math
from typing import Any

from pixelrnn_tf.models import PixelRNN, get_preset
from trainers.benchmarks.flops import useful_flops

PRESETS = ("imagenet64_row_lstm", "imagenet32_row_lstm")
DEVICES = (1, 8, 64)
COPIES = 5
FLOAT = 4  # Bytes.


def costs(preset: str) -> dict[str, Any]:
    """The costs of a Row LSTM or PixelCNN of that name.

    Returns:
        `parameters`; of an image `flops`, `sequential_steps` and `activation_bytes`; of a device `state_bytes`; and
        `ring_bytes`, what it sends in a step, by the number of devices.
    """
    model = PixelRNN(**get_preset(preset).arguments)
    parameters = model.count_params()
    return {
        "preset": preset,
        "parameters": parameters,
        "flops": useful_flops(model, 1),
        "sequential_steps": 2 * model.num_blocks * model.image_shape[0],
        "activation_bytes": FLOAT * math.prod(model.image_shape[:2]) * floats_per_pixel(model),
        "state_bytes": FLOAT * COPIES * parameters,
        "ring_bytes": {devices: 2 * (devices - 1) * FLOAT * parameters // devices for devices in DEVICES},
    }


def floats_per_pixel(model: PixelRNN) -> int:
    """Numbers of a pixel that are held for the gradient."""
    of_blocks = 8 * model.hidden * model.num_blocks
    return of_blocks + 4 * model.head_hidden + 3 * model.image_shape[-1] * model.levels


def run() -> list[dict[str, Any]]:
    """Work out and print the costs of `PRESETS`."""
    rows = [costs(preset) for preset in PRESETS]
    print(table(rows))
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """What `run` prints."""
    lines = [
        "a training step, computed and not measured",
        f"{'':<20} {'weights':>11} {'GFLOP/image':>11} {'in a row':>8} {'held MiB/image':>14} {'state MiB':>9}  "
        f"sent per device, MiB, on {', '.join(map(str, DEVICES))} devices",
    ]
    for row in rows:
        sent = ", ".join(f"{size / 2**20:.0f}" for size in row["ring_bytes"].values())
        lines.append(
            f"{row['preset']:<20} {row['parameters']:>11,} {row['flops'] / 1e9:11.1f} {row['sequential_steps']:>8} "
            f"{row['activation_bytes'] / 2**20:14.0f} {row['state_bytes'] / 2**20:9.0f}  {sent}"
        )
    return "\n".join(lines)
