"""How Keras spells what works place by place, joins, pads and resizes."""

from __future__ import annotations

from whyshape.rules.base import axis_of, spread
from whyshape.rules.twins import Lookalike, Move, NoTwin, Twin, code, pads, twin


def _said(call, name: str, place: int, default):
    """An argument of a rule that reads none by name: given by its name, by its place after the input, or not at all."""
    rest = getattr(call, "args", ())
    return getattr(call, name, rest[place] if len(rest) > place else default)


ACTIVATIONS = {
    "sigmoid": "sigmoid", "tanh": "tanh", "silu": "silu", "softplus": "softplus", "softsign": "softsign", "selu": "selu", "mish": "mish",
    "hardswish": "hard_silu", "hardsigmoid": "hard_sigmoid", "tanhshrink": "tanh_shrink", "logsigmoid": "log_sigmoid", "exp": "exponential",
}  # fmt: skip


@twin(*ACTIVATIONS)
def activation(call, last=True):
    """Named activations are the same function."""
    if call.op == "softplus" and (_said(call, "beta", 0, 1) != 1 or _said(call, "threshold", 1, 20) != 20):
        return NoTwin("softplus in Keras has no beta")
    return Twin((code("Activation", ACTIVATIONS[call.op]),), layout="any")


@twin("gelu")
def gelu(call, last=True):
    """Exact unless asked otherwise, on both sides."""
    if _said(call, "approximate", 0, "none") == "tanh":
        exact = Lookalike(('Activation("gelu")',), "it takes the exact form, here it is the tanh form")
        return Twin(("activations.gelu(x, approximate=True)",), beware=(exact,), layout="any")
    return Twin(
        ('Activation("gelu")',), beware=(Lookalike(("ops.gelu(x)",), "it takes the tanh form unless told otherwise"),), layout="any"
    )


@twin("relu", "relu6")
def relu(call, last=True):
    """The one with a ceiling says it."""
    return Twin((code("ReLU", max_value=6.0 if call.op == "relu6" else None),), layout="any")


@twin("leaky_relu", "elu", "celu", "hardtanh")
def bent(call, last=True):
    """Activations with a number: it is said, since the defaults differ."""
    if call.op == "leaky_relu":
        slope = _said(call, "negative_slope", 0, 0.01)
        beware = () if slope == 0.3 else (Lookalike(("LeakyReLU()",), f"its slope is 0.3, here it is {slope}"),)
        return Twin((code("LeakyReLU", negative_slope=slope),), beware=beware, layout="any")
    if call.op == "hardtanh":
        low, high = _said(call, "min_val", 0, -1.0), _said(call, "max_val", 1, 1.0)
        return Twin((f"ops.clip(x, {float(low)!r}, {float(high)!r})",), layout="any")
    alpha = float(_said(call, "alpha", 0, 1.0))
    return Twin((code("ELU", alpha=alpha) if call.op == "elu" else f"activations.celu(x, alpha={alpha!r})",), layout="any")


@twin("prelu")
def prelu(call, last=True):
    """One slope for each map: shared over the places."""
    rank, slopes = len(call.input.shape), int(call.weight.shape[0])
    if rank == 2:
        return Twin(("PReLU()",), (Move("weight"),), layout="as is") if slopes == int(call.input.shape[1]) else NoTwin(
            "PReLU in Keras has no single slope for all features")  # fmt: skip
    if slopes == 1 and int(call.input.shape[1]) > 1:
        return NoTwin("PReLU in Keras has a slope for each map, here one serves all")
    places = list(range(1, rank - 1))
    remark = "new slopes start at 0 there, at 0.25 here"
    return Twin((f"PReLU(shared_axes={places})",), (Move("weight", (None,) * (rank - 2) + (0,)),), remark)


@twin("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout")
def dropout(call, last=True):
    """Active in training only; the 2d kind drops whole maps."""
    p, drawn = float(_said(call, "p", 0, 0.5)), bool(_said(call, "training", 1, True))
    if call.op in ("dropout", "alpha_dropout"):
        return Twin((code("Dropout" if call.op == "dropout" else "AlphaDropout", p),), layout="any", drawn=drawn)
    n = len(call.input.shape) - 2
    return Twin((code(f"SpatialDropout{n}D", p),), drawn=drawn) if 1 <= n <= 3 else NoTwin("Keras drops whole maps of images only")


def axis_last(dim: int, rank: int, last: bool) -> int:
    """Where an axis stands once the maps are last.

    >>> [axis_last(d, 4, True) for d in range(4)]
    [0, -1, 1, 2]
    """
    axis = axis_of(dim, rank)
    if not last or axis == 0:
        return axis
    return -1 if axis == 1 else axis - 1


