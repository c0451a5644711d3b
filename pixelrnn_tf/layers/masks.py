"""Masks that restrict a convolution to pixels and colors that are already known.

Pixels are ordered row by row and, inside a pixel, color by color (paper section 2.1). The features of every layer are
split into one group per color. Group k depends on the pixels before this one, and on the colors of this pixel before k
(mask A) or up to and including k (mask B); see sections 2.2 and 3.4, Figure 2.
"""

import numpy as np


def feature_groups(features: int, channels: int) -> np.ndarray:
    """Assign each feature to a color group: contiguous groups with sizes as equal as possible.

    The first `features % channels` groups have one feature more than the others.

    Args:
        features: number of features, at least `channels`.
        channels: number of colors of the image, which is the number of groups.

    Returns:
        int64 array `(features,)` that increases from 0 to `channels - 1`.

    Raises:
        ValueError: if a group would be empty.
    """
    if channels < 1 or features < channels:
        raise ValueError(
            f"{features} features cannot be split into {channels} color groups: every color needs at "
            "least one feature. Use at least as many features as the image has channels."
        )
    size, remainder = divmod(features, channels)
    return np.repeat(np.arange(channels), [size + (k < remainder) for k in range(channels)])


def gated_feature_groups(features: int, channels: int, gates: int) -> np.ndarray:
    """Assign the features of `gates` equal, consecutive gates to color groups, gate by gate.

    A recurrent cell multiplies its gates elementwise, so each gate is split separately. Splitting all features at once
    would give the gates different groups and leak colors.

    Raises:
        ValueError: if `features` is not a multiple of `gates`.
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

    Rows above the center, and columns left of it in its row, are open to every group. All other taps are closed, except
    the center: there, mask A opens group j to group k when j < k, mask B when j <= k.

    Args:
        mask_type: "A" for the first layer, which reads the image; "B" for every later one.
        kernel_size: `(height, width)` in pixels, both odd.
        in_features: features of the input.
        out_features: features of the output.
        channels: number of colors.
        gates: number of equal parts of the output features that are each split into groups.

    Returns:
        float32 array `(height, width, in_features, out_features)`.

    Raises:
        ValueError: for an unknown mask type, an even kernel size or an impossible split into groups.
    """
    if mask_type not in ("A", "B"):
        raise ValueError(f'mask_type must be "A" or "B", got {mask_type!r}.')
    height, width = kernel_size
    if height < 1 or width < 1 or height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"kernel_size must be two odd numbers, so that a kernel has a center; got {kernel_size}.")
    source = feature_groups(in_features, channels)[:, None]
    target = gated_feature_groups(out_features, channels, gates)[None, :]
    mask = np.zeros((height, width, in_features, out_features), "float32")
    mask[: height // 2] = 1.0
    mask[height // 2, : width // 2] = 1.0
    mask[height // 2, width // 2] = source < target if mask_type == "A" else source <= target
    return mask
