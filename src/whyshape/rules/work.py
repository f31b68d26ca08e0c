"""How much an operator computes besides its shape: what is multiplied with what, other elementary work, published conventions.

The unit of elementary work is one addition, multiplication, comparison or function value (an exponential counts one, and so does a whole
activation function). A norm with its own statistics makes five passes over its numbers, two more to scale and shift; with given
statistics only those two. A softmax makes five. What only moves numbers computes nothing.
"""

from __future__ import annotations

from whyshape.rules.base import told
from whyshape.sizes import product

told("factors", lambda call: (call.input, call.weight), *[f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")], "linear")
told("factors", lambda call: (call.input, call.other), "matmul", "Tensor.__matmul__", "Tensor.__imatmul__", "Tensor.__rmatmul__")
told("factors", lambda call: (call.input, call.mat2), "mm", "bmm")


def _numbers(tensor) -> int:
    return product(tensor.shape)


def _bias(call) -> int:
    return 0 if call.bias is None else _numbers(call.out)


def _one_out(out):
    while isinstance(out, list):
        out = out[0]
    return out


def _statistics(call) -> int:
    return _numbers(call.input) * (5 + (call.weight is not None) + (call.bias is not None))


def _batch_norm(call) -> int:
    return _statistics(call) if call.training or call.running_mean is None else 2 * _numbers(call.input)


def _window_cells(call) -> int:
    return product(w.size for w in call.rule.reach(call).values())


told("work", _bias, *[f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")], "linear")
told(
    "work",
    0,
    "matmul",
    "Tensor.__matmul__",
    "Tensor.__imatmul__",
    "Tensor.__rmatmul__",
    "mm",
    "bmm",
    "einsum",
    "mv",
    "dot",
    "inner",
    "outer",
)
told("work", _statistics, "layer_norm", "group_norm", "instance_norm")
told("work", lambda call: _numbers(call.input) * (3 + (call.weight is not None)), "rms_norm")
told("work", _batch_norm, "batch_norm")
told("work", lambda call: 5 * _numbers(call.out), "softmax", "log_softmax", "softmin")
told("work", lambda call: _numbers(_one_out(call.out)) * _window_cells(call),
     *[f"avg_pool{n}d" for n in (1, 2, 3)], *[f"max_pool{n}d{w}" for n in (1, 2, 3) for w in ("", "_with_indices")])  # fmt: skip
told("work", lambda call: _numbers(call.input),
     *[f"adaptive_{kind}{n}d{w}" for n in (1, 2, 3) for kind, w in (("avg_pool", ""), ("max_pool", ""), ("max_pool", "_with_indices"))],
     """mean sum prod amax amin max min argmax argmin all any std var norm logsumexp cumsum cumprod median nansum
     nanmean""")  # fmt: skip
told("work", lambda call: {"nearest": 0, "nearest-exact": 0, "linear": 3, "bilinear": 7, "trilinear": 15, "bicubic": 31}.get(call.mode, 0)
     * _numbers(call.out), "interpolate")  # fmt: skip
told("work", 0, """cat concat concatenate stack pad clone contiguous detach Tensor.to Tensor.float Tensor.half Tensor.type
    Tensor.type_as Tensor.cpu Tensor.cuda Tensor.__getitem__ Tensor.__setitem__ index_put index_select gather scatter
    Tensor.repeat tile repeat_interleave roll flip fliplr flipud embedding tril triu masked_fill where pixel_shuffle
    pixel_unshuffle channel_shuffle fold zeros ones empty full arange eye zeros_like ones_like empty_like full_like
    rand randn Tensor.new_zeros Tensor.new_ones Tensor.new_full Tensor.new_empty fill meshgrid linspace one_hot
    max_unpool2d Tensor.requires_grad_""")  # fmt: skip


def drops(call) -> bool:
    """Whether a dropout drops: it is in training mode, and its probability is not zero."""
    return bool(call.training and getattr(call, "train", True) and call.p)


DROPOUTS = "dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout"
told("work", lambda call: 2 * _numbers(call.out) if drops(call) else 0, DROPOUTS)
# The result is the very tensor that came in.
told("itself", lambda call: not drops(call), DROPOUTS)
told(
    "itself",
    lambda call: call.out.dtype == call.input.dtype,
    "Tensor.to Tensor.float Tensor.double Tensor.half Tensor.bfloat16 Tensor.type_as",
)


# -- fvcore's own factors ----------------------------------------------------------------------------------------------
told("fvcore", lambda call: _numbers(call.input) * ((5 if call.weight is not None else 4) if call.training
     else 2 if call.weight is not None else 1), "batch_norm")  # fmt: skip
told("fvcore", lambda call: _numbers(call.input) * (5 if call.weight is not None else 4), "layer_norm", "group_norm", "instance_norm")
told("fvcore", lambda call: _numbers(call.input), "adaptive_avg_pool2d")
told("fvcore", lambda call: {"nearest": 1, "bilinear": 4}.get(call.mode, 0) * _numbers(call.out) if len(call.out.shape) == 4 else 0,
     "interpolate")  # fmt: skip
told("fvcore", lambda call: 4 * _numbers(call.out), "grid_sample", "grid_sampler")
told("fvcore", 0, """scaled_dot_product_attention baddbmm mv dot bilinear rms_norm lstm gru rnn_tanh rnn_relu lstm_cell gru_cell
     rnn_tanh_cell rnn_relu_cell""")  # fmt: skip

# -- what there is one of for each place on a parameter's first axis ---------------------------------------------------
told("nouns", {"weight": "kernels", "bias": "biases"}, *[f"conv{n}d" for n in (1, 2, 3)])
told("nouns", {"weight": "input maps", "bias": "biases"}, *[f"conv_transpose{n}d" for n in (1, 2, 3)])
told("nouns", {"weight": "outputs", "bias": "biases"}, "linear")
told("nouns", {"weight": "scales", "bias": "shifts", "running_mean": "means", "running_var": "variances"},
     "batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm")  # fmt: skip
told("nouns", {"weight": "rows"}, "embedding", "embedding_bag")
told("nouns", {"weight": "slopes"}, "prelu")
