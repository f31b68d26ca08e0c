"""The closed set of display blocks: what is said, without ink. A writer is one `match` over them.

>>> Sum("height and width", "28 - 5 + 1", "24").label
'height and width'
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Heading(NamedTuple):
    """A title; ``level`` 1 is the page's own."""

    text: str
    level: int = 1


class Sentence(NamedTuple):
    """Running text. ``mood``: plain, note (something surprising holds), warning, or problem."""

    text: str
    mood: str = "plain"


class Sum(NamedTuple):
    """A formula with its numbers put in, and what it comes to."""

    label: str
    text: str
    value: str
    tree: Any = None


class Shapes(NamedTuple):
    """Sizes one after another, as they flow: ``1x28x28 -> 10x24x24``."""

    steps: tuple[str, ...]


class Table(NamedTuple):
    """Columns with headings; ``right`` are the columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()


class Slots(NamedTuple):
    """A layer's card: a title, what it is, and the slots SIZE, MAPS, WEIGHTS, NOTE, IN KERAS (or IN TORCH) that say something."""

    title: str
    about: str
    slots: tuple[tuple[str, tuple[str, ...]], ...]


class Code(NamedTuple):
    """A line or more of code."""

    text: str
    language: str = "python"


class Fix(NamedTuple):
    """A change that was run before it is told: what to do, and what it costs."""

    text: str
    costs: str = ""
    verified: bool = True


class Slide(NamedTuple):
    """A window on its way along one axis, for pictures: ``size`` cells of ``total`` (padding included), in steps of ``stride``."""

    size: int
    stride: int
    before: int
    dilation: int
    total: int
    places: int


Block = Heading | Sentence | Sum | Shapes | Table | Slots | Code | Fix | Slide

__all__ = ["Block", "Code", "Fix", "Heading", "Sentence", "Shapes", "Slide", "Slots", "Sum", "Table"]
