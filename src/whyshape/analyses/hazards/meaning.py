"""Operators applied where they mean something else: softmax over the batch, softmax twice, Linear along a picture's width."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.hazards.base import Hazard, Seen, called, hazard

SHARES = "softmax"  # what rules that make shares call themselves
COMPARES = "cross_entropy"  # the loss that takes scores and makes the shares itself


@hazard
def softmax_axis(seen: Seen) -> Iterator[Hazard]:
    """Shares that add up to 1 over the batch, not over the classes."""
    for node, call in seen.explained():
        if node.rule.title != SHARES or not node.inputs:
            continue
        shape, dim = seen.shape(node.inputs[0]), getattr(call, "dim", -1)
        made = seen.back(node.inputs[0])
        on_rows = made is not None and any(seen.kind(i) == "parameter" for i in made.inputs) and len(shape) == 2
        if isinstance(dim, int) and len(shape) >= 2 and dim % len(shape) == 0 and on_rows:
            yield Hazard(
                "softmax_axis", "error", f"{called(node)} adds up to 1 over axis 0, the batch: the {shape[0]} rows share, not the {shape[-1]} classes",
                seen.at(node), {"dim": dim, "shape": list(shape)}, "dim=1, or dim=-1",
            )  # fmt: skip


@hazard
def softmax_twice(seen: Seen) -> Iterator[Hazard]:
    """Cross-entropy makes the shares itself: after a softmax it learns slowly, and silently."""
    for node, _ in seen.explained():
        if node.op.rpartition(".")[2] != COMPARES or not node.inputs:
            continue
        made = seen.producers.get(node.inputs[0])
        if made is not None and made.rule is not None and made.rule.title == SHARES and not made.op.startswith("log"):
            yield Hazard(
                "softmax_twice", "error", f"{called(made)} stands before {called(node)}, which takes scores and makes the shares itself",
                seen.at(made), {"softmax": made.path, "loss": node.path}, "leave the softmax out while training, or take its logarithm and NLLLoss",
            )  # fmt: skip


@hazard
def linear_along_width(seen: Seen) -> Iterator[Hazard]:
    """A Linear on a map works along its width: it fits only because the width happens to be in_features."""
    for node, _ in seen.explained():
        words = node.rule.knobs.get("weight", ())
        if words[-1:] != ("in_features",) or not node.inputs:
            continue
        shape = seen.shape(node.inputs[0])
        made = seen.back(node.inputs[0])
        if len(shape) < 4 or made is None or made.rule is None or made.rule.view:
            continue
        windows = made.rule.reach(graph_call(seen, made)) or {}
        if -1 in windows and -2 in windows:
            yield Hazard(
                "linear_along_width", "error", f"{called(node)} works along the width of {'x'.join(map(str, shape))}, which {called(made)} made: a flatten is missing",
                seen.at(node), {"shape": list(shape), "in_features": shape[-1]}, "x.flatten(1) before it; to mean the channels, x.permute(0, 2, 3, 1)",
            )  # fmt: skip


def graph_call(seen: Seen, node):
    return seen.graph.call(node)
