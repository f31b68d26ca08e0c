"""What an operator is made of, for telling whether two networks that are written differently compute the same.

An exporter writes SiLU as a sigmoid and a product, a linear layer on tokens as a matrix product and a sum. The answer is the plain
operators, in words that both ways of writing come down to; calls that only move numbers, or do nothing, come down to nothing.
"turn?" is a turn that an exporter may write into the one before it.
"""

from __future__ import annotations

from whyshape.rules.base import told
from whyshape.sizes import product


def _linear(call) -> tuple[str, ...]:
    return ("product", "add") if getattr(call, "bias", None) is not None else ("product",)


def _joined(call) -> tuple[str, ...]:
    """One tensor joined with nothing is itself."""
    tensors = getattr(call, "tensors", ())
    return () if isinstance(tensors, (tuple, list)) and len(tensors) == 1 else ("join",)


def _mean(call) -> tuple[str, ...]:
    return ("average",) if product(call.out.shape) < product(call.input.shape) else ()


def _attention(call) -> tuple[str, ...]:
    return ("turn?", "mul", "mul", "product", "softmax", "product", *(("add",) if getattr(call, "attn_mask", None) is not None else ()))


def _heads(call) -> tuple[str, ...]:
    """Projections, every head's attention, and the projection of what comes out, as PyTorch itself computes them."""
    project = ("product",) if call.in_proj_bias is None else ("product", "add")
    one_matrix = call.key is call.value and not getattr(call, "use_separate_proj_weight", False)
    into = (*project, "turn") if one_matrix and call.query is call.key else (*project, *project, "turn") if one_matrix else project * 3
    masks = ("add",) if call.attn_mask is not None or call.key_padding_mask is not None else ()
    both = ("add",) if call.attn_mask is not None and call.key_padding_mask is not None else ()  # the masks to one another
    attend = ("turn?", *("mul",) * (1 if call.need_weights else 2), "product", *masks, "softmax", "product")
    out = ("product",) if call.out_proj_bias is None else ("product", "add")
    return (*into, *("turn",) * 3, *both, *attend, "turn", *out, *(("average",) if call.need_weights and call.average_attn_weights else ()))


def _picked(call) -> tuple[str, ...]:
    """Slices only move numbers; an index tensor looks rows up."""
    index = call.index if isinstance(call.index, tuple) else (call.index,)
    return ("pick",) if any(hasattr(i, "shape") for i in index) else ()


told("spelled", ("sigmoid", "mul"), "silu")
told("spelled", ("softplus", "tanh", "mul"), "mish")
told("spelled", ("div", "erf", "add", "mul", "mul"), "gelu")
told("spelled", ("hardsigmoid", "mul"), "hardswish")
told("spelled", ("clamp",), "hardtanh relu6 clamp clamp_min clamp_max clip")
told("spelled", _linear, "linear")
told("spelled", ("product",), "matmul bmm mm")
told("spelled", ("product", "add"), "addmm")
told("spelled", _mean, "mean adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d avg_pool2d avg_pool3d")
told("spelled", _joined, "cat concat concatenate")
told("spelled", _attention, "scaled_dot_product_attention")
told("spelled", ("turn",), "permute transpose swapaxes swapdims movedim moveaxis t Tensor.permute")
told("spelled", (), "clone")
told("spelled", ("sqrt", "div"), "rsqrt")
told("spelled", _heads, "multi_head_attention_forward")
told("spelled", _picked, "Tensor.__getitem__")
told("spelled", ("pick",), "embedding index_select")
