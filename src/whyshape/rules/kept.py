"""What autograd keeps for the backward pass, operator by operator, as PyTorch's plain CPU kernels do it.

An answer is a list: a tensor of the call stands for the memory it lies in, a `Spec` for memory made on the way.
The tests hold every one against `torch.autograd.graph.saved_tensors_hooks` on real runs.
"""

from __future__ import annotations

from whyshape.rules.base import Spec, told
from whyshape.rules.dtypes import name_of
from whyshape.rules.work import DROPOUTS, drops
from whyshape.sizes import product


def tensors(call) -> list:
    """The tensors among the arguments, in the order of the signature, lists opened."""
    code = call.rule.shape.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04)]
    order = dict.fromkeys((*names, *vars(call)))
    return list(_flat([getattr(call, n, None) for n in order if n != "out"]))


def _flat(values):
    for v in values:
        if hasattr(v, "needs_grad"):
            yield v
        elif type(v) in (list, tuple):
            yield from _flat(v)


def first(call):
    """The first tensor of the call."""
    return tensors(call)[0]


def outs(call) -> list:
    """The results, nested lists opened."""
    return list(_flat([call.out]))


def like(tensor, shape=None, dtype=None) -> Spec:
    """New memory of these sizes, by default the tensor's own."""
    return Spec(tuple(tensor.shape) if shape is None else tuple(shape), dtype or tensor.dtype)


def _input(call):
    return [first(call)]


def _output(call):
    return outs(call)[:1]


def _both(call):
    return [first(call), *outs(call)[:1]]


told("saved", [], """neg negative floor ceil round trunc frac sign sgn add sub subtract rsub lerp mean sum cumsum cat concat concatenate stack hstack
     vstack dstack clone contiguous Tensor.contiguous detach roll flip fliplr flipud repeat Tensor.repeat tile repeat_interleave tril triu
     unfold fold pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle Tensor.to Tensor.float Tensor.half Tensor.double
     Tensor.bfloat16 Tensor.type Tensor.type_as positive diff nansum Tensor.__setitem__ Tensor.fill Tensor.fill_ Tensor.zero Tensor.zero_
     Tensor.__add__ Tensor.__radd__ Tensor.__iadd__ Tensor.__sub__ Tensor.__rsub__ Tensor.__isub__ Tensor.__neg__ Tensor.__pos__
     Tensor.copy Tensor.copy_ trace real imag view_as_complex view_as_real remainder fmod Tensor.__mod__ diag_embed upsample_nearest""")  # fmt: skip
told("saved", _input, """relu6 hardtanh silu hardswish hardsigmoid gelu mish softplus elu selu celu leaky_relu threshold glu log log2 log10
     log1p sin cos abs absolute square erf erfc erfinv asin acos atan asinh acosh atanh sinh cosh hardshrink softshrink clamp clamp_min clamp_max
     clip sinc logit lgamma digamma i0 deg2rad var nan_to_num Tensor.__abs__""",
     *[f"avg_pool{n}d" for n in (1, 2, 3)])  # fmt: skip
told("saved", _output, "relu sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal softmax log_softmax softmin _softmax tan gumbel_softmax")
told("saved", _both, "amax amin prod norm logsumexp std torch.linalg.norm torch.linalg.vector_norm linalg.norm linalg.vector_norm")
told("saved", lambda call: [first(call), like(first(call))], "logsigmoid", "softsign", "rrelu")
told("saved", lambda call: [like(first(call))], "tanhshrink")
told("saved", tensors, "prelu", "mse_loss", "grid_sample", "grid_sampler", "bilinear")


# -- two tensors met place by place: each is kept for the other's gradient ---------------------------------------------
def _product(call):
    a, *b = tensors(call)
    return [t for t, other in ((a, b), (*b[:1], [a])) if other[0].needs_grad] if b else []


def _quotient(call):
    both = tensors(call)
    if len(both) < 2:  # a number on one side: over the tensor, its reciprocal is kept; under it, nothing
        return [like(both[0])] if call.op in ("Tensor.__rtruediv__", "Tensor.__rdiv__") else []
    a, b = both[:2]
    return [b, *([a] if b.needs_grad else [])]


