"""What an operator is made of, for telling whether two networks that are written differently compute the same.

An exporter writes SiLU as a sigmoid and a product, a linear layer on tokens as a matrix product and a sum. The answer is the plain
operators, in words that both ways of writing come down to; calls that only move numbers, or do nothing, come down to nothing.
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
    return ("turn", "mul", "mul", "product", "softmax", "product", *(("add",) if getattr(call, "attn_mask", None) is not None else ()))


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
