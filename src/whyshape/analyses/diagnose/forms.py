"""How a wording is written down: a pattern, its kind, and a function from its match to (wanted, arrived, numbers)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple


class Reading(NamedTuple):
    """A message understood: its kind, what was wanted and what arrived, and all its numbers by name."""

    kind: str
    wanted: Any
    arrived: Any
    numbers: dict


N = r"(\d+)"
FORMS: list[tuple[re.Pattern, str, Callable]] = []


def form(pattern: str, kind: str):
    """Register what a wording means: a function of its match gives (wanted, arrived, numbers)."""

    def register(make):
        FORMS.append((re.compile(pattern, re.I | re.S), kind, make))
        return make

    return register


def numbers(text: str) -> list[int]:
    """The whole numbers of a piece of text, in order.

    >>> numbers("[64, 3, 7, 7]")
    [64, 3, 7, 7]
    """
    return [int(n[:18]) for n in re.findall(r"-?\d+", text)]


__all__ = ["FORMS", "N", "Reading", "form", "numbers"]
