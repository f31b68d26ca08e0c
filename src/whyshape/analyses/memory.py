"""What a model needs in memory: weights, gradients, optimizer state, what autograd keeps, and the peak of a run.

Bytes of tensors, as PyTorch's CPU kernels make them; what an allocator rounds up to, and scratch space inside a kernel, is not counted.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from whyshape.analyses.amount import Amount, bytes_text
from whyshape.analyses.autocast import cast_by
from whyshape.analyses.live import Held, live
from whyshape.analyses.operations import at_sizes
from whyshape.analyses.parameters import states
from whyshape.analyses.peak import Lives, checkpointed, inference_peak, training_peak
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.rules.base import TOLD
from whyshape.rules.dtypes import BYTES, name_of
from whyshape.sizes import product
from whyshape.story import Heading, Sentence, Table

SETTINGS = ("optimizer", "state_dtype", "checkpoint", "autocast")  # of `memory`; every other keyword is the size of a free axis
# How many numbers an optimizer keeps for each number that learns.
OPTIMIZERS = {"none": 0, "sgd": 0, "momentum": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2}


class Kept(NamedTuple):
    """What one operator adds to the memory held until the backward pass: tensors nobody kept before it."""

    node: Node
    nbytes: int | None  # None: nobody knows what this operator keeps
    tensors: tuple[int, ...] = ()  # owners of the memory, by index
    missing: str = ""  # what is not counted: the operator, or a part of what it keeps


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
        """As JSON data, in bytes: schema ``whyshape.memory.v1``."""
        return {"schema": "whyshape.memory.v1", **{name: getattr(self, name).to_dict() for name in WORDS}}

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def story(self) -> list:
        """As display blocks: a table in words, then what could not be counted."""
        parts = {name: getattr(self, name) for name in WORDS}
        missing = dict.fromkeys(name for part in parts.values() for name in part.missing)
        said = [Sentence(f"Not counted: {', '.join(missing)}.", "warning")] if missing else []
        rows = tuple((words, parts[name].words(bytes_text)) for name, words in WORDS.items())
        return [Heading("What it needs in memory"), Table(("", "bytes"), rows, (1,)), *said]

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


WORDS = {
    "weights": "weights", "buffers": "buffers", "gradients": "gradients", "optimizer": "optimizer state",
    "activations": "kept for the backward pass", "inference": "peak of running", "training": "peak of training",
}  # fmt: skip


def memory(
    graph: Graph, optimizer: str = "adam", state_dtype: str = "float32", checkpoint: tuple[str, ...] = (), autocast: str | None = None,
    held: Held | None = None, **sizes: int,
) -> Memory:  # fmt: skip
    """What it takes to run and to train the graph's model at the input it was traced with, or at other sizes (``N=64``).

    ``checkpoint``: paths of modules whose activations are computed again instead of kept. ``autocast``: as under
    ``torch.autocast``, "bfloat16" or "float16" on the CPU, "cuda:float16" with the operators that CUDA casts.
    ``held``: the graph's tensors as `live` gives them at these sizes, for who has them already.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> _ = net.layer("Linear", "fc1", net.input((64, 320)), args=(320, 50))
    >>> memory(net.graph(), optimizer="sgd").activations
    81920
    """
    if optimizer not in OPTIMIZERS:
        raise WhyshapeError(f"optimizers are {', '.join(OPTIMIZERS)}; {optimizer!r} was asked for")
    graph = graph.settled()
    cached: tuple[int, ...] = ()
    if autocast is not None:
        (graph, cached), held = cast_by(graph, autocast), None
    held = held or live(graph, at_sizes(graph, False, sizes))
    weights, buffers, gradients, learned = standing(graph)
    state = Amount(OPTIMIZERS[optimizer] * BYTES[name_of(state_dtype)] * learned, weights.missing)
    rows = kept(graph, held, checkpoint)
    there, lives = weights + buffers, Lives(graph, held, cached)
    return Memory(
        weights, buffers, gradients, state, total_of(rows),
        there + inference_peak(held, lives),
        there + state + training_peak(graph, held, lives, kept(graph, held) if checkpoint else rows, checkpoint),
        rows,
    )  # fmt: skip


def standing(graph: Graph) -> tuple[Amount, Amount, Amount, int]:
    """Bytes of the weights, of the buffers and of the gradients, and how many numbers learn."""
    weights = buffers = gradients = learned = 0
    lazy: dict[str, list[str]] = {"parameter": [], "buffer": []}
    for s in states(graph):
        if s.shape is None:
            lazy[s.kind].append(s.name)
            continue
        count = product(s.shape)
        nbytes = count * BYTES[s.dtype]
        if s.kind == "buffer":
            buffers += nbytes
            continue
        weights += nbytes
        if s.trainable:
            gradients, learned = gradients + nbytes, learned + count
    missing = tuple(lazy["parameter"])
    return Amount(weights, missing), Amount(buffers, tuple(lazy["buffer"])), Amount(gradients, missing), learned


def total_of(rows: tuple[Kept, ...]) -> Amount:
    """What all operators together keep, and which of them nobody knows."""
    known = [r.nbytes for r in rows if r.nbytes is not None]
    return Amount(sum(known) if known or not rows else None, tuple(dict.fromkeys(r.missing for r in rows if r.missing)))


def kept(graph: Graph, held: Held, checkpoint: tuple[str, ...] = ()) -> tuple[Kept, ...]:
    """What autograd keeps, operator by operator; memory kept twice counts where it is kept first."""
    inside, entries = checkpointed(graph, checkpoint)
    # What stands in memory anyway is never counted: weights and buffers. Nor is what somebody keeps already.
    nbytes, seen = held.nbytes, {t.index for t in held if t.kind == "parameter" or t.kind == "buffer"}
    rows, told = [], TOLD["saved"]

    def first_time(t: int) -> int:
        owner = held[t].base
        if owner in seen:
            return 0
        seen.add(owner)
        owners.append(owner)
        return nbytes[owner]

    for node in graph.nodes:
        at, owners, partly = node.index, [], ""
        add = sum([first_time(t) for t in entries.get(at, ())]) if entries else 0
        if at not in inside and [i for i in node.outputs if held[i].needs_grad] and told.get(node.op) != []:
            saved = held.asked(node).saved
            if saved is None:
                rows.append(Kept(node, None, (), node.op))
                continue
            made, places, complete = saved
            add += made
            partly = "" if complete else f"what the kernel of {node.op} notes for itself"
            inputs = node.inputs
            # An operator in place that needs what it overwrites keeps a copy; a few compute their gradient from the result instead.
            gone = inputs[0] if node.inplace and not TOLD["by_result"].get(node.op) else -1
            for place in places:
                t = inputs[place] if place < len(inputs) else node.outputs[place - len(inputs)]
                add += nbytes[t] if t == gone else first_time(t)
        rows.append(Kept(node, add, tuple(owners), partly))
    return tuple(rows)
