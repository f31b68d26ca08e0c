"""Whether the batch that went in comes out: one row for each, none mixed."""

from __future__ import annotations

from whyshape.analyses.diagnose.trail import Trail
from whyshape.graph import Graph
from whyshape.sizes import Size, leaves


def batch_survives(trial) -> bool:
    """Whether the first axis of the output is still the batch of the (changed) input."""
    out, first = trial.output, trial.first_input
    if not out or not first or out[0] == first[0]:
        return True
    graph = trial.graph
    if len(first) == 1:
        return True
    if any(True for _ in mixing(graph)):
        return False
    rows = Trail(graph, list(graph.outputs[:1])).size(graph.outputs[0], 0)
    if not isinstance(rows, Size):
        return True
    # one row for each channel: the batch axis never was there
    return any(at.leaf and at.leaf.ref and at.leaf.ref[0] == "input" for at in leaves(rows))


def cuts_batch(case, edits) -> bool:
    """Whether the edits make one input longer or shorter along the axis that counts the batch for another one as well."""
    counted = [i.shape[0] for i in case.inputs if i.shape]
    changed = {e.get("arg", 0): e for e in edits if e.get("dim") == 0 and e.get("input") in LENGTHS}
    return len(changed) < len(case.inputs) and any(i.arg in changed and i.shape and counted.count(i.shape[0]) > 1 for i in case.inputs)


LENGTHS = ("truncate", "slice", "pad_length", "index")


def mixing(graph: Graph):
    """Reshapes that count the rows themselves, from numbers typed: `view(-1, 320)`, where the rows they make are not the batch."""
    rows = {graph.tensors[i].shape[:1] for i in graph.inputs}
    fed = set(graph.inputs)
    for node in graph.nodes:
        if fed.isdisjoint(node.inputs):
            continue  # a table of the model's own has no batch
        fed.update(node.outputs)
        if node.rule is None or not node.rule.view or len(node.args) < 2 or len(node.inputs) != 1:
            continue
        shape = node.args[1:] if not isinstance(node.args[1], (tuple, list)) else tuple(node.args[1])
        if not shape or shape[0] != -1 or isinstance(shape[0], Size) or any(isinstance(n, Size) or type(n) is not int for n in shape[1:]):
            continue
        before, after = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
        whole = before[-len(after) + 1 :] == after[1:]  # (N, L, words) to (N*L, words): rows stay whole and are only counted otherwise
        if len(before) >= 2 and len(after) >= 2 and before[0] != after[0] and before[:1] in rows and not whole:
            yield node


__all__ = ["batch_survives", "cuts_batch", "mixing"]
