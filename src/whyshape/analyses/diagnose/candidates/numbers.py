"""Arguments that hold the very number that was refused: for operators whose own rule does not say which argument is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod
from typing import Any

from whyshape.analyses.diagnose.case import Case, Offer, edit

SWITCHES = {"batch_first": 0.9, "bidirectional": 3.0, "ceil_mode": 3.5}  # yes-or-no arguments that change shapes


def offers(case: Case) -> Iterator[Offer]:
    yield from exchanged(case)
    yield from switched(case)
    yield from divided(case)
    yield from cut(case)
    yield from tiled(case)


def around(case: Case) -> Iterator[tuple[str, str, dict[str, Any], int]]:
    """The layer that refused and the modules around it: path, type, arguments and plain fields, how far out."""
    path, out = case.problem.path, 0
    while True:
        kind, kept = case.patient.layers.get(path, ("", {}))
        yield path, kind, {**case.patient.fields.get(path, {}), **kept}, out
        if not path:
            return
        path, out = path.rpartition(".")[0], out + 1


def exchanged(case: Case) -> Iterator[Offer]:
    """An argument equal to the number that was wanted takes the one that arrived; upstream the other way round."""
    for wanted, arrived in pairs(case):
        for path, kind, kept, out in around(case):
            for name, value in kept.items():
                if (name in ("out_features", "out_channels") and out == 0) or type(value) is bool:
                    continue
                instead = exchange(value, wanted, arrived)
                if instead is None and out and kind not in case.patient.types:  # a number of the model's own that made what arrives
                    instead = exchange(value, arrived, wanted)
                if instead is not None:
                    yield Offer((edit(path, name, instead),), 2.1 + out * 0.5, f"{kind} {path}: {name} = {instead}, not {value}")
    # one number typed several times in one layer: embed_dim with kdim and vdim, num_embeddings with an index
    for wanted, arrived in pairs(case):
        kept = case.layer[1]
        names = [n for n, v in kept.items() if type(v) is int and v == wanted]
        if len(names) > 1:
            yield Offer(tuple(edit(case.problem.path, n, arrived) for n in names), 2.4, f"{', '.join(names)} = {arrived}")


def pairs(case: Case) -> Iterator[tuple[int, int]]:
    """Numbers that should have been equal: (wanted, arrived)."""
    wanted, arrived = case.wanted, case.arrived
    if type(wanted) is int and type(arrived) is int and wanted != arrived:
        yield wanted, arrived
    elif isinstance(wanted, (list, tuple)) and isinstance(arrived, (list, tuple)) and len(wanted) == len(arrived):
        for w, a in zip(wanted, arrived):
            if w != a and type(w) is int and type(a) is int:
                yield w, a


def exchange(value, wanted: int, arrived: int):
    if type(value) is int:
        return arrived if value == wanted and wanted > 0 else None
    if isinstance(value, (tuple, list)) and wanted in value and all(type(n) is int for n in value):
        return tuple(arrived if n == wanted else n for n in value)
    return None


def switched(case: Case) -> Iterator[Offer]:
    """A yes-or-no argument the other way."""
    for path, kind, kept, out in around(case):
        for name, cost in SWITCHES.items():
            if type(kept.get(name)) is bool and out < 2:
                yield Offer(
                    (edit(path, name, not kept[name]),),
                    cost + (0 if kept[name] is False else 1) + out,
                    f"{kind} {path}: {name}={not kept[name]}",
                )
    if case.problem.kind == "shape":
        for node in case.trail.upstream[-12:]:
            kept = case.patient.layers.get(node.path, ("", {}))[1]
            if kept.get("batch_first") is False:  # what it gives is laid out (length, batch, features)
                yield Offer((edit(node.path, "batch_first", True),), 1.5, f"{node.path}: batch_first=True")
            if kept.get("ceil_mode") is False:
                yield Offer((edit(node.path, "ceil_mode", True),), 4.2, f"{node.path}: ceil_mode=True")


def divided(case: Case) -> Iterator[Offer]:
    """A number of parts that must divide: heads, groups, the width of a window that tiles a map."""
    sizes = {n for i in case.call_inputs for n in case.graph.tensors[i].shape if n > 1}
    for path, kind, kept, out in around(case):
        if out > 1:
            return
        own = kind not in case.patient.types
        for name, value in kept.items():
            if type(value) is not int or not (own or "num" in name or "groups" in name) or not 1 < value <= 128:
                continue
            parts = sorted(
                {d for n in sizes for d in range(1, min(n, 128) + 1) if n % d == 0 and d != value},
                key=lambda d: (abs(d - value), d > value),
            )
            whole = [d for d in parts if d in sizes]
            for d in parts[:10]:
                yield Offer(
                    (edit(path, name, d),),
                    2.6 + (0.3 if d in whole else 0) + (1 if d == 1 else 0) + out * 0.3,
                    f"{kind} {path}: {name} = {d}, not {value}",
                )


def tiled(case: Case) -> Iterator[Offer]:
    """Sizes written down whose product is not what arrives: the sides of the map, as they must be."""
    wanted, arrived = case.wanted, case.arrived
    if type(wanted) is not int or type(arrived) is not int:
        return
    kind, kept = case.layer
    for name, value in kept.items():
        if isinstance(value, (tuple, list)) and all(type(n) is int and n > 0 for n in value) and prod(value) == wanted:
            for side in {n for n in value if value.count(n) == 2}:
                rest = wanted // side**2
                new = isqrt(arrived // rest) if arrived % rest == 0 else 0
                if new and rest * new * new == arrived:
                    sizes = tuple(new if n == side else n for n in value)
                    yield Offer(
                        (edit(case.problem.path, name, sizes),), 2.0, f"{kind} {case.problem.path}: {name} = {sizes}, not {tuple(value)}"
                    )


def cut(case: Case) -> Iterator[Offer]:
    """A padding or window that is larger than the map: made as large as the map allows."""
    wanted, arrived = case.wanted, case.arrived
    if type(wanted) is not int or type(arrived) is not int:
        return
    path = case.problem.path
    kind, kept = case.layer
    for name in ("padding", "kernel_size"):
        value = kept.get(name)
        big = (
            value
            if type(value) is int
            else max(value)
            if isinstance(value, (tuple, list)) and value and all(type(n) is int for n in value)
            else None
        )
        limit = min(wanted, arrived)
        if big is None or big < limit:
            continue
        for smaller in {limit, limit - 1}:
            if 0 < smaller < big:
                instead = smaller if type(value) is int or len(set(value)) == 1 else tuple(min(n, smaller) for n in value)
                yield Offer((edit(path, name, instead),), 1.9 + (limit - smaller) * 0.05, f"{kind} {path}: {name} = {instead}, not {value}")


__all__ = ["offers"]
