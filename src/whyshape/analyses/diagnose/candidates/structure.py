"""Layers put in, taken out or exchanged: a missing flatten, an adaptive pool, the same layer for another number of axes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from math import isqrt

from whyshape.analyses.diagnose.case import Case, Offer, edit
from whyshape.analyses.diagnose.lines import calls, line_edit
from whyshape.sizes import product


def offers(case: Case) -> Iterator[Offer]:
    yield from flattened(case)
    yield from pooled(case)
    yield from other_rank(case)
    yield from channel_norm(case)
    yield from zero_padding(case)
    yield from headless(case)
    yield from removed(case)
    yield from projected(case)
    yield from widened(case)
    yield from left_out(case)


def names_path(case: Case) -> str | None:
    """The refusing layer's path, where something can be put in front of it."""
    return case.problem.path if case.problem.path in case.patient.layers and case.problem.path else None


def flattened(case: Case) -> Iterator[Offer]:
    """A map reaches a layer that reads one axis."""
    path, x, wanted = names_path(case), case.x, case.wanted
    if (
        path is None
        or len(x) < 3
        or type(wanted) is not int
        or ("in_features" not in case.layer[1] and "num_features" not in case.layer[1])
    ):
        return
    flatten = {"insert": "Flatten", "before": path, "args": {}}
    batched = product(x[1:])
    if batched == wanted:
        yield Offer((flatten,), 0.3, f"Flatten before {path}: {'*'.join(map(str, x[1:]))} = {wanted}")
    elif len(x) >= 4 and "in_features" in case.layer[1]:
        # rows that are not the batch, columns that are the last axis of a map: nobody flattened it
        yield Offer(
            (flatten, edit(path, "in_features", batched)),
            1.9,
            f"Flatten before {path}, and in_features = {'*'.join(map(str, x[1:]))} = {batched}",
        )
        if x[1] == wanted:
            pool = {"insert": "AdaptiveAvgPool2d", "before": path, "args": {"output_size": 1}}
            yield Offer((flatten, pool), 1.7, f"AdaptiveAvgPool2d(1) and Flatten before {path}: {wanted} channels, one number each")


