"""What a model needs in memory: weights, gradients, optimizer state, what autograd keeps, and the peak of a run.

Bytes of tensors, as PyTorch's CPU kernels make them; what an allocator rounds up to, and scratch space inside a kernel, is not counted.
"""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.amount import Amount, amount
from whyshape.analyses.live import Live, call_of, live
from whyshape.analyses.operations import at_sizes
from whyshape.analyses.parameters import parameters
from whyshape.analyses.peak import inference_peak, training_peak
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.rules.base import TOLD
from whyshape.rules.dtypes import BYTES, name_of
from whyshape.sizes import product

# How many numbers an optimizer keeps for each number that learns.
OPTIMIZERS = {"none": 0, "sgd": 0, "momentum": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2}


class Kept(NamedTuple):
    """What one operator adds to the memory held until the backward pass: tensors nobody kept before it."""

    node: Node
    nbytes: int | None  # None: nobody knows what this operator keeps
    tensors: tuple[int, ...] = ()  # owners of the memory, by index


class Memory(NamedTuple):
    """Bytes, each with what could not be counted."""

    weights: Amount
    buffers: Amount
    gradients: Amount
    optimizer: Amount
    activations: Amount  # held for the backward pass when the forward has ended
    inference: Amount  # peak of a forward pass without gradients, weights included
    training: Amount  # peak of forward, backward and step
    rows: tuple[Kept, ...]

    def to_dict(self) -> dict:
        """As JSON data, in bytes."""
        return {name: getattr(self, name).to_dict() for name in self._fields[:-1]}


def memory(graph: Graph, optimizer: str = "adam", state_dtype: str = "float32", checkpoint: tuple[str, ...] = (), **sizes: int) -> Memory:
    """What it takes to run and to train the graph's model at the input it was traced with, or at other sizes (``N=64``).

    ``checkpoint``: paths of modules whose activations are computed again instead of kept.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> _ = net.layer("Linear", "fc1", net.input((64, 320)), args=(320, 50))
    >>> memory(net.graph(), optimizer="sgd").activations
    81920
    """
    if optimizer not in OPTIMIZERS:
        raise WhyshapeError(f"optimizers are {', '.join(OPTIMIZERS)}; {optimizer!r} was asked for")
    held = live(graph, at_sizes(graph, False, sizes))
    stands = parameters(graph)
    learned = [r for r in stands.rows if r.state.kind == "parameter" and r.state.trainable]
    lazy = tuple(r.name for r in stands.rows if r.count is None)
    known = lambda kind: sum(r.nbytes or 0 for r in stands.rows if r.state.kind == kind)
    weights, buffers = Amount(known("parameter"), lazy), Amount(known("buffer"))
    gradients = Amount(sum(r.nbytes or 0 for r in learned), lazy)
    state = Amount(OPTIMIZERS[optimizer] * BYTES[name_of(state_dtype)] * sum(r.count or 0 for r in learned), lazy)
    rows = kept(graph, held, checkpoint)
    activations = amount(Amount(r.nbytes, () if r.nbytes is not None else (r.node.op,)) for r in rows)
    standing = weights + buffers
    return Memory(
        weights, buffers, gradients, state, activations,
        standing + inference_peak(graph, held),
        standing + state + training_peak(graph, held, kept(graph, held) if checkpoint else rows, checkpoint),
        rows,
    )  # fmt: skip


def kept(graph: Graph, held: list[Live], checkpoint: tuple[str, ...] = ()) -> tuple[Kept, ...]:
    """What autograd keeps, operator by operator; memory kept twice counts where it is kept first."""
    inside, entries = checkpointed(graph, checkpoint)
    seen: set[int] = set()
    rows = []
    for node in graph.nodes:
        add, owners = 0, []
        for index in entries.get(node.index, ()):
            add += _first_time(held, held[index], seen, owners)
        if node.index not in inside and any(held[i].needs_grad for i in node.outputs):
            items = None if node.rule is None else node.rule.saved(call_of(node, held))
            if items is None:
                rows.append(Kept(node, None))
                continue
            # An operator in place that needs what it overwrites keeps a copy; a few compute their gradient from the result instead.
            gone = node.inputs[0] if node.inplace and not TOLD["by_result"].get(node.op) else -1
            for item in items:
                fresh = type(item) is not Live or item.index == gone
                add += _nbytes(item) if fresh else _first_time(held, item, seen, owners)
        rows.append(Kept(node, add, tuple(owners)))
    return tuple(rows)


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


def _first_time(held, tensor: Live, seen: set[int], owners: list[int]) -> int:
    owner = held[tensor.base]
    if owner.index in seen or owner.kind in ("parameter", "buffer"):
        return 0
    seen.add(owner.index)
    owners.append(owner.index)
    return owner.nbytes


def _nbytes(spec) -> int:
    return product(spec.shape) * BYTES[name_of(spec.dtype)]
