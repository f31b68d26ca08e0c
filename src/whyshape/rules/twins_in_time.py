"""How Keras spells what goes along a sequence: recurrent layers and attention."""

from __future__ import annotations

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
