"""What the backward pass multiplies, where it is not each of two factors once more.

Counted is the mathematics: the gradient of every product, once. A kernel that makes its attention weights anew does more.
"""

from __future__ import annotations

from whyshape.rules.attention import _seen
from whyshape.rules.base import told
from whyshape.rules.recurrent import sequence
from whyshape.sizes import product, total

told("factors", lambda call: (call.input, call.vec), "mv")
told("factors", lambda call: (call.input, call.tensor), "dot vdot")
told("factors", lambda call: (call.input, call.other), "inner torch.linalg.matmul kron")
told(
    "factors",
    lambda call: (call.input, call.kernel),
    "keras.dense",
    *[f"keras.{kind}{n}d" for kind in ("conv", "depthwise", "conv_transpose") for n in (1, 2, 3)],
)
told("factors", lambda call: (call.input, call.vec2), "outer ger")
told("factors", lambda call: (call.mat1, call.mat2), "addmm")
told("factors", lambda call: (call.batch1, call.batch2), "baddbmm addbmm")
told("factors", lambda call: (call.mat, call.vec), "addmv")
told("factors", lambda call: (call.vec1, call.vec2), "addr")
told("factors", lambda call: (call.x, call.y), "torch.linalg.vecdot")
told("factors", lambda call: (call.a, call.b), "tensordot")
told("factors", lambda call: (call.input1, call.input2, call.weight), "bilinear")


def _wanted(*tensors) -> int:
    """How many of them want a gradient."""
    return sum(1 for t in tensors if t is not None and t.needs_grad)


def _einsum(call) -> int | None:
    """Of two operands each gradient sums over the same letters; of more it depends on the order."""
    operands = call.operands[0] if len(call.operands) == 1 and isinstance(call.operands[0], (tuple, list)) else call.operands
    return call.rule.macs(call) * _wanted(*operands) if len(operands) <= 2 else None


told("backward", _einsum, "einsum")


def _attention(call) -> int:
    """Scores and sums: the gradient of each product's two factors. Queries and keys are reached through the weights' gradient."""
    q, k, v = call.query, call.key, call.value
    rows = product(call.out.shape[:-2]) * q.shape[-2] * v.shape[-2]
    scored = _wanted(q, k)
    return rows * (v.shape[-1] * (_wanted(v) + (1 if scored else 0)) + q.shape[-1] * scored)


told("backward", _attention, "scaled_dot_product_attention")


def _heads(call) -> int:
    """As attention, between projections whose weights and inputs want gradients."""
    q, k, v = call.query.shape, call.key.shape, call.value.shape
    batch, embed = product(q[1:-1]), q[-1]
    apart = (call.q_proj_weight, call.k_proj_weight, call.v_proj_weight)
    weights = apart if call.use_separate_proj_weight else (call.in_proj_weight,) * 3
    inside = [_wanted(w, x) > 0 for w, x in zip(weights, (call.query, call.key, call.value))]
    parts = zip((q, k, v), weights, (call.query, call.key, call.value))
    count = total(batch * embed * n[0] * n[-1] * _wanted(w, x) for n, w, x in parts)
    scored = sum(inside[:2])
    attended = batch * q[0] * _seen(k, call.bias_k, call.add_zero_attn, call.static_k) * embed
    count += attended * (scored + (1 if scored else 0) + (1 if inside[2] else 0))
    return count + batch * q[0] * embed * embed * (_wanted(call.out_proj_weight) + (1 if any(inside) else 0))


told("backward", _heads, "multi_head_attention_forward")


def _recurrent(call) -> int:
    """Every step's two products: the gradients of the weights, of what came in, and of what was remembered, from the second step on."""
    s = sequence(call.input, call.args)
    cells = product(s.input[:-1])
    steps = s.input[0] if not s.batch_first else s.input[1]
    count, arriving = 0, call.input.needs_grad
    for level in range(s.layers):
        followed = False
        for way in range(s.directions):
            first = (level * s.directions + way) * s.cell
            w_ih, w_hh = s.params[first], s.params[first + 1]
            began = s.states[0].needs_grad
            learns = _wanted(w_ih, w_hh) > 0 or arriving
            remembers = cells if began else cells - cells // steps if learns else 0
            count += cells * product(w_ih.shape) * (_wanted(w_ih) + (1 if arriving else 0))
            count += product(w_hh.shape) * (cells * _wanted(w_hh) + remembers)
            if len(s.params[first : first + s.cell]) in (3, 5):  # a projection
                w_hr = s.params[first + s.cell - 1]
                count += cells * product(w_hr.shape) * (_wanted(w_hr) + 1)
            followed = followed or learns or began
        arriving = followed
    return count


told("backward", _recurrent, "lstm gru rnn_tanh rnn_relu")


def _cell(call) -> int:
    hidden = call.hx[0] if isinstance(call.hx, (tuple, list)) else call.hx
    rows = product(call.input.shape[:-1])
    return rows * (product(call.w_ih.shape) * _wanted(call.input, call.w_ih) + product(call.w_hh.shape) * _wanted(hidden, call.w_hh))


told("backward", _cell, "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell")


def _deformed(call) -> int:
    """The gradient of the weights, and one more product for whatever the columns are made of."""
    columns = 1 if _wanted(call.input, call.offset, call.mask) else 0
    return call.rule.macs(call) * (_wanted(call.weight) + columns)


told("backward", _deformed, "torch.ops.torchvision.deform_conv2d")
