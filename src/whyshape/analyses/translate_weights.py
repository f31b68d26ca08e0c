"""Weights on their way from one framework's order of axes to the other's."""

from __future__ import annotations

from whyshape.rules.twins import Move


def to_keras(array, move: Move, shape: tuple[int, ...], rows: tuple[int, ...] = ()):
    """A PyTorch weight (a numpy array) as Keras keeps it: axes put in order, then laid out as ``shape``.

    An axis the order leaves out goes last: a depthwise kernel (in*m, 1, *k) becomes (*k, in, m). ``rows``: the order in which
    a Dense after Flatten meets its numbers there.
    """
    if move.part is not None:
        which, count = move.part
        array = array.reshape(count, -1, *array.shape[1:])[which]
    order = move.order
    if order is None:
        return array.reshape(shape)
    if order[0] == "stretch":  # leading axes of 1 first, as PyTorch matches shapes
        order = order[1:]
        array = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
        return array.transpose(order).reshape(shape)
    named = [a for a in order if a is not None]
    array = array.transpose(*named, *[a for a in range(array.ndim) if a not in named])
    if rows and array.ndim == 2:
        array = array[list(rows)]
    return array.reshape(shape)


def recurrent(group: list, what: str, gates: tuple[int, ...], shape: tuple[int, ...]):
    """A weight of a recurrent layer: its gates in Keras' order, axes turned; two biases added, or kept apart where Keras has two rows."""
    import numpy

    turned = [numpy.concatenate([blocks[i] for i in gates]) for blocks in (numpy.split(a, len(gates)) for a in group)]
    if what == "weight":
        return turned[0].T.reshape(shape)
    return numpy.stack(turned) if len(shape) == 2 else numpy.sum(turned, 0).reshape(shape)
