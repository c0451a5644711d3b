"""Time training steps of networks that are given a class of each image, beside the same networks without, in turns."""

from typing import Any

from trainers.benchmarks.training import NETWORKS, prepare, time_in_turns

VARIANTS = {"without": "ours", "given classes": "given classes"}


def run(rounds: int) -> list[dict[str, Any]]:
    """Time the three blocks at 28x28 and print a table.

    Args:
        rounds: of which medians are taken.

    Returns:
        of each network its `arguments` and `seconds` by variant.
    """
    print(f"training steps given classes, medians of {rounds}")
    print(f"{'network':<24} {'without':>11} {'with':>11} {'times':>6}", flush=True)
    results = []
    for arguments, batch_size, _ in NETWORKS[:3]:
        seconds = compare(arguments, batch_size, rounds)
        results.append({"arguments": arguments, "seconds": seconds})
        network = f"{arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}"
        without, given = seconds.values()
        print(f"{network:<24} {1e3 * without:8.1f} ms {1e3 * given:8.1f} ms {given / without:6.3f}", flush=True)
    return results


def compare(arguments: dict[str, Any], batch_size: int, rounds: int) -> dict[str, float]:
    """Median seconds of a step by variant.

    Args:
        arguments: of `PixelRNN`.
        batch_size: images per step.
        rounds: of which medians are taken.
    """
    steps = {name: prepare(arguments, variant, batch_size) for name, variant in VARIANTS.items()}
    return time_in_turns(steps, rounds)
