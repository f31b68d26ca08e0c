"""What autograd keeps of a recurrent network: what every step of every layer made.

PyTorch's CPU runs an LSTM in single precision in one go (oneDNN), which keeps the sequences between its layers and a workspace of its
own, whose size is the kernel's affair: counted but for that. All others run step by step, and every step keeps its gates.
"""

from __future__ import annotations

from whyshape.rules.base import Spec, told
from whyshape.rules.dtypes import name_of
from whyshape.rules.kept import PARTLY, outs
from whyshape.rules.recurrent import sequence

# By operator, for each number of the state: what a step makes and keeps, its result included where the next step needs it anyway.
GATES = {"gru": 6, "lstm": 5, "rnn_tanh": 0, "rnn_relu": 0}


def _sequences(call):
    """The states, and for each layer and direction what came in and what each step made."""
    s = sequence(call.input, call.args)
    if s.packed or not all(p.needs_grad for p in s.params):
        return None
    dtype = name_of(call.input.dtype)
    batch_axis = 0 if s.batch_first else 1
    time, batch = s.input[1 - batch_axis], s.input[batch_axis]
    shown, hidden = s.states[0].shape[2], s.states[-1].shape[2]  # an LSTM with a projection shows less than it keeps
    dropped = call.args[4] if call.args[5] else 0
    whole = call.op == "lstm" and dtype == "float32" and shown == hidden
    if call.op == "lstm" and dtype not in ("float32", "float64"):
        return None  # one go or step by step: the processor decides
    straight = call.input if not s.batch_first and call.input.contiguous else Spec(s.input, dtype)
    kept = [*s.states, straight]
    between = Spec((time, batch, shown * s.directions), dtype)
    for layer in range(s.layers):
        if layer and (dropped or s.directions > 1 or not whole):
            kept += [between] * (2 if dropped else 1)  # what the layer before gave; its dropout's mask as well
        for _ in range(s.directions):
            last = layer == s.layers - 1 and s.directions == 1
            kept += _in_one_go(call, s, time, batch, hidden, dtype, last) if whole else _steps(call.op, time, batch, shown, hidden, dtype)
    return [*kept, PARTLY] if whole else kept


def _in_one_go(call, s, time, batch, hidden, dtype, last):
    """One layer in one direction: what it gave, and its two states."""
    gave = outs(call)[0] if last else Spec((time, batch, hidden), dtype)
    missing = [] if s.biases else [Spec(tuple(p.shape), dtype) for p in s.params[:2]]
    return [gave, *[Spec((batch, hidden), dtype)] * 2, *missing]


def _steps(op, time, batch, shown, hidden, dtype):
    """One layer in one direction, step by step."""
    gates = Spec((time, batch, hidden * GATES[op]), dtype)
    states = time if op.startswith("rnn") else time - 1  # the last state of a gated cell is not needed
    kept = [gates, Spec((states, batch, shown), dtype)]
    if op == "lstm":
        kept.append(Spec((time - 1, batch, hidden), dtype))
        if shown != hidden:
            kept.append(Spec((time, batch, hidden), dtype))  # what the projection takes
    return kept


told("saved", _sequences, "lstm gru rnn_tanh rnn_relu")


def _cell(call):
    """What came in, the state, and the gates."""
    if not (call.w_ih.needs_grad and call.w_hh.needs_grad):
        return None
    x = call.input
    states = list(call.hx) if isinstance(call.hx, (tuple, list)) else [call.hx]
    if call.op.startswith("rnn"):
        return [x, *states, call.out]
    return [x, *states, Spec((x.shape[0], states[0].shape[1] * GATES[call.op.removesuffix("_cell")]), name_of(x.dtype))]


told("saved", _cell, "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell")
