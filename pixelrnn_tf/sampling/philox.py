"""Philox 4x32-10, counter-based random numbers (Salmon et al. 2011, *Parallel random numbers: as easy as 1, 2, 3*).

The implementation only uses integer operators that numpy arrays and the tensors of every backend share. The numbers are
therefore the same bit for bit wherever they are computed: op by op, in a graph, under XLA, on another device. This
module only needs numpy. `pixelrnn_tf.sampling.noise` makes seeds and noise of images from it.

32-bit products are assembled from 16-bit halves, since not every backend has 64-bit integers.
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
# TensorFlow scrambles a seed into a key and a counter with one block under this key.
SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)


def philox(counter: Words, key: Words, right_shift: Shift = operator.rshift) -> Words:
    """Compute one block of four random words.

    Args:
        counter: four words, uint32 arrays or tensors whose shapes broadcast.
        key: two words of the same kind.
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
    """Compute the key, and the third and fourth counter words, that TensorFlow derives from a stateless seed.

    Each half of the seed is sign-extended to 64 bits, and the four words are scrambled.

    Args:
        high: first half of the seed, uint32 of any shape.
        low: second half of the seed, in the same shape.
        right_shift: shifts an array or tensor to the right.
    """
    zero = high ^ high
    sign_of_high, sign_of_low = (zero - right_shift(half, 31) for half in (high, low))  # 0 or all ones.
    scrambling_key = tuple(zero + np.uint32(word) for word in SCRAMBLING_KEY)
    mixed = philox((high, sign_of_high, low, sign_of_low), scrambling_key, right_shift)
    return mixed[:2], mixed[2:]


def folded_seed(high: Tensor, low: Tensor, right_shift: Shift = operator.rshift) -> Tensor:
    """Compute the word that `tf.random.experimental.stateless_fold_in(alg="philox")` puts before the folded number.

    Args:
        high: first half of the seed, uint32 of any shape.
        low: second half of the seed, in the same shape.
        right_shift: shifts an array or tensor to the right.
    """
    key, (third, fourth) = key_and_counter(high, low, right_shift)
    zero = third ^ third
    return philox((zero, zero, third, fourth), key, right_shift)[0]


def _product(factor: int, words: Tensor, right_shift: Shift) -> tuple[Tensor, Tensor]:
    """Compute the high and the low 32 bits of `factor * words`."""
    factor_high, factor_low = np.uint32(factor >> 16), np.uint32(factor & 0xFFFF)
    high, low = right_shift(words, 16), words & np.uint32(0xFFFF)
    crossed = high * factor_low
    # At most 2 ** 32 - 1, so this does not overflow.
    middle = right_shift(low * factor_low, 16) + (crossed & np.uint32(0xFFFF)) + low * factor_high
    return high * factor_high + right_shift(crossed, 16) + right_shift(middle, 16), words * np.uint32(factor)
