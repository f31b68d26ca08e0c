"""Attention: every place looks at every other, and takes a weighted mean of what it finds there."""

from __future__ import annotations

from whyshape.rules.base import Rule, broadcast_shapes, layer, leading, rule, stretched, told
from whyshape.rules.dtypes import FRACTION, kinds, name_of, one_dtype, promote
from whyshape.rules.layout import rows, strides
from whyshape.sizes import need, product


def _lead(q, k, v, grouped):
    """The axes in front: matched, or with grouped heads each key serving several queries."""
    if not grouped:
        return broadcast_shapes(q[:-2], k[:-2], v[:-2])
    need(len(q) > 2 and len(k) > 2 and len(v) > 2, "grouped heads want at least {wanted:axes}, {arrived:arrive}", wanted=3, arrived=len(q))
    for other, what in ((k, "key"), (v, "value")):
        need(q[-3] % other[-3] == 0, "{arrived:query heads} cannot be shared out over {wanted:heads} for the {what}",
             arrived=q[-3], wanted=other[-3], what=what)  # fmt: skip
    return (*broadcast_shapes(q[:-3], k[:-3], v[:-3]), q[-3])


def fused(query, key, value, dropout, learned, last_step) -> bool:
    """Whether PyTorch's CPU has a kernel for it: heads of one size whose numbers lie side by side, no dropout, no mask that learns."""
    q, k, v = query.shape, key.shape, value.shape
    if not len(q) == len(k) == len(v) == 4 or dropout or learned:
        return False
    return q[:2] == k[:2] == v[:2] and q[-1] == k[-1] == v[-1] and all(last_step(t) == 1 for t in (query, key, value))


