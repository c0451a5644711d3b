"""Philox 4x32-10, counter-based random numbers (Salmon et al. 2011, *Parallel random numbers: as easy as 1, 2, 3*).

Integer arithmetic alone, in operators that numpy arrays and the tensors of every backend share, so that the numbers are
the same bit for bit wherever they are computed: op by op, in a graph, under XLA, on another device. This module needs
numpy alone. `pixelrnn_tf.sampling.noise` makes images' seeds and noise of it.

Products of 32 bits are put together from halves of 16, since not every backend has integers of 64.
"""

import operator
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pixelrnn_tf.typing import Tensor

Words: TypeAlias = tuple[Tensor, ...]
# `right_shift(x, 16)`; TensorFlow's tensors have no operator for it.
Shift: TypeAlias = Callable[[Tensor, int], Tensor]

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
# TensorFlow scrambles a seed into a key and a counter by one block under this key.
SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)


def philox(counter: Words, key: Words, right_shift: Shift = operator.rshift) -> Words:
    """One block: four random words.

    Args:
        counter: four words, uint32 arrays or tensors whose shapes broadcast.
        key: two of them.
        right_shift: shifts an array or tensor to the right.

    Returns:
        Four words of the broadcast shape.

    Example:

    >>> zero = np.zeros(1, "uint32")
    >>> [hex(word.item()) for word in philox((zero,) * 4, (zero,) * 2)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        high_a, low_a = _product(MULTIPLIERS[0], a, right_shift)
        high_c, low_c = _product(MULTIPLIERS[1], c, right_shift)
        a, b, c, d = high_c ^ b ^ k0, low_c, high_a ^ d ^ k1, low_a
        k0, k1 = k0 + np.uint32(KEY_INCREMENTS[0]), k1 + np.uint32(KEY_INCREMENTS[1])
    return a, b, c, d


def key_and_counter(high: Tensor, low: Tensor, right_shift: Shift = operator.rshift) -> tuple[Words, Words]:
    """The key, and the third and fourth words of the counter, that TensorFlow makes of a stateless seed.

    Each half of the seed is widened to 64 bits with its sign, and the four words are scrambled.

    Args:
        high: the seed's first half, uint32 of any shape.
        low: its second half, of the same shape.
        right_shift: shifts an array or tensor to the right.
    """
    zero = high ^ high
    sign_of_high, sign_of_low = (zero - right_shift(half, 31) for half in (high, low))  # 0 or all ones.
    scrambling_key = tuple(zero + np.uint32(word) for word in SCRAMBLING_KEY)
    mixed = philox((high, sign_of_high, low, sign_of_low), scrambling_key, right_shift)
    return mixed[:2], mixed[2:]


def folded_seed(high: Tensor, low: Tensor, right_shift: Shift = operator.rshift) -> Tensor:
    """The word that `tf.random.experimental.stateless_fold_in(alg="philox")` puts before the number it folds in.

    Args:
        high: the seed's first half, uint32 of any shape.
        low: its second half, of the same shape.
        right_shift: shifts an array or tensor to the right.
    """
    key, (third, fourth) = key_and_counter(high, low, right_shift)
    zero = third ^ third
    return philox((zero, zero, third, fourth), key, right_shift)[0]


def _product(factor: int, words: Tensor, right_shift: Shift) -> tuple[Tensor, Tensor]:
    """The higher and the lower 32 bits of `factor * words`."""
    factor_high, factor_low = np.uint32(factor >> 16), np.uint32(factor & 0xFFFF)
    high, low = right_shift(words, 16), words & np.uint32(0xFFFF)
    crossed = high * factor_low
    # At most 2 ** 32 - 1: nothing is lost.
    middle = right_shift(low * factor_low, 16) + (crossed & np.uint32(0xFFFF)) + low * factor_high
    return high * factor_high + right_shift(crossed, 16) + right_shift(middle, 16), words * np.uint32(factor)
