"""The most memory that is held at once: tensors followed from the operator that makes them to the last that needs them."""

from __future__ import annotations

from whyshape.analyses.amount import Amount
from whyshape.analyses.live import Live
from whyshape.graph import Graph


def lifetimes(graph: Graph, held: list[Live]) -> tuple[list[int], list[list[int]]]:
    """For each tensor that owns memory the last node that needs it, and for each node the memory it makes."""
    return last_uses(graph, held), _born(graph, held)


def last_uses(graph: Graph, held: list[Live]) -> list[int]:
    """For each tensor that owns memory, the last node that runs while Python still holds it; ``len(nodes)``: never let go."""
    last = [-1] * len(held)
    for node in graph.nodes:
        for t in (*node.inputs, *node.outputs):
            last[held[t].base] = node.index
    for call in graph.calls:  # the caller's variable holds what it passed until the module returns
        for t in call.inputs:
            owner = held[t].base
            last[owner] = max(last[owner], call.last - 1)
    for t in (*graph.outputs, *graph.inputs):
        last[held[t].base] = len(graph.nodes)
    return last


def _born(graph: Graph, held: list[Live]) -> list[list[int]]:
    """The owners of memory that each node makes."""
    return [[t for t in node.outputs if held[t].base == t] for node in graph.nodes]


def _given(graph: Graph, held: list[Live]) -> int:
    """Inputs and constants, there before the run."""
    there = {t.index: t for t in held if (t.kind == "input" or t.kind == "constant") and t.base == t.index}
    for node in graph.nodes if there else ():
        for t in node.outputs:
            there.pop(t, None)
    return sum(t.nbytes for t in there.values())


def inference_peak(graph: Graph, held: list[Live], lives) -> Amount:
    """Bytes of activations and inputs at the worst moment of a forward pass."""
    last, born = lives
    ends: dict[int, int] = {}  # node -> bytes that it is the last to need
    now = peak = _given(graph, held)
    for index, made in enumerate(born):
        for t in made:
            nbytes = held[t].nbytes
            now += nbytes
            ends[last[t]] = ends.get(last[t], 0) + nbytes
        if now > peak:
            peak = now
        now -= ends.pop(index, 0)
    return Amount(peak)


def training_peak(graph: Graph, held: list[Live], lives, rows, checkpoint=()) -> Amount:
    """Bytes of activations, their gradients and the weights' gradients at the worst moment of forward and backward."""
    from whyshape.analyses.memory import checkpointed

    inside, entries = checkpointed(graph, checkpoint)
    keeper: dict[int, int] = {}  # owner -> the first node whose backward needs it: the last one to run
    made = [0] * len(graph.nodes)  # memory made on the way by a node
    missing: dict[str, None] = {}
    for row in rows:
        if row.nbytes is None:
            missing[row.node.op] = None
            continue
        for t in row.tensors:
            keeper[t] = row.node.index
        made[row.node.index] = row.nbytes - sum(held[t].nbytes for t in row.tensors)
    entered = {held[t].base for index, tensors in entries.items() for t in tensors}
    last, born = lives
    fixed = {t for t in keeper if keeper[t] not in inside} | entered
    ends: dict[int, list[int]] = {}
    now = peak = _given(graph, held)
    alive: set[int] = set()
    for node in graph.nodes:
        i = node.index
        for t in born[i]:
            now += held[t].nbytes
            alive.add(t)
            ends.setdefault(last[t], []).append(t)
        now += made[i]
        peak = max(peak, now)
        now -= made[i] if i in inside else 0
        for t in ends.pop(i, ()):
            if t not in fixed:
                now -= held[t].nbytes
                alive.discard(t)
    return Amount(max(peak, _backward(graph, held, keeper, made, alive, inside, now)), tuple(missing))


def _backward(graph, held, keeper, made, alive, inside, now) -> int:
    peak = now
    gradients: dict[int, int] = {}  # tensor -> bytes of its gradient
    learned: set[int] = set()
    for t in graph.outputs:
        if held[t].needs_grad:
            gradients[t] = held[t].nbytes
            now += held[t].nbytes
    release: dict[int, list[int]] = {}
    for t, node in keeper.items():
        release.setdefault(node, []).append(t)
    again: set[int] = set()
    for node in reversed(graph.nodes):
        i = node.index
        if i in inside and i not in again:  # computed again: the whole call
            stretch = inside[i]
            again.update(stretch)
            for t, keep in keeper.items():
                if keep in stretch and t not in alive:
                    alive.add(t)
                    now += held[t].nbytes
            now += sum(made[j] for j in stretch)
            peak = max(peak, now)
        outputs = node.outputs
        arriving = sum([gradients.pop(t, 0) for t in outputs])
        if not [t for t in outputs if held[t].needs_grad]:
            continue
        passes: bool | None = None  # whether the gradient is handed on as it came
        given_on = False
        inputs = node.inputs
        for t in inputs if len(inputs) == 1 else dict.fromkeys(inputs):
            tensor = held[t]
            if not tensor.needs_grad:
                continue
            if tensor.kind == "parameter":
                if tensor.base not in learned:
                    learned.add(tensor.base)
                    now += held[tensor.base].nbytes
                continue
            if t not in gradients:
                if passes is None:
                    passes = node.rule is not None and node.rule.view
                if passes and not given_on:
                    gradients[t], given_on = tensor.nbytes, True
                    now += tensor.nbytes - arriving
                    arriving = 0
                else:
                    gradients[t] = tensor.nbytes
                    now += tensor.nbytes
        peak = max(peak, now)
        now -= arriving + made[i]
        for t in release.get(i, ()):
            if t in alive:
                alive.discard(t)
                now -= held[t].nbytes
    return peak
