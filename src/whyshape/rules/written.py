"""What a call computes, in plainer calls: for proving that two networks which are written differently read the same numbers.

An answer is said with the operand itself (`analyses.compare_terms.Seen`), which has words for moving numbers: ``again(shape)``, the same
numbers row by row; ``turned(order)``, the axes in another order; ``part(axis, start, length)``; ``spread(shape)``, repeated. And for
computing: ``times``, ``plus``, ``product`` (of matrices), ``of(word, *numbers)`` for all else. None: this form has no plainer words.
"""

from __future__ import annotations

from whyshape.rules.base import axes_of, axis_of, given, told
from whyshape.sizes import product


def _again(call):
    """What the call gives holds the same numbers, row by row."""
    return call.input.again(call.out.shape) if product(call.input.shape) == product(call.out.shape) else None


def _turned(call):
    rank = len(call.input.shape)
    order = given(call.order) if call.dims is None else call.dims
    return call.input.turned(tuple(axis_of(int(i), rank) for i in order))


def _exchanged(call):
    order = list(range(len(call.input.shape)))
    first, second = (call.dim0, call.dim1) if call.dim0 is not None else (call.axis0, call.axis1)
    i, j = (axis_of(int(n), len(order)) for n in (first, second))
    order[i], order[j] = order[j], order[i]
    return call.input.turned(tuple(order))


def _t(call):
    return call.input.turned((1, 0)) if len(call.input.shape) == 2 else call.input


def _select(call):
    axis = axis_of(int(call.dim), len(call.input.shape))
    at = int(call.index) % call.input.shape[axis]
    return call.input.part(axis, at, 1).again(call.out.shape)


def _unbind(call):
    axis = axis_of(int(call.dim), len(call.input.shape))
    return [call.input.part(axis, i, 1).again(out.shape) for i, out in enumerate(_several(call.out))]


def _pieces(call):
    whole = call.tensor if hasattr(call, "tensor") else call.input
    axis, start, parts = axis_of(int(call.dim), len(whole.shape)), 0, []
    for out in _several(call.out):
        parts.append(whole.part(axis, start, out.shape[axis]))
        start += out.shape[axis]
    return parts


def _several(out):
    return out if isinstance(out, list) else [out]


def _narrow(call):
    axis = axis_of(int(call.dim), len(call.input.shape))
    start = call.start
    return call.input.part(axis, int(start) % max(call.input.shape[axis], 1), int(call.length)) if isinstance(start, int) else None


def _item(call):
    """Slices and whole numbers; an index tensor, or a list, looks up instead."""
    index = call.index if isinstance(call.index, tuple) else (call.index,)
    if not all(i is None or i is Ellipsis or type(i) is slice or (isinstance(i, int) and not isinstance(i, bool)) for i in index):
        return None
    x, axis = call.input, 0
    taken = sum(i is not None and i is not Ellipsis for i in index)
    for i in index:
        if i is Ellipsis:
            axis += len(x.shape) - taken
        elif type(i) is slice:
            start, stop, step = i.indices(int(x.shape[axis]))
            x, axis = x.part(axis, start, len(range(start, stop, step)), step), axis + 1
        elif i is not None:
            x, axis = x.part(axis, int(i) % x.shape[axis], 1), axis + 1
    return x.again(call.out.shape)


def _number(value):
    """A constant of one number as that number."""
    return value if getattr(value, "number", None) is None else value.number


def _times(a, b):
    return a.times(b) if hasattr(a, "times") else b.times(a)


def _mul(call):
    return None if call.alpha is not None else _times(call.input, call.other)


def _add(call):
    return (
        None if call.alpha not in (None, 1) else call.input.plus(call.other) if hasattr(call.input, "plus") else call.other.plus(call.input)
    )


def _sub(call):
    if call.alpha not in (None, 1) or not hasattr(call.input, "plus"):
        return None
    other = _number(call.other)
    return call.input.plus(other.times(-1) if hasattr(other, "times") else -other)


def _div(call):
    by = _number(call.other)
    plain = isinstance(by, (int, float)) and by and call.rounding_mode is None and hasattr(call.input, "times")
    return call.input.times(1 / by) if plain and call.input.dtype.startswith(("float", "bfloat")) else None


def _linear(call):
    if len(call.weight.shape) != 2 or len(call.input.shape) < 2:
        return None
    made = call.input.product(call.weight.turned((1, 0)))
    return made if call.bias is None else made.plus(call.bias)


def _matmul(call):
    other = call.other if hasattr(call, "other") else call.mat2
    return call.input.product(other) if len(call.input.shape) > 1 and len(other.shape) > 1 else None


def _addmm(call):
    return call.mat1.product(call.mat2).plus(call.input) if call.alpha == call.beta == 1 else None


def _gelu(call):
    exact = getattr(call, "approximate", "none") == "none" and not call.args
    return call.input.times(call.input.times(2**-0.5).of("erf").plus(1)).times(0.5) if exact else None


def _clamp(call):
    low, high = (*getattr(call, "args", ()), None, None)[:2]
    low, high = (_number(v) for v in (getattr(call, "min", low), getattr(call, "max", high)))
    return call.input.of("clamp", low, high) if not any(hasattr(v, "shape") for v in (low, high)) else None


def _hardtanh(call):
    low, high = (*call.args, -1, 1)[:2] if len(call.args) != 1 else (call.args[0], 1)
    return call.input.of("clamp", getattr(call, "min_val", low), getattr(call, "max_val", high))


