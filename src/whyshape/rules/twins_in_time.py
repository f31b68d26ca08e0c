"""How Keras spells what goes along a sequence: recurrent layers and attention."""

from __future__ import annotations

from typing import Any

from whyshape.rules.recurrent import sequence
from whyshape.rules.twins import Lookalike, NoTwin, Twin, code, twin

# operator -> the layer there, what of its words is not its default, how many blocks its kernel has
RECURRENT = {"lstm": ("LSTM", {}), "gru": ("GRU", {}), "rnn_tanh": ("SimpleRNN", {}), "rnn_relu": ("SimpleRNN", {"activation": "relu"})}


@twin(*RECURRENT)
def recurrent(call, last=True):
    """One layer for each of ``num_layers``; two directions are a Bidirectional. Every step goes out, as here."""
    s = sequence(call.input, call.args)
    name, words = RECURRENT[call.op]
    if s.packed:
        return NoTwin("Keras has no packed sequences, it has masks")
    if len(s.input) != 3:
        return NoTwin("a layer in Keras always wants a batch")
    if not s.cell or s.cell not in (2, 4):
        return NoTwin("a recurrent layer in Keras has no projection")
    units = int(s.params[1].shape[1])

    def steps(**more) -> tuple[str, ...]:
        said = code(name, units, return_sequences=True, **words, use_bias=None if s.biases else False, **more)
        return (code("Bidirectional", _Said(said)) if s.bidirectional else said,) * s.layers

    remark, beware = "", ()
    if s.biases and name == "GRU":
        beware = (Lookalike(steps(reset_after=False), "it resets before the product and has one bias, here are two"),)
    elif s.biases:
        remark = "its one bias is the sum of both here"
    if s.biases and name == "LSTM":
        remark += ". New biases of the forget gate start at 1 there, near 0 here"
    return Twin(steps(), (), remark, beware, layout="as is" if s.batch_first else "turned")


class _Said(str):
    """Code as it stands, not to be quoted."""

    __repr__ = str.__str__


@twin("multi_head_attention_forward")
def attention(call, last=True):
    """The numbers of each head are said, not their sum; the first axis is the batch there."""
    if len(call.query.shape) != 3:
        return NoTwin("a layer in Keras always wants a batch")
    if call.bias_k is not None or call.bias_v is not None or call.add_zero_attn:
        return NoTwin("attention in Keras has no key and value of its own")
    if call.attn_mask is not None or call.key_padding_mask is not None:
        return NoTwin("a mask here says what is hidden, one in Keras what is seen")
    size, heads = int(call.query.shape[-1]), int(call.num_heads)
    wide = None if int(call.value.shape[-1]) == size else size
    bias = None if call.in_proj_bias is not None else False
    step = lambda numbers: (code("MultiHeadAttention", heads, numbers, output_shape=wide, use_bias=bias),)
    remark = f"one head has key_dim={size // heads} numbers there, {size}/{heads}"
    beware = (Lookalike(step(size), f"its {heads} heads have {size} numbers each"),) if heads > 1 else ()
    return Twin(step(size // heads), (), remark, beware, layout="turned")


@twin("scaled_dot_product_attention")
def scaled_attention(call, last=True):
    """The same sums; the heads stand behind the places there, and without heads they are written out."""
    query, key, value = (tuple(int(n) for n in tensor.shape) for tensor in (call.query, call.key, call.value))
    if call.enable_gqa or query[:-2] != key[:-2] or query[:-2] != value[:-2]:
        return NoTwin("every head of queries has keys of its own in Keras")
    if call.dropout_p:
        return NoTwin("ops.dot_product_attention in Keras drops no weights")
    if len(query) == 4:
        return _by_heads(call, query, key)
    if call.attn_mask is not None or call.is_causal:
        return NoTwin("attention with a mask wants four axes in Keras: batch, places, heads, numbers")
    scale = query[-1] ** -0.5 if call.scale is None else float(call.scale)
    scores = f"ops.matmul(query, ops.swapaxes(key, -1, -2)) * {scale!r}"
    return Twin((f"ops.matmul(ops.softmax({scores}), value)",), layout="as is")


def _by_heads(call, query, key) -> Twin:
    mask, scale = call.attn_mask, None if call.scale is None else float(call.scale)
    words: dict[str, Any] = {"is_causal": True if call.is_causal else None, "scale": scale}
    if mask is not None:
        axes = tuple(range(4 - len(mask.shape)))
        said = f"ops.expand_dims(attn_mask, {axes})" if axes else "attn_mask"
        words["mask" if "bool" in str(mask.dtype) else "bias"] = _Said(said)  # what is True is seen, on both sides
    three = [_Said(name) for name in ("query", "key", "value")]
    alone = query[-2] == key[-2]
    remark = "left in the order of PyTorch, heads would look at heads" if alone and query[1] > 1 else ""
    return Twin((code("ops.dot_product_attention", *three, **words),), (), remark, layout="heads")
