"""Captions of the rows and columns of a grid of pictures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WHITE, BLACK, MARGIN = 255, 0, 6
SMALLEST, LARGEST = 9, 18  # Font sizes in pixels.
LONGEST = 40  # Maximum letters of a caption; longer ones lose their middle.


def with_words(grid: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = (), title: str = "") -> np.ndarray:
    """Add a caption to the left of each row of a grid and above each column, and a title at the top.

    Args:
        grid: uint8 `(height, width, 1 or 3)`, with rows of equal height and columns of equal width.
        rows: captions of the rows, from top to bottom; empty for none.
        columns: captions of the columns, from left to right; empty for none.
        title: title of the picture; empty for none.

    Returns:
        uint8 `(height, width, 1 or 3)`, with the grid in the lower right corner and black text on white around it.
    """
    height, width, channels = grid.shape
    rows, columns = [_short(name) for name in rows], [_short(name) for name in columns]
    row_font = _font(height / len(rows)) if rows else None
    left = max(int(row_font.getlength(name)) for name in rows) + 2 * MARGIN if row_font else 0
    column_font = _fitting(columns, width / len(columns) - 2) if columns else None
    title_font = _fitting([title], left + width - MARGIN) if title else None
    heading = int(column_font.size) + MARGIN if column_font else 0
    top = heading + (int(title_font.size) + MARGIN if title_font else 0)
    canvas = np.full((top + height, left + width, channels), WHITE, "uint8")
    canvas[top:, left:] = grid
    image = Image.fromarray(canvas[..., 0] if channels == 1 else canvas)
    draw = ImageDraw.Draw(image)
    fill = BLACK if channels == 1 else (BLACK,) * 3
    for k, name in enumerate(rows):
        draw.text((left - MARGIN, top + (k + 0.5) * height / len(rows)), name, fill, row_font, "rm")
    for k, name in enumerate(columns):
        draw.text((left + (k + 0.5) * width / len(columns), top - heading / 2), name, fill, column_font, "mm")
    if title_font:
        draw.text((MARGIN // 2, (top - heading) / 2), title, fill, title_font, "lm")
    return np.asarray(image).reshape(*canvas.shape)


def _short(name: str) -> str:
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[:half]}...{name[-half:]}"


def _font(room: float) -> ImageFont.FreeTypeFont:
    """Make the font for a line of this height in pixels."""
    font = ImageFont.load_default(float(min(max(int(0.7 * room), SMALLEST), LARGEST)))
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def _fitting(words: Sequence[str], width: float) -> ImageFont.FreeTypeFont:
    """Make the largest font in which all words fit into a width, or the smallest font."""
    sizes = range(LARGEST, SMALLEST, -1)
    fonts = (_font(size / 0.7) for size in sizes)
    return next((font for font in fonts if max(map(font.getlength, words)) <= width), _font(0))
