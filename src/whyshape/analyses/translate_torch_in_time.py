"""Sequences of Keras in PyTorch: recurrent layers with the gates and biases as PyTorch keeps them, one way or both; attention by heads."""

from __future__ import annotations

from whyshape.analyses.translate_keras import Missing
from whyshape.analyses.translate_torch_layers import layer, plain

# PyTorch keeps a GRU's gates as reset, update, new; Keras as update, reset, new. An LSTM's stand alike: input, forget, cell, output.
ORDER = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}
NAMES = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
COMPUTE = ("units", "activation", "recurrent_activation", "use_bias", "reset_after", "return_sequences")  # what two directions must share
MERGED = {"sum": "{} + {}", "mul": "{} * {}", "ave": "({} + {}) / 2", "concat": "torch.cat([{}, {}], dim=-1)"}


@layer(*ORDER)
def recurrent(w, config, inputs):
    """One layer, one direction."""
    return _read(w, w.kind, config, inputs, None)


@layer("Bidirectional")
def bidirectional(w, config, inputs):
    """Two directions in one layer of PyTorch; the second layer of Keras must be the first one, reversed."""
    held, back = (config.get(side) or {} for side in ("layer", "backward_layer"))
    kind, inner = held.get("class_name"), held.get("config") or {}
    if kind not in ORDER:
        raise Missing(f"{str(kind)[:40]} in two directions")
    other = back.get("config") or {**inner, "go_backwards": True}
    apart = any(inner.get(word) != other.get(word) for word in COMPUTE)
    if apart or back.get("class_name", kind) != kind or inner.get("go_backwards") or not other.get("go_backwards"):
        raise Missing("its two directions are other layers")
    mode = config.get("merge_mode", "concat")
    if mode is not None and mode not in MERGED:
        raise Missing(f"directions merged by {str(mode)[:40]!r}")
    return _read(w, kind, inner, inputs, mode, 2)


def _read(w, kind: str, config: dict, inputs: list, mode: str | None, ways: int = 1):
    """The call and what goes out of it: the steps (or the last), then the states where Keras hands them out."""
    h, units, sequences = inputs[0], config["units"], bool(config.get("return_sequences"))
    if config.get("stateful"):
        raise Missing("it keeps its state from call to call")
    if len(h.shape) != 3:
        raise Missing("a sequence of features is wanted")
    module = _module(w, kind, config, h.shape[-1], ways)
    begin = _begin(w, kind, inputs[1:] or w.take("initial_state"), ways)
    x = f"{plain(h)}.flip(1)" if config.get("go_backwards") else plain(h)
    call = f"{module}({x}{begin})"
    one: tuple = (None, units)
    every: tuple = (None, h.shape[1], units)
    if ways == 1 and not config.get("return_state"):
        return (f"{call}[0]", every, False) if sequences else (f"{call}[0][:, -1]", one, False)
    made = w.let(call)
    states = [f"{made}[1][{i}]" for i in range(2)] if kind == "LSTM" else [f"{made}[1]"]  # each (ways, batch, units)
    if ways == 1:
        results = [(f"{made}[0]", every, False) if sequences else (f"{states[0]}[0]", one, False)]
    else:
        a, b = (f"{made}[0][..., :{units}]", f"{made}[0][..., {units}:]") if sequences else (f"{states[0]}[0]", f"{states[0]}[1]")
        shape = every if sequences else one
        results = [(code, shape, False) for code in ((a, b) if mode is None else (MERGED[mode].format(a, b),))]
        if mode == "concat":
            results = [(f"{made}[0]" if sequences else results[0][0], (*shape[:-1], 2 * units), False)]
    if config.get("return_state"):
        results += [(f"{state}[{way}]", one, False) for way in range(ways) for state in states]
    return results


