"""Silent hazards: what runs and may yet be wrong. One kind to a function; a new file needs no list.

A hazard reads a `Graph` and gives `Hazard`s with their evidence. Few false alarms are worth more than one more finding.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from whyshape.analyses.hazards.base import ORDER, REGISTERED, Hazard, Seen
from whyshape.graph import Graph


@cache
def _loaded() -> None:
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")


def hazards(graph: Graph) -> tuple[Hazard, ...]:
    """Everything in the graph that runs and may yet be wrong, the gravest first.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> x = net.layer("ConvTranspose2d", "up", net.input((1, 8, 14, 14)), args=(8, 1, 3, 2))
    >>> [h.name for h in hazards(net.graph(x))]
    ['checkerboard']
    """
    _loaded()
    seen = Seen(graph)
    found = [h for kind in REGISTERED.values() for h in kind(seen)]
    return tuple(sorted(found, key=lambda h: ORDER.index(h.severity)))


__all__ = ["Hazard", "hazards"]
