"""Texts that a model's own code makes of sizes: ``f"{h}x{w}"``. As a message they cost nothing; read, they are a branch."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from whyshape.sizes.expr import LookedUp, Lost, Size, _int

HERE = os.path.dirname(os.path.abspath(__file__))
OWN = os.path.dirname(HERE) + os.sep


class Words(str):
    """A text that remembers the sizes in it.

    >>> from whyshape.sizes.expr import leaf, recording
    >>> text = Words.of("28x28", [leaf(28, "H")])
    >>> with recording() as facts:
    ...     message, asked = "of " + text, text == "32x32"
    >>> message, asked, [str(c) for c in facts.branches]
    ('of 28x28', False, ['28 == 28'])
    """

    sizes: tuple[Size, ...]

    @classmethod
    def of(cls, text: str, parts: Iterable) -> Words:
        """The text that was made of these parts: sizes, fractions, and texts that remember."""
        made = cls(text)
        made.sizes = tuple([n for part in parts for n in _sizes(part)])
        return made

    def read(self) -> str:
        """The text as a plain one: from here on the trace holds where its sizes are the same."""
        file, line = place()
        if not file.startswith(OWN):  # we may tell what a model said
            for size in self.sizes:
                bool(Lost("==", size, _int(size), file, line))
        return str.__str__(self)

    def __str__(self):
        return self

    def __repr__(self):
        return Words.of(str.__repr__(self), (self,))

    def __format__(self, form):
        return Words.of(str.__format__(self, form), (self,)) if form else self

    def __add__(self, other):
        return Words.of(str.__add__(self, other), (self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other):
        return Words.of(str.__add__(other, self), (other, self)) if isinstance(other, str) else NotImplemented

    def __hash__(self):
        for size in self.sizes:
            bool(LookedUp("==", size, _int(size), *place()))
        return str.__hash__(self)

    def __reduce__(self):
        return (str, (str.__str__(self),))


def _sizes(part) -> Iterable[Size]:
    if isinstance(part, Words):
        return part.sizes
    return [n for n in (part, *(getattr(part, name, None) for name in ("num", "den"))) if isinstance(n, Size)]


def _read(name: str):
    act = getattr(str, name)

    def read(self, *args):
        return act(self.read(), *[a.read() if isinstance(a, Words) else a for a in args])

    return read


for _name in dir(str):
    _reads = _name not in dir(object) or _name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
    if _reads and _name not in vars(Words) and _name not in ("__getnewargs__", "maketrans"):
        setattr(Words, _name, _read(_name))


def place() -> tuple[str, int]:
    """The line that asks: the innermost that is not one of ours."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


__all__ = ["Words", "place"]
