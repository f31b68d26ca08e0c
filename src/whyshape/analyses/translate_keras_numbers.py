"""Numbers one by one in Keras: functions, comparisons, what is chosen by them; and the norms and variances made of them."""

from __future__ import annotations

from whyshape.analyses.translate_keras import Missing, Row
from whyshape.analyses.translate_keras_learned import repeated
from whyshape.analyses.translate_keras_ops import axis_there, given, number, reduced, special, together
from whyshape.graph.graph import Ref

FUNCTIONS = {
    **{op: op for op in ("sqrt", "abs", "square", "log", "log10", "log2", "log1p", "expm1", "rsqrt", "sin", "cos", "tan", "sinh", "cosh")},
    **{op: op for op in ("erf", "sign", "floor", "ceil", "round", "reciprocal", "isnan", "isinf", "isfinite")},
    "absolute": "abs", "Tensor.__abs__": "abs", "neg": "negative", "negative": "negative", "Tensor.__neg__": "negative",
}  # fmt: skip
COMPARED = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    **{op: op for op in ("less", "less_equal", "greater", "greater_equal", "not_equal", "logical_and", "logical_or", "logical_xor")},
}
COMPARED |= {f"Tensor.__{op}__": there for op, there in COMPARED.items() if len(op) == 2}


@special(*FUNCTIONS)
def function(w, node):
    x = node.args[0].tensor
    if node.op == "round" and given(node, "decimals", 1, 0):
        raise Missing("rounding to decimals")
    w.let(node, f"ops.{FUNCTIONS[node.op]}({w.value(x)})", w.lies[x])


def _matched(w, node, name: str, values) -> None:
    """A function of several tensors and numbers that are matched place by place."""
    computed = [v for v in values if isinstance(v, Ref) and not w.learned(v)]
    codes, lies, _ = together(w, computed)
    left, rank = iter(codes), max(len(w.graph.tensors[r.tensor].shape) for r in computed)
    learned = lambda ref: repeated(w, node, ref.tensor, rank, lies, codes[0])
    said = [number(v) if not isinstance(v, Ref) else learned(v) if w.learned(v) else next(left) for v in values]
    w.let(node, f"ops.{name}({', '.join(said)})", lies)


@special(*COMPARED)
def compared(w, node):
    """True or false at each place."""
    _matched(w, node, COMPARED[node.op], (node.args[0], given(node, "other", 1)))


@special("where", "Tensor.where")
def where(w, node):
    """One of two numbers at each place, as a comparison says."""
    condition = node.args[0] if node.op == "where" else given(node, "condition", 1)
    a = given(node, "input", 1) if node.op == "where" else node.args[0]
    b = given(node, "other", 2)
    if a is None or b is None:
        raise Missing("the places where something holds: how many there are depends on the numbers")
    _matched(w, node, "where", (condition, a, b))


def filled(w, node) -> None:
    """A tensor with a number put wherever a mask says so."""
    _matched(w, node, "where", (given(node, "mask", 1), given(node, "value", 2), node.args[0]))


@special("norm", "torch.linalg.vector_norm")
def norm(w, node):
    """The root of the sum of squares along axes, or the sum of sizes."""
    word = "p" if node.op == "norm" else "ord"
    p = given(node, word, 1, 2)
    if p not in (None, 2, "fro", 1) or given(node, "dtype", 4) is not None:
        raise Missing(f"a norm with {word}={p!r}")
    made = "ops.sum(ops.abs({}), {})" if p == 1 else "ops.sqrt(ops.sum(ops.square({}), {}))"
    reduced(w, node, given(node, "dim", 2), given(node, "keepdim", 3, False), made.format)


@special("normalize")
def normalize(w, node):
    """What comes in over its norm, which is never taken smaller than ``eps``."""
    x, p, eps = node.args[0].tensor, given(node, "p", 1, 2.0), given(node, "eps", 3, 1e-12)
    axis = axis_there(int(given(node, "dim", 2, 1)), len(w.graph.tensors[x].shape), w.lies[x])
    if p not in (1, 2):
        raise Missing(f"a norm with p={p!r}")
    if isinstance(w.lies[x], Row) or axis == 0:
        raise Missing("a norm over a batch or a re-ordered row")
    code = w.value(x)
    size = f"ops.sum(ops.abs({code}), axis={axis}, keepdims=True)"
    size = size if p == 1 else f"ops.sqrt(ops.sum(ops.square({code}), axis={axis}, keepdims=True))"
    w.let(node, f"{code} / ops.maximum({size}, {eps!r})", w.lies[x])


@special("roll")
def roll(w, node):
    """Numbers moved along axes; those that fall out come in at the other end."""
    x, shifts, dims = node.args[0].tensor, given(node, "shifts", 1), given(node, "dims", 2)
    rank = len(w.graph.tensors[x].shape)
    shifts, dims = (v if isinstance(v, (tuple, list)) else (v,) for v in (shifts, dims))
    if dims in ((None,), (), []) or isinstance(w.lies[x], Row):
        raise Missing("numbers that move from one image to the next")
    axes = [axis_there(int(d), rank, w.lies[x]) for d in dims]
    if 0 in axes:
        raise Missing("numbers that move from one image to the next")
    code = w.value(x)
    for shift, axis in zip(shifts, axes):
        code = f"ops.roll({code}, {int(shift)}, axis={axis})"
    w.let(node, code, w.lies[x])


@special("pad")
def pad(w, node):
    """Cells of one number put around axes that are no image's places; an image's are left to the layer's twin."""
    x, sides = node.args[0].tensor, [int(n) for n in given(node, "pad", 1)]
    rank = len(w.graph.tensors[x].shape)
    if w.lies[x] != "as is" or given(node, "mode", 2, "constant") != "constant" or min(sides, default=0) < 0:
        w.by_twin(node)
        return
    pairs = [(0, 0)] * (rank - len(sides) // 2) + list(zip(sides[::2], sides[1::2]))[::-1]  # PyTorch begins with the last axis
    if any(pairs[0]):
        raise Missing("the batch is padded")
    if not any(sides):
        w.same(node, x, "as is")
        return
    value = given(node, "value", 3)
    w.let(node, f"ops.pad({w.value(x)}, {tuple(pairs)}{f', constant_values={number(float(value))}' if value else ''})", "as is")


@special("var", "std")
def spread(w, node):
    """How far numbers lie apart. PyTorch divides by one less than there are, unless it is told not to; Keras by as many as there are."""
    said = given(node, "unbiased", 2) if len(node.args) < 3 or isinstance(node.args[2], bool) else None
    correction = node.kwargs.get("correction", 1 if said is None else int(said))
    dims = given(node, "dim", 1)
    if isinstance(dims, bool):
        raise Missing("a variance of the whole batch")
    shape = w.graph.tensors[node.args[0].tensor].shape
    count = 1
    for d in range(len(shape)) if dims is None else (dims,) if isinstance(dims, int) else dims:
        count *= int(shape[d])
    if count <= correction:
        raise Missing("a variance of a single number")
    factor = count / (count - correction)
    made = "ops.var({}, {})" + ("" if factor == 1 else f" * {factor!r}")
    made = f"ops.sqrt({made})" if node.op == "std" else made
    reduced(w, node, dims, given(node, "keepdim", 3, False), made.format)


__all__ = ["filled"]
