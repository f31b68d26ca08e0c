"""Recurrence, attention, and layers around layers."""

from __future__ import annotations

from whyshape.graph import Value
from whyshape.readers.keras.layers import LAYERS, Unclear, activated, bias, layer, lies, maps, rank, settings, spread

GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


def states(net, config, made: Value, last: Value | None, count: int):
    """The result, and the states where they are asked for."""
    return [made] + [last or made for _ in range(count)] if config.get("return_state") else made


@layer(*GATES)
def recurrent(net, config, inputs):
    x, units, gates = inputs[0], config["units"], GATES[net.name]
    rank(net, x, 3)
    kernel = net.parameter("kernel", (x.shape[2], gates * units))
    inner = net.parameter("recurrent_kernel", (units, gates * units))
    offset = None
    if config.get("use_bias", True):
        both = net.name == "GRU" and config.get("reset_after", True)
        offset = net.parameter("bias", (2, gates * units) if both else (gates * units,))
    every = bool(config.get("return_sequences", False))
    made = net.call("keras.recurrent", x, kernel, inner, offset, units, every)
    last = net.made("keras.sized", (net.axis(x, 0), units), x.dtype, x) if config.get("return_state") and every else made
    return states(net, config, made, last, 2 if net.name == "LSTM" else 1)


@layer("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def conv_lstm(net, config, inputs):
    x, n = inputs[0], int(net.name[8])
    rank(net, x, n + 3)
    k, s, d = settings(net, config, n)
    first = lies(config) == "channels_first"
    frame_sizes = (x.shape[0], *x.shape[2:])
    frame = net.tensor(frame_sizes, x.dtype)
    channels = frame_sizes[1] if first else frame_sizes[-1]
    kernel = net.parameter("kernel", (*k, channels, 4 * config["filters"]))
    net.parameter("recurrent_kernel", (*k, config["filters"], 4 * config["filters"]))
    offset = bias(net, config, 4 * config["filters"])
    gates = net.call(f"keras.conv{n}d", frame, kernel, offset, s, config.get("padding", "valid"), d, 1, lies(config))
    sizes = list(net.sizes(gates))
    sizes[1 if first else -1] = config["filters"]
    sizes[0] = net.axis(x, 0)
    if config.get("return_sequences"):
        sizes.insert(1, net.axis(x, 1))
    return states(net, config, net.made("keras.sized", sizes, x.dtype, x), None, 2)


def inner(config: dict, word: str = "layer") -> tuple[str, dict]:
    """The class and config of the layer that a wrapper holds."""
    held = config.get(word)
    if not isinstance(held, dict) or not isinstance(held.get("config"), dict):
        raise Unclear("the layer inside is missing")
    return str(held.get("class_name")), held["config"]


def call_inner(net, name: str, config: dict, inputs):
    """One layer inside another, under the path of both."""
    make = LAYERS.get(name)
    if make is None:
        raise Unclear(f"no rule is known for {name[:60]}")
    outer, path = net.name, net.path
    net.name, net.path = name, f"{path}.{str(config.get('name', name))[:60]}"
    try:
        return make(net, config, inputs)
    finally:
        net.name, net.path = outer, path


@layer("Bidirectional")
def bidirectional(net, config, inputs):
    name, held = inner(config)
    forward, backward = (call_inner(net, name, held, inputs[:1]) for _ in range(2))
    more = []
    if isinstance(forward, list):
        more, forward, backward = [*forward[1:], *backward[1:]], forward[0], backward[0]
    mode = config.get("merge_mode", "concat")
    if mode is None:
        return [forward, backward, *more]
    made = net.call("cat", [forward, backward], -1) if mode == "concat" else net.call("mul" if mode == "mul" else "add", forward, backward)
    return [made, *more] if more else made


@layer("TimeDistributed")
def time_distributed(net, config, inputs):
    (x,) = inputs
    if len(x.shape) < 3:
        net.refuse(net.name, f"at least 3 axes are wanted, {len(x.shape)} arrive", wanted=3, arrived=len(x.shape))
    name, held = inner(config)
    flat = net.call("flatten", x, 0, 1)
    out = call_inner(net, name, held, [flat])
    return net.call("reshape", out, (net.axis(x, 0), net.axis(x, 1), *net.sizes(out)[1:]))


@layer("SpectralNormalization")
def wrapped(net, config, inputs):
    return call_inner(net, *inner(config), inputs)


@layer("Attention", "AdditiveAttention")
def attention(net, config, inputs):
    q, v = inputs[0], inputs[1]
    k = inputs[2] if len(inputs) > 2 else v
    for i, n in ((0, 0), (2, 2)):
        if q.shape[i] != k.shape[n]:
            net.refuse(net.name, f"axis {i} has {q.shape[i]} in the query and {k.shape[n]} in the key; they must be equal",
                       wanted=q.shape[i], arrived=k.shape[n])  # fmt: skip
    return net.made("keras.sized", (*net.sizes(q)[:-1], net.axis(v, len(v.shape) - 1)), q.dtype, q, v, k)


@layer("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention")
def heads(net, config, inputs):
    if len(inputs) < 2:
        raise Unclear("query and value are wanted")
    q, v = inputs[0], inputs[1]
    k = inputs[2] if len(inputs) > 2 else v
    if net.name == "MultiHeadAttention":
        groups = count = config["num_heads"]
        key = config["key_dim"]
        value = config.get("value_dim") or key
    else:
        count, groups, key = config["num_query_heads"], config["num_key_value_heads"], config["head_dim"]
        value = key
    out = config.get("output_shape")
    out = (q.shape[-1],) if out is None else (out,) if type(out) is int else tuple(out)
    use = config.get("use_bias", True)
    for name, x, h, size in (("query", q, count, key), ("key", k, groups, key), ("value", v, groups, value)):
        net.parameter(f"{name}.kernel", (x.shape[-1], h, size))
        if use:
            net.parameter(f"{name}.bias", (h, size))
    net.parameter("attention_output.kernel", (count, value, *out))
    if use:
        net.parameter("attention_output.bias", out)
    return net.made("keras.sized", (*net.sizes(q)[:-1], *out), q.dtype, q, v, k)


__all__ = ["activated", "maps", "spread"]
