"""Shapes in comments: the form we write, the forms people write, and whether one is true."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from whyshape.analyses.words import text as shape_text

Shape = tuple[int, ...]
Given = tuple[Shape, ...]  # what one visit of a line gives: the shapes of its tensors

MARK = "# -> "
VISITS, TENSORS = 3, 4  # of one line, how many are written
_ITEM = r"(?:\d+(?:x\d+)*|one number)"
_ONE = rf"{_ITEM}(?:, {_ITEM})*(?:, \.\.\.)?"
_ALL = rf"{_ONE}(?:; {_ONE})*(?:; \.\.\.)?"
_OURS = re.compile(rf"(?:^|  ){MARK}({_ALL}(?: \((?:Keras|PyTorch): {_ALL}\))?)[ \t]*$")


def written(visits: Sequence[Given], batch: bool) -> str:
    """What a line gives, in words; ``batch``: the first axis is the batch of every tensor, and is left out.

    >>> written([((1, 64, 56, 56),), ((1, 128, 28, 28),)], True)
    '64x56x56; 128x28x28'
    """
    told = list(dict.fromkeys(_tensors(given, batch) for given in visits))
    return "; ".join(told[:VISITS] + ["..."] * (len(told) > VISITS))


def _tensors(given: Given, batch: bool) -> str:
    told = [shape_text(shape[1:] if batch else shape) for shape in given]
    return ", ".join(told[:TENSORS] + ["..."] * (len(told) > TENSORS))


def beside(true: str, name: str, there: str) -> str:
    """What a line gives, and the same as the framework of that name writes it.

    >>> beside("10x24x24", "Keras", "24x24x10")
    '10x24x24 (Keras: 24x24x10)'
    """
    return f"{true} ({name}: {there})"


def joined(comment: str, true: str) -> str:
    """The user's comment with ours behind it."""
    return f"{comment}  {MARK}{true}" if comment else MARK + true


def split(comment: str) -> tuple[str, str | None]:
    """A comment as (what the user wrote, what ours says or None).

    >>> split("# first convolution  # -> 10x24x24")
    ('# first convolution', '10x24x24')
    """
    ours = _OURS.search(comment)
    return (comment[: ours.start()], ours.group(1)) if ours else (comment, None)


class Said(NamedTuple):
    """A shape that somebody wrote: numbers, and names for any size. ``text`` is how it stands there."""

    axes: tuple[int | str, ...]
    text: str

    def fits(self, given: Given, batch: int) -> bool:
        """Whether a tensor of the line has this shape, with the batch or without."""
        return any(self._is(shape) or (shape[:1] == (batch,) and self._is(shape[1:])) for shape in given)

    def _is(self, shape: Shape) -> bool:
        if len(shape) != len(self.axes):
            return False
        letters: dict[str, int] = {}
        for axis, size in zip(self.axes, shape):
            wanted = axis if isinstance(axis, int) else size if axis in ANY else letters.setdefault(axis, size)
            if wanted != size:
                return False
        return True


ANY = ("?", "*", "-1", "None", "...")  # no name: each stands for any size of its own
_LABEL = re.compile(r"^(?:[-=]>\s*|[A-Za-z_][\w.]*\s*[:=]\s*|shape\s+)")
_BRACKETS = re.compile(r"^(?:torch\.Size\(\[(?P<size>.*)\]\)|\((?P<round>.*)\)|\[(?P<square>.*)\])$")
_PRODUCT = re.compile(r"^\d+(?:\s?[x\u00d7]\s?\d+){2,}$")


def said(comment: str) -> Said | None:
    """The shape that a hand-written comment is, or None where it is something else; of ``A -> B`` it is B.

    ``# 20x4x4``, ``# (N, 20, 4, 4)``, ``# out: [B, 20, 4, 4]``, ``# torch.Size([1, 20, 4, 4])``. Two bare numbers are not read: ``# 3x3``
    is a kernel more often than a shape; nor is anything with a 0, ``# (0, 2, 1)``, which is an order of axes.

    >>> said("# (N, 20, 4, 4)").axes, said("# (N, 20, 4, 4) -> (N, 320)").text, said("# 3x3"), said("# then flatten")
    (('N', 20, 4, 4), '(N, 320)', None, None)
    """
    body = _LABEL.sub("", comment.lstrip("#").strip(), count=1)
    parts = [_shape(part.strip()) for part in re.split(r"[-=]>", body)]
    return parts[-1] if all(parts) else None


def _shape(text: str) -> Said | None:
    if _PRODUCT.match(text):
        return Said(tuple(int(n) for n in re.findall(r"\d+", text)), text)
    found = _BRACKETS.match(text)
    if not found:
        return None
    items = [item.strip() for item in next(g for g in found.groups() if g is not None).split(",")]
    if len(items) < 2 or not all(re.fullmatch(r"[1-9]\d{0,18}|[A-Za-z_]\w*", item) or item in ANY[:-1] for item in items):
        return None
    numbers = [item for item in items if item.isdigit()]
    letters = [item for item in items if re.fullmatch(r"[A-Z]\d?", item) or item in ANY]
    if len(letters) == len(items) or (numbers and (len(numbers) < len(items) or len(items) > 2)):
        return Said(tuple(int(item) if item.isdigit() else item for item in items), text)
    return None  # (mean, std), (3, 3): names or a kernel, not sizes


__all__ = ["Given", "Said", "joined", "said", "split", "written"]
