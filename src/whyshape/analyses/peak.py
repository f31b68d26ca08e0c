"""The most memory that is held at once: tensors followed from the operator that makes them to the last that needs them."""

from __future__ import annotations

from whyshape.analyses.amount import Amount
from whyshape.analyses.live import Held
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph


class Lives:
    """When memory comes and goes in a forward pass, by its owner: the tensor that others are views of."""

    def __init__(self, graph: Graph, held: Held, lasting: tuple[int, ...] = ()):
        self.owner = owner = [t.base for t in held]
        self.last = last_uses(graph, owner, lasting)
        self.born = [[t for t in node.outputs if owner[t] == t] for node in graph.nodes]
        made = {t for born in self.born for t in born}
        given = [t.index for t in held if t.kind in ("input", "constant") and owner[t.index] == t.index and t.index not in made]
        self.given = sum([held.nbytes[t] for t in given])  # inputs and constants, there before the run


def last_uses(graph: Graph, owner: list[int], lasting: tuple[int, ...] = ()) -> list[int]:
    """For each tensor that owns memory, the last node that runs while Python still holds it; ``len(nodes)``: never let go.

    ``lasting``: tensors that somebody else holds until the end.
    """
    last = [-1] * len(owner)
    for index, node in enumerate(graph.nodes):
        for t in node.inputs:
            last[owner[t]] = index
        for t in node.outputs:
            last[owner[t]] = index
    for call in graph.calls:  # the caller's variable holds what it passed until the module returns
        end = call.last - 1
        for t in call.inputs:
            if last[owner[t]] < end:
                last[owner[t]] = end
    for t in (*graph.outputs, *graph.inputs, *lasting):
        last[owner[t]] = len(graph.nodes)
    return last


def checkpointed(graph: Graph, paths: tuple[str, ...]) -> tuple[dict[int, range], dict[int, list[int]]]:
    """For each node inside a call of a named module, that call's nodes; and the tensors each call was entered with, by its first node."""
    inside: dict[int, range] = {}
    entries: dict[int, list[int]] = {}
    for path in paths:
        calls = [c for c in graph.calls if c.path == path]
        if not calls:
            raise WhyshapeError(f"no module at {path!r} was called")
        for c in calls:
            if c.last > c.first:
                inside.update(dict.fromkeys(range(c.first, c.last), range(c.first, c.last)))
                entries.setdefault(c.first, []).extend(c.inputs)
    return inside, entries


def inference_peak(held: Held, lives: Lives) -> Amount:
    """Bytes of activations and inputs at the worst moment of a forward pass."""
    nbytes, last = held.nbytes, lives.last
    ends = [0] * (len(lives.born) + 1)  # bytes that each node is the last to need
    now = peak = lives.given
    for index, born in enumerate(lives.born):
        for t in born:
            now += nbytes[t]
            ends[last[t]] += nbytes[t]
        if now > peak:
            peak = now
        now -= ends[index]
    return Amount(peak)


def training_peak(graph: Graph, held: Held, lives: Lives, rows, checkpoint=()) -> Amount:
    """Bytes of activations, their gradients and the weights' gradients at the worst moment of forward and backward."""
    inside, entries = checkpointed(graph, checkpoint)
    nbytes, last = held.nbytes, lives.last
    keeper: dict[int, int] = {}  # owner -> the first node whose backward needs it: the last one to run
    made = [0] * len(graph.nodes)  # memory made on the way by a node
    missing: dict[str, None] = {}
    for index, row in enumerate(rows):
        if row.missing:
            missing[row.missing] = None
        if row.nbytes is None:
            continue
        made[index] = row.nbytes
        for t in row.tensors:
            keeper[t] = index
            made[index] -= nbytes[t]
    fixed = {t for t in keeper if keeper[t] not in inside} if inside else {*keeper}
    fixed.update(lives.owner[t] for tensors in entries.values() for t in tensors)
    ends: list[list[int]] = [[] for _ in range(len(made) + 1)]
    now = peak = lives.given
    alive: set[int] = set()
    for index, born in enumerate(lives.born):
        for t in born:
            now += nbytes[t]
            alive.add(t)
            if t not in fixed:
                ends[last[t]].append(t)
        now += made[index]
        if now > peak:
            peak = now
        if index in inside:
            now -= made[index]
        for t in ends[index]:
            now -= nbytes[t]
            alive.discard(t)
    return Amount(max(peak, _backward(graph, held, lives.owner, keeper, made, alive, inside, now)), tuple(missing))


def _backward(graph: Graph, held: Held, owner: list[int], keeper, made, alive, inside, now) -> int:
    """The peak of a backward pass that begins with ``now`` bytes: what each node kept goes when its gradients are made."""
    nbytes, wants = held.nbytes, [t.needs_grad for t in held]
    learns = [t.kind == "parameter" for t in held]
    gradients: dict[int, int] = {}  # tensor -> bytes of its gradient
    learned: set[int] = set()
    for t in graph.outputs:
        if wants[t]:
            gradients[t] = nbytes[t]
            now += nbytes[t]
    peak = now
    release: list[list[int]] = [[] for _ in made]
    for t, index in keeper.items():
        release[index].append(t)
    again: set[int] = set()
    for index in range(len(made) - 1, -1, -1):
        if index in inside and index not in again:  # computed again: the whole call
            stretch = inside[index]
            again.update(stretch)
            for t, keep in keeper.items():
                if keep in stretch and t not in alive:
                    alive.add(t)
                    now += nbytes[t]
            now += sum([made[j] for j in stretch])
            peak = max(peak, now)
        node = graph.nodes[index]
        arriving, follows = 0, False
        for t in node.outputs:
            arriving += gradients.pop(t, 0)
            follows = follows or wants[t]
        if not follows:
            continue
        handed: bool | None = None  # whether the gradient was handed on as it came
        for t in node.inputs:
            if not wants[t]:
                continue
            if learns[t]:
                if owner[t] not in learned:
                    learned.add(owner[t])
                    now += nbytes[owner[t]]
            elif t not in gradients:
                gradients[t] = nbytes[t]
                now += nbytes[t]
                if handed is None:
                    handed = node.rule is not None and node.rule.view
                    if handed:
                        now -= arriving
                        arriving = 0
        if now > peak:
            peak = now
        now -= arriving + made[index]
        for t in release[index]:
            if t in alive:
                alive.discard(t)
                now -= nbytes[t]
    return peak
