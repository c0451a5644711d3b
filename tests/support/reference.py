"""The recurrences of the paper pixel by pixel in numpy, as plainly as its equations: twins of the layers."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(gates, c):
    """Eq. 3."""
    o, f, i, g = np.split(gates, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def row_lstm(gates, kernel, h0, c0):
    """Section 3.1. `gates (height, width, 4h)`, `kernel (3, h, 4h)`; returns h `(height, width, h)`."""
    height, width, _ = gates.shape
    h = np.zeros((height, width, len(h0)))
    c = np.zeros_like(h)
    for y in range(height):
        for x in range(width):
            total = gates[y, x].copy()
            for tap in range(3):
                column = x + tap - 1
                if 0 <= column < width:
                    above = h[y - 1, column] if y > 0 else h0
                    total += above @ kernel[tap]
            h[y, x], c[y, x] = lstm(total, c[y - 1, x] if y > 0 else c0)
    return h


def diagonal_lstm(gates, kernel, h0, c0):
    """Section 3.2, left to right. `kernel (2, h, 4h)`: tap 0 reads the pixel above, tap 1 the one on the left."""
    height, width, _ = gates.shape
    h = np.zeros((height, width, len(h0)))
    c = np.zeros_like(h)
    for y in range(height):
        for x in range(width):
            above = h[y - 1, x] if y > 0 else h0
            left = h[y, x - 1] if x > 0 else h0
            total = gates[y, x] + above @ kernel[0] + left @ kernel[1]
            h[y, x], c[y, x] = lstm(total, c[y, x - 1] if x > 0 else c0)
    return h


def diagonal_bilstm(gates, kernel, h0, c0):
    """Section 3.2. Every argument holds the left-to-right direction, then the right-to-left one."""
    left = diagonal_lstm(np.split(gates, 2, axis=-1)[0], kernel[0], h0[0], c0[0])
    mirrored = np.split(gates, 2, axis=-1)[1][:, ::-1]
    right = diagonal_lstm(mirrored, kernel[1], h0[1], c0[1])[:, ::-1]
    out = left.copy()
    out[1:] += right[:-1]
    return out


def conv2d(image, kernel, bias):
    """A convolution with zero padding, tap by tap. `image (height, width, in)`."""
    height, width, _ = image.shape
    rows, columns = kernel.shape[0] // 2, kernel.shape[1] // 2
    out = np.tile(bias, (height, width, 1)).astype(float)
    for y in range(height):
        for x in range(width):
            for dy in range(-rows, rows + 1):
                for dx in range(-columns, columns + 1):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        out[y, x] += image[y + dy, x + dx] @ kernel[dy + rows, dx + columns]
    return out
