"""Recurrent layers of Keras in PyTorch: the gates in PyTorch's order, and two biases where Keras has one."""

from __future__ import annotations

from whyshape.analyses.translate_keras import Missing
from whyshape.analyses.translate_torch_layers import layer, plain

# PyTorch keeps a GRU's gates as reset, update, new; Keras as update, reset, new. An LSTM's stand alike: input, forget, cell, output.
ORDER = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}
NAMES = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}


@layer(*ORDER)
def recurrent(w, config, inputs):
    h, units = inputs[0], config["units"]
    if len(inputs) != 1 or config.get("return_state") or config.get("stateful"):
        raise Missing("its states come in or go out")
    if len(h.shape) != 3:
        raise Missing("a sequence of features is wanted")
    inside = config.get("activation", "tanh")
    if inside != "tanh" and (w.kind, inside) != ("SimpleRNN", "relu"):
        raise Missing(f"PyTorch's {NAMES[w.kind]} has no activation {str(inside)[:40]!r}")
    if config.get("recurrent_activation", "sigmoid") != "sigmoid":
        raise Missing("PyTorch's gates are sigmoids")
    bias, both = config.get("use_bias", True), w.kind == "GRU"
    if both and not config.get("reset_after", True):
        raise Missing("a GRU that resets before the product; PyTorch's resets after it")
    more = ("" if bias else ", bias=False") + (', nonlinearity="relu"' if inside == "relu" else "")
    gates = ORDER[w.kind]
    weights = [("weight_ih_l0", 0, (1, 0), None, gates), ("weight_hh_l0", 1, (1, 0), None, gates)]
    if bias and both:
        weights += [("bias_ih_l0", 2, None, None, gates, 0), ("bias_hh_l0", 2, None, None, gates, 1)]
    elif bias:
        weights += [("bias_ih_l0", 2, None, None, gates), ("bias_hh_l0", -1)]  # PyTorch adds two; the second is zero
    module = w.module(f"nn.{NAMES[w.kind]}({h.shape[-1]}, {units}, batch_first=True{more})", *weights)
    x = f"{plain(h)}.flip(1)" if config.get("go_backwards") else plain(h)
    if config.get("return_sequences"):
        return f"{module}({x})[0]", (*h.shape[:2], units), False
    return f"{module}({x})[0][:, -1]", (None, units), False


__all__ = ["ORDER"]
