"""What each kind of message means, in sentences for somebody who sees it for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt

from whyshape.analyses.diagnose.reading import Reading
from whyshape.analyses.diagnose.text import clean

TOLD: dict[str, Callable[[Reading], Iterator[str]]] = {}


def told(*kinds: str):
    """Register what a kind of message means, in sentences."""

    def register(function):
        TOLD.update(dict.fromkeys(kinds, function))
        return function

    return register


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
        wanted = str(r.wanted).replace("D", "")  # "2D or 3D": the axes may be 2 or 3
        yield f"An input of {wanted} axes is wanted, one of {r.arrived} arrives."
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
    if nearly(r.wanted, r.arrived):
        yield "They differ by little, as where a size was halved and rounded down, then doubled. A picture whose sides are multiples of 2 for every halving fits, or one part resized to the other."


@told("broadcast")
def _broadcast(r: Reading):
    yield f"Matched cell by cell, axis {r.numbers['axis']} is {r.arrived} in the first and {r.wanted} in the second: they must be equal, or one of them 1."
    small, large = sorted((r.wanted, r.arrived))
    if isqrt(large - 1) ** 2 == large - 1 and isqrt(small - 1) ** 2 == small - 1 and small > 4:
        yield f"{large} = {isqrt(large - 1)}*{isqrt(large - 1)} + 1 and {small} = {isqrt(small - 1)}*{isqrt(small - 1)} + 1: a table of positions for another picture size."
    elif nearly(small, large):
        yield "They differ by little, as where a size was halved and rounded down, then doubled."


def nearly(one: int, other: int) -> bool:
    """Whether two sizes of a map may be one, rounded: few channels, or axes of 1, are not."""
    return abs(one - other) <= 2 and min(one, other) > 4


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
    elif r.wanted > r.arrived:
        yield f"The state must have {r.wanted} axes (layers * directions, batch, hidden), {r.arrived} arrive: h.unsqueeze(0)."
    else:
        yield f"The input has {r.wanted} axes, so it is taken for one case without a batch; its state has {r.arrived}, as for a batch: the input lacks an axis."


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


@told("heads", "groups", "norm_groups", "permute", "axis", "bmm", "image_size")
def _numbers(r: Reading):
    if r.kind == "heads":
        yield "The heads share embed_dim equally: embed_dim must be a multiple of num_heads."
    elif r.kind == "groups":
        yield "The groups share the channels equally: in_channels and out_channels must be multiples of groups."
    elif r.kind == "norm_groups":
        yield "The groups share the channels equally: num_channels must be a multiple of num_groups."
    elif r.kind == "axis":
        yield f"Axis {r.arrived} is asked for; the tensor has axes {r.numbers['low']} to {r.numbers['high']}: an axis is missing, or was squeezed away."
    elif r.kind == "image_size":
        yield f"The model was built for {r.numbers['side']} {r.wanted}, {r.arrived} arrives: its table of positions has one row for each place. Resize, or build it with this image size."
    elif r.kind == "permute" and r.wanted is not None:
        yield f"{r.wanted} axes are named, the tensor has {r.arrived}: every axis must be named once."
    elif type(r.wanted) is int:
        axis = r.numbers.get("axis", 0)
        yield f"Axis {axis} of the second stack of matrices must be {r.wanted}, as the first one's {'columns are' if axis else 'number of matrices is'}; {r.arrived} arrives."
    elif r.wanted is not None:
        yield f"The second of the matrices must be {by(r.wanted)}, {by(r.arrived)} arrives: its rows must be as many as the first one's columns, and both stacks equally high."
    else:
        yield "Every axis must be named once, no more and no fewer."


def by(shape) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, (list, tuple)) else str(shape)


@told("several", "dtype", "one_hot")
def _kinds(r: Reading):
    if r.kind == "several":
        yield f"One tensor is wanted, and something of several parts arrives ({clean(r.arrived)}): take the part that is meant, as out[0] or out['out']."
        yield "An LSTM gives (output, state); networks with auxiliary heads give a tuple while they train, segmentation networks a dictionary."
    elif r.kind == "dtype":
        cast = {"int64": "long", "float32": "float", "float16": "half", "float64": "double", "bool": "bool"}.get(r.wanted)
        yield f"Numbers of the kind {r.wanted} are wanted, {r.arrived} arrives{f': x.{cast}()' if cast else ''}. The sizes are not to blame."
    else:
        yield f"The target has the shape of the output, so it is read as probabilities, but it holds whole numbers ({r.arrived})."
        yield "target.argmax(1) for one-hot rows, target.float() where several classes may be true at once."


@told("into")
def _into(r: Reading):
    if isinstance(r.wanted, list):
        yield f"A result of shape {by(r.arrived)} does not fit into {by(r.wanted)}: what is changed in place keeps its sizes."
        if r.wanted[:1] == [1] and r.arrived[:1] == [3]:
            yield "One channel meets three: Normalize with three means on a grey picture does that."
    elif r.wanted is None:
        yield f"An axis of {r.arrived} (axis {r.numbers['axis']}) is to be matched with another size: they must be equal, or one of them 1."
    else:
        yield f"An axis of {r.arrived} cannot be spread over {r.wanted} places (axis {r.numbers['axis']}): only an axis of 1 can."


@told("ranks", "unpack", "indices", "letters")
def _axes(r: Reading):
    if r.kind == "ranks" and r.wanted is not None:
        yield f"Tensors of {r.wanted} and of {r.arrived} axes are joined; they must have equally many: unsqueeze(...) gives the smaller one its axis."
    elif r.kind == "ranks":
        yield "The index must have as many axes as the tensor it picks from: index.unsqueeze(1) for one number in each row."
    elif r.kind == "unpack":
        yield f"{r.wanted} sizes are taken apart, {r.arrived if r.arrived is not None else 'more'} arrive: a batch axis is missing, or one axis too many came."
    elif r.kind == "letters":
        yield f"The equation names {r.wanted} axes, the tensor has {r.arrived}."
    else:
        yield f"More axes are indexed than the tensor's {r.arrived}: one case came without its batch axis, or an axis was squeezed away."


@told("lies")
def _lies(r: Reading):
    yield "view only reads numbers where they lie; after permute or transpose they lie otherwise. reshape copies where it must: x.reshape(...) or x.contiguous().view(...)."


@told("split", "divides")
def _parts(r: Reading):
    if r.kind == "split":
        yield f"Parts of {' + '.join(map(str, r.numbers['parts']))} = {r.arrived} are cut from {r.wanted}: they must add up."
    else:
        yield f"{r.arrived} channels cannot be shared out over {r.wanted} equal parts."


@told("mask", "lengths")
def _sequence(r: Reading):
    if r.kind == "mask":
        yield f"The mask should be {by(r.wanted)}, {by(r.arrived)} arrives. Attention reads (length, batch, features) unless batch_first=True: the two may have changed places."
    else:
        yield "CTC wants the scores as (length, batch, classes), and one length for each of the batch: log_probs.transpose(0, 1) where the batch comes first."


@told("spatial")
def _spatial(r: Reading):
    yield f"The output is {by(r.arrived)}, the target {by(r.wanted)}: rows, and heights and widths, must be equal."
    yield "Where the network made the picture smaller, F.interpolate(output, size=target.shape[-2:]) brings it back."


__all__ = ["TOLD"]