def _module(w, kind: str, config: dict, features: int, ways: int) -> str:
    """The layer of PyTorch, and where its weights are from."""
    inside = config.get("activation", "tanh")
    if inside != "tanh" and (kind, inside) != ("SimpleRNN", "relu"):
        raise Missing(f"PyTorch's {NAMES[kind]} has no activation {str(inside)[:40]!r}")
    if config.get("recurrent_activation", "sigmoid") != "sigmoid":
        raise Missing("PyTorch's gates are sigmoids")
    bias, both, gates = config.get("use_bias", True), kind == "GRU", ORDER[kind]
    if both and not config.get("reset_after", True):
        raise Missing("a GRU that resets before the product; PyTorch's resets after it")
    weights: list[tuple] = []
    for way, end in enumerate(("l0", "l0_reverse")[:ways]):
        at = way * (3 if bias else 2)
        weights += [(f"weight_ih_{end}", at, (1, 0), None, gates), (f"weight_hh_{end}", at + 1, (1, 0), None, gates)]
        if bias and both:
            weights += [(f"bias_{what}_{end}", at + 2, None, None, gates, row) for row, what in enumerate(("ih", "hh"))]
        elif bias:
            weights += [(f"bias_ih_{end}", at + 2, None, None, gates), (f"bias_hh_{end}", -1)]  # PyTorch adds two; the second is zero
    more = (
        ("" if bias else ", bias=False")
        + (', nonlinearity="relu"' if inside == "relu" else "")
        + (", bidirectional=True" if ways > 1 else "")
    )
    return w.module(f"nn.{NAMES[kind]}({features}, {config['units']}, batch_first=True{more})", *weights)


def _begin(w, kind: str, states, ways: int) -> str:
    """The first states as PyTorch takes them: one tensor (ways, batch, units), of an LSTM two."""
    states = [states] if hasattr(states, "first") else list(states or ())
    if not states:
        return ""
    each = 2 if kind == "LSTM" else 1
    if len(states) != each * ways:
        raise Missing("its first states are given in part")
    stacked = [f"torch.stack([{', '.join(s.name for s in states[i::each])}])" for i in range(each)]
    return f", ({', '.join(stacked)})" if each > 1 else f", {stacked[0]}"


@layer("MultiHeadAttention")
def attention(w, config, inputs):
    """Three kernels (features, heads, numbers) become the thirds of one matrix, whose rows are the heads one after the other."""
    if len(inputs) < 2 or any(len(h.shape) != 3 for h in inputs):
        raise Missing("sequences of features are wanted")
    q, v = inputs[:2]
    k = inputs[2] if len(inputs) > 2 else w.take("key") or v
    heads, size, features = config["num_heads"], config["key_dim"], q.shape[-1]
    out = config.get("output_shape")
    if heads * size != features or config.get("value_dim", size) not in (None, size) or out not in (None, features, [features]):
        raise Missing(f"{heads} heads of {size} numbers on {features} features; in PyTorch the heads share the features out")
    if config.get("use_gate") or config.get("sliding_window"):
        raise Missing("a gate, or a window over the steps")
    if any(w.take(word) is not None for word in ("attention_mask", "query_mask", "value_mask", "key_mask")):
        raise Missing("a mask takes part, which says what is seen; one in PyTorch says what is hidden")
    bias, scores = config.get("use_bias", True), bool(w.take("return_attention_scores"))
    at = [2 * i if bias else i for i in range(4)]
    sides = (k.shape[-1], v.shape[-1])
    joint = sides == (features, features)
    turn = (1, 2, 0)
    weights: list[tuple] = [("in_proj_weight", tuple(at[:3]), turn)] if joint else [
        (f"{what}_proj_weight", at[i], turn) for i, what in enumerate("qkv")]  # fmt: skip
    weights += [("out_proj.weight", at[3], (2, 0, 1))]
    if bias:
        weights += [("in_proj_bias", tuple(n + 1 for n in at[:3])), ("out_proj.bias", at[3] + 1)]
    said = "" if joint else f", kdim={sides[0]}, vdim={sides[1]}"
    said += f", dropout={config['dropout']}" if config.get("dropout") else ""
    module = w.module(f"nn.MultiheadAttention({features}, {heads}, batch_first=True{said}{'' if bias else ', bias=False'})", *weights)
    values = f"{plain(q)}, {plain(k)}, {plain(v)}"
    hidden = ""
    if w.take("use_causal_mask"):
        hidden = f", attn_mask=torch.ones({q.name}.shape[1], {k.name}.shape[1], dtype=torch.bool, device={q.name}.device).triu(1)"
    shape = (*q.shape[:-1], features)
    if not scores:
        return f"{module}({values}, need_weights=False{hidden})[0]", shape, False
    made = w.let(f"{module}({values}, average_attn_weights=False{hidden})")
    return [(f"{made}[0]", shape, False), (f"{made}[1]", (None, heads, q.shape[1], k.shape[1]), False)]


__all__ = ["ORDER"]
