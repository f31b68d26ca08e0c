"""What an error message means, from its words alone; with a model, the diagnosis as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt, prod

from whyshape.analyses.diagnose.problem import Diagnosis
from whyshape.analyses.diagnose.reading import Reading, read
from whyshape.analyses.diagnose.text import clean
from whyshape.analyses.why import Answer
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph

TOLD: dict[str, Callable[[Reading], Iterator[str]]] = {}


def told(*kinds: str):
    """Register what a kind of message means, in sentences."""

    def register(function):
        TOLD.update(dict.fromkeys(kinds, function))
        return function

    return register


def read_message(text: str, graph: Graph | None = None, model=None) -> Answer:
    """What a shape error of PyTorch says. With a ``graph`` that stops, also why; with its ``model``, changes that were tried.

    >>> print(read_message("mat1 and mat2 shapes cannot be multiplied (16x500 and 320x50)").sentences[0])
    500 numbers arrive where 320 are wanted: mat1 is your data, 16 rows of 500 numbers; mat2 is the layer, which wants 320 and gives 50.
    """
    text = text.strip()
    if not text:
        raise WhyshapeError("an error message is wanted, an empty one arrived")
    known = read(text)
    if known is None and graph is None:
        raise WhyshapeError(f"these words are not known: {clean(text)[:80]!r}; with a target and --input the model itself is asked")
    sentences = list(TOLD[known.kind](known)) if known is not None and known.kind in TOLD else []
    if known is not None and known.kind == "batch" and graph is not None:
        sentences += rows_told(graph)
    if graph is not None:
        sentences += from_model(graph, model)
    return Answer(clean(text), tuple(sentences) or ("The model does not stop on this input.",))


def from_model(graph: Graph, model) -> Iterator[str]:
    """The chain behind the mismatch in this model, and the ways out."""
    if graph.problem is None:
        yield "On the input that was given this model does not stop: the message is about another input, or another model."
        return
    found = diagnosed(graph, model)
    if found is None or found.fits:
        p = graph.problem
        yield f"It stops in {clean(p.path or p.op)}: {clean(p.sentence)}."
        return
    for problem in found.problems:
        if problem.because:
            yield "; ".join(clean(link.says) for link in problem.because[:6]) + "."
        ways = [f for f in problem.fixes if f.verified][:3]
        if ways:
            yield (
                "Fixes, each tested by running it: "
                + "; ".join(f"({'abc'[i]}) {clean(f.says)} ({f.cost})" for i, f in enumerate(ways))
                + "."
            )


def diagnosed(graph: Graph, model) -> Diagnosis | None:
    """The diagnosis of the model on the inputs of the graph; None where there is no PyTorch model to try changes on."""
    if isinstance(model, str):
        from whyshape.readers.notation import THREAD

        if model != THREAD:
            return None
        from whyshape.lab.network import ThreadNet  # the same network, as PyTorch runs it

        model = ThreadNet()
    if model is None or isinstance(model, Graph):
        return None
    from whyshape.analyses.diagnose.run import diagnose

    tensors = [graph.tensors[i] for i in graph.inputs]
    return diagnose(model, [t.shape for t in tensors], dtypes=[t.dtype for t in tensors], mode="train" if graph.training else "eval")


def rows_told(graph: Graph) -> Iterator[str]:
    """Where rows of the batch were cut anew: the cause that shows only at the loss."""
    from whyshape.analyses.diagnose.rows import mixing

    for node in mixing(graph):
        before, after = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
        each = prod(before[1:])
        yield (
            f"{before[0]} * {each} numbers = {prod(before)} = {after[0]} * {prod(after[1:])}: view(-1, {after[-1]}) cut the numbers into rows of {after[-1]} and mixed "
            f"what belongs to different rows. flatten(1) keeps {before[0]} rows; then the true problem shows: {each} is not {after[-1]}."
        )


@told("linear")
def _linear(r: Reading):
    if r.wanted is None:
        yield "The two sides of a matrix product do not meet: the columns of your data must be the in_features of the layer."
        return
    rows, out = r.numbers["rows"], r.numbers["out"]
    yield f"{r.arrived} numbers arrive where {r.wanted} are wanted: mat1 is your data, {rows} rows of {r.arrived} numbers; mat2 is the layer, which wants {r.wanted} and gives {out}."
    if r.wanted % r.arrived == 0 and r.wanted // r.arrived > 1:
        yield f"{r.wanted} = {r.wanted // r.arrived} * {r.arrived}: if {r.arrived} is the width of a map, a flatten is missing; if one picture came without a batch, unsqueeze(0)."
    yield f"If {rows} is not your batch, rows were cut or never flattened; else the picture has another size than the layer was made for, or in_features must be {r.arrived}."


@told("channels")
def _channels(r: Reading):
    weight, given = r.numbers["weight"], r.numbers["input"]
    axes = len(weight) - 2
    yield f"The layer was made for {r.wanted} channels, {r.arrived} arrive: read the weight as ({weight[0]} out, {weight[1]} in, {', '.join(map(str, weight[2:]))}), the input as {tuple(given)}."
    if len(given) == axes + 1:
        yield f"{tuple(given)} has {axes + 1} axes, so it is taken for one case without a batch, and its first axis for the channels: is an axis missing? unsqueeze(0) adds a batch, unsqueeze(1) channels."
    elif given[-1] == r.wanted:
        yield f"The last axis has the {r.wanted}: the data is probably height x width x channels, x.permute(0, {axes + 1}, {', '.join(str(i) for i in range(1, axes + 1))})."
    elif r.arrived == 1:
        yield f"The picture is grey: x.expand(-1, {r.wanted}, {', '.join(['-1'] * axes)}) repeats it, or the layer takes in_channels=1."
    elif r.wanted == 1 and r.arrived == 3:
        yield "The picture is coloured: x.mean(1, keepdim=True) makes it grey, or the layer takes in_channels=3."
    else:
        yield f"Either in_channels of this layer must be {r.arrived}, or out_channels of the one in front {r.wanted}."


@told("rank")
def _rank(r: Reading):
    given = r.numbers.get("input")
    if given is None:
        yield f"An input of {r.wanted} axes is wanted, one of {r.arrived} arrives."
        return
    yield f"{len(given)} axes arrive, {r.wanted} are wanted: batch, channels, then the places the layer slides over."
    if len(given) == 2 and r.wanted == 4:
        rows, n = given
        for channels in (1, 3):
            side = isqrt(n // channels)
            if n == channels * side * side:
                yield f"You gave {rows} rows of {n} numbers; a convolution needs pictures. {n} = {channels}*{side}*{side}, so: x.view(-1, {channels}, {side}, {side})."
                return
    elif len(given) == r.wanted + 1:
        yield "One axis is too many: x.flatten(0, 1) lays the first two together, x.squeeze(...) takes an axis of 1 away."


@told("view")
def _view(r: Reading):
    shape = r.numbers["shape"]
    if -1 in shape:
        yield f"{r.arrived} numbers arrive, and {r.arrived} is no multiple of {r.wanted}: rows of {r.wanted} cannot be cut from them."
        yield "The picture has another size than the code was written for. x.flatten(1) keeps one row for each case, and shows how long the rows really are."
    else:
        yield f"The shape {shape} holds {r.wanted} numbers, {r.arrived} arrive."


@told("cat")
def _cat(r: Reading):
    axis = f" along axis {r.numbers['differ']}" if "differ" in r.numbers else ""
    yield f"Joined along axis {r.numbers['axis']}, the parts must be equal everywhere else: one has {r.wanted}{axis}, another {r.arrived}."
    if abs(r.wanted - r.arrived) <= 2:
        yield "They differ by little: a size was halved and rounded down, then doubled. A picture whose sides are multiples of 2 for every halving fits, or one part resized to the other."


@told("broadcast")
def _broadcast(r: Reading):
    yield f"Matched cell by cell, axis {r.numbers['axis']} is {r.arrived} in the first and {r.wanted} in the second: they must be equal, or one of them 1."
    small, large = sorted((r.wanted, r.arrived))
    if isqrt(large - 1) ** 2 == large - 1 and isqrt(small - 1) ** 2 == small - 1 and small > 4:
        yield f"{large} = {isqrt(large - 1)}*{isqrt(large - 1)} + 1 and {small} = {isqrt(small - 1)}*{isqrt(small - 1)} + 1: a table of positions for another picture size."
    elif large - small <= 2:
        yield "They differ by little: a size was halved and rounded down, then doubled."


@told("window")
def _window(r: Reading):
    if "kernel" in r.numbers:
        yield f"A kernel of {r.wanted} cells has {r.arrived} places, padding included: the input is too small here, a larger one or more padding is needed."
    else:
        yield f"The pool leaves {r.arrived} places of {'x'.join(map(str, r.numbers['input'][1:]))}: one pool too many for this picture, or the picture is too small."


@told("batch")
def _batch(r: Reading):
    yield f"{r.numbers['rows']} predictions meet {r.numbers['targets']} targets: the {r.numbers['targets']} cases became {r.numbers['rows']} rows on the way."
    yield "The usual cause is x.view(-1, n) with another n than each case has numbers; torch.flatten(x, 1) keeps the rows."


@told("target", "target_same", "target_rank")
def _target(r: Reading):
    if r.kind == "target":
        yield f"The loss wants a target of shape {tuple(r.wanted)}, {tuple(r.arrived)} arrives: the classes belong on axis 1 of the output."
        if len(r.wanted) == len(r.arrived) and r.wanted[0] == r.arrived[0]:
            yield f"With the classes last, output.transpose(1, {len(r.arrived)}) puts them there."
    elif r.kind == "target_same":
        yield f"Output and target must have one shape: {tuple(r.wanted)} and {tuple(r.arrived)}."
        yield "target.unsqueeze(1) or output.squeeze(1) makes them equal where one has a column more."
    else:
        yield "The target must hold class numbers, one for each case: it has an axis too many."
        yield "target.squeeze(1) for a column of numbers, target.argmax(1) for one-hot rows."


@told("normalized_shape")
def _normalized(r: Reading):
    yield f"The norm works on the last {'axis' if len(r.wanted) == 1 else f'{len(r.wanted)} axes'}, which must be {r.wanted}; {r.arrived[-len(r.wanted) :]} arrive in {r.arrived}."
    if len(r.wanted) == 1 and len(r.arrived) == 4 and r.arrived[1] == r.wanted[0]:
        yield f"The {r.wanted[0]} channels are axis 1: x.permute(0, 2, 3, 1) before it and back after, or GroupNorm(1, {r.wanted[0]})."


@told("features")
def _features(r: Reading):
    yield f"The layer was made for {r.wanted} features, {r.arrived} arrive: one of the two was typed wrong, here or in the layer in front."


@told("one_value")
def _one_value(r: Reading):
    yield f"Batch norm in training needs more than one value for each channel; {tuple(r.numbers['input'])} has one."
    yield "A batch of one: DataLoader(..., drop_last=True), or model.eval() when you do not train."


@told("state")
def _state(r: Reading):
    if isinstance(r.wanted, list):
        yield f"The state must have shape {tuple(r.wanted)} (layers * directions, batch, hidden), {tuple(r.arrived)} arrives, whatever batch_first says."
    else:
        yield f"The state must have {r.wanted} axes (layers * directions, batch, hidden), {r.arrived} arrive: h.unsqueeze(0)."


@told("stack")
def _stack(r: Reading):
    yield f"A batch is a stack of equal shapes: entry {r.numbers['first']} has {tuple(r.wanted)}, entry {r.numbers['other']} has {tuple(r.arrived)}."
    yield "Resize or pad them to one shape where they are loaded; pictures of 1 and 3 channels: convert('RGB')."


@told("padding")
def _padding(r: Reading):
    yield f"{r.arrived} places cannot be reflected: axis {r.numbers['dim']} has {r.wanted}, so at most {r.wanted - 1}."


@told("index", "target_index", "assert")
def _index(r: Reading):
    if r.kind == "assert":
        yield "A check on the graphics card failed, most often a class or word number beyond its table; the true line shows on the CPU or with CUDA_LAUNCH_BLOCKING=1."
    elif r.kind == "target_index":
        yield f"Class {r.arrived} is beyond the scores of the model: classes count from 0, so {r.arrived + 1} scores are needed, or 1 must be subtracted from every class."
    elif r.wanted is not None:
        yield f"Index {r.arrived} on an axis of {r.wanted}: indices go from 0 to {r.wanted - 1}."
    else:
        yield "A number names a row that the embedding does not have: num_embeddings must be larger than the largest number."


@told("checkpoint")
def _checkpoint(r: Reading):
    yield f"{clean(r.numbers['key'])} is {tuple(r.arrived)} in the checkpoint and {tuple(r.wanted)} in the model: it was trained with other sizes."
    yield "Build the model as it was trained, or leave this key out; strict=False alone does not pass over sizes that differ."


@told("heads", "groups", "permute", "axis", "bmm", "image_size")
def _numbers(r: Reading):
    if r.kind == "heads":
        yield "The heads share embed_dim equally: embed_dim must be a multiple of num_heads."
    elif r.kind == "groups":
        yield "The groups share the channels equally: in_channels and out_channels must be multiples of groups."
    elif r.kind == "axis":
        yield f"Axis {r.arrived} is asked for; the tensor has axes {r.numbers['low']} to {r.numbers['high']}: an axis is missing, or was squeezed away."
    elif r.kind == "image_size":
        yield f"The model was built for {r.numbers['side']} {r.wanted}, {r.arrived} arrives: its table of positions has one row for each place. Resize, or build it with this image size."
    elif r.wanted is not None:
        yield f"{r.wanted} is wanted, {r.arrived} arrives."
    else:
        yield "Every axis must be named once, no more and no fewer."


__all__ = ["read_message"]
