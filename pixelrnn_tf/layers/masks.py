"""Masks that keep a convolution from reading pixels and colours that are not yet known.

Pixels are ordered row by row and, inside a pixel, colour by colour (paper section 2.1). The features of
every layer are split into one group per colour; group k may depend on the pixels before this one and on
the colours of this one that mask A (strictly before k) or mask B (up to and including k) lets through
(sections 2.2 and 3.4, Figure 2).
"""

import numpy as np


def feature_groups(features: int, channels: int) -> np.ndarray:
    """Colour group of each feature: contiguous groups with sizes as equal as possible.

    The first `features % channels` groups hold one feature more than the others.

    Args:
        features: number of features, at least `channels`.
        channels: number of colours of the image, hence of groups.

    Returns:
        int64 array `(features,)` that rises from 0 to `channels - 1`.

    Raises:
        ValueError: if a group would be empty.
    """
    if channels < 1 or features < channels:
        raise ValueError(
            f"{features} features cannot be split into {channels} colour groups: every colour needs at "
            "least one feature. Use at least as many features as the image has channels."
        )
    size, remainder = divmod(features, channels)
    return np.repeat(np.arange(channels), [size + (k < remainder) for k in range(channels)])


def gated_feature_groups(features: int, channels: int, gates: int) -> np.ndarray:
    """`feature_groups` of `gates` equal runs of features laid end to end.

    A recurrent cell multiplies its gates feature by feature, so each gate is split for itself: groups laid
    over the fused features would disagree between gates and leak colours.

    Raises:
        ValueError: if `features` is no multiple of `gates`.
    """
    if gates < 1 or features % gates:
        raise ValueError(f"{features} features cannot be split into {gates} gates of equal size.")
    return np.tile(feature_groups(features // gates, channels), gates)


def kernel_mask(
    mask_type: str,
    kernel_size: tuple[int, int],
    in_features: int,
    out_features: int,
    channels: int = 1,
    gates: int = 1,
) -> np.ndarray:
    """The 0/1 mask of a convolution kernel (paper section 3.4, Figure 2).

    Rows above the centre and, on its row, columns left of it are open to every group; below and right of it
    are closed. At the centre, mask A opens group j to group k when j < k, mask B when j <= k.

    Args:
        mask_type: "A" for the first layer, which reads the image; "B" for every later one.
        kernel_size: `(height, width)` in pixels, both odd.
        in_features: features of the input.
        out_features: features of the output.
        channels: number of colours.
        gates: number of equal runs of output features, each split into groups for itself.

    Returns:
        float32 array `(height, width, in_features, out_features)`.

    Raises:
        ValueError: for another mask type, an even kernel size or an impossible split into groups.
    """
    if mask_type not in ("A", "B"):
        raise ValueError(f'mask_type must be "A" or "B", got {mask_type!r}.')
    height, width = kernel_size
    if height < 1 or width < 1 or height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"kernel_size must be two odd numbers, so that a kernel has a centre; got {kernel_size}.")
    source = feature_groups(in_features, channels)[:, None]
    target = gated_feature_groups(out_features, channels, gates)[None, :]
    mask = np.zeros((height, width, in_features, out_features), "float32")
    mask[: height // 2] = 1.0
    mask[height // 2, : width // 2] = 1.0
    mask[height // 2, width // 2] = source < target if mask_type == "A" else source <= target
    return mask
