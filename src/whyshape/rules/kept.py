"""What autograd keeps for the backward pass, operator by operator, as PyTorch's plain CPU kernels do it.

An answer is a list: a tensor of the call stands for the memory it lies in, a `Spec` for memory made on the way, `PARTLY` for
more of which nobody knows how much.
The tests hold every one against `torch.autograd.graph.saved_tensors_hooks` on real runs.
"""

from __future__ import annotations

from whyshape.rules.attention import fused
from whyshape.rules.base import Spec, told
from whyshape.rules.dtypes import name_of
from whyshape.sizes import product

PARTLY = object()


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


def _wide(tensor) -> str:
    """The dtype it is computed in where PyTorch writes its steps out: half precision is widened first."""
    dtype = name_of(tensor.dtype)
    return "float32" if dtype in ("bfloat16", "float16") else dtype


def _input(call):
    return [first(call)]


def _output(call):
    return outs(call)[:1]


def both(call):
    return [first(call), *outs(call)[:1]]


told("saved", [], """torch.nn.functional.unfold Tensor.unfold neg negative floor ceil round trunc frac sign sgn add sub subtract rsub
    lerp mean sum cumsum cat concat concatenate stack hstack vstack dstack clone contiguous detach roll flip fliplr
    flipud Tensor.repeat tile repeat_interleave tril triu fold pixel_shuffle pixel_unshuffle channel_shuffle
    native_channel_shuffle Tensor.to Tensor.float Tensor.half Tensor.double Tensor.bfloat16 Tensor.type Tensor.type_as
    positive diff Tensor.__setitem__ Tensor.__add__ Tensor.__radd__ Tensor.__iadd__ Tensor.__sub__
    Tensor.__rsub__ Tensor.__isub__ Tensor.__neg__ Tensor.__pos__ Tensor.copy_ trace real imag view_as_complex
    view_as_real diag_embed fill zero rad2deg fix conj conj_physical resolve_conj resolve_neg alias Tensor.requires_grad_
    Tensor.cpu Tensor.cuda Tensor.pin_memory Tensor.cfloat Tensor.cdouble Tensor.uniform_ Tensor.normal_ Tensor.bernoulli_
    Tensor.random_ Tensor.exponential_ Tensor.fill_diagonal_ torch.bernoulli Tensor.bernoulli poisson floor_divide heaviside
    Tensor.__floordiv__ Tensor.__ifloordiv__ Tensor.__rfloordiv__ Tensor.__rmod__ row_stack column_stack rot90 diag diagflat meshgrid
    cartesian_prod block_diag im2col col2im constant_pad_nd affine_grid affine_grid_generator select_scatter slice_scatter
    diagonal_scatter as_strided_scatter""")  # fmt: skip
told("saved", _input, """relu6 hardtanh silu hardswish hardsigmoid gelu mish softplus elu selu celu leaky_relu threshold glu log log2 log10
     log1p sin cos abs absolute square erf erfc erfinv asin acos atan asinh acosh atanh sinh cosh hardshrink softshrink clamp clamp_min clamp_max
     clip sinc logit lgamma digamma i0 deg2rad var nan_to_num Tensor.__abs__ angle arcsin arccos arctan arcsinh
     arccosh arctanh polygamma torch.special.polygamma torch.special.digamma torch.special.psi torch.special.entr torch.special.erf
     torch.special.erfc torch.special.erfinv torch.special.gammaln torch.special.i0 torch.special.log1p torch.special.logit
     torch.special.sinc""",
     *[f"avg_pool{n}d" for n in (1, 2, 3)])  # fmt: skip
told(
    "saved",
    _output,
    """relu sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal softmax log_softmax softmin tan gumbel_softmax
     torch.special.softmax torch.special.log_softmax torch.special.exp2 torch.special.expit torch.special.expm1 torch.special.ndtri
     polar""",
)
told(
    "saved",
    both,
    """amax amin prod norm logsumexp std torch.linalg.norm torch.linalg.vector_norm Tensor.__rpow__
     torch.special.erfcx torch.special.i0e torch.special.i1 torch.special.i1e torch.special.log_ndtr""",
)
told("saved", lambda call: [first(call), like(first(call))], "logsigmoid", "softsign", "rrelu")
told("saved", lambda call: [like(first(call))], "tanhshrink mvlgamma torch.special.multigammaln torch.special.ndtr")
told("saved", lambda call: [like(first(call), dtype="bool")], "torch.fake_quantize_per_tensor_affine")
told("saved", tensors, "prelu", "grid_sample", "grid_sampler", "bilinear", "conv_tbc")


# -- two tensors met place by place: each is kept for the other's gradient ---------------------------------------------
def product_of(call):
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


