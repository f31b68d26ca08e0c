"""What every layer gave, as one picture: a band for each layer, a tile for each map, colour for each number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.lab.record import calls

LABEL, TILES, GAP, MARGIN = 250, 870, 6, 16  # widths in pixels
TILE, STRIP = 72, 16  # a map is drawn about this wide; a number in a row this wide
MOST_MAPS, MOST_LAYERS = 60, 300
INK, QUIET, PAPER = (20, 20, 20), (100, 100, 100), (255, 255, 255)
BLUE, ORANGE = np.array([0, 90, 140]), np.array([190, 80, 0])


@dataclass(frozen=True)
class Band:
    """One layer's part of the picture. ``numbers`` is (maps, height, width), or (1, 1, n) for numbers in a row."""

    path: str
    type: str
    size: str  # in words: 10 maps of 24 x 24
    numbers: np.ndarray
    note: str = ""

    @property
    def is_row(self) -> bool:
        return self.numbers.shape[:2] == (1, 1)


def bands(model: nn.Module, *inputs: torch.Tensor) -> list[Band]:
    """The input and every layer's output for the first image, in the order of the calls."""
    seen = calls(model, *inputs)
    if not seen:
        raise WhyshapeError("the model called no layer whose output is a tensor: there is nothing to draw")
    first = band("input", "", inputs[0][0].detach().cpu())
    return [first] + [band(call.path, call.type, call.output[0]) for call in seen]


def band(path: str, type: str, given: torch.Tensor) -> Band:
    numbers = given.double().numpy()
    if numbers.ndim <= 1:
        return Band(path, type, f"{numbers.size} numbers", numbers.reshape(1, 1, -1))
    if numbers.ndim == 2:
        return Band(path, type, f"{numbers.shape[0]} x {numbers.shape[1]} numbers", numbers[None])
    size = f"{numbers.shape[0]} maps of {' x '.join(map(str, numbers.shape[1:]))}"
    size = size.replace("1 maps", "1 map") if numbers.shape[0] == 1 else size
    note = ""
    while numbers.ndim > 3:
        middle = numbers.shape[1] // 2
        numbers, note = numbers[:, middle], f"slice {middle} is shown"
    return Band(path, type, size, numbers, note)


def maps(model: nn.Module, *inputs: torch.Tensor, scale: str = "layer") -> Image.Image:
    """The picture of all layers. ``scale`` is ``layer`` (one colour scale for all maps of a layer) or ``map`` (one for each).

    >>> maps(nn.Sequential(nn.Conv2d(1, 3, 5)), torch.zeros(1, 1, 28, 28)).mode
    'RGB'

    Colours: orange is above zero, blue below, white zero.
    """
    if scale not in ("layer", "map"):
        raise WhyshapeError(f"scale is {scale!r}, but it must be 'layer' or 'map'")
    found = bands(model, *inputs)
    drawn = [drawn_band(one, scale) for one in found[:MOST_LAYERS]]
    more = len(found) - len(drawn)
    width = MARGIN * 2 + LABEL + TILES
    picture = Image.new("RGB", (width, MARGIN + sum(b.height + MARGIN for b in drawn) + (24 if more else 0)), PAPER)
    top = MARGIN
    for one in drawn:
        picture.paste(one, (MARGIN, top))
        top += one.height + MARGIN
    if more:
        ImageDraw.Draw(picture).text((MARGIN, top), f"and {more} more layers", INK, font(14))
    return picture


