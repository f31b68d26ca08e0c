"""The layers of a transformer, made of attention, linear layers and layer norms; each part stands under its PyTorch path."""

from __future__ import annotations

from whyshape.rules.attention import attend
from whyshape.rules.base import layer
from whyshape.sizes import need


def _as_it_is(name, x):
    return x


class _Block:
    """One layer of an encoder or decoder, its parts called in PyTorch's order."""

    def __init__(self, net, prefix, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True):  # fmt: skip
        need(activation in ("relu", "gelu"), "activation is 'relu' or 'gelu'; {arrived!r} was chosen", arrived=activation, wanted="relu")
        self.net, self.prefix, self.d, self.heads, self.inner = net, prefix, d_model, nhead, dim_feedforward
        self.p, self.activation, self.eps, self.batch_first, self.norm_first, self.bias = (
            dropout, activation, layer_norm_eps, batch_first, norm_first, bias)  # fmt: skip

    def parameter(self, name, *shape):
        return self.net.parameter(self.prefix + name, shape)

    def norm(self, name, x):
        offset = self.parameter(f"{name}.bias", self.d) if self.bias else None
        return self.net.call("layer_norm", x, (self.d,), self.parameter(f"{name}.weight", self.d), offset, self.eps)

    def drop(self, x):
        return self.net.call("dropout", x, self.p, self.net.training)

    def attention(self, name, x, memory):
        out, _ = attend(self.net, f"{self.prefix}{name}.", x, memory, memory, self.d, self.heads, self.p, self.bias,
                        batch_first=self.batch_first, need_weights=False)  # fmt: skip
        return self.drop(out)

    def linear(self, name, x, arriving, leaving):
        offset = self.parameter(f"{name}.bias", leaving) if self.bias else None
        return self.net.call("linear", x, self.parameter(f"{name}.weight", leaving, arriving), offset)

    def feed_forward(self, x):
        x = self.drop(self.net.call(self.activation, self.linear("linear1", x, self.d, self.inner)))
        return self.drop(self.linear("linear2", x, self.inner, self.d))

    def run(self, x, parts):
        """Each part beside a path that skips it; the norm comes before the part, or after the sum."""
        for name, part in parts:
            before, after = (self.norm, _as_it_is) if self.norm_first else (_as_it_is, self.norm)
            x = after(name, self.net.call("add", x, part(before(name, x))))
        return x

    def encode(self, src):
        return self.run(src, [("norm1", lambda x: self.attention("self_attn", x, x)), ("norm2", self.feed_forward)])

    def decode(self, tgt, memory):
        return self.run(tgt, [
            ("norm1", lambda x: self.attention("self_attn", x, x)),
            ("norm2", lambda x: self.attention("multihead_attn", x, memory)),
            ("norm3", self.feed_forward),
        ])  # fmt: skip


@layer("TransformerEncoderLayer")
def encoder_layer(net, src, *args, **kwargs):
    """Attention to itself, then two linear layers, each beside a path that skips it."""
    return _Block(net, "", *args, **kwargs).encode(src)


@layer("TransformerDecoderLayer")
def decoder_layer(net, tgt, memory, *args, **kwargs):
    """Attention to itself, attention to ``memory``, then two linear layers."""
    return _Block(net, "", *args, **kwargs).decode(tgt, memory)


@layer("Transformer")
def transformer_layer(net, src, tgt, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
                      activation="relu", custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False,
                      norm_first=False, bias=True):  # fmt: skip
    """An encoder over ``src`` and a decoder over ``tgt`` that looks at what the encoder made."""
    block = lambda prefix: _Block(
        net, prefix, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias
    )
    for i in range(num_encoder_layers):
        src = block(f"encoder.layers.{i}.").encode(src)
    memory = block("encoder.").norm("norm", src)
    for i in range(num_decoder_layers):
        tgt = block(f"decoder.layers.{i}.").decode(tgt, memory)
    return block("decoder.").norm("norm", tgt)