@rule("scaled_dot_product_attention")
class Attention(Rule):
    """``softmax(query @ key^T / sqrt(E)) @ value``."""

    title = "attention"
    whole = True

    @staticmethod
    def shape(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
        q, k, v = query.shape, key.shape, value.shape
        one_dtype(query, key, value)
        kinds(query.dtype, FRACTION, FRACTION, "attention")
        least = min(len(q), len(k), len(v))
        if least < 2:
            need(False, "at least {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=least)
        if q[-1] is not k[-1]:
            need(q[-1] == k[-1], "queries of {wanted:numbers} meet keys of {arrived}", wanted=q[-1], arrived=k[-1])
        if k[-2] is not v[-2]:
            need(k[-2] == v[-2], "{wanted:keys meet} {arrived:values}", wanted=k[-2], arrived=v[-2])
        lead = _lead(q, k, v, enable_gqa)
        if attn_mask is not None:
            need(not is_causal, "a mask and is_causal cannot be given together", wanted=1, arrived=2)
            scores = (*lead, q[-2], k[-2])
            mask = tuple(attn_mask.shape)
            need(len(mask) <= len(scores), "a mask of at most {wanted:axes} is wanted, {arrived:arrive}",
                 wanted=len(scores), arrived=len(mask))  # fmt: skip
            for n, m in zip(reversed(scores), reversed(mask)):
                stretched(m, n, "the mask has {arrived:places} where there are {wanted}")
        return (*lead, q[-2], v[-1])

    @staticmethod
    def macs(call):
        q, v = call.query.shape, call.value.shape
        return product(call.out.shape[:-2]) * q[-2] * v[-2] * (q[-1] + v[-1])


def _as_the_queries_lie(given, shape):
    """The fused kernel lays its result out as the queries lie; what is written out step by step comes row by row."""
    query, key, value, mask = [given[name] for name in ("query", "key", "value", "attn_mask")]
    learned = mask is not None and mask.requires_grad
    in_one_go = fused(query, key, value, given["dropout_p"], learned, lambda t: t.stride(-1))
    return strides(shape, sorted(range(len(shape)), key=query.stride, reverse=True)) if in_one_go else rows(shape)


told("lays", _as_the_queries_lie, "scaled_dot_product_attention")


@rule("multi_head_attention_forward")
class MultiHeadAttention(Rule):
    """Queries, keys and values projected, attended to by several heads, and projected again."""

    title = "multi-head attention"
    whole = True
    knobs = {"in_proj_weight": ("3*embed_dim", "embed_dim"), "out_proj_weight": ("embed_dim", "embed_dim")}

    @staticmethod
    def shape(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn, dropout_p,
              out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None,
              use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None,
              average_attn_weights=True, is_causal=False):  # fmt: skip
        weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else (in_proj_weight,)
        one_dtype(*[t for t in (query, key, value, *weights, in_proj_bias, out_proj_weight, out_proj_bias) if t is not None])
        kinds(query.dtype, FRACTION, FRACTION, "attention")
        for learned in (bias_k, bias_v):  # joined to the keys: what they hold as well will do
            if learned is not None and name_of(promote(learned.dtype, key.dtype)) != name_of(key.dtype):
                one_dtype(learned, key)
        q, k, v = query.shape, key.shape, value.shape
        need(len(q) in (2, 3), "queries of {wanted:axes} are wanted, {arrived:arrive}", wanted="2 or 3", arrived=len(q))
        need(len(k) == len(q) and len(v) == len(q), "query, key and value must have the same number of axes: {wanted}, {arrived:arrive}",
             wanted=len(q), arrived=len(k))  # fmt: skip
        need(
            q[-1] == embed_dim_to_check,
            "queries of {wanted:numbers} are wanted, {arrived:arrive}",
            wanted=embed_dim_to_check,
            arrived=q[-1],
        )
        need(q[-1] % num_heads == 0, "{arrived:numbers} cannot be shared out over {wanted:heads}", arrived=q[-1], wanted=num_heads)
        need(k[0] == v[0], "{wanted:keys meet} {arrived:values}", wanted=k[0], arrived=v[0])
        if use_separate_proj_weight:
            need(k[-1] == k_proj_weight.shape[1], "keys of {wanted:numbers} are wanted, {arrived:arrive}",
                 wanted=k_proj_weight.shape[1], arrived=k[-1])  # fmt: skip
            need(v[-1] == v_proj_weight.shape[1], "values of {wanted:numbers} are wanted, {arrived:arrive}",
                 wanted=v_proj_weight.shape[1], arrived=v[-1])  # fmt: skip
        else:
            for other, what in ((k, "keys"), (v, "values")):
                need(other[-1] == embed_dim_to_check, "{what} of {wanted:numbers} are wanted, {arrived:arrive}",
                     what=what, wanted=embed_dim_to_check, arrived=other[-1])  # fmt: skip
        _projects(None if use_separate_proj_weight else in_proj_weight, in_proj_bias, 3 * q[-1], q[-1])
        _projects(out_proj_weight, out_proj_bias, q[-1], q[-1])
        batch = q[1:-1]
        if batch:
            need(k[1] == q[1], "a batch of {wanted:queries} meets one of {arrived:keys}", wanted=q[1], arrived=k[1])
        seen = _seen(k, bias_k, add_zero_attn, static_k)
        if key_padding_mask is not None:
            mask = tuple(key_padding_mask.shape)
            wanted = (*batch, k[0])
            need(len(mask) == len(wanted), "a padding mask of {wanted:axes} is wanted, {arrived:arrive}",
                 wanted=len(wanted), arrived=len(mask))  # fmt: skip
            for n, m in zip(wanted, mask):
                need(n == m, "the padding mask has {arrived:places} where there are {wanted}", wanted=n, arrived=m)
        if attn_mask is not None:
            mask = tuple(attn_mask.shape)
            wanted = (q[0], k[0])
            need(len(mask) in (2, 3), "a mask of {wanted:axes} is wanted, {arrived:arrive}", wanted="2 or 3", arrived=len(mask))
            for n, m in zip(wanted, mask[-2:]):
                need(n == m, "the mask has {arrived:places} where there are {wanted}", wanted=n, arrived=m)
            if len(mask) == 3:
                heads = batch[0] * num_heads if batch else num_heads
                need(mask[0] == heads, "the mask is for {arrived:heads}, there are {wanted}", wanted=heads, arrived=mask[0])
        if not need_weights:
            return [tuple(q), None]
        return [tuple(q), (*batch, q[0], seen) if average_attn_weights else (*batch, num_heads, q[0], seen)]

    @staticmethod
    def macs(call):
        q, k, v = call.query.shape, call.key.shape, call.value.shape
        batch, embed = product(q[1:-1]), q[-1]
        seen = _seen(k, call.bias_k, call.add_zero_attn, call.static_k)
        projections = batch * embed * (q[0] * q[-1] + k[0] * k[-1] + v[0] * v[-1] + q[0] * embed)
        return projections + 2 * batch * q[0] * seen * embed


told("batch", lambda call: 1 if len(call.query.shape) == 3 else None, "multi_head_attention_forward")


def _projects(weight, bias, rows, columns):
    """Demand a projection of these sizes, where there is one."""
    if weight is not None:
        w = weight.shape
        need(len(w) == 2, "a projection of {wanted:axes} is wanted, {arrived:arrive}", wanted=2, arrived=len(w))
        for n, m in zip((rows, columns), w):
            if n is not m:
                need(n == m, "a projection of {wanted:numbers} is wanted, {arrived:arrive}", wanted=n, arrived=m)
    if bias is not None and bias.shape:
        stretched(bias.shape[-1], rows, "{wanted:numbers are} wanted as bias, {arrived:arrive}")


def _seen(key, bias_k, add_zero_attn, static_k):
    """How many keys each query looks at."""
    seen = key[0] if static_k is None else static_k.shape[1]
    if bias_k is not None:
        seen = seen + 1
    return seen + 1 if add_zero_attn else seen


def attend(net, prefix, query, key, value, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False,
           kdim=None, vdim=None, batch_first=False, need_weights=True):  # fmt: skip
    """The weights of a `MultiheadAttention` and the call of its operator; the batch comes second there."""
    need(embed_dim > 0 and num_heads > 0, "embed_dim and num_heads of at least 1 are wanted, {arrived} was chosen",
         arrived=(embed_dim, num_heads), wanted=1)  # fmt: skip
    need(embed_dim % num_heads == 0, "embed_dim {arrived} cannot be shared out over {wanted:heads}", arrived=embed_dim, wanted=num_heads)
    same = (kdim or embed_dim) == embed_dim == (vdim or embed_dim)
    p = lambda name, *shape: net.parameter(prefix + name, shape)
    joint = p("in_proj_weight", 3 * embed_dim, embed_dim) if same else None
    apart = [None] * 3 if same else [
        p(f"{x}_proj_weight", embed_dim, n or embed_dim) for x, n in zip("qkv", (embed_dim, kdim, vdim))
    ]  # fmt: skip
    offset = p("in_proj_bias", 3 * embed_dim) if bias else None
    extra = [p(f"bias_{x}", 1, 1, embed_dim) for x in "kv"] if add_bias_kv else [None, None]
    out = p("out_proj.weight", embed_dim, embed_dim), p("out_proj.bias", embed_dim) if bias else None
    turn = batch_first and len(query.shape) == 3
    if turn:
        turned = {id(t): net.call("transpose", t, 1, 0) for t in (query, key, value)}
        query, key, value = turned[id(query)], turned[id(key)], turned[id(value)]
    made, weights = net.call("multi_head_attention_forward", query, key, value, embed_dim, num_heads, joint, offset, *extra, add_zero_attn,
                             dropout, *out, net.training, None, need_weights, None, not same, *apart)  # fmt: skip
    return net.call("transpose", made, 1, 0) if turn else made, weights


@layer("MultiheadAttention")
def multihead_attention_layer(net, *args, **kwargs):
    """``(output, weights)``; called with one tensor, it attends to itself."""
    inputs, rest = leading(args)
    need(len(inputs) in (1, 3), "query, key and value are wanted, {arrived:tensors arrive}", wanted=3, arrived=len(inputs))
    query, key, value = inputs * 3 if len(inputs) == 1 else inputs
    return attend(net, "", query, key, value, *rest, **kwargs)
