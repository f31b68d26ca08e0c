"""Which operators of a file are read with all that they compute, and not for their sizes alone.

A graph made of a file answers for sizes; an attribute that no size depends on may be passed over. Whoever asks whether a file computes
the same as a model must know where that was so: such calls are listed in ``Graph.sized``.
"""

from __future__ import annotations

from math import isclose
from typing import Any

from whyshape.readers.onnx.known import Known

ANY = object()
WINDOW: dict[str, Any] = {"kernel_shape": ANY, "strides": ANY, "pads": ANY, "dilations": ANY, "auto_pad": ANY}
AXES: dict[str, Any] = {"axes": ANY, "keepdims": ANY, "noop_with_empty_axes": ANY}
PLAIN = """Relu Sigmoid Tanh Erf Abs Neg Sign Floor Ceil Exp Log Sqrt Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh
BitwiseNot Not HardSwish Softplus Softsign Mish Identity Pow Equal Less Greater LessOrEqual GreaterOrEqual And Or Xor BitwiseAnd BitwiseOr
BitwiseXor Where MatMul Sum Max Min PRelu Shape Expand Tile IsNaN Reshape GlobalAveragePool Constant"""
# By operator: the attributes it may carry, with the only value of each that PyTorch's operator means.
FAITHFUL: dict[str, dict[str, Any]] = {
    **{name: {} for name in PLAIN.split()},
    **{name: {"axis": ANY, "broadcast": ANY} for name in ("Add", "Sub", "Mul", "Div")},
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceLogSumExp"), AXES),
    **{name: {"axis": ANY} for name in ("Softmax", "LogSoftmax", "Flatten", "Concat", "Gather", "GatherElements")},
    **{name: {"axis": ANY, "keepdims": ANY, "select_last_index": 0} for name in ("ArgMax", "ArgMin")},
    "Reshape": {"allowzero": ANY, "shape": ANY}, "LeakyRelu": {"alpha": ANY}, "Elu": {"alpha": 1.0}, "HardSigmoid": {"alpha": 1 / 6, "beta": 0.5},
    "Gelu": {"approximate": ANY}, "Clip": {"min": ANY, "max": ANY}, "Cast": {"to": ANY, "saturate": 1}, "Dropout": {"ratio": ANY, "seed": ANY},
    "BatchNormalization": {"epsilon": ANY, "momentum": ANY, "training_mode": 0, "spatial": 1}, "InstanceNormalization": {"epsilon": ANY},
    "LayerNormalization": {"axis": ANY, "epsilon": ANY, "stash_type": 1}, "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": ANY, "transB": ANY},
    "Conv": {**WINDOW, "group": ANY}, "ConvTranspose": {**WINDOW, "group": ANY, "output_padding": ANY, "output_shape": ANY},
    "MaxPool": {**WINDOW, "ceil_mode": ANY, "storage_order": 0}, "AveragePool": {**WINDOW, "ceil_mode": ANY, "count_include_pad": ANY},
    "Transpose": {"perm": ANY}, "Squeeze": {"axes": ANY}, "Unsqueeze": {"axes": ANY}, "Split": {"axis": ANY, "split": ANY, "num_outputs": ANY},
    "Slice": {"axes": ANY, "starts": ANY, "ends": ANY}, "TopK": {"axis": ANY, "largest": 1, "sorted": 1}, "Einsum": {"equation": ANY},
    "Pad": {"mode": "constant", "pads": ANY, "value": ANY}, "DepthToSpace": {"blocksize": ANY, "mode": "CRD"},
}  # fmt: skip
NEEDED = {"HardSigmoid": ("alpha",), "DepthToSpace": ("mode",)}  # what they mean without is another thing
STAND_FOR = {"nearest": ("asymmetric", "floor"), "linear": ("half_pixel", None), "cubic": ("half_pixel", None)}


def faithful(op: Any, made: int) -> bool:
    """Whether the operator, read as ``made`` calls, was read with all that it computes."""
    record = op.record
    if record.op == "Resize":
        return _resized(op)
    allowed = FAITHFUL.get(record.op) if record.domain in ("", "ai.onnx") else None
    if allowed is None or not all(_means(op.attr(name), allowed.get(name)) for name in record.attributes):
        return False
    if any(name not in record.attributes for name in NEEDED.get(record.op, ())):
        return False
    first = op.inputs[0] if op.inputs else None
    rank = len(getattr(first, "shape", ()))
    if record.op in ("Softmax", "LogSoftmax") and op.opset < 13:  # all axes from that one on at once
        return op.attr("axis", 1) in (-1, rank - 1)
    if record.op == "Pad":
        value = op.inputs[2] if op.has(2) else op.attr("value", 0)
        return (value.items if isinstance(value, Known) else (value,)) in ((0,), ())
    if record.op in ("MaxPool", "AveragePool"):
        return made == 1  # padded aside: not with what PyTorch pads with
    if record.op == "Clip":
        return all(isinstance(v, Known) for v in op.inputs[1:] if v is not None)
    if record.op in ("Div", "Floor"):
        return str(getattr(first, "dtype", "")).startswith(("float", "bfloat"))
    if record.op == "LayerNormalization":
        return op.x(1).shape == tuple(first.shape[op.attr("axis", -1) % rank :]) if first is not None else False
    return record.op != "Dropout" or op.outputs == 1


def _means(value: Any, wanted: Any) -> bool:
    if wanted is ANY:
        return True
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return isclose(value, wanted, rel_tol=1e-5) if isinstance(wanted, (int, float)) and isinstance(value, (int, float)) else value == wanted


def _resized(op: Any) -> bool:
    text = lambda name, default: str(op.attr(name, default))
    turn, near = STAND_FOR.get(text("mode", "nearest"), ("", ""))
    said = text("coordinate_transformation_mode", "half_pixel")
    same = said == turn or (turn == "half_pixel" and said == "pytorch_half_pixel")
    usual = text("keep_aspect_ratio_policy", "stretch") == "stretch" and not op.attr("antialias", 0) and not op.attr("exclude_outside", 0)
    cubic = turn != "half_pixel" or text("mode", "") != "cubic" or isclose(op.attr("cubic_coeff_a", -0.75), -0.75)
    return same and usual and cubic and (near is None or text("nearest_mode", "round_prefer_floor") == near)


__all__ = ["faithful"]
