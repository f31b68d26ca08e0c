"""What changes nothing: a bias that is subtracted again, a branch nobody reads, parameters that never learn."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.hazards.base import Hazard, Seen, called, hazard
from whyshape.graph import Node


@hazard
def bias_before_norm(seen: Seen) -> Iterator[Hazard]:
    """BatchNorm subtracts the mean, and with it any bias added before."""
    for node, call in seen.explained():
        if getattr(call, "bias", None) is None or not node.rule.knobs.get("weight") or not node.outputs:
            continue
        readers = seen.consumers.get(node.outputs[0], [])
        if len(readers) != 1 or readers[0].rule is None or "running_mean" not in readers[0].rule.knobs:
            continue
        norm = seen.graph.call(readers[0])
        if getattr(norm, "running_mean", None) is None or getattr(norm, "bias", None) is None:
            continue
        yield Hazard(
            "bias_before_norm", "hint", f"the bias of {called(node)} changes nothing: {called(readers[0])} subtracts the mean, and adds a bias of its own",
            seen.at(node), {"numbers": norm.bias.shape[0], "norm": readers[0].path}, "bias=False",
        )  # fmt: skip


@hazard
def dead_branch(seen: Seen) -> Iterator[Hazard]:
    """Layers that run and whose result no output depends on."""
    graph = seen.graph
    if graph.problem is not None or not graph.outputs:
        return
    dead: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.index in seen.alive or node.inplace or not any(seen.kind(i) == "parameter" for i in node.inputs):
            continue
        readers = [r for o in node.outputs for r in seen.consumers.get(o, [])]
        if any(r.inplace or any(seen.kind(i) == "parameter" for i in r.inputs) for r in readers):
            continue  # the last of the branch speaks for it; what is written in place may be read by another name
        dead.setdefault(node.path or str(node.index), []).append(node)
    for nodes in dead.values():
        node, often = nodes[0], sum(n.path == nodes[0].path and n.op == nodes[0].op for n in graph.nodes) if nodes[0].path else 1
        some = len(nodes) < often  # a layer called in a loop, whose last result alone is used
        yield Hazard(
            "dead_branch", "hint" if some else "warning",
            f"{len(nodes)} of {often} calls of {called(node)} give what no output depends on" if some
            else f"{called(node)} runs, and no output depends on what it gives",
            seen.at(node), {"outputs": [list(seen.shape(o)) for n in nodes for o in n.outputs], "calls": often},
            "call it where its result is used" if some else "use its result, or leave the layer out",
        )  # fmt: skip


@hazard
def unused_parameters(seen: Seen) -> Iterator[Hazard]:
    """Parameters of the model that no output depends on."""
    graph = seen.graph
    if graph.problem is not None or not graph.state or not graph.outputs:
        return
    used = {graph.tensors[i].name for n in graph.nodes if n.index in seen.alive for i in n.inputs}
    ran = {graph.tensors[i].name for n in graph.nodes for i in n.inputs}  # a dead branch is told once
    told = used | ran
    idle = [s for s in graph.state if s.kind == "parameter" and s.trainable and told.isdisjoint((s.name, *s.also))]
    if idle and not any(n.by == "measured" for n in graph.nodes):
        layers = sorted({s.name.rpartition(".")[0] or s.name for s in idle})
        yield Hazard(
            "unused_parameters", "warning" if graph.training else "hint",
            f"{len(idle)} parameters take no part{'' if graph.training else ' in eval mode'}: {', '.join(layers[:4])}{', ...' if len(layers) > 4 else ''}",
            {"layer": layers[0], "type": "", "file": "", "line": 0, "op": ""}, {"parameters": [s.name for s in idle[:64]]}, "call them in forward, or leave them out",
        )  # fmt: skip


@hazard
def one_value(seen: Seen) -> Iterator[Hazard]:
    """BatchNorm with one place per channel: in training a batch of one is refused."""
    for node, call in seen.explained():
        if "running_mean" not in node.rule.knobs or not hasattr(call, "training") or not node.inputs:
            continue
        shape = seen.shape(node.inputs[0])
        if call.training and len(shape) > 2 and all(n == 1 for n in shape[2:]):
            yield Hazard(
                "one_value", "hint", f"{called(node)} has one place for each channel: in training a last batch of one is refused",
                seen.at(node), {"shape": list(shape)}, "DataLoader(..., drop_last=True)",
            )  # fmt: skip