def pooled(case: Case) -> Iterator[Offer]:
    """An adaptive pool gives the same places for every picture: the old weights stay."""
    wanted = case.wanted
    if type(wanted) is not int or case.trail.demand is None or "in_features" not in case.layer[1]:
        return
    maps = [n for n in reversed(case.trail.upstream) if len(case.graph.tensors[n.outputs[0]].shape) == 4]
    if not maps:
        return
    channels = case.graph.tensors[maps[0].outputs[0]].shape[1]
    side = isqrt(wanted // channels) if channels else 0
    if not side or channels * side * side != wanted:
        return
    cost = 1.6 if side == 1 else 3.1  # as many features as channels: an average over the map is what is missing
    for node in maps:
        kind, kept = case.patient.layers.get(node.path, ("", {}))
        if "in_channels" in kept:
            break  # what stands before it made other maps
        if node.path and "Pool2d" in kind:
            new = "AdaptiveMaxPool2d" if "Max" in kind else "AdaptiveAvgPool2d"
            says = f"{new}({side}) for {kind} {node.path}: {channels}*{side}*{side} = {wanted} for every picture"
            yield Offer(({"replace": node.path, "with": new, "args": {"output_size": side}},), 3.1, says)
            return
    for node in case.trail.upstream:
        before, after = (case.graph.tensors[t].shape for t in (node.inputs[0], node.outputs[0])) if node.inputs else ((), ())
        if len(before) != 4 or before[1] != channels or len(after) != 2:
            continue
        if "start_dim" in case.patient.layers.get(node.path, ("", {}))[1]:
            pool = {"insert": "AdaptiveAvgPool2d", "before": node.path, "args": {"output_size": side}}
            yield Offer(
                (pool,), cost, f"AdaptiveAvgPool2d({side}) before {node.path}: {channels}*{side}*{side} = {wanted} for every picture"
            )
        for call, on, _ in calls(node.file, node.line, node.op):
            new = f"torch.nn.functional.adaptive_avg_pool2d({ast.unparse(on)}, {side}).flatten(1)"
            yield line_edit(node.file, node.line, call, new, f"{channels}*{side}*{side} = {wanted} for every picture", cost)


def other_rank(case: Case) -> Iterator[Offer]:
    """Layers for another number of axes than the data has: Conv3d for pictures, BatchNorm2d for rows."""
    kind = case.layer[0]
    found = re.fullmatch(r"(.*)([123])d", kind)
    if not found:
        return
    have = len(case.x)
    old = int(found[2])
    for new, cost in ((have - 2, 1.0), (have - 1, 2.6)):
        if not 1 <= new <= 3 or new == old or have == old + 2:
            continue
        edits, paths = [], []
        for path, (name, kept) in case.patient.layers.items():
            match = re.fullmatch(r"(.*)([123])d", name)
            if not path or not match or int(match[2]) != old or f"{match[1]}{new}d" not in case.patient.types:
                continue
            args = {k: v[0] if isinstance(v, tuple) and len(v) == old and len(set(v)) == 1 else v for k, v in kept.items()}
            if any(isinstance(v, tuple) for v in args.values()):
                edits = []
                break
            edits.append({"replace": path, "with": f"{match[1]}{new}d", "args": args})
            paths.append(path)
        if edits:
            yield Offer(
                tuple(edits),
                cost,
                f"{found[1]}{new}d and its kind for {old}d: the data has {new} axes to slide over ({', '.join(paths[:6])})",
            )
    if kind.startswith("BatchNorm") and names_path(case):
        here = re.sub(r"\d", str(max(have - 2, 1)), kind)
        if here != kind and here in case.patient.types:
            yield Offer(
                ({"replace": case.problem.path, "with": here, "args": dict(case.layer[1])},),
                0.8,
                f"{here} for {kind} {case.problem.path}: {have} axes arrive",
            )


def channel_norm(case: Case) -> Iterator[Offer]:
    """A norm over the last axis meets maps whose channels are axis 1."""
    kept, x = case.layer[1], case.x
    shape = kept.get("normalized_shape")
    if isinstance(shape, (tuple, list)) and len(shape) == 1 and len(x) >= 3 and x[1] == shape[0] and names_path(case):
        args = {"num_groups": 1, "num_channels": x[1]}
        yield Offer(
            ({"replace": case.problem.path, "with": "GroupNorm", "args": args},),
            1.4,
            f"GroupNorm(1, {x[1]}) for {case.problem.path}: the channels are axis 1",
        )


def zero_padding(case: Case) -> Iterator[Offer]:
    """Reflection cannot reach further than the map; zeros can."""
    kind, kept = case.layer
    found = re.fullmatch(r"(Reflection|Circular|Replication)(Pad\dd)", kind)
    if found and names_path(case):
        padding = kept["padding"]
        value = padding[0] if isinstance(padding, tuple) and len(set(padding)) == 1 else padding
        yield Offer(
            ({"replace": case.problem.path, "with": f"Zero{found[2]}", "args": {"padding": value}},),
            2.4,
            f"Zero{found[2]} for {kind} {case.problem.path}",
        )


def headless(case: Case) -> Iterator[Offer]:
    """The network in front still ends in its own head: what is wanted is what that head reads."""
    wanted = case.wanted
    if type(wanted) is not int:
        return
    for node in reversed(case.trail.upstream):
        kept = case.patient.layers.get(node.path, ("", {}))[1]
        if kept.get("in_features") == wanted and kept.get("out_features") == case.arrived and node.path:
            yield Offer(
                ({"replace": node.path, "with": "Identity", "args": {}},),
                2.3,
                f"Identity for {node.path}: its {wanted} features are what is wanted",
            )
            return


def removed(case: Case) -> Iterator[Offer]:
    """A layer too many: the one that refuses, or one that shrinks what it gets."""
    path = names_path(case)
    kind, kept = case.layer
    if path and "in_features" not in kept and "in_channels" not in kept:
        yield Offer(({"remove": path},), 4.4, f"without {kind} {path}")
    for node in reversed(case.trail.upstream[-30:]):
        ins, outs = (case.graph.tensors[t[0]].shape if t else () for t in (node.inputs, node.outputs))
        weightless = not any(case.graph.tensors[t].kind == "parameter" for t in node.inputs)
        if weightless and node.path and node.path != path and ins != outs and node.type in case.patient.types:
            yield Offer(({"remove": node.path},), 4.6, f"without {node.type} {node.path}")


def projected(case: Case) -> Iterator[Offer]:
    """A layer in between that turns what arrives into what is wanted: keeps both sides' weights."""
    path, kept, x = names_path(case), case.layer[1], case.x
    wanted, arrived = case.wanted, case.arrived
    if path is None or type(wanted) is not int or type(arrived) is not int or wanted < 1:
        return
    if "in_channels" in kept and case.spatial:
        args = {"in_channels": arrived, "out_channels": wanted, "kernel_size": 1}
        yield Offer(
            ({"insert": f"Conv{case.spatial}d", "before": path, "args": args},),
            4.0,
            f"Conv{case.spatial}d({arrived}, {wanted}, 1) before {path}",
        )
    elif "in_features" in kept and len(x) == 2:
        args = {"in_features": arrived, "out_features": wanted}
        yield Offer(({"insert": "Linear", "before": path, "args": args},), 4.1, f"Linear({arrived}, {wanted}) before {path}")


def widened(case: Case) -> Iterator[Offer]:
    """Numbers of another width reach a stack of layers that hands its width on: a Linear in front of the whole stack."""
    wanted, arrived, path = case.wanted, case.arrived, case.problem.path
    if type(wanted) is not int or type(arrived) is not int or wanted < 1 or case.x[-1:] != (arrived,):
        return
    given = {c.path: case.graph.tensors[c.inputs[0]].shape for c in case.graph.calls if c.inputs}
    outer = []
    while path := path.rpartition(".")[0]:
        if case.patient.layers.get(path, ("",))[0] in case.patient.types and given.get(path, ())[-1:] == (arrived,):
            outer.append(path)
    if outer and "in_features" not in case.layer[1]:
        args = {"in_features": arrived, "out_features": wanted}
        cost = 1.5 if case.near_input() else 2.6  # a layer of the model's own that gives the numbers is changed first
        yield Offer(({"insert": "Linear", "before": outer[-1], "args": args},), cost, f"Linear({arrived}, {wanted}) before {outer[-1]}")


def left_out(case: Case) -> Iterator[Offer]:
    """A place that hands on what it gets, an Identity or an empty Sequential, where something changed the width before."""
    widths = [(case.wanted, case.arrived)]
    if not case.weight:  # two branches meet: either may be the one that was forgotten
        widths.append((case.arrived, case.wanted))
    for call in reversed(case.graph.calls):
        if not call.path or call.inputs != call.outputs or len(call.outputs) != 1 or any(call.path in e.values() for e in case.edits):
            continue
        shape = case.graph.tensors[call.outputs[0]].shape
        for wanted, arrived in widths:
            new = instead_of_nothing(case, shape, wanted, arrived)
            if new is not None:
                kind, args, written = new
                says = f"{written} for {case.patient.layers[call.path][0]} {call.path}, which changes nothing"
                yield Offer(({"replace": call.path, "with": kind, "args": args},), 1.6 if not case.weight else 2.6, says)


def instead_of_nothing(case: Case, shape: tuple, wanted, arrived) -> tuple[str, dict, str] | None:
    """The layer that turns ``arrived`` channels or features into those wanted, in steps where the other branch moves by steps."""
    if type(wanted) is not int or type(arrived) is not int or wanted < 1 or len(shape) < 2 or arrived not in (shape[1], shape[-1]):
        return None
    if len(shape) != 4 or shape[1] != arrived:
        return (
            ("Linear", {"in_features": arrived, "out_features": wanted}, f"Linear({arrived}, {wanted})") if shape[-1] == arrived else None
        )
    args = {"in_channels": arrived, "out_channels": wanted, "kernel_size": 1}
    others = [case.graph.tensors[i].shape for i in case.call_inputs if case.graph.tensors[i].shape[1:2] == (wanted,)]
    step = -(-shape[2] // others[0][2]) if others and len(others[0]) == 4 else 1
    if step < 2:
        return "Conv2d", args, f"Conv2d({arrived}, {wanted}, 1)"
    return "Conv2d", {**args, "stride": step}, f"Conv2d({arrived}, {wanted}, 1, stride={step})"


__all__ = ["offers"]
