"""Where candidate fixes come from: one source to a file; a new file needs no list.

A source is ``offers(case)``, giving `Offer`s: guesses with a cost, every one of which is tried before it is shown.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module


@cache
def sources() -> tuple:
    """Every source there is, by name."""
    return tuple(import_module(f"{__name__}.{m.name}").offers for m in pkgutil.iter_modules(__path__))


def offers(case) -> list:
    """Every source's offers for a case, the likeliest first; of two that say the same, the cheaper."""
    best: dict[str, object] = {}
    for source in sources():
        for offer in source(case):
            key = repr(offer.edits)
            if key not in best or offer.cost < best[key].cost:  # type: ignore[attr-defined]
                best[key] = offer
    return sorted(best.values(), key=lambda o: o.cost)  # type: ignore[attr-defined]


__all__ = ["offers", "sources"]
