"""What a tensor holds, said as a term over the inputs and the weights: two tensors with one term hold the same numbers.

A term is a source (an input, a weight, the result of a call on terms) with a place in a table, so that equal terms are one number;
a factor; and which numbers of the source lie where. A tensor laid out otherwise is its source with other steps, as in memory:
reshapes and turns that cancel leave no trace, and q in the place of k does.
"""

from __future__ import annotations

from typing import Any

from whyshape.rules.base import broadcast_shapes
from whyshape.sizes import product

Piece = tuple[int, int]  # how many, how far apart in the source
Axes = tuple[tuple[Piece, ...], ...]


class Terms:
    """The table of sources, one for both networks."""

    def __init__(self):
        self.places: dict[Any, int] = {}

    def number(self, value: float, shape, dtype: str) -> Seen:
        """A constant of one number."""
        made = self.source(("number", told_number(value)), shape, dtype)
        made.number = value
        return made

    def source(self, key: Any, shape, dtype: str = "float32", held: bool = False) -> Seen:
        """A tensor that is the whole of a source, row by row."""
        return Seen(self, self.places.setdefault(key, len(self.places)), tuple(map(int, shape)), dtype, held=held)


class Seen:
    """A tensor as a term. ``held``: a weight, which a file may keep turned: its values tell, not its steps."""

    def __init__(
        self, terms: Terms, at: int, shape: tuple[int, ...], dtype: str, factor=1.0, offset=0, axes: Axes | None = None, held=False
    ):
        self.terms, self.at, self.shape, self.dtype = terms, at, shape, dtype
        self.factor, self.offset, self.held = factor, offset, held
        self.number: float | None = None
        self.axes = row_by_row(shape) if axes is None else axes

    @property
    def key(self) -> tuple:
        """Equal for two tensors that hold the same numbers in the same places."""
        return (self.bare, told_number(self.factor), self.shape)

    @property
    def bare(self) -> tuple:
        return (self.at,) if self.held else (self.at, self.offset, merged([p for pieces in self.axes for p in pieces]))

    def _laid(self, shape, offset: int, axes: Axes) -> Seen:
        made = Seen(self.terms, self.at, tuple(shape), self.dtype, self.factor, offset, axes, self.held)
        made.number = self.number if product(made.shape) == 1 else None
        return made

    def again(self, shape) -> Seen:
        """The same numbers, row by row, under another shape."""
        shape = tuple(map(int, shape))
        axes = shared_out(merged([p for pieces in self.axes for p in pieces]), shape)
        if axes is None:  # its rows cannot be cut so: what it holds, row by row, is a source of its own
            whole = self.terms.source(("rows", self.bare), shape, self.dtype)
            return Seen(self.terms, whole.at, shape, self.dtype, self.factor)
        return self._laid(shape, self.offset, axes)

    def turned(self, order: tuple[int, ...]) -> Seen:
        """The axes in another order."""
        return self._laid([self.shape[i] for i in order], self.offset, tuple(self.axes[i] for i in order))

    def part(self, axis: int, start: int, length: int, step: int = 1) -> Seen:
        """Some places of an axis."""
        if (start, length, step) == (0, self.shape[axis], 1):
            return self
        shape = (*self.shape[:axis], length, *self.shape[axis + 1 :])
        pieces = merged(list(self.axes[axis]))
        if len(pieces) > 1 or self.held:
            return self.terms.source(("part", self.key, axis, start, length, step), shape, self.dtype)
        apart = pieces[0][1] if pieces else 0
        new = ((length, apart * step),) if length != 1 else ()
        return self._laid(shape, self.offset + start * apart, (*self.axes[:axis], new, *self.axes[axis + 1 :]))

    def spread(self, shape) -> Seen:
        """Repeated along axes of 1, and along new ones in front."""
        shape = tuple(map(int, shape))
        new = len(shape) - len(self.shape)
        pad = lambda i: ((shape[i], 0),) if shape[i] != 1 else ()
        axes = tuple(self.axes[i - new] if i >= new and self.shape[i - new] == shape[i] else pad(i) for i in range(len(shape)))
        return self._laid(shape, self.offset, axes)

    def of(self, word: str, *numbers) -> Seen:
        """Something done to every number."""
        return self.terms.source((word, self.key, *map(told_number, numbers)), self.shape, self.dtype)

    def times(self, other: Seen | float) -> Seen:
        """The product, number by number; a plain factor stays aside, so that nobody asks when it was multiplied."""
        if self.number is not None and isinstance(other, Seen):
            self, other = other, self
        if isinstance(other, Seen) and other.number is not None and len(other.shape) <= len(self.shape):
            other = other.number
        if not isinstance(other, Seen):
            return Seen(self.terms, self.at, self.shape, self.dtype, self.factor * other, self.offset, self.axes, self.held)
        shape = broadcast_shapes(self.shape, other.shape)
        parts = sorted((x.bare, x.shape) for x in (self, other))
        made = self.terms.source(("mul", *parts), shape, self.dtype)
        made.factor = self.factor * other.factor
        return made

    def plus(self, other: Seen | float) -> Seen:
        """The sum, number by number."""
        if self.number is not None and isinstance(other, Seen):
            self, other = other, self
        if isinstance(other, Seen) and other.number is not None and len(other.shape) <= len(self.shape):
            other = other.number
        if not isinstance(other, Seen):
            return self.terms.source(("plus", self.key, told_number(other)), self.shape, self.dtype)
        return self.terms.source(("add", *sorted((self.key, other.key))), broadcast_shapes(self.shape, other.shape), self.dtype)

    def product(self, other: Seen) -> Seen:
        """The product of matrices; by one matrix alone it is row by row, however the rows are stacked."""
        if len(other.shape) == 2 < len(self.shape):
            rows = self.again((product(self.shape[:-1]), self.shape[-1]))
            return rows.product(other).again((*self.shape[:-1], other.shape[-1]))
        batch = broadcast_shapes(self.shape[:-2], other.shape[:-2])
        sides = [(x.bare, () if x.held else x.shape) for x in (self, other)]
        made = self.terms.source(("product", *sides), (*batch, self.shape[-2], other.shape[-1]), self.dtype)
        made.factor = self.factor * other.factor
        return made

    def mean(self, axes: tuple[int, ...]) -> Seen:
        """The mean along axes, which stay as axes of 1."""
        shape = tuple(1 if i in axes else n for i, n in enumerate(self.shape))
        axes = tuple(i for i in axes if self.shape[i] != 1)
        return self.terms.source(("mean", self.key, axes), shape, self.dtype) if axes else self

    def softmax(self, axis: int) -> Seen:
        return self.terms.source(("softmax", self.key, axis), self.shape, self.dtype)