told("saved", product_of, "mul", "multiply", "Tensor.__mul__", "Tensor.__rmul__", "Tensor.__imul__", "outer", "dot")
told(
    "saved",
    _quotient,
    "div",
    "divide",
    "true_divide",
    "Tensor.__truediv__",
    "Tensor.__rtruediv__",
    "Tensor.__itruediv__",
    "Tensor.__div__",
    "Tensor.__rdiv__",
)
told("saved", _power, "pow", "Tensor.__pow__", "Tensor.__ipow__")
told("saved", lambda call: tensors(call)[:2], "maximum minimum fmax fmin atan2 arctan2 nextafter logaddexp logaddexp2 complex")
told("saved", lambda call: tensors(call)[:2] if tensors(call)[1:2] and tensors(call)[1].needs_grad else [],
     "fmod remainder Tensor.__mod__ Tensor.__imod__")  # fmt: skip
told("saved", lambda call: [*[t for t in tensors(call)[:2] if t.needs_grad], call.out], "hypot")
told("saved", lambda call: [*([first(call)] if first(call).needs_grad else []), call.out], "copysign")
told("saved", lambda call: tensors(call)[:1], "where", "Tensor.where")
told("saved", lambda call: tensors(call)[1:2], "masked_fill", "masked_scatter")
told("saved", lambda call: [*([call.tensor1] if call.tensor2.needs_grad else []), call.tensor2], "addcdiv")


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
# The power of every cell, its average, whose sign and size are taken apart and put together, scaled, and the root of that.
told("saved", lambda call: [first(call), like(first(call)), *[like(call.out)] * 4], *[f"lp_pool{n}d" for n in (1, 2, 3)])
told("saved", lambda call: [first(call), *(outs(call)[1:] or [like(call.out, dtype="int64")])],
     *[f"fractional_max_pool{n}d{w}" for n in (2, 3) for w in ("", "_with_indices")])  # fmt: skip
told("saved", lambda call: [call.input] if call.mode in ("reflect", "replicate") else [], "pad")
told("saved", lambda call: [call.input] if call.mode == "area" else [], "interpolate")


# -- norms -------------------------------------------------------------------------------------------------------------
def _batch_norm(call):
    made = [like(call.input, call.input.shape[1:2])] * 2 if call.training or call.running_mean is None else []
    return [call.input, *_weight(call), *[Spec(tuple(m.shape), "float32") for m in made]]


def _layer_norm(call):
    n = len(call.normalized_shape)
    place = (*call.input.shape[:-n], *[1] * n)
    return [
        call.input,
        *_weight(call),
        *([] if call.bias is None else [call.bias]),
        Spec(place, _statistic(call)),
        Spec(place, _statistic(call)),
    ]


def _rms_norm(call):
    n = len(call.normalized_shape)
    x = call.input if _wide(call.input) == name_of(call.input.dtype) else like(call.input, dtype=_wide(call.input))
    scaled = [like(x)] if call.weight is not None else []
    return [x, *_weight(call), Spec((*x.shape[:-n], *[1] * n), x.dtype), *scaled]


def _group_norm(call):
    x, groups = call.input, Spec((call.input.shape[0], call.num_groups), _statistic(call))
    return [x if x.contiguous or _channels_last(x) else like(x), *_weight(call), groups, groups]


def _channels_last(t) -> bool:
    """Whether an image lies place by place, all channels of one together."""
    rank = len(t.shape)
    return rank in (4, 5) and run([t.shape[i] for i in (0, *range(2, rank), 1)], [t.strides[i] for i in (0, *range(2, rank), 1)])


def _instance_norm(call):
    each = Spec((product(call.input.shape[:2]),), "float32")
    return [call.input if call.input.contiguous else like(call.input), *([each] if call.weight is not None else []), each, each]


def _response_norm(call):
    """The squares, filled up at the first and last channels; their sums, scaled and to a power."""
    x = call.input
    return [x, Spec((x.shape[0], x.shape[1] + call.size - 1, *x.shape[2:]), x.dtype), like(x), like(x)]


def _weight(call) -> list:
    return [] if call.weight is None else [call.weight]


def _statistic(call) -> str:
    """The dtype a norm keeps its means in: that of its input, wider where its weights are."""
    return name_of((call.input if call.weight is None else call.weight).dtype)


told("saved", _batch_norm, "batch_norm")
told("saved", _layer_norm, "layer_norm")
told("saved", _rms_norm, "rms_norm")
told("saved", _group_norm, "group_norm")
told("saved", _instance_norm, "instance_norm")
told("saved", _response_norm, "local_response_norm")


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
    return t.strides is None or run(t.shape[:axes], t.strides[:axes])


def run(sizes, steps) -> bool:
    """Whether axes of these sizes and strides lie in one run of memory."""
    wanted = None
    for n, step in zip(reversed(sizes), reversed(steps)):
        if int(n) != 1:
            if wanted is not None and step != wanted:
                return False
            wanted = step * int(n)
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
told("saved", _matmul, "matmul", "torch.linalg.matmul", "Tensor.__matmul__", "Tensor.__imatmul__", "Tensor.__rmatmul__")
told("saved", _last_two, "mm bmm mv addmm baddbmm addbmm addmv addr addcmul")


