"""Recurrent networks: one step after another along a sequence, what is remembered handed on."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from whyshape.rules.base import Rule, Unexplained, layer, leading, rule, told
from whyshape.sizes import need, product, total

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


class Sequence(NamedTuple):
    """A call of a recurrent operator, whichever of its two forms it had."""

    input: tuple[int, ...]
    states: tuple
    params: tuple
    biases: bool
    layers: int
    bidirectional: bool
    batch_first: bool
    packed: bool

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def cell(self) -> int:
        """How many parameters stand for one cell: two weights, with biases four, and a projection."""
        return len(self.params) // (self.layers * self.directions)


def sequence(input, args) -> Sequence:
    """``(hx, params, biases, layers, dropout, train, bidirectional, batch_first)``, or packed: ``(batch_sizes, hx, params, ...)``."""
    packed = isinstance(args[2], (tuple, list))
    if packed:
        _, hx, params, biases, layers, _, _, bidirectional = args
        batch_first = False
    else:
        hx, params, biases, layers, _, _, bidirectional, batch_first = args
    states = (hx,) if hasattr(hx, "shape") else tuple(hx)
    return Sequence(tuple(input.shape), states, tuple(params), biases, int(layers), bidirectional, batch_first, packed)


def _outputs(s: Sequence):
    x = s.input
    rank = 2 if s.packed else 3
    need(len(x) == rank, "{wanted:axes are} wanted, {arrived:arrive}", wanted=rank, arrived=len(x))
    if not s.params:
        raise Unexplained("no weights are given")
    features = s.params[0].shape[1]
    need(x[-1] == features, "{wanted:features are} wanted on the last axis, {arrived:arrive}", wanted=features, arrived=x[-1])
    places = s.layers * s.directions
    for state in s.states:
        h = state.shape
        need(len(h) == 3, "a state must have {wanted:axes}, {arrived:arrive}", wanted=3, arrived=len(h))
        need(h[0] == places, "a state for {wanted:layers and directions} is wanted, {arrived:arrive}", wanted=places, arrived=h[0])
        if not s.packed:
            batch = x[0] if s.batch_first else x[1]
            need(h[1] == batch, "a state for a batch of {wanted} is wanted, {arrived:arrive}", wanted=batch, arrived=h[1])
    hidden = s.params[1].shape[1]
    need(s.states[0].shape[2] == hidden, "a state of {wanted:numbers} is wanted, {arrived:arrive}",
         wanted=hidden, arrived=s.states[0].shape[2])  # fmt: skip
    wide = hidden * s.directions if s.directions > 1 else hidden
    return [(*x[:-1], wide), *[tuple(state.shape) for state in s.states]]


class _Recurrent(Rule):
    knobs: ClassVar[dict[str, tuple[str, ...]]] = {"weight_ih_l0": ("", "input_size"), "weight_hh_l0": ("", "hidden_size")}

    @staticmethod
    def shape(input, *args):
        return _outputs(sequence(input, args))

    @staticmethod
    def macs(call):
        s = sequence(call.input, call.args)
        weights = [p for p in s.params if len(p.shape) == 2]
        return product(s.input[:-1]) * total(product(p.shape) for p in weights)


@rule("lstm")
class LSTM(_Recurrent):
    """Long short-term memory: four gates decide what is kept, written and shown."""

    title = "LSTM"


@rule("gru")
class GRU(_Recurrent):
    """Gated recurrent unit: two gates and a candidate."""

    title = "GRU"


@rule("rnn_tanh", "rnn_relu")
class RNN(_Recurrent):
    """What is remembered and what arrives, weighted and bent."""

    title = "RNN"


def _batch(call) -> int | None:
    """The axis on which the sequences stand beside one another; none where they are packed."""
    s = sequence(call.input, call.args)
    return None if s.packed else 0 if s.batch_first else 1


told("batch", _batch, "lstm gru rnn_tanh rnn_relu")


def _cell(input, h, w_ih, w_hh):
    x = input.shape
    need(x[-1] == w_ih.shape[1], "{wanted:features are} wanted on the last axis, {arrived:arrive}", wanted=w_ih.shape[1], arrived=x[-1])
    need(h.shape[-1] == w_hh.shape[1], "a state of {wanted:numbers} is wanted, {arrived:arrive}", wanted=w_hh.shape[1], arrived=h.shape[-1])
    if len(x) == 2 and len(h.shape) == 2:
        need(h.shape[0] == x[0], "a state for a batch of {wanted} is wanted, {arrived:arrive}", wanted=x[0], arrived=h.shape[0])
    return (*h.shape[:-1], w_hh.shape[1])


class _Cell(Rule):
    knobs: ClassVar[dict[str, tuple[str, ...]]] = {"w_ih": ("", "input_size"), "w_hh": ("", "hidden_size")}

    @staticmethod
    def shape(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        return _cell(input, hx, w_ih, w_hh)

    @staticmethod
    def macs(call):
        return product(call.input.shape[:-1]) * (product(call.w_ih.shape) + product(call.w_hh.shape))


@rule("gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
class Cell(_Cell):
    """One step of a recurrent network."""

    title = "recurrent step"


@rule("lstm_cell")
class LSTMCell(_Cell):
    """One step of an LSTM: what it shows and what it keeps."""

    title = "LSTM step"

    @staticmethod
    def shape(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        h, c = hx
        return [_cell(input, h, w_ih, w_hh), tuple(c.shape)]


def _weights(net, gates, input_size, hidden_size, num_layers, bias, bidirectional, proj_size):
    seen = proj_size or hidden_size
    params = []
    for level in range(num_layers):
        for suffix in ("", "_reverse")[: 2 if bidirectional else 1]:
            arriving = input_size if level == 0 else seen * (2 if bidirectional else 1)
            end = f"l{level}{suffix}"
            params.append(net.parameter(f"weight_ih_{end}", (gates * hidden_size, arriving)))
            params.append(net.parameter(f"weight_hh_{end}", (gates * hidden_size, seen)))
            if bias:
                params += [net.parameter(f"bias_{kind}_{end}", (gates * hidden_size,)) for kind in ("ih", "hh")]
            if proj_size:
                params.append(net.parameter(f"weight_hr_{end}", (proj_size, hidden_size)))
    return params


class Settings(NamedTuple):
    """What ``LSTM``, ``GRU`` and ``RNN`` are made with."""

    input_size: int
    hidden_size: int
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    proj_size: int = 0


def _recurrent(net, op, tensors, s: Settings):
    """Weights for every layer and direction; states that begin at zero, unless they are given."""
    need(1 <= len(tensors) <= 2, "a sequence and perhaps a state are wanted, {arrived:tensors arrive}", wanted=2, arrived=len(tensors))
    input, x = tensors[0], tensors[0].shape
    need(len(x) in (2, 3), "{wanted:axes are} wanted, {arrived:arrive}", wanted="2 or 3", arrived=len(x))
    need(x[-1] == s.input_size, "{wanted:features are} wanted on the last axis, {arrived:arrive}", wanted=s.input_size, arrived=x[-1])
    need(s.proj_size < s.hidden_size, "proj_size {arrived} must be smaller than hidden_size {wanted}",
         arrived=s.proj_size, wanted=s.hidden_size)  # fmt: skip
    params = _weights(net, GATES[op], s.input_size, s.hidden_size, s.num_layers, s.bias, s.bidirectional, s.proj_size)
    alone, batch_axis = len(x) == 2, 0 if s.batch_first else 1  # alone: one sequence without a batch
    if alone:
        input = net.call("unsqueeze", input, batch_axis)
    if len(tensors) == 2:
        states = list(tensors[1]) if op == "lstm" else [tensors[1]]
        if alone:
            states = [net.call("unsqueeze", h, 1) for h in states]
    else:
        places, batch = s.num_layers * (2 if s.bidirectional else 1), input.shape[batch_axis]
        sizes = (s.proj_size or s.hidden_size, s.hidden_size) if op == "lstm" else (s.hidden_size,)
        states = [net.call("zeros", places, batch, n, dtype=input.dtype) for n in sizes]
    out, *last = net.call(op, input, tuple(states) if op == "lstm" else states[0], params, s.bias, s.num_layers, s.dropout, net.training,
                          s.bidirectional, s.batch_first)  # fmt: skip
    if alone:
        out = net.call("squeeze", out, batch_axis)
        last = [net.call("squeeze", h, 1) for h in last]
    return (out, tuple(last)) if op == "lstm" else (out, last[0])


@layer("LSTM", "GRU")
def gated_layer(net, *args, **kwargs):
    """``(output, (h, c))``, a GRU's ``(output, h)``; called with a sequence, or a sequence and its state."""
    tensors, rest = leading(args)
    return _recurrent(net, net.name.lower(), tensors, Settings(*rest, **kwargs))


