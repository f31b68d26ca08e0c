"""How Keras spells normalisations: its epsilon and its momentum are others unless they are said."""

from __future__ import annotations

from whyshape.rules.twins import Lookalike, Move, NoTwin, Twin, code, twin


@twin("batch_norm")
def batch_norm(call, last=True):
    """Momentum is told from the other end, and Keras' defaults are others."""
    if call.running_mean is None:
        return NoTwin("BatchNormalization in Keras always keeps running values")
    momentum = None if call.momentum is None else round(1 - float(call.momentum), 10)
    axis = None if last or len(call.input.shape) == 2 else 1
    off = {"scale": None if call.weight is not None else False, "center": None if call.bias is not None else False}
    moves = tuple(Move(name) for name in ("weight", "bias", "running_mean", "running_var") if getattr(call, name) is not None)
    remark = f"momentum {momentum} there is {call.momentum} here{'' if momentum == 0.99 else '; unsaid, Keras takes 0.99'}"
    if momentum is None:
        remark = "here all batches count alike, Keras forgets old ones"
    if call.training:
        remark += ". In training PyTorch's running variance divides by n - 1, Keras' by n"
    beware = unsaid_epsilon(call, code("BatchNormalization", axis=axis, **off))
    return Twin((code("BatchNormalization", axis=axis, momentum=momentum, epsilon=call.eps, **off),), moves, remark, beware)


KERAS_EPSILON = 0.001  # of every normalisation there, unless said


def unsaid_epsilon(call, step: str) -> tuple[Lookalike, ...]:
    """The same layer with Keras' own epsilon, where that is another."""
    return () if call.eps == KERAS_EPSILON else (Lookalike((step,), f"its epsilon is {KERAS_EPSILON}, here it is {call.eps}"),)


@twin("layer_norm")
def layer_norm(call, last=True):
    """Keras adds 0.001 where PyTorch adds 0.00001."""
    rank, n = len(call.input.shape), len(tuple(call.normalized_shape))
    images = last and n > 1
    if images and rank != n + 1:
        return NoTwin("with maps last these axes are no longer the last ones")
    order = (*range(1, n), 0) if images else None
    off = {"scale": None if call.weight is not None else False, "center": None if call.bias is not None else False}
    moves = tuple(Move(name, order) for name in ("weight", "bias") if getattr(call, name) is not None)
    axis = None if n == 1 else list(range(-n, 0))
    step = code("LayerNormalization", axis=axis, epsilon=call.eps, **off)
    beware = unsaid_epsilon(call, code("LayerNormalization", axis=axis, **off))
    return Twin((step,), moves, "", beware, layout="last" if images else "features" if n == 1 else "as is")


@twin("group_norm")
def group_norm(call, last=True):
    """The same groups, counted on the last axis."""
    off = {"scale": None if call.weight is not None else False, "center": None if call.bias is not None else False}
    moves = tuple(Move(name) for name in ("weight", "bias") if getattr(call, name) is not None)
    axis = None if last else 1
    groups = int(call.num_groups)
    beware = unsaid_epsilon(call, code("GroupNormalization", groups, axis=axis, **off))
    return Twin((code("GroupNormalization", groups, axis=axis, epsilon=call.eps, **off),), moves, "", beware)
