"""What fits into a given memory: the largest batch, the largest image, and where the memory goes."""

from __future__ import annotations

import re
from typing import NamedTuple

from whyshape.analyses.accepts import accepts
from whyshape.analyses.amount import bytes_text
from whyshape.analyses.memory import Memory, memory
from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.graph import Graph

UNITS = {
    "": 1,
    "B": 1,
    **{f"{p}B": 1000 ** (i + 1) for i, p in enumerate("KMGT")},
    **{f"{p}IB": 1024 ** (i + 1) for i, p in enumerate("KMGT")},
}
LARGEST = 1 << 20  # a batch or a side beyond this is not searched


class Fit(NamedTuple):
    """The answer for one budget."""

    budget: int
    training: bool
    batch: int | None  # the largest, at the size given; None: no batch axis is free, or not even one fits
    image: tuple[int, int] | None  # the largest square at the batch given
    now: Memory  # at the sizes given
    costly: tuple[tuple[str, int], ...]  # the layers that keep most, in bytes, largest first
    asked: tuple[str, ...] = ()  # the free axes that were searched
    missing: tuple[str, ...] = ()  # what could not be counted: the answer is then an upper bound
    sizes: str = ""  # of the inputs, as given: "1x3x64x64"

    @property
    def needed(self) -> int:
        """Bytes at the sizes given."""
        return (self.now.training if self.training else self.now.inference).value or 0

    @property
    def fits(self) -> bool:
        return self.needed <= self.budget

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.fit.v1``."""
        return {
            "schema": "whyshape.fit.v1", "budget": self.budget, "training": self.training, "needed": self.needed, "fits": self.fits,
            "largest_batch": self.batch, "largest_image": self.image, "memory": self.now.to_dict(), "missing": list(self.missing),
            "costly": [{"layer": path, "bytes": n} for path, n in self.costly],
        }  # fmt: skip

    def story(self) -> list:
        """As display blocks."""
        from whyshape.story import Heading, Sentence, Table

        what = "Training" if self.training else "Running"
        least = "at least " if self.missing else ""
        blocks: list = [
            Heading(f"What fits into {bytes_text(self.budget)}"),
            Sentence(
                f"{what} at {self.sizes or 'the sizes given'} needs {least}{bytes_text(self.needed)}: it {'fits' if self.fits else 'does not fit'}."
            ),
        ]
        image, batch = {"H", "W"} <= set(self.asked), bool(self.asked) and self.asked[0] in "NB"
        upto = "at most " if self.missing else ""
        if batch:
            text = f"The largest batch is {upto}{self.batch or 0:,}{', of images of that size' if image else ''}."
            blocks.append(Sentence(text if self.batch else "Not even a batch of one fits."))
        if image:
            side = self.image and f"{self.image[0]}x{self.image[1]}"
            text = f"The largest square image is {upto}{side}{', at that batch' if batch else ''}."
            blocks.append(Sentence(text if side else "No image size fits."))
        if not self.asked:
            blocks.append(Sentence("No axis is free: write the batch or the sizes as letters, N,3,H,W, to search for the largest."))
        if self.missing:
            blocks.append(Sentence(f"Not counted: {', '.join(self.missing)}.", "warning"))
        # What is kept is kept for the backward pass: running holds none of it.
        rows = tuple((path, bytes_text(n)) for path, n in self.costly) if self.training else ()
        return [*blocks, Sentence("These layers keep most:"), Table(("layer", "kept for backward"), rows, (1,))] if rows else blocks

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


def amount_of_bytes(text: str) -> int:
    """A size in words as bytes.

    >>> amount_of_bytes("24GiB"), amount_of_bytes("1.5 GB"), amount_of_bytes("4096")
    (25769803776, 1500000000, 4096)
    """
    found = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,6})?)\s*([A-Za-z]{0,3})\s*", text)
    if not found or found[2].upper() not in UNITS:
        raise WhyshapeError(f"{text!r} is no amount of memory; write 24GiB, 512MB or a number of bytes")
    return int(float(found[1]) * UNITS[found[2].upper()])


def fit(graph: Graph, budget: int, training: bool = True, **settings) -> Fit:
    """The largest batch and the largest square image for which the model needs at most ``budget`` bytes.

    The batch is the free axis ``N`` (or ``B``), the image the free axes ``H`` and ``W``. Memory grows with both, so a search by
    halves is exact. ``settings`` go to `memory`: ``optimizer``, ``state_dtype``, ``checkpoint``, ``autocast``.
    """
    letters = {a: n for i in graph.inputs for a, n in zip(graph.tensors[i].axes, graph.tensors[i].shape) if a}
    batch = next((a for a in ("N", "B") if a in letters), None)
    sides = tuple(a for a in ("H", "W") if a in letters)

    def needed(**sizes) -> int | None:
        try:
            asked = memory(graph, **settings, **sizes)
        except DoesNotFit:
            return None
        return (asked.training if training else asked.inference).value

    def holds(**sizes) -> bool:
        need = needed(**sizes)
        return need is not None and need <= budget

    most = _largest(lambda n: holds(**{batch: n}), 1) if batch else None
    square = None
    if len(sides) == 2:
        squares = accepts(graph, _shapes(graph, sides), checks=0).square()
        first = squares.first()
        # What grows is asked for every n at its largest accepted square up to n: sizes between that the model refuses do not matter.
        side = None if first is None else _largest(lambda n: holds(H=squares.last(n), W=squares.last(n)), first)
        square = None if side is None else (squares.last(side),) * 2
    now = memory(graph, **settings)
    return Fit(budget, training, most, square, now, costliest(now), tuple(a for a in (batch, *sides) if a), now.activations.missing,
               " and ".join("x".join(str(int(n)) for n in graph.tensors[i].shape) for i in graph.inputs))  # fmt: skip


def _shapes(graph: Graph, sides: tuple[str, ...]) -> list[tuple]:
    """The inputs' shapes with the places free; the batch stays what it is, for it has its own search."""
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [tuple(a if a in sides else int(n) for a, n in zip(t.axes or ("",) * len(t.shape), t.shape)) for t in tensors]


def _largest(holds, start: int) -> int | None:
    """The largest number from ``start`` up for which it holds; it does not hold again once it has stopped."""
    if not holds(start):
        return None
    low, high = start, start * 2
    while high <= LARGEST and holds(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def costliest(asked: Memory, count: int = 3) -> tuple[tuple[str, int], ...]:
    """The layers that keep most for the backward pass."""
    sums: dict[str, int] = {}
    for row in asked.rows:
        if row.nbytes:
            name = row.node.path or row.node.op
            sums[name] = sums.get(name, 0) + row.nbytes
    return tuple(sorted(sums.items(), key=lambda pair: -pair[1])[:count])