@twin("softmax", "log_softmax")
def softmax(call, last=True):
    """The axis is counted in Keras' order."""
    dim = _said(call, "dim", 0, None)
    if dim is None:
        return NoTwin("softmax without a dim guesses its axis")
    axis = axis_last(dim, len(call.input.shape), last)
    axis = -1 if axis == len(call.input.shape) - 1 else axis
    if call.op == "log_softmax":
        beware = () if axis == -1 else (Lookalike(("activations.log_softmax(x)",), "unsaid, it takes the last axis"),)
        return Twin((f"activations.log_softmax(x, axis={axis})",), beware=beware, layout="any")
    beware = () if axis == -1 else (Lookalike(("Softmax()",), "unsaid, it takes the last axis"),)
    return Twin((code("Softmax", axis=None if axis == -1 else axis),), beware=beware, layout="any")


@twin("cat", "concat", "concatenate")
def cat(call, last=True):
    """Maps are stacked on the last axis."""
    axis = axis_last(call.dim, len(call.out.shape), last)
    return Twin((code("Concatenate", axis=None if axis == -1 else axis),), layout="any")


@twin("pad")
def pad(call, last=True):
    """PyTorch names the last axis first, Keras the first place first."""
    sides = [tuple(int(v) for v in call.pad[i : i + 2]) for i in range(0, len(call.pad), 2)][::-1]
    n = len(call.input.shape) - 2
    if call.mode not in ("constant", "reflect"):
        return NoTwin(f"Keras pads with a number or by reflection, not by {call.mode!r}")
    if len(sides) > n or n < 1 or n > 3:
        return NoTwin("only the places of an image are padded in Keras")
    sides = [(0, 0)] * (n - len(sides)) + sides
    if call.mode == "constant" and not call.value and all(v >= 0 for pair in sides for v in pair):
        return Twin((code(f"ZeroPadding{n}D", pads(sides)),))
    if call.mode == "constant" and all(v <= 0 for pair in sides for v in pair):
        return Twin((code(f"Cropping{n}D", pads([(-a, -b) for a, b in sides])),))
    if any(v < 0 for pair in sides for v in pair):
        return NoTwin("one layer in Keras either pads or crops")
    rest = f"constant_values={float(call.value)!r}" if call.mode == "constant" else 'mode="reflect"'
    return Twin((f"ops.pad(x, ((0, 0), {', '.join(map(str, sides))}, (0, 0)), {rest})",))


@twin("interpolate", "upsample")
def interpolate(call, last=True):
    """Whole factors have a layer; others a function that samples at pixel centres."""
    sizes, outs = call.input.shape[2:], call.out.shape[2:]
    n = len(sizes)
    kind = {"nearest": "nearest", "bilinear": "bilinear"}.get(call.mode)
    if kind is None or call.align_corners or n > 2 or call.antialias or (n == 1 and kind != "nearest"):
        return NoTwin("Keras resizes at pixel centres, nearest or bilinear", _resized(call, sizes, outs))
    factors = [int(o) / int(i) for i, o in zip(sizes, outs)]
    if all(f.is_integer() for f in factors):
        factor = tuple(int(f) for f in factors)
        mode = None if kind == "nearest" else kind
        return Twin((code(f"UpSampling{n}D", factor, interpolation=mode),))
    if call.scale_factor is not None and kind == "bilinear" and not call.recompute_scale_factor:
        scales = spread(call.scale_factor, n, "scale_factor") if isinstance(call.scale_factor, tuple) else (call.scale_factor,) * n
        if any(int(i) * f != int(o) for i, f, o in zip(sizes, scales, outs)):
            beware = Lookalike((_resize(outs, "bilinear"),), "it steps by the sizes, here by the factor")
            return NoTwin("PyTorch steps by the factor asked for, Keras by the sizes that come out", (beware,))
    if kind == "nearest":
        return NoTwin("nearest cells are rounded another way where the factor is not whole")
    return Twin((_resize(outs, "bilinear"),))


def _resize(outs, kind: str) -> str:
    return f'ops.image.resize(x, {tuple(int(o) for o in outs)}, interpolation="{kind}", antialias=False)'


def _resized(call, sizes, outs) -> tuple[Lookalike, ...]:
    """What Keras' own way of resizing a picture to this size does differently."""
    changed = len(sizes) == 2 and any(int(i) != int(o) for i, o in zip(sizes, outs))
    if not changed or not call.align_corners or call.mode not in ("bilinear", "bicubic"):
        return ()
    return (Lookalike((_resize(outs, call.mode),), "it samples at pixel centres, here corners lie on corners"),)
