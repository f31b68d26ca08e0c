"""Weights of another model: keys whose shapes differ from those in the checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer, edit
from whyshape.analyses.diagnose.reading import numbers

DIFFERS = re.compile(
    r"size mismatch for ([\w.]+): copying a param(?:eter)? with shape (?:torch\.Size\()?\[?([\d, ]*)\]?\)? from checkpoint, "
    r"(?:where )?the shape (?:is )?in current model is (?:torch\.Size\()?\[?([\d, ]*)"
)


def offers(case: Case) -> Iterator[Offer]:
    differ = [(m[0], numbers(m[1]), numbers(m[2])) for m in DIFFERS.findall(case.problem.message)]
    if not differ:
        return
    keys = [key for key, _, _ in differ]
    yield Offer(
        ({"state_dict": "drop", "keys": keys},),
        1.8,
        f"leave {', '.join(keys[:4])} out of the checkpoint and load the rest with strict=False",
    )
    changes: dict[tuple[str, str], int] = {}
    for key, saved, now in differ:
        holder = ".".join(p for p in (case.problem.path, key.rpartition(".")[0]) if p)
        kept = case.patient.layers.get(holder, ("", {}))[1]
        for s, n in zip(saved, now):
            if s == n:
                continue
            for name, value in kept.items():
                if type(value) is int and value == n and name not in ("groups", "padding", "stride", "kernel_size", "dilation"):
                    changes.setdefault((holder, name), s)
    if changes:
        edits = tuple(edit(path, name, value) for (path, name), value in changes.items())
        yield Offer(
            edits, 2.0, "the model as the checkpoint was trained: " + ", ".join(f"{e['layer']}.{e['attr']} = {e['value']}" for e in edits)
        )


__all__ = ["DIFFERS", "offers"]