def _mean(call):
    dim = call.dim if call.dim is not None and call.dim != () else range(len(call.input.shape))
    axes = tuple(sorted(axes_of(list(dim) if not isinstance(dim, int) else dim, len(call.input.shape))))
    return None if call.dtype is not None else call.input.mean(axes).again(call.out.shape)


def _pooled(call):
    """A pool that looks at the whole of every map is its mean."""
    axes = tuple(i for i in range(len(call.out.shape)) if call.out.shape[i] != call.input.shape[i])
    padded = getattr(call, "padding", 0) not in (0, (0,), (0, 0), (0, 0, 0), [0], [0, 0], [0, 0, 0])
    if not padded and getattr(call, "divisor_override", None) is None:
        if not axes and (window := getattr(call, "kernel_size", 1)) in (1, (1,), (1, 1), [1], [1, 1]) and window:
            return call.input
        if axes and all(call.out.shape[i] == 1 for i in axes) and _whole(call, axes):
            return call.input.mean(axes)
    return None


def _whole(call, axes) -> bool:
    if not hasattr(call, "kernel_size"):
        return True
    rank = len(call.input.shape)
    window = call.kernel_size if isinstance(call.kernel_size, (tuple, list)) else (call.kernel_size,) * 3
    spatial = range(rank - len(window), rank) if isinstance(call.kernel_size, (tuple, list)) else axes
    return all(int(k) == call.input.shape[i] for i, k in zip(spatial, window))


def _joined(call):
    return call.tensors[0] if len(call.tensors) == 1 else None


def _attention(call):
    if call.attn_mask is not None or call.is_causal or call.enable_gqa or call.dropout_p or call.out.shape[-1] == 0:
        return None
    return _attend(call.query, call.key, call.value, call.scale)


def _attend(query, key, value, scale=None):
    rank = len(key.shape)
    turned = key.turned((*range(rank - 2), rank - 1, rank - 2))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return query.product(turned).times(scale).softmax(rank - 1).product(value)


def _heads(call):
    """Words that look at one another: one matrix for queries, keys and values, no masks, nobody asks for the weights."""
    x, heads = call.query, int(call.num_heads)
    masks = (call.attn_mask, call.key_padding_mask, call.bias_k, call.bias_v, call.static_k, call.static_v)
    plain = all(m is None for m in masks) and not (
        call.add_zero_attn or call.use_separate_proj_weight or call.need_weights or call.is_causal
    )
    if (
        not plain
        or call.key is not x
        or call.value is not x
        or len(x.shape) != 3
        or call.in_proj_bias is None
        or call.out_proj_bias is None
    ):
        return None
    length, batch, width = x.shape
    stacked = x.product(call.in_proj_weight.turned((1, 0))).plus(call.in_proj_bias).again((length, batch, 3, width))
    apart = [stacked.part(2, i, 1).again((length, batch * heads, width // heads)).turned((1, 0, 2)) for i in range(3)]
    made = _attend(*(t.again((batch, heads, length, width // heads)) for t in apart)).turned((2, 0, 1, 3)).again((length * batch, width))
    return [made.product(call.out_proj_weight.turned((1, 0))).plus(call.out_proj_bias).again(x.shape)]


def _softmax(call):
    return None if call.dim is None or call.dtype is not None else call.input.softmax(axis_of(int(call.dim), len(call.input.shape)))


told("written", _again, "reshape Tensor.view flatten unflatten squeeze unsqueeze contiguous clone Tensor.view_as Tensor.reshape_as")
told("written", _turned, "permute")
told("written", _exchanged, "transpose swapaxes swapdims")
told("written", _t, "t")
told("written", _select, "select")
told("written", _unbind, "unbind")
told("written", _pieces, "split chunk tensor_split Tensor.split")
told("written", _narrow, "narrow")
told("written", _item, "Tensor.__getitem__")
told("written", lambda call: call.input.spread(call.out.shape), "Tensor.expand broadcast_to Tensor.expand_as")
told("written", _mul, "mul multiply")
told("written", _add, "add")
told("written", _sub, "sub subtract")
told("written", _div, "div divide true_divide")
told("written", _linear, "linear")
told("written", _matmul, "matmul bmm mm")
told("written", _addmm, "addmm")
for name in ("sigmoid", "tanh", "erf", "hardsigmoid"):
    told("written", lambda call, name=name: call.input.of(name), name)
told("written", lambda call: call.input.times(call.input.of("sigmoid")), "silu")
told("written", lambda call: call.input.times(call.input.of("softplus", 1, 20).of("tanh")), "mish")
told("written", lambda call: call.input.of("softplus", *(getattr(call, "args", ()) or (1, 20))), "softplus")
told("written", lambda call: call.input.times(call.input.of("hardsigmoid")), "hardswish")
told("written", _gelu, "gelu")
told("written", _clamp, "clamp clip clamp_min clamp_max")
told("written", _hardtanh, "hardtanh")
told("written", lambda call: call.input.of("clamp", 0, 6), "relu6")
told("written", _mean, "mean")
told("written", _pooled, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d avg_pool2d avg_pool3d")
told("written", _joined, "cat concat concatenate")
told("written", _softmax, "softmax")
told("written", _heads, "multi_head_attention_forward")
told("written", _attention, "scaled_dot_product_attention")
