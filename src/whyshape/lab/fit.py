"""A drawing of any size, fitted into 28 x 28 the way MNIST was made: a 20 x 20 box, then the centre of mass in the middle.

The page of `whyshape play` does the same steps in the same order; a test compares the two.
"""

from __future__ import annotations

import numpy as np

SIDE, BOX = 28, 20


def fitted(image: np.ndarray, centring: bool = True) -> np.ndarray:
    """A grey image (H, W), 0 = empty and 1 = ink, as a float32 image (28, 28) in the same units.

    The ink's bounding box is scaled, keeping its proportions, until its longer side is 20; then its centre of mass is
    put on the middle of 28 x 28, to the nearest whole pixel. An empty image stays empty.

    >>> ink = np.zeros((8, 8)); ink[1:7, 3:5] = 1
    >>> rows, columns = np.nonzero(fitted(ink) > 0.5)
    >>> int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)
    (20, 7)

    ``centring=False`` scales the whole image instead and leaves the ink where it was drawn.
    """
    image = np.asarray(image, dtype=np.float64)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if rows.size == 0:
        return np.zeros((SIDE, SIDE), dtype=np.float32)
    if not centring:
        return resized(image, SIDE, SIDE).astype(np.float32)
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(ink.shape)
    ink = resized(ink, *(max(1, int(n * scale + 0.5)) for n in ink.shape))
    return placed_by_mass(ink).astype(np.float32)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The image at another size, each new pixel a weighted mean of the old ones near it (a triangle filter)."""
    return triangle(image.shape[0], height) @ image @ triangle(image.shape[1], width).T


def triangle(old: int, new: int) -> np.ndarray:
    """The weights (new, old) that resize one axis: linear between neighbours when growing, over all covered when shrinking."""
    step = old / new
    reach = max(1.0, step)
    centre = (np.arange(new)[:, None] + 0.5) * step - 0.5
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(old)[None, :] - centre) / reach)
    return weights / weights.sum(axis=1, keepdims=True)


def placed_by_mass(ink: np.ndarray) -> np.ndarray:
    """The ink (at most 28 x 28) on an empty 28 x 28 image, its centre of mass in the middle where there is room."""
    height, width = ink.shape
    mass = ink.sum()
    row = (ink.sum(axis=1) @ (np.arange(height) + 0.5)) / mass
    column = (ink.sum(axis=0) @ (np.arange(width) + 0.5)) / mass
    top = min(max(0, int(np.floor(SIDE / 2 - row + 0.5))), SIDE - height)
    left = min(max(0, int(np.floor(SIDE / 2 - column + 0.5))), SIDE - width)
    canvas = np.zeros((SIDE, SIDE))
    canvas[top : top + height, left : left + width] = ink
    return canvas