def _attention(call):
    q, k, v, mask = call.query, call.key, call.value, call.attn_mask
    learned = mask is not None and mask.needs_grad
    if not fused(q, k, v, call.dropout_p, learned, lambda t: steps(t)[-1]):
        # Written out: both scaled, the weights, and what dropout left of them.
        wide = _wide(q)
        apart = any(steps(t)[-1] != 1 for t in (q, k, v))
        if tuple(q.shape[:-2]) != tuple(k.shape[:-2]) or (apart and wide != name_of(q.dtype)):
            return None
        weights = Spec((*q.shape[:-1], k.shape[-2]), wide)
        values = v if wide == name_of(q.dtype) and _merges(v, len(v.shape) - 2) else like(v, dtype=wide)
        return [like(q, dtype=wide), like(k, dtype=wide), values, *[weights] * (3 if call.dropout_p else 1)]
    kept = [] if mask is None else [mask if name_of(mask.dtype) != "bool" else like(mask, dtype=q.dtype)]
    return [*kept, q, k, v, call.out, Spec(tuple(q.shape[:-1]), "float32")]


told("saved", _attention, "scaled_dot_product_attention")


def _heads(call):
    """Multi-head attention: what its projections, its weights and its last linear layer keep."""
    q, k, v = call.query, call.key, call.value
    if call.bias_k is not None or call.add_zero_attn or call.static_k is not None or call.static_v is not None:
        return None
    lead = product(q.shape[:-1])
    places = lead * k.shape[0] // q.shape[0]
    drop = bool(call.training and call.dropout_p)
    projected = Spec((lead, call.embed_dim_to_check), q.dtype)
    keyed = Spec((places, call.embed_dim_to_check), q.dtype)
    weights = Spec((lead * k.shape[0] * call.num_heads,), q.dtype)
    together = q is k is v  # one projection for all three
    packed = [projected] * 3 if together else [keyed] * 2
    kept = [_rows(t) for t in {id(t): t for t in (q, k, v)}.values()]  # the same tensor is projected once, and kept once
    matrices = (call.in_proj_weight, call.q_proj_weight, call.k_proj_weight, call.v_proj_weight, call.out_proj_weight)
    kept += [w for w in matrices if w is not None]
    if call.need_weights:
        return [*kept, *packed, projected, *[weights] * (3 if drop else 1), projected]
    if drop:
        rest = packed if together or k is v else [keyed]
        return [*kept, *rest, projected, keyed, *[weights] * 3, projected]
    mask = call.attn_mask if call.attn_mask is not None else call.key_padding_mask
    asked = [] if mask is None else [mask if name_of(mask.dtype) != "bool" else like(mask, dtype=q.dtype)]
    return [*kept, *asked, *packed, *([] if together else [projected]), projected, Spec((lead * call.num_heads,), "float32")]


told("saved", _heads, "multi_head_attention_forward")


def steps(t) -> list[int]:
    """The strides of a tensor, its own or those of rows."""
    if t.strides is not None:
        return list(t.strides)
    steps = [1]
    for n in reversed(t.shape[1:]):
        steps.insert(0, steps[0] * int(n))
    return steps[: len(t.shape)]


def _einsum(call):
    """Two operands meet in one batched product; each is kept as it is where its axes can be put in three rows without a copy."""
    operands = tensors(call)
    if len(operands) != 2 or not isinstance(call.equation, str) or "." in call.equation:
        return None if len(operands) > 1 else []
    left, arrow, right = call.equation.replace(" ", "").partition("->")
    terms = left.split(",")
    result = right if arrow else "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    kept = []
    for t, term, other, mate in ((operands[0], terms[0], terms[1], operands[1]), (operands[1], terms[1], terms[0], operands[0])):
        if not mate.needs_grad:
            continue
        groups = ([c for c in result if c in term and c in other], [c for c in result if c in term and c not in other],
                  sorted(c for c in term if c not in result and c in other))  # fmt: skip
        lies = dict(zip(term, steps(t)))
        sizes = dict(zip(term, t.shape))
        kept.append(t if all(run([sizes[c] for c in g], [lies[c] for c in g]) for g in groups) else like(t))
    return kept


told("saved", _einsum, "einsum")


# In place, the gradient comes from the result: nothing of what was overwritten is needed.
told("by_result", True, "elu selu celu leaky_relu")
# Results without a history: nothing flows back through them.
told("history", False, """detach zeros_like ones_like empty_like full_like rand_like randn_like one_hot argmax argmin argsort
     Tensor.new_zeros Tensor.new_ones Tensor.new_full Tensor.new_empty""")  # fmt: skip