def told_number(value: Any) -> Any:
    """A number as it is compared: a file keeps float32."""
    return value if value is None or isinstance(value, str) else float(f"{float(value):.6g}")


def row_by_row(shape) -> Axes:
    """The steps of a tensor that lies row by row."""
    axes, apart = [], 1
    for n in reversed(shape):
        axes.append(((n, apart),) if n != 1 else ())
        apart *= n
    return tuple(reversed(axes))


def merged(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours that one step walks through are one piece.

    >>> merged([(2, 12), (3, 4), (4, 1)]), merged([(3, 4), (2, 12)])
    (((24, 1),), ((3, 4), (2, 12)))
    """
    found: list[Piece] = []
    for n, apart in pieces:
        if found and found[-1][1] == n * apart:
            found[-1] = (found[-1][0] * n, apart)
        else:
            found.append((n, apart))
    return tuple(found)


def shared_out(pieces: tuple[Piece, ...], shape: tuple[int, ...]) -> Axes | None:
    """The pieces, in their order, shared out over axes of these sizes; None where an axis would need half of one.

    >>> shared_out(((24, 1),), (2, 12)), shared_out(((4, 6), (6, 1)), (3, 8))
    ((((2, 12),), ((12, 1),)), None)
    """
    if product(shape) == 0:
        return row_by_row(shape)
    left, axes = list(pieces), []
    for size in reversed(shape):
        here: list[Piece] = []
        while size > 1:
            if not left:
                return None
            n, apart = left.pop()
            if size % n == 0:
                here.insert(0, (n, apart))
                size //= n
            elif n % size == 0:
                here.insert(0, (size, apart))
                left.append((n // size, apart * size))
                size = 1
            else:
                return None
        axes.append(tuple(here))
    return None if left else tuple(reversed(axes))


__all__ = ["Seen", "Terms", "merged", "row_by_row", "shared_out", "told_number"]
