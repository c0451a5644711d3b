"""Words beside and above the rows and columns of a grid of pictures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WHITE, BLACK, MARGIN = 255, 0, 6
SMALLEST, LARGEST = 9, 18  # Pixels of a letter.
LONGEST = 40  # Letters of a word, of which a longer one loses its middle.


def with_words(grid: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = (), title: str = "") -> np.ndarray:
    """Write the name of each row on the left of a grid, that of each column above it, and a title above all.

    Args:
        grid: uint8 `(height, width, 1 or 3)`, whose rows are of one height, and columns of one width.
        rows: their names, from top to bottom; empty for none.
        columns: from left to right.
        title: of the whole.

    Returns:
        uint8 `(height, width, 1 or 3)`, black on white around the grid, which is in its lower right corner.
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
    """The font for a line in so many pixels of height."""
    font = ImageFont.load_default(float(min(max(int(0.7 * room), SMALLEST), LARGEST)))
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def _fitting(words: Sequence[str], width: float) -> ImageFont.FreeTypeFont:
    """The largest font in which all words are at most so wide, or the smallest."""
    sizes = range(LARGEST, SMALLEST, -1)
    fonts = (_font(size / 0.7) for size in sizes)
    return next((font for font in fonts if max(map(font.getlength, words)) <= width), _font(0))
