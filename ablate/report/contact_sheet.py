"""A contact sheet of an original and every arm's crop of it, for documents that cannot lay images out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ablate.report.crops import ERROR_REACH, error_map
from ablate.report.document import ComparedImage, Tile

if TYPE_CHECKING:
    import numpy as np
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

COLUMNS = 5
QUALITY = 92
GAP = 12
LINE = 15
INK, MUTED, PAPER, EMPTY = (31, 35, 40), (89, 99, 110), (255, 255, 255), (236, 238, 240)


def contact_sheet(image: ComparedImage) -> bytes:
    """Returns the original and all tiles with their captions as one WebP on white.

    Crops keep their size, not every pixel: what is exact is five times as large, and stands in the page. Below each is
    the map of its error at half the size.
    """
    from matplotlib.font_manager import findfont
    from PIL import Image, ImageDraw, ImageFont

    # A cell of the grid: the crop, the map of its error, and as many lines as the longest caption has.
    font = ImageFont.truetype(findfont("DejaVu Sans"), 11)
    tiles = (image.original, *image.tiles)
    width, height = image.crop
    original = _pixels(image.original)
    below = 0 if original is None else height // 2 + 4
    captions = [_caption(tile, font, width) for tile in tiles]
    column, row = width + GAP, height + below + LINE * max(map(len, captions)) + GAP
    columns = min(COLUMNS, len(tiles))
    sheet = Image.new("RGB", (columns * column + GAP, -(-len(tiles) // columns) * row + GAP), PAPER)
    # Row by row, the original first.
    draw = ImageDraw.Draw(sheet)
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = GAP + number % columns * column, GAP + number // columns * row
        pixels = _pixels(tile)
        if pixels is None:
            draw.rectangle((left, top, left + width - 1, top + height - 1), fill=EMPTY)
        else:
            sheet.paste(Image.fromarray(pixels), (left, top))
        if original is not None and pixels is not None and number:
            error = error_map(pixels.transpose(2, 0, 1), original.transpose(2, 0, 1)).transpose(1, 2, 0)
            sheet.paste(Image.fromarray(error).reduce(2), (left, top + height + 4))
        elif below and not number:
            _write(
                draw, ["below each: its error,", f"dark 0 to bright {ERROR_REACH} of 255"], font, left, top + height + 3
            )
        _write(draw, caption, font, left, top + height + below + 3)
    file = io.BytesIO()
    sheet.save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()


def _pixels(tile: Tile) -> np.ndarray | None:
    """Returns a tile's crop as uint8 (H, W, 3)."""
    import numpy as np
    from PIL import Image

    if tile.png is None:
        return None
    with Image.open(io.BytesIO(tile.png)) as crop:
        return np.asarray(crop)


def _caption(tile: Tile, font: FreeTypeFont, width: int) -> list[str]:
    """Breaks a tile's words into lines that fit below it."""
    lines = []
    for paragraph in (tile.name, *tile.lines, *([] if tile.png else [tile.missing])):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def _write(draw: ImageDraw, lines: list[str], font: FreeTypeFont, left: int, top: int) -> None:
    for number, line in enumerate(lines):
        draw.text((left, top + number * LINE), line, font=font, fill=MUTED if number else INK)
