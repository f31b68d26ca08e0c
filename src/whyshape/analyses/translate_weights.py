"""Weights on their way from one framework's order of axes to the other's."""

from __future__ import annotations

from whyshape.rules.twins import Move


def to_keras(array, move: Move, shape: tuple[int, ...]):
    """A PyTorch weight (a numpy array) as Keras keeps it: axes put in order, then laid out as ``shape``.

    An axis the order leaves out goes last: a depthwise kernel (in*m, 1, *k) becomes (*k, in, m).
    """
    if move.order is None:
        return array.reshape(shape)
    named = [a for a in move.order if a is not None]
    return array.transpose(*named, *[a for a in range(array.ndim) if a not in named]).reshape(shape)
