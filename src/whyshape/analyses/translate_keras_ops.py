"""Calls whose Keras code depends on how their tensors lie: arithmetic, reductions, cutting, moving axes."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from whyshape.analyses.translate_keras import SECOND, Missing, Row, _tuple
from whyshape.graph.graph import Ref
from whyshape.rules.base import axis_of
from whyshape.rules.shelf import filed

SPECIAL: dict[str, Callable] = {}
special = filed(SPECIAL)


def axes_there(rank: int, lies) -> tuple[int, ...]:
    """PyTorch's axes in the order in which they stand in the Keras program.

    >>> axes_there(4, "last"), axes_there(3, "turned")
    ((0, 2, 3, 1), (1, 0, 2))
    """
    return {"last": (0, *range(2, rank), 1), "turned": (1, 0, *range(2, rank))}.get(lies, tuple(range(rank))) if rank > 1 else (0,) * rank


def axis_there(dim: int, rank: int, lies) -> int:
    """Where one of PyTorch's axes stands there."""
    return axes_there(rank, lies).index(axis_of(dim, rank))


SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
MERGES = {"add": "Add", "mul": "Multiply", "sub": "Subtract", "maximum": "Maximum", "minimum": "Minimum"}
NAMES = {
    **{op: op for op in (*SIGNS, "maximum", "minimum")}, "subtract": "sub", "multiply": "mul", "true_divide": "div", "divide": "div",
    **{f"Tensor.__{p}{op}__": op for op in ("add", "sub", "mul", "pow") for p in ("", "r", "i")},
    **{f"Tensor.__{p}truediv__": "div" for p in ("", "r", "i")},
}  # fmt: skip


@special(*NAMES)
def arithmetic(w, node):
    op = NAMES[node.op]
    a, b = node.args[0], node.args[1] if len(node.args) > 1 else node.kwargs.get("other")
    if node.op.startswith("Tensor.__r"):
        a, b = b, a
    if node.kwargs.get("alpha") not in (None, 1):
        raise Missing("an addition with alpha")
    graph = w.graph
    held = [x for x in (a, b) if isinstance(x, Ref)]
    if any(w.learned(x) for x in held):
        from whyshape.analyses.translate_keras_learned import weighted

        weighted(w, node, op, a, b)
        return
    if any(graph.tensors[x.tensor].kind == "constant" for x in held):
        raise Missing("a constant tensor takes part")
    if len(held) == 2:
        (left, right), lies, same = together(w, held)
        if op in MERGES and same:
            w.let(node, f'layers.{MERGES[op]}(name="{w.layer_name(node)}")([{left}, {right}])', lies)
        elif op in SIGNS:
            w.let(node, f"{left} {SIGNS[op]} {right}", lies)
        else:
            raise Missing("tensors of different ranks")
        return
    if op not in SIGNS:
        raise Missing("a number on one side")
    ref = held[0]
    x, n = w.value(ref.tensor), number(float(b if ref is a else a))
    w.let(node, f"{x} {SIGNS[op]} {n}" if ref is a else f"{n} {SIGNS[op]} {x}", w.lies[ref.tensor])


def together(w, refs) -> tuple[list[str], Any, bool]:
    """The code of tensors that are matched place by place, laid alike; how they lie; and whether they have equally many axes."""
    lies, ranks = {w.lies[r.tensor] for r in refs}, {len(w.graph.tensors[r.tensor].shape) for r in refs}
    same = len(ranks) == 1
    if len(lies) == 1 and (same or lies != {"last"}):
        return [w.value(r.tensor) for r in refs], lies.pop(), same
    want = "last" if "last" in lies and same else "as is"
    return [w.lying(r.tensor, want) for r in refs], want, same


def number(value) -> str:
    """A number as Python writes it.

    >>> number(2), number(float("-inf"))
    ('2', 'float("-inf")')
    """
    return repr(value) if isfinite(value) else f'float("{value}")'


def given(node, name, place, default=None):
    return node.kwargs.get(name, node.args[place] if len(node.args) > place else default)


@special("mean", "sum", "amax", "amin")
def reduce(w, node):
    op = {"mean": "mean", "sum": "sum", "amax": "max", "amin": "min"}[node.op]
    reduced(w, node, given(node, "dim", 1), given(node, "keepdim", 2, False), f"ops.{op}({{}}, {{}})".format)


