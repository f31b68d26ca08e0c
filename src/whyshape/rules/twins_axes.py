"""How Keras spells what gives axes other places: the axes are counted as the tensor lies there."""

from __future__ import annotations

from whyshape.rules.base import axis_of
from whyshape.rules.twins import Twin, twin


def _lies(rank: int, maps: int | None) -> list[int]:
    """PyTorch's axes in the order in which they stand in Keras; ``maps``: the one that counts maps, which goes last."""
    axes = list(range(rank))
    return axes if not maps else [*axes[:maps], *axes[maps + 1 :], maps]


def _turned(order: list[int], maps: tuple[int | None, int | None]) -> Twin:
    """The twin of a permutation of PyTorch's axes: of each axis it makes there, which axis of its input there it was."""
    before, after = (_lies(len(order), axis) for axis in maps)
    axes = tuple(before.index(order[axis]) for axis in after)
    layout = "any" if order[0] == 0 else "whole"  # a batch that moves is told
    if axes == tuple(range(len(axes))):
        return Twin(("Identity()",), (), "it lies so already there", layout=layout)
    return Twin((f"ops.transpose(x, {axes})",), layout=layout)


def _maps(call, last: bool) -> tuple[int | None, int | None]:
    """Which axis counts maps, of what comes in and of what goes out."""
    return getattr(call, "maps", (1 if last else None, None))


@twin("permute")
def permute(call, last=True):
    """Every axis is named."""
    rank, order = len(call.input.shape), call.order or call.dims
    order = tuple(order[0] if len(order) == 1 and not isinstance(order[0], int) else order)
    if len(order) == rank - 1:  # one picture alone is a batch of one there
        order = (0, *[axis_of(int(d), rank - 1) + 1 for d in order])
    return _turned([axis_of(int(d), rank) for d in order], _maps(call, last))


@twin("transpose", "swapaxes")
def transpose(call, last=True):
    """Two axes change places."""
    order = list(range(len(call.input.shape)))
    first, second = (b if a is None else a for a, b in ((call.dim0, call.axis0), (call.dim1, call.axis1)))
    a, b = axis_of(int(first), len(order)), axis_of(int(second), len(order))
    order[a], order[b] = order[b], order[a]
    return _turned(order, _maps(call, last))
