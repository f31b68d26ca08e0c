"""One sliding layer in Keras' words: the code that gives its size and its values on n x n cells, and code that gives only the size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from whyshape.analyses.settings import Setting
from whyshape.rules import RULES
from whyshape.rules.base import TOLD, Call, Spec
from whyshape.rules.twins import Named, NoTwin, code, pads, same_sides
from whyshape.sizes.sets import Numbers

RULE = {"conv": "conv2d", "pool": "max_pool2d", "transpose": "conv_transpose2d"}


class InKeras(NamedTuple):
    """Keras code for one layer. No ``steps``: there is none, and ``because`` says why. ``at``: the only size it is claimed for.

    ``alike``: code that gives the same size and other values, each with its reason.
    """

    steps: tuple[str, ...]
    because: str = ""
    at: int | None = None
    alike: tuple[tuple[tuple[str, ...], str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        alike = [{"steps": list(steps), "because": why} for steps, why in self.alike]
        return {"steps": list(self.steps), "because": self.because or None, "at": self.at, "alike": alike}


def sentences(layers: Sequence[InKeras], sizes: Sequence[int]) -> list[str]:
    """Layers one after another, and what gives the size that each makes and other values, said once of layers alike.

    ``sizes``: the one that comes in, and after each layer.
    """
    at = f" at {sizes[0]}" if any(layer.at for layer in layers) else ""
    without = next((layer.because for layer in layers if not layer.steps), "")
    code = ", then ".join(step for layer in layers for step in layer.steps)
    alike: dict[tuple[tuple[str, ...], str], int] = {}
    for layer, out in zip(layers, sizes[1:]):
        for pair in layer.alike:
            alike.setdefault(pair, out)
    shown = [f"{', then '.join(steps)} also gives {out}, but not the same values: {why}" for (steps, why), out in alike.items()]
    return [f"no twin in Keras: {without}" if without else f"in Keras{at}: {code}", *shown]


@lru_cache(4096)
def in_keras(setting: Setting, n: int) -> InKeras:
    """A layer as Keras writes it, on ``n`` cells along each of two axes.

    >>> in_keras(Setting("conv", 3, 2, 1), 28).steps, in_keras(Setting("conv", 3, 2, 1), 27).steps
    (('ZeroPadding2D(1)', 'Conv2D(filters, 3, strides=2)'), ("Conv2D(filters, 3, strides=2, padding='same')",))
    """
    as_same = setting.pad == same_sides(n, setting.kernel_size, setting.stride, setting.dilation)
    before = (code("ZeroPadding2D", pads([setting.pad] * 2)),) if setting.pad and not as_same else ()
    inside = n + sum(setting.pad) if before and setting.pad else n
    call = _call(setting, inside, "same" if as_same else setting.padding, setting.out(n))
    twin = TOLD["twin"][call.op](call, True)
    alike = tuple((other.steps, other.because) for other in twin.beware)
    return InKeras((), twin.reason, None, alike) if isinstance(twin, NoTwin) else InKeras((*before, *twin.steps), "", None, alike)


def for_all(setting: Setting, n: int, sizes: Numbers | None = None) -> InKeras:
    """The same for all of these sizes, ``n`` among them (none: for ``n`` alone); ``at`` where the code would not serve other sizes.

    >>> for_all(Setting("conv", 3, 2, 1), 27).at, for_all(Setting("conv", 3, 2, 1), 27, Numbers.between(1)).steps
    (27, ('ZeroPadding2D(1)', 'Conv2D(filters, 3, strides=2)'))
    """
    # What a window adds or leaves out depends on the size by its remainder mod the stride: one size of each stands for all.
    asked = _one_of_each(sizes, setting.stride) if sizes is not None else range(n + 1, n + setting.stride)
    told, others = in_keras(setting, n), [in_keras(setting, one) for one in asked]
    if sizes is not None:
        told = next((one for one in (told, *others) if one.steps and not _by_size(setting, one)), told)
        told = told._replace(alike=tuple(pair for pair in told.alike if all(pair in one.alike for one in others)))
    if _by_size(setting, told) and any(one.steps != told.steps for one in others):
        return in_keras(setting, n)._replace(at=n)
    return told


def _by_size(setting: Setting, found: InKeras) -> bool:
    """Whether the cells that the code adds follow from the size, rather than being typed."""
    return setting.op == "pool" or any("'same'" in step for step in found.steps)


def _one_of_each(sizes: Numbers, stride: int) -> Iterator[int]:
    found = ((sizes & Numbers.residues([r], stride)).first() for r in range(stride))
    return (n for n in found if n is not None)


def _call(setting: Setting, n: int, padding: int | str, out: int) -> Call:
    """The call of the layer's operator on one map of n x n cells; how many maps it makes is left open."""
    maps, (k, s, d) = Named(1, "filters"), (setting.kernel_size, setting.stride, setting.dilation)
    x, y, weight, bias = Spec((1, 1, n, n)), Spec((1, 1, out, out)), Spec((maps, 1, k, k)), Spec((1,))
    args: tuple = (x, weight, bias, s, padding, d)
    if setting.op == "pool":
        args = (x, k, s, padding, d, bool(setting.ceil_mode))
    elif setting.op == "transpose":
        args = (x, Spec((1, maps, k, k)), bias, s, padding, setting.output_padding, 1, d)
    op = RULE[setting.op]
    return Call(RULES[op], args, {}, y, op)


__all__ = ["InKeras", "for_all", "in_keras"]