def reduced(w, node, dims, keep, made: Callable[[str, str], str]) -> None:
    """Axes of the first tensor taken together. ``made``: the code, of the tensor's code and the words that name the axes."""
    x = node.args[0].tensor
    rank = len(w.graph.tensors[x].shape)
    dims = range(rank) if dims is None else (dims,) if isinstance(dims, int) else dims
    dims = sorted(axis_of(int(d), rank) for d in dims)
    if isinstance(w.lies[x], Row):
        raise Missing("a sum over part of a re-ordered row")
    last = w.lies[x] == "last"
    axes = sorted(axis_there(d, rank, w.lies[x]) for d in dims)
    if w.lies[x] == "turned" and 0 in axes:
        raise Missing(SECOND)
    still = w.lies[x] == "turned" and (keep or 0 not in dims)  # the batch is still the second axis in PyTorch
    lies = "turned" if still else "last" if last and keep else "as is"
    code, out_rank = w.value(x), rank if keep else rank - len(dims)
    if last and not keep and out_rank >= 2 and not (set(range(2, rank)) <= set(dims) or 1 in dims):
        raise Missing("a sum that leaves only some of the places")
    if last and not keep and 1 not in dims and out_rank > 2:
        code, axes = w.lying(x, "as is"), dims
    words = f"axis={_tuple(axes)}{', keepdims=True' if keep else ''}"
    w.let(node, made(code, words), lies if out_rank > 2 or still else "as is")


@special("clamp", "clip", "Tensor.clamp", "clamp_min", "clamp_max")
def clamp(w, node):
    """Numbers cut at two ends, or at one."""
    x = node.args[0].tensor
    low = given(node, "min", 1) if node.op != "clamp_max" else None
    high = given(node, "max", 1 if node.op == "clamp_max" else 2)
    if any(isinstance(end, Ref) for end in (low, high)):
        raise Missing("ends that are tensors")
    code = w.value(x)
    for word, end in (("maximum", low), ("minimum", high)):
        code = code if end is None else f"ops.{word}({code}, {float(end)!r})"
    w.let(node, code, w.lies[x])


@special("stack")
def stack(w, node):
    """Tensors side by side along a new axis."""
    refs = node.args[0]
    dim = axis_of(int(given(node, "dim", 1, 0)), len(w.graph.tensors[node.outputs[0]].shape))
    if dim == 0:
        raise Missing("images stacked along the batch")
    w.let(node, f"ops.stack([{', '.join(w.lying(r.tensor, 'as is') for r in refs)}], axis={dim})", "as is")


@special("contiguous", "clone", "detach", "Tensor.to", "Tensor.float", "type_as", "positive")
def nothing(w, node):
    x = node.args[0].tensor
    w.same(node, x, w.lies[x])


@special("chunk", "split", "Tensor.split", "Tensor.split_with_sizes", "unsafe_chunk", "unsafe_split")
def split(w, node):
    x = node.args[0].tensor
    rank = len(w.graph.tensors[x].shape)
    dim = axis_of(int(given(node, "dim", 2, 0)), rank)
    if isinstance(w.lies[x], Row):
        raise Missing("part of a re-ordered row")
    axis = axis_there(dim, rank, w.lies[x])
    if axis == 0:
        raise Missing("the batch is cut into parts")
    ends, at = [], 0
    for out in node.outputs[:-1]:
        at += int(w.graph.tensors[out].shape[dim])
        ends.append(at)
    code, lies = w.value(x), w.lies[x]
    names = []
    for i, out in enumerate(node.outputs):
        start, stop = ([0, *ends][i], [*ends, None][i])
        index = ", ".join([":"] * axis + [f"{start or ''}:{'' if stop is None else stop}"])
        names.append((out, f"{code}[{index}]"))
    source = f"part{node.index}"
    w.lines.append(f"{source} = {code}")
    for i, (_, text) in enumerate(names):
        w.let(node, text.replace(code, source, 1), lies, i)


@special("Tensor.__getitem__")
def getitem(w, node):
    x, index = node.args[0].tensor, node.args[1]
    index = index if isinstance(index, tuple) else (index,)
    rank = len(w.graph.tensors[x].shape)
    if any(not isinstance(i, (int, slice)) and i is not Ellipsis for i in index) or isinstance(w.lies[x], Row):
        raise Missing("an index of this kind")
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * (rank - len(index) + 1), *index[at + 1 :])
    index = (*index, *[slice(None)] * (rank - len(index)))
    whole = all(isinstance(i, slice) for i in index)
    lies = w.lies[x] if whole or w.lies[x] == "turned" else "as is"
    code, order = w.lying(x, lies), axes_there(rank, lies)
    if index[order[0]] != slice(None):
        raise Missing("some of the batch is picked")
    text = ", ".join(_slice(index[i]) for i in order)
    w.let(node, f"{code}[{text}]", lies if whole or not isinstance(index[0], int) else "as is")


def _slice(i) -> str:
    if not isinstance(i, slice):
        return str(int(i))
    word = lambda v: "" if v is None else str(int(v))
    return f"{word(i.start)}:{word(i.stop)}" + (f":{int(i.step)}" if i.step not in (None, 1) else "")


