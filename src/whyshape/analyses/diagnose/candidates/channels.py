"""Grey and colour: the channels of a picture."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.candidates.axes import called, put, reader
from whyshape.analyses.diagnose.case import Case, Offer, edit


def offers(case: Case) -> Iterator[Offer]:
    yield from stacked(case)
    for i in case.inputs[:3]:
        wanted, spatial = reader(case, i)
        if not wanted or not spatial or len(i.shape) not in (spatial + 1, spatial + 2):
            continue
        axis = len(i.shape) - spatial - 1
        arrived, name = i.shape[axis], called(i)
        if arrived == wanted:
            continue
        if arrived == 1 and spatial == 2:
            yield Offer(
                put(i, "expand_channels", to=wanted), 0.8 if wanted == 3 else 2.6, f"{name} is grey: its one channel shown {wanted} times"
            )
        if wanted == 1 and arrived == 3 and spatial == 2:
            yield Offer(put(i, "grayscale"), 0.9, f"{name} is coloured: the mean of its channels")
        if arrived > wanted:
            rgba = arrived == 4 and wanted == 3
            yield Offer(
                put(i, "slice", dim=axis, to=wanted),
                0.7 if rgba else 3.6,
                f"{name}: the first {wanted} channels" + (", without transparency" if rgba else ""),
            )
    kind, kept = case.layer
    if kept.get("in_channels") == 1 and kept.get("groups") == 1 and type(case.arrived) is int and case.arrived > 1:
        c = case.arrived
        changes = {"in_channels": c, "out_channels": kept["out_channels"] * c, "groups": c}
        edits = tuple(edit(case.problem.path, k, v) for k, v in changes.items())
        one_filter = kept["out_channels"] == 1  # from one channel to one: a filter, meant for each channel by itself
        yield Offer(edits, 0.7 if one_filter else 2.3, f"{kind} {case.problem.path}: one filter for each of the {c} channels (groups={c})")


def stacked(case: Case) -> Iterator[Offer]:
    """Pictures of one batch, some grey without a channel axis, some coloured."""
    ranks = {len(i.shape) for i in case.inputs}
    if len(case.inputs) < 2:
        return
    if ranks == {2, 3} or (ranks == {3} and len({i.shape[0] for i in case.inputs}) > 1):
        to = max((i.shape[0] for i in case.inputs if len(i.shape) == 3), default=3)
        if to in (1, 3, 4):
            grey = [i for i in case.inputs if len(i.shape) == 3 and i.shape[0] == 1 and to > 1]
            edits = (
                put("all", "expand_channels", to=to)
                if ranks == {2, 3}
                else tuple(e for i in grey for e in put(i, "expand_channels", to=to))
            )
            if edits:
                yield Offer(edits, 0.7, f"every picture with {to} channels, the grey ones too")


__all__ = ["offers"]
