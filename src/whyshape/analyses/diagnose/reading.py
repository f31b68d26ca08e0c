"""A message of PyTorch, read: by the first wording that fits it."""

from __future__ import annotations

import re

from whyshape.analyses.diagnose import wordings, wordings_more  # noqa: F401  (they register what they know)
from whyshape.analyses.diagnose.forms import FORMS, Reading, numbers
from whyshape.analyses.diagnose.wordings_plain import NO_SIZES

PYTHONS = ("several", "unpack")  # kinds that any program may meet, with or without a model


def read(text: str) -> Reading | None:
    """The first form that fits the message; None for words nobody taught us.

    >>> read("mat1 and mat2 shapes cannot be multiplied (16x500 and 320x50)")[:3]
    ('linear', 320, 500)
    """
    text = text[:20000]
    for pattern, kind, make in FORMS:
        match = pattern.search(text)
        if match:
            wanted, arrived, found = make(match)
            return Reading(kind, wanted, arrived, found)
    return None


SHAPE_WORDS = re.compile(
    r"\b(shape|size|sizes|dimension|dimensions|dim|dims|channels?|rank|broadcast|reshape|view|divisible|features|axis|length|height|width|stack|unpack|out of range|out of bounds)\b",
    re.I,
)


def about_shapes(text: str) -> bool:
    """Whether a message nobody taught us speaks of sizes at all."""
    known = read(text)
    return known.kind not in NO_SIZES if known is not None else bool(SHAPE_WORDS.search(text))


__all__ = ["PYTHONS", "Reading", "about_shapes", "numbers", "read"]
