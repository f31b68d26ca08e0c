"""Results put back into the tensor they came from: ``x += y``, ``relu_(x)``."""

from __future__ import annotations

from whyshape.rules.base import Made
from whyshape.rules.dtypes import category, name_of
from whyshape.sizes import need


def put_into(made, target) -> None:
    """Refuse where ``target`` cannot hold the result of an in-place operator: its sizes stay, and its kind of number does too.

    >>> from whyshape.rules import Spec
    >>> put_into((3, 4), Spec((3, 4)))
    """
    shape, dtype = made if type(made) is Made else (made, None)
    x = target.shape
    need(len(shape) == len(x), "the result has {arrived:axes}, it is put into a tensor of {wanted}", arrived=len(shape), wanted=len(x))
    for axis, (n, m) in enumerate(zip(shape, x)):
        if n is not m:
            need(n == m, "the result has {arrived:places} on axis {axis}, it is put into {wanted}", arrived=n, wanted=m, axis=axis)
    if dtype is not None and name_of(dtype) != name_of(target.dtype):
        have, room = category(dtype), category(target.dtype)
        need(have <= room, "the result is {arrived}, it cannot be put into {wanted}",
             arrived=name_of(dtype), wanted=name_of(target.dtype))  # fmt: skip
