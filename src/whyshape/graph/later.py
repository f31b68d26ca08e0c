"""A tuple that is made when somebody first looks at it: following a model is quick, writing down what was seen takes as long again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


class Later(Sequence):
    """Stands for ``make()``, which is called at most once.

    >>> later = Later(lambda: (1, 2, 3))
    >>> later[0], len(later), [*later], later == (1, 2, 3)
    (1, 3, [1, 2, 3], True)
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Iterable]):
        self._make: Callable[[], Iterable] | None = make
        self._made: tuple = ()

    def _now(self) -> tuple:
        if self._make is not None:
            self._made, self._make = tuple(self._make()), None
        return self._made

    def __getitem__(self, index) -> Any:
        return self._now()[index]

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self):
        return iter(self._now())

    def __add__(self, other):
        return self._now() + tuple(other)

    def __radd__(self, other):
        return tuple(other) + self._now()

    def __eq__(self, other):
        return self._now() == (other._now() if isinstance(other, Later) else other)

    def __hash__(self):
        return hash(self._now())

    def __repr__(self):
        return repr(self._now())


def later(make: Callable[[], Iterable]) -> Any:
    """A `Later`, typed as the tuple it stands for."""
    return Later(make)
