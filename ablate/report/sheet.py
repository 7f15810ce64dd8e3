"""One image of a picture and every arm's crop of it, for documents that cannot lay pictures out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ablate.report.document import Picture, Tile

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

COLUMNS = 5
GAP = 12
LINE = 15
INK, MUTED, PAPER, EMPTY = (31, 35, 40), (89, 99, 110), (255, 255, 255), (236, 238, 240)


def contact_sheet(picture: Picture) -> bytes:
    """Returns the original and all tiles with their captions as one PNG on white, crops pixel for pixel."""
    from matplotlib.font_manager import findfont
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(findfont("DejaVu Sans"), 11)
    tiles = (picture.original, *picture.tiles)
    width, height = picture.crop
    captions = [_caption(tile, font, width) for tile in tiles]
    column, row = width + GAP, height + LINE * max(map(len, captions)) + GAP
    columns = min(COLUMNS, len(tiles))
    size = (columns * column + GAP, -(-len(tiles) // columns) * row + GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = GAP + number % columns * column, GAP + number // columns * row
        if tile.png:
            with Image.open(io.BytesIO(tile.png)) as crop:
                sheet.paste(crop, (left, top))
        else:
            draw.rectangle((left, top, left + width - 1, top + height - 1), fill=EMPTY)
        _write(draw, caption, font, left, top + height + 3)
    file = io.BytesIO()
    sheet.save(file, "PNG", compress_level=6)
    return file.getvalue()


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