@layer("RNN")
def rnn_layer(net, *args, nonlinearity="tanh", **kwargs):
    """``(output, h)``; called with a sequence, or a sequence and its state."""
    tensors, rest = leading(args)
    if len(rest) > 3:  # here nonlinearity stands before bias
        nonlinearity, rest = rest[3], (*rest[:3], *rest[4:])
    need(nonlinearity in ("tanh", "relu"), "nonlinearity is 'tanh' or 'relu'; {arrived!r} was chosen", arrived=nonlinearity, wanted="tanh")
    return _recurrent(net, f"rnn_{nonlinearity}", tensors, Settings(*rest, **kwargs))


@layer("LSTMCell", "GRUCell", "RNNCell")
def cell_layer(net, *args, **kwargs):
    """One step, from a state of zeros unless one is given; an LSTM's gives ``(h, c)``."""
    tensors, rest = leading(args)
    return _one_step(net, tensors, *rest, **kwargs)


def _one_step(net, tensors, input_size, hidden_size, bias=True, nonlinearity="tanh"):
    op = {"LSTMCell": "lstm_cell", "GRUCell": "gru_cell"}.get(net.name, f"rnn_{nonlinearity}_cell")
    long, gates, input = op == "lstm_cell", GATES[op.removesuffix("_cell")], tensors[0]
    alone = len(input.shape) == 1
    need(len(input.shape) in (1, 2), "{wanted:axes are} wanted, {arrived:arrive}", wanted="1 or 2", arrived=len(input.shape))
    weights = [
        net.parameter("weight_ih", (gates * hidden_size, input_size)),
        net.parameter("weight_hh", (gates * hidden_size, hidden_size)),
    ]
    weights += [net.parameter(name, (gates * hidden_size,)) for name in ("bias_ih", "bias_hh") if bias]
    if alone:
        input = net.call("unsqueeze", input, 0)
    if len(tensors) == 2:
        states = tuple(tensors[1]) if long else (tensors[1],)
        states = tuple([net.call("unsqueeze", h, 0) for h in states]) if alone else states
    else:
        states = (net.call("zeros", input.shape[0], hidden_size, dtype=input.dtype),) * (2 if long else 1)
    made = net.call(op, input, states if long else states[0], *weights)
    made = tuple(made) if long else (made,)
    if alone:
        made = tuple([net.call("squeeze", h, 0) for h in made])
    return made if long else made[0]