def drawn_band(one: Band, scale: str) -> Image.Image:
    """The label on the left, the tiles on the right, wrapped."""
    shown = one.numbers[:MOST_MAPS]
    if one.is_row:
        tiles = row_tiles(one.numbers)
    else:
        factor = max(1, round(TILE / max(shown.shape[1:])))
        tiles = [tile(m, reach(shown if scale == "layer" else m), factor) for m in shown]
    wide, high = max(t.width for t in tiles), max(t.height for t in tiles)
    if wide > TILES:  # a single wide image: shrink it to fit
        tiles = [t.resize((TILES, max(1, round(t.height * TILES / t.width)))) for t in tiles]
        wide, high = TILES, tiles[0].height
    gap = 1 if one.is_row and len(tiles) > 20 else GAP
    across = max(1, (TILES + gap) // (wide + gap))
    rows = -(-len(tiles) // across)
    words = label(one, len(shown), scale)
    picture = Image.new("RGB", (LABEL + TILES, max(rows * (high + gap), 18 * len(words) + 14)), PAPER)
    pen = ImageDraw.Draw(picture)
    for i, (line, colour, size) in enumerate(words):
        pen.text((0, 18 * i), line, colour, font(size))
    legend(picture, one, 18 * len(words) + 2)
    for i, drawn in enumerate(tiles):
        picture.paste(drawn, (LABEL + i % across * (wide + gap), i // across * (high + gap)))
    return picture


def label(one: Band, shown: int, scale: str) -> list[tuple[str, tuple, int]]:
    low, high = float(np.min(one.numbers)), float(np.max(one.numbers))
    lines = [(shortened(one.path), INK, 15), (f"{one.type}  {one.size}".strip(), QUIET, 12)]
    left = "" if shown == len(one.numbers) else f"{shown} of {len(one.numbers)} shown"
    dead = int((one.numbers == 0).all(axis=(1, 2)).sum()) if len(one.numbers) > 1 else 0
    notes = [left, one.note, f"{dead} all 0" if dead else "", "each map has its own scale" if scale == "map" and not one.is_row else ""]
    if any(notes):
        lines.append(("; ".join(n for n in notes if n), QUIET, 12))
    lines.append((f"{low:.3g} to {high:.3g}", QUIET, 12))
    return lines


def shortened(path: str) -> str:
    return path if len(path) <= 30 else "..." + path[-27:]


def legend(picture: Image.Image, one: Band, top: int) -> None:
    """A bar of the layer's colours, from its lowest number to its highest."""
    low, most = float(np.min(one.numbers)), reach(one.numbers)
    ramp = np.linspace(-most if low < 0 else 0.0, most, 120)[None].repeat(8, 0)
    picture.paste(Image.fromarray(coloured(ramp, most)), (0, min(top, picture.height - 9)))


def reach(numbers: np.ndarray) -> float:
    """The largest distance from zero, where the colours are full; 1 where all is zero or not finite."""
    finite = np.abs(numbers[np.isfinite(numbers)])
    return float(finite.max(initial=0.0)) or 1.0


def coloured(numbers: np.ndarray, most: float) -> np.ndarray:
    """Numbers (H, W) as colours (H, W, 3): white at zero, full at ``most``; what is no number is grey."""
    share = np.nan_to_num(np.clip(numbers / most, -1, 1))[..., None]
    full = np.where(share < 0, BLUE, ORANGE)
    colours = 255 + np.abs(share) * (full - 255.0)
    colours[np.isnan(numbers)] = 128
    return np.rint(colours).astype(np.uint8)


def tile(numbers: np.ndarray, most: float, factor: int) -> Image.Image:
    """One map, each number a square of ``factor`` pixels, in a thin frame; a map of zeros says so."""
    colours = coloured(numbers, most).repeat(factor, 0).repeat(factor, 1)
    picture = Image.new("RGB", (colours.shape[1] + 2, colours.shape[0] + 2), (170, 170, 170))
    picture.paste(Image.fromarray(colours), (1, 1))
    if not numbers.any() and picture.width >= 40:
        ImageDraw.Draw(picture).text((6, picture.height // 2 - 8), "all 0", QUIET, font(12))
    return picture


def row_tiles(numbers: np.ndarray) -> list[Image.Image]:
    """Numbers in a row as one square each; up to twenty carry their value."""
    row, most = numbers.reshape(-1)[:2000], reach(numbers)
    if row.size > 20:
        return [tile(np.array([[n]]), most, STRIP - 2) for n in row]
    tiles = []
    for place, number in enumerate(row):
        drawn = Image.new("RGB", (76, 52), PAPER)
        drawn.paste(tile(np.array([[number or 1e-30]]), most, 22), (0, 0))
        pen = ImageDraw.Draw(drawn)
        pen.text((30, 4), str(place), QUIET, font(12))
        pen.text((0, 28), f"{number:+.3f}", INK, font(13))
        tiles.append(drawn)
    return tiles


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