@special("Tensor.view", "reshape", "Tensor.reshape", "unflatten", "squeeze", "unsqueeze", "Tensor.view_as", "Tensor.reshape_as")
def reshape(w, node):
    x, out = node.args[0].tensor, node.outputs[0]
    before, after = w.graph.tensors[x].shape, w.graph.tensors[out].shape
    if w.lies[x] == "turned":
        if tuple(after) != tuple(before[1:]) or before[0] != 1:
            raise Missing(SECOND)
        w.let(node, f"layers.Reshape({_tuple(after[1:])})({w.value(x)})", "as is")
        return
    if not before or not after:
        raise Missing("a reshape that mixes the batch with something else")
    if not w.one_by_one(x, out):
        raise Missing("a reshape that mixes the batch with something else")
    if before[0] != after[0]:  # every image stays in one piece: as many rows as before, or some for each
        w.let(node, f"ops.reshape({w.lying(x, 'as is')}, {_tuple((-1, *after[1:]))})", "as is")
        return
    flat = len(after) == 2 and w.lies[x] == "last"
    if flat and min(before[2:], default=1) == max(before[2:], default=1) == 1:
        w.let(node, f"layers.Flatten()({w.value(x)})", "as is")
    elif flat:
        w.let(node, f"layers.Flatten()({w.value(x)})", Row(tuple(before[1:])))
    elif len(before) == len(after) and w.lies[x] == "last" and tuple(before) == tuple(after):
        w.let(node, w.value(x), "last")
    else:
        w.let(node, f"layers.Reshape({_tuple(after[1:])})({w.lying(x, 'as is')})", "as is")


@special("permute", "transpose", "swapaxes", "movedim")
def permute(w, node):
    x, out = node.args[0].tensor, node.outputs[0]
    rank = len(w.graph.tensors[x].shape)
    if node.op == "permute":
        dims = node.args[1:] if len(node.args) > 2 or isinstance(given(node, "dims", 1), int) else given(node, "dims", 1)
        order = [axis_of(int(d), rank) for d in dims]
    elif node.op == "movedim":
        raise Missing("movedim")
    else:
        order = list(range(rank))
        a, b = axis_of(int(node.args[1]), rank), axis_of(int(node.args[2]), rank)
        order[a], order[b] = order[b], order[a]
    batch = 1 if w.lies[x] == "turned" else 0
    if 1 in (batch, order.index(batch)) and not (w.lies[x] == "as is" and rank > 3):
        if isinstance(w.lies[x], Row) or w.lies[x] == "last" or order.index(batch) > 1:
            raise Missing("a permutation that moves the batch")
        turned = order.index(batch) == 1
        here = [order[1], order[0], *order[2:]] if turned else order  # as the axes stand there, batch first
        there = [axis_there(d, rank, w.lies[x]) for d in here]
        if there == list(range(rank)):
            w.same(node, x, "turned" if turned else "as is")
        else:
            w.let(node, f"layers.Permute({_tuple(there[1:])})({w.value(x)})", "turned" if turned else "as is")
        return
    if order[0] != 0:
        from whyshape.analyses.translate_keras_in_heads import Moved

        if w.lies[x] != "as is":
            raise Missing("a permutation that moves the batch")
        w.same(node, x, Moved(tuple(order)))  # where an axis is taken apart next, the batch may be the first again
        w.last_use[x] = max(w.last_use.get(x, -1), w.last_use.get(out, -1))
        return
    to_last, to_first = [0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]
    if w.lies[x] == "last" and order == to_last:  # PyTorch moves the maps where they already are
        w.same(node, x, "as is")
    elif w.lies[x] == "as is" and order == to_first and rank in (4, 5):
        w.same(node, x, "last")
    else:
        w.let(node, f"layers.Permute({_tuple(order[1:])})({w.lying(x, 'as is')})", "as is")
    assert out in w.lies


@special("matmul", "bmm", "Tensor.__matmul__")
def matmul(w, node):
    a, b = node.args[0], node.args[1]
    if w.learned(a) or w.learned(b):
        from whyshape.analyses.translate_keras_learned import product

        product(w, node, a, b)
        return
    w.let(node, f"ops.matmul({w.lying(a.tensor, 'as is')}, {w.lying(b.tensor, 'as is')})", "as is")


@special("cat", "concat", "concatenate")
def cat(w, node):
    refs = node.args[0]
    rank = len(w.graph.tensors[refs[0].tensor].shape)
    lies = {str(w.lies.get(r.tensor, "as is")) for r in refs}
    want = "last" if "last" in lies else "turned" if "turned" in lies else "as is"
    dim = int(given(node, "dim", 1, 0))
    axis = axis_there(dim, rank, want)
    if axis == 0:
        raise Missing("images stacked along the batch")
    if any(isinstance(w.lies.get(r.tensor), Row) for r in refs) and rank == 2:
        want = "as is"
    names = ", ".join(w.lying(r.tensor, want) for r in refs)
    said = "" if axis == rank - 1 else f"axis={axis}, "
    w.let(node, f'layers.Concatenate({said}name="{w.layer_name(node)}")([{names}])', want)