def _power(call):
    both = tensors(call)
    return both if len(both) < 2 else [*both[:2], *outs(call)]


told("saved", _product, "mul", "multiply", "Tensor.__mul__", "Tensor.__rmul__", "Tensor.__imul__", "outer", "dot")
told("saved", _quotient, "div", "divide", "true_divide", "Tensor.__truediv__", "Tensor.__rtruediv__", "Tensor.__itruediv__", "Tensor.__div__")
told("saved", _power, "pow", "Tensor.__pow__", "Tensor.__ipow__")
told("saved", lambda call: tensors(call)[:2], "maximum", "minimum", "fmax", "fmin", "atan2")
told("saved", lambda call: tensors(call)[:1], "where", "Tensor.where")
told("saved", lambda call: tensors(call)[1:2], "masked_fill", "embedding_renorm")
told("saved", lambda call: tensors(call)[1:3], "addcmul")


# -- windows -----------------------------------------------------------------------------------------------------------
told("saved", lambda call: [call.input, call.weight], *[f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")])


def _max_pool(call):
    best = outs(call)
    return [first(call), best[1] if len(best) > 1 else like(best[0], dtype="int64")]


def _adaptive_average(call):
    # To a single place PyTorch takes the mean, which needs its input's sizes only.
    n = int(call.op[-2])
    return [] if all(int(size) == 1 for size in call.out.shape[-n:]) else [first(call)]


for _n in (1, 2, 3):
    told("saved", _adaptive_average, f"adaptive_avg_pool{_n}d")
    told("saved", _max_pool, *[f"{kind}max_pool{_n}d{w}" for kind in ("", "adaptive_") for w in ("", "_with_indices")])
    told("saved", lambda call: tensors(call)[1:2], f"max_unpool{_n}d")
told("saved", lambda call: [call.input] if call.mode in ("reflect", "replicate") else [], "pad")
told("saved", lambda call: [call.input] if call.mode == "area" else [], "interpolate", "upsample")


# -- norms -------------------------------------------------------------------------------------------------------------
def _batch_norm(call):
    made = [like(call.input, call.input.shape[1:2])] * 2 if call.training or call.running_mean is None else []
    return [call.input, *[Spec(tuple(m.shape), "float32") for m in made]]


def _layer_norm(call):
    n = len(call.normalized_shape)
    place = (*call.input.shape[:-n], *[1] * n)
    return [call.input, Spec(place, _statistic(call)), Spec(place, _statistic(call))]


def _rms_norm(call):
    n = len(call.normalized_shape)
    scaled = [like(call.input)] if call.weight is not None else []
    return [call.input, Spec((*call.input.shape[:-n], *[1] * n), _statistic(call)), *scaled]


def _group_norm(call):
    groups = Spec((call.input.shape[0], call.num_groups), _statistic(call))
    return [call.input if call.input.contiguous else like(call.input), groups, groups]


def _instance_norm(call):
    each = Spec((product(call.input.shape[:2]),), "float32")
    return [call.input if call.input.contiguous else like(call.input), *([each] if call.weight is not None else []), each, each]


def _statistic(call) -> str:
    return name_of(call.input.dtype)


told("saved", _batch_norm, "batch_norm")
told("saved", _layer_norm, "layer_norm")
told("saved", _rms_norm, "rms_norm")
told("saved", _group_norm, "group_norm")
told("saved", _instance_norm, "instance_norm")


def _normalized(call):
    x = call.input
    length = tuple(1 if i == call.dim % len(x.shape) else n for i, n in enumerate(x.shape))
    return [x, like(x, length), like(x, length)]


told("saved", _normalized, "normalize")


# -- matrix products ---------------------------------------------------------------------------------------------------
def _rows(t):
    """A tensor as one matrix of rows: itself where its leading axes lie in one run of memory, else a copy."""
    return t if _merges(t, len(t.shape) - 1) else like(t)


def _linear(call):
    kept = [call.weight] if call.input.needs_grad else []
    return [*kept, _rows(call.input)] if call.weight.needs_grad else kept


def _merges(t, axes: int) -> bool:
    """Whether the first ``axes`` axes can be read as one without a copy."""
    if t.strides is None:
        return True
    step = None
    for n, stride in zip(reversed(t.shape[:axes]), reversed(t.strides[:axes])):
        if int(n) == 1:
            continue
        if step is not None and stride != step:
            return False
        step = stride * int(n)
    return True


def matrices(a, b) -> list:
    """What a batched product keeps of each: itself, or a copy where its batch axes had to be stretched or put in a row."""
    if len(a.shape) <= 2 and len(b.shape) <= 2:
        return [a, b]
    if len(a.shape) >= 3 and len(b.shape) <= 2:
        return [_rows(a), b]
    if len(b.shape) >= 3 and len(a.shape) <= 2:
        return [a, like(b)] if len(a.shape) == 2 else [a, _rows(b)]
    lead = max(a.shape[:-2], b.shape[:-2], key=lambda s: (len(s), [int(n) for n in s]))
    return [
        t if tuple(map(int, t.shape[:-2])) == tuple(map(int, lead)) and _merges(t, len(t.shape) - 2) else like(t, (*lead, *t.shape[-2:]))
        for t in (a, b)
    ]


def _matmul(call):
    a, b = tensors(call)[:2]
    kept = matrices(a, b)
    return [k for k, other in zip(kept, (b, a)) if other.needs_grad]


def _last_two(call):
    a, b = tensors(call)[-2:]
    return [t for t, other in ((a, b), (b, a)) if other.needs_grad]


told("saved", _linear, "linear")
told("saved", _matmul, "matmul", "Tensor.__matmul__", "Tensor.__imatmul__", "Tensor.__rmatmul__")
told("saved", _last_two, "mm", "bmm", "mv", "addmm", "baddbmm", "addbmm")


def _attention(call):
    q, k, v, mask = call.query, call.key, call.value, call.attn_mask
    learned = mask is not None and mask.needs_grad
    if len(q.shape) != 4 or learned or call.dropout_p:  # written out: both scaled, the weights, and what dropout left of them
        weights = Spec((*q.shape[:-1], k.shape[-2]), q.dtype)
        return [like(q), like(k), v if _merges(v, len(v.shape) - 2) else like(v), *[weights] * (3 if call.dropout_p else 1)]
    kept = [] if mask is None else [mask if name_of(mask.dtype) != "bool" else like(mask, dtype=q.dtype)]
    return [*kept, q, k, v, call.out, Spec(tuple(q.shape[:-1]), "float32")]


told("saved", _attention, "scaled_dot_product_attention")


# -- chance, and looking up --------------------------------------------------------------------------------------------
def _dropout(call):
    x = first(call)
    if not drops(call):
        return []
    return [like(x, (*x.shape[:2], *[1] * (len(x.shape) - 2))) if call.op[-1] == "d" or call.op.startswith("feature") else like(x)]


told("saved", _dropout, DROPOUTS)
told("saved", lambda call: tensors(call)[:1] if call.op == "embedding" else [], "embedding")
told("saved", lambda call: [t for t in tensors(call) if not t.needs_grad], "index_select", "Tensor.__getitem__", "scatter", "index_put")
told("saved", lambda call: tensors(call)[:2], "gather", "take_along_dim")
told("saved", lambda call: outs(call)[1:2], "topk", "sort", "kthvalue", "median", "mode", "cummax", "cummin")
told("saved", lambda call: outs(call)[1:2] or _both(call), "max", "min")


def _cross_entropy(call):
    logits, target = tensors(call)[:2]
    return [like(logits), target, Spec((), logits.dtype)]


told("saved", _cross_entropy, "cross_entropy")
told("saved", lambda call: [*tensors(call)[:2], Spec((), first(call).dtype)], "nll_loss")
told("saved", lambda call: [like(first(call))], "l1_loss")

# Results without a history: nothing flows back through them.
told("history", False, """detach zeros_like ones_like empty_like full_like rand_like randn_like bernoulli one_hot argmax argmin argsort
     Tensor.new_zeros Tensor.new_ones Tensor.new_full Tensor.new_empty""")  # fmt: skip
