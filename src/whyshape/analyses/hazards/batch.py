"""The batch: rows mixed, an axis lost, two columns blown up to a square."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.rows import mixing
from whyshape.analyses.hazards.base import Hazard, Seen, called, hazard


@hazard
def rows(seen: Seen) -> Iterator[Hazard]:
    """`view(-1, 320)` that makes 25 rows of 16 images."""
    for node in mixing(seen.graph):
        before, after = seen.shape(node.inputs[0]), seen.shape(node.outputs[0])
        yield Hazard(
            "rows", "error",
            f"{called(node)} makes {after[0]} rows of {before[0]}: {'x'.join(map(str, before))} cut into rows of {after[-1]} mixes what belongs to different rows",
            seen.at(node), {"rows_before": before[0], "rows_after": after[0], "before": list(before), "after": list(after)},
            "x.flatten(1) or x.view(x.size(0), -1) keeps the rows",
        )  # fmt: skip


@hazard
def squeezed(seen: Seen) -> Iterator[Hazard]:
    """`squeeze()` takes the batch axis along when the batch is 1."""
    inputs = set(seen.graph.inputs)
    rows = {seen.shape(i)[0] for i in inputs if seen.shape(i)}
    for node, call in seen.explained():
        if not node.rule.view or getattr(call, "dim", 0) is not None or not node.inputs:
            continue
        before, after = seen.shape(node.inputs[0]), seen.shape(node.outputs[0])
        if len(before) < 2 or len(before) == len(after) or before[0] not in rows or 1 not in before:
            continue
        lost = before[0] == 1
        yield Hazard(
            "squeeze", "error" if lost else "warning",
            f"{called(node)} without an axis {'has removed' if lost else 'removes'} the batch axis too{'' if lost else ' when the batch is 1'}",
            seen.at(node), {"before": list(before), "after": list(after)}, "name the axes: x.squeeze(-1), or x.flatten(1)",
        )  # fmt: skip


@hazard
def broadcast(seen: Seen) -> Iterator[Hazard]:
    """A column and a row of the same numbers, matched to a square."""
    for node, _ in seen.explained():
        if not node.rule.pointwise or len(node.inputs) != 2:
            continue
        tall, flat = sorted((seen.shape(i) for i in node.inputs), key=len, reverse=True)
        if not (len(flat) >= 1 and flat[-1] > 1 and tall[-1:] == (1,) and tall[:-1] == flat):
            continue
        one, other = (seen.producers.get(i) for i in node.inputs)
        if any(p is not None and p.rule is not None and p.rule.view for p in (one, other)):
            continue  # somebody gave the column its axis on purpose
        if any(seen.kind(i) in ("parameter", "buffer", "constant") for i in node.inputs):
            continue
        out = seen.shape(node.outputs[0])
        yield Hazard(
            "broadcast", "error",
            f"{called(node)} matches {'x'.join(map(str, tall))} with {'x'.join(map(str, flat))} and gives {'x'.join(map(str, out))}: every number meets every other",
            seen.at(node), {"inputs": [list(tall), list(flat)], "output": list(out)}, "give both the same axes: y.unsqueeze(-1), or x.squeeze(-1)",
        )  # fmt: skip
