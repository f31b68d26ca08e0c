"""What a trace keeps of what happened: PyTorch's own objects, written down as a graph later."""

from __future__ import annotations

from typing import Any, NamedTuple

# How a result came to be: a new tensor laid out row by row, the first argument changed in place, or whatever PyTorch gave.
MADE, CHANGED, GIVEN = 0, 1, 2


class RawCall(NamedTuple):
    """One call of an operator, frozen into a `Node` later. Kept as a bare tuple: there is one for every operator."""

    op: str
    args: tuple
    kwargs: dict
    out: Any
    scope: list | None  # the `ModuleRun` it happened in
    code: Any
    lasti: int
    why: str  # why it was measured; empty when a rule answered
    how: int  # MADE, CHANGED or GIVEN
    grad: bool  # autograd was watching


class ModuleRun(NamedTuple):
    """One call of a module as it happened. Kept as a bare list: there is one for every layer, and its end is filled in later."""

    module: Any
    code: Any  # where it was called from
    lasti: int
    outer: list | None  # the call it was made in
    begin: int  # operators called before it
    args: tuple
    kwargs: dict | None
    end: int  # operators called until its end
    gave: Any


END, GAVE = 7, 8  # of a ModuleRun


class Stop(RuntimeError):
    """The trace cannot go on: a RuntimeError, so that a model that catches PyTorch's refusals catches ours."""


class NeedsValues(Stop):
    """The model asked for the numbers inside a tensor."""


__all__ = ["CHANGED", "END", "GAVE", "GIVEN", "MADE", "ModuleRun", "NeedsValues", "RawCall", "Stop"]
